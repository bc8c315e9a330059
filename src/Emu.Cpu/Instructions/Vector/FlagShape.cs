using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>A vector comparison whose result is ZF, PF and CF; OF, SF and AF become 0.</summary>
internal interface IVectorComparison
{
    /// <summary>False where there is no exception to raise.</summary>
    static virtual bool CanRaise => true;

    /// <summary>The flags at their places in RFLAGS.</summary>
    static abstract uint Compute(Vector128<byte> a, Vector128<byte> b, ref SseContext context);

    /// <summary>It compares two numbers, which the host does, too.</summary>
    static virtual bool HasHostForm => false;

    /// <summary>They compare without an exception, whatever MXCSR says, and one of them is less or they are equal.</summary>
    static virtual bool ArePlain(Vector128<byte> a, Vector128<byte> b) => false;

    /// <summary>The first number is less than the second.</summary>
    static virtual bool IsLess(Vector128<byte> a, Vector128<byte> b) => false;

    /// <summary>The numbers are equal.</summary>
    static virtual bool IsEqual(Vector128<byte> a, Vector128<byte> b) => false;
}

/// <summary>Comparisons as every engine makes them.</summary>
internal static class VectorComparison
{
    /// <summary>Compares, and sets the flags; where <see cref="SseContext.Unmasked"/> says so afterwards, they have been left alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<TOperation>(Vector128<byte> a, Vector128<byte> b, ref ArithmeticFlags flags, ref SseContext context)
        where TOperation : IVectorComparison
    {
        if (TOperation.HasHostForm && TOperation.ArePlain(a, b))
            flags.SetOrder(TOperation.IsLess(a, b), TOperation.IsEqual(a, b));
        else
            ApplySlow<TOperation>(a, b, ref flags, ref context);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ApplySlow<TOperation>(Vector128<byte> a, Vector128<byte> b, ref ArithmeticFlags flags, ref SseContext context)
        where TOperation : IVectorComparison
    {
        var result = TOperation.Compute(a, b, ref context);
        if (context.Unmasked == 0)
            flags.SetFrom(result);
    }
}

/// <summary>COMISS (SDM Vol. 2A).</summary>
internal readonly struct Comiss : IVectorComparison
{
    public static uint Compute(Vector128<byte> a, Vector128<byte> b, ref SseContext context) =>
        Float32.CompareOrdered(a.AsUInt32().ToScalar(), b.AsUInt32().ToScalar(), ref context);

    public static bool HasHostForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool ArePlain(Vector128<byte> a, Vector128<byte> b) => Float32.ArePlain(a.AsUInt32().ToScalar(), b.AsUInt32().ToScalar());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsLess(Vector128<byte> a, Vector128<byte> b) => a.AsSingle().ToScalar() < b.AsSingle().ToScalar();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsEqual(Vector128<byte> a, Vector128<byte> b) => a.AsSingle().ToScalar() == b.AsSingle().ToScalar();
}

/// <summary>UCOMISS (SDM Vol. 2B).</summary>
internal readonly struct Ucomiss : IVectorComparison
{
    public static uint Compute(Vector128<byte> a, Vector128<byte> b, ref SseContext context) =>
        Float32.CompareUnordered(a.AsUInt32().ToScalar(), b.AsUInt32().ToScalar(), ref context);

    public static bool HasHostForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool ArePlain(Vector128<byte> a, Vector128<byte> b) => Float32.ArePlain(a.AsUInt32().ToScalar(), b.AsUInt32().ToScalar());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsLess(Vector128<byte> a, Vector128<byte> b) => a.AsSingle().ToScalar() < b.AsSingle().ToScalar();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsEqual(Vector128<byte> a, Vector128<byte> b) => a.AsSingle().ToScalar() == b.AsSingle().ToScalar();
}

/// <summary>COMISD (SDM Vol. 2A).</summary>
internal readonly struct Comisd : IVectorComparison
{
    public static uint Compute(Vector128<byte> a, Vector128<byte> b, ref SseContext context) =>
        Float64.CompareOrdered(a.AsUInt64().ToScalar(), b.AsUInt64().ToScalar(), ref context);

    public static bool HasHostForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool ArePlain(Vector128<byte> a, Vector128<byte> b) => Float64.ArePlain(a.AsUInt64().ToScalar(), b.AsUInt64().ToScalar());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsLess(Vector128<byte> a, Vector128<byte> b) => a.AsDouble().ToScalar() < b.AsDouble().ToScalar();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsEqual(Vector128<byte> a, Vector128<byte> b) => a.AsDouble().ToScalar() == b.AsDouble().ToScalar();
}

/// <summary>UCOMISD (SDM Vol. 2B).</summary>
internal readonly struct Ucomisd : IVectorComparison
{
    public static uint Compute(Vector128<byte> a, Vector128<byte> b, ref SseContext context) =>
        Float64.CompareUnordered(a.AsUInt64().ToScalar(), b.AsUInt64().ToScalar(), ref context);

    public static bool HasHostForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool ArePlain(Vector128<byte> a, Vector128<byte> b) => Float64.ArePlain(a.AsUInt64().ToScalar(), b.AsUInt64().ToScalar());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsLess(Vector128<byte> a, Vector128<byte> b) => a.AsDouble().ToScalar() < b.AsDouble().ToScalar();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsEqual(Vector128<byte> a, Vector128<byte> b) => a.AsDouble().ToScalar() == b.AsDouble().ToScalar();
}

/// <summary>PTEST (SDM Vol. 2B): ZF for a AND b = 0, CF for NOT a AND b = 0.</summary>
internal readonly struct Ptest : IVectorComparison
{
    public static bool CanRaise => false;

    public static uint Compute(Vector128<byte> a, Vector128<byte> b, ref SseContext context) =>
        (uint)(((a & b) == default ? Rflags.Zero : 0) | ((~a & b) == default ? Rflags.Carry : 0));
}

/// <summary>VTESTPS (SDM Vol. 2C): PTEST of the signs.</summary>
internal readonly struct Vtestps : IVectorComparison
{
    public static bool CanRaise => false;

    public static uint Compute(Vector128<byte> a, Vector128<byte> b, ref SseContext context) =>
        Ptest.Compute(a, b & Vector128.Create(0x8000_0000).AsByte(), ref context);
}

/// <summary>VTESTPD (SDM Vol. 2C): PTEST of the signs.</summary>
internal readonly struct Vtestpd : IVectorComparison
{
    public static bool CanRaise => false;

    public static uint Compute(Vector128<byte> a, Vector128<byte> b, ref SseContext context) =>
        Ptest.Compute(a, b & Vector128.Create(0x8000_0000_0000_0000).AsByte(), ref context);
}

/// <summary>Binds <c>op xmm, xmm/m</c> that writes flags alone. Over two lanes, a flag is set where both would set it.</summary>
internal static unsafe class FlagShape<TOperation, TSource>
    where TOperation : IVectorComparison
    where TSource : IVectorSource
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        ref readonly var i = ref operands.Instruction;
        if (!VectorOperands.IsVex(in i))
            Bind<LegacySse>(ref operands);
        else if ((operands.Mode & CodeMode.Unprotected) != 0)
            Undefined.BindInvalid(ref operands);
        else if (VectorOperands.IsWide(in i))
            Bind<Vex256>(ref operands);
        else
            Bind<Vex128>(ref operands);
    }

    private static void Bind<TEncoding>(ref Operands operands)
        where TEncoding : IVectorEncoding
    {
        operands.Op->Handler = !VectorOperands.Take(ref operands) ? &Register<TEncoding> : operands.Addressing switch
        {
            AddressingKind.Long => &Memory<TEncoding, LongAddress>,
            AddressingKind.LongSegment => &Memory<TEncoding, LongSegmentAddress>,
            AddressingKind.Flat => &Memory<TEncoding, FlatAddress>,
            _ => &Memory<TEncoding, SegmentedAddress>,
        };
        if (operands.IsForCompiler)
            operands.Emission = new FlagEmission(typeof(TOperation), VectorForm.Of<TEncoding, TSource>(), TOperation.CanRaise, TOperation.HasHostForm);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Register<TEncoding>(Vcpu vcpu, CpuState* s, Op* op)
        where TEncoding : IVectorEncoding
    {
        if (TEncoding.IsOpen(s) && TryHost<TEncoding>(s, op, (byte*)VectorRegister.Of(s, op->Base)))
            Step.Next(vcpu, s, op);
        else
            Step.Other(vcpu, s, op, &RegisterSlow<TEncoding>);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RegisterSlow<TEncoding>(Vcpu vcpu, CpuState* s, Op* op)
        where TEncoding : IVectorEncoding
    {
        if (!TEncoding.IsAvailable(vcpu, s, op) || !Compute<TEncoding>(vcpu, s, op, (byte*)VectorRegister.Of(s, op->Base)))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Memory<TEncoding, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TEncoding : IVectorEncoding
        where TAddress : IAddressing
    {
        if (TOperation.HasHostForm && !TAddress.MayFault && TEncoding.IsOpen(s))
        {
            var size = VectorMemory.Size<TSource, TEncoding>();
            var linear = TAddress.Linear(vcpu, s, op, size, false);
            var entry = Tlb.Slot(s->DataTlb, linear);
            if (Operand.IsReadable(entry, linear, size, VectorMemory.IsAligned<TSource, TEncoding>())
                && TryHost<TEncoding>(s, op, Operand.Place(entry, linear)))
            {
                Step.Next(vcpu, s, op);
                return;
            }
        }
        Step.Other(vcpu, s, op, &MemorySlow<TEncoding, TAddress>);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MemorySlow<TEncoding, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TEncoding : IVectorEncoding
        where TAddress : IAddressing
    {
        if (!TEncoding.IsAvailable(vcpu, s, op))
            return;
        var source = VectorMemory.Read<TAddress, TSource, TEncoding>(vcpu, s, op);
        if (source == null || !Compute<TEncoding>(vcpu, s, op, source))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryHost<TEncoding>(CpuState* s, Op* op, byte* source)
        where TEncoding : IVectorEncoding
    {
        if (!TOperation.HasHostForm || TEncoding.IsWide)
            return false;
        var first = *VectorRegister.Of(s, op->Destination);
        var second = TSource.Load(source);
        if (!TOperation.ArePlain(first, second))
            return false;
        s->Flags.SetOrder(TOperation.IsLess(first, second), TOperation.IsEqual(first, second));
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Compute<TEncoding>(Vcpu vcpu, CpuState* s, Op* op, byte* source)
        where TEncoding : IVectorEncoding
    {
        var first = VectorRegister.Of(s, op->Destination);
        var flags = TOperation.Compute(first[0], TSource.Load(source), ref s->Sse);
        if (TEncoding.IsWide)
            flags &= TOperation.Compute(first[1], TSource.Load(source + TSource.Stride), ref s->Sse);
        if (s->Sse.Unmasked != 0)
            return Availability.RaiseSimdException(vcpu, s, op);
        s->Flags.SetFrom(flags);
        return true;
    }
}
