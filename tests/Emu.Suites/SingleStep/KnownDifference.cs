namespace Emu.Suites.SingleStep;

/// <summary>Where processors of today differ from those that the tests were recorded on: the only place that says so.</summary>
internal static class KnownDifference
{
    /// <summary>Why a test's outcome is not that of the architecture as it is now, or null where it is.</summary>
    public static string? Of(string processor, MooTest test)
    {
        _ = processor;
        _ = test;
        return null;
    }
}
