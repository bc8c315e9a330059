using System.Globalization;
using System.Text.Json;

namespace Emu.Host.Tests.EndToEnd;

/// <summary>What executes the instructions makes no difference that a guest could see, nor one in what it leaves behind.</summary>
public sealed class EngineTests : IDisposable
{
    private readonly TestFiles.TemporaryFolder _folder = new();

    public static TheoryData<string> Cases => [.. TestKernelCase.All().Select(item => item.Name)];

    // A fraction of what bench/compare asks for: enough for every loop to be compiled.
    public static TheoryData<string, long> Workloads
    {
        get
        {
            TheoryData<string, long> workloads = [];
            using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(TestFiles.Repository, "bench", "workloads.json")));
            foreach (JsonProperty workload in json.RootElement.EnumerateObject())
                workloads.Add(workload.Name, Math.Max(1, workload.Value.GetInt64() / 10));
            return workloads;
        }
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_test_kernel_ends_in_the_same_state_on_every_engine(string name)
    {
        TestKernelCase item = TestKernelCase.All().Single(item => item.Name == name);

        End reference = Run("interpreter", [.. item.Guest, .. item.Options]);

        Assert.Equal(item.ExitCode, reference.ExitCode);
        Assert.Equal(reference, Run("jit", [.. item.Guest, .. item.Options]));
        Assert.Equal(reference, Run("auto", [.. item.Guest, .. item.Options]));
    }

    [Theory]
    [MemberData(nameof(Workloads))]
    public void A_workload_ends_in_the_same_state_on_every_engine(string name, long count)
    {
        string kernel = Path.Combine(TestFiles.TestKernels, "bench", "bench.elf");
        string[] arguments = [kernel, "--append", string.Create(CultureInfo.InvariantCulture, $"bench={name} n={count}")];

        End reference = Run("interpreter", arguments);

        Assert.Contains($"RESULT {name} {count} ", reference.Console, StringComparison.Ordinal);
        Assert.Equal(reference, Run("jit", arguments));
        Assert.Equal(reference, Run("auto", arguments));
    }

    [SkippableFact]
    public void Linux_ends_in_the_same_state_on_every_engine()
    {
        string[] arguments = [TestFiles.Guest("vmlinuz-cloud-amd64"), "--initrd", TestFiles.Guest("initrd-test.gz"), "--append", "console=ttyS0 panic=-1"];

        End reference = Run("interpreter", arguments);

        Assert.Contains("PASS all", reference.Console, StringComparison.Ordinal);
        Assert.Equal(0, reference.ExitCode);
        Assert.Equal(reference, Run("jit", arguments));
        Assert.Equal(reference, Run("auto", arguments));
    }

    [SkippableFact]
    public void Xen_domain_of_four_vcpus_ends_in_the_same_state_on_every_engine()
    {
        string[] arguments = [TestFiles.Guest("vmlinuz-cloud-amd64"), "--initrd", TestFiles.Guest("initrd-smp.gz"), "--machine", "xen", "--vcpus", "4"];

        End reference = Run("interpreter", arguments);

        Assert.Contains("CPUS 4", reference.Console, StringComparison.Ordinal);
        Assert.Equal(0, reference.ExitCode);
        Assert.Equal(reference, Run("jit", arguments));
        Assert.Equal(reference, Run("auto", arguments));
    }

    [Fact]
    public void What_is_hot_is_compiled_and_each_instruction_is_counted_once()
    {
        string statistics = _folder.File("tiers.json");
        string kernel = Path.Combine(TestFiles.TestKernels, "bench", "bench.elf");
        EmuProcess.Run(["run", kernel, "--append", "bench=sieve n=60", "--engine", "jit", "--stats", statistics]);

        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(statistics));
        JsonElement tiers = json.RootElement.GetProperty("tiers");
        ulong compiled = tiers.GetProperty("compiled").GetUInt64(), interpreted = tiers.GetProperty("interpreter").GetUInt64();
        ulong all = json.RootElement.GetProperty("instructions").GetUInt64();
        Assert.Equal(all, compiled + interpreted);
        Assert.InRange(compiled, all / 10 * 9, all);
    }

    private sealed record End(int ExitCode, string Console, ulong Instructions, ulong VirtualNanoseconds, string StateHash);

    private End Run(string engine, IEnumerable<string> arguments)
    {
        string statistics = _folder.File($"{engine}.json");
        EmuResult result = EmuProcess.Run(["run", .. arguments, "--engine", engine, "--timeout", "280", "--stats", statistics]);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(statistics));
        return new End(
            result.ExitCode,
            result.Console,
            json.RootElement.GetProperty("instructions").GetUInt64(),
            json.RootElement.GetProperty("virtualNanoseconds").GetUInt64(),
            json.RootElement.GetProperty("stateHash").GetString()!);
    }
}
