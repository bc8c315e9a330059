using Emu.Cpu.State;

namespace Emu.Differential;

/// <summary>The segments of user mode, which both sides have: Linux's own, and a local descriptor table.</summary>
public static class Segments
{
    public const ushort Code32 = 0x23, Data = 0x2B, Code64 = 0x33;
    public const ushort Code16 = 0x07, Data16 = 0x0F, Limited = 0x17, ExpandDown = 0x1F, ReadOnly = 0x27, NotPresent = 0x2F;

    /// <summary>One entry of the local descriptor table.</summary>
    /// <param name="Base">Base.</param>
    /// <param name="Limit">Limit in bytes, not scaled.</param>
    /// <param name="Contents">0 data, 1 expand-down data, 2 code.</param>
    /// <param name="Is32">D/B.</param>
    /// <param name="IsReadOnly">Not writable, or execute only.</param>
    /// <param name="IsAbsent">Not present.</param>
    public readonly record struct LocalSegment(uint Base, uint Limit, int Contents, bool Is32, bool IsReadOnly, bool IsAbsent)
    {
        /// <summary>The descriptor as Linux makes it: DPL 3, accessed, byte granular.</summary>
        public ulong Descriptor
        {
            get
            {
                var type = 1UL | (IsReadOnly ? 0UL : 2) | (ulong)Contents << 2;
                return (Limit & 0xFFFF) | (ulong)(Base & 0xFF_FFFF) << 16 | type << 40 | 1UL << 44 | 3UL << 45 | (IsAbsent ? 0UL : 1UL << 47)
                    | (ulong)(Limit >> 16) << 48 | (Is32 ? 1UL << 54 : 0) | (ulong)(Base >> 24) << 56;
            }
        }
    }

    /// <summary>The local descriptor table.</summary>
    public static readonly LocalSegment[] Local =
    [
        new((uint)Layout.Code, 0xFFFF, 2, false, false, false),
        new((uint)Layout.DataSegment16, 0xFFFF, 0, false, false, false),
        new((uint)Layout.Data - 0x1000, 0x27FF, 0, true, false, false),
        new((uint)Layout.Data - 0x1000, 0x17FF, 1, false, false, false),
        new((uint)Layout.DataSegment16, 0xFFFF, 0, true, true, false),
        new((uint)Layout.DataSegment16, 0xFFFF, 0, true, false, true),
    ];

    /// <summary>
    /// Null; kernel code and data; user code 32, data, code 64: as Linux numbers them. Then code 32, code 16 and data 16 for CPL 0.
    /// </summary>
    public static readonly ulong[] Global =
    [
        0, 0, 0x00AF_9B00_0000_FFFF, 0x00CF_9300_0000_FFFF, 0x00CF_FB00_0000_FFFF, 0x00CF_F300_0000_FFFF, 0x00AF_FB00_0000_FFFF,
        0x00CF_9B00_0000_FFFF, 0x0000_9B00_0000_FFFF | Layout.Code << 16, 0x0000_9300_0000_FFFF | Layout.DataSegment16 << 16,
    ];

    /// <summary>The selector of code at CPL 0.</summary>
    public static ushort SystemCode(CodeSize size) => size switch { CodeSize.Bits64 => 0x10, CodeSize.Bits32 => 0x38, _ => 0x40 };

    /// <summary>The selector of its stack.</summary>
    public static ushort SystemStack(CodeSize size) => size == CodeSize.Bits16 ? (ushort)0x48 : (ushort)0x18;

    /// <summary>A segment register that holds a selector of the tables.</summary>
    public static SegmentRegister Load(ushort selector)
    {
        if ((selector & ~3) == 0)
            return new SegmentRegister { Selector = selector };
        var descriptor = (selector & 4) != 0 ? Local[selector >> 3].Descriptor : Global[selector >> 3];
        var limit = (uint)((descriptor & 0xFFFF) | ((descriptor >> 32) & 0xF_0000));
        return new SegmentRegister
        {
            Selector = selector,
            Base = ((descriptor >> 16) & 0xFF_FFFF) | ((descriptor >> 32) & 0xFF00_0000),
            Limit = (descriptor & (1UL << 55)) != 0 ? (limit << 12) | 0xFFF : limit,
            Attributes = (SegmentAttributes)(((descriptor >> 40) & 0xFF) | ((descriptor >> 44) & 0xF00)),
        };
    }
}
