using System.Diagnostics;

namespace Emu.Host.Tests.EndToEnd;

/// <summary>The program at a real terminal, which script(1) provides.</summary>
public sealed class RawTerminalTests : IDisposable
{
    private readonly TestFiles.TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public void The_escape_key_helps_and_quits_and_the_terminal_is_given_back()
    {
        string kernel = _folder.Write("kernel", TinyKernel.Build(0xEB, 0xFE));
        using Process terminal = StartAtTerminal($"dotnet {EmuProcess.Assembly} run {kernel}; echo code=$?; stty -a");
        Task<string> output = terminal.StandardOutput.ReadToEndAsync();
        // What is typed before raw mode would be echoed and edited by the terminal; it is kept all the same.
        Thread.Sleep(1500);
        terminal.StandardInput.Write("\u0001h");
        terminal.StandardInput.Flush();
        Thread.Sleep(200);
        terminal.StandardInput.Write("\u0001x");
        terminal.StandardInput.Flush();

        Assert.True(terminal.WaitForExit(TimeSpan.FromMinutes(1)));
        string screen = output.Result;
        // Not a byte that the guest or we did not mean to write, such as a terminal's set-up sequence.
        Assert.StartsWith("Ctrl-A x  end the emulator", screen, StringComparison.Ordinal);
        Assert.Contains("code=0", screen, StringComparison.Ordinal);
        Assert.Contains(" icanon", screen, StringComparison.Ordinal);
        Assert.Contains(" echo ", screen, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void The_terminal_is_given_back_after_a_crash()
    {
        string kernel = _folder.Write("kernel", TinyKernel.Build(0x0F, 0x0B));
        using Process terminal = StartAtTerminal($"dotnet {EmuProcess.Assembly} run {kernel}; echo code=$?; stty -a");
        Task<string> output = terminal.StandardOutput.ReadToEndAsync();

        Assert.True(terminal.WaitForExit(TimeSpan.FromMinutes(1)));
        Assert.Contains("code=3", output.Result, StringComparison.Ordinal);
        Assert.Contains(" icanon", output.Result, StringComparison.Ordinal);
    }

    internal static Process StartAtTerminal(string command)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "script(1) takes these arguments on Linux alone.");
        ProcessStartInfo start = new("script") { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (string argument in new[] { "--quiet", "--command", command, "/dev/null" })
            start.ArgumentList.Add(argument);
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            throw new SkipException("script(1) is not installed.");
        }
    }
}
