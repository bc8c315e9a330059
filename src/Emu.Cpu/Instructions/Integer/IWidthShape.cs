using System.Numerics;
using Emu.Cpu.Decoding;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>Binds the forms of an instruction at one operand width.</summary>
internal interface IWidthShape
{
    /// <summary>Binds one instruction.</summary>
    /// <typeparam name="T">Its operands' width.</typeparam>
    static abstract void Bind<T>(ref Operands operands)
        where T : unmanaged, IBinaryInteger<T>;
}

/// <summary>Binds by the width of the first operand, a register or memory.</summary>
internal static class ByWidth<TShape>
    where TShape : IWidthShape
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        switch (operands.SizeOf(0))
        {
            case 1:
                TShape.Bind<byte>(ref operands);
                break;
            case 2:
                TShape.Bind<ushort>(ref operands);
                break;
            case 4:
                TShape.Bind<uint>(ref operands);
                break;
            default:
                TShape.Bind<ulong>(ref operands);
                break;
        }
    }
}
