namespace Emu.Pvh;

/// <summary>
/// Loads a kernel, its modules and its start_info into guest memory as the x86/HVM direct boot ABI wants them. Everything is checked
/// and placed before the first byte is written, so a refused image leaves guest memory untouched.
/// </summary>
public static class PvhLoader
{
    /// <summary>Loads everything and says how to enter the guest.</summary>
    /// <param name="image">The kernel.</param>
    /// <param name="memory">The guest's memory; RAM that nobody has written reads as zeros.</param>
    /// <param name="options">Command line, modules and choices.</param>
    /// <returns>Registers at entry, and where everything lies.</returns>
    /// <exception cref="KernelImageException">The image cannot be booted; the class tells why.</exception>
    /// <exception cref="BootLayoutException">Modules or boot data do not fit.</exception>
    public static PvhBootResult Load(KernelImage image, IGuestMemory memory, PvhBootOptions options)
    {
        ArgumentNullException.ThrowIfNull(memory);
        PvhBootResult result = Plan(image, memory.RamRegions, options);
        WriteKernel(image, memory, result.Kernel);
        BootPlacement.Write(memory, options, result);
        memory.Write(result.BootData.Start, BootDataLayout.Serialize(options, result.StartInfo, result.BootData));
        return result;
    }

    /// <summary>Loads a kernel alone, for a caller that places modules and start_info itself.</summary>
    /// <param name="image">The kernel.</param>
    /// <param name="memory">The guest's memory.</param>
    /// <param name="loadAddress">Where its lowest byte goes; null for where it is linked, or where its PHYS32_RELOC note allows.</param>
    /// <returns>Where it lies, its alignment, size and entry point.</returns>
    /// <exception cref="KernelImageException">The image cannot be booted; the class tells why.</exception>
    public static LoadedKernel LoadKernel(KernelImage image, IGuestMemory memory, ulong? loadAddress = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(memory);
        LoadedKernel kernel = KernelPlacement.Place(image, BootPlacement.Merge(memory.RamRegions), loadAddress, []);
        WriteKernel(image, memory, kernel);
        return kernel;
    }

    /// <summary>Loads a module alone, for a caller that places modules and start_info itself.</summary>
    /// <param name="data">The module's bytes.</param>
    /// <param name="memory">The guest's memory.</param>
    /// <param name="address">Where they go.</param>
    /// <returns>The range that the module takes.</returns>
    /// <exception cref="BootLayoutException">There is no RAM for it at that address.</exception>
    public static GuestRange LoadModule(ReadOnlySpan<byte> data, IGuestMemory memory, ulong address)
    {
        ArgumentNullException.ThrowIfNull(memory);
        IReadOnlyList<GuestRange> ram = BootPlacement.Merge(memory.RamRegions);
        if (address == 0)
            throw new BootLayoutException("A module cannot lie at address 0, which the ABI reserves for \"absent\".");
        ulong length = (ulong)data.Length;
        if (length > ulong.MaxValue - address || !ram.Any(region => region.Contains(new GuestRange(address, length))))
            throw new BootLayoutException($"A module of {data.Length} bytes does not fit at 0x{address:x} into {BootPlacement.Describe(ram)}.");
        memory.Write(address, data);
        return new GuestRange(address, length);
    }

    /// <summary>Checks and places everything as <see cref="Load"/> would, and writes nothing.</summary>
    /// <param name="image">The kernel.</param>
    /// <param name="ramRegions">The guest's RAM, as <see cref="IGuestMemory.RamRegions"/> gives it.</param>
    /// <param name="options">Command line, modules and choices.</param>
    /// <returns>Registers at entry, and where everything would lie.</returns>
    /// <exception cref="KernelImageException">The image cannot be booted; the class tells why.</exception>
    /// <exception cref="BootLayoutException">Modules or boot data do not fit.</exception>
    public static PvhBootResult Plan(KernelImage image, IReadOnlyList<GuestRange> ramRegions, PvhBootOptions options)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(ramRegions);
        ArgumentNullException.ThrowIfNull(options);
        BootPlacement.CheckTexts(options);

        IReadOnlyList<GuestRange> ram = BootPlacement.Merge(ramRegions);
        LoadedKernel kernel = KernelPlacement.Place(image, ram, options.LoadAddress, options.ReservedRanges);
        BootPlacement placement = new(options, ram, kernel.Range, InitialCpuState.Create(options.EntryProfile, kernel.Entry, 0));
        BootDataLayout data = new(options, BootPlacement.MemoryMap(options, ram));
        GuestRange block = placement.PlaceBlock((ulong)data.Length, kernel.Range.End, "start_info, command lines and memory map");
        IReadOnlyList<GuestRange> modules = placement.PlaceModules(block.End);
        HvmStartInfo info = data.StartInfo(block.Start, modules);
        return new PvhBootResult
        {
            Cpu = placement.Cpu with { Ebx = (uint)block.Start },
            Kernel = kernel,
            Modules = [.. info.Modules.Select((module, i) => new LoadedModule(modules[i], data.ModuleCommandLineAddress(i, block.Start)))],
            StartInfo = info,
            BootData = block,
        };
    }

    private static void WriteKernel(KernelImage image, IGuestMemory memory, LoadedKernel kernel) =>
        ImagePart.Write(ImagePart.OfSegments(image.Elf!, kernel.Displacement), image.Image.Span, memory);
}
