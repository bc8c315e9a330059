using Iced.Intel;

namespace Emu.Differential;

/// <summary>A few instructions at a fixed address, and the places where their execution may end.</summary>
public sealed class TestProgram
{
    /// <summary>Bytes that a landing takes.</summary>
    public const int LandingLength = 16;

    /// <summary>Width of the code.</summary>
    public required CodeSize Size { get; init; }

    /// <summary>Linear address of the first byte.</summary>
    public required ulong Start { get; init; }

    /// <summary>The code.</summary>
    public required byte[] Bytes { get; init; }

    /// <summary>What it is. Each instruction's IP is as the processor sees it: an offset in the code segment.</summary>
    public required Instruction[] Instructions { get; init; }

    /// <summary>Linear addresses of the landings: the code's end first.</summary>
    public required ulong[] Landings { get; init; }

    /// <summary>
    /// True for a place in the pages of code where no instruction and no landing of this program begins or ends: a return has led there, to bytes that
    /// each side has of its own.
    /// </summary>
    /// <param name="rip">Offset in the code segment.</param>
    public bool IsAstray(ulong rip)
    {
        var linear = rip + SegmentBase;
        if (linear - Layout.Code >= Layout.CodeLength || Landings.Contains(linear))
            return false;
        foreach (var instruction in Instructions)
        {
            if (instruction.IP == rip || instruction.NextIP == rip)
                return false;
        }
        return true;
    }

    /// <summary>Base of the code segment.</summary>
    public ulong SegmentBase => SegmentBaseOf(Size);

    /// <summary>Base of the code segment for a width.</summary>
    public static ulong SegmentBaseOf(CodeSize size) => size == CodeSize.Bits16 ? Layout.Code : 0;
}
