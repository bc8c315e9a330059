namespace Emu.Pvh;

/// <summary>
/// The guest's RAM as the loader needs it. A VMM implements this over whatever it has: one host mapping with a hole below 4 GiB,
/// several mappings, or a sparse table of pages.
/// </summary>
/// <remarks>
/// The loader checks every range against <see cref="RamRegions"/> before it calls a method, so an implementation may treat an address
/// outside them as a programming error. Nothing is written before the whole layout has been checked.
/// </remarks>
public interface IGuestMemory
{
    /// <summary>
    /// The guest-physical ranges backed by RAM, in ascending order, not overlapping and not empty. Neighbours that touch count as one.
    /// </summary>
    IReadOnlyList<GuestRange> RamRegions { get; }

    /// <summary>Copies <paramref name="data"/> to <paramref name="address"/>. The range lies in RAM, but may span touching regions.</summary>
    /// <param name="address">A guest-physical address.</param>
    /// <param name="data">The bytes.</param>
    void Write(ulong address, ReadOnlySpan<byte> data);

    /// <summary>
    /// Makes a range read as zeros. Kernels ask for large ranges here (.bss, .brk): an implementation on fresh anonymous memory should
    /// not store to pages that nobody has written yet, so that the host commits nothing for them.
    /// </summary>
    /// <param name="address">A guest-physical address.</param>
    /// <param name="length">The length in bytes.</param>
    void Zero(ulong address, ulong length);

    /// <summary>Copies from the guest's RAM.</summary>
    /// <param name="address">A guest-physical address.</param>
    /// <param name="destination">Where the bytes go.</param>
    void Read(ulong address, Span<byte> destination);
}
