using Emu.Xen.Backends;
using Emu.Xen.Domains;
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
    private const ulong Buffer = 0x8000;
    private const int BufferLength = 0x1000;

    private static ReadOnlySpan<uint> Numbers => [7, 12, 12, 12, 13, 15, 17, 18, 20, 20, 20, 21, 24, 24, 24, 26, 29, 29, 32, 32, 32, 32, 33, 34, 34, 39, 40, 63];

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
        {
            if (random.Next(500) == 0)
            {
                if (random.Next(2) == 0)
                    test.Use32BitCode();
                else
                    test.Use64BitCode();
            }

            Repair(test);
            FillBuffer(random, test);
            if (random.Next(8) == 0)
                Scribble(random, test);
            var number = random.Next(40) == 0 ? (uint)random.Next() : Numbers[random.Next(Numbers.Length)];
            results.Add(test.Try(number, Command(random), Argument(random), Argument(random), Argument(random), Argument(random)));
            if (random.Next(4) == 0)
                test.Host.Advance((ulong)random.Next(3_000_000));
        }

        Assert.True(test.IsContained);
        // It has come further than to the first check: done, and refused for many reasons.
        Assert.Contains(0, results);
        Assert.True(results.Count > 8, $"only {results.Count} different results");
    }

    // A guest that has given away the page of its arguments could not go on.
    private static void Repair(TestDomain test)
    {
        ReadOnlySpan<ulong> needed = [1, 2, 3, Buffer >> 12];
        foreach (var gfn in needed)
        {
            if (test.Domain.Memory.FrameAt(gfn) < 0)
                test.Domain.Memory.Populate(gfn, 1);
        }
    }

    // Small numbers, addresses and the ways in which a domain is named: what structures are made of.
    private static void FillBuffer(Random random, TestDomain test)
    {
        var bytes = new byte[128];
        for (var at = 0; at < bytes.Length; at += 4)
            BitConverter.TryWriteBytes(bytes.AsSpan(at), (uint)Word(random));
        test.Memory.TryWrite(Buffer + (ulong)(random.Next(BufferLength / 128) * 128), bytes);
    }

    private static void Scribble(Random random, TestDomain test)
    {
        ReadOnlySpan<ulong> shared = [Domain.FirstSpecialGfn + 4, Domain.FirstSpecialGfn + 7, 0x10, 0x20, 0x30];
        var page = random.Next(4) == 0 ? test.Domain.SharedInfo.Page.Frame : test.Domain.Memory.FrameAt(shared[random.Next(shared.Length)]);
        if (page < 0)
            return;
        var offset = random.Next(4096 - 64);
        random.NextBytes(test.Memory.WritableFrame(page, offset, random.Next(64)));
    }

    private static ulong Command(Random random) => random.Next(20) == 0 ? (ulong)random.NextInt64() : (ulong)random.Next(40);

    private static ulong Argument(Random random) => random.Next(3) != 0 ? Buffer + (ulong)(random.Next(BufferLength / 8) * 8) : Word(random);

    private static ulong Word(Random random) => random.Next(8) switch
    {
        0 => 0,
        1 => (ulong)random.Next(16),
        2 => Domain.Self,
        3 => Buffer + (ulong)random.Next(BufferLength),
        4 => (ulong)random.Next(0x120),
        5 => Domain.FirstSpecialGfn + (ulong)random.Next(8),
        6 => ulong.MaxValue >> random.Next(64),
        _ => (ulong)random.NextInt64(),
    };
}
