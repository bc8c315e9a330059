using Emu.Cpu.Snapshots;
using Emu.Xen.Domains;
using Emu.Xen.EventChannels;
using Emu.Xen.Grants;
using Emu.Xen.Store;
using Emu.Xen.Store.Records;

namespace Emu.Xen.Backends.Block;

/// <summary>The control domain's end of a virtual disk (xen/include/public/io/blkif.h), as Linux's blkback is.</summary>
/// <remarks>
/// One ring, of up to 16 pages; indirect segments, flushes and barriers, persistent grants. The front end's requests are looked at a fixed
/// time after it has told of the first one, and are all answered then, in their order: there is nothing in it that the host's speed decides.
/// A request that cannot be is answered with an error; a ring whose indices cannot be is not served any more.
/// </remarks>
public sealed class BlockBackend : XenbusBackend
{
    /// <summary>How long the disk takes, in nanoseconds.</summary>
    private const ulong AnswerTime = 50_000;

    /// <summary>Requests answered at one time; a longer ring has to wait.</summary>
    private const uint LongestBatch = 64;

    private const int MaximumRingOrder = 4;

    // Linux's numbers, which are positive in the store.
    private const int InputOutput = 5, Invalid = 22, NotImplemented = 38;

    private const uint Cdrom = 1, ReadOnlyDisk = 4;

    private readonly IBlockImage _image;
    private readonly BlockRequests _requests;
    private readonly BlockDeviceRecord _device;
    private readonly IXenTimer _answer;
    private readonly PortListener _listener;
    private readonly List<GrantMapping> _pages = [];
    private BlockRing? _ring;
    private uint _port;

    /// <summary>Makes the back end of a disk that is in the store, and waits for its front end.</summary>
    /// <param name="domain">The front end's domain.</param>
    /// <param name="store">The store.</param>
    /// <param name="device">The disk's record; it has been written.</param>
    /// <param name="image">What is on the disk; whoever made it disposes of it.</param>
    public BlockBackend(Domain domain, ControlDomain store, BlockDeviceRecord device, IBlockImage image)
        : base(domain, store, device)
    {
        ArgumentNullException.ThrowIfNull(image);
        _device = device;
        _image = image;
        _requests = new BlockRequests(Domain.Grants, image, IsReadOnly, Report);
        _answer = Domain.Host.CreateTimer(Name, Answer);
        _listener = Domain.Events.AddListener(() => _answer.Arm(Domain.Host.Now + AnswerTime), _ => _port = 0);
        Start();
    }

    private bool IsReadOnly => _device.IsReadOnly || _image.IsReadOnly;

    /// <inheritdoc/>
    public override void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        base.Transfer(stream);
        _answer.Transfer(stream);
        stream.Transfer(ref _port);
        Domain.Grants.Transfer(stream, _pages, 1 << MaximumRingOrder);
        _requests.Transfer(stream);
        var isServed = stream.Transferred(_ring is not null);
        var is64Bit = stream.Transferred(_ring?.Is64Bit ?? false);
        stream.Require(!isServed || _pages.Count != 0, "its ring has no pages");
        if (stream.IsRestoring)
            _ring = isServed ? new BlockRing(_pages, is64Bit) : null;
        _ring?.Transfer(stream);
    }

    /// <inheritdoc/>
    protected override void Offer()
    {
        Write("feature-max-indirect-segments", BlockRequests.MaximumIndirectSegments);
        Write("multi-queue-max-queues", 1);
        Write("max-ring-page-order", MaximumRingOrder);
    }

    /// <inheritdoc/>
    protected override XenbusFailure? Connect()
    {
        if (ReadNumber("multi-queue-num-queues") is { } queues and not 1)
            return new XenbusFailure(NotImplemented, $"guest requested {queues} queues, exceeding the maximum of 1.");
        var protocol = Read("protocol") ?? "x86_64-abi";
        if (protocol is not ("x86_64-abi" or "x86_32-abi"))
            return new XenbusFailure(NotImplemented, "unknown fe protocol");
        var order = ReadNumber("ring-page-order") ?? 0;
        if (order > MaximumRingOrder)
            return new XenbusFailure(Invalid, $"invalid request ring page order {order}");
        if (ReadNumber("event-channel") is not { } port)
            return new XenbusFailure(Invalid, "reading event-channel");
        if (MapRing(1 << (int)order) is { } failure)
            return failure;
        BlockRing ring = new(_pages, protocol == "x86_64-abi");
        if (ring.CountRequests() is null || !Domain.Events.TryConnect(port, _listener))
            return new XenbusFailure(InputOutput, "mapping ring-ref port");
        _ring = ring;
        _port = port;
        _requests.Begin(ring.Length, isPersistent: ReadNumber("feature-persistent") == 1);
        Publish();
        return null;
    }

    /// <inheritdoc/>
    protected override void Disconnect()
    {
        _answer.Disarm();
        _ring = null;
        if (_port != 0)
            Domain.Events.Disconnect(_port);
        _port = 0;
        _requests.End();
        foreach (var page in _pages)
            Domain.Grants.Unmap(page);
        _pages.Clear();
    }

    // ring-ref, or ring-ref0 and so on where there are several.
    private XenbusFailure? MapRing(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var reference = count == 1 ? ReadNumber("ring-ref") ?? ReadNumber("ring-ref0") : ReadNumber($"ring-ref{i}");
            if (reference is null)
                return new XenbusFailure(Invalid, "reading ring-ref");
            if (!Domain.Grants.TryMap(reference.Value, isWrite: true, out var page))
                return new XenbusFailure(InputOutput, $"mapping ring-ref {reference}");
            _pages.Add(page);
        }

        return null;
    }

    private void Publish()
    {
        Write("feature-flush-cache", 1);
        Write("feature-barrier", 1);
        Write("feature-persistent", 1);
        Write("sectors", _image.SectorCount);
        Write("info", (_device.IsCdrom ? Cdrom : 0) | (IsReadOnly ? ReadOnlyDisk : 0));
        Write("sector-size", IBlockImage.SectorLength);
        Write("physical-sector-size", IBlockImage.SectorLength);
    }

    private void Answer()
    {
        if (_ring is not { } ring)
            return;
        if (ring.CountRequests() is not { } count)
        {
            NoteFailure("the front end's ring index is impossible; the disk is not served any more");
            _ring = null;
            return;
        }

        Span<byte> bytes = stackalloc byte[BlockRing.LongestEntry];
        for (var i = Math.Min(count, LongestBatch); i > 0; i--)
        {
            ring.TakeRequest(bytes);
            BlockRequest request = new(bytes, ring.Is64Bit);
            var status = _requests.Execute(request, out var operation);
            ring.PutResponse(request.Id, operation, status);
        }

        if (ring.Push())
            Domain.Events.Notify(_port);
        ring.ArmRequestEvent();
        // What came meanwhile was perhaps not told.
        if (ring.CountRequests() is not 0)
            _answer.Arm(Domain.Host.Now + AnswerTime);
    }
}
