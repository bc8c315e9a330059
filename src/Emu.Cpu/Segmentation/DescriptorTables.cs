using System.Runtime.CompilerServices;
using Emu.Cpu.State;

namespace Emu.Cpu.Segmentation;

/// <summary>Selectors and the tables that they index: the GDT and the LDT (SDM Vol. 3, 3.4.2).</summary>
/// <remarks>
/// <code>
///  15            3  2  1 0
///  index            TI RPL
/// </code>
/// A selector's error code is the selector with EXT in place of its lowest bit, and bit 1 (IDT) clear.
/// </remarks>
internal static unsafe class DescriptorTables
{
    /// <summary>TI.</summary>
    public const ushort TableIndicator = 4;

    /// <summary>True for selectors 0–3.</summary>
    public static bool IsNull(ushort selector) => (selector & ~3) == 0;

    /// <summary>RPL.</summary>
    public static uint Rpl(ushort selector) => selector & 3u;

    /// <summary>The error code that names a selector.</summary>
    public static uint ErrorCode(ushort selector, uint ext = 0) => (selector & ~3u) | ext;

    /// <summary>Reads a selector's descriptor.</summary>
    /// <param name="vcpu">The CPU.</param>
    /// <param name="selector">A selector that is not null.</param>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="ext">EXT of the error code.</param>
    /// <param name="vector">The fault where the selector lies outside its table: #GP, or #TS within a task switch.</param>
    /// <returns>False with the failure recorded.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryRead(Vcpu vcpu, ushort selector, out Descriptor descriptor, uint ext = 0,
        byte vector = ExceptionVector.GeneralProtection)
    {
        if (TryFind(vcpu, selector, 8, out var address))
        {
            var read = vcpu.TryReadSystem(address, out ulong raw);
            descriptor = new Descriptor(raw);
            return read;
        }
        descriptor = default;
        return vcpu.Fail(vector, ErrorCode(selector, ext));
    }

    /// <summary>Reads the upper half of a long-mode system descriptor or call gate.</summary>
    /// <returns>False with the failure recorded: outside the table, or (#GP) with a type field that is not zero.</returns>
    public static bool TryReadUpper(Vcpu vcpu, ushort selector, out ulong upper)
    {
        upper = 0;
        if (!TryFind(vcpu, selector, 16, out var address))
            return vcpu.Fail(ExceptionVector.GeneralProtection, ErrorCode(selector));
        if (!vcpu.TryReadSystem(address + 8, out upper))
            return false;
        return (upper & (0x1FUL << 40)) == 0 || vcpu.Fail(ExceptionVector.GeneralProtection, ErrorCode(selector));
    }

    /// <summary>Sets A in a code or data descriptor's table entry where it is clear.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryMarkAccessed(Vcpu vcpu, ushort selector, Descriptor descriptor) =>
        descriptor.IsAccessed || TryWriteAccessByte(vcpu, selector, (byte)(descriptor.Accessed.Raw >> 40));

    /// <summary>Sets or clears the busy bit of a TSS descriptor's table entry.</summary>
    public static bool TryMarkBusy(Vcpu vcpu, ushort selector, Descriptor descriptor, bool busy) =>
        TryWriteAccessByte(vcpu, selector, (byte)(((descriptor.Raw >> 40) & 0xFD) | (busy ? 2u : 0)));

    /// <summary>Finds a selector's table entry.</summary>
    /// <param name="vcpu">The CPU.</param>
    /// <param name="selector">The selector.</param>
    /// <param name="size">Bytes of the entry, 8 or 16.</param>
    /// <param name="address">Its linear address.</param>
    /// <returns>False where the table does not reach so far.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryFind(Vcpu vcpu, ushort selector, uint size, out ulong address)
    {
        var s = vcpu.State;
        var offset = selector & ~7u;
        ulong start;
        uint limit;
        if ((selector & TableIndicator) == 0)
        {
            start = s->Gdtr.Base;
            limit = s->Gdtr.Limit;
        }
        else
        {
            ref var ldtr = ref s->Segments[(int)SegmentName.Ldtr];
            start = ldtr.Base;
            limit = ldtr.Limit;
            if ((ldtr.Attributes & SegmentAttributes.Present) == 0)
            {
                address = 0;
                return false;
            }
        }
        address = start + offset;
        return offset + size - 1 <= limit;
    }

    private static bool TryWriteAccessByte(Vcpu vcpu, ushort selector, byte access)
    {
        TryFind(vcpu, selector, 8, out var address);
        return vcpu.TryWriteSystem(address + Descriptor.AccessByte, access);
    }
}
