using Emu.Fuzz.Cases;
using Emu.Fuzz.Generation;
using Emu.Fuzz.Running;
using Emu.Machine.Buses;
using Xunit;

namespace Emu.Machine.Tests.Boundary;

/// <summary>A short run of the fuzzer over each kind, and proof that it finds what is planted. <c>tests/Emu.Fuzz</c> makes long ones.</summary>
public sealed class GuestBoundaryTests
{
    private const ulong Seed = 20261121;

    [Theory]
    [InlineData(CaseKind.Code, 120)]
    [InlineData(CaseKind.Paging, 120)]
    [InlineData(CaseKind.Descriptors, 120)]
    [InlineData(CaseKind.Devices, 120)]
    [InlineData(CaseKind.Hypercalls, 80)]
    public void Arbitrary_guests_leave_the_host_as_it_was_and_do_not_notice_cuts(CaseKind kind, int count)
    {
        var runner = new CaseRunner();
        for (var index = 0UL; index < (ulong)count; index++)
        {
            var guest = CaseMaker.Make(Seed, index, kind);
            var finding = OnSmallStack(() => runner.Check(guest), $"case {index} does not end");
            Assert.True(finding == null, $"dotnet run -c Release --project tests/Emu.Fuzz -- --seed {Seed} --kind {kind} --case {index}\n{finding}");
        }
        Assert.True(runner.Instructions > 100_000, "the cases end before they have done anything");
    }

    [Fact]
    public void Changed_kernel_images_load_or_are_refused()
    {
        for (var index = 0UL; index < 500; index++)
            Assert.Null(ImageCase.Check(Seed, index));
    }

    [Fact]
    public void Changed_snapshots_are_refused_or_run()
    {
        var refused = 0;
        var ran = 0;
        for (var index = 0UL; index < 600; index++)
        {
            Assert.Null(SnapshotCase.Check(Seed, index, out var isRefused, out var hasRun));
            refused += isRefused ? 1 : 0;
            ran += hasRun ? 1 : 0;
        }

        Assert.True(refused > 50 && ran > 50, $"{refused} are refused and {ran} run");
    }

    [Fact]
    public void A_device_that_throws_is_found()
    {
        var runner = new CaseRunner { Prepare = static machine => machine.Mmio.Claim(new ThrowingDevice(), 0x8000_0000, 0x4000_0000) };
        var found = FirstFinding(runner, CaseKind.Paging);
        Assert.Equal(Invariant.NoHostException, found.Broken);
    }

    [Fact]
    public void A_state_that_depends_on_where_a_run_is_cut_is_found()
    {
        var runs = 0;
        // The number of calls is the host's affair: RAM that shows it breaks determinism.
        var runner = new CaseRunner { BeforePiece = machine => machine.Ram.Write(0x7000, [(byte)++runs]) };
        var found = FirstFinding(runner, CaseKind.Code);
        Assert.Equal(Invariant.Determinism, found.Broken);
        Assert.NotEqual(Cutting.Whole, found.Cut);
    }

    [Fact]
    public void A_finding_shrinks_to_fewer_instructions()
    {
        var runner = new CaseRunner { Prepare = static machine => machine.Mmio.Claim(new ThrowingDevice(), 0x8000_0000, 0x4000_0000) };
        for (var index = 0UL; ; index++)
        {
            var guest = CaseMaker.Make(Seed, index, CaseKind.Paging);
            if (runner.Check(guest) is not { } finding)
                continue;
            var small = Shrinker.FewerInstructions(runner, guest, finding);
            Assert.True(small.Instructions < guest.Instructions);
            Assert.True(runner.StillShows(small, finding));
            Assert.False(runner.StillShows(small.With(small.Ram, small.Instructions - 1), finding));
            return;
        }
    }

    private static Finding FirstFinding(CaseRunner runner, CaseKind kind)
    {
        for (var index = 0UL; index < 2000; index++)
        {
            if (runner.Check(CaseMaker.Make(Seed, index, kind)) is { } finding)
                return finding;
        }
        throw new InvalidOperationException("Nothing was found.");
    }

    // What a guest does must not make the host's stack grow; and a case that does not end must not hold up the others for ever.
    private static T OnSmallStack<T>(Func<T> function, string message)
    {
        T result = default!;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                result = function();
            }
            catch (Exception e)
            {
                failure = e;
            }
        }, 512 << 10)
        { IsBackground = true };
        thread.Start();
        Assert.True(thread.Join(TimeSpan.FromMinutes(2)), message);
        Assert.True(failure == null, failure?.ToString());
        return result;
    }

    private sealed class ThrowingDevice : IMmioDevice
    {
        public ulong Read(ulong offset, int size) => throw new InvalidOperationException("planted");

        public void Write(ulong offset, int size, ulong value) => throw new InvalidOperationException("planted");
    }
}
