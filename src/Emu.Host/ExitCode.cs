namespace Emu.Host;

/// <summary>What the process returns to its caller. Scripts rely on these numbers; they never change.</summary>
public static class ExitCode
{
    /// <summary>The guest powered off, rebooted or shut down cleanly, or the user left by the escape key.</summary>
    public const int Success = 0;

    /// <summary>A defect of this program, never the guest's or the user's.</summary>
    public const int Defect = 1;

    /// <summary>
    /// The command line or an input file cannot be used; one sentence on stderr says why. Also where a recording or trace was used as far as it goes, but lacks its end.
    /// </summary>
    public const int Usage = 2;

    /// <summary>The guest crashed: a triple fault, or Xen's SHUTDOWN_crash. A post-mortem stands on stderr.</summary>
    public const int GuestCrash = 3;

    /// <summary>A limit that the user set was reached: <c>--max-instructions</c> or <c>--timeout</c>.</summary>
    public const int LimitReached = 4;

    /// <summary>
    /// <c>emu trace diff</c> has found a difference. Other programs that compare say 1, which is a defect here: a script must be able to
    /// tell both apart.
    /// </summary>
    public const int Different = 5;

    /// <summary>Added to a signal's number when that signal ended the run, as shells do: 130 for SIGINT, 143 for SIGTERM.</summary>
    public const int SignalBase = 128;

    /// <summary>Nobody reads standard output any more: the code of a process that SIGPIPE ended.</summary>
    public const int OutputClosed = SignalBase + 13;
}
