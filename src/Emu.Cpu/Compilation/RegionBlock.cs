using System.Reflection.Emit;
using Emu.Cpu.Execution;

namespace Emu.Cpu.Compilation;

/// <summary>One block of a region while it is compiled.</summary>
internal sealed unsafe class RegionBlock
{
    /// <summary>The interpreter's block.</summary>
    public required Block* Block { get; init; }

    /// <summary>The compiler's own copy of its ops, which nothing changes meanwhile.</summary>
    public required Op* Ops { get; init; }

    /// <summary>Its instructions.</summary>
    public required IReadOnlyList<GuestInstruction> Instructions { get; init; }

    /// <summary>From the region's origin to its first instruction, in bytes of linear address.</summary>
    public required long Delta { get; init; }

    /// <summary>Its physical page.</summary>
    public required ulong Page { get; init; }

    /// <summary>True for 64-bit code.</summary>
    public required bool Is64 { get; init; }

    /// <summary>True where the region may be entered at it.</summary>
    public required bool IsEntry { get; init; }

    /// <summary>True where it follows a call of the region: returns may lead to it.</summary>
    public required bool IsReturnSite { get; init; }

    /// <summary>True where computed branches of the region may lead to it.</summary>
    public required bool IsComputed { get; init; }

    /// <summary>Where its code begins.</summary>
    public Label Label { get; set; }
}
