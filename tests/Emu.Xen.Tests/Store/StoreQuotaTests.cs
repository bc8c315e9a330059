using Emu.Xen.Store;
using Xunit;

namespace Emu.Xen.Tests.Store;

public sealed class StoreQuotaTests
{
    private readonly XenStore _store = new();
    private readonly StoreGuest _guest;

    public StoreQuotaTests() => _guest = new StoreGuest(_store);

    [Fact]
    public void A_domain_owns_1000_nodes_at_most_and_host_nodes_do_not_count()
    {
        _store.Control.Write("/local/domain/1/hosts", "");
        _store.Control.SetPermissions("/local/domain/1/hosts", StorePermissions.Parse("n0", "r1"));
        // The domain's directory is its own too.
        var created = 0;
        while (_guest.Write($"d/{created / 100}/{created % 100}", "") == "OK|")
            created++;
        Assert.Equal(1000 - 1 - 1 - 10, created);
        Assert.Equal("ENOSPC|", _guest.Write("more", ""));
        Assert.Equal("ENOSPC|", _guest.Ask(StoreMessageType.MakeDirectory, "more|"));
        Assert.Equal("OK|", _guest.Write("d/0/0", "still writable"));
        _guest.Remove("d/0/0");
        Assert.Equal("OK|", _guest.Write("more", ""));
    }

    [Fact]
    public void A_write_that_exceeds_the_quota_midway_leaves_nothing()
    {
        var store = new XenStore(new StoreQuota { Nodes = 4 });
        var guest = new StoreGuest(store);
        var nodes = store.NodeCount;
        var memory = guest.Connection.MemoryInUse;
        Assert.Equal("ENOSPC|", guest.Write("a/b/c/d", ""));
        Assert.Equal(nodes, store.NodeCount);
        Assert.Equal(memory, guest.Connection.MemoryInUse);
        Assert.Equal("OK|", guest.Write("a/b/c", ""));
    }

    [Fact]
    public void Nodes_of_a_transaction_are_counted_at_its_end()
    {
        var store = new XenStore(new StoreQuota { Nodes = 4 });
        var guest = new StoreGuest(store);
        var transaction = guest.Start();
        Assert.Equal("OK|", guest.Write("a/b/c", "", transaction));
        Assert.Equal("ENOSPC|", guest.End(transaction));
        Assert.Equal("ENOENT|", guest.Read("a"));
        transaction = guest.Start();
        Assert.Equal("OK|", guest.Write("a/b", "", transaction));
        Assert.Equal("OK|", guest.End(transaction));
    }

    [Fact]
    public void A_node_stays_below_2048_bytes_with_record_permissions_and_children()
    {
        Assert.Equal("OK|", _guest.Write("a", new string('x', 2048 - 24 - 8 - 1)));
        Assert.Equal("ENOSPC|", _guest.Write("a", new string('x', 2048 - 24 - 8)));
        Assert.Equal("ENOSPC|", _guest.Ask(StoreMessageType.SetPermissions, "a|n1|r0|"));
        Assert.Equal("ENOSPC|", _guest.Write("a/b", ""));
        Assert.Equal("n1|", _guest.Ask(StoreMessageType.GetPermissions, "a|"));
        Assert.Equal("", _guest.Directory("a"));
        _store.Control.Write("/local/domain/1/a", new string('x', 4000));
        Assert.Equal(4000, _guest.Read("a").Length);
    }

    [Fact]
    public void A_transaction_that_exceeded_a_quota_cannot_commit()
    {
        var transaction = _guest.Start();
        Assert.Equal("ENOSPC|", _guest.Write("a", new string('x', 2048), transaction));
        Assert.Equal("ENOMEM|", _guest.End(transaction));
    }

    [Fact]
    public void A_transaction_touches_1024_nodes_at_most()
    {
        var transaction = _guest.Start();
        // The first look at a missing node is a look at its parent too.
        var looks = 0;
        while (_guest.Read($"n{looks}", transaction) == "ENOENT|")
            looks++;
        Assert.Equal(1023, looks);
        Assert.Equal("ENOSPC|", _guest.Read("more", transaction));
        Assert.Equal("ENOMEM|", _guest.End(transaction));
    }

    [Fact]
    public void Watches_permissions_and_transactions_are_limited()
    {
        for (var i = 0; i < 129; i++)
            Assert.Equal("OK|", _guest.Watch("a", $"{i}"));
        Assert.Equal("E2BIG|", _guest.Watch("a", "more"));
        _guest.Ask(StoreMessageType.Unwatch, "a|7|");
        Assert.Equal("OK|", _guest.Watch("a", "more"));

        _guest.Write("p", "");
        Assert.Equal("OK|", _guest.Ask(StoreMessageType.SetPermissions, "p|n1|r0|r0|r0|r0|"));
        Assert.Equal("ENOSPC|", _guest.Ask(StoreMessageType.SetPermissions, "p|n1|r0|r0|r0|r0|r0|"));

        for (var i = 0; i < 11; i++)
            Assert.NotEqual(0u, _guest.Start());
        Assert.Equal("ENOSPC|", _guest.Ask(StoreMessageType.TransactionStart, "|"));
    }

    [Fact]
    public void Memory_is_limited_over_all()
    {
        var store = new XenStore(new StoreQuota { Memory = 10_000 });
        var guest = new StoreGuest(store);
        var value = new string('x', 1900);
        var created = 0;
        while (guest.Write($"n{created}", value) == "OK|")
            created++;
        Assert.Equal(5, created);
        Assert.Equal("EIO|", guest.Write("more", value));
        Assert.InRange(guest.Connection.MemoryInUse, 9_000, 10_000);
        store.Control.Write("/local/domain/1/hosts", value);
        Assert.Equal(value, store.Control.TryRead("/local/domain/1/hosts", out var read) ? read : "");
    }

    [Fact]
    public void A_domain_that_does_not_read_gets_no_more_served_and_grows_no_queue()
    {
        _guest.Watch("a", "t");
        _guest.Write("a", new string('x', 1000));
        _guest.Events();
        // Answers of 1016 bytes: the ring takes one, twenty wait, and then requests stay in the ring.
        var request = StoreGuest.Message(StoreMessageType.Read, 1, 0, StoreGuest.Bytes("a|"));
        var sent = 0;
        while (_guest.Put(request) == request.Length)
        {
            _guest.Ring.Process();
            sent++;
        }

        Assert.Equal(21 + (1024 / request.Length), sent);
        Assert.InRange(_guest.Connection.QueuedBytes, 20 * 1016, 21 * 1016);

        // Once it reads again, it gets everything.
        var answers = 0;
        while (_guest.Next() is { } message && message.Header.Type == StoreMessageType.Read)
            answers++;
        Assert.Equal(sent, answers);
    }

    [Fact]
    public void Events_that_nobody_reads_are_dropped_at_the_memorys_end()
    {
        _guest.Watch("a", "t");
        _guest.Events();
        _store.Control.MakeDirectory("/local/domain/1/a");
        _store.Control.SetPermissions("/local/domain/1/a", StorePermissions.Parse("n0", "r1"));
        for (var i = 0; i < 120_000; i++)
        {
            _store.Control.Write($"/local/domain/1/a/{i}", "");
            _store.Control.Remove($"/local/domain/1/a/{i}");
        }

        Assert.InRange(_guest.Connection.MemoryInUse, 2_600_000, 2_621_440);
        var events = _guest.Events();
        Assert.InRange(events.Length, 95_000, 110_000);
        Assert.InRange(_guest.Connection.MemoryInUse, 0, 1000);
        Assert.Equal("OK|", _guest.Write("back", "again"));
    }
}
