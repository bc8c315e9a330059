using Emu.Machine.Recording;
using Xunit;
using static Emu.Machine.Tests.Recording.RecordedSession;

namespace Emu.Machine.Tests.Recording;

/// <summary>Runs that are written down and run again.</summary>
public class RecordReplayTests
{
    [Theory]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    public void Session_is_the_same_again_on_every_engine_and_in_any_pieces(int seed, bool isInteractive)
    {
        var recorded = Record(new Typist(seed, isInteractive, keys: 60));
        Assert.Equal(StopReason.PoweredOff, recorded.Result.Reason);
        Assert.Equal(61, recorded.Output.Length);

        foreach (var engine in Enum.GetValues<ExecutionEngine>())
        {
            foreach (var piece in new[] { ulong.MaxValue, 70_001UL, 1_234_567UL })
            {
                using var replayer = recorded.Open();
                Screen screen = new();
                using var machine = NewMachine(replayer, null, screen, engine);
                RunResult result;
                do
                {
                    var retired = machine.InstructionsRetired;
                    result = machine.Run(new RunLimits { MaxInstructions = piece == ulong.MaxValue ? piece : retired + piece });
                }
                while (result.Reason == StopReason.LimitReached);
                replayer.EndLife(machine, result);

                Assert.Equal(recorded.Result, result);
                Assert.Equal(recorded.Summary, Summary(machine));
                Assert.Equal(recorded.Output, screen.Text);
                Assert.Equal((0UL, 0UL), replayer.RunEnd);
                Assert.False(replayer.WasCutOff || replayer.WasStopped);
            }
        }
    }

    [Fact]
    public void Another_pace_is_another_run()
    {
        // Else the tests above could not fail.
        Assert.NotEqual(Record(new Typist(1, true, keys: 5)).Summary, Record(new Typist(2, true, keys: 5)).Summary);
    }

    [Fact]
    public void Run_that_the_host_ended_ends_there_again()
    {
        using CancellationTokenSource stop = new();
        var recorded = Record(new Typist(4, true, keys: 60) { Typed = count => { if (count == 20) stop.Cancel(); } }, stop.Token);
        Assert.Equal(StopReason.Cancelled, recorded.Result.Reason);

        using var replayer = recorded.Open();
        using var machine = NewMachine(replayer, null, new Screen());
        var result = machine.Run(RunLimits.None);
        replayer.EndLife(machine, result);
        Assert.Equal(StopReason.Cancelled, result.Reason);
        Assert.Equal(recorded.Summary, Summary(machine));
        Assert.False(replayer.WasCutOff || replayer.WasStopped);
    }

    [Fact]
    public void Recording_that_is_cut_off_is_replayed_up_to_there()
    {
        var recorded = Record(new Typist(5, true, keys: 40));
        for (var parts = 1; parts < 8; parts++)
        {
            var cut = recorded with { Log = recorded.Log[..(recorded.Log.Length * parts / 8)] };
            using var replayer = cut.Open();
            Screen screen = new();
            using var machine = NewMachine(replayer, null, screen);
            var result = machine.Run(RunLimits.None);
            replayer.EndLife(machine, result);
            Assert.True(replayer.WasCutOff);
            Assert.Null(replayer.RunEnd);
            Assert.StartsWith(screen.Text, recorded.Output, StringComparison.Ordinal);
            Assert.InRange(screen.Text.Length, (40 * parts / 8) - 5, 40);
        }
    }

    [Fact]
    public void Replay_that_its_own_limit_ends_says_so()
    {
        var recorded = Record(new Typist(6, true, keys: 10));
        using var replayer = recorded.Open();
        using var machine = NewMachine(replayer, null, new Screen());
        var result = machine.Run(new RunLimits { MaxInstructions = 1000 });
        replayer.EndLife(machine, result);
        Assert.True(replayer.WasStopped);
    }

    [Fact]
    public void Another_guest_is_found_out()
    {
        var recorded = Record(new Typist(7, true, keys: 10));
        using var replayer = recorded.Open();
        // RDRAND would give other numbers: the registers say so.
        using var machine = NewMachine(replayer, null, new Screen(), seed: 1);
        var divergence = Assert.Throws<ReplayException>(() => replayer.EndLife(machine, machine.Run(RunLimits.None)));
        Assert.Contains("between instruction", divergence.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Input_that_comes_where_it_never_could_ends_the_replay_and_does_not_hang_it()
    {
        var recorded = Record(new Typist(8, true, keys: 30));
        List<LogEntry> entries = [];
        using (var log = InputLogReader.Open(new MemoryStream(recorded.Log), "log"))
        {
            while (log.Read() is { } entry)
                entries.Add(entry);
        }

        for (var seed = 0; seed < 60; seed++)
        {
            using var replayer = new InputReplayer(InputLogReader.Open(new MemoryStream(Spoilt(entries, new Random(seed))), "log"));
            try
            {
                using var machine = NewMachine(replayer, null, new Screen());
                replayer.EndLife(machine, machine.Run(new RunLimits { MaxInstructions = 1_000_000_000 }));
                Assert.True(replayer.WasCutOff || replayer.WasStopped, $"seed {seed}");
            }
            catch (ReplayException)
            {
                // As it should.
            }
        }
    }

    [Fact]
    public void Snapshot_in_a_replay_knows_what_input_is_still_to_come()
    {
        var recorded = Record(new Typist(9, true, keys: 40));
        using var replayer = recorded.Open();
        using var machine = NewMachine(replayer, null, new Screen());
        var whole = 0UL;
        for (var pass = 0; pass < 2; pass++)
        {
            machine.Run(new RunLimits { MaxInstructions = machine.InstructionsRetired + 2_000_000 });
            var snapshot = machine.TakeSnapshot();
            for (var time = 0; time < 2; time++)
            {
                machine.Run(RunLimits.None);
                Assert.Equal(recorded.Summary, Summary(machine));
                whole = machine.InstructionsRetired;
                machine.Restore(snapshot);
            }
        }

        Assert.True(machine.InstructionsRetired < whole);
        replayer.EndLife(machine, machine.Run(RunLimits.None));
    }

    [Fact]
    public void Snapshot_of_a_recorded_run_finds_its_place_in_the_recording()
    {
        MemoryStream stream = new();
        using InputRecorder recorder = new(stream, default);
        using var first = NewMachine(recorder, new Typist(10, true, keys: 40), new Screen());
        first.Run(new RunLimits { MaxInstructions = 2_000_000 });
        var snapshot = first.TakeSnapshot();
        var result = first.Run(RunLimits.None);
        recorder.EndLife(first, result);
        recorder.EndRun(0, 0);

        using var replayer = new InputReplayer(InputLogReader.Open(new MemoryStream(stream.ToArray()), "log"));
        using var second = NewMachine(replayer, null, new Screen(), ExecutionEngine.Interpreter);
        second.Restore(snapshot);
        replayer.EndLife(second, second.Run(RunLimits.None));
        Assert.Equal(Summary(first), Summary(second));
    }

    /// <summary>A recording with sound checksums in which one thing is otherwise.</summary>
    private static byte[] Spoilt(List<LogEntry> entries, Random random)
    {
        MemoryStream stream = new();
        using (InputLogWriter writer = new(stream, default))
        {
            var victim = random.Next(1, entries.Count - 2);
            for (var i = 0; i < entries.Count; i++)
            {
                var entry = entries[i];
                if (i == victim)
                {
                    switch (random.Next(5))
                    {
                        case 0 when entry.Kind == LogEntryKind.Visit && entries[i + 1].Kind == LogEntryKind.VisitAnswer:
                            i++;
                            continue;
                        case 1:
                            entry = entry with { Question = entry.Question + 1 };
                            break;
                        case 2 when entry.Kind is LogEntryKind.Visit or LogEntryKind.Checkpoint:
                            entry = entry with { Position = entry.Position with { Time = entry.Position.Time + 1 } };
                            break;
                        case 3 when entry.Kind is LogEntryKind.Visit or LogEntryKind.Checkpoint:
                            entry = entry with { Position = entry.Position with { Expirations = entry.Position.Expirations + 1 } };
                            break;
                        default:
                            if (entry.Bytes.Length != 0)
                                entry = entry with { Bytes = entry.Bytes.ToArray().Select(static value => (byte)(value ^ 1)).ToArray() };
                            break;
                    }

                    writer.Add(entry);
                    if (entry.Kind == LogEntryKind.Visit && entry.Position != entries[i].Position)
                    {
                        // What follows would go back in time: the recording ends here.
                        writer.Add(entries[i + 1]);
                        break;
                    }

                    continue;
                }

                writer.Add(entry);
                writer.Flush();
            }
        }

        return stream.ToArray();
    }
}
