using Xunit;

namespace Emu.Cpu.Tests.Instructions;

/// <summary>The cases of <c>Cases/*.txt</c>, one file for each mnemonic.</summary>
public sealed class InstructionCaseTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Instructions", "Cases");

    public static TheoryData<string> Files => [.. Directory.GetFiles(Folder, "*.txt").Select(static path => Path.GetFileNameWithoutExtension(path)).Order()];

    [Theory]
    [MemberData(nameof(Files))]
    public void Every_case_of_the_mnemonic_holds(string mnemonic)
    {
        using var fixture = new CpuFixture(CpuVendor.Amd);
        var cases = InstructionCase.Read(Path.Combine(Folder, mnemonic + ".txt")).ToList();
        Assert.NotEmpty(cases);
        var wrong = cases.Select(one => one.Run(fixture)).OfType<string>().ToList();
        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }
}
