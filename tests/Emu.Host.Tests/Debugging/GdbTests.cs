namespace Emu.Host.Tests.Debugging;

/// <summary>The real gdb at work. It has nothing but the port: no file, no script.</summary>
public sealed class GdbTests
{
    [SkippableFact]
    public void Gdb_breaks_in_start_kernel_of_Debians_kernel_and_goes_back_to_the_write_that_set_a_variable()
    {
        Gdb.Require();
        int port = GdbClient.FreePort();
        using EmuProcess process = EmuProcess.Start(
            "run", TestFiles.Guest("vmlinuz-cloud-amd64"), "--initrd", TestFiles.Guest("initrd-test.gz"), "--append", "console=ttyS0", "--gdb", $"{port}");

        string said = Gdb.Run(
            port,
            "break start_kernel",
            "continue",
            "backtrace",
            "x/i $pc",
            "tbreak rest_init",
            "continue",
            "backtrace",
            "echo the write\\n",
            "watch *(unsigned long*)&saved_command_line",
            "reverse-continue",
            "x/i $pc",
            "monitor where",
            "stepi",
            "kill");

        Assert.Contains("Breakpoint 1, 0xffffffff", said, StringComparison.Ordinal);
        Assert.Contains("in start_kernel ()", said, StringComparison.Ordinal);
        Assert.Matches(@"<start_kernel(\+\d+)?>:\t", said);
        Assert.Matches(@"Temporary breakpoint 2, 0x\w+ in rest_init \(\)", said);
        Assert.Matches(@"#\d+ +0x\w+ in start_kernel \(\)", said);
        string end = said[said.IndexOf("the write\n", StringComparison.Ordinal)..];
        // Backwards: what the write made of it, then what was there before.
        Assert.Matches(@"Old value = [1-9]\d+\nNew value = 0\n0x\w+ in start_kernel \(\)", end);
        Assert.Matches(@"=> 0x\w+ <start_kernel\+\d+>:\tmov +%r\w+,", end);
        Assert.Matches(@"\d+ instructions retired, of \d+ that were seen", end);
        Assert.Equal(0, process.Wait().ExitCode);
    }

    [SkippableFact]
    public void Gdb_follows_a_kernel_from_32_bit_code_into_64_bit_code()
    {
        Gdb.Require();
        int port = GdbClient.FreePort();
        using EmuProcess process = EmuProcess.Start("run", TestFiles.TourKernel, "--gdb", $"{port}");

        string said = Gdb.Run(
            port,
            "show architecture",
            "monitor view 32",
            "unset tdesc filename",
            "show architecture",
            "x/i $pc",
            "p/x $eip",
            "stepi",
            "stepi",
            "monitor view 64",
            "unset tdesc filename",
            "show architecture",
            "p $code_bits",
            "kill");

        Assert.Contains("currently \"i386:x86-64\"", said, StringComparison.Ordinal);
        Assert.Contains("currently \"i386\"", said, StringComparison.Ordinal);
        Assert.Contains("$2 = 32", said, StringComparison.Ordinal);
        Assert.DoesNotContain("rror", said, StringComparison.Ordinal);
        process.Wait();
    }

    [SkippableFact]
    public void Gdb_disassembles_breaks_and_steps_in_real_mode()
    {
        Gdb.Require();
        using DebuggedGuest guest = DebuggedGuest.FromRom(0x90, 0xB8, 0x34, 0x12, 0xEB, 0xFE);
        guest.Client.Dispose();

        string said = Gdb.Run(guest.Port, "x/i $pc", "stepi", "x/3i $pc", "break *0xf0004", "continue", "p/x $ax", "reverse-stepi", "x/i $pc", "kill");

        Assert.DoesNotContain("OS ABI", said, StringComparison.Ordinal);
        Assert.Contains("=> 0xfffffff0:\tljmp   $0xf000,$0x0", said, StringComparison.Ordinal);
        Assert.Matches(@"=> 0xf0000:\tnop\n +0xf0001:\tmov +\$0x1234,%ax\n +0xf0004:\tjmp +0xf0004", said);
        Assert.Contains("Breakpoint 1, 0x000f0004 in ?? ()", said, StringComparison.Ordinal);
        Assert.Contains("$1 = 0x1234", said, StringComparison.Ordinal);
        Assert.Contains("=> 0xf0001:\tmov", said, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Gdb_interrupts_looks_at_threads_and_detaches()
    {
        Gdb.Require();
        using DebuggedGuest guest = new(DebuggedGuest.Countdown, "--vcpus", "2");
        guest.Client.Dispose();

        string said = Gdb.Run(
            guest.Port, "info threads", "thread 2", "p $cs_base", "thread 1", "watch *(int*)0x200000", "continue", "info registers eax ecx", "set var $eax = 1",
            "p $xmm0.uint128", "find 0x100100, +32, (char)0xee", "compare-sections", "delete", "detach");

        Assert.Contains("Thread 2 \"vCPU 1\" (waits for startup)", said, StringComparison.Ordinal);
        Assert.Contains("$1 = 4294901760", said, StringComparison.Ordinal);
        Assert.Contains("Old value = 0\nNew value = 5", said, StringComparison.Ordinal);
        Assert.Contains("0x100118", said, StringComparison.Ordinal);
        Assert.Equal(85, guest.Process.Wait().ExitCode);
    }

    [SkippableFact]
    public void Gdb_is_shown_the_end_and_goes_back_from_it_to_see_why()
    {
        Gdb.Require();
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        guest.Client.Dispose();

        string said = Gdb.Run(
            guest.Port, "continue", "reverse-stepi", "x/i $pc", "watch *(int*)0x200000", "reverse-continue", "monitor goto 1", "continue", "monitor where", "delete", "continue",
            "continue");

        Assert.Contains("The guest has ended the run with exit code 85.", said, StringComparison.Ordinal);
        Assert.Contains("received signal SIGTERM", said, StringComparison.Ordinal);
        Assert.Matches(@"=> 0x100118:\tout +%al,\(%dx\)", said);
        Assert.Contains("Old value = 1\nNew value = 2", said, StringComparison.Ordinal);
        Assert.Contains("Program stopped.", said, StringComparison.Ordinal);
        Assert.Contains("1 instructions retired, of ", said, StringComparison.Ordinal);
        Assert.Contains("exited with code 0125", said, StringComparison.Ordinal);
        Assert.Equal(85, guest.Process.Wait().ExitCode);
    }

    [SkippableFact]
    public void Gdb_follows_the_mode_by_itself_with_the_servers_script()
    {
        Gdb.Require();
        int port = GdbClient.FreePort();
        using EmuProcess process = EmuProcess.Start("run", TestFiles.Guest("vmlinuz-cloud-amd64"), "--gdb", $"{port}");

        string said = Gdb.Run(
            port,
            "python exec(gdb.execute('monitor script', to_string=True))",
            "show architecture",
            "x/i $pc",
            "emu goto 100",
            "show architecture",
            "p $code_bits",
            "x/i $pc",
            "emu goto 0",
            "show architecture",
            "emu where",
            "kill");

        string[] architectures = [.. said.Split('\n').Where(static line => line.Contains("currently", StringComparison.Ordinal))];
        Assert.Equal(3, architectures.Length);
        Assert.Contains("\"i386\"", architectures[0], StringComparison.Ordinal);
        Assert.Contains("\"i386:x86-64\"", architectures[1], StringComparison.Ordinal);
        Assert.Contains("\"i386\"", architectures[2], StringComparison.Ordinal);
        Assert.Contains("$1 = 64", said, StringComparison.Ordinal);
        Assert.Contains("0 instructions retired, of 100 that were seen", said, StringComparison.Ordinal);
        process.Wait();
    }

    [SkippableFact]
    public void Symbol_file_gives_gdb_the_names_of_a_kernel_that_another_runs()
    {
        Gdb.Require();
        using TestFiles.TemporaryFolder folder = new();
        string file = folder.File("vmlinux.sym");
        EmuResult result = EmuProcess.Run("symbols", TestFiles.Guest("vmlinuz-cloud-amd64"), "-o", file);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));

        string said = Gdb.Ask(file, "info symbol start_kernel", "info address jiffies");

        Assert.Contains("start_kernel in section .text.1", said, StringComparison.Ordinal);
        Assert.Matches(@"Symbol ""jiffies"" is at 0xffffffff\w+ in a file compiled without debugging", said);
        Assert.DoesNotContain("warning", said, StringComparison.Ordinal);
    }
}
