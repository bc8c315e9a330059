namespace Emu.Compare;

/// <summary>What one run of a guest amounts to: a time and a checksum, or neither.</summary>
internal sealed record Outcome
{
    public TimeSpan? Time { get; private init; }

    public string? Checksum { get; private init; }

    /// <summary>The processor has not got what the workload needs.</summary>
    public bool IsSkipped { get; private init; }

    /// <summary>Why there is no result.</summary>
    public string? Failure { get; private init; }

    public static Outcome Skipped { get; } = new() { IsSkipped = true };

    public static Outcome Finished(TimeSpan time, string checksum) => new() { Time = time, Checksum = checksum };

    public static Outcome Failed(string failure) => new() { Failure = failure };
}
