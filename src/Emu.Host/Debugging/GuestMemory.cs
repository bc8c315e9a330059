using Emu.Cpu;
using Emu.Host.Tracing;

namespace Emu.Host.Debugging;

/// <summary>Guest memory as gdb reads and writes it: by linear address through a processor's page tables, or by physical address.</summary>
/// <remarks>RAM and ROM only: a look at a device's registers would change the device. No accessed or dirty bit is set, and no right is asked for.</remarks>
internal sealed unsafe class GuestMemory
{
    private const ulong PageSize = 4096;

    private readonly LinkMap _kernel;

    /// <summary>Makes the view.</summary>
    /// <param name="kernel">Where the kernel lies, for addresses that are not mapped.</param>
    public GuestMemory(LinkMap kernel)
    {
        _kernel = kernel;
    }

    /// <summary>Reads memory.</summary>
    /// <param name="vcpu">The processor whose page tables count.</param>
    /// <param name="address">The first address.</param>
    /// <param name="isPhysical">Whether it is a physical address.</param>
    /// <param name="destination">Where the bytes go.</param>
    /// <returns>How many bytes from the first on can be read.</returns>
    public int Read(Vcpu vcpu, ulong address, bool isPhysical, Span<byte> destination)
    {
        int done = 0;
        while (done < destination.Length && Resolve(vcpu, address + (ulong)done, isPhysical) is { } physical)
        {
            int piece = Piece(physical, destination.Length - done);
            vcpu.Memory.TryRead(physical, destination.Slice(done, piece));
            done += piece;
        }

        return done;
    }

    /// <summary>Writes memory, all of it or none.</summary>
    /// <param name="vcpu">The processor whose page tables count.</param>
    /// <param name="address">The first address.</param>
    /// <param name="isPhysical">Whether it is a physical address.</param>
    /// <param name="source">The bytes.</param>
    /// <returns>False where some of it is not RAM that is mapped.</returns>
    public bool TryWrite(Vcpu vcpu, ulong address, bool isPhysical, ReadOnlySpan<byte> source)
    {
        List<(ulong Physical, int Length)> pieces = [];
        for (int done = 0; done < source.Length;)
        {
            if (Resolve(vcpu, address + (ulong)done, isPhysical) is not { } physical || vcpu.Memory.WritableHostAddress(physical) == null)
                return false;
            int piece = Piece(physical, source.Length - done);
            pieces.Add((physical, piece));
            done += piece;
        }

        foreach ((ulong physical, int length) in pieces)
        {
            vcpu.Memory.TryWrite(physical, source[..length]);
            source = source[length..];
        }

        return true;
    }

    /// <summary>Where an address leads.</summary>
    /// <param name="vcpu">The processor whose page tables count.</param>
    /// <param name="address">The address.</param>
    /// <param name="isPhysical">Whether it is a physical one already.</param>
    /// <returns>The physical address of RAM or ROM; null where there is none.</returns>
    private ulong? Resolve(Vcpu vcpu, ulong address, bool isPhysical)
    {
        if (isPhysical)
            return vcpu.Memory.HostAddress(address) == null ? null : address;
        // Code of 32 bits knows no longer addresses: what has them is meant by a name in the kernel's file, or extended by its sign.
        bool isWide = !vcpu.Is64BitCode && address > uint.MaxValue;
        if (isWide && _kernel.ToPhysical(address) is { } linked)
            return vcpu.Memory.HostAddress(linked) == null ? null : linked;
        ulong linear = isWide ? (uint)address : address;
        if (GuestMemoryView.Translate(vcpu, linear) is { } physical && vcpu.Memory.HostAddress(physical) != null)
            return physical;
        // A 32-bit gdb cuts off the names' addresses that 64-bit code will have.
        ulong extended = !vcpu.Is64BitCode && address is >= 0x8000_0000 and <= uint.MaxValue ? address | 0xFFFF_FFFF_0000_0000 : address;
        ulong? loaded = _kernel.ToPhysical(address) ?? _kernel.ToPhysical(extended);
        return loaded is { } there && vcpu.Memory.HostAddress(there) != null ? there : null;
    }

    private static int Piece(ulong address, int length) => (int)Math.Min((ulong)length, PageSize - (address % PageSize));
}
