using Emu.Cpu.State;

namespace Emu.Fuzz.Generation;

/// <summary>Descriptors as the tables hold them.</summary>
public static class DescriptorBits
{
    /// <summary>A segment descriptor. Attributes as in <see cref="SegmentAttributes"/>; the limit is scaled where G is set.</summary>
    public static ulong Segment(uint start, uint limit, uint attributes)
    {
        var field = (attributes & 0x800) != 0 ? limit >> 12 : limit;
        return (field & 0xFFFF) | ((ulong)(start & 0xFF_FFFF) << 16) | ((ulong)(attributes & 0xFF) << 40)
            | ((ulong)((field >> 16) & 0xF) << 48) | ((ulong)((attributes >> 8) & 0xF) << 52) | ((ulong)(start >> 24) << 56);
    }

    /// <summary>A gate's first eight bytes.</summary>
    public static ulong Gate(ushort selector, uint offset, uint attributes) =>
        (offset & 0xFFFF) | ((ulong)selector << 16) | ((ulong)(attributes & 0xFF) << 40) | ((ulong)(offset >> 16) << 48);

    /// <summary>What a segment register holds after it was loaded with a descriptor.</summary>
    public static SegmentRegister Register(ushort selector, uint start, uint limit, uint attributes) =>
        new() { Selector = selector, Base = start, Limit = limit, Attributes = (SegmentAttributes)attributes };

    /// <summary>Any descriptor: of every type, with garbage, or in the image of a good one.</summary>
    public static ulong Any(Dice dice)
    {
        switch (dice.Below(8))
        {
            case 0:
                return dice.Next();
            case 1:
                return 0;
            case 2:
                return Gate(dice.Pick(Layout.Selectors), dice.OneIn(3) ? dice.UInt32() : (uint)(Layout.Code + dice.Below(Layout.CodeLength)),
                    (uint)(0x80 | dice.Below(4) << 5 | dice.Below(16)));
            case 3:
                return Segment((uint)dice.Pick(Layout.Outside), dice.UInt32(), (uint)(0x80 | dice.Below(4) << 5 | dice.Below(32) | dice.Below(16) << 8));
            case 4:
                return Segment((uint)(dice.OneIn(2) ? Layout.Tss : Layout.OtherTss), (uint)(dice.OneIn(2) ? 0x67 : dice.Below(0x100)),
                    (uint)(0x80 | dice.Below(4) << 5 | dice.Pick([1, 3, 9, 11, 2])));
            case 5:
                return Segment(0, uint.MaxValue, (uint)(0x890 | dice.Below(2) << 10 | dice.Below(2) << 9 | dice.Below(4) << 5 | dice.Below(16)));
            default:
                return Segment((uint)dice.Value(), (uint)dice.Value(),
                    (uint)((dice.OneIn(6) ? 0 : 0x80) | dice.Below(4) << 5 | dice.Below(32) | dice.Below(16) << 8));
        }
    }
}
