namespace Emu.Suites.KvmUnitTests;

/// <summary>One entry of x86/unittests.cfg.</summary>
/// <param name="Name">Its name; one file may be run by several entries.</param>
/// <param name="File">The kernel, in the folder x86.</param>
/// <param name="Vcpus">How many processors it wants.</param>
/// <param name="Arguments">Its command line; empty for none.</param>
/// <param name="QemuParameters">The options that it wants of QEMU, as words.</param>
/// <param name="Architecture">The only architecture that it is for; null for both.</param>
/// <param name="Groups">The groups that it belongs to.</param>
/// <param name="Timeout">How long it may take.</param>
internal sealed record UnitTest(
    string Name,
    string File,
    int Vcpus,
    string Arguments,
    IReadOnlyList<string> QemuParameters,
    string? Architecture,
    IReadOnlyList<string> Groups,
    TimeSpan Timeout)
{
    /// <summary>The value of -cpu, or null.</summary>
    public string? CpuParameter => ParameterAfter("-cpu");

    /// <summary>RAM in bytes: the value of -m, else QEMU's 128 MiB.</summary>
    public ulong MemorySize => ParameterAfter("-m") is not { } text ? 128UL << 20
        : text[^1] is 'g' or 'G' ? ulong.Parse(text.AsSpan(0, text.Length - 1)) << 30
        : ulong.Parse(text.AsSpan().TrimEnd("mM")) << 20;

    /// <summary>A device that the test wants of QEMU and that is no part of any PC here; null for none.</summary>
    public string? ForeignDevice =>
        ParameterAfter("-device")?.Split(',')[0]
            ?? (ParameterAfter("-machine") is { } machine && machine.Contains("vmport=on", StringComparison.Ordinal) ? "vmport" : null);

    private string? ParameterAfter(string option)
    {
        for (int i = 0; i + 1 < QemuParameters.Count; i++)
        {
            if (QemuParameters[i] == option)
                return QemuParameters[i + 1];
        }

        return null;
    }
}
