using System.Runtime.Intrinsics;
using Emu.Cpu.FloatingPoint;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>What a vector instruction computes in one 128-bit lane: the semantics that MMX, SSE and VEX forms and every engine share.</summary>
internal interface IVectorOperation
{
    /// <summary>False where the computation is long: it is then called, not inlined into each handler.</summary>
    static virtual bool IsInline => true;

    /// <summary>True where the MMX form is not simply the lower half of <see cref="Compute(Vector128{byte}, Vector128{byte}, int)"/>.</summary>
    static virtual bool HasMmxForm => false;

    /// <summary>The result.</summary>
    /// <param name="a">First source: the destination of a two-operand form.</param>
    /// <param name="b">Second source, zero-extended where its memory form is narrower.</param>
    /// <param name="immediate">The immediate byte, where there is one.</param>
    static abstract Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate);

    /// <summary>True where both lanes of a 256-bit form can be computed at once, from sources of 32 bytes.</summary>
    static virtual bool HasWideForm => false;

    /// <summary>Both lanes of a 256-bit form, where <see cref="HasWideForm"/>: the same as each by itself.</summary>
    static virtual Vector256<byte> Compute(Vector256<byte> a, Vector256<byte> b, int immediate) => default;

    /// <summary>The result of the MMX form, where <see cref="HasMmxForm"/>.</summary>
    static virtual ulong ComputeMmx(ulong a, ulong b, int immediate) => 0;

    /// <summary>The immediate as the upper lane of a 256-bit form sees it.</summary>
    static virtual int UpperImmediate(int immediate) => immediate;
}

/// <summary>Like <see cref="IVectorOperation"/>, for floating-point arithmetic under MXCSR.</summary>
/// <remarks>
/// <see cref="Compute"/> is the semantics. Where <see cref="HasHostForm"/>, there is a shorter way to the same, for a caller that has made sure of
/// <see cref="SseContext.IsHostLikeAndInexact"/>: take <see cref="Host(Vector128{byte}, Vector128{byte})"/>, and keep it if it
/// <see cref="IsPlain(Vector128{byte}, Vector128{byte}, Vector128{byte})"/>; no exception leaves a trace then. Otherwise Compute.
/// Compiled code does best to make sure once, where it begins (arithmetic only ever sets flags, so that it stays true up to the next load of MXCSR), and to
/// leave for the interpreter where a result is not plain: a call that may return a vector keeps the vectors around it in memory.
/// </remarks>
internal interface IFloatOperation
{
    /// <summary>The host's arithmetic, and a test of its result, are offered.</summary>
    static virtual bool HasHostForm => false;

    /// <summary>What the host computes.</summary>
    static virtual Vector128<byte> Host(Vector128<byte> a, Vector128<byte> b) => default;

    /// <summary>The result of <see cref="Host(Vector128{byte}, Vector128{byte})"/> is that of <see cref="Compute"/>, which would raise nothing new.</summary>
    static virtual bool IsPlain(Vector128<byte> a, Vector128<byte> b, Vector128<byte> result) => false;

    /// <summary>
    /// A test that takes longer and misses less, for a caller that has made sure of <see cref="SseContext.IsHostLike"/>, and whether PE is set.
    /// </summary>
    static virtual bool IsUntraced(Vector128<byte> a, Vector128<byte> b, Vector128<byte> result, bool ignoresInexact) => false;

    /// <summary>What the host computes in both lanes of a 256-bit form.</summary>
    static virtual Vector256<byte> Host(Vector256<byte> a, Vector256<byte> b) => default;

    /// <summary>The same as <see cref="IsPlain(Vector128{byte}, Vector128{byte}, Vector128{byte})"/>, of both lanes.</summary>
    static virtual bool IsPlain(Vector256<byte> a, Vector256<byte> b, Vector256<byte> result) => false;

    /// <summary>The result; exceptions go to the context.</summary>
    /// <param name="a">First source: the destination of a two-operand form.</param>
    /// <param name="b">Second source, zero-extended where its memory form is narrower.</param>
    /// <param name="immediate">The immediate byte, where there is one.</param>
    /// <param name="context">MXCSR.</param>
    static abstract Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context);

    /// <summary>Settles what a 256-bit operation reports after an unmasked exception in either lane.</summary>
    /// <param name="a">First source, lower lane.</param>
    /// <param name="b">Second source, lower lane.</param>
    /// <param name="highA">First source, upper lane.</param>
    /// <param name="highB">Second source, upper lane.</param>
    /// <param name="immediate">The immediate byte.</param>
    /// <param name="before">MXCSR before the operation.</param>
    /// <param name="context">MXCSR.</param>
    static virtual void Settle(
        Vector128<byte> a, Vector128<byte> b, Vector128<byte> highA, Vector128<byte> highB, int immediate, uint before, ref SseContext context) =>
        context.SettlePacked(before);
}
