using Emu.Cpu.Memory;
using Emu.Pvh;

namespace Emu.Machine.Memory;

/// <summary>Guest RAM, and ROM after it: one host mapping that costs nothing until the guest touches it.</summary>
/// <remarks>
/// It begins on a 2 MiB boundary, so that the host may back it with large pages, and lies between inaccessible guard regions
/// (<see cref="HostMapping"/>).
/// </remarks>
public sealed unsafe class GuestRam : IGuestMemory, IDisposable
{
    private readonly HostMapping _mapping;

    /// <summary>Makes RAM that reads as zeros.</summary>
    /// <param name="size">Bytes, a multiple of 4096.</param>
    /// <param name="ranges">The parts of it that the loader may use, in ascending order.</param>
    /// <param name="rom">What the ROM holds, a multiple of 4096 bytes; empty for none.</param>
    /// <param name="sparePages">Pages of memory that lie nowhere in the guest's view until a hypervisor maps them there.</param>
    /// <exception cref="MachineConfigurationException">The host has not that much memory to give.</exception>
    public GuestRam(ulong size, IReadOnlyList<GuestRange> ranges, ReadOnlySpan<byte> rom = default, int sparePages = 0)
    {
        try
        {
            _mapping = new HostMapping(checked((nuint)size + (nuint)rom.Length + ((nuint)sparePages * PhysicalMemory.PageSize)));
        }
        catch (Exception e) when (e is OutOfMemoryException or OverflowException)
        {
            throw new MachineConfigurationException($"The host cannot give the guest {size >> 20} MiB of memory.", e);
        }

        HostMemoryAdvice.PreferLargePages(_mapping.Start, (nuint)size);
        rom.CopyTo(new Span<byte>(_mapping.Start + size, rom.Length));
        Physical = new PhysicalMemory(_mapping.Start, size, AddressMap.LowMemoryLimit, (ulong)rom.Length, sparePages);
        RamRegions = ranges;
    }

    /// <summary>The same RAM as the CPU sees it.</summary>
    public PhysicalMemory Physical { get; }

    /// <inheritdoc/>
    public IReadOnlyList<GuestRange> RamRegions { get; }

    /// <inheritdoc/>
    public void Write(ulong address, ReadOnlySpan<byte> data)
    {
        if (!Physical.TryWrite(address, data))
            throw new ArgumentOutOfRangeException(nameof(address), $"0x{address:x} and the {data.Length} bytes from there are not all RAM.");
    }

    /// <inheritdoc/>
    public void Read(ulong address, Span<byte> destination)
    {
        if (!Physical.TryRead(address, destination))
            throw new ArgumentOutOfRangeException(nameof(address), $"0x{address:x} and the {destination.Length} bytes from there are not all RAM.");
    }

    /// <inheritdoc/>
    public void Zero(ulong address, ulong length)
    {
        Span<byte> zeros = stackalloc byte[PhysicalMemory.PageSize];
        zeros.Clear();
        while (length != 0)
        {
            var part = (int)Math.Min(length, PhysicalMemory.PageSize - (address % PhysicalMemory.PageSize));
            var host = Physical.HostAddress(address);
            if (host == null)
                throw new ArgumentOutOfRangeException(nameof(address), $"0x{address:x} is not RAM.");
            // Reading a page that nobody has touched costs the host no memory; writing it would.
            if (new ReadOnlySpan<byte>(host, part).ContainsAnyExcept((byte)0))
                Write(address, zeros[..part]);
            address += (ulong)part;
            length -= (ulong)part;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _mapping.Dispose();
}
