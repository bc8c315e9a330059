namespace Emu.Pvh;

/// <summary>What there is to say about a kernel image before it runs.</summary>
public sealed record KernelInspection
{
    private KernelInspection()
    {
    }

    /// <summary>The image.</summary>
    public required KernelImage Image { get; init; }

    /// <summary>The RAM that the layout was made for.</summary>
    public required IReadOnlyList<GuestRange> Ram { get; init; }

    /// <summary>Where everything will lie; null when the image cannot be booted.</summary>
    public BootResult? Layout { get; private init; }

    /// <summary>Why the image cannot be booted; null when it can.</summary>
    public PvhBootException? Refusal { get; private init; }

    /// <summary>A verdict per loader.</summary>
    public IReadOnlyList<LoaderVerdict> Verdicts { get; private init; } = [];

    /// <summary>
    /// Looks at an image without loading it: as it would be booted by itself, through its <see cref="KernelImage.PreferredProtocol"/>.
    /// </summary>
    /// <param name="image">The image.</param>
    /// <param name="ram">The RAM that the guest would have, ascending.</param>
    /// <returns>The report.</returns>
    public static KernelInspection Inspect(KernelImage image, IReadOnlyList<GuestRange> ram)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(ram);
        BootResult? layout = null;
        PvhBootException? refusal = null;
        try
        {
            layout = image.PreferredProtocol switch
            {
                BootProtocol.Multiboot2 => Multiboot2Loader.Plan(image, ram, new Multiboot2BootOptions()),
                BootProtocol.Multiboot => MultibootLoader.Plan(image, ram, new MultibootBootOptions()),
                _ => PvhLoader.Plan(image, ram, new PvhBootOptions()),
            };
        }
        catch (PvhBootException e)
        {
            refusal = e;
        }

        return new KernelInspection
        {
            Image = image,
            Ram = ram,
            Layout = layout,
            Refusal = refusal,
            Verdicts =
            [
                Own(layout, refusal),
                XenRules.Judge(image),
                QemuRules.Judge(image),
                LinuxLoaderRules.Judge(image),
            ],
        };
    }

    private static LoaderVerdict Own(BootResult? layout, PvhBootException? refusal)
    {
        if (refusal is not null)
            return new LoaderVerdict(KernelLoader.Emu, VerdictOutcome.Refuses, [new LoaderFinding(refusal.Message, Fix(refusal))]);
        List<LoaderFinding> findings = [];
        if (layout is MultibootBootResult or Multiboot2BootResult)
        {
            int version = layout is MultibootBootResult ? 1 : 2;
            findings.Add(new LoaderFinding($"Without a PVH note, the Multiboot {version} header is what the kernel is entered by.", null));
            if (layout.Kernel.Displacement != 0)
                findings.Add(new LoaderFinding($"The image is moved to 0x{layout.Kernel.Range.Start:x}, as its header allows.", null));
            return new LoaderVerdict(KernelLoader.Emu, VerdictOutcome.BootsOtherwise, findings);
        }

        if (layout!.Kernel.Displacement != 0)
            findings.Add(new LoaderFinding($"The image is moved to 0x{layout.Kernel.Range.Start:x}, as its PHYS32_RELOC note allows.", null));
        return new LoaderVerdict(KernelLoader.Emu, VerdictOutcome.Boots, findings);
    }

    /// <summary>What to do, where the message itself does not say it.</summary>
    private static string? Fix(PvhBootException refusal) => refusal switch
    {
        MissingEntryNoteException => "Add the note with the 32-bit physical entry point in a PT_NOTE segment (Linux: CONFIG_PVH=y).",
        MalformedNoteException => "Write each note as namesz, descsz, type, name padded to 4 and descriptor padded to 4.",
        EntryOutsideImageException => "Put the physical address into the note: the virtual one less the kernel's mapping offset.",
        RelocationException => "Load the kernel where it is linked, or give it a PHYS32_RELOC note with {alignment, minimum, maximum}.",
        _ => null,
    };
}
