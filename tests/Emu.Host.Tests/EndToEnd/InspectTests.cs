namespace Emu.Host.Tests.EndToEnd;

public sealed class InspectTests : IDisposable
{
    private readonly TestFiles.TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Inspect_shows_notes_layout_and_a_verdict_for_each_loader()
    {
        EmuResult result = EmuProcess.Run("inspect", TestFiles.TourKernel);

        Assert.Equal(0, result.ExitCode);
        Assert.Empty(result.Error);
        Assert.Contains("PHYS32_ENTRY", result.Output, StringComparison.Ordinal);
        Assert.Contains("start_info at 0x", result.Output, StringComparison.Ordinal);
        foreach (string loader in new[] { "emu", "Xen", "QEMU", "linux-loader" })
            Assert.Contains(loader, result.Output, StringComparison.Ordinal);
        Assert.Contains("max-page-size=0x200000", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_kernel_that_this_program_refuses_is_reported_and_ends_with_2()
    {
        byte[] kernel = TinyKernel.Build(0x90);
        kernel[kernel.AsSpan().IndexOf("Xen\0"u8)] = (byte)'Q';

        EmuResult result = EmuProcess.Run("inspect", _folder.Write("kernel", kernel));

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("Loaders", result.Output, StringComparison.Ordinal);
        Assert.StartsWith("emu: ", result.Error, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("vmlinuz-amd64", "xz")]
    [InlineData("vmlinuz-cloud-amd64", "lz4")]
    public void Debians_kernels_are_unpacked_and_understood(string name, string compression)
    {
        EmuResult result = EmuProcess.Run("inspect", TestFiles.Guest(name));

        Assert.Equal(0, result.ExitCode);
        Assert.Contains($"payload {compression}", result.Output, StringComparison.Ordinal);
        Assert.Contains("GUEST_OS = \"linux\"", result.Output, StringComparison.Ordinal);
        Assert.Contains("8-byte descriptor", result.Output, StringComparison.Ordinal);
    }
}
