using Emu.Xen.Tests.Support;
using Xunit;

namespace Emu.Xen.Tests;

/// <summary>Hypercalls of a hostile guest, which also spoils what it shares with Xen: nothing throws, and no memory comes from nowhere.</summary>
public sealed class SharedPageFuzzTests
{
    private const ulong Buffer = 0x8000;

    private static readonly uint[] Numbers = [7, 12, 12, 12, 13, 15, 17, 18, 21, 24, 24, 24, 26, 29, 29, 32, 32, 32, 32, 34, 34, 35, 36, 40, 41, 49];

    private static readonly ulong[] Words =
    [
        0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 64, 0x7F, 0x80, 0x3FF, 0x400, 0x7FF0, 0x7FF00007, 0x7FF0_7FF0, 0x8000, 0x8100, 0x9000, 0xF_FFF8,
        0x10_0000, 0xFEE00, 0xFEFFF, 0xE_0000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1UL << 32, 0x0200_0000_0000_00F3, 1UL << 52, ulong.MaxValue,
    ];

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(4, true)]
    public void Hostile_guest_harms_nobody_but_itself(int seed, bool is64Bit)
    {
        var random = new Random(seed);
        var done = 0;
        // A domain that has given its memory away or ended says little any more.
        for (var round = 0; round < 150; round++)
        {
            using var domain = new TestDomain(vcpus: 3);
            domain.Select(is64Bit);
            for (var step = 0; step < 200; step++)
                done += Step(domain, random);
            Assert.InRange(domain.Host.Shutdowns.Count, 0, 1);
        }

        // Not all is refused at the door.
        Assert.InRange(done, 1000, int.MaxValue);
    }

    private static int Step(TestDomain domain, Random random)
    {
        var events = domain.Domain.Events;
        var result = -1L;
        switch (random.Next(8))
        {
            case 0:
                // Pages 1 to 3 are the page tables.
                domain.Memory.TryWrite(0x4000 + (ulong)random.Next(0xF_C000), BitConverter.GetBytes(Word(random)));
                break;
            case 1:
                domain.Domain.SharedInfo.Bytes.WriteByte(random.Next(4096), (byte)random.Next(256));
                break;
            case 2:
                domain.Host.Advance((ulong)random.Next(2_000_000));
                break;
            case 3:
                events.TryConnect((uint)random.Next(70), events.AddListener(static () => { }));
                events.Notify((uint)random.Next(70));
                events.Disconnect((uint)random.Next(70));
                break;
            default:
                for (ulong offset = 0; offset < 128; offset += 8)
                    domain.Memory.TryWrite(Buffer + offset, BitConverter.GetBytes(Word(random) | (Word(random) << 32)));
                result = domain.Try(Numbers[random.Next(Numbers.Length)], (ulong)random.Next(30), Argument(random), Argument(random), Argument(random));
                break;
        }

        Assert.InRange(domain.Domain.Memory.RamPages, 0UL, domain.Domain.Memory.MaximumRamPages);
        return result >= 0 ? 1 : 0;
    }

    private static ulong Word(Random random) => random.Next(3) == 0 ? (ulong)random.Next(64) : Words[random.Next(Words.Length)];

    private static ulong Argument(Random random) => random.Next(3) == 0 ? Word(random) : Buffer;
}
