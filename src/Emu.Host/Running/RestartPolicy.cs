namespace Emu.Host.Running;

/// <summary>After which of its ends a guest is started anew.</summary>
[Flags]
public enum RestartPolicy
{
    /// <summary>After none.</summary>
    Never = 0,

    /// <summary>After it has switched itself off.</summary>
    PowerOff = 1,

    /// <summary>After it has asked for it.</summary>
    Reboot = 2,

    /// <summary>After it has crashed.</summary>
    Crash = 4,
}
