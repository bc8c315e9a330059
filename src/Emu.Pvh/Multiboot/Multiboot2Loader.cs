namespace Emu.Pvh;

/// <summary>
/// Loads a kernel as the Multiboot2 specification 2.0 wants it on a machine without EFI: the image, moved where it allows that and wants it,
/// its modules (each at a page) and the boot information. Everything is checked and placed before the first byte is written, so a refused
/// image leaves guest memory untouched.
/// </summary>
public static class Multiboot2Loader
{
    /// <summary>Where boot information goes if there is room: a kernel tends to take what follows its own end for free.</summary>
    private const ulong PreferredInformation = 0x9000;

    /// <summary>Loads everything and says how to enter the guest.</summary>
    /// <param name="image">The kernel: ELF, or any file whose Multiboot 2 header carries load addresses.</param>
    /// <param name="memory">The guest's memory; RAM that nobody has written reads as zeros.</param>
    /// <param name="options">Command line, modules and choices.</param>
    /// <returns>Registers at entry, and where everything lies.</returns>
    /// <exception cref="KernelImageException">The image cannot be booted; the class tells why.</exception>
    /// <exception cref="BootLayoutException">Modules or boot data do not fit.</exception>
    public static Multiboot2BootResult Load(KernelImage image, IGuestMemory memory, Multiboot2BootOptions options)
    {
        ArgumentNullException.ThrowIfNull(memory);
        (Multiboot2BootResult result, IReadOnlyList<ImagePart> parts, Multiboot2Information information) =
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
    public static Multiboot2BootResult Plan(KernelImage image, IReadOnlyList<GuestRange> ramRegions, Multiboot2BootOptions options) =>
        Prepare(image, ramRegions, options).Result;

    private static (Multiboot2BootResult Result, IReadOnlyList<ImagePart> Parts, Multiboot2Information Information) Prepare(
        KernelImage image, IReadOnlyList<GuestRange> ramRegions, Multiboot2BootOptions options)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(ramRegions);
        ArgumentNullException.ThrowIfNull(options);
        BootPlacement.CheckTexts(options);
        IReadOnlyList<GuestRange> ram = BootPlacement.Merge(ramRegions);
        Multiboot2Header header = image.Multiboot2 ?? throw new MissingMultiboot2HeaderException(image.Multiboot1 is not null);
        Multiboot2Request request = Multiboot2Request.Read(image.Image.Span, header);
        (LoadedKernel kernel, IReadOnlyList<ImagePart> parts) = MultibootPlacement.Place(image, header, request);
        uint? loadBase = null;
        if (request.Relocation is { } bounds)
        {
            kernel = Multiboot2Placement.Move(kernel, bounds, ram, options.ReservedRanges);
            parts = ImagePart.Moved(parts, kernel.Displacement);
            loadBase = (uint)kernel.Range.Start;
        }

        ImagePart.Check(parts, ram, options.ReservedRanges);
        BootPlacement placement = new(options, ram, kernel.Range, InitialCpuState.CreateMultiboot2(options.EntryProfile, kernel.Entry, 0));
        Multiboot2Information information =
            new(options, BootPlacement.MemoryMap(options, ram), MultibootSections.Read(image.Elf), loadBase);
        GuestRange block = placement.PlaceBlock(information.Length, PreferredInformation, "boot information, command lines and memory map");
        information.PlaceTables(placement, kernel.Range.End);
        IReadOnlyList<GuestRange> modules = placement.PlaceModules(Math.Max(kernel.Range.End, information.TablesEnd));
        Multiboot2BootResult result = new()
        {
            Cpu = placement.Cpu with { Ebx = (uint)block.Start },
            Kernel = kernel,
            Modules = [.. modules.Select((range, i) => new LoadedModule(range, block.Start + information.ModuleTextOffset(i)))],
            BootData = block,
        };
        return (result, parts, information);
    }
}
