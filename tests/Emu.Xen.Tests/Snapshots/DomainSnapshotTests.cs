using Emu.Cpu.Snapshots;
using Xunit;

namespace Emu.Xen.Tests.Snapshots;

/// <summary>A domain that was saved in the middle of anything goes on as it would have, on a hypervisor that was doing something else.</summary>
public sealed class DomainSnapshotTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 16)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Restored_domain_goes_on_as_the_saved_one(int seed)
    {
        using WholeDomain original = new();
        using WholeDomain restored = new();
        Random random = new(seed);
        original.Act(random, random.Next(100, 3000));
        // Half of them are restored into a hypervisor that has had another life.
        if (seed % 2 == 1)
            restored.Act(new Random(seed + 1000), 1500);
        var state = StateStream.Save(original);
        StateStream.Restore(restored, state);
        AssertEqual(original, restored);

        original.Heard.Clear();
        restored.Heard.Clear();
        Assert.Equal(original.Act(new Random(seed), 1500), restored.Act(new Random(seed), 1500));
        Assert.Equal(original.Heard, restored.Heard);
        AssertEqual(original, restored);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Domain_goes_back_to_what_it_was(int seed)
    {
        using WholeDomain domain = new();
        Random random = new(seed);
        domain.Act(random, 800);
        var state = StateStream.Save(domain);
        domain.Heard.Clear();
        var first = domain.Act(new Random(seed), 800);
        string[] heard = [.. domain.Heard];
        var end = StateStream.Save(domain);
        StateStream.Restore(domain, state);
        domain.Heard.Clear();
        Assert.Equal(first, domain.Act(new Random(seed), 800));
        Assert.Equal(heard, domain.Heard);
        Assert.True(end.AsSpan().SequenceEqual(StateStream.Save(domain)), "the second time went another way");
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Forged_state_is_refused_or_does_no_harm(int seed)
    {
        Random random = new(seed);
        using WholeDomain original = new();
        original.Act(random, random.Next(100, 3000));
        var around = StateStream.Save(original.Test);
        var state = StateStream.Save(original.Hypervisor);
        var refused = 0;
        const int forgeries = 40;
        for (var i = 0; i < forgeries; i++)
        {
            byte[] forged = [.. state];
            for (var change = random.Next(1, 4); change > 0; change--)
                Forgery.Change(forged, random);
            using WholeDomain domain = new();
            StateStream.Restore(domain.Test, around);
            try
            {
                StateStream.Restore(domain.Hypervisor, forged);
            }
            catch (SnapshotException)
            {
                refused++;
                continue;
            }

            domain.Act(new Random(i), 300);
            Assert.True(domain.Test.IsContained);
        }

        // Some of the state is whatever it is: times, addresses, values of nodes.
        Assert.InRange(refused, 1, forgeries - 1);
    }

    [Fact]
    public void State_that_ends_too_early_or_too_late_is_refused()
    {
        using WholeDomain domain = new();
        domain.Act(new Random(1), 300);
        var state = StateStream.Save(domain.Hypervisor);
        for (var length = 0; length < state.Length; length += 37)
            Assert.Throws<SnapshotException>(() => StateStream.Restore(domain.Hypervisor, state.AsMemory(0, length)));
        Assert.Throws<SnapshotException>(() => StateStream.Restore(domain.Hypervisor, (byte[])[.. state, 0]));
        StateStream.Restore(domain.Hypervisor, state);
    }

    private static void AssertEqual(WholeDomain one, WholeDomain other)
    {
        Assert.Equal(StateStream.Save(one.Hypervisor), StateStream.Save(other.Hypervisor));
        Assert.True(StateStream.Save(one.Test).AsSpan().SequenceEqual(StateStream.Save(other.Test)), "memory or vCPUs differ");
    }
}
