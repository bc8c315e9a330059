using System.Text;
using System.Text.Json;

namespace Emu.Host.Tests.EndToEnd;

/// <summary>Guests that are started anew after an end.</summary>
public sealed class RestartTests : IDisposable
{
    private readonly TestFiles.TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("restart", "restart", 4, "RRR")]
    [InlineData("destroy", "restart", 0, "R")]
    [InlineData("rename-restart", "destroy", 4, "RRR")]
    public void A_configuration_says_whether_a_guest_that_reboots_is_started_anew(string onReboot, string onPoweroff, int exitCode, string output)
    {
        string configuration = Configuration(Kernel(reason: 1), $"on_reboot='{onReboot}'\non_poweroff='{onPoweroff}'");
        EmuResult result = EmuProcess.Run("run", configuration, "--restarts", "2");

        Assert.Equal((exitCode, output), (result.ExitCode, result.Output));
    }

    [Fact]
    public void Crashes_and_power_off_have_actions_of_their_own()
    {
        Assert.Equal((4, "RR"), Run(Kernel(reason: 0), "on_poweroff='restart'"));
        Assert.Equal((0, "R"), Run(Kernel(reason: 0), "on_crash='restart'"));
        Assert.Equal((3, "RR"), Run(Kernel(reason: 3), "on_crash='restart'"));
        Assert.Equal((3, "R"), Run(Kernel(reason: 3), "on_crash='preserve'"));

        (int, string) Run(byte[] kernel, string lines)
        {
            EmuResult result = EmuProcess.Run("run", Configuration(kernel, lines), "--restarts", "1");
            return (result.ExitCode, result.Output);
        }
    }

    [Fact]
    public void Without_a_configuration_a_guest_is_started_anew_as_often_as_asked()
    {
        string kernel = _folder.Write("kernel", Kernel(reason: 1));
        string statistics = _folder.File("stats.json");

        Assert.Equal("R", EmuProcess.Run("run", kernel, "--machine", "xen").Output);
        EmuResult result = EmuProcess.Run("run", kernel, "--machine", "xen", "--restarts", "5", "--stats", statistics);
        Assert.Equal((4, "RRRRRR"), (result.ExitCode, result.Output));
        Assert.Contains("--restarts", result.Error, StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(statistics));
        Assert.Equal(5, json.RootElement.GetProperty("restarts").GetInt32());
        Assert.Equal("restart-limit", json.RootElement.GetProperty("exit").GetProperty("reason").GetString());
    }

    [Fact]
    public void The_limit_of_instructions_is_for_all_lives_together()
    {
        string kernel = _folder.Write("kernel", Kernel(reason: 1));

        EmuResult result = EmuProcess.Run("run", kernel, "--machine", "xen", "--restarts", "100", "--max-instructions", "13");

        // Six instructions a life, and the letter is the third.
        Assert.Equal((4, "RR"), (result.ExitCode, result.Output));
        Assert.Contains("13 instructions", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_configuration_says_in_vain_is_named_in_one_line()
    {
        EmuResult result = EmuProcess.Run("run", Configuration(Kernel(reason: 0), "firmware='bios'\nserial='pty'\nvif=[]\nmade_up=1"));

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("ignored: firmware, serial, made_up.", Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    private string Configuration(byte[] kernel, string lines) => _folder.Write(
        "guest.cfg", Encoding.UTF8.GetBytes($"type = 'pvh'\nkernel = '{_folder.Write("kernel", kernel)}'\nmemory = 16\n{lines}\n"));

    /// <summary>Writes R to the debug console and shuts down: SCHEDOP_shutdown with a reason.</summary>
    private static byte[] Kernel(byte reason) => TinyKernel.Build(
    [
        0xB0, (byte)'R', 0xE6, 0xE9,                                    // mov al, 'R'; out 0xE9, al
        0xB8, 29, 0, 0, 0,                                              // mov eax, sched_op
        0xBB, 2, 0, 0, 0,                                               // mov ebx, SCHEDOP_shutdown
        0xB9, .. BitConverter.GetBytes(TinyKernel.Entry + 24),          // mov ecx, the reason's address
        0x0F, 0x01, 0xC1,                                               // vmcall
        0xEB, 0xFE,                                                     // jmp .
        reason, 0, 0, 0,
    ]);
}
