using System.Buffers.Binary;
using Emu.Cpu;
using Emu.Cpu.State;
using Emu.Host.Tracing;

namespace Emu.Host.Debugging;

/// <summary>A descriptor as it lies in a table (SDM Vol. 3, 3.4.5 and 5.8.3), read without the processor's noticing.</summary>
/// <remarks>
/// <code>
///  63      56 55 54  53  52  51        48 47 46 45 44 43   40 39      32 31             16 15              0
///  base 31:24 G  D/B L  AVL  limit 19:16  P  DPL  S  type   base 23:16   base 15:0         limit 15:0
///  offset 31:16                           P  DPL  0  type   count, IST   selector          offset 15:0       (gates)
/// </code>
/// In long mode system descriptors have eight more bytes, whose low half is bits 63:32 of base or offset.
/// </remarks>
/// <param name="Low">The first eight bytes.</param>
/// <param name="High">The eight bytes after them, where they belong to it.</param>
internal readonly record struct SegmentDescriptor(ulong Low, ulong High)
{
    /// <summary>Base.</summary>
    public ulong Base => (Low >> 16 & 0xFF_FFFF) | (Low >> 32 & 0xFF00_0000) | (High << 32);

    /// <summary>Last offset, scaled by G.</summary>
    public uint Limit
    {
        get
        {
            uint limit = (uint)(Low & 0xFFFF) | (uint)(Low >> 32 & 0xF_0000);
            return (Low >> 55 & 1) != 0 ? (limit << 12) | 0xFFF : limit;
        }
    }

    /// <summary>Access rights.</summary>
    public SegmentAttributes Attributes => (SegmentAttributes)((Low >> 40 & 0xFF) | (Low >> 44 & 0xF00));

    /// <summary>P.</summary>
    public bool IsPresent => (Low >> 47 & 1) != 0;

    /// <summary>S: code or data, not system.</summary>
    public bool IsCodeOrData => (Low >> 44 & 1) != 0;

    /// <summary>Type, four bits.</summary>
    public int Type => (int)(Low >> 40) & 15;

    /// <summary>DPL, 0–3.</summary>
    public int Privilege => (int)(Low >> 45) & 3;

    /// <summary>A gate's target offset.</summary>
    public ulong Offset => (Low & 0xFFFF) | (Low >> 32 & 0xFFFF_0000) | (High << 32);

    /// <summary>A gate's target selector.</summary>
    public ushort Selector => (ushort)(Low >> 16);

    /// <summary>A long-mode gate's entry in the interrupt-stack table, 0–7.</summary>
    public int InterruptStack => (int)(Low >> 32) & 7;

    /// <summary>Reads the descriptor that a selector names.</summary>
    /// <param name="vcpu">The processor whose tables count.</param>
    /// <param name="selector">The selector.</param>
    /// <param name="descriptor">The descriptor.</param>
    /// <returns>False where the table does not reach so far, or its memory cannot be read.</returns>
    public static unsafe bool TryRead(Vcpu vcpu, ushort selector, out SegmentDescriptor descriptor)
    {
        CpuState* state = vcpu.State;
        ref SegmentRegister local = ref state->Segments[(int)SegmentName.Ldtr];
        bool isLocal = (selector & 4) != 0;
        uint limit = isLocal ? local.Limit : state->Gdtr.Limit;
        uint offset = selector & 0xFFF8u;
        descriptor = default;
        return offset + 7 <= limit && TryReadAt(vcpu, (isLocal ? local.Base : state->Gdtr.Base) + offset, out descriptor);
    }

    /// <summary>Reads the descriptor at a linear address.</summary>
    /// <param name="vcpu">The processor whose page tables count.</param>
    /// <param name="address">The address.</param>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="isGate">Whether it is an entry of an interrupt table: in long mode all of those are wide.</param>
    /// <returns>False where memory cannot be read.</returns>
    public static unsafe bool TryReadAt(Vcpu vcpu, ulong address, out SegmentDescriptor descriptor, bool isGate = false)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        int read = GuestMemoryView.ReadLinear(vcpu, address, bytes);
        ulong low = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        bool isWide = (vcpu.State->Efer & Efer.Lma) != 0 && (isGate || (low >> 44 & 1) == 0);
        descriptor = new SegmentDescriptor(low, isWide ? BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]) & 0xFFFF_FFFF : 0);
        return read >= (isWide ? 16 : 8);
    }
}
