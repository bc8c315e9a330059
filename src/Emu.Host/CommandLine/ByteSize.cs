using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Emu.Host.CommandLine;

/// <summary>Sizes as people write them on a command line: <c>512M</c>, <c>2G</c>, <c>1GiB</c>, <c>256</c> (MiB, as QEMU reads it).</summary>
public static class ByteSize
{
    /// <summary>Reads a size.</summary>
    /// <param name="text">A whole number and an optional unit K, M, G or T, with or without "B" or "iB", in either case. Units are powers of 1024.</param>
    /// <param name="bytes">The size in bytes.</param>
    /// <returns>False where the text is not a size or does not fit 63 bits.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out ulong bytes)
    {
        bytes = 0;
        if (string.IsNullOrEmpty(text))
            return false;
        int digits = 0;
        while (digits < text.Length && char.IsAsciiDigit(text[digits]))
            digits++;
        if (!ulong.TryParse(text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out ulong number))
            return false;
        int? shift = text[digits..].ToUpperInvariant() switch
        {
            "" or "M" or "MB" or "MIB" => 20,
            "B" => 0,
            "K" or "KB" or "KIB" => 10,
            "G" or "GB" or "GIB" => 30,
            "T" or "TB" or "TIB" => 40,
            _ => null,
        };
        if (shift is not { } bits || number > (ulong)long.MaxValue >> bits)
            return false;
        bytes = number << bits;
        return true;
    }

    /// <summary>Writes a size with the largest unit that leaves it whole.</summary>
    /// <param name="bytes">The size in bytes.</param>
    /// <returns>For instance "512 MiB".</returns>
    public static string Format(ulong bytes)
    {
        ReadOnlySpan<string> units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
        int unit = 0;
        while (unit < units.Length - 1 && bytes != 0 && bytes % 1024 == 0)
        {
            bytes /= 1024;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{bytes} {units[unit]}");
    }
}
