using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Supervisor;

/// <summary>CLI, STI, CLAC, STAC, PUSHF and POPF (SDM Vol. 2).</summary>
/// <remarks>
/// None of them ends its block: what raises events leaves it only where one waits. VME and PVI are not part of the CPU.
/// </remarks>
internal static unsafe class FlagInstructions
{
    private const ulong PoppedAlways = Rflags.Trap | Rflags.Direction | Rflags.NestedTask;

    /// <summary>Enters the family.</summary>
    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Cli, &BindCli);
        table.Add(Mnemonic.Sti, &BindSti);
        table.Add(Mnemonic.Clac, &BindClac);
        table.Add(Mnemonic.Stac, &BindStac);
        table.Add(Mnemonic.Pushf, &BindPush<ushort>);
        table.Add(Mnemonic.Pushfd, &BindPush<uint>);
        table.Add(Mnemonic.Pushfq, &BindPush<ulong>);
        table.Add(Mnemonic.Popf, &BindPop<ushort>);
        table.Add(Mnemonic.Popfd, &BindPop<uint>);
        table.Add(Mnemonic.Popfq, &BindPop<ulong>);
    }

    private static void BindCli(ref Operands operands) => operands.Op->Handler = &Cli;

    private static void BindSti(ref Operands operands) => operands.Op->Handler = &Sti;

    private static void BindClac(ref Operands operands) => operands.Op->Handler = &Clac;

    private static void BindStac(ref Operands operands) => operands.Op->Handler = &Stac;

    private static void BindPush<T>(ref Operands operands) where T : unmanaged =>
        operands.Op->Handler = operands.Is64 ? &Push<LongStack, T> : &Push<SegmentedStack, T>;

    private static void BindPop<T>(ref Operands operands) where T : unmanaged =>
        operands.Op->Handler = operands.Is64 ? &Pop<LongStack, T> : &Pop<SegmentedStack, T>;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Cli(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Privilege.IsWithinIopl(vcpu, s, op))
            return;
        s->SystemFlags &= ~Rflags.Interrupt;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sti(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Privilege.IsWithinIopl(vcpu, s, op))
            return;
        if ((s->SystemFlags & Rflags.Interrupt) == 0)
        {
            s->SystemFlags |= Rflags.Interrupt;
            s->InterruptShadowAt = vcpu.RetiredAfter(op);
            if (s->Pending != 0)
            {
                Chain.Leave(s, op);
                return;
            }
        }
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Clac(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (s->Cpl != 0)
        {
            vcpu.RaiseFault(op, ExceptionVector.InvalidOpcode);
            return;
        }
        s->SystemFlags &= ~Rflags.AlignmentCheck;
        vcpu.UpdateDataBank();
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Stac(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (s->Cpl != 0)
        {
            vcpu.RaiseFault(op, ExceptionVector.InvalidOpcode);
            return;
        }
        s->SystemFlags |= Rflags.AlignmentCheck;
        vcpu.UpdateDataBank();
        Step.Next(vcpu, s, op);
    }

    // RF and VM are pushed as zero.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Push<TStack, T>(Vcpu vcpu, CpuState* s, Op* op)
        where TStack : IStack
        where T : unmanaged
    {
        if ((s->SystemFlags & Rflags.Virtual8086) != 0 && !Privilege.IsWithinIopl(vcpu, s, op))
            return;
        var value = (s->SystemFlags & ~(Rflags.Resume | Rflags.Virtual8086)) | s->Flags.ToRflags();
        if (!Stack.Push<TStack, T>(vcpu, s, op, Width.Truncate<T>(value)))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pop<TStack, T>(Vcpu vcpu, CpuState* s, Op* op)
        where TStack : IStack
        where T : unmanaged
    {
        if ((s->SystemFlags & Rflags.Virtual8086) != 0 && !Privilege.IsWithinIopl(vcpu, s, op))
            return;
        var top = Stack.Top<TStack, T>(vcpu, s, op);
        if (top == null)
            return;
        var value = Width.ZeroExtend(*top);
        Stack.Drop<TStack>(s, sizeof(T));
        var mask = PoppedAlways;
        if (s->Cpl <= Privilege.Iopl(s))
            mask |= Rflags.Interrupt;
        if (s->Cpl == 0)
            mask |= Rflags.IoPrivilege;
        if (sizeof(T) != 2)
            mask |= Rflags.AlignmentCheck | Rflags.Identification;
        var before = s->SystemFlags;
        s->Flags.SetFrom(value);
        s->SystemFlags = ((before & ~mask) | (value & mask)) & ~Rflags.Resume;
        var changed = before ^ s->SystemFlags;
        if ((changed & Rflags.AlignmentCheck) != 0)
            vcpu.UpdateDataBank();
        if ((s->SystemFlags & Rflags.Trap) != 0 || ((s->SystemFlags & Rflags.Interrupt) != 0 && s->Pending != 0))
        {
            Chain.Leave(s, op);
            return;
        }
        Step.Next(vcpu, s, op);
    }
}
