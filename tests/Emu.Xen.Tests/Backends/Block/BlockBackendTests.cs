using Emu.Xen.Backends;
using Emu.Xen.Backends.Block;
using Xunit;

namespace Emu.Xen.Tests.Backends.Block;

public sealed class BlockBackendTests : IDisposable
{
    private const byte Read = 0, Write = 1, Barrier = 2, Flush = 3, Reserved = 4, Discard = 5;
    private const short Okay = 0, Error = -1, NotSupported = -2;

    private readonly MemoryImage _image = new(1000);
    private readonly BlockFrontend _front;

    public BlockBackendTests() => _front = new BlockFrontend(_image);

    public void Dispose() => _front.Dispose();

    [Fact]
    public void Back_end_says_what_it_can_and_waits()
    {
        Assert.Equal(XenbusState.InitWait, _front.Backend.State);
        Assert.Equal(("2", "256", "4", "1"), (
            _front.Said("state"), _front.Said("feature-max-indirect-segments"), _front.Said("max-ring-page-order"),
            _front.Said("multi-queue-max-queues")));
        Assert.Equal("", _front.Said("feature-discard"));
    }

    [Theory]
    [InlineData(false, false, "0")]
    [InlineData(true, false, "4")]
    [InlineData(true, true, "5")]
    public void Connected_back_end_says_what_the_disk_is(bool isReadOnly, bool isCdrom, string information)
    {
        using var front = new BlockFrontend(_image, isReadOnly, isCdrom);
        front.Connect();
        Assert.Equal("4", front.Said("state"));
        Assert.Equal(("1000", "512", "512", information), (
            front.Said("sectors"), front.Said("sector-size"), front.Said("physical-sector-size"), front.Said("info")));
        Assert.Equal(("1", "1", "1"), (front.Said("feature-flush-cache"), front.Said("feature-barrier"), front.Said("feature-persistent")));
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 0)]
    [InlineData(true, 1)]
    [InlineData(false, 4)]
    [InlineData(true, 4)]
    public void Data_go_to_the_disk_and_back_in_every_layout(bool is64Bit, int order)
    {
        _front.Connect(is64Bit, order);
        Fill(0x80, 1);
        Fill(0x81, 2);
        // More requests than a ring of several pages has entries in one page.
        for (var round = 0UL; round < 700; round++)
        {
            _front.Put(Write, round, round, (0x80, 0, 0), (0x81, 2, 3));
            Assert.Equal(Okay, _front.Only(round, Write));
        }

        Assert.Equal([.. Enumerable.Repeat((byte)1, 700 * 512), .. Enumerable.Repeat((byte)2, 1024)], _image.Bytes[..(702 * 512)]);
        Assert.Equal(Okay, _front.Do(Read, 699, (0x90, 7, 7), (0x91, 0, 1)));
        Assert.Equal(Enumerable.Repeat((byte)1, 512), _front.Test.Read(0x90E00, 512));
        Assert.Equal(Enumerable.Repeat((byte)2, 1024), _front.Test.Read(0x91000, 1024));
        Assert.Equal(new byte[512], _front.Test.Read(0x91400, 512));
        Assert.Equal(0, _front.GrantStatusOf(0x80));
    }

    [Fact]
    public void Answers_come_together_a_fixed_time_after_the_first_request_in_order()
    {
        _front.Connect();
        _front.Test.Host.Advance(1_000_000);
        _front.Put(Read, 1, 0, (0x80, 0, 0));
        _front.Send();
        _front.Put(Read, 2, 5000, (0x80, 0, 0));
        _front.Put(Write, 3, 7, (0x81, 0, 0));
        _front.Test.Host.Advance(49_999);
        Assert.Empty(_front.Take());
        _front.Test.Host.Advance(1);
        Assert.Equal([(1, Read, Okay), (2, Read, Error), (3, Write, Okay)], _front.Take());
        Assert.Equal(["read 0+1", "write 7+1"], _image.Calls);
    }

    [Fact]
    public void Full_ring_is_answered_without_being_told_again()
    {
        _front.Connect(order: 4);
        for (var i = 0UL; i < 512; i++)
            _front.Put(Read, i, i, (0x80, 0, 0));
        _front.Kick();
        Assert.Equal(Enumerable.Range(0, 512).Select(static i => (ulong)i), _front.Take().Select(static response => response.Id));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Indirect_request_has_up_to_256_segments(bool is64Bit)
    {
        _front.Connect(is64Bit);
        Fill(0x80, 3);
        Fill(0x81, 4);
        _front.PutIndirect(Write, 1, 10, 0x90, [.. Enumerable.Range(0, 256).Select(static i => (0x80U + (uint)(i / 128), (byte)0, (byte)0))]);
        Assert.Equal(Okay, _front.Only(1, Write));
        Assert.Equal(["write 10+256"], _image.Calls);
        Assert.Equal([.. Enumerable.Repeat((byte)3, 128 * 512), .. Enumerable.Repeat((byte)4, 128 * 512)], _image.Bytes[(10 * 512)..(266 * 512)]);
        _front.PutIndirect(Read, 2, 100, 0x90, [.. Enumerable.Range(0, 90).Select(static i => (0xA0U + (uint)i, (byte)1, (byte)1))]);
        Assert.Equal(Okay, _front.Only(2, Read));
        Assert.Equal(Enumerable.Repeat((byte)3, 512), _front.Test.Read(0xA0200, 512));
        Assert.Equal(Enumerable.Repeat((byte)4, 512), _front.Test.Read(0xA0200 + (89 * 4096), 512));
    }

    [Theory]
    [InlineData(Read, 0U, (ushort)1)]
    [InlineData(Read, 0xFFFF_FFFFU, (ushort)1)]
    [InlineData(Read, 0x90U, (ushort)0)]
    [InlineData(Read, 0x90U, (ushort)257)]
    [InlineData(Read, 0x90U, (ushort)0xFFFF)]
    [InlineData(Flush, 0x90U, (ushort)1)]
    [InlineData(Barrier, 0x90U, (ushort)1)]
    [InlineData((byte)6, 0x90U, (ushort)1)]
    public void Indirect_request_that_cannot_be_is_an_error(byte operation, uint page, ushort count)
    {
        _front.Connect();
        _front.Grant(0, flags: 0);
        _front.Test.Write(0x90000, new byte[4096]);
        _front.PutIndirectRaw(operation, 5, 0, page, count);
        Assert.Equal(Error, _front.Only(5, operation));
        Assert.Empty(_image.Calls);
    }

    [Fact]
    public void Flush_reaches_the_image_and_a_barrier_is_written_between_two()
    {
        _front.Connect();
        Assert.Equal(Okay, _front.Do(Flush, 0));
        Assert.Equal(["flush"], _image.Calls);
        _image.Calls.Clear();
        Assert.Equal(Okay, _front.Do(Barrier, 5, (0x80, 0, 7)));
        Assert.Equal(["flush", "write 5+8", "flush"], _image.Calls);
        _image.Calls.Clear();
        Assert.Equal(Okay, _front.Do(Barrier, ulong.MaxValue));
        Assert.Equal(["flush"], _image.Calls);
    }

    [Theory]
    [InlineData(Discard)]
    [InlineData(Reserved)]
    [InlineData((byte)7)]
    [InlineData((byte)255)]
    public void Operation_that_was_not_offered_is_not_supported(byte operation)
    {
        _front.Connect();
        Assert.Equal(NotSupported, _front.Do(operation, 0, (0x80, 0, 0)));
        Assert.Empty(_image.Calls);
    }

    [Theory]
    [InlineData(0x80U, 1, 0, 0UL)]
    [InlineData(0x80U, 0, 8, 0UL)]
    [InlineData(0x80U, 255, 255, 0UL)]
    [InlineData(0x80U, 0, 0, 1000UL)]
    [InlineData(0x80U, 0, 7, 993UL)]
    [InlineData(0x80U, 0, 0, ulong.MaxValue)]
    [InlineData(0x80U, 0, 7, ulong.MaxValue - 3)]
    [InlineData(0U, 0, 0, 0UL)]
    [InlineData(512U, 0, 0, 0UL)]
    [InlineData(uint.MaxValue, 0, 0, 0UL)]
    public void Segment_that_cannot_be_is_an_error_and_nothing_is_touched(uint page, byte first, byte last, ulong sector)
    {
        _front.Connect();
        _front.Grant(0, flags: 0);
        foreach (var operation in (byte[])[Read, Write])
            Assert.Equal(Error, _front.Do(operation, sector, (page, first, last)));
        Assert.Empty(_image.Calls);
        Assert.Equal(0, _front.GrantStatusOf(0x80));
    }

    [Theory]
    [InlineData(Read)]
    [InlineData(Write)]
    public void Request_without_segments_or_with_twelve_is_an_error(byte operation)
    {
        _front.Connect();
        Assert.Equal(Error, _front.Do(operation, 0));
        Assert.Equal(Error, _front.Do(operation, 0, [.. Enumerable.Repeat((0x80U, (byte)0, (byte)0), 12)]));
        Assert.Equal(Error, _front.Do(operation, 0, (0x80, 0, 0), (uint.MaxValue, 0, 0)));
        Assert.Empty(_image.Calls);
        Assert.Equal(0, _front.GrantStatusOf(0x80));
    }

    [Fact]
    public void Last_sector_is_within_reach()
    {
        _front.Connect();
        Assert.Equal(Okay, _front.Do(Write, 999, (0x80, 0, 0)));
        Assert.Equal(Okay, _front.Do(Read, 992, (0x80, 0, 7)));
    }

    [Fact]
    public void Read_only_grant_can_be_written_from_and_not_read_into()
    {
        _front.Connect();
        _front.Grant(0x80, flags: 5);
        Assert.Equal(Okay, _front.Do(Write, 0, (0x80, 0, 0)));
        Assert.Equal(Error, _front.Do(Read, 0, (0x80, 0, 0)));
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Read_only_disk_is_not_written(bool isDeviceReadOnly, bool isImageReadOnly)
    {
        MemoryImage image = new(10, isImageReadOnly);
        using var front = new BlockFrontend(image, isDeviceReadOnly);
        front.Connect();
        Assert.Equal("4", front.Said("info"));
        Assert.Equal(Error, front.Do(Write, 0, (0x80, 0, 0)));
        Assert.Equal(Error, front.Do(Flush, 0));
        Assert.Equal(Okay, front.Do(Read, 0, (0x80, 0, 0)));
        Assert.Equal(["read 0+1"], image.Calls);
    }

    [Fact]
    public void Trouble_on_the_host_is_an_error_for_the_guest_and_a_line_in_the_log()
    {
        _front.Connect();
        _image.Fails = true;
        Assert.Equal(Error, _front.Do(Write, 0, (0x80, 0, 0)));
        Assert.Equal(Error, _front.Do(Read, 0, (0x80, 0, 0)));
        Assert.Equal(Error, _front.Do(Flush, 0));
        Assert.Equal("vbd-51712: the host's disk image fails: No space left on device", _front.Log[0]);
        _image.Fails = false;
        Assert.Equal(Okay, _front.Do(Write, 0, (0x80, 0, 0)));
    }

    [Fact]
    public void Persistent_grants_stay_mapped_until_the_front_end_goes()
    {
        _front.Connect(isPersistent: true);
        Assert.Equal(Okay, _front.Do(Write, 0, (0x80, 0, 0)));
        Assert.Equal(0x18, _front.GrantStatusOf(0x80));
        Fill(0x80, 9);
        Assert.Equal(Okay, _front.Do(Write, 1, (0x80, 0, 0), (0x80, 1, 1)));
        Assert.Equal(9, _image.Bytes[1024]);
        _front.Say("state", 5);
        Assert.Equal("5", _front.Said("state"));
        Assert.Equal(0, _front.GrantStatusOf(0x80));
        Assert.Equal(0, _front.GrantStatusOf((uint)(BlockFrontend.Ring >> 12)));
        Assert.Contains("flush", _image.Calls);
    }

    [Theory]
    [InlineData(33U)]
    [InlineData(0x8000_0000U)]
    [InlineData(uint.MaxValue)]
    public void Ring_with_an_impossible_index_is_not_served_until_it_is_connected_anew(uint producer)
    {
        _front.Connect();
        _front.WriteUInt32(0, producer);
        _front.Kick();
        Assert.Empty(_front.Take());
        Assert.Equal("vbd-51712: the front end's ring index is impossible; the disk is not served any more", Assert.Single(_front.Log));
        _front.WriteUInt32(0, 1);
        _front.Kick();
        Assert.Empty(_front.Take());
        Assert.Equal("4", _front.Said("state"));
        _front.Say("state", 6);
        _front.Say("state", 1);
        Assert.Equal("2", _front.Said("state"));
        _front.Connect();
        Assert.Equal(Okay, _front.Do(Read, 0, (0x80, 0, 0)));
    }

    [Fact]
    public void Front_end_may_ask_to_be_told_later()
    {
        _front.Connect();
        _front.WriteUInt32(12, 2);
        _front.Put(Read, 1, 0, (0x80, 0, 0));
        var pending = Pending();
        _front.Kick();
        Assert.Equal(pending, Pending());
        _front.Put(Read, 2, 0, (0x80, 0, 0));
        _front.Kick();
        Assert.NotEqual(pending, Pending());
    }

    [Theory]
    [InlineData("protocol", "powerpc64-abi")]
    [InlineData("ring-ref", "4000000000")]
    [InlineData("ring-ref", "-1")]
    [InlineData("ring-ref", "")]
    [InlineData("ring-page-order", "5")]
    [InlineData("ring-page-order", "4294967295")]
    [InlineData("ring-page-order", "2")]
    [InlineData("event-channel", "77")]
    [InlineData("event-channel", "x")]
    [InlineData("multi-queue-num-queues", "2")]
    public void Front_end_that_names_what_cannot_be_is_told_and_may_try_again(string name, string value)
    {
        _front.Say("protocol", "x86_64-abi");
        _front.Say("ring-ref", 0x40);
        _front.Say("event-channel", 3);
        _front.Say(name, value);
        _front.Say("state", 3);
        Assert.Equal("5", _front.Said("state"));
        Assert.NotNull(_front.Backend.Failure);
        Assert.True(_front.Store.Control.TryRead("/local/domain/0/error/backend/vbd/7/51712/error", out var error));
        Assert.EndsWith(_front.Backend.Failure, error, StringComparison.Ordinal);
        Assert.Equal(0, _front.GrantStatusOf(0x40));
        _front.Say("state", 6);
        _front.Store.Control.Remove(_front.Device.FrontendPath + "/ring-page-order");
        _front.Store.Control.Remove(_front.Device.FrontendPath + "/multi-queue-num-queues");
        _front.Say("state", 1);
        _front.Connect();
        Assert.Equal("4", _front.Said("state"));
        Assert.Equal(Okay, _front.Do(Read, 0, (0x80, 0, 0)));
    }

    [Fact]
    public void Front_end_that_begins_anew_without_an_end_gets_a_new_ring()
    {
        _front.Connect();
        _front.Put(Read, 1, 0, (0x80, 0, 0));
        _front.Send();
        _front.Say("state", 1);
        Assert.Equal("2", _front.Said("state"));
        _front.Test.Host.Advance(1_000_000);
        Assert.DoesNotContain("read 0+1", _image.Calls);
        _front.Connect(order: 1);
        Assert.Equal(Okay, _front.Do(Read, 0, (0x80, 0, 0)));
    }

    [Fact]
    public void Front_end_that_vanishes_from_the_store_is_closed()
    {
        _front.Connect();
        _front.Store.Control.Remove(_front.Device.FrontendPath);
        Assert.Equal("6", _front.Said("state"));
        Assert.Equal(0, _front.GrantStatusOf(0x40));
    }

    [Fact]
    public void Port_that_the_front_end_closes_leaves_the_rest_alone()
    {
        _front.Connect();
        _front.Put(Read, 1, 0, (0x80, 0, 0));
        _front.Send();
        _front.Test.Write(0xA100, 3, 0, 0, 0);
        Assert.Equal(0, _front.Test.Try(32, 3, 0xA100));
        _front.Test.Host.Advance(1_000_000);
        Assert.Single(_front.Take());
        _front.Say("state", 6);
        Assert.Equal("6", _front.Said("state"));
    }

    [Fact]
    public void Snapshot_keeps_what_is_written_and_leaves_its_image_alone()
    {
        _image.Bytes.AsSpan().Fill(1);
        using var front = new BlockFrontend(new SnapshotImage(_image));
        front.Connect();
        front.Test.Write(0x80000, [.. Enumerable.Repeat((byte)2, 4096)]);
        Assert.Equal(Okay, front.Do(Write, 997, (0x80, 0, 1)));
        Assert.Equal(Okay, front.Do(Read, 996, (0x81, 0, 3)));
        Assert.Equal([1, 2, 2, 1], ((int[])[0, 512, 1024, 1536]).Select(i => (int)front.Test.Read(0x81000 + (ulong)i, 1)[0]));
        Assert.All(_image.Bytes, static value => Assert.Equal(1, value));
    }

    [Fact]
    public void Snapshot_that_is_full_fails_writes_with_one_line_and_goes_on_with_what_it_holds()
    {
        using var front = new BlockFrontend(new SnapshotImage(_image, capacity: 2 * 4096));
        front.Connect();
        front.Test.Write(0x80000, [.. Enumerable.Repeat((byte)2, 4096)]);
        // One piece; then two more, of which there is room for one: neither is written.
        Assert.Equal(Okay, front.Do(Write, 0, (0x80, 0, 7)));
        Assert.Equal(Error, front.Do(Write, 12, (0x80, 0, 7)));
        Assert.Equal(Okay, front.Do(Read, 8, (0x81, 0, 7)));
        Assert.Equal(new byte[4096], front.Test.Read(0x81000, 4096));
        // The last piece that there is room for; one more would be too many, again and again.
        Assert.Equal(Okay, front.Do(Write, 8, (0x80, 0, 7)));
        for (var i = 0U; i < 5; i++)
            Assert.Equal(Error, front.Do(Write, 16 + i, (0x80, 0, 0)));
        Assert.Equal(["vbd-51712: the host's disk image fails: more than 8192 bytes of what is written are not kept in memory"], front.Log);

        front.Test.Write(0x80000, [.. Enumerable.Repeat((byte)3, 4096)]);
        Assert.Equal(Okay, front.Do(Write, 4, (0x80, 0, 7)));
        Assert.Equal(Okay, front.Do(Read, 4, (0x81, 0, 7)));
        Assert.All(front.Test.Read(0x81000, 4096).ToArray(), static value => Assert.Equal(3, value));
    }

    private void Fill(uint page, byte value) => _front.Test.Write((ulong)page << 12, [.. Enumerable.Repeat(value, 4096)]);

    private byte Pending() => _front.Test.Domain.SharedInfo.Bytes.ReadByte(Emu.Xen.Domains.SharedInfo.Pending);
}
