using Emu.Machine.Tests.Support;
using Emu.Machine.Time;
using Xunit;

namespace Emu.Machine.Tests.Time;

public class VirtualClockTests
{
    private readonly ManualCounter _counter = new() { InstructionsRetired = 500 };
    private readonly VirtualClock _clock;
    private readonly List<string> _fired = [];

    public VirtualClockTests() => _clock = new VirtualClock(_counter);

    [Fact]
    public void Time_starts_at_zero_and_moves_with_instructions()
    {
        Assert.Equal(0UL, _clock.Now);
        _counter.InstructionsRetired += 7;
        Assert.Equal(7UL, _clock.Now);
    }

    [Fact]
    public void Warp_moves_time_without_instructions()
    {
        _clock.Warp(1000);
        Assert.Equal(1000UL, _clock.Now);
        Assert.Equal(510UL, _clock.InstructionCountAt(1010));
    }

    [Fact]
    public void Timers_fire_by_deadline_then_in_the_order_of_arming()
    {
        Timer("c").Arm(30);
        Timer("a").Arm(10);
        Timer("b1").Arm(20);
        Timer("b2").Arm(20);
        _clock.Warp(30);
        _clock.FireDue();
        Assert.Equal(["a", "b1", "b2", "c"], _fired);
    }

    [Fact]
    public void Rearming_moves_a_timer_behind_equal_deadlines()
    {
        var first = Timer("first");
        first.Arm(20);
        Timer("second").Arm(20);
        first.Arm(20);
        _clock.Warp(20);
        _clock.FireDue();
        Assert.Equal(["second", "first"], _fired);
    }

    [Fact]
    public void Nothing_fires_before_its_deadline()
    {
        Timer("a").Arm(10);
        _clock.Warp(9);
        _clock.FireDue();
        Assert.Empty(_fired);
        Assert.Equal(10UL, _clock.NextDeadline);
    }

    [Fact]
    public void Disarmed_timer_does_not_fire()
    {
        var timer = Timer("a");
        timer.Arm(10);
        timer.Disarm();
        _clock.Warp(20);
        _clock.FireDue();
        Assert.Empty(_fired);
        Assert.Null(_clock.NextDeadline);
    }

    [Fact]
    public void Expiring_timer_is_told_its_deadline_and_may_arm_itself_again()
    {
        var deadlines = new List<ulong>();
        VirtualTimer? timer = null;
        timer = _clock.CreateTimer("periodic", deadline =>
        {
            deadlines.Add(deadline);
            if (deadline < 30)
                timer!.Arm(deadline + 10);
        });
        timer.Arm(10);
        _clock.Warp(100);
        _clock.FireDue();
        Assert.Equal([10UL, 20UL, 30UL], deadlines);
    }

    [Fact]
    public void Earlier_deadline_shortens_the_current_run()
    {
        Timer("late").Arm(100);
        Assert.Equal(600UL, _counter.RunLimit);
        _counter.InstructionsRetired += 10;
        Timer("early").Arm(50);
        Assert.Equal(550UL, _counter.RunLimit);
        Timer("past").Arm(3);
        Assert.Equal(510UL, _counter.RunLimit);
    }

    [Fact]
    public void Later_deadline_leaves_the_current_run_alone()
    {
        Timer("early").Arm(50);
        _counter.RunLimit = ulong.MaxValue;
        Timer("late").Arm(100);
        Assert.Equal(ulong.MaxValue, _counter.RunLimit);
    }

    [Fact]
    public void Deadline_at_the_end_of_time_does_not_wrap()
    {
        _counter.InstructionsRetired += 40;
        Assert.Equal(ulong.MaxValue, _clock.InstructionCountAt(ulong.MaxValue));
    }

    [Fact]
    public void What_is_due_beyond_the_horizon_never_happens()
    {
        var timer = Timer("never");
        timer.Arm(VirtualClock.Horizon + 1);
        Assert.True(timer.IsArmed);
        Assert.Null(_clock.NextDeadline);
        timer.Arm(10);
        Assert.Equal(10UL, _clock.NextDeadline);
    }

    private VirtualTimer Timer(string name) => _clock.CreateTimer(name, _ => _fired.Add(name));
}
