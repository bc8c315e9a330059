namespace Emu.Pvh;

/// <summary>
/// What the loaders of all protocols do alike once the kernel has its place: keep out of what is taken, and find room for modules and
/// boot data below 4 GiB.
/// </summary>
internal sealed class BootPlacement
{
    private readonly BootOptions _options;
    private readonly IReadOnlyList<GuestRange> _ram;
    private readonly GuestRange _kernel;
    private readonly FreeMemory _free;

    /// <summary>Takes out of RAM what the kernel, the machine and the entry state's tables need.</summary>
    /// <param name="options">What is to be booted; its texts are checked already.</param>
    /// <param name="ram">The guest's RAM, merged.</param>
    /// <param name="kernel">Where the kernel lies.</param>
    /// <param name="cpu">The state at entry.</param>
    public BootPlacement(BootOptions options, IReadOnlyList<GuestRange> ram, GuestRange kernel, InitialCpuState cpu)
    {
        _options = options;
        _ram = ram;
        _kernel = kernel;
        _free = new FreeMemory(ram);
        _free.Claim(kernel);
        foreach (GuestRange reserved in options.ReservedRanges)
            _free.Claim(reserved);
        Cpu = cpu with { Tables = [.. cpu.Tables.Where(IsUndisturbing)] };
        foreach (GuestBytes table in Cpu.Tables)
            _free.Claim(table.Range);
    }

    /// <summary>The state at entry, with the tables for which there is room.</summary>
    public InitialCpuState Cpu { get; }

    /// <summary>Finds room for a page-aligned block.</summary>
    public GuestRange PlaceBlock(ulong length, ulong preferred, string what) => _free.Allocate(length, preferred)
        ?? throw new BootLayoutException($"There is no room for {what} ({length} bytes) in {Describe(_ram)}; give the guest more memory.");

    /// <summary>Finds room for the modules, each page-aligned, in order from an address on.</summary>
    public IReadOnlyList<GuestRange> PlaceModules(ulong next)
    {
        List<GuestRange> modules = [];
        for (int i = 0; i < _options.Modules.Count; i++)
        {
            long length = _options.Modules[i].Data.Length;
            GuestRange range = _free.Allocate((ulong)length, next)
                ?? throw new BootLayoutException(
                    $"There is no room for module {i} ({length} bytes) below 4 GiB beside the kernel at {_kernel}; give the guest more memory.");
            modules.Add(range);
            next = range.End;
        }

        return modules;
    }

    /// <summary>Writes what every protocol has: modules and the entry state's tables.</summary>
    public static void Write(IGuestMemory memory, BootOptions options, BootResult result)
    {
        for (int i = 0; i < options.Modules.Count; i++)
            memory.Write(result.Modules[i].Range.Start, options.Modules[i].Data.Span);
        foreach (GuestBytes table in result.Cpu.Tables)
            memory.Write(table.Address, table.Data.Span);
    }

    /// <summary>Refuses command lines in which a guest would see less than was given.</summary>
    public static void CheckTexts(BootOptions options)
    {
        CheckText(options.CommandLine, "kernel");
        for (int i = 0; i < options.Modules.Count; i++)
            CheckText(options.Modules[i].CommandLine, $"module {i}'s");
    }

    /// <summary>The memory map that the guest sees.</summary>
    public static IReadOnlyList<MemoryMapEntry> MemoryMap(BootOptions options, IReadOnlyList<GuestRange> ram) =>
        options.MemoryMap ?? [.. ram.Select(static region => new MemoryMapEntry(region.Start, region.Length, MemoryMapType.Ram))];

    /// <summary>Joins regions that touch and refuses what breaks the interface's promise.</summary>
    public static IReadOnlyList<GuestRange> Merge(IReadOnlyList<GuestRange> regions)
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

    /// <summary>RAM in words.</summary>
    public static string Describe(IReadOnlyList<GuestRange> ram) =>
        ram.Count == 0 ? "no RAM" : "RAM " + string.Join(", ", ram.Take(4)) + (ram.Count > 4 ? ", …" : "");

    private static void CheckText(ReadOnlyMemory<byte>? text, string whose)
    {
        if (text is { } bytes && bytes.Span.Contains((byte)0))
            throw new BootLayoutException($"The {whose} command line contains a NUL byte, where a guest would take it to end.");
    }

    private bool IsUndisturbing(GuestBytes table) =>
        _ram.Any(region => region.Contains(table.Range))
        && !_kernel.Overlaps(table.Range)
        && !_options.ReservedRanges.Any(range => range.Overlaps(table.Range));
}
