namespace Emu.Differential;

/// <summary>Where code and data lie: at the same linear addresses in this process and in the guest.</summary>
/// <remarks>
/// Below 16 MiB, so that 32-bit code reaches everything and cases can be replayed in a small flat guest. Nothing is mapped beside
/// code and data but what the native executor itself needs, and generated addresses never lie there.
/// </remarks>
public static class Layout
{
    /// <summary>Start of all mappings.</summary>
    public const ulong Base = 0x80_0000;

    /// <summary>Two pages of code. Base of 16-bit code segments.</summary>
    public const ulong Code = 0x84_0000;

    /// <summary>Bytes of code.</summary>
    public const int CodeLength = 0x2000;

    /// <summary>Two pages of data and stack; the pages before and after them are not mapped.</summary>
    public const ulong Data = 0x86_0000;

    /// <summary>Bytes of data.</summary>
    public const int DataLength = 0x2000;

    /// <summary>A page of data that may only be read; its neighbours are not mapped.</summary>
    public const ulong ReadOnly = 0x86_4000;

    /// <summary>Bytes of it.</summary>
    public const int ReadOnlyLength = 0x1000;

    /// <summary>Base of 16-bit data segments, which begin unmapped, hold <see cref="Data"/> at 0x8000 and <see cref="ReadOnly"/> at 0xC000.</summary>
    public const ulong DataSegment16 = 0x85_8000;

    /// <summary>First address of the zone that generated accesses may touch.</summary>
    public const ulong ZoneStart = 0x85_0000;

    /// <summary>Its end, exclusive.</summary>
    public const ulong ZoneEnd = 0x87_0000;
}
