using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;
using Emu.Host.Tests.EndToEnd;

namespace Emu.Host.Tests.Explaining;

/// <summary>The stories that <c>emu explain</c> tells of the test kernels and of Debian's.</summary>
/// <remarks>milestones.txt has the milestones of each case of testkernels/cases.txt with their counts; <see cref="Command"/> writes it anew.</remarks>
public sealed partial class ExplainTests : IDisposable
{
    private const string Command = "EMU_WRITE_MILESTONES=1 dotnet test -c Release tests/Emu.Host.Tests --filter FullyQualifiedName~ExplainTests";

    private static readonly string Golden = Path.Combine(TestFiles.Repository, "tests", "Emu.Host.Tests", "Explaining", "milestones.txt");

    private readonly TestFiles.TemporaryFolder _folder = new();

    public static TheoryData<string> Cases => [.. TestKernelCase.All().Where(item => item.Folder != "bench").Select(item => item.Name)];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Cases))]
    public void Each_test_kernel_has_its_milestones(string name)
    {
        TestKernelCase item = TestKernelCase.All().Single(item => item.Name == name);
        EmuResult result = EmuProcess.Run(["explain", .. item.Guest, .. item.Options]);
        string story = string.Concat(Milestones(result.Output).Select(milestone => $"{milestone.Count} {milestone.Title}\n"));
        if (Environment.GetEnvironmentVariable("EMU_WRITE_MILESTONES") == "1")
            Write(name, story);

        Assert.True(item.ExitCode == result.ExitCode, result.Error);
        Assert.True(Read().TryGetValue(name, out string? expected), $"milestones.txt has no '{name}'; {Command}");
        Assert.Equal(expected, story);
    }

    [Fact]
    public void The_tour_is_told_step_by_step_with_place_instruction_and_manual()
    {
        EmuResult result = EmuProcess.Run("explain");

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("EBX        0x119000: hvm_start_info version 1", result.Output, StringComparison.Ordinal);
        Assert.Contains("after 25 instructions (25 ns), vCPU 0, 0x1011dd pvh_entry+0x7b: lgdt [0x104818]", result.Output, StringComparison.Ordinal);
        Assert.Contains("         0x28      64-bit code, ring 3  0x0   0xffffffff  00affa000000ffff\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("CR0          0x11 → 0x80000011: +PG\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("page tables  1 PML4, 1 PDPT, 4 PDs, 1 PT; pages: 2,047 of 2 MiB\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("         0–3fffffff         0         1 GiB     2 MiB     rwx ring 3  identity\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("0x101c0e at_ud2+0x151: jmp far 0x101c15, 8\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("error code  0x2: a supervisor write; no page is mapped\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("[Intel SDM Vol. 3, 9.8.5 \"Initializing IA-32e Mode\"]\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("[AMD APM Vol. 2, 14.6 ", EmuProcess.Run("explain", "--cpu-vendor", "amd").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void To_be_listened_to_changes_nothing_of_the_run()
    {
        string statistics = _folder.File("stats.json");
        string kernel = Path.Combine(TestFiles.TestKernels, "syscall", "syscall.elf");
        EmuProcess.Run("run", kernel, "--stats", statistics);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(statistics));

        Assert.Equal(json.RootElement.GetProperty("instructions").GetUInt64(), Milestones(EmuProcess.Run("explain", kernel).Output)[^1].Count);
    }

    [Theory]
    [InlineData("interpreter")]
    [InlineData("jit")]
    public void The_story_is_the_same_on_every_engine(string engine)
    {
        string kernel = Path.Combine(TestFiles.TestKernels, "paging-long", "paging-long.elf");

        Assert.Equal(EmuProcess.Run("explain", kernel).Output, EmuProcess.Run("explain", kernel, "--engine", engine).Output);
    }

    [Fact]
    public void Controllers_and_timers_are_told_with_place_and_facts()
    {
        string pit = Explain("pit");
        Assert.Contains(
            "9A interrupt controller is set up: IRQ 0–7 become vectors 0x20–0x27\n     after 986 instructions (986 ns), vCPU 0, 0x100b9c main+0x47: out 0x21, al\n", pit, StringComparison.Ordinal);
        Assert.Contains("is set up: IRQ 8–15 become vectors 0x28–0x2f\n", pit, StringComparison.Ordinal);
        Assert.Contains("wired             at input 2 of the first\n", pit, StringComparison.Ordinal);
        Assert.Contains("The 8254 timer's channel 0 is set up: rate generator\n", pit, StringComparison.Ordinal);
        Assert.Contains("count  65,536 at 1,193,182 Hz: every 54.9 ms, 18.2 times a second\n", pit, StringComparison.Ordinal);
        Assert.Contains("[Intel 8254 data sheet (231164), ", pit, StringComparison.Ordinal);

        // The instruction is the one that writes, not the one with which its block begins.
        string routes = Explain("ioapic");
        Assert.Contains("The I/O APIC routes input 4: COM1\n     after 9,737 instructions (9.7 µs), vCPU 0, 0x100e4f main+0x2ae: mov dword ptr [0xfec00010], 0x54\n", routes, StringComparison.Ordinal);
        Assert.Contains("       message  vector 0x54, fixed\n       goes to  APIC 0\n       line     active high, edge\n       handler  interrupt gate to 0x38:0x100b47 on_uart\n", routes, StringComparison.Ordinal);

        static string Explain(string kernel) => EmuProcess.Run("explain", Path.Combine(TestFiles.TestKernels, kernel, $"{kernel}.elf")).Output;
    }

    [Theory]
    [InlineData("1", 2)]
    [InlineData("2", 3)]
    public void A_guest_that_reboots_is_followed_through_its_restarts(string restarts, int lives)
    {
        string[] guest = [Path.Combine(TestFiles.TestKernels, "power", "power.elf"), "--machine", "xen", "--append", "how=xen-reboot"];
        List<StoryLine> once = Milestones(EmuProcess.Run(["explain", .. guest]).Output);
        EmuResult result = EmuProcess.Run(["explain", .. guest, "--restarts", restarts]);
        List<StoryLine> story = Milestones(result.Output);

        // What was told in the first life is not told again; counts go on.
        Assert.Equal(4, result.ExitCode);
        Assert.Equal(once[..^1], story[..(once.Count - 1)]);
        Assert.Equal(
            [.. Enumerable.Range(2, lives - 1).Select(life => ($"The guest is started anew: life {life}", once[^1].Count * (ulong)(life - 1))), ("The guest is not started anew once more", once[^1].Count * (ulong)lives)],
            story[(once.Count - 1)..].Select(line => (line.Title, line.Count)));
        Assert.Contains($"The guest was started anew {(restarts == "1" ? "once" : $"{restarts} times")}, which is the limit (--restarts).", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_console_of_all_lives_is_shown()
    {
        string kernel = Path.Combine(TestFiles.TestKernels, "power", "power.elf");
        string Console(params string[] more) => string.Concat(
            EmuProcess.Run(["explain", kernel, "--machine", "xen", "--append", "how=xen-reboot", "--console", .. more]).Output.Split('\n').Where(line => line.StartsWith("     | ", StringComparison.Ordinal)));

        string one = Console();
        Assert.NotEmpty(one);
        Assert.Equal(one + one, Console("--restarts", "1"));
    }

    [Fact]
    public void A_crash_ends_the_story_with_its_reason()
    {
        EmuResult result = EmuProcess.Run("explain", Path.Combine(TestFiles.TestKernels, "triple-fault", "triple-fault.elf"));

        Assert.Equal(3, result.ExitCode);
        Assert.Contains("The guest crashes: triple fault", Milestones(result.Output)[^1].Title, StringComparison.Ordinal);
        Assert.Contains("no exception can be delivered and the first", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_needs_nothing_else_and_leaves_the_guests_text_text()
    {
        // Writes "</pre><script>&\n" to COM1, then ends by port 0xF4.
        byte[] code = [.. "</pre><script>&\n"u8.ToArray().SelectMany(static c => new byte[] { 0xB0, c, 0xEE }), 0xB0, 0, 0xE6, 0xF4];
        string kernel = _folder.Write("kernel.elf", TinyKernel.Build([0x66, 0xBA, 0xF8, 0x03, .. code]));
        string file = _folder.File("page.html");
        EmuResult result = EmuProcess.Run("explain", kernel, "--html", file, "--append", "<img src=x onerror=alert(1)>");

        Assert.True(result.ExitCode == 1, result.Error);
        string text = File.ReadAllText(file);
        XDocument page = Parse(text);
        Assert.DoesNotContain("://", text, StringComparison.Ordinal);
        Assert.DoesNotContain(page.Descendants(), element => element.Name.LocalName is "link" or "img" or "iframe" || element.Attribute("src") is not null);
        Assert.Equal("</pre><script>&\n", page.Descendants("pre").Single().Value);
        Assert.Contains("“<img src=x onerror=alert(1)>”", page.Descendants("dd").Select(element => element.Value));
        Assert.Equal(Milestones(result.Output).Count, page.Descendants("article").Count());
        Assert.All(page.Descendants("a"), link => Assert.Single(page.Descendants(), element => $"#{element.Attribute("id")?.Value}" == link.Attribute("href")!.Value));
    }

    [SkippableFact]
    public void The_page_is_as_wide_as_a_phone_with_all_tables_open()
    {
        const string browser = "/usr/bin/chromium";
        Skip.IfNot(File.Exists(browser), $"There is no {browser}: Debian's package 'chromium' has it.");
        EmuProcess.Run("explain", "--html", _folder.File("page.html"));
        // Wider than its window is what a phone would zoom out for.
        string frame = _folder.File("frame.html");
        File.WriteAllText(frame, """
            <!DOCTYPE html><body><iframe src="page.html" style="width:390px;height:844px;border:0"></iframe><script>
            onload = () => {
              const page = document.querySelector("iframe").contentDocument;
              page.querySelector("#all").click();
              document.body.append(`open ${page.querySelectorAll("details[open]").length > 20}, too wide by ${page.documentElement.scrollWidth - page.documentElement.clientWidth}.`);
            };
            </script></body>
            """);
        ProcessStartInfo start = new(browser, ["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", $"--user-data-dir={_folder.File("profile")}", "--dump-dom", $"file://{frame}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginErrorReadLine();
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();

        Assert.Contains("open true, too wide by 0.", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_story_can_end_at_a_line_of_the_console()
    {
        EmuResult result = EmuProcess.Run("explain", "--until", "sees when it is started", "--console");

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("     | PVH tour: what a kernel sees when it is started without firmware\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("The story ends here", Milestones(result.Output)[^1].Title, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--html", "/no/such/folder/page.html")]
    [InlineData("no-such-kernel")]
    [InlineData("--trace", "x")]
    [InlineData("--html")]
    public void A_mistake_is_one_sentence_and_exit_code_2(params string[] arguments)
    {
        EmuResult result = EmuProcess.Run(["explain", .. arguments]);

        Assert.Equal(2, result.ExitCode);
        Assert.Single(result.Error.TrimEnd('\n').Split('\n'));
        Assert.Empty(result.Output);
    }

    [SkippableTheory]
    [InlineData("pc", "1")]
    [InlineData("xen", "2")]
    public void Debians_boot_has_its_milestones_in_order(string machine, string vcpus)
    {
        string file = _folder.File("page.html");
        EmuResult result = EmuProcess.Run(
            "explain", TestFiles.Guest("vmlinuz-amd64"), "--initrd", TestFiles.Guest("initrd-smp.gz"), "--machine", machine, "--vcpus", vcpus, "--html", file);

        Assert.True(result.ExitCode == 0, result.Error);
        List<(string Title, string? Symbol)> expected =
        [
            ("The kernel is entered through PVH", "pvh_start_xen"),
            ("The first GDT", "pvh_start_xen"),
            ("Page-table entries get 64 bits", "pvh_start_xen"),
            ("Long mode is asked for", "pvh_start_xen"),
            ("Paging is switched on, and with it long mode", "pvh_start_xen"),
            ("Far jump into 64-bit mode", "pvh_start_xen"),
            ("The first IDT", "startup_64"),
            ("Another set of page tables", "secondary_startup_64"),
            ("First page fault", null),
            .. machine == "xen" ? ((string, string?)[])[("The first hypercall: xen_version", "xen_hypercall"), ("Hypercall vcpu_op.register_vcpu_info", null)] : [],
            ("The task register is loaded", null),
            ("First words on the console", null),
            ("The first interrupt", null),
            .. vcpus == "1" ? ((string, string?)[])[] : [("vCPU 1 starts", null), ("vCPU 1: Far jump into 64-bit mode", null)],
            ("The first instruction in ring 3", null),
            ("The first system call", null),
            ("The guest switches itself off", null),
        ];
        List<StoryLine> milestones = Milestones(result.Output);
        string[] controllers = machine == "pc"
            ? ["The I/O APIC is found", "The date is read from the real-time clock", "The local APIC is enabled", "The local APIC's timer may interrupt: TSC deadline", "The I/O APIC routes input 4: COM1"]
            : ["The local APIC is switched to x2APIC mode", "The local APIC is enabled", "The first INIT message"];
        foreach (string title in controllers)
            Assert.Contains(milestones, milestone => milestone.Title == title);
        // A domain has no chips.
        Assert.Equal(machine == "pc", milestones.Any(milestone => milestone.Title.Contains("I/O APIC", StringComparison.Ordinal)));
        int at = 0;
        foreach ((string title, string? symbol) in expected)
        {
            int found = milestones.FindIndex(at, milestone => milestone.Title.StartsWith(title, StringComparison.Ordinal));
            // The first interrupt of a domain may come before its console speaks.
            found = found < 0 && title == "The first interrupt" ? milestones.FindIndex(milestone => milestone.Title.StartsWith(title, StringComparison.Ordinal)) : found;
            Assert.True(found >= 0, $"'{title}' is missing, or too early, in:\n{result.Output}");
            Assert.StartsWith(symbol ?? "", milestones[found].Symbol, StringComparison.Ordinal);
            at = Math.Max(at, found);
        }

        Assert.Equal(milestones.Count, Parse(File.ReadAllText(file)).Descendants("article").Count());
    }

    private static XDocument Parse(string page)
    {
        using XmlReader reader = XmlReader.Create(new StringReader(page), new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore });
        return XDocument.Load(reader, LoadOptions.PreserveWhitespace);
    }

    private static List<StoryLine> Milestones(string story)
    {
        List<StoryLine> milestones = [];
        foreach (Match match in Heading().Matches(story))
        {
            milestones.Add(new StoryLine(
                match.Groups["title"].Value, ulong.Parse(match.Groups["count"].Value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture), match.Groups["symbol"].Value));
        }

        return milestones;
    }

    private static Dictionary<string, string> Read()
    {
        Dictionary<string, string> stories = [];
        foreach (string part in File.Exists(Golden) ? File.ReadAllText(Golden).ReplaceLineEndings("\n").Split("== ", StringSplitOptions.RemoveEmptyEntries) : [])
        {
            int end = part.IndexOf('\n', StringComparison.Ordinal);
            stories[part[..end]] = part[(end + 1)..].TrimEnd('\n') + "\n";
        }

        return stories;
    }

    private static void Write(string name, string story)
    {
        Dictionary<string, string> stories = Read();
        stories[name] = story;
        StringBuilder text = new();
        foreach ((string key, string value) in stories.OrderBy(static pair => pair.Key, StringComparer.Ordinal))
            text.Append(CultureInfo.InvariantCulture, $"== {key}\n{value}\n");
        File.WriteAllText(Golden, text.ToString());
    }

    [GeneratedRegex(@"^ *\d+\. (?<title>.*)\n     after (?<count>[\d,]+) instructions \([^)]*\), vCPU \d+(, 0x[0-9a-f]+)?( (?<symbol>[^ :\n]+))?", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Heading();

    private readonly record struct StoryLine(string Title, ulong Count, string Symbol);
}
