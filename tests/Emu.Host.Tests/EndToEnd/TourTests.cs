
namespace Emu.Host.Tests.EndToEnd;

public sealed class TourTests
{
    [Fact]
    public void Without_a_kernel_the_tour_explains_what_it_sees_and_powers_off()
    {
        EmuResult result = EmuProcess.Run("run");

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("PVH tour", result.Console, StringComparison.Ordinal);
        Assert.Contains("0x336ec578", result.Console, StringComparison.Ordinal);
        Assert.Contains("64-bit", result.Console, StringComparison.Ordinal);
        Assert.Contains("XenVMMXenVMM", result.Console, StringComparison.Ordinal);
        Assert.EndsWith("PASS\n", result.Console, StringComparison.Ordinal);
        Assert.Empty(result.Error);
    }

    [Fact]
    public void The_embedded_tour_is_the_committed_kernel()
    {
        using Stream resource = typeof(ExitCode).Assembly.GetManifestResourceStream("tour.elf")!;
        using MemoryStream embedded = new();
        resource.CopyTo(embedded);

        Assert.Equal(File.ReadAllBytes(TestFiles.TourKernel), embedded.ToArray());
    }

    [Fact]
    public void The_command_line_reaches_the_guest_byte_for_byte()
    {
        const string text = "one  \"two\" 'three' \\ @four --five ünïcödé";
        EmuResult result = EmuProcess.Run("run", "--append", text);

        Assert.Equal(0, result.ExitCode);
        Assert.Contains($"'{text}'", result.Console, StringComparison.Ordinal);
    }
}
