using Emu.Cpu.Snapshots;
using Emu.Xen.Store;
using Emu.Xen.Tests.Store;
using Xunit;

namespace Emu.Xen.Tests.Snapshots;

/// <summary>xenstore saved between any two requests: half of one, open transactions, events that wait.</summary>
public sealed class StoreSnapshotTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 20)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Restored_store_answers_as_the_saved_one(int seed)
    {
        Random random = new(seed);
        XenStore store = new(StoreFuzzTests.Quota);
        HostileGuest[] guests = [new(store, 1, random), new(store, 2, random)];
        for (var step = random.Next(200, 2000); step > 0 || guests.Any(IsIgnored); step--)
            Act(store, guests, random);

        XenStore restored = new(StoreFuzzTests.Quota);
        StoreGuest[] twins = [new(restored, 1), new(restored, 2)];
        if (seed % 2 == 0)
            SpoilWith(restored, twins);
        var state = StateStream.Save(store);
        StateStream.Restore(restored, state);
        Assert.Equal(state, StateStream.Save(restored));
        AssertEqualCounts(guests, twins);

        for (var i = 0; i < guests.Length; i++)
        {
            var number = i;
            Copy(guests[i].Guest, twins[i]);
            guests[i].Acted = () => Copy(guests[number].Guest, twins[number]);
        }

        var answered = 0;
        // A guest that connects anew has another connection, which the twin has not.
        for (var step = 0; step < 2000 && !guests.Any(IsIgnored); step++)
        {
            var who = random.Next(guests.Length);
            guests[who].Act();
            twins[who].Ring.Process();
            Assert.Equal(guests[who].Guest.Page, twins[who].Page);
            answered++;
        }

        Assert.Equal(StateStream.Save(store), StateStream.Save(restored));
        AssertEqualCounts(guests, twins);
        Assert.True(answered > 10);
    }

    [Fact]
    public void Half_a_request_is_completed_after_it()
    {
        XenStore store = new();
        StoreGuest guest = new(store);
        var message = StoreGuest.Message(StoreMessageType.Write, 5, 0, StoreGuest.Bytes("a|value"));
        guest.Send(message.AsSpan(0, 19));
        var state = StateStream.Save(store);
        guest.Send(StoreGuest.Message(StoreMessageType.Read, 6, 0, StoreGuest.Bytes("b|")).AsSpan(0, 3));

        StateStream.Restore(store, state);
        guest.Send(message.AsSpan(19));
        Assert.Equal("OK|", guest.Next()?.Payload);
        Assert.Equal("value", guest.Read("a"));
    }

    [Fact]
    public void Transaction_that_was_open_commits_after_it_and_conflicts_as_before()
    {
        XenStore store = new();
        StoreGuest guest = new(store);
        guest.Write("a", "1");
        var transaction = guest.Start();
        guest.Write("a", "2", transaction);
        guest.Write("b", "3", transaction);
        var state = StateStream.Save(store);
        Assert.Equal("OK|", guest.End(transaction));

        StateStream.Restore(store, state);
        Assert.Equal("1", guest.Read("a"));
        Assert.Equal("2", guest.Read("a", transaction));
        Assert.Equal("OK|", guest.End(transaction));
        Assert.Equal("2", guest.Read("a"));

        StateStream.Restore(store, state);
        guest.Write("a", "other");
        Assert.Equal("EAGAIN|", guest.End(transaction));
        Assert.Equal("ENOENT|", guest.Read("b"));
    }

    [Fact]
    public void Watches_of_the_control_domain_stay_as_they_are()
    {
        XenStore store = new();
        _ = new StoreGuest(store);
        var state = StateStream.Save(store);
        List<string> heard = [];
        using var watch = store.Control.Watch("/local/domain/1", heard.Add);
        StateStream.Restore(store, state);
        heard.Clear();
        store.Control.Write("/local/domain/1/a", "1");
        Assert.Equal(["/local/domain/1/a"], heard);
    }

    [Fact]
    public void State_of_a_store_with_other_domains_is_refused()
    {
        XenStore store = new();
        var state = StateStream.Save(store);
        _ = new StoreGuest(store);
        Assert.Throws<SnapshotException>(() => StateStream.Restore(store, state));
    }

    private static bool IsIgnored(HostileGuest guest) => guest.Guest.Connection.Error != StoreConnectionError.None;

    private static void Act(XenStore store, HostileGuest[] guests, Random random)
    {
        if (random.Next(10) == 0)
            StoreFuzzTests.DoAsHost(store.Control, random);
        else
            guests[random.Next(guests.Length)].Act();
    }

    private static void SpoilWith(XenStore store, StoreGuest[] guests)
    {
        guests[0].Write("other", "life");
        guests[0].Watch("other", "token");
        guests[1].Write("more", "life", guests[1].Start());
        store.Control.Write("/local/domain/1/other", "event");
    }

    private static void Copy(StoreGuest from, StoreGuest to)
    {
        from.Page.CopyTo(to.Page, 0);
        to.IsPresent = from.IsPresent;
    }

    private static void AssertEqualCounts(HostileGuest[] guests, StoreGuest[] twins)
    {
        for (var i = 0; i < guests.Length; i++)
        {
            var (domain, twin) = (guests[i].Guest.Connection.Client.Domain, twins[i].Connection.Client.Domain);
            Assert.Equal((domain.Memory, domain.Nodes), (twin.Memory, twin.Nodes));
        }
    }
}
