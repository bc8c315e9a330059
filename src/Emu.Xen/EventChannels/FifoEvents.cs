using Emu.Xen.Domains;

namespace Emu.Xen.EventChannels;

/// <summary>The FIFO ABI (xen/common/event_fifo.c): a word for each port, and for each vCPU 16 queues of them, linked through the words.</summary>
/// <remarks>
/// <code>
/// word:           31 pending | 30 masked | 29 linked | 28 busy | 16:0 next port in the queue
/// control block:  u32 bitmap of queues that are not empty, u32, u32 head[16]
/// </code>
/// A pending port that is neither masked nor linked already is put at the end of its queue. The guest takes ports off the head and
/// clears "linked".
/// </remarks>
internal sealed class FifoEvents(Domain domain) : IEventAbi
{
    /// <summary>Bits of a port's number.</summary>
    public const byte LinkBits = 17;

    /// <summary>Pages that the array of words may have.</summary>
    public const int MostPages = (1 << LinkBits) / WordsInPage;

    private const int WordsInPage = 1024;
    private const uint Pending = 1U << 31, Masked = 1U << 30, Linked = 1U << 29, Busy = 1U << 28;
    private const uint LinkMask = (1U << LinkBits) - 1;

    private readonly Domain _domain = domain;
    private readonly List<MappedBytes> _pages = [];

    public uint PortLimit => 1U << LinkBits;

    /// <summary>Adds the next page of the array, and raises what waited for it.</summary>
    /// <returns>0; -ENOSPC where it is complete; -EINVAL where the frame is no memory.</returns>
    public long Expand(ulong gfn)
    {
        if (_pages.Count >= MostPages)
            return XenError.NoSpace;
        var frame = _domain.Memory.FrameAt(gfn);
        if (frame < 0)
            return XenError.Invalid;
        _pages.Add(new MappedBytes(_domain.Host.Memory, frame));
        foreach (var port in _domain.Events.Ports)
        {
            if (!port.IsPendingWithoutPlace || !HasWord(port))
                continue;
            port.IsPendingWithoutPlace = false;
            SetPending(port, _domain.Vcpus[port.Vcpu]);
        }

        return 0;
    }

    public void SetPending(EventPort port, DomainVcpu vcpu)
    {
        if (!HasWord(port))
        {
            port.IsPendingWithoutPlace = true;
            return;
        }

        var word = Read(port.Number);
        var wasPending = (word & Pending) != 0;
        Write(port.Number, word | Pending);
        if ((word & (Masked | Linked)) == 0)
            Enqueue(port, vcpu);
        if (!wasPending)
            _domain.Events.WakePollers(port);
    }

    public void ClearPending(EventPort port)
    {
        port.IsPendingWithoutPlace = false;
        if (HasWord(port))
            Write(port.Number, Read(port.Number) & ~Pending);
    }

    public void Unmask(EventPort port, DomainVcpu vcpu)
    {
        if (!HasWord(port))
            return;
        var word = Read(port.Number) & ~Masked;
        Write(port.Number, word);
        if ((word & Pending) != 0)
            SetPending(port, vcpu);
    }

    public bool IsPending(EventPort port) => HasWord(port) ? (Read(port.Number) & Pending) != 0 : port.IsPendingWithoutPlace;

    public bool IsMasked(EventPort port) => !HasWord(port) || (Read(port.Number) & Masked) != 0;

    private void Enqueue(EventPort port, DomainVcpu vcpu)
    {
        // The port may have been the last of another queue, which is empty then: nothing may be linked to it there.
        if (port.LastQueue is ({ } lastVcpu, var lastPriority) && lastVcpu.Tails[lastPriority] == port.Number)
            lastVcpu.Tails[lastPriority] = 0;
        port.LastQueue = (vcpu.Fifo, port.Priority);
        Write(port.Number, Read(port.Number) | Linked);
        ref var tail = ref vcpu.Fifo.Tails[port.Priority];
        var isLinked = tail != 0 && TryLink(tail, port.Number);
        tail = port.Number;
        if (isLinked)
            return;
        if (vcpu.Fifo.SetHead(port.Priority, port.Number))
            vcpu.RaiseUpcall();
    }

    // A tail that the guest has taken off its queue already links nothing any more.
    private bool TryLink(uint tail, uint next)
    {
        var word = Read(tail);
        if ((word & Linked) == 0)
            return false;
        Write(tail, (word & ~(Busy | LinkMask)) | next);
        return true;
    }

    private bool HasWord(EventPort port) => port.Number < (uint)_pages.Count * WordsInPage;

    private uint Read(uint port) => _pages[(int)(port / WordsInPage)].ReadUInt32((int)(port % WordsInPage) * 4);

    private void Write(uint port, uint word) => _pages[(int)(port / WordsInPage)].WriteUInt32((int)(port % WordsInPage) * 4, word);
}

/// <summary>What the FIFO ABI keeps for a vCPU: the ends of its queues, and where the guest finds the heads.</summary>
internal sealed class FifoVcpu
{
    /// <summary>Queues of a vCPU; 0 is served first.</summary>
    public const uint QueueCount = 16;

    /// <summary>The queue of a port that nobody has moved.</summary>
    public const uint DefaultPriority = 7;

    /// <summary>Bytes of a control block, which is aligned to 8 and lies in one page.</summary>
    public const int ControlBlockLength = 72;

    private const int Ready = 0, Heads = 8;

    // What was queued before the guest gave a control block.
    private readonly uint[] _earlyHeads = new uint[QueueCount];
    private uint _earlyReady;

    /// <summary>The last port of each queue; 0 for none.</summary>
    public uint[] Tails { get; private set; } = new uint[QueueCount];

    /// <summary>The control block; null before the guest gave one.</summary>
    public MappedBytes? ControlBlock { get; private set; }

    /// <summary>Takes the guest's control block, and what was queued before into it.</summary>
    public void TakeControlBlock(MappedBytes place)
    {
        ControlBlock = place;
        place.WriteUInt32(Ready, _earlyReady);
        for (var queue = 0; queue < QueueCount; queue++)
            place.WriteUInt32(Heads + (4 * queue), _earlyHeads[queue]);
    }

    /// <summary>Begins an empty queue with a port.</summary>
    /// <returns>True where the queue was not marked as ready before.</returns>
    public bool SetHead(uint queue, uint port)
    {
        if (ControlBlock is not { } block)
        {
            _earlyHeads[queue] = port;
            var wasReady = (_earlyReady & (1U << (int)queue)) != 0;
            _earlyReady |= 1U << (int)queue;
            return !wasReady;
        }

        block.WriteUInt32(Heads + (4 * (int)queue), port);
        return !block.SetBit(Ready, (int)queue);
    }

    /// <summary>Forgets everything.</summary>
    public void Reset()
    {
        ControlBlock = null;
        Tails = new uint[QueueCount];
        Array.Clear(_earlyHeads);
        _earlyReady = 0;
    }
}
