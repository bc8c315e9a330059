using Emu.Pvh;

namespace Emu.Machine.Tests.Support;

/// <summary>The kernels under testkernels/, found from wherever the tests run.</summary>
internal static class TestKernels
{
    public static KernelImage Open(string name) => KernelImage.Open(Path.Combine(Root(), "testkernels", name, name + ".elf"));

    private static string Root()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Emulator.sln")))
                return folder;
        }

        throw new InvalidOperationException("The tests do not run inside the repository.");
    }
}
