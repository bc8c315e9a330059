using System.Text.Json;

namespace Emu.Host.Tests.EndToEnd;

/// <summary>Debian's stock kernels, as they come from its packages. They need <c>.ci/guests</c>; see <see cref="TestFiles.Guest"/>.</summary>
public sealed class LinuxBootTests : IDisposable
{
    private readonly TestFiles.TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("vmlinuz-amd64")]
    [InlineData("vmlinuz-cloud-amd64")]
    public void Linux_reaches_init_computes_known_answers_and_powers_off(string kernel)
    {
        EmuResult result = Boot(kernel, "initrd-test.gz");

        string report = $"exit code {result.ExitCode}\n{Tail(result.Console)}\n--- stderr\n{result.Error}";
        Assert.True(result.Console.Contains("INIT-DONE", StringComparison.Ordinal), report);
        Assert.True(result.Console.Contains("PASS all", StringComparison.Ordinal), report);
        Assert.DoesNotContain("FAIL ", result.Console, StringComparison.Ordinal);
        Assert.True(result.ExitCode == 0, report);
        Assert.Contains("reboot: Power down", result.Console, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("x86-64-v1")]
    [InlineData("x86-64-v2")]
    [InlineData("x86-64-v3")]
    public void Linux_boots_on_a_processor_of_every_level(string level)
    {
        EmuResult result = Boot("vmlinuz-cloud-amd64", "initrd-test.gz", "--cpu", level);

        Assert.True(result.Console.Contains("PASS all", StringComparison.Ordinal), Tail(result.Console) + result.Error);
        Assert.Equal(0, result.ExitCode);
    }

    [SkippableFact]
    public void Another_seed_is_another_run()
    {
        string[] hashes = new string[2];
        for (int i = 0; i < 2; i++)
        {
            string statistics = _folder.File($"seed-{i}.json");
            Boot("vmlinuz-cloud-amd64", "initrd-test.gz", "--max-instructions", "300_000_000", "--seed", $"{i}", "--stats", statistics);
            using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(statistics));
            hashes[i] = $"{json.RootElement.GetProperty("stateHash")}";
        }

        Assert.NotEqual(hashes[0], hashes[1]);
    }

    [SkippableTheory]
    [InlineData("vmlinuz-amd64")]
    [InlineData("vmlinuz-cloud-amd64")]
    public void Linux_works_on_four_processors_and_equally_in_each_run(string kernel)
    {
        string[] hashes = new string[2];
        for (int i = 0; i < 2; i++)
        {
            string statistics = _folder.File($"smp-{i}.json");
            EmuResult result = Boot(kernel, "initrd-smp.gz", "--vcpus", "4", "--stats", statistics);
            string report = $"exit code {result.ExitCode}\n{Tail(result.Console)}\n--- stderr\n{result.Error}";
            string console = result.Console.Replace("\r", "", StringComparison.Ordinal);
            Assert.True(result.ExitCode == 0, report);
            Assert.True(console.Contains("\nCPUS 4\n", StringComparison.Ordinal), report);
            // Six workers: printf aaa… 300,000 times | sha256sum.
            Assert.True(console.Contains("\nSUM 12e1b9b179b29a4f7e5889b185d7ac71bff0ad1f49a7b391d0911b737a0f5381\n", StringComparison.Ordinal), report);
            Assert.True(console.Contains("\nLINES 120 of 120\n", StringComparison.Ordinal), report);
            for (int cpu = 0; cpu < 4; cpu++)
            {
                Assert.True(console.Contains($"\nON {cpu}: {cpu}\n", StringComparison.Ordinal), report);
                Assert.False(console.Contains($"\nUSER {cpu}: 0\n", StringComparison.Ordinal), report);
            }

            using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(statistics));
            ulong[] counts = [.. json.RootElement.GetProperty("vcpus").EnumerateArray().Select(count => count.GetUInt64())];
            Assert.Equal(4, counts.Length);
            Assert.All(counts, count => Assert.True(count > 10_000_000, report));
            Assert.Equal(json.RootElement.GetProperty("instructions").GetUInt64(), counts.Aggregate(0UL, (sum, count) => sum + count));
            hashes[i] = json.RootElement.GetProperty("stateHash").GetString()!;
        }

        Assert.Equal(hashes[0], hashes[1]);
    }

    [SkippableFact]
    public void Reboot_ends_with_0()
    {
        EmuResult result = Boot("vmlinuz-cloud-amd64", "initrd-reboot.gz");

        Assert.Contains("INIT-DONE", result.Console, StringComparison.Ordinal);
        Assert.True(result.ExitCode == 0, Tail(result.Console) + result.Error);
    }

    [SkippableFact]
    public void Typing_at_the_shell_works()
    {
        using EmuProcess emu = EmuProcess.Start(
            "run", TestFiles.Guest("vmlinuz-cloud-amd64"), "--initrd", TestFiles.Guest("initrd-shell.gz"), "--append", "console=ttyS0", "--timeout", "280");
        emu.WaitForOutput("/ # ");
        emu.Type("echo $((6 * 7)) is the answer | tr a-z A-Z\n");
        emu.WaitForOutput("42 IS THE ANSWER");
        // Longer than a UART's FIFO, all at once.
        string text = string.Concat(Enumerable.Range(0, 60).Select(i => $"w{i} "));
        emu.Type($"echo {text}| wc -w; echo counted\n");
        emu.WaitForOutput("\ncounted");
        Assert.Contains("\n60\n", emu.Output.Replace("\r", "", StringComparison.Ordinal), StringComparison.Ordinal);
        emu.Type("poweroff -f\n");
        EmuResult result = emu.Wait();

        Assert.True(result.ExitCode == 0, Tail(result.Console) + result.Error);
    }

    [SkippableFact]
    public void A_limit_ends_with_4_and_statistics()
    {
        string statistics = _folder.File("stats.json");
        EmuResult result = Boot("vmlinuz-cloud-amd64", "initrd-test.gz", "--max-instructions", "5000000", "--stats", statistics);

        Assert.Equal(4, result.ExitCode);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(statistics));
        Assert.Equal(5_000_000UL, json.RootElement.GetProperty("instructions").GetUInt64());
    }

    private static EmuResult Boot(string kernel, string initrd, params string[] more) => EmuProcess.Run(
        ["run", TestFiles.Guest(kernel), "--initrd", TestFiles.Guest(initrd), "--append", "console=ttyS0 panic=-1", "--timeout", "280", .. more]);

    private static string Tail(string text) => text.Length > 4000 ? text[^4000..] : text;
}
