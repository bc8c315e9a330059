using System.Runtime.Intrinsics;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>How the sums of AVX-VNNI end. A type argument of operations.</summary>
internal interface ISumRange
{
    /// <summary>The sum as it is stored.</summary>
    static abstract int Narrow(long sum);
}

/// <summary>The lower 32 bits.</summary>
internal readonly struct Wrapping : ISumRange
{
    public static int Narrow(long sum) => (int)sum;
}

/// <summary>The nearest value that 32 bits hold.</summary>
internal readonly struct Saturating : ISumRange
{
    public static int Narrow(long sum) => (int)Math.Clamp(sum, int.MinValue, int.MaxValue);
}

/// <summary>VPDPBUSD and VPDPBUSDS (SDM Vol. 2C): to c are added the products of a's unsigned and b's signed bytes, four to a doubleword.</summary>
internal readonly struct DotProductBytes<TRange> : IThreeSourceOperation
    where TRange : ISumRange
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, Vector128<byte> c)
    {
        Vector128<int> result = default;
        for (var i = 0; i < 4; i++)
        {
            long sum = c.AsInt32()[i];
            for (var j = i * 4; j < i * 4 + 4; j++)
                sum += a[j] * b.AsSByte()[j];
            result = result.WithElement(i, TRange.Narrow(sum));
        }
        return result.AsByte();
    }
}

/// <summary>VPDPWSSD and VPDPWSSDS (SDM Vol. 2C): to c are added the products of a's and b's signed words, two to a doubleword.</summary>
internal readonly struct DotProductWords<TRange> : IThreeSourceOperation
    where TRange : ISumRange
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, Vector128<byte> c)
    {
        Vector128<int> result = default;
        for (var i = 0; i < 4; i++)
        {
            var sum = c.AsInt32()[i] + (long)a.AsInt16()[i * 2] * b.AsInt16()[i * 2] + (long)a.AsInt16()[i * 2 + 1] * b.AsInt16()[i * 2 + 1];
            result = result.WithElement(i, TRange.Narrow(sum));
        }
        return result.AsByte();
    }
}
