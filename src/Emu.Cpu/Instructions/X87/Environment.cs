using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.Instructions.Vector;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.X87;

/// <summary>FNSTENV, FLDENV, FNSAVE, FRSTOR (SDM Vol. 2A; layouts in Vol. 1, 8.1.10).</summary>
/// <remarks>
/// <code>
/// 28 bytes        protected mode (also 64-bit)          real and virtual-8086 mode
///   0  control    | 16 reserved (ones)                  the same
///   4  status     | reserved                            the same
///   8  full tags  | reserved                            the same
///  12  FIP 31:0                                         FIP 15:0
///  16  FCS        | opcode 10:0 in bits 26:16           opcode 10:0 | FIP 31:16 in bits 27:12
///  20  FDP 31:0                                         FDP 15:0
///  24  FDS        | reserved                            FDP 31:16 in bits 27:12
///
/// 14 bytes: seven words
///   control, status, tags, FIP 15:0, FCS, FDP 15:0, FDS          (protected)
///   control, status, tags, FIP 15:0, FIP 19:16 in 15:12 | opcode, FDP 15:0, FDP 19:16 in 15:12   (real)
/// </code>
/// FNSAVE and FRSTOR go on with ST(0)–ST(7), ten bytes each.
/// </remarks>
internal static unsafe class X87Environment
{
    private const uint ReservedOnes = 0xFFFF_0000;
    private const int TagEmpty = 3;

    /// <summary>14 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 14)]
    private struct Short;

    /// <summary>28 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 28)]
    private struct Long;

    /// <summary>94 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 94)]
    private struct ShortImage;

    /// <summary>108 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 108)]
    private struct LongImage;

    /// <summary>FNSTENV with 16-bit operand size.</summary>
    public static void BindStoreShort(ref Operands operands) => BindStore<Short>(ref operands);

    /// <summary>FNSTENV with 32-bit operand size.</summary>
    public static void BindStoreLong(ref Operands operands) => BindStore<Long>(ref operands);

    /// <summary>FNSAVE with 16-bit operand size.</summary>
    public static void BindSaveShort(ref Operands operands) => BindStore<ShortImage>(ref operands);

    /// <summary>FNSAVE with 32-bit operand size.</summary>
    public static void BindSaveLong(ref Operands operands) => BindStore<LongImage>(ref operands);

    /// <summary>FLDENV with 16-bit operand size.</summary>
    public static void BindLoadShort(ref Operands operands) => BindLoad<Short>(ref operands);

    /// <summary>FLDENV with 32-bit operand size.</summary>
    public static void BindLoadLong(ref Operands operands) => BindLoad<Long>(ref operands);

    /// <summary>FRSTOR with 16-bit operand size.</summary>
    public static void BindRestoreShort(ref Operands operands) => BindLoad<ShortImage>(ref operands);

    /// <summary>FRSTOR with 32-bit operand size.</summary>
    public static void BindRestoreLong(ref Operands operands) => BindLoad<LongImage>(ref operands);

    /// <summary>The tag word: two bits for each physical register: 0 valid, 1 zero, 2 special, 3 empty (SDM Vol. 1, 8.1.7).</summary>
    public static ushort FullTags(CpuState* s)
    {
        var tags = 0;
        for (var physical = 0; physical < 8; physical++)
        {
            var tag = TagEmpty;
            if ((s->X87.Valid >> physical & 1) != 0)
            {
                var significand = s->X87.Registers[physical * 2];
                var exponent = s->X87.Registers[physical * 2 + 1] & 0x7FFF;
                tag = exponent == 0 && significand == 0 ? 1 : exponent is 0 or 0x7FFF || (long)significand >= 0 ? 2 : 0;
            }
            tags |= tag << (physical * 2);
        }
        return (ushort)tags;
    }

    private static void BindStore<TImage>(ref Operands operands)
        where TImage : unmanaged => operands.Op->Handler = operands.Addressing switch
        {
            AddressingKind.Long => &Store<TImage, LongAddress>,
            AddressingKind.LongSegment => &Store<TImage, LongSegmentAddress>,
            AddressingKind.Flat => &Store<TImage, FlatAddress>,
            _ => &Store<TImage, SegmentedAddress>,
        };

    private static void BindLoad<TImage>(ref Operands operands)
        where TImage : unmanaged => operands.Op->Handler = operands.Addressing switch
        {
            AddressingKind.Long => &Load<TImage, LongAddress>,
            AddressingKind.LongSegment => &Load<TImage, LongSegmentAddress>,
            AddressingKind.Flat => &Load<TImage, FlatAddress>,
            _ => &Load<TImage, SegmentedAddress>,
        };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store<TImage, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TImage : unmanaged
        where TAddress : IAddressing
    {
        if (!Availability.X87NoWait(vcpu, s, op))
            return;
        var place = (byte*)Operand.Modify<TAddress, TImage>(vcpu, s, op);
        if (place == null)
            return;
        Fill(vcpu, s, place, sizeof(TImage));
        Operand.Commit(vcpu, s, place);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Load<TImage, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TImage : unmanaged
        where TAddress : IAddressing
    {
        if (!Availability.X87(vcpu, s, op))
            return;
        var place = (byte*)Operand.Read<TAddress, TImage>(vcpu, s, op);
        if (place == null)
            return;
        Take(vcpu, s, place, sizeof(TImage));
        Step.Next(vcpu, s, op);
    }

    private static void Fill(Vcpu vcpu, CpuState* s, byte* place, int size)
    {
        ref var x87 = ref s->X87;
        var isReal = (vcpu.CodeMode & CodeMode.Unprotected) != 0;
        var isLong = size is 28 or 108;
        var instruction = (uint)x87.LastInstruction;
        var operand = (uint)x87.LastOperand;
        if (isReal)
        {
            instruction += (uint)x87.LastCodeSelector << 4;
            operand += (uint)x87.LastDataSelector << 4;
        }
        if (isLong)
        {
            var words = (uint*)place;
            words[0] = x87.Control | ReservedOnes;
            words[1] = x87.Status | ReservedOnes;
            words[2] = FullTags(s) | ReservedOnes;
            words[3] = isReal ? (ushort)instruction | ReservedOnes : instruction;
            words[4] = isReal ? (instruction & 0xFFFF_0000) >> 4 | x87.LastOpcode : (uint)x87.LastOpcode << 16 | x87.LastCodeSelector;
            words[5] = isReal ? (ushort)operand | ReservedOnes : operand;
            words[6] = isReal ? (operand & 0xFFFF_0000) >> 4 : x87.LastDataSelector | ReservedOnes;
        }
        else
        {
            var words = (ushort*)place;
            words[0] = x87.Control;
            words[1] = x87.Status;
            words[2] = FullTags(s);
            words[3] = (ushort)instruction;
            words[4] = isReal ? (ushort)((instruction >> 4 & 0xF000) | x87.LastOpcode) : x87.LastCodeSelector;
            words[5] = (ushort)operand;
            words[6] = isReal ? (ushort)(operand >> 4 & 0xF000) : x87.LastDataSelector;
        }
        if (size is 14 or 28)
        {
            // FNSTENV masks every exception; none is pending then.
            x87.Control |= (ushort)FloatFlags.All;
            X87Stack.Summarize(s);
            return;
        }
        var registers = place + (isLong ? 28 : 14);
        for (var i = 0; i < 8; i++)
        {
            var value = X87Stack.Read(s, i);
            *(ulong*)(registers + i * 10) = value.Significand;
            *(ushort*)(registers + i * 10 + 8) = value.SignExponent;
        }
        X87Control.Initialize(s);
    }

    private static void Take(Vcpu vcpu, CpuState* s, byte* place, int size)
    {
        ref var x87 = ref s->X87;
        var isReal = (vcpu.CodeMode & CodeMode.Unprotected) != 0;
        var isLong = size is 28 or 108;
        var stride = isLong ? 4 : 2;
        var tags = *(ushort*)(place + 2 * stride);
        x87.Status = *(ushort*)(place + stride);
        X87Control.LoadControl(s, *(ushort*)place);
        x87.Valid = 0;
        for (var physical = 0; physical < 8; physical++)
        {
            if ((tags >> (physical * 2) & 3) != TagEmpty)
                x87.Valid |= (byte)(1 << physical);
        }
        if (isLong)
        {
            var words = (uint*)place;
            x87.LastInstruction = isReal ? (ushort)words[3] | (words[4] & 0x0FFF_F000) << 4 : words[3];
            x87.LastOperand = isReal ? (ushort)words[5] | (words[6] & 0x0FFF_F000) << 4 : words[5];
            x87.LastOpcode = (ushort)((isReal ? words[4] : words[4] >> 16) & 0x7FF);
            x87.LastCodeSelector = isReal ? (ushort)0 : (ushort)words[4];
            x87.LastDataSelector = isReal ? (ushort)0 : (ushort)words[6];
        }
        else
        {
            var words = (ushort*)place;
            x87.LastInstruction = words[3] | (isReal ? (words[4] & 0xF000u) << 4 : 0);
            x87.LastOperand = words[5] | (isReal ? (words[6] & 0xF000u) << 4 : 0);
            x87.LastOpcode = isReal ? (ushort)(words[4] & 0x7FF) : (ushort)0;
            x87.LastCodeSelector = isReal ? (ushort)0 : words[4];
            x87.LastDataSelector = isReal ? (ushort)0 : words[6];
        }
        if (size is 14 or 28)
            return;
        var registers = place + (isLong ? 28 : 14);
        for (var i = 0; i < 8; i++)
        {
            var register = s->X87.Registers + (X87Stack.Physical(s, i) << 1);
            register[0] = *(ulong*)(registers + i * 10);
            register[1] = *(ushort*)(registers + i * 10 + 8);
        }
    }
}
