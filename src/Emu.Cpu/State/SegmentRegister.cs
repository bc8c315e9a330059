using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Emu.Cpu.State;

/// <summary>Indexes <see cref="SegmentRegisters"/>; the first six are the encoding of the instruction set.</summary>
public enum SegmentName : byte
{
    /// <summary>Extra segment.</summary>
    Es,

    /// <summary>Code segment.</summary>
    Cs,

    /// <summary>Stack segment.</summary>
    Ss,

    /// <summary>Data segment.</summary>
    Ds,

    /// <summary>FS.</summary>
    Fs,

    /// <summary>GS.</summary>
    Gs,

    /// <summary>Local descriptor table register.</summary>
    Ldtr,

    /// <summary>Task register.</summary>
    Tr,
}

/// <summary>A segment register with its hidden part, the descriptor cache (SDM Vol. 3, 3.4.3).</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SegmentRegister
{
    /// <summary>Linear base address.</summary>
    public ulong Base;

    /// <summary>Limit in bytes, scaled by G: the last valid offset (expand-up).</summary>
    public uint Limit;

    /// <summary>The visible part.</summary>
    public ushort Selector;

    /// <summary>Access rights, see <see cref="SegmentAttributes"/>; <see cref="SegmentAttributes.Present"/> clear: unusable.</summary>
    public SegmentAttributes Attributes;

    /// <summary>Makes one in a single vector: what is written field by field and copied whole at once stalls the host's processor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static SegmentRegister Of(ulong start, uint limit, ushort selector, SegmentAttributes attributes) =>
        Unsafe.BitCast<Vector128<ulong>, SegmentRegister>(Vector128.Create(start, limit | ((ulong)selector << 32) | ((ulong)attributes << 48)));
}

/// <summary>
/// Access rights as in hvm_vcpu.h and AMD's VMCB: bits 0–3 type, 4 S, 5–6 DPL, 7 P, 8 AVL, 9 L, 10 D/B, 11 G.
/// </summary>
[Flags]
public enum SegmentAttributes : ushort
{
    /// <summary>Nothing set: an unusable segment.</summary>
    None = 0,

    /// <summary>Type bit 0: accessed.</summary>
    Accessed = 1 << 0,

    /// <summary>Type bit 1: a data segment is writable, a code segment readable.</summary>
    WritableOrReadable = 1 << 1,

    /// <summary>Type bit 2: a data segment expands down, a code segment is conforming.</summary>
    ExpandDownOrConforming = 1 << 2,

    /// <summary>Type bit 3: code.</summary>
    Code = 1 << 3,

    /// <summary>S: code or data, not system.</summary>
    CodeOrData = 1 << 4,

    /// <summary>P.</summary>
    Present = 1 << 7,

    /// <summary>L: 64-bit code.</summary>
    Long = 1 << 9,

    /// <summary>D/B: 32-bit code, stack pointer or upper bound.</summary>
    Default32 = 1 << 10,

    /// <summary>G: the descriptor's limit counts 4 KiB units.</summary>
    Granularity = 1 << 11,
}

/// <summary>The eight segment registers.</summary>
[InlineArray(8)]
public struct SegmentRegisters
{
    private SegmentRegister _first;
}
