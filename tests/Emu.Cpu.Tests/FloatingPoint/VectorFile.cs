using System.Globalization;

namespace Emu.Cpu.Tests.FloatingPoint;

/// <summary>Reads the recorded results beside this file.</summary>
internal static class VectorFile
{
    public static IReadOnlyList<string[]> Read(string name)
    {
        string path = Path.Combine(AppContext.BaseDirectory, "FloatingPoint", "Vectors", name);
        return File.ReadLines(path).Where(line => line.Length > 0).Select(line => line.Split(' ')).ToList();
    }

    public static IEnumerable<object[]> Operations(string name)
        => Read(name).Select(fields => fields[0]).Distinct().Select(operation => new object[] { operation });

    public static ulong Hex(string field) => ulong.Parse(field, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
