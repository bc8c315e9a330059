using Emu.Cpu.Snapshots;
using Emu.Xen.Backends.Block;

namespace Emu.Xen.Tests.Backends.Block;

/// <summary>A disk in memory that notes what is asked of it, and fails when it is told to.</summary>
internal sealed class MemoryImage(int sectors, bool isReadOnly = false) : IBlockImage
{
    public byte[] Bytes { get; } = new byte[sectors * 512];

    public ulong SectorCount => (ulong)sectors;

    public bool IsReadOnly => isReadOnly;

    public List<string> Calls { get; } = [];

    public bool Fails { get; set; }

    public void Read(ulong sector, Span<byte> destination)
    {
        Note($"read {sector}+{destination.Length / 512}");
        Bytes.AsSpan((int)sector * 512, destination.Length).CopyTo(destination);
    }

    public void Write(ulong sector, ReadOnlySpan<byte> source)
    {
        Note($"write {sector}+{source.Length / 512}");
        source.CopyTo(Bytes.AsSpan((int)sector * 512));
    }

    public void Flush() => Note("flush");

    public void Transfer(StateStream stream) => TransferImage(stream);

    public void TransferImage(StateStream stream) => stream.Transfer(Bytes.AsSpan());

    public void Dispose()
    {
    }

    private void Note(string call)
    {
        Calls.Add(call);
        if (Fails)
            throw new IOException("No space left on device");
    }
}
