using Emu.Xen.Domains;

namespace Emu.Xen.Tests.Support;

/// <summary>Calls of a guest that makes any call with any argument, scribbles over what it shares with Xen, and moves its memory about: by seed.</summary>
internal static class HostileCalls
{
    private const ulong Buffer = 0x8000;
    private const int BufferLength = 0x1000;

    private static ReadOnlySpan<uint> Numbers => [7, 12, 12, 12, 13, 15, 17, 18, 20, 20, 20, 21, 24, 24, 24, 26, 29, 29, 32, 32, 32, 32, 33, 34, 34, 39, 40, 63];

    /// <summary>Makes one call, and lets time pass now and then.</summary>
    /// <param name="random">Says which.</param>
    /// <param name="test">Who makes it.</param>
    /// <returns>What the call returned.</returns>
    public static long Make(Random random, TestDomain test)
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
        var result = test.Try(number, Command(random), Argument(random), Argument(random), Argument(random), Argument(random));
        if (random.Next(4) == 0)
            test.Host.Advance((ulong)random.Next(3_000_000));
        return result;
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
