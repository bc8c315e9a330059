using System.Globalization;
using Emu.Cpu.Platform;

namespace Emu.Host.Explaining;

/// <summary>The bits of control registers, with what each means while it is set.</summary>
internal static class RegisterBits
{
    private static readonly (int Bit, string Name, string Meaning)[] Cr0Bits =
    [
        (0, "PE", "protected mode"),
        (1, "MP", "WAIT obeys TS"),
        (2, "EM", "x87 instructions trap"),
        (3, "TS", "the next use of x87 or SSE traps, so that its state can be switched late"),
        (4, "ET", "always set"),
        (5, "NE", "x87 errors raise #MF instead of an interrupt of the PC's"),
        (16, "WP", "the kernel obeys read-only pages too"),
        (18, "AM", "RFLAGS.AC checks alignment in ring 3"),
        (29, "NW", "not write-through"),
        (30, "CD", "caches are off"),
        (31, "PG", "paging"),
    ];

    private static readonly (int Bit, string Name, string Meaning)[] Cr4Bits =
    [
        (0, "VME", "virtual-8086 mode has virtual interrupts"),
        (1, "PVI", "ring 3 has virtual interrupts"),
        (2, "TSD", "ring 3 may not read the time-stamp counter"),
        (3, "DE", "DR4 and DR5 are gone, breakpoints on ports exist"),
        (4, "PSE", "32-bit paging has pages of 4 MiB"),
        (5, "PAE", "page-table entries have 64 bits; long mode needs it"),
        (6, "MCE", "machine checks raise #MC"),
        (7, "PGE", "global pages stay in the TLB when CR3 is written"),
        (8, "PCE", "ring 3 may read performance counters"),
        (9, "OSFXSR", "SSE, whose state the kernel saves"),
        (10, "OSXMMEXCPT", "SSE errors raise #XM"),
        (11, "UMIP", "ring 3 may not see where the kernel's tables are (SGDT, SIDT, SLDT, STR, SMSW)"),
        (12, "LA57", "five levels of page tables, 57-bit addresses"),
        (13, "VMXE", "VMX"),
        (16, "FSGSBASE", "ring 3 may set FS and GS bases itself"),
        (17, "PCIDE", "TLB entries are tagged with an address space's number"),
        (18, "OSXSAVE", "XSAVE, and with it AVX"),
        (20, "SMEP", "the kernel cannot execute pages of ring 3"),
        (21, "SMAP", "the kernel cannot touch pages of ring 3 unless it says so (STAC)"),
        (22, "PKE", "protection keys for pages of ring 3"),
        (23, "CET", "shadow stacks"),
        (24, "PKS", "protection keys for pages of the kernel"),
    ];

    private static readonly (int Bit, string Name, string Meaning)[] EferBits =
    [
        (0, "SCE", "SYSCALL and SYSRET exist"),
        (8, "LME", "long mode begins when paging is switched on"),
        (10, "LMA", "long mode is active (set by the processor)"),
        (11, "NXE", "pages can forbid execution"),
        (12, "SVME", "SVM"),
        (14, "FFXSR", "fast FXSAVE"),
        (15, "TCE", "translation cache extension"),
    ];

    private static readonly (int Bit, string Name, string Meaning)[] Xcr0Bits =
    [
        (0, "x87", "XSAVE keeps x87 state"),
        (1, "SSE", "XSAVE keeps XMM registers"),
        (2, "AVX", "AVX is on, XSAVE keeps the upper halves of YMM registers"),
        (9, "PKRU", "XSAVE keeps the protection-key rights"),
    ];

    /// <summary>A register's name.</summary>
    public static string Name(ControlRegister register) => register switch
    {
        ControlRegister.Cr0 => "CR0",
        ControlRegister.Cr3 => "CR3",
        ControlRegister.Cr4 => "CR4",
        ControlRegister.Efer => "EFER",
        _ => "XCR0",
    };

    /// <summary>The bits that changed, as "+PE −CD".</summary>
    public static string Changes(ControlRegister register, ulong before, ulong after)
    {
        List<string> changes = [];
        foreach ((int bit, string name, _) in Bits(register))
        {
            if (((before ^ after) >> bit & 1) != 0)
                changes.Add(((after >> bit & 1) != 0 ? "+" : "−") + name);
        }

        return string.Join(' ', changes);
    }

    /// <summary>The bits that are set, as "PE ET".</summary>
    public static string Set(ControlRegister register, ulong value) =>
        string.Join(' ', Bits(register).Where(bit => (value >> bit.Bit & 1) != 0).Select(bit => bit.Name));

    /// <summary>Each bit that is set or was.</summary>
    public static Detail Table(ControlRegister register, ulong before, ulong after)
    {
        List<IReadOnlyList<string>> rows = [];
        foreach ((int bit, string name, string meaning) in Bits(register))
        {
            if (((before | after) >> bit & 1) == 0)
                continue;
            bool was = (before >> bit & 1) != 0, isSet = (after >> bit & 1) != 0;
            rows.Add([bit.ToString(CultureInfo.InvariantCulture), name, was == isSet ? "1" : was ? "1 → 0" : "0 → 1", meaning]);
        }

        return new Detail($"{Name(register)} bit by bit", ["bit", "name", "value", "while it is set"], rows);
    }

    private static (int Bit, string Name, string Meaning)[] Bits(ControlRegister register) => register switch
    {
        ControlRegister.Cr0 => Cr0Bits,
        ControlRegister.Cr4 => Cr4Bits,
        ControlRegister.Efer => EferBits,
        ControlRegister.Xcr0 => Xcr0Bits,
        _ => [],
    };
}
