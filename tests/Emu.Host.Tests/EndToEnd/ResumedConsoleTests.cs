using System.Diagnostics;

namespace Emu.Host.Tests.EndToEnd;

/// <summary>What a resumed run shows of the console's line that had no end yet when its snapshot was taken.</summary>
public sealed class ResumedConsoleTests : IDisposable
{
    // Writes "hello\n", a question for the cursor's place and a prompt in green; then waits for a key, says it again and ends with 7.
    private const string Console = "hello\n\e[6n\e[32m$>\e[m ";

    private readonly TestFiles.TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Prompt_of_the_snapshot_is_named_on_stderr_where_nobody_sees_stdout(bool isCached)
    {
        string[] begin = Begin(isCached);
        EmuResult resumed = EmuProcess.RunWithInput("k", begin);
        Assert.Equal((7, "k"), (resumed.ExitCode, resumed.Output));
        Assert.EndsWith("emu: Going on where the console stands behind '$>'.\n", resumed.Error, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Prompt_of_the_snapshot_stands_on_a_terminal_again(bool isCached)
    {
        string[] begin = Begin(isCached);
        using Process terminal = RawTerminalTests.StartAtTerminal($"dotnet {EmuProcess.Assembly} {string.Join(' ', begin)} 2> {_folder.File("error")}");
        Task<string> output = terminal.StandardOutput.ReadToEndAsync();
        Thread.Sleep(1500);
        terminal.StandardInput.Write("k");
        terminal.StandardInput.Flush();
        Assert.True(terminal.WaitForExit(TimeSpan.FromMinutes(1)));
        // What was typed too early, the terminal has echoed by itself.
        Assert.EndsWith("\e[32m$>\e[m k", output.Result, StringComparison.Ordinal);
        Assert.DoesNotContain("\e[6n", output.Result, StringComparison.Ordinal);
        Assert.DoesNotContain("stands behind", File.ReadAllText(_folder.File("error")), StringComparison.Ordinal);
    }

    [Fact]
    public void Snapshot_of_a_resumed_run_keeps_the_line_that_began_before()
    {
        string kernel = WriteKernel();
        Assert.Equal(0, EmuProcess.Run("run", kernel, "--snapshot-at", "on:[32m$", "--snapshot-file", _folder.File("a.snapshot"), "--snapshot-exit").ExitCode);
        EmuResult second = EmuProcess.Run("run", "--resume", _folder.File("a.snapshot"), "--snapshot-at", "on:>", "--snapshot-at", "20_000", "--snapshot-file", _folder.File("b.snapshot"), "--snapshot-exit", "--max-instructions", "100_000");
        Assert.Contains("behind '$'", second.Error, StringComparison.Ordinal);
        Assert.Contains("behind '$>'", EmuProcess.Run("run", "--resume", _folder.File("b.2.snapshot"), "--max-instructions", "20_001").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_said_where_the_last_line_has_its_end()
    {
        string kernel = WriteKernel();
        Assert.Equal(0, EmuProcess.Run("run", kernel, "--snapshot-at", "on:hello\n", "--snapshot-file", _folder.File("a.snapshot"), "--snapshot-exit").ExitCode);
        Assert.DoesNotContain("behind", EmuProcess.RunWithInput("k", "run", "--resume", _folder.File("a.snapshot")).Error, StringComparison.Ordinal);
    }

    // A run that begins at the prompt, after one that has come there.
    private string[] Begin(bool isCached)
    {
        string kernel = WriteKernel();
        if (isCached)
        {
            string[] cached = ["run", kernel, "--boot-cache", _folder.File("cache") + ",at=20_000"];
            Assert.Equal(Console, EmuProcess.Run([.. cached, "--max-instructions", "30_000"]).Output);
            return cached;
        }

        EmuResult first = EmuProcess.Run("run", kernel, "--snapshot-at", "20_000", "--snapshot-file", _folder.File("a.snapshot"), "--snapshot-exit");
        Assert.Equal((0, Console), (first.ExitCode, first.Output));
        return ["run", "--resume", _folder.File("a.snapshot")];
    }

    private string WriteKernel() => WriteKernel(_folder);

    internal static string WriteKernel(TestFiles.TemporaryFolder folder, int keys = 1) => folder.Write("kernel", TinyKernel.Build(
    [
        0x66, 0xBA, 0xF8, 0x03,                                         // mov dx, 0x3F8
        .. Console.SelectMany(static letter => (byte[])[0xB0, (byte)letter, 0xEE]), // mov al, letter; out dx, al
        0xB9, 0x00, 0x00, 0x01, 0x00, 0xE2, 0xFE,                       // mov ecx, 0x10000; loop $
        .. Enumerable.Repeat<byte[]>(
        [
            0x66, 0xBA, 0xFD, 0x03, 0xEC, 0xA8, 0x01, 0x74, 0xFB,       // mov dx, 0x3FD; in al, dx; test al, 1; jz
            0x66, 0xBA, 0xF8, 0x03, 0xEC, 0xEE,                         // mov dx, 0x3F8; in al, dx; out dx, al
        ], keys).SelectMany(static key => key),
        0xB0, 0x03, 0xE6, 0xF4,                                         // mov al, 3; out 0xF4, al
    ]));
}
