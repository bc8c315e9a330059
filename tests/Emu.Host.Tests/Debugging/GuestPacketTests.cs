using System.Text;

namespace Emu.Host.Tests.Debugging;

/// <summary>What packets do to a guest.</summary>
public sealed class GuestPacketTests
{
    [Fact]
    public void Guest_waits_before_its_first_instruction_and_stderr_says_so()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        GdbClient gdb = guest.Client;

        Assert.Equal(DebuggedGuest.At(0), gdb.Register("eip"));
        Assert.Equal(0UL, gdb.Register("retired"));
        Assert.Equal("OK", gdb.Ask("vKill;1"));
        EmuResult result = guest.Process.Wait();
        Assert.Contains("Waiting for gdb at 127.0.0.1:", result.Error, StringComparison.Ordinal);
        Assert.Equal(0, result.ExitCode);
    }

    [Fact]
    public void Registers_are_read_and_written_one_by_one_and_together()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        GdbClient gdb = guest.Client;

        Assert.Equal("OK", gdb.SetRegister("eax", 0x12345678));
        Assert.Equal(0x12345678UL, gdb.Register("eax"));
        string all = gdb.Ask("g");
        Assert.StartsWith("78563412", all, StringComparison.Ordinal);
        Assert.Equal("OK", gdb.Ask("G00000080" + all[8..]));
        Assert.Equal(0x80000000UL, gdb.Register("eax"));
        Assert.Equal("OK", gdb.SetRegister("eflags", 0x46));
        Assert.Equal(0x46UL, gdb.Register("eflags"));
        Assert.Equal("OK", gdb.SetRegister("cr3", 0x5000, 8));
        Assert.Equal(0x5000UL, gdb.Register("cr3"));
        Assert.Equal("E01", gdb.SetRegister("retired", 7, 8));
        Assert.Equal("E01", gdb.SetRegister("mxcsr", 0xFFFF_FFFF));
    }

    [Fact]
    public void Vector_and_float_registers_hold_what_was_written()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        GdbClient gdb = guest.Client;
        // In the order of the 32-bit view: 16 of the core, then st0 to st7 and eight more, xmm0 to xmm7, mxcsr, ymm0h.
        Assert.Equal("OK", gdb.Ask("P10=00000000000000c00140"));
        Assert.Equal("00000000000000c00140", gdb.Ask("p10"));
        Assert.Equal("OK", gdb.Ask("P20=00112233445566778899aabbccddeeff"));
        Assert.Equal("00112233445566778899aabbccddeeff", gdb.Ask("p20"));
        Assert.Equal("OK", gdb.Ask("P29=ffeeddccbbaa99887766554433221100"));
        Assert.Equal("ffeeddccbbaa99887766554433221100", gdb.Ask("p29"));
        Assert.Equal("00112233445566778899aabbccddeeff", gdb.Ask("p20"));
        Assert.Equal("OK", gdb.SetRegister("ftag", 0xFFFC));
        Assert.Equal(0xFFFCUL, gdb.Register("ftag"));
    }

    [Fact]
    public void Memory_is_read_and_written_in_all_three_ways()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        GdbClient gdb = guest.Client;

        Assert.Equal("b805000000", gdb.Ask($"m{DebuggedGuest.At(0):x},5"));
        Assert.Equal("OK", gdb.Ask("M200000,3:010203"));
        Assert.Equal("010203", gdb.Ask("m200000,3"));
        Assert.Equal("OK", gdb.Ask("X200001,2:}\u0003*"));
        Assert.Equal("01232a", gdb.Ask("m200000,3"));
        Assert.Equal("b\u0001#*", gdb.Ask("x200000,3"));
        Assert.Equal("OK", gdb.Ask("X200000,0:"));
        Assert.Equal("E0e", gdb.Ask("mf0000000,4"));
        Assert.Equal("E0e", gdb.Ask("Mf0000000,1:00"));
        Assert.Equal("", gdb.Ask("m1000,0"));
    }

    [Fact]
    public void Read_that_leaves_memory_is_answered_as_far_as_it_gets()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown, "--memory", "16M");

        Assert.Equal("00000000", guest.Client.Ask("mfffffc,10"));
        Assert.Equal("E0e", guest.Client.Ask("Mfffffe,4:01020304"));
        Assert.Equal("0000", guest.Client.Ask("mfffffe,2"));
    }

    [Fact]
    public void Code_that_the_debugger_changes_is_executed_as_changed()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        GdbClient gdb = guest.Client;
        gdb.Ask("s");

        // mov al, 42 becomes mov al, 1: exit code (1 << 1) | 1.
        Assert.Equal("OK", gdb.Ask($"M{DebuggedGuest.At(0x17):x},1:01"));
        Assert.Equal("W03", gdb.RunToTheEnd());
        Assert.Equal(3, guest.Process.Wait().ExitCode);
    }

    [Fact]
    public void Steps_execute_one_instruction_each()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        GdbClient gdb = guest.Client;

        Assert.Equal("T05thread:1;", gdb.Ask("s"));
        Assert.Equal(DebuggedGuest.At(5), gdb.Register("eip"));
        Assert.Equal("T05thread:1;", gdb.Ask("vCont;s:1;c"));
        Assert.Equal(DebuggedGuest.At(0xA), gdb.Register("eip"));
        Assert.Equal("T05thread:1;", gdb.Ask("S05"));
        Assert.Equal(DebuggedGuest.At(0xC), gdb.Register("eip"));
        Assert.Equal("T05thread:1;", gdb.Ask($"s{DebuggedGuest.At(0):x}"));
        Assert.Equal(DebuggedGuest.At(5), gdb.Register("eip"));
        Assert.Equal(4UL, gdb.Register("retired"));
    }

    [Fact]
    public void Range_is_stepped_through_at_once()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        GdbClient gdb = guest.Client;

        Assert.Equal("T05thread:1;", gdb.Ask($"vCont;r{DebuggedGuest.At(0):x},{DebuggedGuest.At(0x11):x}:1;c"));
        Assert.Equal(DebuggedGuest.At(0x11), gdb.Register("eip"));
        Assert.Equal(0UL, gdb.Register("eax"));
    }

    [Fact]
    public void Breakpoints_of_both_kinds_stop_before_their_instruction_and_are_passed()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        GdbClient gdb = guest.Client;
        gdb.Ask("qSupported:swbreak+;hwbreak+");

        Assert.Equal("OK", gdb.Ask($"Z0,{DebuggedGuest.At(0xE):x},1"));
        Assert.Equal("OK", gdb.Ask($"Z0,{DebuggedGuest.At(0xE):x},1"));
        for (ulong left = 5; left > 0; left--)
        {
            Assert.Equal("T05thread:1;swbreak:;", gdb.Ask("c"));
            Assert.Equal((DebuggedGuest.At(0xE), left), (gdb.Register("eip"), gdb.Register("ecx")));
        }

        Assert.Equal("OK", gdb.Ask($"z0,{DebuggedGuest.At(0xE):x},1"));
        Assert.Equal("OK", gdb.Ask($"Z1,{DebuggedGuest.At(0x18):x},1"));
        Assert.Equal("T05thread:1;hwbreak:;", gdb.Ask("vCont;c"));
        Assert.Equal("W55", gdb.RunToTheEnd());
        Assert.Equal(85, guest.Process.Wait().ExitCode);
    }

    [Fact]
    public void Breakpoint_leaves_the_guests_code_as_it_is()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);

        Assert.Equal("OK", guest.Client.Ask($"Z0,{DebuggedGuest.At(5):x},1"));
        Assert.Equal("bb", guest.Client.Ask($"m{DebuggedGuest.At(5):x},1"));
    }

    [Theory]
    [InlineData("Z2", "watch", 0xCu)]
    [InlineData("Z3", "rwatch", 0xEu)]
    [InlineData("Z4", "awatch", 0xCu)]
    public void Watchpoint_stops_behind_the_access(string type, string reason, uint offset)
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        GdbClient gdb = guest.Client;

        Assert.Equal("OK", gdb.Ask($"{type},{DebuggedGuest.Data + 2:x},1"));
        Assert.Equal($"T05thread:1;{reason}:{DebuggedGuest.Data + 2:x};", gdb.Ask("c"));
        Assert.Equal(DebuggedGuest.At(offset), gdb.Register("eip"));
    }

    [Fact]
    public void Interrupt_stops_a_guest_that_runs()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Forever);
        GdbClient gdb = guest.Client;
        gdb.Send("c");
        gdb.SendRaw("\u0003");

        Assert.Equal("T02thread:1;", gdb.Receive());
        ulong before = gdb.Register("retired");
        gdb.Send("vCont;c");
        Thread.Sleep(50);
        gdb.SendRaw("\u0003");
        Assert.Equal("T02thread:1;", gdb.Receive());
        Assert.True(gdb.Register("retired") > before);
    }

    [Fact]
    public void Detached_guest_runs_on_to_its_end()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        guest.Client.Ask($"Z0,{DebuggedGuest.At(0xE):x},1");

        Assert.Equal("OK", guest.Client.Ask("D"));
        Assert.Equal(85, guest.Process.Wait().ExitCode);
    }

    [Fact]
    public void Guest_that_gdb_leaves_without_a_word_stands_until_another_comes()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        guest.Client.Ask("s");
        guest.ConnectAgain();

        Assert.Equal("T05thread:1;", guest.Client.Ask("?"));
        Assert.Equal(1UL, guest.Client.Register("retired"));
        Assert.Equal("W55", guest.Client.RunToTheEnd());
    }

    [Fact]
    public void Gdb_may_attach_to_a_guest_that_runs()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Forever);
        do
        {
            guest.Client.Ask("D");
            guest.ConnectAgain();
            Assert.Equal("T05thread:1;", guest.Client.Ask("?"));
        }
        while (guest.Client.Register("retired") == 0);
    }

    [Fact]
    public void Killed_guest_ends_the_process()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Forever);
        guest.Client.Send("k");

        Assert.Equal(0, guest.Process.Wait().ExitCode);
    }

    [Fact]
    public void Crash_is_shown_before_the_run_ends_and_can_be_left_backwards()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Crash);
        GdbClient gdb = guest.Client;

        Assert.Equal("T06thread:1;", gdb.Resume("c"));
        Assert.StartsWith("T05thread:1;", gdb.Ask("bs"), StringComparison.Ordinal);
        Assert.Equal(DebuggedGuest.At(0), gdb.Register("eip"));
        Assert.Equal("T06thread:1;", gdb.Resume("c"));
        Assert.Equal("W03", gdb.Ask("c"));
        Assert.Equal(3, guest.Process.Wait().ExitCode);
    }

    [Fact]
    public void Threads_are_vcpus()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Forever, "--vcpus", "2");
        GdbClient gdb = guest.Client;

        Assert.Equal("m1,2", gdb.Ask("qfThreadInfo"));
        Assert.Equal("l", gdb.Ask("qsThreadInfo"));
        Assert.Equal("OK", gdb.Ask("T2"));
        Assert.Equal("E03", gdb.Ask("T3"));
        Assert.Equal("waits for startup", Encoding.UTF8.GetString(Convert.FromHexString(gdb.Ask("qThreadExtraInfo,2"))));
        Assert.Contains("<thread id=\"2\"", gdb.Ask("qXfer:threads:read::0,1000"), StringComparison.Ordinal);
        Assert.Equal("OK", gdb.Ask("Hg2"));
        Assert.Equal("QC2", gdb.Ask("qC"));
        Assert.NotEqual(DebuggedGuest.At(0), gdb.Register("eip"));
    }

    [Fact]
    public void Physical_addresses_may_be_asked_for()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        GdbClient gdb = guest.Client;

        Assert.Equal("0", gdb.Ask("qqemu.PhyMemMode"));
        Assert.Equal("OK", gdb.Ask("Qqemu.PhyMemMode:1"));
        Assert.Equal("1", gdb.Ask("qqemu.PhyMemMode"));
        Assert.Equal("b8", gdb.Ask($"m{DebuggedGuest.At(0):x},1"));
    }

    [Fact]
    public void Checksum_of_memory_is_that_of_compare_sections()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        guest.Client.Ask("M200000,9:313233343536373839");

        // CRC-32/MPEG-2 of "123456789".
        Assert.Equal("C376e6e7", guest.Client.Ask("qCRC:200000,9"));
    }

    [Fact]
    public void Kernel_is_a_file_that_gdb_may_read()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        GdbClient gdb = guest.Client;

        Assert.Equal("l/kernel.elf", gdb.Ask("qXfer:exec-file:read::0,100"));
        Assert.Equal("F0", gdb.Ask("vFile:setfs:0"));
        Assert.Equal("F3", gdb.Ask("vFile:open:" + Convert.ToHexStringLower("/kernel.elf"u8) + ",0,0"));
        Assert.Equal("F4;\u007FELF", gdb.Ask("vFile:pread:3,4,0"));
        Assert.Equal("F0;", gdb.Ask("vFile:pread:3,4,ffffffffffff"));
        Assert.StartsWith("F40;", gdb.Ask("vFile:fstat:3"), StringComparison.Ordinal);
        Assert.Equal("F0", gdb.Ask("vFile:close:3"));
    }
}
