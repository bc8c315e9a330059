using Emu.Xen.Store;
using Xunit;

namespace Emu.Xen.Tests.Store;

/// <summary>Two hostile domains and a busy host, by seed: nothing throws, memory stays bounded, and the tree stays whole.</summary>
public sealed class StoreFuzzTests
{
    private const int Memory = 100_000;
    private const int LargestMessage = StoreMessageHeader.Size + StoreMessageHeader.MaximumPayload;

    internal static readonly StoreQuota Quota = new() { Memory = Memory, Nodes = 40, NodeSize = 700, TransactionNodes = 20, Watches = 20 };

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Hostile_domains_get_answers_and_do_no_harm(int seed)
    {
        var random = new Random(seed);
        var store = new XenStore(Quota);
        HostileGuest[] guests = [new(store, 1, random), new(store, 2, random)];
        var heard = 0;
        using var watch = store.Control.Watch("/local/domain", _ => heard++);
        for (var step = 0; step < 3000; step++)
        {
            if (random.Next(10) == 0)
                DoAsHost(store.Control, random);
            else
                guests[random.Next(guests.Length)].Act();

            foreach (var each in guests)
            {
                // A request is let in below the limit; what it adds is its answer, and copies of nodes in its transaction.
                Assert.InRange(each.Guest.Connection.MemoryInUse, 0, (2 * Memory) + LargestMessage);
                Assert.InRange(each.Guest.Connection.QueuedBytes, 0, Memory + LargestMessage);
            }

            Assert.InRange(store.NodeCount, 1, 300);
        }

        Assert.True(heard > 100);
        Assert.Equal(store.NodeCount, Reachable(store.Control, StorePath.Root));
        store.RemoveDomain(1);
        store.RemoveDomain(2);
        Assert.Equal(store.NodeCount, Reachable(store.Control, StorePath.Root));
        Assert.All(guests, guest => Assert.Equal(0, guest.Guest.Connection.MemoryInUse));
    }

    [Fact]
    public void The_fuzz_reaches_every_request_and_most_outcomes()
    {
        var random = new Random(1);
        var store = new XenStore(Quota);
        HostileGuest[] guests = [new(store, 1, random), new(store, 2, random)];
        for (var step = 0; step < 60_000; step++)
            guests[random.Next(guests.Length)].Act();
        var outcomes = guests.SelectMany(guest => guest.Outcomes.Keys).ToHashSet();
        string[] expected =
        [
            "Write OK", "Write EINVAL", "Write EACCES", "Write ENOSPC", "Write ENOENT", "Remove OK", "Remove ENOENT", "Read OK",
            "Directory OK", "DirectoryPart OK", "GetPermissions OK", "SetPermissions OK", "SetPermissions EPERM", "Watch OK",
            "Watch EEXIST", "Watch E2BIG", "Unwatch OK", "TransactionStart OK", "TransactionStart ENOSPC", "TransactionEnd OK",
            "TransactionEnd EAGAIN", "TransactionEnd ENOMEM", "ResetWatches OK", "Introduce EACCES", "GetDomainPath OK",
        ];
        Assert.Empty(expected.Except(outcomes));
    }

    [Fact]
    public void The_same_seed_gives_the_same_conversation()
    {
        Assert.Equal(Conversation(5), Conversation(5));
        Assert.NotEqual(Conversation(5), Conversation(6));
    }

    public static TheoryData<int> Seeds() => [.. Enumerable.Range(1, 60)];

    private static List<string> Conversation(int seed)
    {
        var seen = new List<string>();
        var store = new XenStore(Quota);
        var guest = new HostileGuest(store, 1, new Random(seed));
        var observe = guest.Guest.Connection.Observer;
        guest.Guest.Connection.Observer = (domain, header, payload, isToDomain) =>
        {
            observe!(domain, header, payload, isToDomain);
            seen.Add(header + Convert.ToHexString(payload));
        };
        for (var step = 0; step < 1000; step++)
            guest.Act();
        return seen;
    }

    internal static void DoAsHost(ControlDomain control, Random random)
    {
        var path = StorePath.OfDomain((uint)random.Next(1, 3)) + "/" + HostileGuest.RelativePath(random);
        if (!control.Exists(path))
            return;
        switch (random.Next(4))
        {
            case 0:
                control.Remove(path);
                break;
            case 1:
                control.SetPermissions(path, StorePermissions.Parse($"n{random.Next(2)}", $"{"rb"[random.Next(2)]}{random.Next(3)}"));
                break;
            default:
                control.Write(path, new string('h', random.Next(100)));
                break;
        }
    }

    private static int Reachable(ControlDomain control, string path)
    {
        Assert.True(control.Exists(path));
        var names = control.List(path);
        Assert.Equal(names.Count, names.Distinct().Count());
        return 1 + names.Sum(name => Reachable(control, StorePath.Child(path, name)));
    }
}
