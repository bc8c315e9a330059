using System.Globalization;
using System.Text.Json;

namespace Emu.Suites.SingleStep;

/// <summary>The flags that the suite itself calls undefined: <c>metadata.json</c> beside the files.</summary>
internal sealed class UndefinedFlags
{
    private const uint Defined = 0xFFFF;

    private readonly JsonElement? _opcodes;

    private UndefinedFlags(JsonElement? opcodes) => _opcodes = opcodes;

    /// <summary>Reads what a folder says; without the file, nothing is undefined but what the tests' own masks say.</summary>
    public static UndefinedFlags Of(string folder)
    {
        string file = Path.Combine(folder, "metadata.json");
        if (!File.Exists(file))
            return new UndefinedFlags(null);
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(file));
            return new UndefinedFlags(document.RootElement.GetProperty("opcodes").Clone());
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or IOException)
        {
            throw new SuiteException($"'{file}' is not the metadata of a suite: {e.Message}", e);
        }
    }

    /// <summary>The bits of FLAGS that count.</summary>
    /// <param name="form">The file's name without extensions: an opcode, and after a dot the opcode extension of a group.</param>
    public uint MaskOf(string form)
    {
        string[] parts = form.Split('.');
        if (_opcodes is not { } opcodes || !opcodes.TryGetProperty(parts[0], out JsonElement entry))
            return Defined;
        if (parts.Length > 1 && entry.TryGetProperty("reg", out JsonElement group) && group.TryGetProperty(parts[1], out JsonElement member))
            entry = member;
        return entry.TryGetProperty("flags-mask", out JsonElement mask) ? uint.Parse(mask.GetRawText(), CultureInfo.InvariantCulture) : Defined;
    }
}
