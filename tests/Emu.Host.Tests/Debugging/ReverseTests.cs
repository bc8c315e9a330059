namespace Emu.Host.Tests.Debugging;

/// <summary>Going back, and other futures.</summary>
public sealed class ReverseTests
{
    [Fact]
    public void Step_back_undoes_the_last_instruction()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        GdbClient gdb = guest.Client;
        gdb.Ask("s");
        string then = gdb.Ask("g");
        gdb.Ask("s");
        gdb.Ask("s");

        Assert.Equal("T05thread:1;", gdb.Ask("bs"));
        Assert.Equal("00000000", gdb.Ask($"m{DebuggedGuest.Data:x},4"));
        Assert.Equal("T05thread:1;", gdb.Ask("bs"));
        Assert.Equal(then, gdb.Ask("g"));
    }

    [Fact]
    public void There_is_nothing_before_the_first_instruction()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        GdbClient gdb = guest.Client;

        Assert.Equal("T05thread:1;replaylog:begin;", gdb.Ask("bs"));
        gdb.Ask("s");
        Assert.Equal("T05thread:1;replaylog:begin;", gdb.Ask("bc"));
        Assert.Equal(0UL, gdb.Register("retired"));
    }

    [Fact]
    public void Backwards_breakpoints_come_in_the_reverse_order()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        GdbClient gdb = guest.Client;
        gdb.Ask("qSupported:swbreak+");
        gdb.Ask($"Z0,{DebuggedGuest.At(0x18):x},1");
        gdb.Ask("c");
        gdb.Ask($"Z0,{DebuggedGuest.At(0xE):x},1");

        for (ulong left = 1; left <= 5; left++)
        {
            Assert.Equal("T05thread:1;swbreak:;", gdb.Ask("bc"));
            Assert.Equal(left, gdb.Register("ecx"));
        }

        Assert.Equal("T05thread:1;replaylog:begin;", gdb.Ask("bc"));
    }

    [Fact]
    public void Backwards_a_watchpoint_stops_before_the_write()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        GdbClient gdb = guest.Client;
        gdb.Ask($"Z0,{DebuggedGuest.At(0x18):x},1");
        gdb.Ask("c");
        gdb.Ask($"z0,{DebuggedGuest.At(0x18):x},1");
        gdb.Ask($"Z2,{DebuggedGuest.Data:x},4");

        Assert.Equal($"T05thread:1;watch:{DebuggedGuest.Data:x};", gdb.Ask("bc"));
        Assert.Equal(DebuggedGuest.At(0xA), gdb.Register("eip"));
        Assert.Equal("02000000", gdb.Ask($"m{DebuggedGuest.Data:x},4"));
    }

    [Fact]
    public void Past_that_is_changed_has_another_future()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        GdbClient gdb = guest.Client;
        gdb.Ask($"Z0,{DebuggedGuest.At(0x18):x},1");
        gdb.Ask("c");
        ulong end = gdb.Register("retired");

        gdb.Ask("qRcmd," + Convert.ToHexStringLower("goto 2"u8));
        Assert.Equal("T00thread:1;", gdb.Ask("c"));
        Assert.Equal(2UL, gdb.Register("retired"));
        gdb.SetRegister("eax", 1);
        gdb.Ask("c");

        // Four rounds of four instructions fewer.
        Assert.Equal(end - 16, gdb.Register("retired"));
        Assert.Equal("T05thread:1;", gdb.Ask("bs"));
        Assert.Equal("W55", ContinueToTheEnd(gdb));
    }

    [Fact]
    public void Change_is_made_again_where_it_was_made()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        GdbClient gdb = guest.Client;
        gdb.Ask("s");
        gdb.Ask("s");
        gdb.SetRegister("eax", 2);
        gdb.Ask($"Z0,{DebuggedGuest.At(0x18):x},1");
        gdb.Ask("c");
        string end = gdb.Ask("g");
        Assert.Equal("T05thread:1;replaylog:begin;", gdb.Ask("bc"));
        Assert.Equal("T05thread:1;", gdb.Ask("s"));
        Assert.Equal("T05thread:1;", gdb.Ask("s"));
        Assert.Equal(2UL, gdb.Register("eax"));
        gdb.Ask("bc");
        gdb.Ask("c");

        Assert.Equal(end, gdb.Ask("g"));
        gdb.Ask("bs");
        gdb.Ask("s");
        Assert.Equal(end, gdb.Ask("g"));
    }

    [Fact]
    public void Run_ends_as_without_a_debugger_wherever_that_has_been()
    {
        using TestFiles.TemporaryFolder folder = new();
        string kernel = Path.Combine(TestFiles.TestKernels, "smp", "smp.elf");
        EmuProcess.Run("run", kernel, "--vcpus", "4", "--stats", folder.File("plain.json"));
        int port = GdbClient.FreePort();
        using EmuProcess process = EmuProcess.Start("run", kernel, "--vcpus", "4", "--stats", folder.File("debugged.json"), "--gdb", $"{port}");
        using GdbClient gdb = GdbClient.Connect(port);
        foreach (int place in (ReadOnlySpan<int>)[1_000_000, 400_000, 2_000_000])
        {
            gdb.Monitor($"goto {place}");
            gdb.Ask("c");
            ulong rip = gdb.Register("eip");
            for (int thread = 1; thread <= 4; thread++)
            {
                gdb.Ask($"vCont;s:{thread};c");
                gdb.Ask("bs");
            }

            gdb.Ask($"Z0,{rip:x},1");
            gdb.Ask("bc");
            gdb.Ask($"z0,{rip:x},1");
            gdb.Ask($"m{rip:x},100");
        }

        Assert.Equal("W00", gdb.RunToTheEnd());
        string debugged = process.Wait().Console;
        Assert.Contains("PASS", debugged, StringComparison.Ordinal);
        Assert.Equal(Hash("plain.json"), Hash("debugged.json"));

        string Hash(string name)
        {
            using System.Text.Json.JsonDocument json = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(folder.File(name)));
            return $"{json.RootElement.GetProperty("instructions")} {json.RootElement.GetProperty("stateHash")}";
        }
    }

    [Fact]
    public void Place_that_was_not_reached_yet_is_run_to()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Forever);
        GdbClient gdb = guest.Client;
        gdb.Monitor("goto 123_456");

        Assert.Equal("T00thread:1;", gdb.Ask("c"));
        Assert.Equal(123_456UL, gdb.Register("retired"));
        gdb.Monitor("goto 1000");
        gdb.Ask("bc");
        Assert.Equal(1000UL, gdb.Register("retired"));
    }

    [Fact]
    public void What_was_typed_comes_again_in_the_past_and_nothing_else_does()
    {
        // Waits for a byte at COM1 (status 0x3fd, data 0x3f8), again and again.
        using DebuggedGuest guest = new(
        [
            0xBA, 0xFD, 0x03, 0, 0,         // 00   mov edx, 0x3fd
            0xEC,                           // 05   in al, dx
            0xA8, 0x01,                     // 06   test al, 1
            0x74, 0xFB,                     // 08   jz 05
            0xBA, 0xF8, 0x03, 0, 0,         // 0a   mov edx, 0x3f8
            0xEC,                           // 0f   in al, dx
            0xEB, 0xEE,                     // 10   jmp 00
        ]);
        GdbClient gdb = guest.Client;
        gdb.Ask($"Z0,{DebuggedGuest.At(0x10):x},1");
        List<ulong> places = [];
        foreach (char typed in "ab")
        {
            gdb.Send("c");
            guest.Process.Type($"{typed}");
            Assert.StartsWith("T05", gdb.Receive(), StringComparison.Ordinal);
            Assert.Equal(typed, (char)(gdb.Register("eax") & 0xFF));
            places.Add(gdb.Register("retired"));
        }

        guest.Process.Type("c");
        gdb.Ask("bc");
        Assert.Equal(('a', places[0]), ((char)(gdb.Register("eax") & 0xFF), gdb.Register("retired")));
        gdb.Ask("bc");
        Assert.Equal(0UL, gdb.Register("retired"));
        for (int i = 0; i < 2; i++)
        {
            gdb.Ask("c");
            Assert.Equal(("ab"[i], places[i]), ((char)(gdb.Register("eax") & 0xFF), gdb.Register("retired")));
        }

        gdb.Ask("c");
        Assert.Equal('c', (char)(gdb.Register("eax") & 0xFF));
    }

    private static string ContinueToTheEnd(GdbClient gdb)
    {
        gdb.Ask($"z0,{DebuggedGuest.At(0x18):x},1");
        return gdb.RunToTheEnd();
    }
}
