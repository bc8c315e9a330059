using System.Globalization;
using Emu.Xen.Store;
using Xunit;

namespace Emu.Xen.Tests.Store;

/// <summary>Two hostile domains and a busy host, by seed: nothing throws, memory stays bounded, and the tree stays whole.</summary>
public sealed class StoreFuzzTests
{
    private const int Memory = 200_000;
    private const int LargestMessage = StoreMessageHeader.Size + StoreMessageHeader.MaximumPayload;

    private static readonly string[] Names = ["a", "b", "cc", "state", "data", "x-_@"];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Hostile_domains_get_answers_and_do_no_harm(int seed)
    {
        var random = new Random(seed);
        var store = new XenStore(new StoreQuota { Memory = Memory, Nodes = 60, TransactionNodes = 50 });
        StoreGuest[] guests = [new(store, 1), new(store, 2)];
        var heard = 0;
        using var watch = store.Control.Watch("/local/domain", _ => heard++);
        for (var step = 0; step < 3000; step++)
        {
            var guest = guests[random.Next(guests.Length)];
            switch (random.Next(12))
            {
                case 0:
                    guest.Discard();
                    guest.Ring.Process();
                    break;
                case 1:
                    DoAsHost(store.Control, random);
                    break;
                case 2:
                    guest.Put(Noise(random, random.Next(40)));
                    guest.Ring.Process();
                    break;
                case 3 when random.Next(100) == 0:
                    guest.SetIndex(0x800 + (4 * random.Next(4)), (uint)random.Next());
                    guest.Ring.Process();
                    break;
                case 4 when random.Next(200) == 0:
                    guest.IsMapped = !guest.IsMapped;
                    break;
                default:
                    guest.Put(Request(random));
                    guest.Ring.Process();
                    break;
            }

            foreach (var each in guests)
            {
                // Over the limit by what one request adds: its answer, its copies in a transaction, and events.
                Assert.InRange(each.Connection.MemoryInUse, 0, (2 * Memory) + LargestMessage);
                Assert.InRange(each.Connection.QueuedBytes, 0, Memory + LargestMessage);
            }

            Assert.InRange(store.NodeCount, 1, 500);
        }

        Assert.True(heard > 0);
        Assert.Equal(store.NodeCount, Reachable(store.Control, StorePath.Root));
        store.RemoveDomain(1);
        store.RemoveDomain(2);
        Assert.Equal(store.NodeCount, Reachable(store.Control, StorePath.Root));
        Assert.All(guests, guest => Assert.Equal(0, guest.Connection.MemoryInUse));
    }

    [Fact]
    public void The_same_seed_gives_the_same_answers()
    {
        Assert.Equal(Transcript(5), Transcript(5));
        Assert.NotEqual(Transcript(5), Transcript(6));
    }

    public static TheoryData<int> Seeds() => [.. Enumerable.Range(1, 60)];

    private static List<string> Transcript(int seed)
    {
        var random = new Random(seed);
        var guest = new StoreGuest(new XenStore());
        var seen = new List<string>();
        guest.Connection.Observer = (_, header, payload, _) => seen.Add(header + Convert.ToHexString(payload));
        for (var step = 0; step < 300; step++)
        {
            guest.Put(Request(random));
            guest.Ring.Process();
            guest.Discard();
        }

        return seen;
    }

    private static void DoAsHost(ControlDomain control, Random random)
    {
        var path = StorePath.OfDomain((uint)random.Next(1, 3)) + "/" + RelativePath(random);
        switch (random.Next(4))
        {
            case 0:
                control.Remove(path);
                break;
            case 1 when control.Exists(path):
                control.SetPermissions(path, StorePermissions.Parse("n" + random.Next(3), "rb"[random.Next(2)] + $"{random.Next(3)}"));
                break;
            default:
                // The host does not fill what a domain owns without end.
                if (control.Exists(path))
                    control.Write(path, new string('h', random.Next(100)));
                break;
        }
    }

    private static byte[] Request(Random random)
    {
        var type = (StoreMessageType)random.Next(24);
        var path = random.Next(8) == 0 ? StorePath.OfDomain((uint)random.Next(4)) + "/" + RelativePath(random) : RelativePath(random);
        var payload = type switch
        {
            StoreMessageType.Write => path + "|" + new string('v', random.Next(4) == 0 ? random.Next(2500) : random.Next(20)),
            StoreMessageType.SetPermissions => $"{path}|{"nrwb"[random.Next(4)]}{random.Next(4)}|{"nrwb"[random.Next(4)]}{random.Next(4)}|",
            StoreMessageType.Watch or StoreMessageType.Unwatch => $"{(random.Next(9) == 0 ? "@releaseDomain" : path)}|{random.Next(9)}|",
            StoreMessageType.TransactionEnd => random.Next(3) == 0 ? "F|" : "T|",
            StoreMessageType.TransactionStart => "|",
            StoreMessageType.DirectoryPart => $"{path}|{random.Next(-2, 30)}|",
            StoreMessageType.ResetWatches when random.Next(8) != 0 => "",
            StoreMessageType.GetDomainPath => random.Next().ToString(CultureInfo.InvariantCulture) + "|",
            _ => path + "|",
        };
        if (type == StoreMessageType.ResetWatches && payload.Length == 0)
            type = StoreMessageType.Write;
        var bytes = StoreGuest.Bytes(payload);
        if (random.Next(20) == 0 && bytes.Length > 0)
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        var message = StoreGuest.Message(type, (uint)random.Next(), random.Next(2) == 0 ? 0 : (uint)random.Next(1, 20), bytes);
        // Now and then a header that lies: the stream is out of step from then on.
        if (random.Next(1000) == 0)
            message[random.Next(StoreMessageHeader.Size)] ^= (byte)(1 << random.Next(8));
        return message;
    }

    private static string RelativePath(Random random)
    {
        var path = Names[random.Next(Names.Length)];
        while (random.Next(3) != 0)
            path += "/" + Names[random.Next(Names.Length)];
        return path;
    }

    private static byte[] Noise(Random random, int length)
    {
        // Noise is a message of no known type, or the connection would end at once.
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return StoreGuest.Message((StoreMessageType)random.Next(), 0, 0, bytes);
    }

    private static int Reachable(ControlDomain control, string path)
    {
        Assert.True(control.Exists(path));
        var names = control.List(path);
        Assert.Equal(names.Count, names.Distinct().Count());
        return 1 + names.Sum(name => Reachable(control, StorePath.Child(path, name)));
    }
}
