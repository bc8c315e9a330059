using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.Vector;

namespace Emu.Cpu.Compilation.Emissions;

/// <summary>An instruction's encoding and second source, as the type arguments of its shape say.</summary>
/// <param name="IsWide">Both lanes are computed.</param>
/// <param name="IsVex">An upper lane that is not computed is zeroed.</param>
/// <param name="Source">The <see cref="IVectorSource"/>.</param>
/// <param name="Bytes">Bytes of the source for a lane.</param>
/// <param name="Stride">From one lane's bytes to the next one's.</param>
/// <param name="IsAligned">A fault where it is not aligned in memory.</param>
internal sealed record VectorForm(bool IsWide, bool IsVex, Type Source, int Bytes, int Stride, bool IsAligned)
{
    /// <summary>The form that two type arguments make.</summary>
    public static VectorForm Of<TEncoding, TSource>()
        where TEncoding : IVectorEncoding
        where TSource : IVectorSource =>
        new(TEncoding.IsWide, TEncoding.IsVex, typeof(TSource), TSource.Bytes, TSource.Stride,
            TEncoding.IsVex ? TSource.IsAlwaysAligned : TSource.IsAligned);

    /// <summary>Bytes of the source in memory.</summary>
    public int Size => Bytes + (IsWide ? Stride : 0);

    /// <summary>What the source must be aligned to in memory; 0 for nothing.</summary>
    public int Alignment => IsAligned ? Size : 0;
}

/// <summary>A vector instruction with a second source that may be in memory.</summary>
/// <param name="form">Encoding and second source.</param>
/// <param name="narrows">False where the operation does not look at what lies beyond the source's bytes in a register.</param>
internal abstract unsafe class VectorEmission(VectorForm form, bool narrows) : Emission
{
    /// <summary>Encoding and second source.</summary>
    protected VectorForm Form => form;

    /// <summary>The semantics of an operation.</summary>
    /// <param name="operation">The operation, which may have a form of 256 bits, too.</param>
    protected static MethodInfo ComputeOf(Type operation)
    {
        foreach (var method in operation.GetMethods(BindingFlags.Static | BindingFlags.Public))
        {
            if (method.Name == nameof(IVectorOperation.Compute) && method.ReturnType != typeof(Vector256<byte>))
                return method;
        }
        throw new MissingMethodException(operation.Name, nameof(IVectorOperation.Compute));
    }

    /// <summary>Finds the second source, if it is in memory.</summary>
    /// <returns>False, with nothing emitted, where its address cannot be worked out.</returns>
    protected bool FindSource(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        if (instruction.HasMemory)
        {
            if (!RegionEmitter.CanAddress(in instruction))
                return false;
            region.FindForReading(in instruction, op, form.Size, form.Alignment);
        }
        region.NeedVectors(form.IsVex);
        return true;
    }

    /// <summary>Puts a lane of the second source on the stack.</summary>
    protected void LoadSource(RegionEmitter region, in GuestInstruction instruction, Op* op, int lane)
    {
        var start = lane * form.Stride;
        if (instruction.HasMemory)
        {
            region.LoadPlace();
            if (start != 0)
            {
                region.Il.Emit(OpCodes.Ldc_I4, start);
                region.Il.Emit(OpCodes.Add);
            }
            region.Il.Emit(OpCodes.Call, form.Source.GetMethod(nameof(IVectorSource.Load))!);
            return;
        }
        region.LoadLane(op->Base, start / sizeof(Vector128<byte>));
        start %= sizeof(Vector128<byte>);
        if (form.Bytes == sizeof(Vector128<byte>) || (start == 0 && !narrows))
            return;
        region.Il.Emit(OpCodes.Ldc_I4, start);
        region.Il.Emit(OpCodes.Call, LanePart.Method(form.Bytes));
    }

    /// <summary>Takes the lower lane's result from the stack, and the upper one's from above it where both are computed.</summary>
    protected void StoreResult(RegionEmitter region, int destination)
    {
        if (form.IsWide)
        {
            region.StoreLane(destination, 1);
        }
        else if (form.IsVex)
        {
            region.LoadZeroLane();
            region.StoreLane(destination, 1);
        }
        region.StoreLane(destination, 0);
    }
}

/// <summary>Part of a lane, zero-extended: what an <see cref="IVectorSource"/> reads where the source is a register.</summary>
internal static class LanePart
{
    /// <summary>The method for a number of bytes; it takes the lane and the number of the first byte.</summary>
    public static MethodInfo Method(int bytes) => typeof(LanePart).GetMethod(nameof(Take))!.MakeGenericMethod(RegionEmitter.TypeOf(bytes));

    /// <summary>The part.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector128<byte> Take<T>(Vector128<byte> lane, int start)
        where T : unmanaged =>
        Vector128.CreateScalar(lane.As<byte, T>().GetElement(start / sizeof(T))).AsByte();

    /// <summary>The upper quadword, to be stored.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Upper(Vector128<byte> lane) => lane.AsUInt64().GetElement(1);

    /// <summary>The lower quadword, to be stored.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Lower(Vector128<byte> lane) => lane.AsUInt64().ToScalar();

    /// <summary>The lowest doubleword, to be stored.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Lowest(Vector128<byte> lane) => lane.AsUInt32().ToScalar();
}
