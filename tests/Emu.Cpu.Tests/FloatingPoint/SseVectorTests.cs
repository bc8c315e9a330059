using Emu.Cpu.FloatingPoint;
using Xunit;

namespace Emu.Cpu.Tests.FloatingPoint;

public class SseVectorTests
{
    private const string FileName = "sse.txt";

    private static readonly IReadOnlyList<string[]> Cases = VectorFile.Read(FileName);

    public static IEnumerable<object[]> Operations => VectorFile.Operations(FileName);

    [Theory]
    [MemberData(nameof(Operations))]
    public void Operation_gives_the_bits_and_flags_of_a_processor(string operation)
    {
        foreach (string[] fields in Cases.Where(fields => fields[0] == operation))
        {
            string line = string.Join(' ', fields);
            int immediate = fields[1] == "-" ? 0 : (int)VectorFile.Hex(fields[1]);
            var ctx = new SseContext((uint)VectorFile.Hex(fields[2]));
            ulong a = VectorFile.Hex(fields[3]);
            ulong b = VectorFile.Hex(fields[4]);
            ulong c = VectorFile.Hex(fields[5]);
            ulong result = operation[0] == 'f' ? Fused(operation, a, b, c, ref ctx) : Execute(operation, immediate, a, b, ref ctx);
            Assert.True((uint)VectorFile.Hex(fields[8]) == ctx.Mxcsr, $"{line}: MXCSR {ctx.Mxcsr:X4}");
            Assert.True((fields[7] == "fault") == (ctx.Unmasked != 0), line);
            if (ctx.Unmasked == 0) Assert.True(VectorFile.Hex(fields[7]) == result, $"{line}: {result:X}");
        }
    }

    private static ulong Fused(string operation, ulong a, ulong b, ulong c, ref SseContext ctx)
    {
        // The digits name the operands: 132 is a × c + b.
        (ulong x, ulong y, ulong z) = operation[^5..^2] switch
        {
            "132" => (a, c, b),
            "213" => (b, a, c),
            _ => (b, c, a),
        };
        bool negateProduct = operation.StartsWith("fn", StringComparison.Ordinal);
        bool negateAddend = operation.Contains("sub", StringComparison.Ordinal);
        return operation.EndsWith("sd", StringComparison.Ordinal)
            ? Float64.FusedMultiplyAdd(x, y, z, negateProduct, negateAddend, ref ctx)
            : Float32.FusedMultiplyAdd((uint)x, (uint)y, (uint)z, negateProduct, negateAddend, ref ctx);
    }

    private static ulong Execute(string operation, int immediate, ulong a, ulong b, ref SseContext ctx)
    {
        uint x = (uint)a;
        uint y = (uint)b;
        return operation switch
        {
            "addsd" => Float64.Add(a, b, ref ctx),
            "addss" => Float32.Add(x, y, ref ctx),
            "subsd" => Float64.Subtract(a, b, ref ctx),
            "subss" => Float32.Subtract(x, y, ref ctx),
            "mulsd" => Float64.Multiply(a, b, ref ctx),
            "mulss" => Float32.Multiply(x, y, ref ctx),
            "divsd" => Float64.Divide(a, b, ref ctx),
            "divss" => Float32.Divide(x, y, ref ctx),
            "minsd" => Float64.Minimum(a, b, ref ctx),
            "minss" => Float32.Minimum(x, y, ref ctx),
            "maxsd" => Float64.Maximum(a, b, ref ctx),
            "maxss" => Float32.Maximum(x, y, ref ctx),
            "sqrtsd" => Float64.SquareRoot(a, ref ctx),
            "sqrtss" => Float32.SquareRoot(x, ref ctx),
            "comisd" => Float64.CompareOrdered(a, b, ref ctx),
            "comiss" => Float32.CompareOrdered(x, y, ref ctx),
            "ucomisd" => Float64.CompareUnordered(a, b, ref ctx),
            "ucomiss" => Float32.CompareUnordered(x, y, ref ctx),
            "cmpsd" => Float64.Compare(a, b, immediate, ref ctx) ? ulong.MaxValue : 0,
            "cmpss" => Float32.Compare(x, y, immediate, ref ctx) ? uint.MaxValue : 0,
            "roundsd" => Float64.RoundToIntegral(a, immediate, ref ctx),
            "roundss" => Float32.RoundToIntegral(x, immediate, ref ctx),
            "cvtsd2si32" => (uint)Float64.ToInt32(a, ref ctx),
            "cvtss2si32" => (uint)Float32.ToInt32(x, ref ctx),
            "cvtsd2si64" => (ulong)Float64.ToInt64(a, ref ctx),
            "cvtss2si64" => (ulong)Float32.ToInt64(x, ref ctx),
            "cvttsd2si32" => (uint)Float64.ToInt32Truncated(a, ref ctx),
            "cvttss2si32" => (uint)Float32.ToInt32Truncated(x, ref ctx),
            "cvttsd2si64" => (ulong)Float64.ToInt64Truncated(a, ref ctx),
            "cvttss2si64" => (ulong)Float32.ToInt64Truncated(x, ref ctx),
            "cvtsi322sd" => Float64.FromInt32((int)a, ref ctx),
            "cvtsi322ss" => Float32.FromInt32((int)a, ref ctx),
            "cvtsi642sd" => Float64.FromInt64((long)a, ref ctx),
            "cvtsi642ss" => Float32.FromInt64((long)a, ref ctx),
            "cvtss2sd" => Float32.ToFloat64(x, ref ctx),
            "cvtsd2ss" => Float64.ToFloat32(a, ref ctx),
            "cvtps2ph" => Float32.ToFloat16(x, immediate, ref ctx),
            "cvtph2ps" => Float32.FromFloat16((ushort)a, ref ctx),
            _ => throw new InvalidOperationException(operation),
        };
    }
}
