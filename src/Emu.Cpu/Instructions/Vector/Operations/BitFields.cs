using System.Runtime.Intrinsics;
using Emu.Cpu.Decoding;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>A field of a quadword as SSE4A describes it: a length and an index of six bits each (APM Vol. 4, EXTRQ).</summary>
/// <remarks>A length of 0 means 64. A field that leaves the quadword is undefined: what sticks out is cut off.</remarks>
internal readonly struct BitField(int length, int index)
{
    private readonly int _index = index & 63;

    private readonly ulong _mask = (length & 63) == 0 ? ulong.MaxValue : (1UL << (length & 63)) - 1;

    /// <summary>The field described by a word whose low byte is the length and whose high byte is the index.</summary>
    public static BitField Described(int word) => new(word, word >> 8);

    /// <summary>The field's bits.</summary>
    public ulong Extract(ulong value) => (value >> _index) & _mask;

    /// <summary>The value with the field replaced.</summary>
    public ulong Insert(ulong value, ulong field) => (value & ~(_mask << _index)) | ((field & _mask) << _index);
}

/// <summary>EXTRQ (APM Vol. 4). The upper quadword, which the APM leaves undefined, is cleared, as processors do.</summary>
internal readonly struct Extrq : IVectorOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Vector128.CreateScalar(BitField.Described(b.AsUInt16()[0]).Extract(a.AsUInt64()[0])).AsByte();

    /// <summary>EXTRQ with its field in two immediates.</summary>
    internal readonly struct Immediate : IVectorOperation
    {
        public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
            Vector128.CreateScalar(BitField.Described(immediate).Extract(a.AsUInt64()[0])).AsByte();
    }

    /// <summary>Binds the form with two immediates.</summary>
    public static unsafe void BindImmediate(ref Operands operands)
    {
        PackedShape<Immediate, Unaligned>.Bind(ref operands);
        operands.Op->Base = operands.Op->Destination;
        operands.Op->Immediate = operands.Instruction.Immediate8 | operands.Instruction.Immediate8_2nd << 8;
    }
}

/// <summary>INSERTQ (APM Vol. 4). The upper quadword, which the APM leaves undefined, is cleared, as processors do.</summary>
internal readonly struct Insertq : IVectorOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Vector128.CreateScalar(BitField.Described(b.AsUInt16()[4]).Insert(a.AsUInt64()[0], b.AsUInt64()[0])).AsByte();

    /// <summary>INSERTQ with its field in two immediates.</summary>
    internal readonly struct Immediate : IVectorOperation
    {
        public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
            Vector128.CreateScalar(BitField.Described(immediate).Insert(a.AsUInt64()[0], b.AsUInt64()[0])).AsByte();
    }

    /// <summary>Binds the form with two immediates.</summary>
    public static unsafe void BindImmediate(ref Operands operands)
    {
        PackedShape<Immediate, Unaligned>.Bind(ref operands);
        operands.Op->Immediate = operands.Instruction.Immediate8 | operands.Instruction.Immediate8_2nd << 8;
    }
}
