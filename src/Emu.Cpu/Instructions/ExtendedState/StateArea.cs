using System.Runtime.InteropServices;
using Emu.Cpu.Execution;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.Instructions.X87;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.ExtendedState;

/// <summary>The 512 bytes of FXSAVE.</summary>
[StructLayout(LayoutKind.Sequential, Size = 512)]
internal struct LegacyArea;

/// <summary>The parts of FXSAVE and XSAVE areas (SDM Vol. 1, 10.5.1 and 13.4).</summary>
/// <remarks>
/// <code>
///   0  FCW | FSW | abridged tags (1) | reserved (1) | FOP
///   8  FIP 63:0                    or FIP 31:0 | FCS | reserved
///  16  FDP 63:0                    or FDP 31:0 | FDS | reserved
///  24  MXCSR | MXCSR_MASK
///  32  ST(0)–ST(7), 16 bytes each, of which 10 count
/// 160  XMM0–XMM15 (XMM0–XMM7 outside 64-bit mode)
/// 416  reserved, not written
/// 512  XSTATE_BV | XCOMP_BV | 48 bytes that must be 0
/// 576  YMM0_H–YMM15_H
/// 832  PKRU | reserved (4)        in the compacted format at 576 where there is no AVX state
/// </code>
/// CPUID 0xD says where PKRU lies; ours follows AVX state at once.
/// </remarks>
internal static unsafe class StateArea
{
    /// <summary>Component 0.</summary>
    public const ulong X87 = 1;

    /// <summary>Component 1.</summary>
    public const ulong Sse = 2;

    /// <summary>Component 2: the upper halves of YMM0–YMM15.</summary>
    public const ulong Avx = 4;

    /// <summary>Component 9: PKRU.</summary>
    public const ulong UserKeys = 1 << 9;

    /// <summary>Bytes of the legacy region and the header: where component 2 begins.</summary>
    public const uint AvxAt = 576;

    /// <summary>Bytes of component 2.</summary>
    public const uint AvxSize = 256;

    /// <summary>Bytes of component 9.</summary>
    public const uint UserKeysSize = 8;

    /// <summary>XCOMP_BV[63]: the compacted format.</summary>
    public const ulong Compacted = 1UL << 63;

    private const int MxcsrAt = 24;
    private const int StackAt = 32;
    private const int XmmAt = 160;

    /// <summary>Where component 9 begins.</summary>
    /// <param name="layout">The components that have room in the area: in the standard format all.</param>
    public static uint UserKeysAt(ulong layout) => (layout & Avx) != 0 ? AvxAt + AvxSize : AvxAt;

    /// <summary>Bytes of an area.</summary>
    /// <param name="components">What it holds.</param>
    /// <param name="isCompact">In the compacted format.</param>
    public static uint Size(ulong components, bool isCompact) =>
        (components & UserKeys) != 0 ? UserKeysAt(isCompact ? components : Avx) + UserKeysSize
        : (components & Avx) != 0 ? AvxAt + AvxSize : AvxAt;

    /// <summary>Stores component 0.</summary>
    /// <param name="s">The state.</param>
    /// <param name="area">The area.</param>
    /// <param name="wide">64-bit pointers (REX.W).</param>
    /// <param name="vendor">AMD's processors store opcode and pointers while an unmasked exception is pending, and zeros otherwise.</param>
    public static void StoreX87(CpuState* s, byte* area, bool wide, CpuVendor vendor)
    {
        ref var x87 = ref s->X87;
        var hidesPointers = vendor == CpuVendor.Amd && (x87.Status & X87Context.ErrorSummary) == 0;
        *(ushort*)area = x87.Control;
        *(ushort*)(area + 2) = x87.Status;
        *(ushort*)(area + 4) = x87.Valid;
        *(ushort*)(area + 6) = x87.LastOpcode;
        *(ulong*)(area + 8) = wide ? x87.LastInstruction : (uint)x87.LastInstruction | ((ulong)x87.LastCodeSelector << 32);
        *(ulong*)(area + 16) = wide ? x87.LastOperand : (uint)x87.LastOperand | ((ulong)x87.LastDataSelector << 32);
        if (hidesPointers)
        {
            *(ushort*)(area + 6) = 0;
            *(ulong*)(area + 8) = *(ulong*)(area + 16) = 0;
        }
        for (var i = 0; i < 8; i++)
        {
            var value = X87Stack.Read(s, i);
            *(ulong*)(area + StackAt + i * 16) = value.Significand;
            *(ulong*)(area + StackAt + i * 16 + 8) = value.SignExponent;
        }
    }

    /// <summary>Loads component 0. ES and B follow from flags and masks.</summary>
    public static void LoadX87(CpuState* s, byte* area, bool wide)
    {
        ref var x87 = ref s->X87;
        x87.Status = *(ushort*)(area + 2);
        X87Control.LoadControl(s, *(ushort*)area);
        x87.Valid = area[4];
        x87.LastOpcode = (ushort)(*(ushort*)(area + 6) & 0x7FF);
        x87.LastInstruction = wide ? *(ulong*)(area + 8) : *(uint*)(area + 8);
        x87.LastOperand = wide ? *(ulong*)(area + 16) : *(uint*)(area + 16);
        x87.LastCodeSelector = wide ? (ushort)0 : *(ushort*)(area + 12);
        x87.LastDataSelector = wide ? (ushort)0 : *(ushort*)(area + 20);
        for (var i = 0; i < 8; i++)
        {
            var register = s->X87.Registers + (X87Stack.Physical(s, i) << 1);
            register[0] = *(ulong*)(area + StackAt + i * 16);
            register[1] = *(ushort*)(area + StackAt + i * 16 + 8);
        }
    }

    /// <summary>Component 0 as after FNINIT, with registers of zero.</summary>
    public static void InitializeX87(CpuState* s)
    {
        X87Control.Initialize(s);
        new Span<ulong>(s->X87.Registers, 16).Clear();
    }

    /// <summary>True where component 0 is in its initial configuration (SDM Vol. 1, 13.6).</summary>
    public static bool IsInitialX87(CpuState* s)
    {
        ref var x87 = ref s->X87;
        return x87.Control == X87Context.InitialControl && x87.Status == 0 && x87.Valid == 0
            && (x87.LastOpcode | x87.LastCodeSelector | x87.LastDataSelector) == 0 && (x87.LastInstruction | x87.LastOperand) == 0
            && !new ReadOnlySpan<ulong>(s->X87.Registers, 16).ContainsAnyExcept(0UL);
    }

    /// <summary>Stores MXCSR and its mask.</summary>
    public static void StoreMxcsr(CpuState* s, byte* area)
    {
        *(uint*)(area + MxcsrAt) = s->Mxcsr;
        *(uint*)(area + MxcsrAt + 4) = SseContext.WritableBits;
    }

    /// <summary>The MXCSR of an area.</summary>
    public static uint Mxcsr(byte* area) => *(uint*)(area + MxcsrAt);

    /// <summary>Stores the XMM registers that the mode can name.</summary>
    public static void StoreXmm(CpuState* s, byte* area, int count)
    {
        for (var i = 0; i < count; i++)
        {
            ((ulong*)(area + XmmAt))[i * 2] = s->Vectors[i * 4];
            ((ulong*)(area + XmmAt))[i * 2 + 1] = s->Vectors[i * 4 + 1];
        }
    }

    /// <summary>Loads the XMM registers that the mode can name.</summary>
    public static void LoadXmm(CpuState* s, byte* area, int count)
    {
        for (var i = 0; i < count; i++)
        {
            s->Vectors[i * 4] = ((ulong*)(area + XmmAt))[i * 2];
            s->Vectors[i * 4 + 1] = ((ulong*)(area + XmmAt))[i * 2 + 1];
        }
    }

    /// <summary>Clears the lower (0) or upper (2) halves of the registers that the mode can name.</summary>
    public static void ClearHalves(CpuState* s, int half, int count)
    {
        for (var i = 0; i < count; i++)
            s->Vectors[i * 4 + half] = s->Vectors[i * 4 + half + 1] = 0;
    }

    /// <summary>True where the lower (0) or upper (2) halves are all zero.</summary>
    public static bool AreClear(CpuState* s, int half, int count)
    {
        var any = 0UL;
        for (var i = 0; i < count; i++)
            any |= s->Vectors[i * 4 + half] | s->Vectors[i * 4 + half + 1];
        return any == 0;
    }

    /// <summary>Stores component 2.</summary>
    public static void StoreAvx(CpuState* s, byte* area, int count)
    {
        for (var i = 0; i < count; i++)
        {
            ((ulong*)(area + AvxAt))[i * 2] = s->Vectors[i * 4 + 2];
            ((ulong*)(area + AvxAt))[i * 2 + 1] = s->Vectors[i * 4 + 3];
        }
    }

    /// <summary>Loads component 2.</summary>
    public static void LoadAvx(CpuState* s, byte* area, int count)
    {
        for (var i = 0; i < count; i++)
        {
            s->Vectors[i * 4 + 2] = ((ulong*)(area + AvxAt))[i * 2];
            s->Vectors[i * 4 + 3] = ((ulong*)(area + AvxAt))[i * 2 + 1];
        }
    }
}
