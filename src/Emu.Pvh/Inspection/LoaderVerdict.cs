namespace Emu.Pvh;

/// <summary>The loaders whose rules an inspection knows.</summary>
public enum KernelLoader
{
    /// <summary>This library.</summary>
    Emu,

    /// <summary>Xen's toolstack (xl) for a PVH guest.</summary>
    Xen,

    /// <summary>QEMU's -kernel.</summary>
    Qemu,

    /// <summary>rust-vmm's linux-loader: Firecracker and Cloud Hypervisor.</summary>
    LinuxLoader,
}

/// <summary>What a loader makes of an image.</summary>
public enum VerdictOutcome
{
    /// <summary>It enters the kernel at its PVH entry point.</summary>
    Boots,

    /// <summary>It starts the kernel, but through another protocol.</summary>
    BootsOtherwise,

    /// <summary>It refuses the image, or enters it at a wrong place.</summary>
    Refuses,
}

/// <summary>One rule that an image meets or breaks.</summary>
/// <param name="Rule">What the loader does, in a sentence.</param>
/// <param name="Fix">What to change in the image; null where nothing needs to change.</param>
public sealed record LoaderFinding(string Rule, string? Fix);

/// <summary>What a loader makes of an image, and why.</summary>
/// <param name="Loader">The loader.</param>
/// <param name="Outcome">What it does.</param>
/// <param name="Findings">The rules that decided it, and remarks.</param>
public sealed record LoaderVerdict(KernelLoader Loader, VerdictOutcome Outcome, IReadOnlyList<LoaderFinding> Findings);
