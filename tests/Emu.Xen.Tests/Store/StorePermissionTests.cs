using Emu.Xen.Store;
using Xunit;

namespace Emu.Xen.Tests.Store;

public sealed class StorePermissionTests
{
    private readonly XenStore _store = new();
    private readonly StoreGuest _guest;

    public StorePermissionTests() => _guest = new StoreGuest(_store);

    private ControlDomain Control => _store.Control;

    [Fact]
    public void A_domain_owns_what_it_creates_and_inherits_the_rest()
    {
        Control.SetPermissions("/local/domain/1", StorePermissions.Parse("b0", "r1", "b1"));
        Control.SetPermissions("/local/domain/1", StorePermissions.Parse("b0", "r0"));
        _guest.Write("a", "");
        Assert.Equal("b1|r0|", _guest.Ask(StoreMessageType.GetPermissions, "a|"));
        Control.Write("/local/domain/1/b", "");
        Assert.Equal("b0|r0|", _guest.Ask(StoreMessageType.GetPermissions, "b|"));
    }

    [Fact]
    public void What_may_only_be_read_is_not_written_removed_or_filled()
    {
        Control.Write("/local/domain/1/a/b", "x");
        Control.SetPermissions("/local/domain/1/a", StorePermissions.Parse("n0", "r1"));
        Control.SetPermissions("/local/domain/1/a/b", StorePermissions.Parse("n0", "r1"));
        Assert.Equal("x", _guest.Read("a/b"));
        Assert.Equal("EACCES|", _guest.Write("a/b", "y"));
        Assert.Equal("EACCES|", _guest.Write("a/c", "y"));
        Assert.Equal("EACCES|", _guest.Ask(StoreMessageType.MakeDirectory, "a/c|"));
        Assert.Equal("EACCES|", _guest.Remove("a/b"));
        Assert.Equal("EACCES|", _guest.Ask(StoreMessageType.SetPermissions, "a/b|n1|"));
        Assert.Equal("x", _guest.Read("a/b"));
    }

    [Fact]
    public void Strangers_do_not_learn_whether_a_node_exists()
    {
        Control.Write("/secret/there", "x");
        Assert.Equal("EACCES|", _guest.Read("/secret/there"));
        Assert.Equal("EACCES|", _guest.Read("/secret/missing"));
        Assert.Equal("EACCES|", _guest.Directory("/"));
    }

    [Fact]
    public void A_node_can_be_open_below_a_closed_one()
    {
        Control.Write("/secret/there", "x");
        Control.SetPermissions("/secret/there", StorePermissions.Parse("n0", "r1"));
        Assert.Equal("x", _guest.Read("/secret/there"));
        Assert.Equal("EACCES|", _guest.Directory("/secret"));
    }

    [Theory]
    [InlineData("n2", "EACCES|", "EACCES|")]
    [InlineData("r2", "x", "EACCES|")]
    [InlineData("w2", "EACCES|", "OK|")]
    [InlineData("b2", "x", "OK|")]
    public void Another_domain_may_what_its_entry_says(string entry, string read, string write)
    {
        var other = new StoreGuest(_store, 2);
        _guest.Write("a", "x");
        Assert.Equal("OK|", _guest.Ask(StoreMessageType.SetPermissions, $"a|n1|{entry}|"));
        Assert.Equal(read, other.Read("/local/domain/1/a"));
        Assert.Equal(write, other.Write("/local/domain/1/a", "y"));
    }

    [Fact]
    public void A_domain_without_an_entry_may_what_the_first_entry_says()
    {
        var other = new StoreGuest(_store, 2);
        _guest.Write("a", "x");
        _guest.Ask(StoreMessageType.SetPermissions, "a|r1|");
        Assert.Equal("x", other.Read("/local/domain/1/a"));
        _guest.Ask(StoreMessageType.SetPermissions, "a|r1|n2|");
        Assert.Equal("EACCES|", other.Read("/local/domain/1/a"));
    }

    [Fact]
    public void Only_domain_zero_changes_an_owner()
    {
        _ = new StoreGuest(_store, 2);
        _guest.Write("a", "x");
        Assert.Equal("EPERM|", _guest.Ask(StoreMessageType.SetPermissions, "a|n2|"));
        Assert.Equal("ENOENT|", _guest.Ask(StoreMessageType.SetPermissions, "a|n9|"));
        Control.SetPermissions("/local/domain/1/a", StorePermissions.Parse("n2"));
        Assert.Equal("EACCES|", _guest.Read("a"));
    }

    [Theory]
    [InlineData("n1|r0x0|", "n1|r0|")]
    [InlineData("n1|b00|", "n1|b0|")]
    [InlineData("n1|w +0|", "n1|w0|")]
    [InlineData("n1|r-1|", "n1|r-1|")]
    public void Domains_in_permissions_are_numbers_as_the_C_library_reads_them(string given, string stored)
    {
        _guest.Write("a", "");
        Assert.Equal("OK|", _guest.Ask(StoreMessageType.SetPermissions, "a|" + given));
        Assert.Equal(stored, _guest.Ask(StoreMessageType.GetPermissions, "a|"));
    }

    [Fact]
    public void Permissions_for_a_domain_that_did_not_exist_do_not_count_when_it_does()
    {
        _guest.Write("a", "x");
        Assert.Equal("OK|", _guest.Ask(StoreMessageType.SetPermissions, "a|n1|r2|"));
        var other = new StoreGuest(_store, 2);
        Assert.Equal("EACCES|", other.Read("/local/domain/1/a"));
        _guest.Ask(StoreMessageType.SetPermissions, "a|n1|r2|");
        Assert.Equal("x", other.Read("/local/domain/1/a"));
    }

    [Fact]
    public void A_domains_end_takes_its_nodes_and_voids_its_permissions()
    {
        var other = new StoreGuest(_store, 2);
        other.Write("mine/deep", "x");
        Control.Write("/open", "x");
        Control.SetPermissions("/open", StorePermissions.Parse("n0", "r2"));
        Assert.Equal("x", other.Read("/open"));
        _store.RemoveDomain(2);
        Assert.False(Control.Exists("/local/domain/2"));
        Assert.False(_store.IsIntroduced(2));
        var successor = new StoreGuest(_store, 2);
        Assert.Equal("EACCES|", successor.Read("/open"));
    }

    [Fact]
    public void Special_paths_belong_to_domain_zero()
    {
        Assert.Equal("EACCES|", _guest.Ask(StoreMessageType.SetPermissions, "@releaseDomain|n1|"));
        Assert.Equal("EINVAL|", _guest.Ask(StoreMessageType.SetPermissions, "@other|n1|"));
    }
}
