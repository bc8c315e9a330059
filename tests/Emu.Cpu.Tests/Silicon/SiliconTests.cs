using System.Runtime.ExceptionServices;
using Emu.Cpu.State;
using Emu.Differential;
using Emu.Differential.Native;
using Emu.Differential.Running;
using Iced.Intel;
using Xunit;
using Xunit.Abstractions;

namespace Emu.Cpu.Tests.Silicon;

/// <summary>What owns signals and fixed addresses of the process: nothing else runs beside it.</summary>
[CollectionDefinition("Host processor", DisableParallelization = true)]
public sealed class HostProcessorCollection;

/// <summary>The quick run of tests/Emu.Differential: random programs on the host's processor and in the emulator.</summary>
[Collection("Host processor")]
public sealed class SiliconTests(ITestOutputHelper output)
{
    private const long Executions = 1_000_000;
    private const ulong Seed = 20_261_121;

    [SkippableFact]
    public void A_million_random_executions_end_as_on_the_host()
    {
        Skip.If(NativeExecutor.Obstacle() != null, NativeExecutor.Obstacle());
        OnItsOwnThread(() =>
        {
            using var campaign = new Campaign(new CampaignOptions { Count = Executions, Seed = Seed, Failures = 5 });
            var failures = campaign.Run();
            output.WriteLine(campaign.Summary.Describe(campaign.Catalogue));
            Assert.True(failures.Count == 0, string.Join(Environment.NewLine, failures.Select(one => Shrinker.Shrink(campaign, one).Describe())));
            Assert.True(campaign.Summary.Executions >= Executions);
            Assert.True(campaign.Summary.CodesCovered > 2000, $"only {campaign.Summary.CodesCovered} forms were executed");
            Assert.True(campaign.Summary.Unrepeated < 100, $"{campaign.Summary.Unrepeated} disagreements did not occur again");
        });
    }

    [SkippableFact]
    public void Compiled_code_ends_as_on_the_host()
    {
        Skip.If(NativeExecutor.Obstacle() != null, NativeExecutor.Obstacle());
        OnItsOwnThread(() =>
        {
            using var campaign = new Campaign(new CampaignOptions { Count = 300_000, Seed = Seed, Failures = 5, Engines = ["native", "jit"] });
            var failures = campaign.Run();
            output.WriteLine(campaign.Summary.Describe(campaign.Catalogue));
            Assert.True(failures.Count == 0, string.Join(Environment.NewLine, failures.Select(one => Shrinker.Shrink(campaign, one).Describe())));
            Assert.True(campaign.RegionCount > 10_000, $"only {campaign.RegionCount} regions were compiled");
            Assert.True(campaign.Summary.Unrepeated < 100, $"{campaign.Summary.Unrepeated} disagreements did not occur again");
        });
    }

    [SkippableFact]
    public void A_planted_error_is_found_and_shrunk_to_its_instruction()
    {
        Skip.If(NativeExecutor.Obstacle() != null, NativeExecutor.Obstacle());
        OnItsOwnThread(() =>
        {
            using var campaign = new Campaign(new CampaignOptions { Count = 200_000, Seed = 2, Tamper = Plant });
            var failure = Assert.Single(campaign.Run());
            var shrunk = Shrinker.Shrink(campaign, failure);
            var facts = Assert.Single(shrunk.Program.Facts);
            Assert.Equal(Mnemonic.Adc, facts.Instruction.Mnemonic);
            Assert.Contains("flags: ours", shrunk.Describe(), StringComparison.Ordinal);
            Assert.True(shrunk.Data.Count(static one => one != 0) <= 8, "memory that does not matter is left");
        });
    }

    [Fact]
    public void Engines_agree_with_one_another()
    {
        using var campaign = new Campaign(new CampaignOptions { Count = 50_000, Seed = 3, Engines = ["interpreter", "stepped", "jit"] });
        var failures = campaign.Run();
        Assert.True(failures.Count == 0, string.Join(Environment.NewLine, failures.Select(one => Shrinker.Shrink(campaign, one).Describe())));
    }

    [Fact]
    public void Engines_agree_with_one_another_on_system_instructions()
    {
        using var campaign = new Campaign(new CampaignOptions { Count = 50_000, Seed = 4, IsSystem = true, Engines = ["interpreter", "stepped", "jit"] });
        var failures = campaign.Run();
        Assert.True(failures.Count == 0, string.Join(Environment.NewLine, failures.Select(one => Shrinker.Shrink(campaign, one).Describe())));
        Assert.True(campaign.Summary.CountOf(Code.Mov_cr_r64) > 0 && campaign.Summary.CountOf(Code.Wrmsr) > 0 && campaign.Summary.CountOf(Code.Iretq) > 0);
    }

    [Fact]
    public void The_same_seed_gives_the_same_cases()
    {
        Assert.Equal(Trace(5), Trace(5));
        Assert.NotEqual(Trace(5), Trace(6));
    }

    private static string Trace(ulong seed)
    {
        var hash = new HashCode();
        var cases = 0;
        using var campaign = new Campaign(new CampaignOptions
        {
            Count = 2_000,
            Seed = seed,
            Engines = ["interpreter", "stepped"],
            Tamper = (TestProgram program, in MachineState before, ref MachineState after) =>
            {
                cases++;
                hash.AddBytes(program.Bytes);
                hash.Add(before.Flags);
                hash.Add(after.Rip);
            },
        });
        campaign.Run();
        return $"{cases} {hash.ToHashCode():x}";
    }

    // What ADC would do if it always cleared ZF.
    private static void Plant(TestProgram program, in MachineState before, ref MachineState after)
    {
        if (program.Instructions.Any(static instruction => instruction.Mnemonic == Mnemonic.Adc))
            after.Flags &= ~Rflags.Zero;
    }

    // The native executor belongs to its thread, whose signals it takes.
    private static void OnItsOwnThread(Action action)
    {
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                action();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        }, 16 << 20);
        thread.Start();
        thread.Join();
        failure?.Throw();
    }
}
