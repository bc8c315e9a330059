using System.Buffers.Binary;
using System.Globalization;
using Emu.Cpu.Snapshots;
using Emu.Xen.Backends;
using Emu.Xen.Backends.Block;
using Emu.Xen.Store;
using Emu.Xen.Store.Records;
using Emu.Xen.Tests.Support;
using Xunit;

namespace Emu.Xen.Tests.Backends.Block;

/// <summary>
/// A domain with a disk, and a front end that the test plays: ring from 0x40000 on, pages for data from 0x80000 on; grant n is for the page n.
/// </summary>
internal sealed class BlockFrontend : IDisposable, IStateful
{
    public const ulong Ring = 0x40000, Data = 0x80000;
    private const ulong TableGfn = 0x200;

    private readonly uint _port;
    private uint _producer;
    private uint _consumer;

    public BlockFrontend(IBlockImage image, bool isReadOnly = false, bool isCdrom = false)
    {
        Image = image;
        var domain = Test.Domain;
        Store.AddDomain(domain.Id);
        new DomainRecord { Domain = domain.Id, Uuid = domain.Options.Uuid }.WriteTo(Store.Control);
        Device = new BlockDeviceRecord { Domain = domain.Id, IsReadOnly = isReadOnly, IsCdrom = isCdrom };
        Device.WriteTo(Store.Control);
        Test.Write(0xA000, [7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0]);
        Assert.Equal(0, Test.Try(12, 7, 0xA000));
        for (var page = 16U; page < 256; page++)
            Grant(page);
        Backend = new BlockBackend(domain, Store.Control, Device, image);
        Backend.Reported += Log.Add;
        _port = (uint)domain.Events.AllocateUnbound(0);
    }

    public TestDomain Test { get; } = new();

    public XenStore Store { get; } = new();

    public IBlockImage Image { get; }

    public BlockDeviceRecord Device { get; }

    public BlockBackend Backend { get; }

    public List<string> Log { get; } = [];

    /// <summary>The state of hypervisor and control domain alone.</summary>
    public IStateful Hypervisor => new HypervisorState(this);

    public bool Is64Bit { get; private set; } = true;

    public int RingPages { get; private set; } = 1;

    private int EntryLength => Is64Bit ? 112 : 108;

    private uint RingLength => Enumerable.Range(0, 12).Select(i => 1U << i).Last(n => n * EntryLength <= (RingPages * 4096) - 64);

    public void Dispose() => Test.Dispose();

    /// <summary>Transfers the domain, what is around it, and what the front end knows.</summary>
    public void Transfer(StateStream stream)
    {
        Test.Transfer(stream);
        Is64Bit = stream.Transferred(Is64Bit);
        RingPages = stream.Transferred(RingPages);
        stream.Transfer(ref _producer);
        stream.Transfer(ref _consumer);
        Hypervisor.Transfer(stream);
    }

    public void Grant(uint page, ushort flags = 1, ushort domain = 0) =>
        Test.Write((TableGfn << 12) + (page * 8), [(byte)flags, (byte)(flags >> 8), (byte)domain, 0, (byte)page, 0, 0, 0]);

    public int GrantStatusOf(uint page) => Test.Read((TableGfn << 12) + (page * 8), 1)[0] & 0x18;

    /// <summary>What the back end says of the disk; empty where it does not.</summary>
    public string Said(string name) => Store.Control.TryRead($"{Device.BackendPath}/{name}", out var value) ? value : "";

    public void Say(string name, string value) => Store.Control.Write($"{Device.FrontendPath}/{name}", value);

    public void Say(string name, uint value) => Say(name, value.ToString(CultureInfo.InvariantCulture));

    /// <summary>Names the ring and goes to Initialised, then to Connected.</summary>
    public void Connect(bool is64Bit = true, int order = 0, bool isPersistent = false)
    {
        Is64Bit = is64Bit;
        RingPages = 1 << order;
        Test.Write(Ring, new byte[RingPages * 4096]);
        WriteUInt32(4, 1);
        WriteUInt32(12, 1);
        _producer = _consumer = 0;
        Say("protocol", is64Bit ? "x86_64-abi" : "x86_32-abi");
        Say("event-channel", _port);
        if (isPersistent)
            Say("feature-persistent", 1);
        if (order == 0)
        {
            Say("ring-ref", (uint)(Ring >> 12));
        }
        else
        {
            Say("ring-page-order", (uint)order);
            for (var i = 0U; i < RingPages; i++)
                Say($"ring-ref{i}", (uint)(Ring >> 12) + i);
        }

        Say("state", 3);
        if (Backend.State == XenbusState.Connected)
            Say("state", 4);
    }

    /// <summary>Puts a request into the ring.</summary>
    public void Put(byte operation, ulong id, ulong sector, params (uint Page, byte First, byte Last)[] segments)
    {
        var body = Is64Bit ? 8 : 4;
        var entry = new byte[EntryLength];
        entry[0] = operation;
        entry[1] = (byte)segments.Length;
        BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(body), id);
        BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(body + 8), sector);
        Segments(segments.AsSpan(0, Math.Min(11, segments.Length))).CopyTo(entry, body + 16);
        PutRaw(entry);
    }

    /// <summary>Puts an indirect request into the ring, with its segments in a page.</summary>
    public void PutIndirect(byte operation, ulong id, ulong sector, uint page, params (uint Page, byte First, byte Last)[] segments)
    {
        Test.Write((ulong)page << 12, Segments(segments));
        PutIndirectRaw(operation, id, sector, page, (ushort)segments.Length);
    }

    public void PutIndirectRaw(byte operation, ulong id, ulong sector, uint page, ushort count)
    {
        var body = Is64Bit ? 8 : 4;
        var entry = new byte[EntryLength];
        entry[0] = 6;
        entry[1] = operation;
        BinaryPrimitives.WriteUInt16LittleEndian(entry.AsSpan(2), count);
        BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(body), id);
        BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(body + 8), sector);
        BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(body + 20), page);
        PutRaw(entry);
    }

    public void PutRaw(byte[] entry)
    {
        Test.Write(PositionOf(_producer++), entry);
        WriteUInt32(0, _producer);
    }

    /// <summary>Tells the back end, and lets time pass until it has answered.</summary>
    public void Kick()
    {
        Send();
        Test.Host.Advance(1_000_000);
    }

    /// <summary>True where the guest has not given away the page of its ring, or one of those for data.</summary>
    public bool HasData => Enumerable.Range(0x80, 0x20).Append(0x70).All(gfn => Test.Domain.Memory.FrameAt((ulong)gfn) >= 0);

    /// <summary>Tells the back end, if its port is connected with it.</summary>
    /// <returns>What the hypercall returned.</returns>
    public long TrySend()
    {
        Test.Write(0xA100, BitConverter.GetBytes(_port));
        return Test.Try(32, 4, 0xA100);
    }

    /// <summary>Tells the back end.</summary>
    public void Send()
    {
        Assert.Equal(0, TrySend());
    }

    /// <summary>The responses that there are.</summary>
    public List<(ulong Id, byte Operation, short Status)> Take()
    {
        List<(ulong, byte, short)> responses = [];
        for (var end = BitConverter.ToUInt32(Test.Read(Ring + 8, 4)); _consumer != end; _consumer++)
        {
            var entry = Test.Read(PositionOf(_consumer), 12);
            responses.Add((BitConverter.ToUInt64(entry), entry[8], BitConverter.ToInt16(entry, 10)));
        }

        WriteUInt32(12, _consumer + 1);
        return responses;
    }

    /// <summary>Does one request, and gives its status.</summary>
    public short Do(byte operation, ulong sector, params (uint Page, byte First, byte Last)[] segments)
    {
        Put(operation, 99, sector, segments);
        return Only(99, operation);
    }

    public short Only(ulong id, byte operation)
    {
        Kick();
        var response = Assert.Single(Take());
        Assert.Equal((id, operation), (response.Id, response.Operation));
        return response.Status;
    }

    public void WriteUInt32(ulong offset, uint value) => Test.Write(Ring + offset, BitConverter.GetBytes(value));

    private ulong PositionOf(uint index) => Ring + 64 + ((index & (RingLength - 1)) * (ulong)EntryLength);

    private sealed class HypervisorState(BlockFrontend front) : IStateful
    {
        public void Transfer(StateStream stream)
        {
            front.Test.Domain.Transfer(stream);
            front.Store.Transfer(stream);
            front.Image.Transfer(stream);
            front.Backend.Transfer(stream);
        }
    }

    private static byte[] Segments(ReadOnlySpan<(uint Page, byte First, byte Last)> segments)
    {
        var bytes = new byte[segments.Length * 8];
        for (var i = 0; i < segments.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(i * 8), segments[i].Page);
            bytes[(i * 8) + 4] = segments[i].First;
            bytes[(i * 8) + 5] = segments[i].Last;
        }

        return bytes;
    }
}
