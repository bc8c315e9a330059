namespace Emu.Cpu.Memory;

/// <summary>Guest RAM and ROM as the CPU reaches them: one host mapping and the guest-physical ranges that lie in it.</summary>
/// <remarks>
/// Low RAM starts at guest-physical 0; what does not fit below <see cref="LowLimit"/> continues at 4 GiB. Both parts are adjacent
/// in the host mapping, which its owner keeps alive and page aligned for as long as any vCPU runs. ROM, if there is any, follows them
/// there; the guest finds it where it ends at 4 GiB, and its last 128 KiB once more where they end at 1 MiB. Spare pages come last: the
/// guest finds them nowhere until <see cref="Remap"/> shows them to it.
/// <para>
/// A page of the host mapping has one <i>home</i>: the guest-physical address where it lies as long as nothing is remapped, and for a
/// spare page an address that no guest can form. Whatever is kept about a page, translated code above all, is kept under its home, so
/// that it holds wherever and however often the guest sees the page.
/// </para>
/// </remarks>
public sealed unsafe partial class PhysicalMemory
{
    /// <summary>Bytes in a page, the unit of all bookkeeping.</summary>
    public const int PageSize = 4096;

    /// <summary>How much of a ROM shows below 1 MiB at most.</summary>
    public const ulong LargestLowRom = 128 << 10;

    private const ulong OneMiB = 1UL << 20;
    private const ulong FourGiB = 1UL << 32;
    private const byte HoldsCodeBit = 1, ReadOnlyBit = 2, KeptBit = 4;

    // Homes of spare pages: no page-table entry has so wide an address.
    private const ulong SpareHome = 1UL << 56;

    // Width of the guest-physical addresses that can be remapped, unless somebody asks for another.
    private const int RemappableBits = 40;

    private readonly ulong _lowRomSize;
    private PageRemapping? _remapping;

    /// <summary>Describes RAM.</summary>
    /// <param name="host">Start of the host mapping, zeroed, page aligned.</param>
    /// <param name="size">RAM in bytes, a multiple of 4096.</param>
    /// <param name="lowLimit">Where low RAM ends at the latest, at most 4 GiB: the hole for devices begins here.</param>
    /// <param name="romSize">ROM in bytes, a multiple of 4096: it follows RAM in the host mapping. It has to lie above low RAM.</param>
    /// <param name="sparePages">Pages that follow RAM and ROM in the host mapping, for <see cref="Remap"/>.</param>
    public PhysicalMemory(byte* host, ulong size, ulong lowLimit, ulong romSize = 0, int sparePages = 0)
    {
        if (size == 0 || size % PageSize != 0 || lowLimit % PageSize != 0 || lowLimit > FourGiB)
            throw new ArgumentOutOfRangeException(nameof(size), "RAM and its low limit are counted in whole pages");
        if (romSize % PageSize != 0 || romSize > FourGiB - Math.Min(size, lowLimit))
            throw new ArgumentOutOfRangeException(nameof(romSize), "ROM is counted in whole pages, and lies between low RAM and 4 GiB");
        Host = host;
        Size = size;
        RomSize = romSize;
        LowLimit = Math.Min(size, lowLimit);
        _lowRomSize = Math.Min(romSize, LargestLowRom);
        SparePages = sparePages;
        PlainLimit = UsualPlainLimit;
        PageState = new byte[(size + romSize) / PageSize + (ulong)sparePages];
        Array.Fill(PageState, KeptBit);
        Array.Fill(PageState, ReadOnlyBit, (int)(size / PageSize), (int)(romSize / PageSize));
    }

    /// <summary>Start of the host mapping.</summary>
    public byte* Host { get; }

    /// <summary>RAM in bytes.</summary>
    public ulong Size { get; }

    /// <summary>End of low RAM (exclusive); the rest, if any, begins at 4 GiB.</summary>
    public ulong LowLimit { get; }

    /// <summary>ROM in bytes.</summary>
    public ulong RomSize { get; }

    /// <summary>How many pages follow RAM and ROM in the host mapping that are nobody's home.</summary>
    public int SparePages { get; }

    /// <summary>
    /// Up to here (exclusive) a guest-physical address is an offset into the host mapping, and RAM: low RAM's end, less where ROM shows in
    /// it or a page of it is remapped.
    /// </summary>
    internal ulong PlainLimit { get; private set; }

    /// <summary>The guest-physical pages that were remapped, in ascending order, each with a number that says to what.</summary>
    public IEnumerable<(ulong Address, int Entry)> Remappings => _remapping?.Unusual ?? [];

    /// <summary>Called after a page was remapped: whatever was translated before may be wrong.</summary>
    internal Action? Remapped { get; set; }

    /// <summary>
    /// One byte for each page in host order: non-zero where writes may not go straight through, because translated code lies in the page,
    /// because it is ROM, or because it has not been written since the last snapshot.
    /// </summary>
    private byte[] PageState { get; }

    /// <summary>How many pages the host mapping has: RAM, ROM and spare pages.</summary>
    public int PageCount => PageState.Length;

    /// <summary>Called before a write by a device, the loader or the page walker to a page that holds translated code: home address, length.</summary>
    internal Action<ulong, int>? CodePageWritten { get; set; }

    /// <summary>The host address of a guest-physical byte that can be read, or null where that is neither RAM nor ROM.</summary>
    public byte* HostAddress(ulong address)
    {
        if (_remapping is { } remapping && remapping[address] is var entry and not PageRemapping.Usual)
            return entry == PageRemapping.Hole ? null : Host + (ulong)PageRemapping.Frame(entry) * PageSize + address % PageSize;
        return UsualHostAddress(address);
    }

    /// <summary>The host address of a byte by its page's home, wherever the guest may see the page.</summary>
    /// <param name="home">What <see cref="HomeAddress"/> said.</param>
    internal byte* HostAtHome(ulong home) => home >= SpareHome ? Host + Size + RomSize + (home - SpareHome) : UsualHostAddress(home);

    /// <summary>The page of the host mapping that has its home at an address.</summary>
    /// <param name="home">Any address, of a spare page or not.</param>
    /// <returns>Its number in the host mapping; -1 for none.</returns>
    internal int FrameAtHome(ulong home)
    {
        var host = HostAtHome(home);
        return host == null || (ulong)(host - Host) / PageSize >= (ulong)PageState.Length ? -1 : FrameOf(host);
    }

    /// <summary>The number of a page of the host mapping.</summary>
    /// <param name="host">A byte of it.</param>
    internal int FrameOf(byte* host) => (int)((nuint)(host - Host) / PageSize);

    /// <summary>True for what lies between the low RAM and the ROM that ends at 4 GiB: nothing but devices is there.</summary>
    internal bool IsInDeviceHole(ulong address) =>
        address - LowLimit < FourGiB - RomSize - LowLimit && (_remapping is not { } remapping || remapping[address] == PageRemapping.Usual);

    /// <summary>The host address of a guest-physical byte that can be written, or null where that is not RAM.</summary>
    public byte* WritableHostAddress(ulong address)
    {
        var host = HostAddress(address);
        return IsRom(host) || IsReadOnlyHere(address) ? null : host;
    }

    /// <summary>True for a byte of the host mapping that is ROM.</summary>
    internal bool IsRom(byte* host) => (ulong)(host - Host) - Size < RomSize;

    /// <summary>True where a page was remapped so that the guest may only read it.</summary>
    internal bool IsReadOnlyHere(ulong address) =>
        _remapping is { } remapping && remapping[address] is var entry and not (PageRemapping.Usual or PageRemapping.Hole)
        && PageRemapping.IsReadOnly(entry);

    /// <summary>The home of a byte of the host mapping: the guest-physical address where it lies unless it is remapped; that below 4 GiB for ROM.</summary>
    public ulong HomeAddress(byte* host)
    {
        var offset = (ulong)(host - Host);
        if (offset < LowLimit)
            return offset;
        if (offset < Size)
            return offset - LowLimit + FourGiB;
        return offset < Size + RomSize ? offset - Size - RomSize + FourGiB : offset - Size - RomSize + SpareHome;
    }

    /// <summary>The page of the host mapping that a guest-physical page shows.</summary>
    /// <param name="address">Any address of it.</param>
    /// <returns>Its number in the host mapping; -1 where it shows nothing.</returns>
    public int FrameAt(ulong address)
    {
        var host = HostAddress(address);
        return host == null ? -1 : (int)((ulong)(host - Host) / PageSize);
    }

    /// <summary>Shows another page of the host mapping, or nothing, at a guest-physical page. All vCPUs forget what they had translated.</summary>
    /// <param name="address">The guest-physical page's address, below 2^<paramref name="addressBits"/>.</param>
    /// <param name="frame">The page's number in the host mapping; -1 for nothing: what is there then is no memory.</param>
    /// <param name="isReadOnly">Whether the guest's writes there vanish.</param>
    /// <param name="addressBits">Width of guest-physical addresses: the same in all calls.</param>
    public void Remap(ulong address, int frame, bool isReadOnly = false, int addressBits = RemappableBits)
    {
        if (frame < -1 || frame >= PageState.Length)
            throw new ArgumentOutOfRangeException(nameof(frame), "no such page in the host mapping");
        _remapping ??= new PageRemapping(addressBits);
        if (!_remapping.Covers(address))
            throw new ArgumentOutOfRangeException(nameof(address), "beyond the width of guest-physical addresses");
        var usual = UsualHostAddress(address & ~(PageSize - 1UL));
        _remapping[address] = frame switch
        {
            -1 => usual == null ? PageRemapping.Usual : PageRemapping.Hole,
            _ when !isReadOnly && usual == Host + (ulong)frame * PageSize => PageRemapping.Usual,
            _ => PageRemapping.Entry(frame, isReadOnly),
        };
        if (address < PlainLimit)
            PlainLimit = address & ~(PageSize - 1UL);
        Remapped?.Invoke();
    }

    private byte* UsualHostAddress(ulong address)
    {
        if (address < LowLimit)
            return address - (OneMiB - _lowRomSize) < _lowRomSize ? Host + Size + RomSize + address - OneMiB : Host + address;
        var high = address - FourGiB;
        if (address >= FourGiB)
            return high < Size - LowLimit ? Host + LowLimit + high : null;
        return address >= FourGiB - RomSize ? Host + Size + RomSize + high : null;
    }

    /// <summary>
    /// True where a write to the page of a byte of the host mapping needs a look: it holds translated code, is ROM, or has not been written since
    /// the last snapshot, which <see cref="NoteWrite"/> ends.
    /// </summary>
    internal bool WatchesWrites(byte* host) => PageState[(nuint)(host - Host) / PageSize] != 0;

    /// <summary>Notes that a page holds translated code.</summary>
    /// <param name="index">The page's number in the host mapping.</param>
    /// <returns>False where that was noted already, or the page cannot be written anyway.</returns>
    internal bool NoteCode(long index)
    {
        var isNew = (PageState[index] & (HoldsCodeBit | ReadOnlyBit)) == 0;
        PageState[index] |= HoldsCodeBit;
        return isNew;
    }

    /// <summary>Notes that a page holds no translated code any more.</summary>
    /// <param name="index">The page's number in the host mapping.</param>
    internal void ForgetCode(long index) => PageState[index] &= unchecked((byte)~HoldsCodeBit);

    /// <summary>Notes that no page holds translated code any more.</summary>
    internal void ForgetCode()
    {
        foreach (ref var state in PageState.AsSpan())
            state &= unchecked((byte)~HoldsCodeBit);
    }

    /// <summary>A page of the host mapping, to be read.</summary>
    /// <param name="frame">Its number there.</param>
    /// <returns>Its bytes, for as long as the mapping lives.</returns>
    public ReadOnlySpan<byte> Frame(int frame) => new(HostOf(frame), PageSize);

    /// <summary>Bytes of a page of the host mapping, to be written at once: code translated from them is forgotten.</summary>
    /// <param name="frame">The page's number there.</param>
    /// <param name="offset">The first byte, 0–4095.</param>
    /// <param name="length">Bytes, up to the page's end.</param>
    /// <returns>The bytes.</returns>
    public Span<byte> WritableFrame(int frame, int offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)offset, (uint)PageSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)(PageSize - offset));
        var host = HostOf(frame) + offset;
        if (length != 0)
            PrepareWrite(host, length);
        return new Span<byte>(host, length);
    }

    private void PrepareWrite(byte* host, int length)
    {
        NoteWrite(host);
        if (WatchesWrites(host))
            CodePageWritten?.Invoke(HomeAddress(host), length);
    }

    private byte* HostOf(int frame)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)frame, (uint)PageState.Length);
        return Host + (nuint)frame * PageSize;
    }

    /// <summary>Copies from RAM or ROM.</summary>
    /// <returns>False, with nothing guaranteed of <paramref name="destination"/>, where any byte is neither.</returns>
    public bool TryRead(ulong address, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            var host = HostAddress(address);
            if (host == null)
                return false;
            var run = (int)Math.Min((ulong)destination.Length, PageSize - address % PageSize);
            new ReadOnlySpan<byte>(host, run).CopyTo(destination);
            destination = destination[run..];
            address += (ulong)run;
        }
        return true;
    }

    /// <summary>Copies into RAM, as a device or the loader does: code translated from it is forgotten.</summary>
    /// <returns>False where any byte is not RAM; the bytes before it are written.</returns>
    public bool TryWrite(ulong address, ReadOnlySpan<byte> source)
    {
        while (!source.IsEmpty)
        {
            var host = WritableHostAddress(address);
            if (host == null)
                return false;
            var run = (int)Math.Min((ulong)source.Length, PageSize - address % PageSize);
            PrepareWrite(host, run);
            source[..run].CopyTo(new Span<byte>(host, run));
            source = source[run..];
            address += (ulong)run;
        }
        return true;
    }
}
