namespace Emu.Cpu.Memory;

/// <summary>Guest RAM and ROM as the CPU reaches them: one host mapping and the guest-physical ranges that lie in it.</summary>
/// <remarks>
/// Low RAM starts at guest-physical 0; what does not fit below <see cref="LowLimit"/> continues at 4 GiB. Both parts are adjacent
/// in the host mapping, which its owner keeps alive and page aligned for as long as any vCPU runs. ROM, if there is any, follows them
/// there; the guest finds it where it ends at 4 GiB, and its last 128 KiB once more where they end at 1 MiB.
/// </remarks>
public sealed unsafe class PhysicalMemory
{
    /// <summary>Bytes in a page, the unit of all bookkeeping.</summary>
    public const int PageSize = 4096;

    /// <summary>How much of a ROM shows below 1 MiB at most.</summary>
    public const ulong LargestLowRom = 128 << 10;

    private const ulong OneMiB = 1UL << 20;
    private const ulong FourGiB = 1UL << 32;
    private const byte HoldsCodeBit = 1, ReadOnlyBit = 2;

    private readonly ulong _lowRomSize;

    /// <summary>Describes RAM.</summary>
    /// <param name="host">Start of the host mapping, zeroed, page aligned.</param>
    /// <param name="size">RAM in bytes, a multiple of 4096.</param>
    /// <param name="lowLimit">Where low RAM ends at the latest, at most 4 GiB: the hole for devices begins here.</param>
    /// <param name="romSize">ROM in bytes, a multiple of 4096: it follows RAM in the host mapping. It has to lie above low RAM.</param>
    public PhysicalMemory(byte* host, ulong size, ulong lowLimit, ulong romSize = 0)
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
        PageState = new byte[(size + romSize) / PageSize];
        ForgetCode();
    }

    /// <summary>Start of the host mapping.</summary>
    public byte* Host { get; }

    /// <summary>RAM in bytes.</summary>
    public ulong Size { get; }

    /// <summary>End of low RAM (exclusive); the rest, if any, begins at 4 GiB.</summary>
    public ulong LowLimit { get; }

    /// <summary>ROM in bytes.</summary>
    public ulong RomSize { get; }

    /// <summary>Up to here (exclusive) a guest-physical address is an offset into the host mapping, and RAM: low RAM's end, but 0 where ROM shows in it.</summary>
    internal ulong PlainLimit => _lowRomSize == 0 ? LowLimit : 0;

    /// <summary>
    /// One byte for each page in host order: non-zero where writes may not go straight through, because translated code lies in the page
    /// or because it is ROM.
    /// </summary>
    private byte[] PageState { get; }

    /// <summary>How many pages of RAM and ROM there are.</summary>
    internal int PageCount => PageState.Length;

    /// <summary>Called before a write by a device, the loader or the page walker to a page that holds translated code: address, length.</summary>
    internal Action<ulong, int>? CodePageWritten { get; set; }

    /// <summary>The host address of a guest-physical byte that can be read, or null where that is neither RAM nor ROM.</summary>
    public byte* HostAddress(ulong address)
    {
        if (address < LowLimit)
            return address - (OneMiB - _lowRomSize) < _lowRomSize ? Host + Size + RomSize + address - OneMiB : Host + address;
        var high = address - FourGiB;
        if (address >= FourGiB)
            return high < Size - LowLimit ? Host + LowLimit + high : null;
        return address >= FourGiB - RomSize ? Host + Size + RomSize + high : null;
    }

    /// <summary>True for what lies between the low RAM and the ROM that ends at 4 GiB: nothing but devices is there.</summary>
    internal bool IsInDeviceHole(ulong address) => address - LowLimit < FourGiB - RomSize - LowLimit;

    /// <summary>The host address of a guest-physical byte that can be written, or null where that is not RAM.</summary>
    public byte* WritableHostAddress(ulong address)
    {
        var host = HostAddress(address);
        return IsRom(host) ? null : host;
    }

    /// <summary>True for a byte of the host mapping that is ROM.</summary>
    internal bool IsRom(byte* host) => host >= Host + Size;

    /// <summary>The guest-physical address of a byte of the host mapping; that below 4 GiB for ROM.</summary>
    public ulong PhysicalAddress(byte* host)
    {
        var offset = (ulong)(host - Host);
        if (offset < LowLimit)
            return offset;
        return offset < Size ? offset - LowLimit + FourGiB : offset - Size - RomSize + FourGiB;
    }

    /// <summary>True where a write to the page of a byte of the host mapping needs a look: it holds translated code, or is ROM.</summary>
    internal bool WatchesWrites(byte* host) => PageState[(nuint)(host - Host) / PageSize] != 0;

    /// <summary>Notes that a page holds translated code.</summary>
    /// <param name="index">The page's number in the host mapping.</param>
    /// <returns>False where that was noted already, or the page cannot be written anyway.</returns>
    internal bool NoteCode(long index)
    {
        var isNew = PageState[index] == 0;
        PageState[index] |= HoldsCodeBit;
        return isNew;
    }

    /// <summary>Notes that a page holds no translated code any more.</summary>
    /// <param name="index">The page's number in the host mapping.</param>
    internal void ForgetCode(long index) => PageState[index] &= ReadOnlyBit;

    /// <summary>Notes that no page holds translated code any more.</summary>
    internal void ForgetCode()
    {
        var ramPages = (int)(Size / PageSize);
        Array.Clear(PageState, 0, ramPages);
        Array.Fill(PageState, ReadOnlyBit, ramPages, PageState.Length - ramPages);
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
            if (WatchesWrites(host))
                CodePageWritten?.Invoke(address, run);
            source[..run].CopyTo(new Span<byte>(host, run));
            source = source[run..];
            address += (ulong)run;
        }
        return true;
    }
}
