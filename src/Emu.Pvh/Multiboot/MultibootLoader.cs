namespace Emu.Pvh;

/// <summary>
/// Loads a kernel as the Multiboot specification 0.6.96 wants it: the image, its modules (each at a page) and the boot information. Everything
/// is checked and placed before the first byte is written, so a refused image leaves guest memory untouched.
/// </summary>
public static class MultibootLoader
{
    /// <summary>Where boot information goes if there is room, as QEMU has it: a kernel tends to take what follows its own end for free.</summary>
    private const ulong PreferredInformation = 0x9000;

    /// <summary>Loads everything and says how to enter the guest.</summary>
    /// <param name="image">The kernel: ELF, or any file whose Multiboot header carries load addresses.</param>
    /// <param name="memory">The guest's memory; RAM that nobody has written reads as zeros.</param>
    /// <param name="options">Command line, modules and choices.</param>
    /// <returns>Registers at entry, and where everything lies.</returns>
    /// <exception cref="KernelImageException">The image cannot be booted; the class tells why.</exception>
    /// <exception cref="BootLayoutException">Modules or boot data do not fit.</exception>
    public static MultibootBootResult Load(KernelImage image, IGuestMemory memory, MultibootBootOptions options)
    {
        ArgumentNullException.ThrowIfNull(memory);
        (MultibootBootResult result, IReadOnlyList<ImagePart> parts, MultibootInformation information) =
            Prepare(image, memory.RamRegions, options);
        ImagePart.Write(parts, image.Image.Span, memory);
        BootPlacement.Write(memory, options, result);
        information.Write(memory, result.BootData.Start, result.Modules);
        return result;
    }

    /// <summary>Checks and places everything as <see cref="Load"/> would, and writes nothing.</summary>
    /// <param name="image">The kernel.</param>
    /// <param name="ramRegions">The guest's RAM, as <see cref="IGuestMemory.RamRegions"/> gives it.</param>
    /// <param name="options">Command line, modules and choices.</param>
    /// <returns>Registers at entry, and where everything would lie.</returns>
    /// <exception cref="KernelImageException">The image cannot be booted; the class tells why.</exception>
    /// <exception cref="BootLayoutException">Modules or boot data do not fit.</exception>
    public static MultibootBootResult Plan(KernelImage image, IReadOnlyList<GuestRange> ramRegions, MultibootBootOptions options) =>
        Prepare(image, ramRegions, options).Result;

    private static (MultibootBootResult Result, IReadOnlyList<ImagePart> Parts, MultibootInformation Information) Prepare(
        KernelImage image, IReadOnlyList<GuestRange> ramRegions, MultibootBootOptions options)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(ramRegions);
        ArgumentNullException.ThrowIfNull(options);
        BootPlacement.CheckTexts(options);
        IReadOnlyList<GuestRange> ram = BootPlacement.Merge(ramRegions);
        (LoadedKernel kernel, IReadOnlyList<ImagePart> parts) = MultibootPlacement.Place(image);
        ImagePart.Check(parts, ram, options.ReservedRanges);

        BootPlacement placement = new(options, ram, kernel.Range, InitialCpuState.CreateMultiboot(options.EntryProfile, kernel.Entry, 0));
        MultibootInformation information = new(options, BootPlacement.MemoryMap(options, ram), MultibootSections.Read(image.Elf));
        GuestRange block = placement.PlaceBlock(information.Length, PreferredInformation, "boot information, command lines and memory map");
        information.PlaceSections(placement, kernel.Range.End);
        IReadOnlyList<GuestRange> modules = placement.PlaceModules(Math.Max(kernel.Range.End, information.SectionsEnd));
        MultibootBootResult result = new()
        {
            Cpu = placement.Cpu with { Ebx = (uint)block.Start },
            Kernel = kernel,
            Modules = [.. modules.Select((range, i) => new LoadedModule(range, information.ModuleTextAddress(i, block.Start)))],
            BootData = block,
        };
        return (result, parts, information);
    }
}
