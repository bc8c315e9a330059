using System.Reflection;

namespace Emu.Host.Tests;

/// <summary>Where tests find what they run.</summary>
internal static class TestFiles
{
    /// <summary>The root of the repository, as the build knew it.</summary>
    public static string Repository { get; } = typeof(TestFiles).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == "RepositoryRoot").Value!;

    public static string TestKernels { get; } = Path.Combine(Repository, "testkernels");

    /// <summary>The tour, small and always there.</summary>
    public static string TourKernel { get; } = Path.Combine(TestKernels, "tour", "tour.elf");

    /// <summary>
    /// A Debian kernel or initramfs that <c>.ci/guests DIR</c> fetched, with EMU_GUESTS=DIR. Without it the test is skipped, except in CI.
    /// </summary>
    public static string Guest(string name)
    {
        string? folder = Environment.GetEnvironmentVariable("EMU_GUESTS");
        bool inCi = string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase);
        if (string.IsNullOrEmpty(folder))
        {
            Assert.False(inCi, "EMU_GUESTS is not set, and CI does not skip the Linux boots.");
            Skip.If(true, "EMU_GUESTS is not set; '.ci/guests DIR' fetches the guests, then EMU_GUESTS=DIR runs this test.");
        }

        string path = Path.Combine(folder!, name);
        if (!File.Exists(path))
        {
            Assert.False(inCi, $"{path} does not exist, and CI does not skip the Linux boots.");
            Skip.If(true, $"{path} does not exist; '.ci/guests {folder}' fetches it.");
        }

        return path;
    }

    /// <summary>A path for a file that does not exist yet, in a folder that is removed with the object.</summary>
    public sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("emu-tests-").FullName;

        public string File(string name) => System.IO.Path.Combine(Path, name);

        public string Write(string name, byte[] content)
        {
            string path = File(name);
            System.IO.File.WriteAllBytes(path, content);
            return path;
        }

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
