using Emu.Cpu.Memory;
using Emu.Cpu.Snapshots;
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
internal sealed class FifoEvents(Domain domain) : IEventAbi, IStateful
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

    /// <summary>Ports that have a word.</summary>
    public uint WordCount => (uint)_pages.Count * WordsInPage;

    /// <summary>Adds the next page of the array, and raises what waited for it.</summary>
    /// <returns>0; -ENOSPC where it is complete; -EINVAL where the frame is no memory of the domain.</returns>
    public long Expand(ulong gfn)
    {
        if (_pages.Count >= MostPages)
            return XenError.NoSpace;
        if (_domain.Hold(gfn) is not { } page)
            return XenError.Invalid;
        var first = (uint)_pages.Count * WordsInPage;
        _pages.Add(page);
        foreach (var port in _domain.Events.Ports)
        {
            if (port.IsPendingWithoutPlace && port.Number >= first && HasWord(port))
                SetPending(port, _domain.Vcpus[port.Vcpu]);
        }

        return 0;
    }

    /// <summary>Gives the pages of the array up.</summary>
    public void ReleasePages()
    {
        foreach (var page in _pages)
            _domain.Memory.Unpin(page.Frame);
        _pages.Clear();
    }

    /// <inheritdoc/>
    public void Transfer(StateStream stream) => stream.Transfer(_pages, MostPages, page =>
    {
        MappedBytes? held = page;
        _domain.Memory.Transfer(stream, ref held, PhysicalMemory.PageSize);
        stream.Require(held is not null, "a page of the event array is missing");
        return held.Value;
    });

    public void SetPending(EventPort port, DomainVcpu vcpu)
    {
        if (!HasWord(port))
        {
            port.IsPendingWithoutPlace = true;
            return;
        }

        // Events for a vCPU without control block are lost: the guest must not have let them come yet.
        if (vcpu.Fifo.ControlBlock is not { } control)
            return;
        var word = Read(port.Number);
        Write(port.Number, word | Pending);
        if ((word & (Masked | Linked)) == 0 && IsHead(port, vcpu.Fifo))
        {
            control.WriteUInt32(FifoVcpu.Heads + (4 * (int)port.Priority), port.Number);
            if (!control.SetBit(FifoVcpu.Ready, (int)port.Priority))
                vcpu.RaiseUpcall();
        }

        if ((word & Pending) == 0)
            _domain.Events.WakePollers(port);
    }

    public void ClearPending(EventPort port)
    {
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

    public bool IsMasked(EventPort port) => !HasWord(port) || (Read(port.Number) & Masked) != 0;

    public bool IsPending(EventPort port) => HasWord(port) && (Read(port.Number) & Pending) != 0;

    public bool IsBusy(EventPort port) => HasWord(port) && (Read(port.Number) & Linked) != 0;

    // Puts the port at the end of its queue, and tells whether that is also its beginning.
    private bool IsHead(EventPort port, FifoVcpu fifo)
    {
        // The port may have been the last of another queue, which is empty then: nothing may be linked to it there.
        var last = port.LastQueue.Vcpu ?? _domain.Vcpus[0].Fifo;
        if (last.Tails[port.LastQueue.Priority] == port.Number)
            last.Tails[port.LastQueue.Priority] = 0;
        port.LastQueue = (fifo, port.Priority);
        Write(port.Number, Read(port.Number) | Linked);
        ref var tail = ref fifo.Tails[port.Priority];
        var isLinked = tail != 0 && TryLink(tail, port.Number);
        tail = port.Number;
        return !isLinked;
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

    private bool HasWord(EventPort port) => port.Number < WordCount;

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

    /// <summary>The bitmap of queues that are not empty.</summary>
    public const int Ready = 0;

    /// <summary>The first port of each queue.</summary>
    public const int Heads = 8;

    /// <summary>The last port of each queue; 0 for none.</summary>
    public uint[] Tails { get; } = new uint[QueueCount];

    /// <summary>The control block; null before the guest gave one. It is the guest's to clear before.</summary>
    public MappedBytes? ControlBlock { get; set; }

    /// <summary>Transfers the queues' ends, and where the control block is.</summary>
    /// <param name="stream">The state.</param>
    /// <param name="memory">Where the control block is held.</param>
    /// <param name="wordCount">How many ports have a word: no other is in a queue.</param>
    public void Transfer(StateStream stream, Physmap memory, uint wordCount)
    {
        var block = ControlBlock;
        memory.Transfer(stream, ref block, ControlBlockLength);
        ControlBlock = block;
        stream.Transfer(Tails.AsSpan());
        foreach (var tail in Tails)
            stream.Require(tail == 0 || tail < wordCount, "a queue ends with a port that has no place");
    }

    /// <summary>Forgets everything.</summary>
    public void Reset(Physmap memory)
    {
        if (ControlBlock is { } block)
            memory.Unpin(block.Frame);
        ControlBlock = null;
        Array.Clear(Tails);
    }
}
