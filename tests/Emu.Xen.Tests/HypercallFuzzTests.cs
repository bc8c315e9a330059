using Emu.Xen.Backends;
using Emu.Xen.Store;
using Emu.Xen.Store.Records;
using Emu.Xen.Tests.Support;
using Xunit;

namespace Emu.Xen.Tests;

/// <summary>
/// A guest that makes any call with any argument, scribbles over the pages that it shares with Xen, and moves its memory about: it gets
/// results, nothing throws, and nothing outside its memory changes.
/// </summary>
public sealed class HypercallFuzzTests
{
    private const int Calls = 4000;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 24)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Any_call_with_any_argument_is_answered(int seed)
    {
        var random = new Random(seed);
        using var test = new TestDomain(vcpus: 4);
        var store = new XenStore();
        store.AddDomain(test.Domain.Id);
        new DomainRecord { Domain = test.Domain.Id, Uuid = test.Domain.Options.Uuid, MaximumKib = 1024, TargetKib = 1024 }.WriteTo(store.Control);
        _ = new StoreService(test.Domain, store);
        _ = new ConsoleRing(test.Domain);
        var results = new HashSet<long>();
        for (var call = 0; call < Calls; call++)
            results.Add(HostileCalls.Make(random, test));

        Assert.True(test.IsContained);
        // It has come further than to the first check: done, and refused for many reasons.
        Assert.Contains(0, results);
        Assert.True(results.Count > 8, $"only {results.Count} different results");
    }
}
