using System.Reflection;

namespace Emu.Fuzz.Generation;

/// <summary>Pieces of code that people wrote: the test kernels, with a byte changed now and then.</summary>
internal static class RealCode
{
    private static readonly byte[][] Kernels = [.. Assembly.GetExecutingAssembly().GetManifestResourceNames()
        .Where(static name => name.EndsWith(".elf", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(Load)];

    /// <summary>The test kernels' files.</summary>
    public static IReadOnlyList<byte[]> Files => Kernels;

    public static byte[] Piece(Dice dice)
    {
        var kernel = dice.Pick(Kernels);
        var length = dice.Below(24) + 4;
        // The headers and notes come first, the code soon after.
        var piece = kernel.AsSpan(Math.Min(0x100 + dice.Below(0x1800), kernel.Length - length), length).ToArray();
        if (dice.OneIn(2))
            piece[dice.Below(length)] = dice.Byte();
        return piece;
    }

    private static byte[] Load(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
