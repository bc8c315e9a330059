using Emu.Cpu.Snapshots;
using Emu.Xen.Backends.Block;

namespace Emu.Machine.Recording;

/// <summary>A disk's image that outlives the machine that uses it.</summary>
internal sealed class LastingImage(IBlockImage image) : IBlockImage
{
    public ulong SectorCount => image.SectorCount;

    public bool IsReadOnly => image.IsReadOnly;

    public void Read(ulong sector, Span<byte> destination) => image.Read(sector, destination);

    public void Write(ulong sector, ReadOnlySpan<byte> source) => image.Write(sector, source);

    public void Flush() => image.Flush();

    public void Dispose()
    {
    }

    public void Transfer(StateStream stream) => image.Transfer(stream);

    public void TransferImage(StateStream stream) => image.TransferImage(stream);
}
