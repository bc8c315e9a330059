using System.Runtime.CompilerServices;
using Emu.Cpu.State;

namespace Emu.Cpu.Segmentation;

/// <summary>A segment descriptor's eight bytes (SDM Vol. 3, 3.4.5).</summary>
/// <remarks>
/// <code>
///  63      56 55 54  53  52  51        48 47 46 45 44 43   40 39      32 31             16 15              0
///  base 31:24 G  D/B L  AVL  limit 19:16  P  DPL  S  type   base 23:16   base 15:0         limit 15:0
/// </code>
/// In long mode system descriptors have eight more bytes, whose low half is base 63:32.
/// </remarks>
/// <param name="Raw">The bytes, little endian.</param>
internal readonly record struct Descriptor(ulong Raw)
{
    /// <summary>Offset of the byte that holds type, S, DPL and P.</summary>
    public const int AccessByte = 5;

    /// <summary>Base, 32 bits.</summary>
    public uint Base => (uint)((Raw >> 16) & 0xFF_FFFF) | (uint)((Raw >> 32) & 0xFF00_0000);

    /// <summary>Last offset, scaled by G.</summary>
    public uint Limit
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            var limit = (uint)(Raw & 0xFFFF) | (uint)((Raw >> 32) & 0xF_0000);
            return (Raw & (1UL << 55)) != 0 ? (limit << 12) | 0xFFF : limit;
        }
    }

    /// <summary>Type, four bits.</summary>
    public DescriptorType Type => (DescriptorType)((Raw >> 40) & 15);

    /// <summary>S: code or data.</summary>
    public bool IsCodeOrData => (Raw & (1UL << 44)) != 0;

    /// <summary>Code segment.</summary>
    public bool IsCode => (Raw & (3UL << 43)) == 3UL << 43;

    /// <summary>Conforming code segment.</summary>
    public bool IsConforming => (Raw & (7UL << 42)) == 7UL << 42;

    /// <summary>Data segment that may be written.</summary>
    public bool IsWritableData => (Raw & (0b1101UL << 41)) == 0b1001UL << 41;

    /// <summary>Data segment, or code segment that may be read.</summary>
    public bool IsReadable => IsCodeOrData && (!IsCode || (Raw & (1UL << 41)) != 0);

    /// <summary>Accessed, of code and data.</summary>
    public bool IsAccessed => (Raw & (1UL << 40)) != 0;

    /// <summary>DPL, 0–3.</summary>
    public uint Dpl => (uint)(Raw >> 45) & 3;

    /// <summary>P.</summary>
    public bool IsPresent => (Raw & (1UL << 47)) != 0;

    /// <summary>L: 64-bit code.</summary>
    public bool IsLong => (Raw & (1UL << 53)) != 0;

    /// <summary>D/B.</summary>
    public bool IsDefault32 => (Raw & (1UL << 54)) != 0;

    /// <summary>Type, S, DPL, P, AVL, L, D/B and G where <see cref="SegmentAttributes"/> has them.</summary>
    public SegmentAttributes Attributes => (SegmentAttributes)(((Raw >> 40) & 0xFF) | ((Raw >> 44) & 0xF00));

    /// <summary>The same descriptor with A set.</summary>
    public Descriptor Accessed => new(Raw | (1UL << 40));

    /// <summary>The segment register that a load of a code or data segment makes.</summary>
    /// <param name="selector">The visible part.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public SegmentRegister ToRegister(ushort selector) => SegmentRegister.Of(Base, Limit, selector, Attributes | SegmentAttributes.Accessed);
}

/// <summary>Types of system descriptors (SDM Vol. 3, table 3-2).</summary>
internal enum DescriptorType : uint
{
    /// <summary>16-bit TSS, available.</summary>
    AvailableTss16 = 1,

    /// <summary>LDT.</summary>
    Ldt = 2,

    /// <summary>16-bit TSS, busy.</summary>
    BusyTss16 = 3,

    /// <summary>16-bit call gate.</summary>
    CallGate16 = 4,

    /// <summary>Task gate.</summary>
    TaskGate = 5,

    /// <summary>16-bit interrupt gate.</summary>
    InterruptGate16 = 6,

    /// <summary>16-bit trap gate.</summary>
    TrapGate16 = 7,

    /// <summary>32-bit TSS (64-bit in long mode), available.</summary>
    AvailableTss32 = 9,

    /// <summary>32-bit TSS (64-bit in long mode), busy.</summary>
    BusyTss32 = 11,

    /// <summary>32-bit call gate (64-bit in long mode).</summary>
    CallGate32 = 12,

    /// <summary>32-bit interrupt gate (64-bit in long mode).</summary>
    InterruptGate32 = 14,

    /// <summary>32-bit trap gate (64-bit in long mode).</summary>
    TrapGate32 = 15,
}

/// <summary>A gate descriptor's first eight bytes (SDM Vol. 3, 5.8.3 and 6.11).</summary>
/// <remarks>
/// <code>
///  63          48 47 46 45 44 43   40 39   37 36         32 31      16 15         0
///  offset 31:16   P  DPL  0  type     0       count or IST  selector   offset 15:0
/// </code>
/// In long mode eight more bytes follow, whose low half is offset 63:32.
/// </remarks>
/// <param name="Raw">The bytes, little endian.</param>
internal readonly record struct Gate(ulong Raw)
{
    /// <summary>Offset 31:0.</summary>
    public uint Offset => (uint)(Raw & 0xFFFF) | (uint)((Raw >> 32) & 0xFFFF_0000);

    /// <summary>Target code segment, or TSS.</summary>
    public ushort Selector => (ushort)(Raw >> 16);

    /// <summary>Type with S as bit 4, so that code and data match no gate.</summary>
    public DescriptorType Type => (DescriptorType)((Raw >> 40) & 0x1F);

    /// <summary>DPL, 0–3.</summary>
    public uint Dpl => (uint)(Raw >> 45) & 3;

    /// <summary>P.</summary>
    public bool IsPresent => (Raw & (1UL << 47)) != 0;

    /// <summary>Parameters that a call gate copies, 0–31.</summary>
    public int ParameterCount => (int)(Raw >> 32) & 31;

    /// <summary>Interrupt-stack table entry of a long-mode gate, 0–7.</summary>
    public int InterruptStack => (int)(Raw >> 32) & 7;

    /// <summary>An interrupt gate clears IF, a trap gate does not.</summary>
    public bool IsTrap => (Raw & (1UL << 40)) != 0;

    /// <summary>True for a 32-bit gate (64-bit in long mode), false for a 16-bit one.</summary>
    public bool Is32 => (Raw & (1UL << 43)) != 0;
}
