using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.Integer;
using Emu.Cpu.Memory;
using Emu.Cpu.Segmentation;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Supervisor;

/// <summary>MOV, PUSH and POP of segment registers, and the loads of far pointers: LDS, LES, LFS, LGS, LSS (SDM Vol. 2).</summary>
internal static unsafe class SegmentInstructions
{
    /// <summary>Enters the family.</summary>
    public static void Register(InstructionTable table)
    {
        table.Add(Code.Mov_Sreg_rm16, &BindLoad);
        table.Add(Code.Mov_Sreg_r32m16, &BindLoad);
        table.Add(Code.Mov_Sreg_r64m16, &BindLoad);
        table.Add(Code.Mov_rm16_Sreg, &BindStore);
        table.Add(Code.Mov_r32m16_Sreg, &BindStore);
        table.Add(Code.Mov_r64m16_Sreg, &BindStore);
        foreach (var code in (Code[])[Code.Pushw_ES, Code.Pushw_CS, Code.Pushw_SS, Code.Pushw_DS, Code.Pushw_FS, Code.Pushw_GS])
            table.Add(code, &BindPush<ushort>);
        foreach (var code in (Code[])[Code.Pushd_ES, Code.Pushd_CS, Code.Pushd_SS, Code.Pushd_DS, Code.Pushd_FS, Code.Pushd_GS])
            table.Add(code, &BindPush<uint>);
        foreach (var code in (Code[])[Code.Pushq_FS, Code.Pushq_GS])
            table.Add(code, &BindPush<ulong>);
        foreach (var code in (Code[])[Code.Popw_ES, Code.Popw_SS, Code.Popw_DS, Code.Popw_FS, Code.Popw_GS])
            table.Add(code, &BindPop<ushort>);
        foreach (var code in (Code[])[Code.Popd_ES, Code.Popd_SS, Code.Popd_DS, Code.Popd_FS, Code.Popd_GS])
            table.Add(code, &BindPop<uint>);
        foreach (var code in (Code[])[Code.Popq_FS, Code.Popq_GS])
            table.Add(code, &BindPop<ulong>);
        table.Add(Mnemonic.Lds, &BindFarPointer);
        table.Add(Mnemonic.Les, &BindFarPointer);
        table.Add(Mnemonic.Lfs, &BindFarPointer);
        table.Add(Mnemonic.Lgs, &BindFarPointer);
        table.Add(Mnemonic.Lss, &BindFarPointer);
    }

    private static void BindLoad(ref Operands operands)
    {
        var op = operands.Op;
        op->Destination = operands.RegisterOf(0);
        if (op->Destination == (byte)SegmentName.Cs)
        {
            op->Handler = &Undefined.RaiseUndefined;
            operands.EndsBlock = true;
            return;
        }
        if (operands.IsRegister(1))
        {
            op->Source = operands.RegisterOf(1);
            op->Handler = &Load<RegisterWord>;
        }
        else
        {
            op->Handler = &Load<MemoryWord>;
        }
    }

    private static void BindStore(ref Operands operands)
    {
        var op = operands.Op;
        op->Source = operands.RegisterOf(1);
        op->Handler = WordResult.Take(ref operands, 0) ? &StoreToRegister : &StoreToMemory;
    }

    private static void BindPush<T>(ref Operands operands) where T : unmanaged
    {
        operands.Op->Source = operands.RegisterOf(0);
        operands.Op->Handler = operands.Is64 ? &Push<LongStack, T> : &Push<SegmentedStack, T>;
    }

    private static void BindPop<T>(ref Operands operands) where T : unmanaged
    {
        operands.Op->Destination = operands.RegisterOf(0);
        operands.Op->Handler = operands.Is64 ? &Pop<LongStack, T> : &Pop<SegmentedStack, T>;
    }

    private static void BindFarPointer(ref Operands operands)
    {
        var op = operands.Op;
        op->Destination = operands.RegisterOf(0);
        op->Source = (byte)(operands.Instruction.Mnemonic switch
        {
            Mnemonic.Lds => SegmentName.Ds,
            Mnemonic.Les => SegmentName.Es,
            Mnemonic.Lfs => SegmentName.Fs,
            Mnemonic.Lgs => SegmentName.Gs,
            _ => SegmentName.Ss,
        });
        op->Handler = operands.SizeOf(0) switch { 2 => &LoadFarPointer<ushort>, 4 => &LoadFarPointer<uint>, _ => &LoadFarPointer<ulong> };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Load<TSource>(Vcpu vcpu, CpuState* s, Op* op)
        where TSource : IWordSource
    {
        var selector = TSource.Read(vcpu, s, op);
        if (selector < 0 || !TryLoad(vcpu, op, op->Destination, (ushort)selector))
            return;
        if (MustLeave(vcpu, s, op, op->Destination))
        {
            Chain.Leave(s, op);
            return;
        }
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void StoreToRegister(Vcpu vcpu, CpuState* s, Op* op)
    {
        WordResult.ToRegister(s, op, s->Segments[op->Source].Selector);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void StoreToMemory(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Operand.Write<SegmentedAddress, ushort>(vcpu, s, op, s->Segments[op->Source].Selector))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Push<TStack, T>(Vcpu vcpu, CpuState* s, Op* op)
        where TStack : IStack
        where T : unmanaged
    {
        if (!Stack.Push<TStack, T>(vcpu, s, op, Width.Truncate<T>(s->Segments[op->Source].Selector)))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pop<TStack, T>(Vcpu vcpu, CpuState* s, Op* op)
        where TStack : IStack
        where T : unmanaged
    {
        var top = Stack.Top<TStack, T>(vcpu, s, op);
        if (top == null)
            return;
        // The pointer moves by the old SS; POP SS changes what its width is.
        var pointer = TStack.Pointer(s) + (ulong)sizeof(T);
        var isStack16 = !vcpu.Is64BitCode && (s->Segments[(int)SegmentName.Ss].Attributes & SegmentAttributes.Default32) == 0;
        if (!TryLoad(vcpu, op, op->Destination, (ushort)Width.ZeroExtend(*top)))
            return;
        if (isStack16)
            *(ushort*)&s->Registers[4] = (ushort)pointer;
        else
            s->Registers[4] = vcpu.Is64BitCode ? pointer : (uint)pointer;
        if (MustLeave(vcpu, s, op, op->Destination))
        {
            Chain.Leave(s, op);
            return;
        }
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LoadFarPointer<T>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
    {
        var place = Operand.Read<SegmentedAddress, T>(vcpu, s, op);
        if (place == null)
            return;
        var offset = *place;
        var selector = Operand.ReadAt<ushort>(vcpu, s, op, DistantAddress.Linear(vcpu, s, op, (ulong)sizeof(T), sizeof(ushort), false));
        if (selector == null || !TryLoad(vcpu, op, op->Source, *selector))
            return;
        Step.Set(s, op->Destination, offset);
        if (MustLeave(vcpu, s, op, (byte)SegmentName.Es))
        {
            Chain.Leave(s, op);
            return;
        }
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryLoad(Vcpu vcpu, Op* op, byte name, ushort selector) =>
        SegmentLoads.TryLoad(vcpu, (SegmentName)name, selector) || vcpu.RaiseFailure(op);

    // After MOV SS and POP SS one more instruction runs before any event; a new code mode needs other blocks.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool MustLeave(Vcpu vcpu, CpuState* s, Op* op, byte name)
    {
        var mode = vcpu.CodeMode;
        if (!vcpu.Is64BitCode)
            vcpu.UpdateMode();
        if (name == (byte)SegmentName.Ss)
        {
            // Of several in a row Intel promises it for the first alone (SDM Vol. 3, 6.8.3); on AMD's processors each does it.
            var retired = vcpu.RetiredAfter(op);
            if (s->StackShadowAt != retired - 1 || vcpu.Model.Vendor == CpuVendor.Amd)
                s->StackShadowAt = retired;
            if (s->Pending != 0 || (s->SystemFlags & Rflags.Trap) != 0)
                return true;
        }
        return vcpu.CodeMode != mode;
    }
}
