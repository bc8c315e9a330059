using Emu.Cpu.Snapshots;
using Emu.Xen.Tests.Backends.Block;
using Emu.Xen.Tests.Backends.Network;
using Xunit;

namespace Emu.Xen.Tests.Snapshots;

/// <summary>Disks and network cards saved with requests in their rings, pages mapped and grants kept.</summary>
public sealed class BackendSnapshotTests
{
    private const int DiskSectors = 256;
    private const int Forgeries = 30;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 12)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Restored_disk_answers_as_the_saved_one(int seed)
    {
        Random random = new(seed);
        MemoryImage image = new(DiskSectors);
        MemoryImage other = new(DiskSectors);
        using BlockFrontend original = new(image);
        using BlockFrontend restored = new(other);
        Act(original, random, random.Next(20, 400));
        if (seed % 2 == 1)
            Act(restored, new Random(seed + 1000), 200);
        StateStream.Restore(restored, StateStream.Save(original));
        Assert.Equal(StateStream.Save(original.Hypervisor), StateStream.Save(restored.Hypervisor));
        image.Calls.Clear();
        other.Calls.Clear();
        Assert.Equal(Act(original, new Random(seed), 300), Act(restored, new Random(seed), 300));
        Assert.Equal(image.Calls, other.Calls);
        Assert.NotEmpty(image.Calls);
        Assert.Equal(StateStream.Save(original.Hypervisor), StateStream.Save(restored.Hypervisor));
        Assert.True(StateStream.Save(original).AsSpan().SequenceEqual(StateStream.Save(restored)), "memory differs");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Requests_that_wait_in_the_ring_are_answered_after_it(bool isPersistent)
    {
        MemoryImage image = new(DiskSectors);
        using BlockFrontend front = new(image);
        front.Connect(isPersistent: isPersistent);
        Assert.Equal(0, front.Do(1, 8, (0x80, 0, 7)));
        front.Test.Write(0x81000, [1, 2, 3, 4]);
        front.Put(1, 5, 16, (0x81, 0, 7));
        front.Send();
        var state = StateStream.Save(front);
        front.Test.Host.Advance(1_000_000);
        front.Say("state", 6);
        image.Bytes.AsSpan().Clear();

        StateStream.Restore(front, state);
        Assert.Equal(isPersistent ? 0x18 : 0, front.GrantStatusOf(0x80));
        Assert.Empty(front.Take());
        front.Test.Host.Advance(1_000_000);
        Assert.Equal((5UL, (byte)1, (short)0), Assert.Single(front.Take()));
        Assert.Equal([1, 2, 3, 4], image.Bytes.AsSpan(16 * 512, 4).ToArray());
        // And it lets go of all that it held.
        front.Say("state", 6);
        Assert.Equal(0, front.GrantStatusOf(0x80));
        Assert.Equal(0, front.GrantStatusOf((uint)(BlockFrontend.Ring >> 12)));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Restored_network_card_sends_and_receives_as_the_saved_one(int seed)
    {
        Random random = new(seed);
        using ScriptedFrontEnd original = new();
        using ScriptedFrontEnd restored = new();
        Act(original, random, random.Next(20, 400));
        if (seed % 2 == 1)
            Act(restored, new Random(seed + 1000), 200);
        StateStream.Restore(restored, StateStream.Save(original));
        original.Sent.Clear();
        restored.Sent.Clear();
        Assert.Equal(StateStream.Save(original.Hypervisor), StateStream.Save(restored.Hypervisor));
        Assert.Equal(Act(original, new Random(seed), 300), Act(restored, new Random(seed), 300));
        Assert.Equal(Frames(original), Frames(restored));
        Assert.NotEmpty(original.Sent);
        Assert.Equal(StateStream.Save(original.Hypervisor), StateStream.Save(restored.Hypervisor));
        Assert.True(StateStream.Save(original).AsSpan().SequenceEqual(StateStream.Save(restored)), "memory differs");
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Forged_state_of_a_disk_is_refused_or_does_no_harm(int seed)
    {
        Random random = new(seed);
        using BlockFrontend original = new(new MemoryImage(DiskSectors));
        Act(original, random, random.Next(20, 200));
        var around = StateStream.Save(original);
        var state = StateStream.Save(original.Hypervisor);
        for (var i = 0; i < Forgeries; i++)
        {
            using BlockFrontend front = new(new MemoryImage(DiskSectors));
            StateStream.Restore(front, around);
            if (!TryRestoreForged(front.Hypervisor, state, random))
                continue;
            Act(front, new Random(i), 100);
            Assert.True(front.Test.IsContained);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Forged_state_of_a_network_card_is_refused_or_does_no_harm(int seed)
    {
        Random random = new(seed);
        using ScriptedFrontEnd original = new();
        Act(original, random, random.Next(20, 200));
        var around = StateStream.Save(original);
        var state = StateStream.Save(original.Hypervisor);
        for (var i = 0; i < Forgeries; i++)
        {
            using ScriptedFrontEnd front = new();
            StateStream.Restore(front, around);
            if (!TryRestoreForged(front.Hypervisor, state, random))
                continue;
            Act(front, new Random(i), 100);
            Assert.True(front.Machine.IsContained);
        }
    }

    private static bool TryRestoreForged(IStateful part, byte[] state, Random random)
    {
        byte[] forged = [.. state];
        for (var change = random.Next(1, 4); change > 0; change--)
            Forgery.Change(forged, random);
        try
        {
            StateStream.Restore(part, forged);
            return true;
        }
        catch (SnapshotException)
        {
            return false;
        }
    }

    private static IEnumerable<string> Frames(ScriptedFrontEnd front) =>
        front.Sent.Select(static sent => Convert.ToHexString(sent.Frame) + sent.HasBlankChecksum);

    private static List<object> Act(BlockFrontend front, Random random, int steps)
    {
        List<object> results = [];
        for (var step = 0; step < steps; step++)
        {
            switch (random.Next(20))
            {
                case 0:
                    front.Say("state", 6);
                    front.Say("state", 1);
                    front.Connect(random.Next(2) == 0, random.Next(5), random.Next(2) == 0);
                    break;
                case 1:
                    front.WriteUInt32((uint)random.Next(4) * 4, (uint)random.Next(100));
                    break;
                case 2:
                    front.Test.Domain.Memory.Free((ulong)random.Next(0x80, 0xA0));
                    break;
                case 3:
                    front.Test.Domain.Memory.Populate((ulong)random.Next(0x80, 0xA0), 1);
                    break;
                case < 8:
                    front.Test.Host.Advance((ulong)random.Next(40_000));
                    break;
                case < 11:
                    // A port that is not connected sends nothing.
                    results.Add(front.TrySend());
                    break;
                default:
                    if (front.HasData)
                        BlockFuzzTests.PutAnything(front, random);
                    break;
            }

            results.Add(front.Backend.State);
        }

        return results;
    }

    private static List<object> Act(ScriptedFrontEnd front, Random random, int steps)
    {
        List<object> results = [];
        var frame = new byte[1514];
        for (var step = 0; step < steps; step++)
        {
            var page = ScriptedFrontEnd.FirstPage + (uint)random.Next(40);
            switch (random.Next(24))
            {
                case 0 when random.Next(4) == 0:
                    front.Write("state", $"{random.Next(1, 7)}");
                    break;
                case 1 or 2:
                    front.Write("state", "6");
                    front.Write("state", "1");
                    front.ClearRings();
                    front.Connect(random.Next(2) == 0);
                    break;
                case 4 when random.Next(8) == 0:
                    front.PushTransmit((uint)random.Next());
                    break;
                case < 12:
                    front.PutTransmit(page, random.Next(3000), random.Next(2) * 5, random.Next(100), random.Next(1500));
                    front.PushTransmit();
                    break;
                case < 17:
                    front.OfferPage(random.Next(100), page);
                    front.PushReceive();
                    break;
                default:
                    random.NextBytes(frame);
                    results.Add(front.Backend.TryReceive(frame.AsSpan(0, random.Next(60, frame.Length))));
                    break;
            }

            results.Add(front.BackendState);
        }

        return results;
    }
}
