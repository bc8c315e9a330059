using Emu.Host.Tests.EndToEnd;

namespace Emu.Host.Tests.Debugging;

/// <summary><c>emu replay FILE --gdb</c>: the recorded run, and what becomes of it when gdb changes the guest.</summary>
public sealed class DebuggedReplayTests : IDisposable
{
    // Reads two bytes at COM1 and ends with the first, less what EBX has.
    private static readonly byte[] Reader =
    [
        0x31, 0xDB,                     // 00   xor ebx, ebx
        0xBA, 0xFD, 0x03, 0, 0,         // 02   mov edx, 0x3fd
        0xEC,                           // 07   in al, dx
        0xA8, 0x01,                     // 08   test al, 1
        0x74, 0xFB,                     // 0a   jz 07
        0xBA, 0xF8, 0x03, 0, 0,         // 0c   mov edx, 0x3f8
        0xEC,                           // 11   in al, dx
        0x28, 0xD8,                     // 12   sub al, bl
        0xE6, 0xF4,                     // 14   out 0xf4, al
        0xEB, 0xFE,                     // 16   jmp 16
    ];

    private readonly TestFiles.TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Replay_that_gdb_only_looks_at_is_equal()
    {
        using EmuProcess process = Replay(out GdbClient gdb);
        gdb.Ask("s");
        gdb.Ask("bs");
        Assert.Equal("W83", gdb.RunToTheEnd());

        EmuResult result = process.Wait();
        Assert.Equal(0x83, result.ExitCode);
        Assert.Contains("The replay is equal", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Replay_that_gdb_has_changed_is_said_to_be_a_run_of_its_own_in_which_the_same_is_typed()
    {
        using EmuProcess process = Replay(out GdbClient gdb);
        gdb.Ask("s");
        gdb.SetRegister("ebx", 1);
        gdb.Ask($"Z0,{DebuggedGuest.At(0x14):x},1");
        gdb.Ask("c");
        (ulong Value, ulong Place) typed = (gdb.Register("eax") & 0xFF, gdb.Register("retired"));
        Assert.Equal('A' - 1U, typed.Value);

        // The branch, too, can be gone through in both directions.
        gdb.Ask("bs");
        gdb.Ask("bc");
        gdb.Ask("c");
        Assert.Equal(typed, (gdb.Register("eax") & 0xFF, gdb.Register("retired")));
        Assert.Equal("W05", gdb.RunToTheEnd());

        EmuResult result = process.Wait();
        Assert.Equal(5, result.ExitCode);
        Assert.Contains("gdb changed the guest at instruction 1: ", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("left the recorded run", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void End_of_a_recording_that_a_time_limit_ended_is_shown()
    {
        string kernel = _folder.Write("kernel", TinyKernel.Build(0xEB, 0xFE));
        EmuProcess.Run("run", kernel, "--timeout", "0.3", "--record", _folder.File("recording"));
        using EmuProcess process = Replay(out GdbClient gdb, isRecorded: true);

        Assert.Equal("W04", gdb.RunToTheEnd());
        Assert.Equal(4, process.Wait().ExitCode);
    }

    // 'A' is 65, and 65 * 2 + 1 is 0x83.
    private EmuProcess Replay(out GdbClient gdb, bool isRecorded = false)
    {
        if (!isRecorded)
        {
            string kernel = _folder.Write("kernel", TinyKernel.Build(Reader));
            using EmuProcess recorded = EmuProcess.Start("run", kernel, "--record", _folder.File("recording"));
            recorded.Type("A");
            Assert.Equal(0x83, recorded.Wait().ExitCode);
        }

        int port = GdbClient.FreePort();
        EmuProcess process = EmuProcess.Start("replay", _folder.File("recording"), "--gdb", $"{port}");
        gdb = GdbClient.Connect(port);
        return process;
    }
}
