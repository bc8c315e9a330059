using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.Segmentation;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Supervisor;

/// <summary>LGDT, LIDT, SGDT, SIDT, LLDT, LTR, SLDT and STR (SDM Vol. 2).</summary>
internal static unsafe class DescriptorTableInstructions
{
    /// <summary>Enters the family.</summary>
    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Lgdt, &BindTable);
        table.Add(Mnemonic.Lidt, &BindTable);
        table.Add(Mnemonic.Sgdt, &BindTable);
        table.Add(Mnemonic.Sidt, &BindTable);
        table.Add(Mnemonic.Lldt, &BindLldt);
        table.Add(Mnemonic.Ltr, &BindLtr);
        table.Add(Mnemonic.Sldt, &BindStore);
        table.Add(Mnemonic.Str, &BindStore);
    }

    private static void BindTable(ref Operands operands)
    {
        var op = operands.Op;
        // Bytes of the base that count: three with a 16-bit operand size.
        op->Source = operands.Instruction.Code switch
        {
            Code.Lgdt_m1632_16 or Code.Lidt_m1632_16 => 3,
            Code.Lgdt_m1632 or Code.Lidt_m1632 or Code.Sgdt_m1632_16 or Code.Sidt_m1632_16 or Code.Sgdt_m1632 or Code.Sidt_m1632 => 4,
            _ => 8,
        };
        op->Handler = operands.Instruction.Mnemonic switch
        {
            Mnemonic.Lgdt => &LoadTable<Global>,
            Mnemonic.Lidt => &LoadTable<Interrupt>,
            Mnemonic.Sgdt => &StoreTable<Global>,
            _ => &StoreTable<Interrupt>,
        };
    }

    private static void BindLldt(ref Operands operands)
    {
        TakeSource(ref operands);
        operands.Op->Handler = operands.IsRegister(0) ? &Lldt<RegisterWord> : &Lldt<MemoryWord>;
    }

    private static void BindLtr(ref Operands operands)
    {
        TakeSource(ref operands);
        operands.Op->Handler = operands.IsRegister(0) ? &Ltr<RegisterWord> : &Ltr<MemoryWord>;
    }

    private static void TakeSource(ref Operands operands)
    {
        if (operands.IsRegister(0))
            operands.Op->Source = operands.RegisterOf(0);
    }

    private static void BindStore(ref Operands operands)
    {
        operands.Op->Source = (byte)(operands.Instruction.Mnemonic == Mnemonic.Sldt ? SegmentName.Ldtr : SegmentName.Tr);
        operands.Op->Handler = WordResult.Take(ref operands, 0) ? &StoreToRegister : &StoreToMemory;
    }

    private interface ITable
    {
        static abstract ref DescriptorTableRegister Of(CpuState* s);
    }

    private readonly struct Global : ITable
    {
        public static ref DescriptorTableRegister Of(CpuState* s) => ref s->Gdtr;
    }

    private readonly struct Interrupt : ITable
    {
        public static ref DescriptorTableRegister Of(CpuState* s) => ref s->Idtr;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LoadTable<TTable>(Vcpu vcpu, CpuState* s, Op* op)
        where TTable : ITable
    {
        if (!TryLoadTable(vcpu, s, op, ref TTable.Of(s)))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void StoreTable<TTable>(Vcpu vcpu, CpuState* s, Op* op)
        where TTable : ITable
    {
        if (!TryStoreTable(vcpu, s, op, ref TTable.Of(s)))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryLoadTable(Vcpu vcpu, CpuState* s, Op* op, ref DescriptorTableRegister table)
    {
        if (!Privilege.IsKernel(vcpu, s, op))
            return false;
        var linear = SegmentedAddress.Linear(vcpu, s, op, op->Source == 8 ? 10 : 6, false);
        var limit = Operand.ReadAt<ushort>(vcpu, s, op, linear);
        if (limit == null)
            return false;
        var newLimit = *limit;
        ulong newBase;
        if (op->Source == 8)
        {
            var place = Operand.ReadAt<ulong>(vcpu, s, op, linear + 2);
            if (place == null)
                return false;
            newBase = *place;
            if (!vcpu.IsCanonicalBase(newBase))
                return vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
        }
        else
        {
            var place = Operand.ReadAt<uint>(vcpu, s, op, (uint)(linear + 2));
            if (place == null)
                return false;
            newBase = op->Source == 3 ? *place & 0xFF_FFFF : *place;
        }
        table.Base = newBase;
        table.Limit = newLimit;
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryStoreTable(Vcpu vcpu, CpuState* s, Op* op, ref DescriptorTableRegister table)
    {
        if (!Privilege.IsAllowedByUmip(vcpu, s, op))
            return false;
        var size = op->Source == 8 ? 10 : 6;
        var linear = SegmentedAddress.Linear(vcpu, s, op, size, true);
        var segment = (SegmentName)op->Segment;
        // The limit's fault, if any, is the base's too: probing the whole first keeps the store in one piece.
        if (!vcpu.ProbeWrite(op, linear, size, segment))
            return false;
        if (op->Source == 8)
        {
            return Operand.WriteAt(vcpu, s, op, linear, (ushort)table.Limit)
                && Operand.WriteAt(vcpu, s, op, linear + 2, table.Base);
        }
        return Operand.WriteAt(vcpu, s, op, linear, (ushort)table.Limit)
            && Operand.WriteAt(vcpu, s, op, (uint)(linear + 2), (uint)table.Base);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Lldt<TSource>(Vcpu vcpu, CpuState* s, Op* op)
        where TSource : IWordSource
    {
        if (!Privilege.IsProtected(vcpu, op) || !Privilege.IsKernel(vcpu, s, op))
            return;
        var selector = TSource.Read(vcpu, s, op);
        if (selector < 0 || !TryLoadSystem(vcpu, op, SegmentName.Ldtr, (ushort)selector))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Ltr<TSource>(Vcpu vcpu, CpuState* s, Op* op)
        where TSource : IWordSource
    {
        if (!Privilege.IsProtected(vcpu, op) || !Privilege.IsKernel(vcpu, s, op))
            return;
        var selector = TSource.Read(vcpu, s, op);
        if (selector < 0 || !TryLoadSystem(vcpu, op, SegmentName.Tr, (ushort)selector))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryLoadSystem(Vcpu vcpu, Op* op, SegmentName name, ushort selector)
    {
        var done = name == SegmentName.Ldtr ? SystemSegments.TryLoadLdt(vcpu, selector) : SystemSegments.TryLoadTask(vcpu, selector);
        return done || vcpu.RaiseFailure(op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void StoreToRegister(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Privilege.IsProtected(vcpu, op) || !Privilege.IsAllowedByUmip(vcpu, s, op))
            return;
        WordResult.ToRegister(s, op, s->Segments[op->Source].Selector);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void StoreToMemory(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Privilege.IsProtected(vcpu, op) || !Privilege.IsAllowedByUmip(vcpu, s, op)
            || !Operand.Write<SegmentedAddress, ushort>(vcpu, s, op, s->Segments[op->Source].Selector))
        {
            return;
        }
        Step.Next(vcpu, s, op);
    }
}
