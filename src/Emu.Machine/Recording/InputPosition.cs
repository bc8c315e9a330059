namespace Emu.Machine.Recording;

/// <summary>A place in a run, between two instructions: the same in every run with the same input.</summary>
/// <remarks>
/// While all vCPUs wait, time goes on without instructions; and at one time something may be looked at before or after the timers that are due
/// then. So neither number alone would do.
/// </remarks>
/// <param name="Time">Virtual time, in nanoseconds since the start.</param>
/// <param name="Retired">Instructions that all vCPUs together have retired since the start; at most <paramref name="Time"/>.</param>
/// <param name="Expirations">How many timers of the virtual clock have fired since the start.</param>
public readonly record struct InputPosition(ulong Time, ulong Retired, ulong Expirations)
{
    /// <summary>True where this is no earlier than another place.</summary>
    /// <param name="other">The other.</param>
    /// <returns>Whether it is.</returns>
    public bool IsAtOrAfter(in InputPosition other) => Time >= other.Time && Retired >= other.Retired && Expirations >= other.Expirations;
}
