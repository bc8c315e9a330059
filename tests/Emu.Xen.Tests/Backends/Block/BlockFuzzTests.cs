using Emu.Xen.Backends;
using Xunit;

namespace Emu.Xen.Tests.Backends.Block;

/// <summary>A front end that does with ring, grants and store what it likes: it gets answers, and reaches nothing but its own.</summary>
public sealed class BlockFuzzTests
{
    private static readonly string[] Names = ["protocol", "ring-ref", "ring-page-order", "event-channel", "feature-persistent", "ring-ref1"];
    private static readonly string[] Values = ["0", "1", "2", "4", "5", "64", "65", "x86_32-abi", "x86_64-abi", "-1", "", "99999999999"];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void Random_front_end_gets_answers_and_leaves_what_is_not_its_own(int seed)
    {
        Random random = new(seed);
        // Sectors that the disk does not have, behind those that it has.
        MemoryImage image = new(256);
        using BlockFrontend front = new(image);
        HashSet<short> statuses = [];
        // A page that is granted for reading alone, and one that is not granted.
        front.Grant(0x9F, flags: 5);
        front.Grant(0x9E, flags: 0);
        for (var round = 0; round < 60; round++)
        {
            if (front.Backend.State != XenbusState.InitWait)
            {
                front.Say("state", 6);
                front.Say("state", 1);
                foreach (var name in Names)
                    front.Store.Control.Remove($"{front.Device.FrontendPath}/{name}");
            }

            if (random.Next(4) == 0)
                front.Say(Names[random.Next(Names.Length)], Values[random.Next(Values.Length)]);
            front.Connect(random.Next(2) == 0, random.Next(5), random.Next(2) == 0);
            var isSpoiled = false;
            for (var i = 0; i < 100; i++)
            {
                PutAnything(front, random);
                if (random.Next(3) == 0)
                    front.Kick();
                if (random.Next(200) == 0)
                {
                    front.WriteUInt32((uint)random.Next(4) * 4, (uint)random.Next());
                    isSpoiled = true;
                }

                if (!isSpoiled)
                    statuses.UnionWith(front.Take().Select(static response => response.Status));
            }

            front.Log.Clear();
        }

        Assert.Equal((short[])[-2, -1, 0], statuses.Order());
        Assert.All(front.Test.Read(0x9E000, 8192), static value => Assert.Equal(0, value));
    }

    internal static void PutAnything(BlockFrontend front, Random random)
    {
        var sector = (ulong)random.Next(4) switch { 0 => (ulong)random.NextInt64(), 1 => 250UL, _ => (ulong)random.Next(300) };
        (uint, byte, byte)[] segments =
        [
            .. Enumerable.Range(0, random.Next(13)).Select(_ => (
                random.Next(6) == 0 ? (uint)random.Next() : 0x80 + (uint)random.Next(32), (byte)random.Next(3), (byte)random.Next(3, 9))),
        ];
        switch (random.Next(4))
        {
            case 0:
                front.PutIndirect((byte)random.Next(3), (ulong)random.NextInt64(), sector, 0x70, segments);
                break;
            case 1 when random.Next(4) == 0:
                var entry = new byte[front.Is64Bit ? 112 : 108];
                random.NextBytes(entry);
                entry[0] &= 7;
                front.PutRaw(entry);
                break;
            default:
                front.Put((byte)random.Next(7), (ulong)random.NextInt64(), sector, segments);
                break;
        }
    }
}
