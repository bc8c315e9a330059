using System.Runtime.CompilerServices;
using Xunit;

namespace Emu.Cpu.Tests.Model;

/// <summary>docs/instructions.md is what the model and the table say.</summary>
public sealed class InstructionDocumentTests
{
    [Fact]
    public void Every_form_has_a_handler_or_a_reason()
    {
        var gaps = InstructionDocument.Gaps().ToList();
        Assert.True(gaps.Count == 0, string.Join(Environment.NewLine, gaps));
    }

    [Fact]
    public void The_committed_file_is_what_would_be_generated()
    {
        var generated = InstructionDocument.Generate();
        if (Environment.GetEnvironmentVariable("EMU_WRITE_DOCS") == "1")
            File.WriteAllText(FilePath(), generated);
        var committed = File.ReadAllText(FilePath()).ReplaceLineEndings("\n");
        var line = committed.Split('\n').Zip(generated.Split('\n')).FirstOrDefault(static pair => pair.First != pair.Second);
        Assert.True(committed == generated,
            $"docs/instructions.md is out of date: it has '{line.First}' for '{line.Second}'. {InstructionDocument.Command} writes it anew.");
    }

    private static string FilePath([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "docs", "instructions.md"));
}
