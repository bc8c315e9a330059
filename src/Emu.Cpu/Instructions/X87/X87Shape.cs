using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.Vector;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.X87;

/// <summary>An x87 instruction on the register stack.</summary>
internal unsafe interface IX87Operation
{
    /// <summary>Does it. Exceptions go to the status word; the next waiting instruction reports them.</summary>
    /// <param name="s">The state.</param>
    /// <param name="i">The i of its ST(i) operand, where there is one.</param>
    static abstract void Execute(CpuState* s, int i);

    /// <summary>There is a short way (<see cref="PlainX87"/>).</summary>
    static virtual bool HasPlainForm => false;

    /// <summary>Takes the short way.</summary>
    /// <param name="s">The state.</param>
    /// <param name="i">The i of its ST(i) operand, where there is one.</param>
    /// <param name="words">Control and status.</param>
    /// <returns>False where it does not apply; nothing has changed then.</returns>
    static virtual bool TryExecute(CpuState* s, int i, uint words) => false;
}

/// <summary>An x87 instruction that reads memory.</summary>
internal unsafe interface IX87Load
{
    /// <summary>Bytes read.</summary>
    static abstract int Bytes { get; }

    /// <summary>Does it.</summary>
    static abstract void Execute(CpuState* s, byte* operand);

    /// <summary>There is a short way (<see cref="PlainX87"/>).</summary>
    static virtual bool HasPlainForm => false;

    /// <summary>Takes the short way; false where it does not apply, and nothing has changed.</summary>
    static virtual bool TryExecute(CpuState* s, byte* operand, uint words) => false;
}

/// <summary>An x87 instruction that writes memory, and may then pop.</summary>
internal unsafe interface IX87Store
{
    /// <summary>Bytes written.</summary>
    static abstract int Bytes { get; }

    /// <summary>Works out what is written.</summary>
    /// <returns>False where an unmasked exception holds it back; nothing is popped then either.</returns>
    static abstract bool Compute(CpuState* s, byte* result);

    /// <summary>Pops, where the instruction does.</summary>
    static abstract void Complete(CpuState* s);

    /// <summary>There is a short way (<see cref="PlainX87"/>).</summary>
    static virtual bool HasPlainForm => false;

    /// <summary>Takes the short way, all of it; false where it does not apply, and nothing has changed.</summary>
    static virtual bool TryExecute(CpuState* s, byte* place, uint words) => false;
}

/// <summary>Binds instructions on the register stack.</summary>
internal static unsafe class X87Shape<TOperation>
    where TOperation : IX87Operation
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        operands.Op->Destination = X87Operands.StackIndex(in operands.Instruction);
        operands.Op->Handler = &Execute;
        if (operands.IsForCompiler && TOperation.HasPlainForm)
            operands.Emission = new X87Emission(((Plain)TryPlain).Method);
    }

    private delegate bool Plain(CpuState* s, Op* op);

    // The handler's short way, for compiled code.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static bool TryPlain(CpuState* s, Op* op)
    {
        var words = PlainX87.Words(s);
        if (!PlainX87.IsOpen(s, words) || !TOperation.TryExecute(s, op->Destination, words))
            return false;
        X87Pointers.RecordPlain(s, op);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Execute(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (TOperation.HasPlainForm)
        {
            var words = PlainX87.Words(s);
            if (PlainX87.IsOpen(s, words) && TOperation.TryExecute(s, op->Destination, words))
            {
                X87Pointers.RecordPlain(s, op);
                Step.Next(vcpu, s, op);
                return;
            }
        }
        Step.Other(vcpu, s, op, &ExecuteSlow);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ExecuteSlow(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Availability.X87(vcpu, s, op))
            return;
        Call(s, op->Destination);
        X87Pointers.Record(s, op);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Call(CpuState* s, int i) => TOperation.Execute(s, i);
}

/// <summary>What binders of x87 instructions share.</summary>
internal static class X87Operands
{
    /// <summary>The i of the ST(i) operand that is not the implied ST(0).</summary>
    public static byte StackIndex(in Instruction instruction)
    {
        byte index = 0;
        for (var i = 0; i < instruction.OpCount; i++)
        {
            if (instruction.GetOpKind(i) == OpKind.Register && instruction.GetOpRegister(i).IsST())
                index |= (byte)(instruction.GetOpRegister(i) - Register.ST0);
        }
        return index;
    }
}

/// <summary>Binds instructions that read memory.</summary>
internal static unsafe class X87LoadShape<TOperation>
    where TOperation : IX87Load
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        operands.Op->Handler = operands.Addressing switch
        {
            AddressingKind.Long => &Execute<LongAddress>,
            AddressingKind.LongSegment => &Execute<LongSegmentAddress>,
            AddressingKind.Flat => &Execute<FlatAddress>,
            _ => &Execute<SegmentedAddress>,
        };
        if (operands.IsForCompiler && TOperation.HasPlainForm)
            operands.Emission = new X87MemoryEmission(((Plain)TryPlain).Method, TOperation.Bytes, writes: false);
    }

    private delegate bool Plain(CpuState* s, Op* op, byte* place, ulong offset);

    // The handler's short way, for compiled code.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static bool TryPlain(CpuState* s, Op* op, byte* place, ulong offset)
    {
        var words = PlainX87.Words(s);
        if (!PlainX87.IsOpen(s, words) || !TOperation.TryExecute(s, place, words))
            return false;
        X87Pointers.RecordPlainOperand(s, op, offset);
        X87Pointers.RecordPlain(s, op);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Execute<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (TOperation.HasPlainForm && !TAddress.MayFault)
        {
            var words = PlainX87.Words(s);
            var linear = TAddress.Linear(vcpu, s, op, TOperation.Bytes, false);
            var entry = Tlb.Slot(s->DataTlb, linear);
            if (PlainX87.IsOpen(s, words) && Operand.IsReadable(entry, linear, TOperation.Bytes, false)
                && TOperation.TryExecute(s, Operand.Place(entry, linear), words))
            {
                X87Pointers.RecordPlainOperand<TAddress>(vcpu, s, op);
                X87Pointers.RecordPlain(s, op);
                Step.Next(vcpu, s, op);
                return;
            }
        }
        Step.Other(vcpu, s, op, &ExecuteSlow<TAddress>);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ExecuteSlow<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (!Availability.X87(vcpu, s, op))
            return;
        var operand = TOperation.Bytes switch
        {
            2 => (byte*)Operand.Read<TAddress, ushort>(vcpu, s, op),
            4 => (byte*)Operand.Read<TAddress, uint>(vcpu, s, op),
            8 => (byte*)Operand.Read<TAddress, ulong>(vcpu, s, op),
            _ => (byte*)Operand.Read<TAddress, Extended>(vcpu, s, op),
        };
        if (operand == null)
            return;
        Call(s, operand);
        X87Pointers.RecordOperand(vcpu, s, op);
        X87Pointers.Record(s, op);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Call(CpuState* s, byte* operand) => TOperation.Execute(s, operand);
}

/// <summary>Binds instructions that write memory.</summary>
internal static unsafe class X87StoreShape<TOperation>
    where TOperation : IX87Store
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        operands.Op->Handler = operands.Addressing switch
        {
            AddressingKind.Long => &Execute<LongAddress>,
            AddressingKind.LongSegment => &Execute<LongSegmentAddress>,
            AddressingKind.Flat => &Execute<FlatAddress>,
            _ => &Execute<SegmentedAddress>,
        };
        if (operands.IsForCompiler && TOperation.HasPlainForm)
            operands.Emission = new X87MemoryEmission(((Plain)TryPlain).Method, TOperation.Bytes, writes: true);
    }

    private delegate bool Plain(CpuState* s, Op* op, byte* place, ulong offset);

    // The handler's short way, for compiled code.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static bool TryPlain(CpuState* s, Op* op, byte* place, ulong offset)
    {
        var words = PlainX87.Words(s);
        if (!PlainX87.IsOpen(s, words) || !TOperation.TryExecute(s, place, words))
            return false;
        X87Pointers.RecordPlainOperand(s, op, offset);
        X87Pointers.RecordPlain(s, op);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Execute<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (TOperation.HasPlainForm && !TAddress.MayFault)
        {
            var words = PlainX87.Words(s);
            var linear = TAddress.Linear(vcpu, s, op, TOperation.Bytes, true);
            var entry = Tlb.Slot(s->DataTlb, linear);
            if (PlainX87.IsOpen(s, words) && Operand.IsWritable(entry, linear, TOperation.Bytes, false)
                && TOperation.TryExecute(s, Operand.Place(entry, linear), words))
            {
                X87Pointers.RecordPlainOperand<TAddress>(vcpu, s, op);
                X87Pointers.RecordPlain(s, op);
                Step.Next(vcpu, s, op);
                return;
            }
        }
        Step.Other(vcpu, s, op, &ExecuteSlow<TAddress>);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ExecuteSlow<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (!Availability.X87(vcpu, s, op) || !Store<TAddress>(vcpu, s, op))
            return;
        X87Pointers.RecordOperand(vcpu, s, op);
        X87Pointers.Record(s, op);
        Step.Next(vcpu, s, op);
    }

    // A page fault must find the status word as it was before.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Store<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        var before = s->X87.Context;
        Extended result;
        var hasResult = TOperation.Compute(s, (byte*)&result);
        var linear = TAddress.Linear(vcpu, s, op, TOperation.Bytes, true);
        if (!hasResult)
        {
            // Nothing is stored, but the place must be one that could have been.
            if (vcpu.ProbeWrite(op, linear, TOperation.Bytes, (SegmentName)op->Segment))
                return true;
            s->X87.Context = before;
            return false;
        }

        var written = TOperation.Bytes switch
        {
            2 => Operand.WriteAt(vcpu, s, op, linear, *(ushort*)&result),
            4 => Operand.WriteAt(vcpu, s, op, linear, *(uint*)&result),
            8 => Operand.WriteAt(vcpu, s, op, linear, *(ulong*)&result),
            _ => Operand.WriteAt(vcpu, s, op, linear, result),
        };
        if (!written)
        {
            s->X87.Context = before;
            return false;
        }
        TOperation.Complete(s);
        return true;
    }
}

/// <summary>Ten bytes in memory: m80fp or m80bcd.</summary>
[System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Sequential, Pack = 2, Size = 10)]
internal struct Extended
{
    /// <summary>The significand, or the lower 16 digits.</summary>
    public ulong Low;

    /// <summary>Sign and exponent, or sign and two digits.</summary>
    public ushort High;
}
