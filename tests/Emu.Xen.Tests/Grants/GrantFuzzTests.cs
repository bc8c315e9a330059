using Xunit;

namespace Emu.Xen.Tests.Grants;

/// <summary>A guest that does with its grant table what it likes: the hypervisor answers, and never fails.</summary>
public sealed class GrantFuzzTests : GrantTestBase
{
    private static readonly uint[] Commands = [Map, Map, Unmap, Setup, Copy, Copy, Query, SetVersion, GetVersion, Swap];
    private static readonly ushort[] Domains = [Own, Own, Own, Self, Control, Unknown];
    private static readonly uint[] Frames = [0x20, 0x21, 0x22, 0x200, 0x201, 0x280, 0xFEFFF, 0x9000, 0xFFFF_FFFF];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Random_tables_and_operations_get_answers(int seed)
    {
        var random = new Random(seed);
        Select(seed % 2 == 0);
        HashSet<long> results = [];
        for (var i = 0; i < 20_000; i++)
        {
            if (i % 50 == 0)
            {
                Place((uint)random.Next(3), TableGfn + (ulong)random.Next(2));
                Place(0x8000_0000, StatusGfn);
            }

            if (Test.Domain.Memory.FrameAt(TableGfn) >= 0)
                Write((TableGfn << 12) + (ulong)(random.Next(16) * 8), RandomEntry(random));
            Write(Buffer, RandomOperation(random));
            results.Add(Operation(Commands[random.Next(Commands.Length)], (uint)random.Next(3)));
            if (random.Next(8) == 0)
                Test.Domain.Memory.Populate(Frames[random.Next(Frames.Length)], 1);
            if (random.Next(4) == 0 && Test.Domain.Grants.TryMap((uint)random.Next(20), random.Next(2) == 0, out var mapping))
            {
                mapping.Page.Writable(0, 64).Fill(1);
                Test.Domain.Grants.Unmap(mapping);
            }

            Assert.InRange(Test.Domain.Grants.FrameCount, 1, 64);
        }

        Assert.Contains(0, results);
        Assert.Contains(-22, results);
    }

    private static byte[] RandomEntry(Random random) =>
    [
        .. BitConverter.GetBytes((ushort)(random.Next(8) | (random.Next(4) == 0 ? 0x100 : 0))),
        .. BitConverter.GetBytes(Domains[random.Next(Domains.Length)]),
        .. BitConverter.GetBytes(Frames[random.Next(Frames.Length)]),
        .. BitConverter.GetBytes((ulong)Frames[random.Next(Frames.Length)]),
    ];

    private static byte[] RandomOperation(Random random)
    {
        var bytes = new byte[128];
        for (var i = 0; i < bytes.Length; i += 4)
        {
            var value = random.Next(6) switch
            {
                0 => Frames[random.Next(Frames.Length)] << 12,
                1 => Frames[random.Next(Frames.Length)],
                2 => Domains[random.Next(Domains.Length)] | ((uint)random.Next(5000) << 16),
                3 => (uint)random.Next(20),
                4 => (uint)random.Next(8),
                _ => (uint)random.Next(int.MinValue, int.MaxValue),
            };
            BitConverter.TryWriteBytes(bytes.AsSpan(i), value);
        }

        return bytes;
    }
}
