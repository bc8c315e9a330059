using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM (SDM Vol. 2B; the immediate in Vol. 2, 4.1).</summary>
/// <remarks>
/// <code>
/// imm8   6        5:4        3:2                                              1        0
///        output   polarity   0 any of, 1 in ranges, 2 equal each, 3 substring  signed   words
/// </code>
/// </remarks>
internal static unsafe class StringCompare
{
    private const int RaxOffset = 0, RdxOffset = 2 * 8;

    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        ref readonly var i = ref operands.Instruction;
        if (!VectorOperands.IsVex(in i))
            Bind<LegacySse>(ref operands);
        else if ((operands.Mode & CodeMode.Unprotected) != 0)
            Undefined.BindInvalid(ref operands);
        else
            Bind<Vex128>(ref operands);
    }

    private static void Bind<TEncoding>(ref Operands operands)
        where TEncoding : IVectorEncoding
    {
        operands.Op->Handler = !VectorOperands.Take(ref operands) ? &Register<TEncoding> : operands.Addressing switch
        {
            AddressingKind.Long => &FromMemory<TEncoding, LongAddress>,
            AddressingKind.LongSegment => &FromMemory<TEncoding, LongSegmentAddress>,
            AddressingKind.Flat => &FromMemory<TEncoding, FlatAddress>,
            _ => &FromMemory<TEncoding, SegmentedAddress>,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Register<TEncoding>(Vcpu vcpu, CpuState* s, Op* op)
        where TEncoding : IVectorEncoding
    {
        if (!TEncoding.IsAvailable(vcpu, s, op))
            return;
        Execute(s, op, (byte*)VectorRegister.Of(s, op->Base), TEncoding.IsVex);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FromMemory<TEncoding, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TEncoding : IVectorEncoding
        where TAddress : IAddressing
    {
        if (!TEncoding.IsAvailable(vcpu, s, op))
            return;
        var source = VectorMemory.Read<TAddress, Unaligned, TEncoding>(vcpu, s, op);
        if (source == null)
            return;
        Execute(s, op, source, TEncoding.IsVex);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Execute(CpuState* s, Op* op, byte* source, bool zeroesUpper)
    {
        var immediate = (int)op->Immediate;
        var a = (byte*)VectorRegister.Of(s, op->Destination);
        var count = (immediate & 1) != 0 ? 8 : 16;
        var mnemonic = ((Code)op->Code).Mnemonic();
        int lengthA, lengthB;
        if (IsExplicit(mnemonic))
        {
            var isLong = mnemonic is Mnemonic.Pcmpestri64 or Mnemonic.Pcmpestrm64
                || (Code)op->Code is Code.VEX_Vpcmpestri64_xmm_xmmm128_imm8 or Code.VEX_Vpcmpestrm64_xmm_xmmm128_imm8;
            lengthA = ExplicitLength(s, RaxOffset, isLong, count);
            lengthB = ExplicitLength(s, RdxOffset, isLong, count);
        }
        else
        {
            lengthA = ImplicitLength(a, count);
            lengthB = ImplicitLength(source, count);
        }

        var result = Aggregate(a, source, lengthA, lengthB, immediate, count);
        var all = (1u << count) - 1;
        if ((immediate & 0x30) == 0x10)
            result ^= all;
        else if ((immediate & 0x30) == 0x30)
            result ^= (1u << lengthB) - 1;

        var flags = (result != 0 ? Rflags.Carry : 0) | (lengthB < count ? Rflags.Zero : 0)
            | (lengthA < count ? Rflags.Sign : 0) | ((result & 1) != 0 ? Rflags.Overflow : 0);
        if (GivesMask(mnemonic))
        {
            var xmm0 = VectorRegister.Of(s, 0);
            xmm0[0] = (immediate & 0x40) == 0 ? Vector128.CreateScalar(result).AsByte() : Expand(result, count);
            if (zeroesUpper)
                xmm0[1] = default;
        }
        else
        {
            s->Registers[1] = result == 0 ? (uint)count
                : (immediate & 0x40) == 0 ? (uint)BitOperations.TrailingZeroCount(result) : (uint)BitOperations.Log2(result);
        }
        s->Flags.SetFrom(flags);
    }

    private static bool IsExplicit(Mnemonic mnemonic) => mnemonic is Mnemonic.Pcmpestri or Mnemonic.Pcmpestri64 or Mnemonic.Pcmpestrm
        or Mnemonic.Pcmpestrm64 or Mnemonic.Vpcmpestri or Mnemonic.Vpcmpestri64 or Mnemonic.Vpcmpestrm or Mnemonic.Vpcmpestrm64;

    private static bool GivesMask(Mnemonic mnemonic) => mnemonic is Mnemonic.Pcmpestrm or Mnemonic.Pcmpestrm64 or Mnemonic.Pcmpistrm
        or Mnemonic.Vpcmpestrm or Mnemonic.Vpcmpestrm64 or Mnemonic.Vpcmpistrm;

    // The magnitude of EAX or EDX (RAX, RDX with REX.W), at most the number of elements.
    private static int ExplicitLength(CpuState* s, byte register, bool isLong, int count)
    {
        var value = isLong ? Step.Get<long>(s, register) : Step.Get<int>(s, register);
        return value > count || value < -count ? count : (int)Math.Abs(value);
    }

    private static int ImplicitLength(byte* text, int count)
    {
        var length = 0;
        while (length < count && Element(text, length, count, false) != 0)
            length++;
        return length;
    }

    private static int Element(byte* text, int i, int count, bool signed) =>
        count == 16 ? signed ? (sbyte)text[i] : text[i] : signed ? ((short*)text)[i] : ((ushort*)text)[i];

    private static uint Aggregate(byte* a, byte* b, int lengthA, int lengthB, int immediate, int count)
    {
        var signed = (immediate & 2) != 0;
        var result = 0u;
        switch (immediate >> 2 & 3)
        {
            case 0:
                for (var j = 0; j < lengthB; j++)
                {
                    for (var i = 0; i < lengthA; i++)
                    {
                        if (Element(a, i, count, signed) == Element(b, j, count, signed))
                            result |= 1u << j;
                    }
                }
                break;
            case 1:
                for (var j = 0; j < lengthB; j++)
                {
                    var value = Element(b, j, count, signed);
                    for (var i = 0; i + 1 < lengthA; i += 2)
                    {
                        if (Element(a, i, count, signed) <= value && value <= Element(a, i + 1, count, signed))
                            result |= 1u << j;
                    }
                }
                break;
            case 2:
                for (var i = 0; i < count; i++)
                {
                    bool inA = i < lengthA, inB = i < lengthB;
                    if (inA == inB && (!inA || Element(a, i, count, signed) == Element(b, i, count, signed)))
                        result |= 1u << i;
                }
                break;
            default:
                for (var j = 0; j < count; j++)
                {
                    var matches = true;
                    for (var i = 0; matches && i < lengthA && i + j < count; i++)
                        matches = i + j < lengthB && Element(a, i, count, signed) == Element(b, i + j, count, signed);
                    if (matches)
                        result |= 1u << j;
                }
                break;
        }
        return result;
    }

    private static Vector128<byte> Expand(uint bits, int count)
    {
        Vector128<byte> result = default;
        for (var i = 0; i < 16; i++)
        {
            if ((bits >> (count == 16 ? i : i / 2) & 1) != 0)
                result = result.WithElement(i, byte.MaxValue);
        }
        return result;
    }
}
