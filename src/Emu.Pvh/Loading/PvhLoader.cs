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
        for (int i = 0; i < options.Modules.Count; i++)
            memory.Write(result.Modules[i].Range.Start, options.Modules[i].Data.Span);
        WriteBootData(memory, options, result);
        foreach (GuestBytes table in result.Cpu.Tables)
            memory.Write(table.Address, table.Data.Span);
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
        LoadedKernel kernel = KernelPlacement.Place(image, Merge(memory.RamRegions), loadAddress, []);
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
        IReadOnlyList<GuestRange> ram = Merge(memory.RamRegions);
        if (address == 0)
            throw new BootLayoutException("A module cannot lie at address 0, which the ABI reserves for \"absent\".");
        ulong length = (ulong)data.Length;
        if (length > ulong.MaxValue - address || !ram.Any(region => region.Contains(new GuestRange(address, length))))
            throw new BootLayoutException($"A module of {data.Length} bytes does not fit at 0x{address:x} into {Describe(ram)}.");
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
        CheckText(options.CommandLine, "kernel");
        for (int i = 0; i < options.Modules.Count; i++)
            CheckText(options.Modules[i].CommandLine, $"module {i}'s");

        IReadOnlyList<GuestRange> ram = Merge(ramRegions);
        LoadedKernel kernel = KernelPlacement.Place(image, ram, options.LoadAddress, options.ReservedRanges);
        FreeMemory free = new(ram);
        free.Claim(kernel.Range);
        foreach (GuestRange reserved in options.ReservedRanges)
            free.Claim(reserved);
        InitialCpuState cpu = InitialCpuState.Create(options.EntryProfile, kernel.Entry, 0);
        cpu = cpu with { Tables = UndisturbingTables(cpu.Tables, ram, kernel.Range, options.ReservedRanges) };
        foreach (GuestBytes table in cpu.Tables)
            free.Claim(table.Range);

        BootDataLayout data = new(options, MemoryMap(options, ram));
        GuestRange block = free.Allocate((ulong)data.Length, kernel.Range.End)
            ?? throw new BootLayoutException(
                $"There is no room for start_info, command lines and memory map ({data.Length} bytes) in {Describe(ram)}; "
                + "give the guest more memory.");
        List<GuestRange> modules = [];
        ulong next = block.End;
        for (int i = 0; i < options.Modules.Count; i++)
        {
            long length = options.Modules[i].Data.Length;
            GuestRange range = free.Allocate((ulong)length, next)
                ?? throw new BootLayoutException(
                    $"There is no room for module {i} ({length} bytes) below 4 GiB beside the kernel at {kernel.Range}; give the guest more memory.");
            modules.Add(range);
            next = range.End;
        }

        HvmStartInfo info = data.StartInfo(block.Start, modules);
        return new PvhBootResult
        {
            Cpu = cpu with { Ebx = (uint)block.Start },
            Kernel = kernel,
            Modules = [.. info.Modules.Select((module, i) => new LoadedModule(modules[i], data.ModuleCommandLineAddress(i, block.Start)))],
            StartInfo = info,
            BootData = block,
        };
    }

    /// <summary>Copies and zero-fills the segments of a kernel that has been placed.</summary>
    private static void WriteKernel(KernelImage image, IGuestMemory memory, LoadedKernel kernel)
    {
        foreach (ElfSegment segment in image.Elf.LoadableSegments)
        {
            ulong address = unchecked(segment.PhysicalAddress + kernel.Displacement);
            if (segment.FileSize != 0)
                memory.Write(address, image.Elf.Slice(segment.Offset, segment.FileSize));
            if (segment.MemorySize != segment.FileSize)
                memory.Zero(address + segment.FileSize, segment.MemorySize - segment.FileSize);
        }
    }

    private static void WriteBootData(IGuestMemory memory, PvhBootOptions options, PvhBootResult result)
    {
        byte[] bytes = BootDataLayout.Serialize(options, result.StartInfo, result.BootData);
        memory.Write(result.BootData.Start, bytes);
    }

    private static IReadOnlyList<MemoryMapEntry> MemoryMap(PvhBootOptions options, IReadOnlyList<GuestRange> ram) =>
        options.MemoryMap ?? [.. ram.Select(static region => new MemoryMapEntry(region.Start, region.Length, MemoryMapType.Ram))];

    private static GuestBytes[] UndisturbingTables(
        IReadOnlyList<GuestBytes> tables, IReadOnlyList<GuestRange> ram, GuestRange kernel, IReadOnlyList<GuestRange> reserved) =>
        [.. tables.Where(table => ram.Any(region => region.Contains(table.Range))
            && !kernel.Overlaps(table.Range)
            && !reserved.Any(range => range.Overlaps(table.Range)))];

    private static void CheckText(ReadOnlyMemory<byte>? text, string whose)
    {
        if (text is { } bytes && bytes.Span.Contains((byte)0))
            throw new BootLayoutException($"The {whose} command line contains a NUL byte, where a guest would take it to end.");
    }

    /// <summary>Joins regions that touch and refuses what breaks the interface's promise.</summary>
    internal static IReadOnlyList<GuestRange> Merge(IReadOnlyList<GuestRange> regions)
    {
        List<GuestRange> merged = [];
        foreach (GuestRange region in regions)
        {
            if (merged.Count != 0 && region.Start < merged[^1].End)
                throw new ArgumentException("RAM regions must be ascending and must not overlap.", nameof(regions));
            if (merged.Count != 0 && region.Start == merged[^1].End)
                merged[^1] = GuestRange.FromEnds(merged[^1].Start, region.End);
            else if (!region.IsEmpty)
                merged.Add(region);
        }

        return merged;
    }

    internal static string Describe(IReadOnlyList<GuestRange> ram) =>
        ram.Count == 0 ? "no RAM" : "RAM " + string.Join(", ", ram.Take(4)) + (ram.Count > 4 ? ", …" : "");
}
