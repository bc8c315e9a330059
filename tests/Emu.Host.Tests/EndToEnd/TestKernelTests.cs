namespace Emu.Host.Tests.EndToEnd;

public sealed class TestKernelTests
{
    public static TheoryData<string> Cases => [.. TestKernelCase.All().Select(item => item.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Test_kernel_says_what_is_expected(string name)
    {
        TestKernelCase item = TestKernelCase.All().Single(item => item.Name == name);

        EmuResult result = EmuProcess.Run(["run", .. item.Guest, .. item.Options, "--timeout", "120"]);

        Assert.True(
            item.ExpectedConsole().IsMatch(result.Console),
            $"exit code {result.ExitCode}\n--- expected\n{item.ExpectedText()}\n--- console\n{result.Console}\n--- stderr\n{result.Error}");
        Assert.Equal(item.ExitCode, result.ExitCode);
    }

    /// <summary>A kernel that nobody runs proves nothing.</summary>
    [Fact]
    public void Every_test_kernel_has_a_case()
    {
        string[] kernels = [.. Directory.GetDirectories(TestFiles.TestKernels).Where(path => File.Exists(Path.Combine(path, "kernel.s")) || File.Exists(Path.Combine(path, "rom.s"))).Select(path => Path.GetFileName(path)).Order()];

        Assert.NotEmpty(kernels);
        Assert.Equal(kernels, TestKernelCase.All().Select(item => item.Folder).Distinct().Order());
    }
}
