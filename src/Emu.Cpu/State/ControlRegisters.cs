namespace Emu.Cpu.State;

/// <summary>Bits of CR0 (SDM Vol. 3, 2.5).</summary>
public static class Cr0
{
    /// <summary>Protection enable.</summary>
    public const ulong Pe = 1 << 0;

    /// <summary>Monitor coprocessor.</summary>
    public const ulong Mp = 1 << 1;

    /// <summary>Emulation.</summary>
    public const ulong Em = 1 << 2;

    /// <summary>Task switched.</summary>
    public const ulong Ts = 1 << 3;

    /// <summary>Extension type, always set.</summary>
    public const ulong Et = 1 << 4;

    /// <summary>Numeric error.</summary>
    public const ulong Ne = 1 << 5;

    /// <summary>Write protect.</summary>
    public const ulong Wp = 1 << 16;

    /// <summary>Alignment mask.</summary>
    public const ulong Am = 1 << 18;

    /// <summary>Not write-through.</summary>
    public const ulong Nw = 1 << 29;

    /// <summary>Cache disable.</summary>
    public const ulong Cd = 1 << 30;

    /// <summary>Paging.</summary>
    public const ulong Pg = 1UL << 31;
}

/// <summary>Bits of CR4 (SDM Vol. 3, 2.5).</summary>
public static class Cr4
{
    /// <summary>Virtual-8086 mode extensions.</summary>
    public const ulong Vme = 1 << 0;

    /// <summary>Protected-mode virtual interrupts.</summary>
    public const ulong Pvi = 1 << 1;

    /// <summary>Time-stamp disable.</summary>
    public const ulong Tsd = 1 << 2;

    /// <summary>Debugging extensions.</summary>
    public const ulong De = 1 << 3;

    /// <summary>Page-size extensions.</summary>
    public const ulong Pse = 1 << 4;

    /// <summary>Physical-address extension.</summary>
    public const ulong Pae = 1 << 5;

    /// <summary>Machine-check enable.</summary>
    public const ulong Mce = 1 << 6;

    /// <summary>Page global enable.</summary>
    public const ulong Pge = 1 << 7;

    /// <summary>Performance-counter enable.</summary>
    public const ulong Pce = 1 << 8;

    /// <summary>The operating system uses FXSAVE, FXRSTOR and SSE.</summary>
    public const ulong Osfxsr = 1 << 9;

    /// <summary>The operating system handles #XM.</summary>
    public const ulong Osxmmexcpt = 1 << 10;

    /// <summary>User-mode instruction prevention.</summary>
    public const ulong Umip = 1 << 11;

    /// <summary>57-bit linear addresses.</summary>
    public const ulong La57 = 1 << 12;

    /// <summary>RDFSBASE and its kin.</summary>
    public const ulong Fsgsbase = 1 << 16;

    /// <summary>Process-context identifiers.</summary>
    public const ulong Pcide = 1 << 17;

    /// <summary>XSAVE.</summary>
    public const ulong Osxsave = 1 << 18;

    /// <summary>Supervisor-mode execution prevention.</summary>
    public const ulong Smep = 1 << 20;

    /// <summary>Supervisor-mode access prevention.</summary>
    public const ulong Smap = 1 << 21;

    /// <summary>Protection keys for user pages.</summary>
    public const ulong Pke = 1 << 22;

    /// <summary>Protection keys for supervisor pages.</summary>
    public const ulong Pks = 1 << 24;
}

/// <summary>Bits of IA32_EFER (SDM Vol. 3, 2.2.1).</summary>
public static class Efer
{
    /// <summary>SYSCALL enable.</summary>
    public const ulong Sce = 1 << 0;

    /// <summary>Long mode enable.</summary>
    public const ulong Lme = 1 << 8;

    /// <summary>Long mode active.</summary>
    public const ulong Lma = 1 << 10;

    /// <summary>Execute-disable enable.</summary>
    public const ulong Nxe = 1 << 11;
}
