using Emu.Cpu.Snapshots;
using Emu.Machine.Tests.Network;
using Emu.Machine.Tests.Support;
using Emu.Machine.Time;
using Xunit;

namespace Emu.Machine.Tests.Snapshots;

/// <summary>State that somebody has forged is refused, or is some state: it never makes the host fail, wait for ever, or run out of memory.</summary>
public class DamagedStateTests
{
    private const int Attempts = 3000;

    [Fact]
    public void Forged_state_of_devices_is_refused_or_does_no_harm()
    {
        var random = new Random(11);
        var rig = new PcRig();
        var accepted = 0;
        for (var i = 0; i < Attempts; i++)
        {
            rig.Act(random);
            var forged = new PcRig();
            if (!TryRestore(forged, Damaged(StateStream.Save(rig), random)))
                continue;
            accepted++;
            for (var j = 0; j < 20; j++)
                forged.Act(random);
        }

        Assert.InRange(accepted, Attempts / 10, Attempts - 1);
    }

    [Fact]
    public void Forged_state_of_a_network_is_refused_or_does_no_harm()
    {
        var random = new Random(12);
        using var guest = new TestGuest();
        guest.Arrived = static _ => { };
        var accepted = 0;
        for (var i = 0; i < Attempts; i++)
        {
            Use(guest, random, (uint)i);
            using var forged = new TestGuest();
            forged.Arrived = static _ => { };
            if (!TryRestore(forged, Damaged(StateStream.Save(guest), random)))
                continue;
            accepted++;
            for (var j = 0; j < 10; j++)
                Use(forged, random, (uint)j);
            // A clock that was forged is near its end.
            if (forged.Clock.Now < VirtualClock.Horizon)
                forged.Clock.Advance(100_000_000_000);
        }

        Assert.InRange(accepted, Attempts / 10, Attempts - 1);
    }

    [Fact]
    public void State_that_ends_too_early_is_refused()
    {
        using var guest = new TestGuest();
        guest.SendUdp(TestGuest.Gateway, 7, "on its way"u8);
        var state = StateStream.Save(guest);
        for (var length = 0; length < state.Length; length += 7)
        {
            using var other = new TestGuest();
            Assert.Throws<SnapshotException>(() => StateStream.Restore(other, state.AsMemory(0, length)));
        }
    }

    private static void Use(TestGuest guest, Random random, uint seen)
    {
        RandomTraffic.Send(guest, random, seen);
        guest.Clock.Advance((ulong)random.Next(40_000));
    }

    private static byte[] Damaged(byte[] state, Random random)
    {
        for (var i = random.Next(1, 5); i > 0; i--)
        {
            var at = random.Next(state.Length);
            state[at] = random.Next(3) switch { 0 => (byte)random.Next(256), 1 => 0, _ => 0xFF };
        }

        return state;
    }

    private static bool TryRestore(IStateful part, byte[] state)
    {
        try
        {
            StateStream.Restore(part, state);
            return true;
        }
        catch (SnapshotException)
        {
            return false;
        }
    }
}
