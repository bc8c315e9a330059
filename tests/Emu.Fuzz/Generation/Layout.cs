namespace Emu.Fuzz.Generation;

/// <summary>Where things lie in a case's RAM, and the addresses outside of it that are worth a visit.</summary>
/// <remarks>
/// <code>
/// 0x00000  real-mode vectors              0x10000  code, 16 KiB
/// 0x01000  real-mode handler              0x14000  data, 32 KiB, the stack at its end
/// 0x08000  IDT                            0x1D000  stack of CPL 0
/// 0x09000  GDT, 0x09800 LDT               0x20000  page tables: root, PDPT, PD, PT, PD of the devices
/// 0x0A000  TSS, 0x0B000 another           0x30000  structures for hypercalls
/// 0x0D000  protected-mode handler               0x1FF000  the last page of RAM: code, mapped at the ends of linear space, too
/// </code>
/// </remarks>
public static class Layout
{
    public const int RealHandler = 0x1000, Idt = 0x8000, Gdt = 0x9000, Ldt = 0x9800, Tss = 0xA000, OtherTss = 0xB000, Handler = 0xD000;
    public const int Code = 0x1_0000, CodeLength = 0x4000, Data = 0x1_4000, Stack = 0x1_BF00, KernelStack = 0x1_DF00;
    public const int Root = 0x2_0000, Pdpt = 0x2_1000, PageDirectory = 0x2_2000, Table = 0x2_3000, DeviceDirectory = 0x2_4000;
    public const int Structures = 0x3_0000;

    public const int LastPage = 0x1F_F000;

    /// <summary>The ends of linear address space, of its halves, and of what 32 bits reach.</summary>
    public static readonly ulong[] Ends = [0x1_0000_0000, 0x8000_0000_0000, 0, 0xFFFF_8000_0000_0000, 0x20_0000];

    /// <summary>Offset of SP in the data segment of 16-bit modes.</summary>
    public const int Stack16 = 0x7000;

    /// <summary>A device of the fuzzer's own, whose answers depend on the time and on all that was said to it before.</summary>
    public const ulong Probe = 0xFEB0_0000;

    public const int ProbeLength = 0x1_0000;

    /// <summary>Physical addresses that are not RAM: devices, holes, ends.</summary>
    public static readonly ulong[] Outside =
    [
        0xFEE0_0000, 0xFEC0_0000, 0xFEA0_0000, Probe, Probe + 0xF000, 0xFEE0_0FF8, 0xFEC0_0FFC, 0x0020_0000, 0x001F_F000, 0xBFFF_F000,
        0xC000_0000, 0xFFFF_F000, 0x1_0000_0000, 0xFF_FFFF_F000,
    ];

    /// <summary>Selectors that name something in <see cref="Gdt"/> or <see cref="Ldt"/>.</summary>
    public static readonly ushort[] Selectors =
        [0, 8, 0x10, 0x18, 0x28, 0x2B, 0x30, 0x33, 0x38, 0x48, 0x4B, 0x58, 0x5B, 0x60, 0x70, 0x73, 0x78, 0x7B, 0x80, 0x88, 0x90, 0x98, 0xA0,
        4, 0xC, 0x14, 0x1C, 0x24, 0x2F, 0x37, 0x3FF, 0xFFF8, 0xFFFF];
}
