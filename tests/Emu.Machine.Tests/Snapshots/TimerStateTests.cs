using Emu.Cpu.Snapshots;
using Emu.Machine.Tests.Support;
using Emu.Machine.Time;
using Xunit;

namespace Emu.Machine.Tests.Snapshots;

public class TimerStateTests
{
    [Fact]
    public void Timers_of_one_deadline_fire_in_the_order_in_which_they_were_armed_before()
    {
        var first = new Rig();
        first.B.Arm(100);
        first.C.Arm(100);
        first.A.Arm(100);
        var second = new Rig();
        StateStream.Restore(second, StateStream.Save(first));
        second.Clock.Advance(100);
        Assert.Equal("BCA", second.Fired);
    }

    [Fact]
    public void A_timer_armed_after_restoring_comes_behind_those_that_waited()
    {
        var first = new Rig();
        first.C.Arm(100);
        var second = new Rig();
        StateStream.Restore(second, StateStream.Save(first));
        second.A.Arm(100);
        second.Clock.Advance(100);
        Assert.Equal("CA", second.Fired);
    }

    [Fact]
    public void What_was_armed_since_does_not_fire_after_going_back()
    {
        var rig = new Rig();
        rig.Clock.Advance(10);
        var state = StateStream.Save(rig);
        rig.A.Arm(20);
        rig.Clock.Advance(5);
        StateStream.Restore(rig, state);
        Assert.Equal(10UL, rig.Clock.Now);
        Assert.Null(rig.Clock.NextDeadline);
        Assert.False(rig.A.IsArmed);
        rig.A.Arm(30);
        rig.A.Disarm();
        rig.Clock.Advance(100);
        Assert.Equal("", rig.Fired);
    }

    [Fact]
    public void What_is_due_beyond_the_horizon_stays_armed_and_never_fires()
    {
        var first = new Rig();
        first.A.Arm(ulong.MaxValue);
        var second = new Rig();
        StateStream.Restore(second, StateStream.Save(first));
        Assert.True(second.A.IsArmed);
        Assert.Null(second.Clock.NextDeadline);
    }

    [Fact]
    public void Time_that_no_run_reaches_is_refused()
    {
        var first = new Rig();
        first.Clock.Warp(VirtualClock.Horizon * 2);
        var state = StateStream.Save(first);
        first.Clock.Warp(1);
        Assert.Throws<SnapshotException>(() => StateStream.Save(first));
        // The offset of the clock lies behind the section's tag.
        state[11]++;
        Assert.Throws<SnapshotException>(() => StateStream.Restore(new Rig(), state));
    }

    private sealed class Rig : IStateful
    {
        public Rig()
        {
            A = Clock.CreateTimer("a", _ => Fired += "A");
            B = Clock.CreateTimer("b", _ => Fired += "B");
            C = Clock.CreateTimer("c", _ => Fired += "C");
        }

        public VirtualClock Clock { get; } = new(new ManualCounter());

        public VirtualTimer A { get; }

        public VirtualTimer B { get; }

        public VirtualTimer C { get; }

        public string Fired { get; private set; } = "";

        public void Transfer(StateStream stream)
        {
            Clock.Transfer(stream);
            A.Transfer(stream);
            B.Transfer(stream);
            C.Transfer(stream);
        }
    }
}
