using System.Runtime.Intrinsics;
using Emu.Cpu.FloatingPoint;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>What a vector instruction computes in one 128-bit lane: the semantics that MMX, SSE and VEX forms and every engine share.</summary>
internal interface IVectorOperation
{
    /// <summary>False where the computation is long: it is then called, not inlined into each handler.</summary>
    static virtual bool IsInline => true;

    /// <summary>True where the MMX form is not simply the lower half of <see cref="Compute"/>.</summary>
    static virtual bool HasMmxForm => false;

    /// <summary>The result.</summary>
    /// <param name="a">First source: the destination of a two-operand form.</param>
    /// <param name="b">Second source, zero-extended where its memory form is narrower.</param>
    /// <param name="immediate">The immediate byte, where there is one.</param>
    static abstract Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate);

    /// <summary>The result of the MMX form, where <see cref="HasMmxForm"/>.</summary>
    static virtual ulong ComputeMmx(ulong a, ulong b, int immediate) => 0;

    /// <summary>The immediate as the upper lane of a 256-bit form sees it.</summary>
    static virtual int UpperImmediate(int immediate) => immediate;
}

/// <summary>Like <see cref="IVectorOperation"/>, for floating-point arithmetic under MXCSR.</summary>
internal interface IFloatOperation
{
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
