namespace Emu.Differential.Running;

/// <summary>What a run shall do.</summary>
public sealed record CampaignOptions
{
    /// <summary>Executions on the reference.</summary>
    public long Count { get; init; } = 1_000_000;

    /// <summary>Where randomness starts.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>A mnemonic, code or family to draw from alone, or null for all.</summary>
    public string? Filter { get; init; }

    /// <summary>The engines, the reference first.</summary>
    public IReadOnlyList<string> Engines { get; init; } = ["native", "interpreter", "stepped"];

    /// <summary>Compare engines at CPL 0, over every instruction.</summary>
    public bool IsSystem { get; init; }

    /// <summary>Widths of code.</summary>
    public IReadOnlyList<CodeSize> Sizes { get; init; } = [CodeSize.Bits64, CodeSize.Bits32, CodeSize.Bits16];

    /// <summary>States for each program.</summary>
    public int States { get; init; } = 24;

    /// <summary>Goes on after a mismatch and reports the first for each code, this many at most.</summary>
    public int Failures { get; init; } = 1;

    /// <summary>Changes an outcome before it is compared: how a test sees that a mismatch is found.</summary>
    public Tampering? Tamper { get; init; }
}

/// <summary>Changes an engine's outcome of a program.</summary>
public delegate void Tampering(TestProgram program, in MachineState before, ref MachineState after);
