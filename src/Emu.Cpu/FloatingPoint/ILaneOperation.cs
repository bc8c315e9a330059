namespace Emu.Cpu.FloatingPoint;

/// <summary>What a packed instruction does in one lane.</summary>
/// <typeparam name="TBits">The lane's bits.</typeparam>
internal interface ILaneOperation<TBits>
    where TBits : unmanaged
{
    /// <summary>Computes one lane.</summary>
    static abstract TBits Apply(TBits a, TBits b, ref SseContext ctx);
}
