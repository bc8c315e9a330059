using Emu.Cpu.Execution;
using Xunit;

namespace Emu.Cpu.Tests.Execution;

/// <summary>Arbitrary guest code: the host survives it, and where runs are cut into pieces makes no difference.</summary>
public sealed class GuestFuzzTests
{
    private const ulong Instructions = 20_000;
    private const int Seeds = 24;

    // Opcodes that random bytes seldom make: a prefix or escape, to be followed by arbitrary bytes.
    private static readonly byte[][] Openings =
    [
        [0x0F], [0x0F, 0x38], [0x0F, 0x3A], [0x66, 0x0F], [0xF3, 0x0F], [0xF2, 0x0F], [0x48], [0x4C], [0x41], [0xF3, 0xA4], [0xF3, 0xAB],
        [0xF3, 0xA6], [0xF2, 0xAE], [0xF3, 0x48, 0xAB], [0xC5, 0xFC], [0xC5, 0xF9], [0xC4, 0xE2, 0x7D], [0xC4, 0xE3, 0x7D],
        [0xC4, 0xE2, 0xF9], [0xD8], [0xD9], [0xDB], [0xDD], [0xDF], [0x67], [0x66], [0x0F, 0xAE], [0x0F, 0xC7], [0x0F, 0x01],
        [0xFF], [0xF7], [0xF6], [0x89], [0x8B], [0x01], [0xEB], [0xE8], [0x74], [0x75], [0xE2], [0xC3], [0x50], [0x58],
        [0xC6, 0x05], [0x80, 0x05], [0x9D], [0xFB], [0xFA], [0x8E], [0xCF], [0x9C], [0xFC], [0xFD],
    ];

    [Theory]
    [InlineData(CodeMode.Code16)]
    [InlineData(CodeMode.Code32)]
    [InlineData(CodeMode.Code64)]
    public void Cutting_a_run_of_arbitrary_code_changes_nothing(CodeMode size)
    {
        Exception? failure = null;
        var at = 0;
        var thread = new Thread(() =>
        {
            try
            {
                for (; at < Seeds; at++)
                    CompareCuts(size, at);
            }
            catch (Exception e)
            {
                failure = e;
            }
        }, 512 << 10)
        { IsBackground = true };
        thread.Start();
        Assert.True(thread.Join(TimeSpan.FromSeconds(60)), $"seed {at} does not end");
        Assert.True(failure == null, $"seed {at}: {failure}");
    }

    private static void CompareCuts(CodeMode size, int seed)
    {
        var code = MakeCode(new Random(seed * 4 + (int)size));
        using var machine = new FuzzMachine();
        machine.Load(size, code, (ulong)seed * 0x9E37_79B9_7F4A_7C15);
        var whole = machine.Run(Instructions, ulong.MaxValue >> 1);
        foreach (var piece in (ulong[])[1, 2, 3, 7, 64])
        {
            using var other = new FuzzMachine();
            other.Load(size, code, (ulong)seed * 0x9E37_79B9_7F4A_7C15);
            var cut = other.Run(Instructions, piece);
            Assert.True(whole == cut, $"pieces of {piece}:\n{Difference(whole, cut)}");
        }
    }

    private static byte[] MakeCode(Random random)
    {
        var code = new byte[FuzzMachine.CodeBytes];
        random.NextBytes(code);
        for (var at = 0; at < code.Length - 16;)
        {
            if (random.Next(3) != 0)
                Openings[random.Next(Openings.Length)].CopyTo(code, at);
            at += random.Next(3, 9);
        }
        return code;
    }

    private static string Difference(string whole, string cut)
    {
        var (a, b) = (whole.Split(' '), cut.Split(' '));
        return string.Join("\n", a.Zip(b).Where(pair => pair.First != pair.Second).Select(pair => $"{pair.First} | {pair.Second}"));
    }
}
