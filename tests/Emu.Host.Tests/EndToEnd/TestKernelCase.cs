using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Emu.Host.Tests.EndToEnd;

/// <summary>One line of testkernels/cases.txt: which kernel runs with which options, and how it must end.</summary>
internal sealed record TestKernelCase(string Name, int ExitCode, IReadOnlyList<string> Options)
{
    public string Folder => Name.Split(':')[0];

    /// <summary>How <c>emu run</c> is told the kernel (a flat one is a .bin), or the ROM.</summary>
    public IReadOnlyList<string> Guest => File.Exists(FileWith(".rom")) ? ["--firmware", FileWith(".rom")]
        : File.Exists(FileWith(".bin")) ? [FileWith(".bin")]
        : [FileWith(".elf")];

    private string ExpectedFile =>
        Path.Combine(TestFiles.TestKernels, Folder, Name.Contains(':', StringComparison.Ordinal) ? $"expected-{Name.Split(':')[1]}.txt" : "expected.txt");

    private string FileWith(string extension) => Path.Combine(TestFiles.TestKernels, Folder, Folder + extension);

    public static IEnumerable<TestKernelCase> All()
    {
        foreach (string line in File.ReadLines(Path.Combine(TestFiles.TestKernels, "cases.txt")))
        {
            string[] columns = line.Split((char[]?)null, 4, StringSplitOptions.RemoveEmptyEntries);
            if (columns.Length == 0 || columns[0].StartsWith('#'))
                continue;
            string options = columns.Length > 3 ? columns[3] : "";
            yield return new TestKernelCase(
                columns[0],
                int.Parse(columns[1], CultureInfo.InvariantCulture),
                [.. Words(options.Replace("$HERE", TestFiles.TestKernels, StringComparison.Ordinal))]);
        }
    }

    /// <summary>The console that is expected: <c>&lt;any&gt;</c> stands for text within a line, a line <c>&lt;lines&gt;</c> for any lines.</summary>
    public Regex ExpectedConsole()
    {
        StringBuilder pattern = new(@"\A");
        foreach (string line in File.ReadLines(ExpectedFile))
        {
            pattern.Append(line == "<lines>"
                ? @"(?:[^\n]*\n)*?"
                : Regex.Escape(line).Replace("<any>", @"[^\n]*", StringComparison.Ordinal) + @"\n");
        }

        return new Regex(pattern.Append(@"\z").ToString(), RegexOptions.CultureInvariant, TimeSpan.FromSeconds(30));
    }

    public string ExpectedText() => File.ReadAllText(ExpectedFile);

    /// <summary>Splits as a shell does: blanks part words, quotes of both kinds keep them together.</summary>
    private static IEnumerable<string> Words(string text)
    {
        StringBuilder word = new();
        char quote = '\0';
        bool hasWord = false;
        foreach (char c in text)
        {
            if (quote != '\0' ? c == quote : c is '"' or '\'')
            {
                quote = quote == '\0' ? c : '\0';
                hasWord = true;
            }
            else if (quote == '\0' && char.IsWhiteSpace(c))
            {
                if (hasWord)
                    yield return word.ToString();
                word.Clear();
                hasWord = false;
            }
            else
            {
                word.Append(c);
                hasWord = true;
            }
        }

        if (hasWord)
            yield return word.ToString();
    }
}
