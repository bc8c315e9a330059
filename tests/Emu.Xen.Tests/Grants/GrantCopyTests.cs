using Emu.Xen.Grants;
using Xunit;

namespace Emu.Xen.Tests.Grants;

public sealed class GrantCopyTests : GrantTestBase
{
    private const ulong From = 0x20, To = 0x30;
    private const ushort NoReference = 0, SourceReference = 1, DestinationReference = 2, BothReferences = 3;

    private GrantTable Grants => Test.Domain.Grants;

    [Theory]
    [InlineData(false, NoReference)]
    [InlineData(true, NoReference)]
    [InlineData(false, SourceReference)]
    [InlineData(true, SourceReference)]
    [InlineData(false, DestinationReference)]
    [InlineData(true, DestinationReference)]
    [InlineData(false, BothReferences)]
    [InlineData(true, BothReferences)]
    public void Bytes_go_from_page_to_page_whichever_way_they_are_named(bool is64Bit, ushort flags)
    {
        Select(is64Bit);
        PlaceTable();
        Grant(8, 5, Own, From);
        Grant(9, 1, Own, To);
        Write((From << 12) + 100, [1, 2, 3, 4, 5]);
        var source = (flags & 1) != 0 ? 8UL : From;
        var destination = (flags & 2) != 0 ? 9UL : To;
        Assert.Equal(Okay, CopyOne((source, Self, 100), (destination, Self, 200), 5, flags));
        Assert.Equal([0, 1, 2, 3, 4, 5, 0], Bytes((To << 12) + 199, 7));
        Assert.Equal(0, StatusOf(8));
        Assert.Equal(0, StatusOf(9));
    }

    [Theory]
    [InlineData((ushort)4090, (ushort)0, (ushort)7, BadCopy)]
    [InlineData((ushort)0, (ushort)4090, (ushort)7, BadCopy)]
    [InlineData((ushort)0xFFFF, (ushort)0, (ushort)0, BadCopy)]
    [InlineData((ushort)0, (ushort)0, (ushort)4097, BadCopy)]
    [InlineData((ushort)0, (ushort)0, (ushort)0xFFFF, BadCopy)]
    [InlineData((ushort)4096, (ushort)4096, (ushort)0, Okay)]
    [InlineData((ushort)0, (ushort)0, (ushort)4096, Okay)]
    public void Copy_ends_where_a_page_ends(ushort from, ushort to, ushort length, int status) =>
        Assert.Equal(status, CopyOne((From, Self, from), (To, Self, to), length, NoReference));

    [Theory]
    [InlineData(Own, Self, NoReference, Denied)]
    [InlineData(Self, Own, NoReference, Denied)]
    [InlineData(Control, Self, NoReference, Denied)]
    [InlineData(Unknown, Self, NoReference, Denied)]
    [InlineData(Unknown, Self, SourceReference, BadDomain)]
    [InlineData(Self, Unknown, DestinationReference, BadDomain)]
    [InlineData(Control, Self, SourceReference, General)]
    [InlineData(Self, Control, DestinationReference, General)]
    [InlineData(Own, Self, SourceReference, Okay)]
    public void Domains_of_a_copy_are_checked(ushort source, ushort destination, ushort flags, int status)
    {
        PlaceTable();
        Grant((uint)From, 1, Own, From);
        Grant((uint)To, 1, Own, To);
        Assert.Equal(status, CopyOne((From, source, 0), (To, destination, 0), 8, flags));
    }

    [Theory]
    [InlineData(0x12345UL, To, NoReference, BadPage)]
    [InlineData(From, 0x12345UL, NoReference, BadPage)]
    [InlineData(0xFFFF_FFFFUL, To, NoReference, BadPage)]
    [InlineData(512UL, To, SourceReference, BadReference)]
    [InlineData(From, 0xFFFF_FFFFUL, DestinationReference, BadReference)]
    [InlineData(20UL, To, SourceReference, General)]
    public void What_does_not_exist_is_not_copied(ulong source, ulong destination, ushort flags, int status) =>
        Assert.Equal(status, CopyOne((source, Self, 0), (destination, Self, 0), 8, flags));

    [Fact]
    public void Read_only_grant_is_not_copied_to_and_its_partner_is_let_go()
    {
        PlaceTable();
        Grant(8, 1, Own, From);
        Grant(9, 5, Own, To);
        Assert.Equal(General, CopyOne((8, Self, 0), (9, Self, 0), 8, BothReferences));
        Assert.Equal(0, StatusOf(8));
        Assert.Equal(0, StatusOf(9));
        UseVersion2();
    }

    [Theory]
    [InlineData((ushort)100, (ushort)50, Okay)]
    [InlineData((ushort)149, (ushort)1, Okay)]
    [InlineData((ushort)150, (ushort)0, Okay)]
    [InlineData((ushort)99, (ushort)2, General)]
    [InlineData((ushort)100, (ushort)51, General)]
    [InlineData((ushort)151, (ushort)0, General)]
    [InlineData((ushort)4000, (ushort)97, BadCopy)]
    public void Part_of_a_page_is_all_that_may_be_copied_of_it(ushort offset, ushort length, int status)
    {
        UseVersion2();
        PlaceTable();
        Grant(8, 0x101, Own, From, offset: 100, length: 50);
        Assert.Equal(status, CopyOne((8, Self, offset), (To, Self, 0), length, SourceReference));
        Assert.Equal(status, CopyOne((From, Self, 0), (8, Self, offset), length, DestinationReference));
        Assert.Equal(0, StatusOf(8));
    }

    [Theory]
    [InlineData((ushort)0xFFFF, (ushort)0xFFFF)]
    [InlineData((ushort)0, (ushort)0xFFFF)]
    [InlineData((ushort)4095, (ushort)4096)]
    public void Part_that_claims_more_than_a_page_gives_no_more(ushort start, ushort length)
    {
        UseVersion2();
        PlaceTable();
        Grant(8, 0x101, Own, From, start, length);
        Assert.Equal(BadCopy, CopyOne((8, Self, 4095), (To, Self, 0), 2, SourceReference));
        Grant(9, 0x101, Control, From, start, length);
        Assert.Equal(GrantStatus.BadCopyArgument, Grants.CopyFrom(9, 4095, new byte[2]));
        Assert.Equal(GrantStatus.BadCopyArgument, Grants.CopyFrom(9, uint.MaxValue, new byte[2]));
        Assert.Equal(GrantStatus.BadCopyArgument, Grants.CopyTo(9, 0, new byte[5000]));
    }

    [Theory]
    [InlineData(Own, 0U, General)]
    [InlineData(Control, 5U, General)]
    [InlineData(Control, 512U, BadReference)]
    [InlineData(Unknown, 0U, General)]
    public void Transitive_grant_leads_nowhere_since_nobody_else_grants_anything(ushort domain, uint reference, int status)
    {
        UseVersion2();
        PlaceTable();
        Grant(8, 3, Own, reference, offset: domain);
        Assert.Equal(status, CopyOne((8, Self, 0), (To, Self, 0), 8, SourceReference));
        Assert.Equal(0, StatusOf(8));
    }

    [Fact]
    public void Back_end_copies_from_and_to_a_grant()
    {
        PlaceTable();
        Grant(8, 1, Control, From);
        Assert.Equal(GrantStatus.Okay, Grants.CopyTo(8, 4090, [1, 2, 3, 4, 5, 6]));
        Assert.Equal([1, 2, 3, 4, 5, 6], Bytes((From << 12) + 4090, 6));
        var bytes = new byte[3];
        Assert.Equal(GrantStatus.Okay, Grants.CopyFrom(8, 4091, bytes));
        Assert.Equal((byte[])[2, 3, 4], bytes);
        Grant(9, 5, Control, From);
        Assert.Equal(GrantStatus.GeneralError, Grants.CopyTo(9, 0, bytes));
        Assert.Equal(GrantStatus.GeneralError, Grants.CopyFrom(20, 0, bytes));
        Assert.Equal(GrantStatus.BadReference, Grants.CopyFrom(uint.MaxValue, 0, bytes));
        Grant(9, 1, Control, 0x9999);
        Assert.Equal(GrantStatus.BadPage, Grants.CopyTo(9, 0, bytes));
        Assert.Equal(0, StatusOf(8) | StatusOf(9));
    }

    [Fact]
    public void Copy_uses_the_page_that_is_pinned_whatever_the_entry_says_meanwhile()
    {
        PlaceTable();
        Grant(8, 1, Control, From);
        Put(From << 12, 0x1234);
        Assert.True(Grants.TryMap(8, true, out var mapping));
        Grant(8, 0x19, Control, To);
        var bytes = new byte[4];
        Assert.Equal(GrantStatus.Okay, Grants.CopyFrom(8, 0, bytes));
        Assert.Equal(0x1234U, BitConverter.ToUInt32(bytes));
        Grants.Unmap(mapping);
    }

    private IEnumerable<byte> Bytes(ulong address, int length) => Test.Read(address, length);
}
