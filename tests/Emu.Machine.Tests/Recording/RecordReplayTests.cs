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
            foreach (var piece in new[] { ulong.MaxValue, 7_001UL, 123_457UL })
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

        var divergences = 0;
        for (var seed = 0; seed < 40; seed++)
        {
            try
            {
                using var replayer = new InputReplayer(InputLogReader.Open(new MemoryStream(Spoilt(entries, new Random(seed))), "log"));
                using var machine = NewMachine(replayer, null, new Screen());
                replayer.EndLife(machine, machine.Run(new RunLimits { MaxInstructions = 50_000_000 }));
                // The end may come before what is missed.
                Assert.True(replayer.WasCutOff || replayer.WasStopped, $"seed {seed}");
            }
            catch (ReplayException)
            {
                divergences++;
            }
            catch (RecordingException)
            {
                // An answer behind no visit, for instance.
            }
        }

        Assert.InRange(divergences, 10, 40);
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
            machine.Run(new RunLimits { MaxInstructions = machine.InstructionsRetired + 300_000 });
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
        first.Run(new RunLimits { MaxInstructions = 300_000 });
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

    /// <summary>A recording with sound checksums in which one thing is otherwise, and which ends behind it.</summary>
    private static byte[] Spoilt(List<LogEntry> entries, Random random)
    {
        var victim = random.Next(1, entries.Count - 4);
        var entry = entries[victim];
        LogEntry[] spoilt = entry.Kind switch
        {
            LogEntryKind.Visit => random.Next(3) switch
            {
                0 => [entry with { Position = entry.Position with { Time = entry.Position.Time + 1 } }],
                1 => [entry with { Position = entry.Position with { Expirations = entry.Position.Expirations + 1 } }],
                _ => [],
            },
            LogEntryKind.Checkpoint => [entry with { Bytes = "other ones"u8[..8].ToArray() }],
            _ when random.Next(2) == 0 => [entry with { Question = entry.Question + 1 }],
            _ => [entry with { Answer = AnswerKind.StreamFailed }],
        };
        // Where a visit is gone, the first answer goes with it; what comes from then on is as it was.
        var rest = victim + (spoilt.Length == 0 ? 2 : 1);
        MemoryStream stream = new();
        using (InputLogWriter writer = new(stream, default))
        {
            foreach (var written in entries[..victim].Concat(spoilt).Concat(entries[rest..(spoilt.Length == 0 ? entries.Count : rest + 1)]))
            {
                writer.Add(written);
                writer.Flush();
            }
        }

        return stream.ToArray();
    }
}
