using System.Reflection.Emit;

namespace Emu.Cpu.Compilation;

/// <summary>A region's code, and what keeps it alive.</summary>
/// <param name="plan">What it was made from.</param>
/// <param name="method">The method; its code goes when it does.</param>
/// <param name="code">Its address.</param>
/// <param name="memory">Memory that the code refers to.</param>
internal sealed class CompiledRegion(RegionPlan plan, DynamicMethod method, nint code, RegionMemory memory) : IDisposable
{
    /// <summary>What it was made from.</summary>
    public RegionPlan Plan => plan;

    /// <summary>The method.</summary>
    public DynamicMethod Method => method;

    /// <summary>Address of the code.</summary>
    public nint Code => code;

    /// <inheritdoc/>
    public void Dispose() => memory.Dispose();
}
