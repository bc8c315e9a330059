using Emu.Xen.Tests.Support;
using Xunit;

namespace Emu.Xen.Tests.Grants;

/// <summary>A domain with its first grant frame at a GFN above RAM, and what tests of grants do with it.</summary>
public abstract class GrantTestBase : IDisposable
{
    protected const uint GrantOp = 20, MemoryOp = 12;
    protected const uint Map = 0, Unmap = 1, Setup = 2, Copy = 5, Query = 6, SetVersion = 8, GetVersion = 10, Swap = 11;
    protected const ulong Buffer = 0x8000, List = 0x9000;
    protected const ulong TableGfn = 0x200, StatusGfn = 0x280;
    protected const ushort Own = 7, Self = 0x7FF0, Control = 0, Unknown = 9;
    protected const int Okay = 0, General = -1, BadDomain = -2, BadReference = -3, BadHandle = -4, BadPointer = -5, Denied = -8, BadPage = -9,
        BadCopy = -10, Again = -12;

    private protected TestDomain Test { get; } = new();

    public void Dispose()
    {
        Test.Dispose();
        GC.SuppressFinalize(this);
    }

    protected void Select(bool is64Bit)
    {
        if (is64Bit)
            Test.Use64BitCode();
    }

    protected long Operation(uint command, uint count = 1, ulong address = Buffer) => Test.Try(GrantOp, command, address, count);

    protected int VersionNow() => Test.Domain.Grants.Version;

    protected void UseVersion2()
    {
        Put(Buffer, 2);
        Assert.Equal(0, Operation(SetVersion));
    }

    protected void PlaceTable()
    {
        Assert.Equal(0, Place(0, TableGfn));
        if (VersionNow() == 2)
            Assert.Equal(0, Place(0x8000_0000, StatusGfn));
    }

    /// <summary>add_to_physmap of a grant frame.</summary>
    protected long Place(uint index, ulong gfn)
    {
        if (Test.Vcpu.Is64BitCode)
            Write(0xA000, [(byte)Own, 0, 0, 0, 1, 0, 0, 0, .. BitConverter.GetBytes((ulong)index), .. BitConverter.GetBytes(gfn)]);
        else
            Write(0xA000, [(byte)Own, 0, 0, 0, 1, 0, 0, 0, .. BitConverter.GetBytes(index), .. BitConverter.GetBytes((uint)gfn)]);
        return Test.Try(MemoryOp, 7, 0xA000);
    }

    protected void Grant(uint reference, ushort flags, ushort domain, ulong frame, ushort offset = 0, ushort length = 0)
    {
        if (VersionNow() == 1)
        {
            Write(EntryAddress(reference), [.. BitConverter.GetBytes(flags), .. BitConverter.GetBytes(domain), .. BitConverter.GetBytes((uint)frame)]);
            return;
        }

        Write(
            EntryAddress(reference),
            [
                .. BitConverter.GetBytes(flags), .. BitConverter.GetBytes(domain), .. BitConverter.GetBytes(offset),
                .. BitConverter.GetBytes(length), .. BitConverter.GetBytes(frame),
            ]);
    }

    /// <summary>What Xen says of an entry: GTF_reading 8, GTF_writing 16.</summary>
    protected int StatusOf(uint reference) =>
        VersionNow() == 1
            ? BitConverter.ToUInt16(Test.Read(EntryAddress(reference), 2)) & 0x18
            : BitConverter.ToUInt16(Test.Read((StatusGfn << 12) + (2 * reference), 2));

    protected ulong EntryAddress(uint reference) => (TableGfn << 12) + (reference * (VersionNow() == 1 ? 8UL : 16UL));

    protected (int Status, uint Handle) MapOne(uint reference, ulong gfn, uint flags = 2, ushort domain = Own)
    {
        Write(
            Buffer,
            [
                .. BitConverter.GetBytes(gfn << 12), .. BitConverter.GetBytes(flags), .. BitConverter.GetBytes(reference),
                .. BitConverter.GetBytes(domain), .. new byte[14],
            ]);
        Assert.Equal(0, Operation(Map));
        return (Int16(Buffer + 18), UInt32(Buffer + 20));
    }

    protected int UnmapOne(uint handle, ulong gfn)
    {
        Write(Buffer, [.. BitConverter.GetBytes(gfn << 12), .. new byte[8], .. BitConverter.GetBytes(handle), .. new byte[4]]);
        Assert.Equal(0, Operation(Unmap));
        return Int16(Buffer + 20);
    }

    protected int CopyOne(
        (ulong Place, ushort Domain, ushort Offset) source, (ulong Place, ushort Domain, ushort Offset) destination, ushort length, ushort flags)
    {
        var is64Bit = Test.Vcpu.Is64BitCode;
        List<byte> bytes = [];
        foreach (var (place, domain, offset) in new[] { source, destination })
        {
            bytes.AddRange(is64Bit ? BitConverter.GetBytes(place) : BitConverter.GetBytes((uint)place));
            bytes.AddRange(BitConverter.GetBytes(domain));
            bytes.AddRange(BitConverter.GetBytes(offset));
            bytes.AddRange(new byte[is64Bit ? 4 : 0]);
        }

        bytes.AddRange(BitConverter.GetBytes(length));
        bytes.AddRange(BitConverter.GetBytes(flags));
        bytes.AddRange([0x55, 0x55, 0, 0]);
        Write(Buffer, [.. bytes]);
        Assert.Equal(0, Operation(Copy));
        return Int16(Buffer + (is64Bit ? 36UL : 20UL));
    }

    protected void Put(ulong address, uint value) => Write(address, BitConverter.GetBytes(value));

    protected void Write(ulong address, byte[] bytes) => Test.Write(address, bytes);

    protected int Int16(ulong address) => BitConverter.ToInt16(Test.Read(address, 2));

    protected uint UInt32(ulong address) => BitConverter.ToUInt32(Test.Read(address, 4));

    protected ulong UInt64(ulong address) => BitConverter.ToUInt64(Test.Read(address, 8));
}
