using Emu.Cpu.Snapshots;
using Emu.Machine.Consoles;
using Xunit;

namespace Emu.Machine.Tests.Snapshots;

/// <summary>Devices that are given a state do what those would have done that it was saved of, whatever they did before.</summary>
public class DeviceStateTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void Devices_that_move_answer_any_guest_as_those_that_stay(int seed)
    {
        Assert.Equal(Run(moves: false), Run(moves: true));

        List<string> Run(bool moves)
        {
            var rig = new PcRig();
            var random = new Random(seed);
            List<string> notes = [];
            for (var i = 0; i < 20_000; i++)
            {
                rig.Act(random);
                if (!moves || i % 50 != 0)
                    continue;
                notes.AddRange(rig.Notes);
                rig = Moved(rig, new Random(i));
            }

            notes.AddRange(rig.Notes);
            return notes;
        }
    }

    [Fact]
    public void Saved_again_the_state_is_the_same()
    {
        var rig = new PcRig();
        var random = new Random(7);
        for (var i = 0; i < 5000; i++)
        {
            rig.Act(random);
            Assert.Equal(StateStream.Save(rig), StateStream.Save(Moved(rig, new Random(i))));
        }
    }

    [Fact]
    public void Input_that_had_ended_is_asked_for_again_where_there_is_another_source()
    {
        var first = new PcRig(new Text(""));
        Listen(first);
        first.Pass(1_000_000);
        var second = new PcRig(new Text("x"));
        StateStream.Restore(second, StateStream.Save(first));
        second.Pass(1_000_000);
        Assert.Equal(0, second.In(0x3FD) & 1);
        second.Reopen();
        second.Pass(1_000_000);
        Assert.Equal((byte)'x', second.In(0x3F8));
        Assert.Equal(1UL, second.BytesTaken);
    }

    [Fact]
    public void Key_that_was_taken_but_not_given_is_part_of_the_state()
    {
        var first = new PcRig(new Text(""));
        Listen(first);
        first.Pass(1_000_000);
        var second = new PcRig(new Text("x"));
        StateStream.Restore(second, StateStream.Save(first));
        second.Reopen();
        var waiting = StateStream.Save(second);
        second.Pass(1_000_000);
        Assert.Equal((byte)'x', second.In(0x3F8));
        var given = StateStream.Save(second);

        // It comes again where it had not come yet, and not where it had.
        StateStream.Restore(second, waiting);
        second.Pass(1_000_000);
        Assert.Equal((byte)'x', second.In(0x3F8));
        StateStream.Restore(second, waiting);
        StateStream.Restore(second, given);
        second.Pass(1_000_000);
        Assert.Equal(0, second.In(0x3FD) & 1);
    }

    [Fact]
    public void Pipe_is_given_its_moment_where_a_human_was_waited_for()
    {
        var first = new PcRig(new Silent());
        Listen(first);
        first.Pass(1_000_000);
        var second = new PcRig(new Text("x"));
        StateStream.Restore(second, StateStream.Save(first));
        second.Reopen();
        // What is there by then enters at a time that is the guest's.
        second.Pass(20_000_000);
        Assert.Equal((byte)'x', second.In(0x3F8));
        Assert.Equal(1UL, second.BytesTaken);
    }

    [Fact]
    public void Asking_again_changes_nothing_where_the_other_source_has_ended_too()
    {
        var first = new PcRig(new Text(""));
        Listen(first);
        first.Pass(1_000_000);
        var second = new PcRig(new Text(""));
        StateStream.Restore(second, StateStream.Save(first));
        second.Reopen();
        Assert.Equal(StateStream.Save(first), StateStream.Save(second));
    }

    [Fact]
    public void State_of_a_machine_that_waits_for_input_does_not_make_one_without_a_source_wait()
    {
        var first = new PcRig(new Text("abc"));
        Listen(first);
        var second = new PcRig();
        StateStream.Restore(second, StateStream.Save(first));
        second.Pass(1_000_000_000);
        Assert.Equal(0, second.In(0x3FD) & 1);
        Assert.Equal(3UL, Passed(first).BytesTaken);
        Assert.Equal(0UL, second.BytesTaken);
    }

    private static PcRig Moved(PcRig rig, Random random)
    {
        var state = StateStream.Save(rig);
        var other = new PcRig();
        for (var i = 0; i < 30; i++)
            other.Act(random);
        other.Notes.Clear();
        StateStream.Restore(other, state);
        return other;
    }

    private static PcRig Passed(PcRig rig)
    {
        rig.Pass(1_000_000_000);
        return rig;
    }

    // FIFOs on, received data interrupts.
    private static void Listen(PcRig rig)
    {
        rig.Out(0x3FA, 1);
        rig.Out(0x3F9, 1);
    }

    private sealed class Text(string text) : IConsoleSource
    {
        private int _at;

        public bool IsInteractive => false;

        public ConsoleInput TryRead(out byte value)
        {
            value = _at < text.Length ? (byte)text[_at] : (byte)0;
            return _at++ < text.Length ? ConsoleInput.Available : ConsoleInput.Ended;
        }

        public bool Wait(TimeSpan timeout) => true;
    }

    private sealed class Silent : IConsoleSource
    {
        public bool IsInteractive => true;

        public ConsoleInput TryRead(out byte value)
        {
            value = 0;
            return ConsoleInput.Empty;
        }

        public bool Wait(TimeSpan timeout) => false;
    }
}
