using Emu.Xen.Store;
using Xunit;

namespace Emu.Xen.Tests.Store;

public sealed class StoreWatchTests
{
    private readonly XenStore _store = new();
    private readonly StoreGuest _guest;

    public StoreWatchTests() => _guest = new StoreGuest(_store);

    private ControlDomain Control => _store.Control;

    [Fact]
    public void A_watch_fires_once_when_it_is_set_behind_its_answer()
    {
        _guest.Send(StoreGuest.Message(StoreMessageType.Watch, 5, 0, StoreGuest.Bytes("no/such|token|")));
        Assert.Equal(StoreMessageType.Watch, _guest.Next()!.Value.Header.Type);
        var (header, payload) = _guest.Next()!.Value;
        Assert.Equal(new StoreMessageHeader(StoreMessageType.WatchEvent, 0, 0, 14), header);
        Assert.Equal("no/such|token|", payload);
        Assert.Null(_guest.Next());
    }

    [Fact]
    public void Events_are_relative_where_the_watch_was()
    {
        _guest.Watch("a", "r");
        _guest.Watch("/local/domain/1/a", "s");
        _guest.Watch("/local/domain/1", "t");
        Assert.Equal(["a|r|", "/local/domain/1/a|s|", "/local/domain/1|t|"], _guest.Events());
        Control.Write("/local/domain/1/a/b", "");
        Assert.Equal(["a/b|r|", "/local/domain/1/a/b|s|", "/local/domain/1/a/b|t|"], _guest.Events());
    }

    [Fact]
    public void A_watch_hears_of_the_node_and_of_all_below_but_not_of_neighbours()
    {
        _guest.Watch("a", "t");
        _guest.Events();
        _guest.Write("a", "x");
        _guest.Write("a/b/c", "x");
        _guest.Write("ab", "x");
        _guest.Ask(StoreMessageType.SetPermissions, "a|n1|r0|");
        _guest.Ask(StoreMessageType.MakeDirectory, "a/d|");
        _guest.Ask(StoreMessageType.MakeDirectory, "a/d|");
        Assert.Equal(["a|t|", "a/b/c|t|", "a|t|", "a/d|t|"], _guest.Events());
    }

    [Fact]
    public void An_event_precedes_the_answer_to_what_caused_it()
    {
        _guest.Watch("a", "t");
        _guest.Events();
        _guest.Send(StoreGuest.Message(StoreMessageType.Write, 9, 0, StoreGuest.Bytes("a|x")));
        Assert.Equal(StoreMessageType.WatchEvent, _guest.Next()!.Value.Header.Type);
        Assert.Equal(StoreMessageType.Write, _guest.Next()!.Value.Header.Type);
    }

    [Fact]
    public void Removal_tells_watches_above_of_every_node_and_those_below_of_theirs()
    {
        _guest.Write("a/b/c", "");
        _guest.Watch("a/b/c", "below");
        _guest.Watch("a/b/missing", "missing");
        _guest.Watch("a", "above");
        _guest.Events();
        _guest.Remove("a/b");
        Assert.Equal(["a/b/c|below|", "a/b|above|"], _guest.Events());
    }

    [Fact]
    public void An_event_that_waits_already_does_not_come_twice()
    {
        _guest.Watch("a", "t");
        _guest.Events();
        _guest.IsPresent = false;
        for (var i = 0; i < 10; i++)
            Control.Write("/local/domain/1/a/99", "");
        _guest.IsPresent = true;
        _guest.Ring.Process();
        Assert.Single(_guest.Events(), "a/99|t|");
    }

    [Fact]
    public void A_domain_hears_only_of_what_it_may_read_or_whose_parent_it_may_read()
    {
        _guest.Watch("/", "t");
        _guest.Events();
        Control.Write("/secret/a", "");
        Assert.Empty(_guest.Events());
        Control.SetPermissions("/secret/a", StorePermissions.Parse("n0", "r1"));
        Assert.Equal(["/secret/a|t|"], _guest.Events());
        Control.SetPermissions("/secret/a", StorePermissions.Parse("n0"));
        Assert.Equal(["/secret/a|t|"], _guest.Events());
        Control.SetPermissions("/secret", StorePermissions.Parse("n0", "r1"));
        _guest.Events();
        Control.Write("/secret/a", "x");
        Assert.Equal(["/secret/a|t|"], _guest.Events());
    }

    [Fact]
    public void A_watch_is_named_by_path_and_token()
    {
        Assert.Equal("OK|", _guest.Watch("a", "t"));
        Assert.Equal("EEXIST|", _guest.Watch("a", "t"));
        Assert.Equal("EEXIST|", _guest.Watch("/local/domain/1/a", "t"));
        Assert.Equal("OK|", _guest.Watch("a", "u"));
        Assert.Equal("ENOENT|", _guest.Ask(StoreMessageType.Unwatch, "a|v|"));
        Assert.Equal("OK|", _guest.Ask(StoreMessageType.Unwatch, "a|t|"));
        Assert.Equal("ENOENT|", _guest.Ask(StoreMessageType.Unwatch, "a|t|"));
        _guest.Events();
        _guest.Write("a", "");
        Assert.Equal(["a|u|"], _guest.Events());
    }

    [Theory]
    [InlineData("a/", "EINVAL|")]
    [InlineData("", "EINVAL|")]
    [InlineData("a b", "EINVAL|")]
    [InlineData("@anything at all", "OK|")]
    public void Only_possible_paths_are_watched(string path, string expected) => Assert.Equal(expected, _guest.Watch(path, "t"));

    [Fact]
    public void The_transaction_in_a_watch_does_not_matter()
    {
        Assert.Equal("OK|", _guest.Ask(StoreMessageType.Watch, "a|t|", transaction: 77));
        Assert.Equal("OK|", _guest.Ask(StoreMessageType.Unwatch, "a|t|", transaction: 77));
    }

    [Fact]
    public void Reset_takes_watches_and_transactions_away()
    {
        _guest.Watch("a", "t");
        var transaction = _guest.Start();
        _guest.Events();
        Assert.Equal("OK|", _guest.Ask(StoreMessageType.ResetWatches, "|"));
        _guest.Write("a", "");
        Assert.Empty(_guest.Events());
        Assert.Equal("ENOENT|", _guest.End(transaction));
    }

    [Fact]
    public void Special_watches_are_heard_by_those_who_may()
    {
        var heard = new List<string>();
        using var introduced = Control.Watch(XenStore.IntroduceDomain, heard.Add);
        using var released = Control.Watch(XenStore.ReleaseDomain, heard.Add);
        _guest.Watch(XenStore.ReleaseDomain, "t");
        Assert.Equal(["@releaseDomain|t|"], _guest.Events());
        heard.Clear();

        _ = new StoreGuest(_store, 2);
        _store.NotifyShutdown(2);
        _store.NotifyShutdown(2);
        Assert.Equal(["@introduceDomain", "@releaseDomain"], heard);
        Assert.Empty(_guest.Events());

        Control.SetPermissions(XenStore.ReleaseDomain, StorePermissions.Parse("n0", "r1"));
        _store.RemoveDomain(2);
        Assert.Equal(["@releaseDomain|t|"], _guest.Events());
    }

    [Fact]
    public void The_hosts_callbacks_come_after_the_operation_and_in_order()
    {
        var heard = new List<string>();
        using var first = Control.Watch("/back", path =>
        {
            heard.Add("first " + path);
            if (path == "/back/a")
                Control.Write("/back/b", "");
            heard.Add("done");
        });
        using var second = Control.Watch("/back", path => heard.Add("second " + path));
        Assert.Equal(["first /back", "done", "second /back"], heard);
        heard.Clear();
        Control.Write("/back/a", "");
        Assert.Equal(["first /back/a", "done", "second /back/a", "first /back/b", "done", "second /back/b"], heard);
    }

    [Fact]
    public void A_callback_sees_what_a_guest_wrote_and_answers_it()
    {
        using var watch = Control.Watch("/local/domain/1/front", path =>
        {
            if (Control.TryRead(path, out var value) && value == "3")
                Control.Write("/local/domain/1/back", "4");
        });
        _guest.Watch("back", "t");
        _guest.Events();
        Assert.Equal("OK|", _guest.Write("front", "3"));
        Assert.Equal(["back|t|"], _guest.Events());
        Assert.Equal("4", _guest.Read("back"));
    }

    [Fact]
    public void A_disposed_watch_is_silent_even_where_events_wait()
    {
        var count = 0;
        IDisposable? second = null;
        using var first = Control.Watch("/a", _ => second?.Dispose());
        second = Control.Watch("/a", _ => count++);
        Assert.Equal(1, count);
        Control.Write("/a", "");
        Control.Write("/a", "");
        Assert.Equal(1, count);
    }
}
