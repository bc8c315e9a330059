using System.Runtime.InteropServices;

namespace Emu.Cpu.Memory;

/// <summary>A translation of a page of RAM, and what the current privilege may do with it without any further check.</summary>
/// <remarks>
/// The tags say what an engine may do at once; <see cref="Identity"/> says what the translation allows. The two differ where a write
/// needs a look although the guest's tables allow it: where translated code lies in the page. Only the latter is the guest's business.
/// </remarks>
[StructLayout(LayoutKind.Sequential, Size = 32)]
public unsafe struct TlbEntry
{
    /// <summary>No access hits: no page's address has its low bits set.</summary>
    public const ulong Never = ulong.MaxValue;

    /// <summary>The linear page's address if reads may go straight to RAM, else <see cref="Never"/>.</summary>
    public ulong ReadTag;

    /// <summary>The same for writes: the page is writable, dirty, and holds no translated code.</summary>
    public ulong WriteTag;

    /// <summary>Host address minus linear address.</summary>
    public nint Addend;

    /// <summary>The linear page's address, and in its low twelve bits the rest: see the constants. Zero where the entry is empty.</summary>
    public ulong Identity;

    /// <summary>In <see cref="Identity"/>: reads are allowed.</summary>
    internal const ulong Readable = 1;

    /// <summary>In <see cref="Identity"/>: writes are allowed, and the page is dirty.</summary>
    internal const ulong Writable = 2;

    /// <summary>In <see cref="Identity"/>: the translation is global.</summary>
    internal const ulong Global = 4;

    /// <summary>In <see cref="Identity"/>, four bits from here on: the protection key.</summary>
    internal const int KeyShift = 3;

    /// <summary>In <see cref="Identity"/>, five bits from here on: binary logarithm of the size of the page that the tables name.</summary>
    internal const int SizeShift = 7;

    /// <summary>An entry that answers to nothing.</summary>
    internal static TlbEntry Empty => new() { ReadTag = Never, WriteTag = Never };

    /// <summary>The same where there was a translation since the last flush.</summary>
    internal static TlbEntry Dropped => new() { ReadTag = Never, WriteTag = Never, Identity = 0x1F << SizeShift };

    /// <summary>Binary logarithm of the size of the page that the tables name.</summary>
    internal readonly int PageSizeShift => (int)(Identity >> SizeShift) & 0x1F;

    /// <summary>The protection key.</summary>
    internal readonly int Key => (int)(Identity >> KeyShift) & 0xF;

    /// <summary>True where the entry translates an address's page and allows all of some rights.</summary>
    /// <param name="linear">The address.</param>
    /// <param name="rights"><see cref="Readable"/> or <see cref="Writable"/>.</param>
    internal readonly bool Allows(ulong linear, ulong rights) => (Identity ^ linear) >> 12 == 0 && (Identity & rights) == rights;
}

/// <summary>Which set of permissions a TLB bank holds.</summary>
public enum TlbBank
{
    /// <summary>CPL 0–2 and implicit system accesses that SMAP lets through (EFLAGS.AC set, or SMAP off: then both are one).</summary>
    SupervisorOverride,

    /// <summary>CPL 0–2 under SMAP with AC clear.</summary>
    Supervisor,

    /// <summary>CPL 3.</summary>
    User,

    /// <summary>Always empty: every access takes the slow path (alignment checks, data breakpoints).</summary>
    Checked,
}
