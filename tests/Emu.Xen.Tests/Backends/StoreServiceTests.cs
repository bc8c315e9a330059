using Emu.Xen.Backends;
using Emu.Xen.Domains;
using Emu.Xen.Store;
using Emu.Xen.Tests.Store;
using Emu.Xen.Tests.Support;
using Xunit;

namespace Emu.Xen.Tests.Backends;

public sealed class StoreServiceTests : IDisposable
{
    private const ulong PageAddress = (Domain.FirstSpecialGfn + 4) << 12;
    private const uint EventChannelOp = 32, Send = 4;
    private const ulong Argument = 0x9000;

    private readonly TestDomain _domain = new();
    private readonly XenStore _store = new();
    private readonly uint _port;

    public StoreServiceTests()
    {
        _store.AddDomain(_domain.Domain.Id);
        _store.Control.Write("/local/domain/7/name", "seven");
        _store.Control.SetPermissions("/local/domain/7/name", StorePermissions.Parse("n0", "r7"));
        _ = new StoreService(_domain.Domain, _store);
        _port = (uint)_domain.Domain.Parameters[HvmParameters.StorePort];
        // Binding a port serves it once, for what was sent before.
        _domain.Host.Advance(1_000_000);
    }

    private bool IsPending => _domain.Domain.SharedInfo.Bytes.TestBit(SharedInfo.Pending, (int)_port);

    public void Dispose() => _domain.Dispose();

    [Fact]
    public void A_request_through_the_page_is_answered_a_little_later()
    {
        var request = StoreGuest.Message(StoreMessageType.Read, 9, 0, StoreGuest.Bytes("name|"));
        Assert.True(_domain.Memory.TryWrite(PageAddress, request));
        Assert.True(_domain.Memory.TryWrite(PageAddress + 0x804, BitConverter.GetBytes(request.Length)));
        Assert.True(_domain.Memory.TryWrite(Argument, BitConverter.GetBytes(_port)));
        Assert.Equal(0UL, _domain.Call(EventChannelOp, Send, Argument));
        Assert.Equal(0u, Read(0x80C));
        Assert.False(IsPending);

        _domain.Host.Advance(20_000);
        Assert.Equal(21u, Read(0x80C));
        Assert.True(IsPending);
        var answer = new byte[21];
        Assert.True(_domain.Memory.TryRead(PageAddress + 0x400, answer));
        Assert.Equal(new StoreMessageHeader(StoreMessageType.Read, 9, 0, 5), StoreMessageHeader.Read(answer));
        Assert.Equal("seven"u8, answer.AsSpan(16));
    }

    private uint Read(ulong offset)
    {
        var bytes = new byte[4];
        Assert.True(_domain.Memory.TryRead(PageAddress + offset, bytes));
        return BitConverter.ToUInt32(bytes);
    }
}
