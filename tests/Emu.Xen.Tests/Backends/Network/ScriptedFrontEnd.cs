using System.Buffers.Binary;
using Emu.Cpu.Snapshots;
using Emu.Xen.Backends.Network;
using Emu.Xen.Domains;
using Emu.Xen.Store;
using Emu.Xen.Store.Records;
using Emu.Xen.Tests.Support;

namespace Emu.Xen.Tests.Backends.Network;

/// <summary>A netfront that a test drives by hand: its rings, pages and nodes in the store.</summary>
internal sealed class ScriptedFrontEnd : INetworkLink, IDisposable, IStateful
{
    public const uint TransmitRing = 8, ReceiveRing = 9, FirstPage = 100;
    private const uint EventChannelOperation = 32;
    private const uint MemoryOperation = 12;
    private const ulong EventClose = 3, EventSend = 4, AddToPhysmap = 7, Argument = 0x8000, GrantTableGfn = 0x200;
    private const ulong FirstGfn = 16;

    private readonly TestDomain _machine = new();
    private readonly NetworkDeviceRecord _device = new() { Domain = 7 };

    private uint _transmitProducer;
    private uint _receiveProducer;

    public ScriptedFrontEnd()
    {
        Store.AddDomain(7);
        _device.WriteTo(Store.Control);
        // add_to_physmap of the first grant frame, then entries of version 1.
        _machine.Write(
            Argument, [7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, .. BitConverter.GetBytes((uint)GrantTableGfn)]);
        Xunit.Assert.Equal(0, _machine.Try(MemoryOperation, AddToPhysmap, Argument));
        Grant(TransmitRing);
        Grant(ReceiveRing);
        for (uint i = 0; i < 40; i++)
            Grant(FirstPage + i);
        TransmitPort = (uint)_machine.Domain.Events.AllocateUnbound(Domain.ControlDomain);
        ReceivePort = (uint)_machine.Domain.Events.AllocateUnbound(Domain.ControlDomain);
        ClearRings();
        Backend = new NetworkBackend(_machine.Domain, Store.Control, _device, this);
    }

    public XenStore Store { get; } = new();

    public NetworkBackend Backend { get; }

    public TestDomain Machine => _machine;

    /// <summary>The state of hypervisor and control domain alone.</summary>
    public IStateful Hypervisor => new HypervisorState(this);

    public uint TransmitPort { get; }

    public uint ReceivePort { get; }

    public List<(byte[] Frame, bool HasBlankChecksum)> Sent { get; } = [];

    /// <summary>True where the back end has one of the rings mapped: Xen says so in the entry's GTF_reading and GTF_writing.</summary>
    public bool HasMapping => ((EntryOf(TransmitRing) | EntryOf(ReceiveRing)) & 0x18) != 0;

    public int Readiness { get; private set; }

    public string BackendState => Read(_device.BackendPath + "/state")!;

    public MappedBytes TransmitPage => Page(TransmitRing);

    public MappedBytes ReceivePage => Page(ReceiveRing);

    public MappedBytes Page(uint reference) => _machine.Domain.Map(GfnOf(reference))!.Value;

    public string? Read(string path) => Store.Control.TryRead(path, out var value) ? value : null;

    public string? Offered(string name) => Read($"{_device.BackendPath}/{name}");

    public void Write(string name, string value) => Store.Control.Write($"{_device.FrontendPath}/{name}", value);

    public void Remove(string name) => Store.Control.Remove($"{_device.FrontendPath}/{name}");

    /// <summary>Writes what Linux writes, but what a test does not want, and says that it is connected.</summary>
    public void Connect(bool splitsEvents = true, params string[] without)
    {
        List<(string Name, string Value)> nodes =
        [
            ("tx-ring-ref", $"{TransmitRing}"), ("rx-ring-ref", $"{ReceiveRing}"), ("request-rx-copy", "1"), ("feature-rx-notify", "1"),
            ("feature-sg", "1"), ("feature-gso-tcpv4", "1"),
        ];
        nodes.AddRange(splitsEvents
            ? [("event-channel-tx", $"{TransmitPort}"), ("event-channel-rx", $"{ReceivePort}")]
            : [("event-channel", $"{TransmitPort}")]);
        foreach (var (name, value) in nodes)
        {
            if (!without.Contains(name))
                Write(name, value);
        }

        Write("state", "4");
    }

    /// <summary>Begins with rings that are empty.</summary>
    public void ClearRings()
    {
        _transmitProducer = _receiveProducer = 0;
        foreach (var page in (ReadOnlySpan<MappedBytes>)[TransmitPage, ReceivePage])
        {
            page.Writable(0, 4096).Clear();
            // As Linux does: tell me of the first response.
            page.WriteUInt32(4, 1);
            page.WriteUInt32(12, 1);
        }
    }

    public void PutTransmit(uint reference, int offset, int flags, int id, int size)
    {
        Span<byte> entry = stackalloc byte[12];
        BinaryPrimitives.WriteUInt32LittleEndian(entry, reference);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[4..], (ushort)offset);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[6..], (ushort)flags);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[8..], (ushort)id);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[10..], (ushort)size);
        PutTransmit(entry);
    }

    public void PutTransmit(ReadOnlySpan<byte> entry) =>
        entry.CopyTo(TransmitPage.Writable(64 + ((int)(_transmitProducer++ % 256) * 12), entry.Length));

    /// <summary>Shows the requests, and rings.</summary>
    public void PushTransmit() => PushTransmit(_transmitProducer);

    public void PushTransmit(uint producer)
    {
        TransmitPage.WriteUInt32(0, producer);
        Ring(TransmitPort);
    }

    public (int Id, int Status) TransmitResponse(int index)
    {
        var entry = TransmitPage.Bytes[(64 + (index % 256 * 12))..];
        return (BinaryPrimitives.ReadUInt16LittleEndian(entry), BinaryPrimitives.ReadInt16LittleEndian(entry[2..]));
    }

    public void OfferPage(int id, uint reference)
    {
        var entry = ReceivePage.Writable(64 + ((int)(_receiveProducer++ % 256) * 8), 8);
        BinaryPrimitives.WriteUInt16LittleEndian(entry, (ushort)id);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], reference);
    }

    public void PushReceive() => PushReceive(_receiveProducer);

    public void PushReceive(uint producer)
    {
        ReceivePage.WriteUInt32(0, producer);
        Ring(ReceivePort);
    }

    public (int Id, int Offset, int Flags, int Status) ReceiveResponse(int index)
    {
        var entry = ReceivePage.Bytes[(64 + (index % 256 * 8))..];
        return (
            BinaryPrimitives.ReadUInt16LittleEndian(entry),
            BinaryPrimitives.ReadUInt16LittleEndian(entry[2..]),
            BinaryPrimitives.ReadUInt16LittleEndian(entry[4..]),
            BinaryPrimitives.ReadInt16LittleEndian(entry[6..]));
    }

    /// <summary>Takes the pending bit of a port.</summary>
    public bool TakeEvent(uint port)
    {
        return _machine.Domain.SharedInfo.Bytes.ClearBit(SharedInfo.Pending, (int)port);
    }

    public void Ring(uint port) => Call(EventSend, port);

    public void Close(uint port) => Call(EventClose, port);

    public void Transmit(Span<byte> frame, bool hasBlankChecksum) => Sent.Add((frame.ToArray(), hasBlankChecksum));

    public void ReceiverReady() => Readiness++;

    public void Dispose() => _machine.Dispose();

    /// <summary>Transfers the domain, what is around it, and what the front end knows.</summary>
    public void Transfer(StateStream stream)
    {
        _machine.Transfer(stream);
        stream.Transfer(ref _transmitProducer);
        stream.Transfer(ref _receiveProducer);
        Hypervisor.Transfer(stream);
    }

    private sealed class HypervisorState(ScriptedFrontEnd front) : IStateful
    {
        public void Transfer(StateStream stream)
        {
            front._machine.Domain.Transfer(stream);
            front.Store.Transfer(stream);
            front.Backend.Transfer(stream);
        }
    }

    private static ulong GfnOf(uint reference) => FirstGfn + (reference < FirstPage ? reference - TransmitRing : reference - FirstPage + 2);

    private static ulong EntryAddress(uint reference) => (GrantTableGfn << 12) + (reference * 8);

    private void Grant(uint reference)
    {
        const ushort PermitAccess = 1;
        _machine.Write(EntryAddress(reference), [.. BitConverter.GetBytes(PermitAccess), 0, 0, .. BitConverter.GetBytes((uint)GfnOf(reference))]);
    }

    private int EntryOf(uint reference) => BitConverter.ToUInt16(_machine.Read(EntryAddress(reference), 2));

    /// <summary>event_channel_op with one port as its argument.</summary>
    private void Call(ulong operation, uint port)
    {
        _machine.Write(Argument, BitConverter.GetBytes(port));
        _machine.Call(EventChannelOperation, operation, Argument);
    }
}
