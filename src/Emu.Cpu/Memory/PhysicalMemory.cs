namespace Emu.Cpu.Memory;

/// <summary>Guest RAM as the CPU reaches it: one host mapping and the guest-physical ranges that lie in it.</summary>
/// <remarks>
/// Low RAM starts at guest-physical 0; what does not fit below <see cref="LowLimit"/> continues at 4 GiB. Both parts are adjacent
/// in the host mapping, which its owner keeps alive and page aligned for as long as any vCPU runs.
/// </remarks>
public sealed unsafe class PhysicalMemory
{
    /// <summary>Bytes in a page, the unit of all bookkeeping.</summary>
    public const int PageSize = 4096;

    private const ulong FourGiB = 1UL << 32;

    /// <summary>Describes RAM.</summary>
    /// <param name="host">Start of the host mapping, zeroed, page aligned.</param>
    /// <param name="size">RAM in bytes, a multiple of 4096.</param>
    /// <param name="lowLimit">Where low RAM ends at the latest, at most 4 GiB: the hole for devices begins here.</param>
    public PhysicalMemory(byte* host, ulong size, ulong lowLimit)
    {
        if (size == 0 || size % PageSize != 0 || lowLimit % PageSize != 0 || lowLimit > FourGiB)
            throw new ArgumentOutOfRangeException(nameof(size), "RAM and its low limit are counted in whole pages");
        Host = host;
        Size = size;
        LowLimit = Math.Min(size, lowLimit);
        PageState = new byte[size / PageSize];
    }

    /// <summary>Start of the host mapping.</summary>
    public byte* Host { get; }

    /// <summary>RAM in bytes.</summary>
    public ulong Size { get; }

    /// <summary>End of low RAM (exclusive); the rest, if any, begins at 4 GiB.</summary>
    public ulong LowLimit { get; }

    /// <summary>One byte for each RAM page in host order: non-zero where translated code lies in it, so that writes must be watched.</summary>
    internal byte[] PageState { get; }

    /// <summary>Called before a write by a device, the loader or the page walker to a page that holds translated code: address, length.</summary>
    internal Action<ulong, int>? CodePageWritten { get; set; }

    /// <summary>The host address of a guest-physical byte, or null where that is not RAM.</summary>
    public byte* HostAddress(ulong address)
    {
        if (address < LowLimit)
            return Host + address;
        var high = address - FourGiB;
        return address >= FourGiB && high < Size - LowLimit ? Host + LowLimit + high : null;
    }

    /// <summary>The guest-physical address of a byte of the host mapping.</summary>
    public ulong PhysicalAddress(byte* host)
    {
        var offset = (ulong)(host - Host);
        return offset < LowLimit ? offset : offset - LowLimit + FourGiB;
    }

    /// <summary>True where translated code lies in the page of a byte of the host mapping.</summary>
    internal bool HoldsCode(byte* host) => PageState[(host - Host) / PageSize] != 0;

    /// <summary>Copies from RAM.</summary>
    /// <returns>False, with nothing guaranteed of <paramref name="destination"/>, where any byte is not RAM.</returns>
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
            var host = HostAddress(address);
            if (host == null)
                return false;
            var run = (int)Math.Min((ulong)source.Length, PageSize - address % PageSize);
            if (HoldsCode(host))
                CodePageWritten?.Invoke(address, run);
            source[..run].CopyTo(new Span<byte>(host, run));
            source = source[run..];
            address += (ulong)run;
        }
        return true;
    }
}
