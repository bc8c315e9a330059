using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Reflection;
using System.Text.Json;

namespace Emu.Compare;

internal static class Program
{
    private static readonly Option<int> Rounds = new("--rounds")
    {
        Description = "how often each guest runs on either side",
        DefaultValueFactory = _ => 3,
    };

    private static readonly Option<string> Engines = new("--engine")
    {
        Description = "one or more, separated by commas: auto, interpreter, jit",
        DefaultValueFactory = _ => "auto",
    };

    private static readonly Option<string> Only = new("--only")
    {
        Description = "these workloads alone, separated by commas; linux is one",
    };

    private static readonly Option<double> Limit = new("--limit")
    {
        Description = "seconds for one run (60, and 20 for Linux); QEMU's Linux sometimes never gets past its TSC calibration",
    };

    private static readonly Option<string> Memory = new("--memory") { Description = "guest memory", DefaultValueFactory = _ => "512M" };

    private static readonly Option<string> Kernel = new("--kernel") { Description = "another kernel that speaks the protocol of testkernels/bench" };

    private static readonly Option<string> Workloads = new("--workloads")
    {
        Description = "its workloads: a JSON object with a count for each name (bench/workloads.json is ours)",
    };

    private static readonly Option<string> Linux = new("--linux") { Description = "a Linux kernel to boot as well" };

    private static readonly Option<string> Initrd = new("--initrd")
    {
        Description = "its initramfs, which must power the machine off (.ci/guests builds such a one: initrd-test.gz)",
    };

    private static readonly Option<string> Append = new("--append") { Description = "its command line", DefaultValueFactory = _ => "console=ttyS0" };

    private static readonly Option<int> Vcpus = new("--vcpus") { Description = "its processors", DefaultValueFactory = _ => 1 };

    private static readonly Option<bool> SameState = new("--same-state")
    {
        Description = "run each once more, untimed: every engine must end in the interpreter's state after as many instructions",
    };

    private static readonly Option<string> Emulator = new("--emu") { Description = "the emulator's command with its verb (this checkout's Release build)" };

    private static readonly Option<string> Qemu = new("--qemu") { Description = "QEMU's command", DefaultValueFactory = _ => "qemu-system-x86_64" };

    private static string Repository { get; } =
        Assembly.GetExecutingAssembly().GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!;

    public static int Main(string[] arguments)
    {
        var root = new RootCommand(
            "Runs guest workloads, and Linux, here and in QEMU's TCG alternately, and prints the ratios of times: below 1 this emulator is faster. "
            + "A workload is timed from its line START to its line RESULT, Linux from start to end of the process. A checksum that differs fails the row "
            + "and the exit status.")
        {
            Rounds, Engines, Only, Limit, Memory, Kernel, Workloads, Linux, Initrd, Append, Vcpus, SameState, Emulator, Qemu,
        };
        root.SetAction(result =>
        {
            try
            {
                return new Comparison(Bind(result), Console.Out, Console.Error).Run();
            }
            catch (Exception e) when (e is InvalidDataException or IOException or JsonException or System.ComponentModel.Win32Exception)
            {
                Console.Error.WriteLine($"compare: {e.Message}");
                return 2;
            }
        });
        return root.Parse(arguments).Invoke();
    }

    private static CompareOptions Bind(ParseResult result)
    {
        string emulator = result.GetValue(Emulator)
            ?? $"dotnet \"{Path.Combine(Repository, "src", "Emu.Host", "bin", "Release", "net10.0", "emu.dll")}\" run";
        double limit = result.GetValue(Limit);
        return new CompareOptions
        {
            Guests = Guests(result),
            Engines = result.GetValue(Engines)!.Split(',', StringSplitOptions.RemoveEmptyEntries),
            Rounds = Math.Max(result.GetValue(Rounds), 1),
            Emulator = [.. CommandLineParser.SplitCommandLine(emulator)],
            Qemu = result.GetValue(Qemu)!,
            Memory = result.GetValue(Memory)!,
            Limit = limit > 0 ? TimeSpan.FromSeconds(limit) : null,
            SameState = result.GetValue(SameState),
        };
    }

    private static List<Guest> Guests(ParseResult result)
    {
        string kernel = result.GetValue(Kernel) ?? Path.Combine(Repository, "testkernels", "bench", "bench.elf");
        string file = result.GetValue(Workloads) ?? Path.Combine(Repository, "bench", "workloads.json");
        Dictionary<string, long> counts = JsonSerializer.Deserialize<Dictionary<string, long>>(File.ReadAllBytes(file))!;
        var guests = new List<Guest>();
        foreach ((string name, long count) in counts)
            guests.Add(new Workload(name, Existing(kernel), count));
        if (result.GetValue(Linux) is { } linux)
        {
            string initrd = result.GetValue(Initrd) ?? throw new InvalidDataException("--linux needs --initrd");
            guests.Add(new LinuxBoot(Existing(linux), Existing(initrd), result.GetValue(Append)!, result.GetValue(Vcpus)));
        }

        if (result.GetValue(Only) is not { } only)
            return guests;
        var chosen = new List<Guest>();
        foreach (string name in only.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            chosen.Add(guests.Find(guest => guest.Name == name)
                ?? throw new InvalidDataException($"there is no workload '{name}' (linux needs --linux); there are: "
                    + string.Join(' ', guests.Select(guest => guest.Name))));
        }

        return chosen;
    }

    private static string Existing(string file) => File.Exists(file) ? file : throw new FileNotFoundException($"there is no file '{file}'");
}
