using System.Buffers.Binary;
using Emu.Cpu.Snapshots;
using Emu.Xen.Grants;

namespace Emu.Xen.Backends.Block;

/// <summary>A ring of block requests and responses, of one page or several (xen/include/public/io/blkif.h).</summary>
/// <remarks>
/// <code>
/// entry: 112 bytes (x86_64-abi) or 108 (x86_32-abi)
/// response: id u64@0, operation u8@8, status s16@10
/// </code>
/// </remarks>
internal sealed class BlockRing : IStateful
{
    /// <summary>Bytes that hold a request of either width.</summary>
    public const int LongestEntry = 112;

    private const int ShortEntry = 108;
    private const int ResponseLength = 12;

    private readonly BackRing _ring;
    private readonly int _entryLength;

    /// <summary>Takes a ring over; a front end that was connected before goes on where it was.</summary>
    /// <param name="pages">Its pages, mapped for writing.</param>
    /// <param name="is64Bit">Whether its entries are those of x86_64-abi.</param>
    public BlockRing(IReadOnlyList<GrantMapping> pages, bool is64Bit)
    {
        Is64Bit = is64Bit;
        _entryLength = is64Bit ? LongestEntry : ShortEntry;
        _ring = new BackRing([.. pages.Select(static page => page.Page)], _entryLength);
    }

    /// <summary>Which layout its entries have.</summary>
    public bool Is64Bit { get; }

    /// <summary>How many entries it has.</summary>
    public uint Length => _ring.Length;

    /// <summary>How many requests wait; null where the front end says more than it may have under way.</summary>
    public uint? CountRequests() => _ring.CountRequests(Length - _ring.Unanswered);

    /// <summary>Takes a copy of the next request; there is one.</summary>
    /// <param name="request"><see cref="LongestEntry"/> bytes.</param>
    public void TakeRequest(Span<byte> request) => _ring.TakeRequest(request[.._entryLength]);

    /// <summary>Writes the next response; the front end does not see it yet.</summary>
    /// <param name="id">The request's.</param>
    /// <param name="operation">What it asked for.</param>
    /// <param name="status">What became of it.</param>
    public void PutResponse(ulong id, byte operation, short status)
    {
        Span<byte> bytes = stackalloc byte[ResponseLength];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, id);
        bytes[8] = operation;
        bytes[9] = 0;
        BinaryPrimitives.WriteInt16LittleEndian(bytes[10..], status);
        _ring.PutResponse(bytes);
    }

    /// <summary>Shows the front end the responses.</summary>
    /// <returns>True where it wants to be told.</returns>
    public bool Push() => _ring.Push();

    /// <summary>Asks the front end to tell of the next request.</summary>
    public void ArmRequestEvent() => _ring.ArmRequestEvent();

    /// <inheritdoc/>
    public void Transfer(StateStream stream) => _ring.Transfer(stream);
}
