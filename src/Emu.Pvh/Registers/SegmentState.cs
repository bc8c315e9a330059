namespace Emu.Pvh;

/// <summary>A segment register with its hidden part. The two are independent: Xen enters with null selectors and live caches.</summary>
/// <remarks>
/// <code>
/// Attributes:  11 G | 10 D/B | 9 L | 8 AVL | 7 P | 6-5 DPL | 4 S | 3-0 type
/// </code>
/// </remarks>
/// <param name="Selector">The visible selector.</param>
/// <param name="Base">The base address.</param>
/// <param name="Limit">The highest valid offset in bytes, with the granularity already applied.</param>
/// <param name="Attributes">The access rights in the packed 12-bit form above; 0 marks an unusable segment.</param>
public readonly record struct SegmentState(ushort Selector, ulong Base, uint Limit, ushort Attributes)
{
    /// <summary>Attributes of a flat, accessed, 32-bit code segment that can be read: type 11, S, P, D, G.</summary>
    public const ushort FlatCode = 0xC9B;

    /// <summary>Attributes of a flat, accessed, writable, 32-bit data segment: type 3, S, P, B, G.</summary>
    public const ushort FlatData = 0xC93;

    /// <summary>Attributes of a busy 32-bit TSS: type 11, P.</summary>
    public const ushort BusyTss32 = 0x08B;

    /// <summary>Attributes of an LDT: type 2, P.</summary>
    public const ushort Ldt = 0x082;

    /// <summary>True when any use of the segment faults.</summary>
    public bool IsUnusable => (Attributes & 0x80) == 0;
}

/// <summary>GDTR or IDTR.</summary>
/// <param name="Base">The linear address of the table.</param>
/// <param name="Limit">The highest valid byte offset.</param>
public readonly record struct DescriptorTableState(ulong Base, ushort Limit);
