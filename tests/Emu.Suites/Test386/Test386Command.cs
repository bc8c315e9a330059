using System.CommandLine;
using Emu.Machine;
using Emu.Machine.Firmware;

namespace Emu.Suites.Test386;

/// <summary><c>test386 PATH</c>: runs the ROMs that test386.asm was assembled to, and compares what they print with its reference.</summary>
internal static class Test386Command
{
    private const string ReferenceName = "test386-EE-reference.txt";
    private const ulong DefaultInstructions = 1_000_000_000;

    public static Command Create()
    {
        Argument<string> path = new("PATH") { Description = "A ROM, or a folder: every .bin file in it that has the size of a ROM is run." };
        Option<string?> reference = new("--reference")
        {
            HelpName = "FILE",
            Description = $"What the ROM must print. [{ReferenceName} in the ROM's folder, or the one above]",
        };
        Option<ulong> maximum = new("--max-instructions")
        {
            HelpName = "N",
            Description = "When to give a ROM up.",
            DefaultValueFactory = _ => DefaultInstructions,
        };
        Option<ExecutionEngine> engine = EngineOption.Create();
        Command command = new("test386", "Runs ROMs assembled from test386.asm from the reset vector to POST 0xFF.") { path, reference, maximum, engine };
        command.SetAction(result =>
            Run(result.GetRequiredValue(path), result.GetValue(reference), result.GetValue(maximum), result.GetValue(engine)));
        return command;
    }

    private static int Run(string path, string? reference, ulong maximum, ExecutionEngine engine)
    {
        int failures = 0;
        foreach (string rom in Roms(path))
        {
            string[] expected = ReadReference(reference ?? FindReference(rom));
            Test386Result result = Test386Run.Run(ReadRom(rom), maximum, engine);
            if (!Report(rom, result, expected))
                failures++;
        }

        return failures == 0 ? SuiteExitCode.Success : SuiteExitCode.Worse;
    }

    private static List<string> Roms(string path)
    {
        if (File.Exists(path))
            return [path];
        if (!Directory.Exists(path))
            throw new SuiteException($"'{path}' is neither a file nor a folder.");
        List<string> roms = [.. Directory.EnumerateFiles(path, "*.bin").Where(IsRom).Order(StringComparer.Ordinal)];
        return roms.Count != 0
            ? roms
            : throw new SuiteException($"'{path}' holds no .bin file with the size of a ROM; assemble test386.asm there first.");
    }

    private static bool IsRom(string file) =>
        new FileInfo(file).Length is > 0 and <= FirmwareImage.Largest and var length && length % FirmwareImage.Unit == 0;

    private static FirmwareImage ReadRom(string file)
    {
        try
        {
            return FirmwareImage.FromBytes(File.ReadAllBytes(file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or MachineConfigurationException)
        {
            throw new SuiteException($"'{file}' cannot be run: {e.Message}", e);
        }
    }

    private static string FindReference(string rom)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(rom))!;
        string beside = Path.Combine(folder, ReferenceName);
        string above = Path.Combine(folder, "..", ReferenceName);
        return File.Exists(beside) || !File.Exists(above) ? beside : above;
    }

    private static string[] ReadReference(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SuiteException($"The reference '{file}' cannot be read: {e.Message}", e);
        }
    }

    private static bool Report(string rom, Test386Result result, string[] expected)
    {
        Console.WriteLine($"{Path.GetFileName(rom)}: {result.Instructions} instructions, {result.End}");
        Console.WriteLine($"  POST {string.Join(' ', result.PostCodes.Select(static code => $"{code:X2}"))}");
        List<string> faults = [];
        if (result.PostCodes is not [.., 0xFF])
        {
            faults.Add(result.PostCodes is [.., var last]
                ? $"stopped in test {last:X2} at {result.Place}; the listing tells the test at that address"
                : $"no POST code came; the processor is at {result.Place}");
        }

        if (result.Lines.Length == 0)
            faults.Add("nothing was printed: assemble with OUT_PORT equ 0xE9 or COM_PORT equ 1");
        else
            Compare(result.Lines, expected, faults);
        foreach (string fault in faults)
            Console.WriteLine($"  {fault}");
        Console.WriteLine(faults.Count == 0 ? $"  PASS: POST FF, {expected.Length} lines as in the reference" : "  FAIL");
        return faults.Count == 0;
    }

    private static void Compare(string[] lines, string[] expected, List<string> faults)
    {
        const int Shown = 5;
        int different = 0;
        for (int i = 0; i < Math.Max(lines.Length, expected.Length); i++)
        {
            string got = i < lines.Length ? lines[i].TrimEnd() : "(nothing more)";
            string want = i < expected.Length ? expected[i].TrimEnd() : "(nothing more)";
            if (got == want)
                continue;
            if (different++ < Shown)
                faults.Add($"line {i + 1} is      {got}\n  where it should be {want}");
        }

        if (different > Shown)
            faults.Add($"{different} lines differ in all");
    }
}
