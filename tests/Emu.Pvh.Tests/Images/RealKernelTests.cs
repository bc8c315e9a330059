using System.Diagnostics;
using Emu.Pvh.Compression;
using Emu.Pvh.Tests.Support;
using Xunit;

namespace Emu.Pvh.Tests.Images;

/// <summary>Debian's stock kernels, taken as they come. EMU_GUESTS names the directory that holds them.</summary>
public sealed class RealKernelTests
{
    [SkippableTheory]
    [InlineData("vmlinuz-amd64", CompressionFormat.Xz)]
    [InlineData("vmlinuz-cloud-amd64", CompressionFormat.Lz4)]
    public void A_stock_kernel_unpacks_and_loads(string name, CompressionFormat format)
    {
        string path = Guest(name);
        Stopwatch watch = Stopwatch.StartNew();
        KernelImage image = KernelImage.Open(path);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"Unpacking took {watch.Elapsed}.");

        Assert.Equal(format, image.Compression);
        Assert.Equal(KernelContainer.BzImage, image.Container);
        Assert.Equal("linux", image.Xen.GuestOs);
        Assert.True(image.Elf!.Image.Length > 20 << 20);

        SparseGuestMemory memory = SparseGuestMemory.OfSize(512 << 20);
        byte[] initrd = ElfBuilder.Code(100_000);
        PvhBootResult result = PvhLoader.Load(
            image, memory, new PvhBootOptions { Modules = [new BootModule(initrd)] }.WithCommandLine("console=ttyS0"));
        Assert.Equal(0x1000000ul, result.Kernel.Range.Start);
        Assert.Equal(0x200000ul, result.Kernel.Alignment);
        // The entry stub begins with CLD.
        Assert.Equal(0xFC, memory.Read(result.EntryPoint, 1)[0]);
        Assert.Equal(initrd, memory.Read(result.Modules[0].Range.Start, initrd.Length));
        Assert.Empty(HvmStartInfoReader.Read(memory, result.StartInfoAddress).Violations);
    }

    [SkippableTheory]
    [InlineData("vmlinuz-amd64")]
    [InlineData("vmlinuz-cloud-amd64")]
    public void A_stock_kernel_boots_everywhere_once_it_is_unpacked(string name)
    {
        KernelImage wrapped = KernelImage.Open(Guest(name));
        KernelImage vmlinux = KernelImage.Read(wrapped.Elf!.Image);
        KernelInspection inspection = KernelInspection.Inspect(vmlinux, [new GuestRange(0, 512 << 20)]);
        Assert.All(inspection.Verdicts, verdict => Assert.Equal(VerdictOutcome.Boots, verdict.Outcome));
    }

    private static string Guest(string name)
    {
        string? directory = Environment.GetEnvironmentVariable("EMU_GUESTS");
        Skip.If(string.IsNullOrEmpty(directory), "EMU_GUESTS is not set: it names the directory with Debian's kernels.");
        string path = Path.Combine(directory, name);
        Skip.IfNot(File.Exists(path), $"{path} does not exist.");
        return path;
    }
}
