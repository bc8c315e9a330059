using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.Integer;
using Emu.Cpu.Memory;
using Emu.Cpu.Platform;
using Emu.Cpu.Segmentation;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Supervisor;

/// <summary>LGDT, LIDT, SGDT, SIDT, LLDT, LTR, SLDT and STR (SDM Vol. 2).</summary>
internal static unsafe class DescriptorTableInstructions
{
    // The base follows the limit's word.
    private const int BaseAt = 2;

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
        static abstract SystemTable Table { get; }

        static abstract ref DescriptorTableRegister Of(CpuState* s);
    }

    private readonly struct Global : ITable
    {
        public static SystemTable Table => SystemTable.Global;

        public static ref DescriptorTableRegister Of(CpuState* s) => ref s->Gdtr;
    }

    private readonly struct Interrupt : ITable
    {
        public static SystemTable Table => SystemTable.Interrupt;

        public static ref DescriptorTableRegister Of(CpuState* s) => ref s->Idtr;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LoadTable<TTable>(Vcpu vcpu, CpuState* s, Op* op)
        where TTable : ITable
    {
        if (!TryLoadTable(vcpu, s, op, ref TTable.Of(s)))
            return;
        if (vcpu.SystemObserver != null)
            vcpu.ReportTable(op, TTable.Table);
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
        var limit = Operand.Read<SegmentedAddress, ushort>(vcpu, s, op);
        if (limit == null)
            return false;
        var newLimit = *limit;
        ulong newBase;
        if (op->Source == 8)
        {
            var place = Operand.ReadAt<ulong>(vcpu, s, op, DistantAddress.Linear(vcpu, s, op, BaseAt, sizeof(ulong), false));
            if (place == null)
                return false;
            newBase = *place;
            if (!vcpu.IsCanonicalBase(newBase))
                return vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
        }
        else
        {
            var place = Operand.ReadAt<uint>(vcpu, s, op, DistantAddress.Linear(vcpu, s, op, BaseAt, sizeof(uint), false));
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
        var baseSize = op->Source == 8 ? sizeof(ulong) : sizeof(uint);
        var limit = SegmentedAddress.Linear(vcpu, s, op, sizeof(ushort), true);
        var segment = (SegmentName)op->Segment;
        if (!vcpu.ProbeWrite(op, limit, sizeof(ushort), segment))
            return false;
        // The base is what may still fault: probing it before the limit is stored keeps the store in one piece.
        var start = DistantAddress.Linear(vcpu, s, op, BaseAt, baseSize, true);
        if (!vcpu.ProbeWrite(op, start, baseSize, segment) || !Operand.WriteAt(vcpu, s, op, limit, (ushort)table.Limit))
            return false;
        return op->Source == 8 ? Operand.WriteAt(vcpu, s, op, start, table.Base) : Operand.WriteAt(vcpu, s, op, start, (uint)table.Base);
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
        if (done && vcpu.SystemObserver != null)
            vcpu.ReportTable(op, name == SegmentName.Ldtr ? SystemTable.Local : SystemTable.Task);
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
