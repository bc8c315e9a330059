namespace Emu.Cpu.Memory;

/// <summary>What an access wants of a page, as the bits of a page fault's error code (SDM Vol. 3, 4.7).</summary>
[Flags]
public enum PageAccess : uint
{
    /// <summary>A supervisor's data read.</summary>
    Read = 0,

    /// <summary>P: the fault was a protection violation, not a missing page. In error codes only.</summary>
    Present = 1 << 0,

    /// <summary>W/R: a write.</summary>
    Write = 1 << 1,

    /// <summary>U/S: made at CPL 3, and not an implicit access to a system structure.</summary>
    User = 1 << 2,

    /// <summary>RSVD: a reserved bit was set. In error codes only.</summary>
    Reserved = 1 << 3,

    /// <summary>I/D: an instruction fetch.</summary>
    Fetch = 1 << 4,

    /// <summary>PK: a protection key forbids it. In error codes only.</summary>
    ProtectionKey = 1 << 5,
}

/// <summary>Where a linear page leads and what it allows.</summary>
/// <param name="Physical">Guest-physical address of the 4 KiB page.</param>
/// <param name="Writable">R/W set at every level.</param>
/// <param name="User">U/S set at every level.</param>
/// <param name="NoExecute">XD set at some level (and EFER.NXE).</param>
/// <param name="Global">G in the leaf, and CR4.PGE.</param>
/// <param name="Dirty">D in the leaf, now.</param>
/// <param name="ProtectionKey">Bits 62:59 of the leaf; 0 outside 4-level and 5-level paging.</param>
/// <param name="SizeShift">Binary logarithm of the size of the page that the tables name: 12, 21, 22 or 30.</param>
public readonly record struct PageTranslation(
    ulong Physical, bool Writable, bool User, bool NoExecute, bool Global, bool Dirty, byte ProtectionKey, byte SizeShift);
