using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.Segmentation;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Supervisor;

/// <summary>CLI, STI, CLAC, STAC, PUSHF and POPF (SDM Vol. 2).</summary>
/// <remarks>
/// None of them ends its block: what raises events leaves it only where one waits.
/// Where IOPL forbids a change of IF, the virtual-8086 mode extensions and protected-mode virtual interrupts (SDM Vol. 3, 21.3 and 21.4)
/// give a program VIF instead: see <see cref="Privilege.HasVirtualInterrupts"/>.
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

    /// <summary>What PUSHF pushes: RF and VM as zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Pushed(CpuState* s, ref ArithmeticFlags flags) =>
        (s->SystemFlags & ~(Rflags.Resume | Rflags.Virtual8086)) | flags.ToRflags();

    private static void BindCli(ref Operands operands)
    {
        operands.Op->Handler = &Cli;
        if (operands.IsForCompiler)
            operands.Emission = new ClearInterruptEmission();
    }

    private static void BindSti(ref Operands operands) => operands.Op->Handler = &Sti;

    private static void BindClac(ref Operands operands) => operands.Op->Handler = &Clac;

    private static void BindStac(ref Operands operands) => operands.Op->Handler = &Stac;

    private static void BindPush<T>(ref Operands operands) where T : unmanaged
    {
        operands.Op->Handler = operands.Is64 ? &Push<LongStack, T> : &Push<SegmentedStack, T>;
        if (operands.IsForCompiler && sizeof(T) == 8)
            operands.Emission = new PushFlagsEmission();
    }

    private static void BindPop<T>(ref Operands operands) where T : unmanaged =>
        operands.Op->Handler = operands.Is64 ? &Pop<LongStack, T> : &Pop<SegmentedStack, T>;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Cli(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (s->Cpl <= Privilege.Iopl(s))
        {
            s->SystemFlags &= ~Rflags.Interrupt;
        }
        else if (Privilege.HasVirtualInterrupts(s))
        {
            s->SystemFlags &= ~Rflags.VirtualInterrupt;
        }
        else
        {
            vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
            return;
        }
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sti(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (s->Cpl > Privilege.Iopl(s))
        {
            // An interrupt that waits for VIF is the monitor's to deliver.
            if (!Privilege.HasVirtualInterrupts(s) || (s->SystemFlags & Rflags.VirtualInterruptPending) != 0)
            {
                vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
                return;
            }
            s->SystemFlags |= Rflags.VirtualInterrupt;
        }
        else if ((s->SystemFlags & Rflags.Interrupt) == 0)
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Push<TStack, T>(Vcpu vcpu, CpuState* s, Op* op)
        where TStack : IStack
        where T : unmanaged
    {
        var value = Pushed(s, ref s->Flags);
        if ((s->SystemFlags & Rflags.Virtual8086) != 0 && Privilege.Iopl(s) != 3)
        {
            if (sizeof(T) != 2 || !Privilege.HasVirtualInterrupts(s))
            {
                vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
                return;
            }
            value = VirtualInterrupts.FlagsForProgram(value);
        }
        if (!Stack.Push<TStack, T>(vcpu, s, op, Width.Truncate<T>(value)))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pop<TStack, T>(Vcpu vcpu, CpuState* s, Op* op)
        where TStack : IStack
        where T : unmanaged
    {
        var isVirtual = (s->SystemFlags & Rflags.Virtual8086) != 0 && Privilege.Iopl(s) != 3;
        if (isVirtual && (sizeof(T) != 2 || !Privilege.HasVirtualInterrupts(s)))
        {
            vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
            return;
        }
        var top = Stack.Top<TStack, T>(vcpu, s, op);
        if (top == null)
            return;
        var value = Width.ZeroExtend(*top);
        var mask = PoppedAlways;
        if (isVirtual)
        {
            if (VirtualInterrupts.AreRefused(s, value))
            {
                vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
                return;
            }
            value = VirtualInterrupts.FlagsFromProgram(value);
            mask |= Rflags.VirtualInterrupt;
        }
        Stack.Drop<TStack>(s, sizeof(T));
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
