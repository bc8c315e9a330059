using Emu.Cpu;
using Emu.Cpu.State;
using Emu.Pvh;

namespace Emu.Host.Symbols;

/// <summary>
/// The names of a guest's addresses: what its kernel carries itself (ELF symbols, else Linux's kallsyms) and what the user has added.
/// </summary>
/// <remarks>
/// A kernel that is linked for high addresses runs its first instructions where it lies in memory, without paging. Code of the kernel there has
/// the names that it will have later; programs, which may use the same addresses for something else, have not.
/// </remarks>
public sealed class KernelSymbols
{
    /// <summary>More segments than any kernel has.</summary>
    private const int MostSegments = 16;

    private readonly List<(ulong Start, ulong Size, ulong Distance)> _images = [];

    /// <summary>Gives names to a guest's addresses.</summary>
    /// <param name="table">The symbols, by the addresses that the kernel is linked for.</param>
    /// <param name="file">The kernel; null where its place in memory is not of interest.</param>
    /// <param name="displacement">How far the kernel lies behind the physical addresses that it is linked for, modulo 2^64.</param>
    public KernelSymbols(SymbolTable table, ElfFile? file = null, ulong displacement = 0)
    {
        ArgumentNullException.ThrowIfNull(table);
        Table = table;
        foreach (ElfSegment segment in (file?.LoadableSegments ?? []).Take(MostSegments))
        {
            ulong start = unchecked(segment.PhysicalAddress + displacement);
            if (start != segment.VirtualAddress)
                _images.Add((start, segment.MemorySize, unchecked(segment.VirtualAddress - start)));
        }
    }

    /// <summary>No names at all.</summary>
    public static KernelSymbols None { get; } = new(SymbolTable.Empty);

    /// <summary>The symbols, by the addresses that the kernel is linked for.</summary>
    public SymbolTable Table { get; }

    /// <summary>The symbols that a kernel carries: of .symtab, else of kallsyms.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <returns>Its symbols; an empty table where it has none.</returns>
    public static SymbolTable Read(KernelImage kernel)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        if (kernel.Elf is not { } elf)
            return SymbolTable.Empty;
        SymbolTable symbols = SymbolReader.FromElf(elf);
        return symbols.Count != 0 ? symbols : Kallsyms.Read(elf);
    }

    /// <summary>The symbol of code that was executed, where it lay.</summary>
    /// <param name="linear">The code's linear address.</param>
    /// <param name="cpl">Its privilege level: the kernel's own code has names by its physical addresses too.</param>
    /// <returns>The symbol with its size; null where none is known.</returns>
    public Symbol? FindCode(ulong linear, int cpl)
    {
        if (Table.FindWhole(linear) is { } symbol)
            return symbol;
        foreach ((ulong start, ulong size, ulong distance) in _images)
        {
            if (cpl == 0 && linear - start < size && Table.FindWhole(unchecked(linear + distance)) is { } linked)
                return linked with { Address = unchecked(linked.Address - distance) };
        }

        return null;
    }

    /// <summary>An address of the kernel as people write it, be it one that the kernel is linked for or the physical one there.</summary>
    /// <param name="address">The linear or physical address.</param>
    /// <returns>For instance "start_kernel+0x1f"; null where no symbol is known.</returns>
    public string? Describe(ulong address)
    {
        if (Table.Describe(address) is { } text)
            return text;
        foreach ((ulong start, ulong size, ulong distance) in _images)
        {
            if (address - start < size)
                return Table.Describe(unchecked(address + distance));
        }

        return null;
    }

    /// <summary>Where a processor's code is, as people write it.</summary>
    /// <param name="vcpu">The processor, in the mode and with the privilege of that code.</param>
    /// <param name="rip">The instruction's offset in CS.</param>
    /// <returns>For instance "start_kernel+0x1f"; null where no symbol is known.</returns>
    public unsafe string? DescribeCode(Vcpu vcpu, ulong rip)
    {
        ArgumentNullException.ThrowIfNull(vcpu);
        ulong linear = vcpu.Is64BitCode ? rip : (uint)(rip + vcpu.State->Segments[(int)SegmentName.Cs].Base);
        return vcpu.State->Cpl == 0 ? Describe(linear) : Table.Describe(linear);
    }
}
