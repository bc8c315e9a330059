namespace Emu.Compare;

/// <summary>What to compare, and how.</summary>
internal sealed record CompareOptions
{
    public required IReadOnlyList<Guest> Guests { get; init; }

    /// <summary>Values for the emulator's <c>--engine</c>; each is a row of its own against the same runs of QEMU.</summary>
    public required IReadOnlyList<string> Engines { get; init; }

    public required int Rounds { get; init; }

    /// <summary>The emulator's command up to and including its verb.</summary>
    public required IReadOnlyList<string> Emulator { get; init; }

    public required string Qemu { get; init; }

    /// <summary>Guest memory as both sides write it, such as 512M.</summary>
    public required string Memory { get; init; }

    /// <summary>How long one run may take; null for the guest's own default.</summary>
    public required TimeSpan? Limit { get; init; }

    /// <summary>Whether every engine must end in the interpreter's state, after as many instructions.</summary>
    public required bool SameState { get; init; }
}
