using Emu.Xen.Store;
using Xunit;

namespace Emu.Xen.Tests.Store;

public sealed class StoreTransactionTests
{
    private readonly XenStore _store = new();
    private readonly StoreGuest _guest;

    public StoreTransactionTests() => _guest = new StoreGuest(_store);

    private ControlDomain Control => _store.Control;

    [Fact]
    public void Nothing_is_seen_outside_before_the_end()
    {
        var transaction = _guest.Start();
        Assert.Equal("OK|", _guest.Write("a/b", "x", transaction));
        Assert.Equal("x", _guest.Read("a/b", transaction));
        Assert.Equal("ENOENT|", _guest.Read("a/b"));
        Assert.Equal("OK|", _guest.End(transaction));
        Assert.Equal("x", _guest.Read("a/b"));
        Assert.Equal("ENOENT|", _guest.End(transaction));
    }

    [Fact]
    public void What_is_given_up_leaves_no_trace()
    {
        _guest.Write("a", "x");
        var memory = _guest.Connection.MemoryInUse;
        var nodes = _store.NodeCount;
        var transaction = _guest.Start();
        _guest.Write("a", "y", transaction);
        _guest.Write("b/c", "y", transaction);
        _guest.Remove("a", transaction);
        Assert.Equal("OK|", _guest.End(transaction, commits: false));
        Assert.Equal("x", _guest.Read("a"));
        Assert.Equal(nodes, _store.NodeCount);
        Assert.Equal(memory, _guest.Connection.MemoryInUse);
    }

    [Fact]
    public void A_write_to_what_was_read_is_a_conflict()
    {
        _guest.Write("a", "x");
        var transaction = _guest.Start();
        Assert.Equal("x", _guest.Read("a", transaction));
        Control.Write("/local/domain/1/a", "y");
        Assert.Equal("x", _guest.Read("a", transaction));
        _guest.Write("b", "z", transaction);
        Assert.Equal("EAGAIN|", _guest.End(transaction));
        Assert.Equal("ENOENT|", _guest.Read("b"));
        Assert.Equal("ENOENT|", _guest.End(transaction));
    }

    [Fact]
    public void A_write_elsewhere_is_no_conflict()
    {
        _guest.Write("a", "x");
        _guest.Write("b", "x");
        var transaction = _guest.Start();
        _guest.Read("a", transaction);
        _guest.Write("a", "z", transaction);
        Control.Write("/local/domain/1/b", "y");
        Assert.Equal("OK|", _guest.End(transaction));
        Assert.Equal("z", _guest.Read("a"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Creation_and_removal_of_what_was_looked_for_are_conflicts(bool exists)
    {
        if (exists)
            _guest.Write("a", "x");
        var transaction = _guest.Start();
        _guest.Read("a", transaction);
        if (exists)
            _guest.Remove("a");
        else
            _guest.Write("a", "x");
        Assert.Equal("EAGAIN|", _guest.End(transaction));
    }

    [Fact]
    public void A_failed_commit_of_one_leaves_the_others_result()
    {
        _guest.Write("a", "0");
        var first = _guest.Start();
        var second = _guest.Start();
        Assert.NotEqual(first, second);
        _guest.Write("a", "1", first);
        _guest.Write("a", "2", second);
        Assert.Equal("OK|", _guest.End(first));
        Assert.Equal("EAGAIN|", _guest.End(second));
        Assert.Equal("1", _guest.Read("a"));
    }

    [Fact]
    public void Watches_fire_at_the_commit_once_for_each_node_in_the_order_of_access()
    {
        _guest.Write("a", "");
        _guest.Watch("/local/domain/1", "t");
        _guest.Events();
        var transaction = _guest.Start();
        _guest.Write("b", "1", transaction);
        _guest.Write("a", "1", transaction);
        _guest.Write("b", "2", transaction);
        Assert.Empty(_guest.Events());
        Assert.Equal("OK|", _guest.End(transaction));
        Assert.Equal(["/local/domain/1/b|t|", "/local/domain/1/a|t|"], _guest.Events());
    }

    [Fact]
    public void Watches_do_not_fire_for_what_was_given_up_or_failed()
    {
        _guest.Watch("a", "t");
        _guest.Events();
        var transaction = _guest.Start();
        _guest.Write("a", "1", transaction);
        _guest.End(transaction, commits: false);
        transaction = _guest.Start();
        _guest.Write("a", "1", transaction);
        Control.Write("/local/domain/1/x", "");
        Assert.Equal("EAGAIN|", _guest.End(transaction));
        Assert.Empty(_guest.Events());
    }

    [Fact]
    public void Removal_in_a_transaction_is_told_at_its_end()
    {
        _guest.Write("a/b", "");
        _guest.Watch("a/b", "below");
        _guest.Watch("a", "above");
        _guest.Events();
        var transaction = _guest.Start();
        Assert.Equal("OK|", _guest.Remove("a", transaction));
        Assert.Equal("ENOENT|", _guest.Read("a/b", transaction));
        Assert.Equal("", _guest.Read("a/b"));
        Assert.Equal("OK|", _guest.End(transaction));
        Assert.Equal(["a|above|", "a/b|below|"], _guest.Events());
        Assert.Equal("ENOENT|", _guest.Read("a"));
    }

    [Fact]
    public void What_is_created_and_removed_within_leaves_nothing()
    {
        var nodes = _store.NodeCount;
        var transaction = _guest.Start();
        _guest.Write("a", "", transaction);
        _guest.Remove("a", transaction);
        Assert.Equal("OK|", _guest.End(transaction));
        Assert.Equal(nodes, _store.NodeCount);
        Assert.Equal("", _guest.Directory("/local/domain/1"));
    }

    [Fact]
    public void Removal_of_what_has_changed_meanwhile_fails_with_what_it_had_removed_gone_for_the_transaction()
    {
        foreach (var name in (string[])["a", "b", "c"])
            _guest.Write("d/" + name, "");
        var transaction = _guest.Start();
        Assert.Equal("a|b|c|", _guest.Directory("d", transaction));
        _guest.Remove("d/b");
        Assert.Equal("EIO|", _guest.Remove("d", transaction));
        Assert.Equal("b|c|", _guest.Directory("d", transaction));
        Assert.Equal("EAGAIN|", _guest.End(transaction));
        Assert.Equal("a|c|", _guest.Directory("d"));
    }

    [Fact]
    public void Transactions_are_not_nested_and_must_exist()
    {
        var transaction = _guest.Start();
        Assert.Equal("EBUSY|", _guest.Ask(StoreMessageType.TransactionStart, "|", transaction));
        Assert.Equal("ENOENT|", _guest.Ask(StoreMessageType.TransactionStart, "|", 99));
        Assert.Equal("ENOENT|", _guest.Read("a", 99));
        Assert.Equal("ENOENT|", _guest.End(0));
        Assert.Equal("EINVAL|", _guest.Ask(StoreMessageType.TransactionEnd, "|", transaction));
        Assert.Equal("OK|", _guest.End(transaction));
    }

    [Fact]
    public void Permissions_are_set_in_transactions_too()
    {
        var other = new StoreGuest(_store, 2);
        _guest.Write("a", "x");
        var transaction = _guest.Start();
        Assert.Equal("OK|", _guest.Ask(StoreMessageType.SetPermissions, "a|n1|r2|", transaction));
        Assert.Equal("EACCES|", other.Read("/local/domain/1/a"));
        _guest.End(transaction);
        Assert.Equal("x", other.Read("/local/domain/1/a"));
    }

    [Fact]
    public void Anothers_transaction_is_unknown()
    {
        var other = new StoreGuest(_store, 2);
        var transaction = _guest.Start();
        Assert.Equal("ENOENT|", other.Read("a", transaction));
    }
}
