namespace Emu.Suites;

/// <summary>What the process ends with, whichever suite it ran.</summary>
internal static class SuiteExitCode
{
    /// <summary>Everything is at least as good as recorded.</summary>
    public const int Success = 0;

    /// <summary>Something is worse than recorded.</summary>
    public const int Worse = 1;

    /// <summary>The command line or the suite's files cannot be used.</summary>
    public const int Usage = 2;
}
