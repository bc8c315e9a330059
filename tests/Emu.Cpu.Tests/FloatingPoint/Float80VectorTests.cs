using Emu.Cpu.FloatingPoint;
using Xunit;

namespace Emu.Cpu.Tests.FloatingPoint;

public class Float80VectorTests
{
    private const string Exact = "x87.txt";
    private const string Transcendental = "x87-transcendental.txt";

    /// <summary>Without TOP, which is the register stack's.</summary>
    private const ushort AllStatus = unchecked((ushort)~X87Context.TopMask);

    /// <summary>What instructions leave that do not set C0, C2, C3: SDM Vol. 1 calls these undefined.</summary>
    private const ushort WithoutConditions
        = unchecked((ushort)~(X87Context.TopMask | X87Context.C0 | X87Context.C2 | X87Context.C3));

    private static readonly IReadOnlyList<string[]> ExactCases = VectorFile.Read(Exact);
    private static readonly IReadOnlyList<string[]> TranscendentalCases = VectorFile.Read(Transcendental);

    public static IEnumerable<object[]> ExactOperations => VectorFile.Operations(Exact);

    public static IEnumerable<object[]> TranscendentalOperations => VectorFile.Operations(Transcendental);

    [Theory]
    [MemberData(nameof(ExactOperations))]
    public void Operation_gives_the_bits_and_flags_of_a_processor(string operation)
    {
        foreach (string[] fields in ExactCases.Where(fields => fields[0] == operation))
        {
            var recorded = new Recorded(fields);
            string line = string.Join(' ', fields);
            var ctx = new X87Context(recorded.Control);
            Execute(operation, recorded, ref ctx, line);
        }
    }

    [Theory]
    [MemberData(nameof(TranscendentalOperations))]
    public void Transcendental_is_within_one_unit_of_a_processors(string operation)
    {
        const ushort compared = unchecked((ushort)~(X87Context.TopMask | X87Context.C0 | X87Context.C1 | X87Context.C3));
        foreach (string[] fields in TranscendentalCases.Where(fields => fields[0] == operation))
        {
            var recorded = new Recorded(fields);
            string line = string.Join(' ', fields);
            var ctx = new X87Context(recorded.Control);
            Float80 a = recorded.A;
            Float80 pushed = default;
            Float80 result = operation switch
            {
                "fsin" => Float80.Sine(a, ref ctx),
                "fcos" => Float80.Cosine(a, ref ctx),
                "fsincos" => Float80.SineCosine(a, out pushed, ref ctx),
                "fptan" => Float80.Tangent(a, out pushed, ref ctx),
                "f2xm1" => Float80.Exp2MinusOne(a, ref ctx),
                "fyl2x" => Float80.YLog2X(recorded.B, a, ref ctx),
                "fyl2xp1" => Float80.YLog2XPlusOne(recorded.B, a, ref ctx),
                "fpatan" => Float80.Arctangent(recorded.B, a, ref ctx),
                _ => throw new InvalidOperationException(operation),
            };
            int status = operation[..2] is "fy" or "f2" || operation == "fpatan" ? compared & ~X87Context.C2 : compared;
            Assert.True((recorded.Status & status) == (ctx.StatusWord & status), $"{line}: status {ctx.StatusWord:X4}");
            if (ctx.IsResultSuppressed) continue;
            bool pushes = operation is "fsincos" or "fptan" && (ctx.StatusWord & X87Context.C2) == 0;
            Float80 expected = pushes ? recorded.Below : recorded.Top;
            Assert.True(IsWithinOneUnit(expected, result), $"{line}: {result}");
            if (pushes) Assert.True(IsWithinOneUnit(recorded.Top, pushed), $"{line}: pushed {pushed}");
        }
    }

    private static bool IsWithinOneUnit(Float80 a, Float80 b)
    {
        // Neighbours differ by one in the concatenation of exponent and fraction, the integer bit left out.
        if (a == b) return true;
        if (a.IsNegative != b.IsNegative) return false;
        Int128 Place(Float80 x) => ((Int128)(x.SignExponent & 0x7FFF) << 63) + (Int128)(x.Significand & long.MaxValue);
        return Int128.Abs(Place(a) - Place(b)) <= 1;
    }

    private static void Execute(string operation, Recorded recorded, ref X87Context ctx, string line)
    {
        Float80 a = recorded.A;
        Float80 b = recorded.B;
        ulong memory = recorded.MemoryLow;
        bool loads = false;
        uint owed = 0;
        ushort status = WithoutConditions;
        Float80? result = null;
        Float80? below = null;
        (ulong Low, ulong High)? stored = null;
        switch (operation)
        {
            case "fadd": result = Float80.Add(a, b, ref ctx); break;
            case "fsub": result = Float80.Subtract(a, b, ref ctx); break;
            case "fsubr": result = Float80.Subtract(b, a, ref ctx); break;
            case "fmul": result = Float80.Multiply(a, b, ref ctx); break;
            case "fdiv": result = Float80.Divide(a, b, ref ctx); break;
            case "fdivr": result = Float80.Divide(b, a, ref ctx); break;
            case "fadd_m32": result = Float80.Add(a, Single(memory, out owed), ref ctx, owed); break;
            case "fadd_m64": result = Float80.Add(a, Float80.WidenFloat64(memory, out owed), ref ctx, owed); break;
            case "fsub_m64": result = Float80.Subtract(a, Float80.WidenFloat64(memory, out owed), ref ctx, owed); break;
            case "fmul_m32": result = Float80.Multiply(a, Single(memory, out owed), ref ctx, owed); break;
            case "fdiv_m64": result = Float80.Divide(a, Float80.WidenFloat64(memory, out owed), ref ctx, owed); break;
            case "fdivr_m64": result = Float80.Divide(Float80.WidenFloat64(memory, out owed), a, ref ctx, owed); break;
            case "fdivr_m32": result = Float80.Divide(Single(memory, out owed), a, ref ctx, owed); break;
            case "fiadd_m16": result = Float80.Add(a, Float80.FromInt64((short)memory), ref ctx); break;
            case "fidivr_m32": result = Float80.Divide(Float80.FromInt64((int)memory), a, ref ctx); break;
            case "fsqrt": result = Float80.SquareRoot(a, ref ctx); break;
            case "frndint": result = Float80.RoundToIntegral(a, ref ctx); break;
            case "fscale": result = Float80.Scale(a, b, ref ctx); break;
            case "fchs": result = Float80.Negate(a); break;
            case "fabs": result = Float80.Abs(a); break;
            case "fxtract":
                result = Float80.Extract(a, out Float80 exponent, ref ctx);
                below = exponent;
                break;
            case "fprem":
                result = Float80.Remainder(a, b, ref ctx);
                status = AllStatus;
                break;
            case "fprem1":
                result = Float80.RemainderToNearest(a, b, ref ctx);
                status = AllStatus;
                break;
            case "fcom":
                Float80.CompareOrdered(a, b, ref ctx);
                status = AllStatus;
                break;
            case "fucom":
                Float80.CompareUnordered(a, b, ref ctx);
                status = AllStatus;
                break;
            case "ftst":
                Float80.CompareOrdered(a, Float80.Zero, ref ctx);
                status = AllStatus;
                break;
            case "fcom_m32":
                Float80.CompareOrdered(a, Single(memory, out owed), ref ctx, owed);
                status = AllStatus;
                break;
            case "fcom_m64":
                Float80.CompareOrdered(a, Float80.WidenFloat64(memory, out owed), ref ctx, owed);
                status = AllStatus;
                break;
            case "fcomi":
                Assert.True(Float80.CompareToEFlags(a, b, true, ref ctx) == recorded.EFlags, line);
                break;
            case "fucomi":
                Assert.True(Float80.CompareToEFlags(a, b, false, ref ctx) == recorded.EFlags, line);
                break;
            case "fxam":
                ctx.StatusWord = Float80.Examine(a);
                status = AllStatus;
                break;
            case "fst_m32": stored = (Replace(memory, Float80.ToFloat32(a, ref ctx), 32), recorded.MemoryHigh); break;
            case "fst_m64": stored = (Float80.ToFloat64(a, ref ctx), recorded.MemoryHigh); break;
            case "fist_m16": stored = (Replace(memory, (ulong)Float80.ToInt16(a, false, ref ctx), 16), recorded.MemoryHigh); break;
            case "fist_m32": stored = (Replace(memory, (ulong)Float80.ToInt32(a, false, ref ctx), 32), recorded.MemoryHigh); break;
            case "fistp_m64": stored = ((ulong)Float80.ToInt64(a, false, ref ctx), recorded.MemoryHigh); break;
            case "fisttp_m16": stored = (Replace(memory, (ulong)Float80.ToInt16(a, true, ref ctx), 16), recorded.MemoryHigh); break;
            case "fisttp_m32": stored = (Replace(memory, (ulong)Float80.ToInt32(a, true, ref ctx), 32), recorded.MemoryHigh); break;
            case "fisttp_m64": stored = ((ulong)Float80.ToInt64(a, true, ref ctx), recorded.MemoryHigh); break;
            case "fbstp":
                ulong digits = Float80.ToBcd(a, out ushort upper, ref ctx);
                stored = (digits, Replace(recorded.MemoryHigh, upper, 16));
                break;
            case "fld_m32":
                result = Float80.FromFloat32((uint)memory, ref ctx);
                loads = true;
                break;
            case "fld_m64":
                result = Float80.FromFloat64(memory, ref ctx);
                loads = true;
                break;
            case "fbld": result = Float80.FromBcd(memory, (ushort)recorded.MemoryHigh); break;
            case "fild_m64": result = Float80.FromInt64((long)memory); break;
            case "fldpi": result = Float80.Pi(ctx.Rounding); break;
            case "fldl2t": result = Float80.Log2Of10(ctx.Rounding); break;
            case "fldl2e": result = Float80.Log2OfE(ctx.Rounding); break;
            case "fldlg2": result = Float80.Log10Of2(ctx.Rounding); break;
            case "fldln2": result = Float80.LnOf2(ctx.Rounding); break;
            default: throw new InvalidOperationException(operation);
        }

        Assert.True((recorded.Status & status) == (ctx.StatusWord & status), $"{line}: status {ctx.StatusWord:X4}");
        if (stored is not null)
        {
            (ulong, ulong) expected = (recorded.StoredLow, recorded.StoredHigh);
            (ulong, ulong) actual = ctx.IsStoreSuppressed ? (memory, recorded.MemoryHigh) : stored.Value;
            Assert.True(expected == actual, $"{line}: stored {actual}");
        }
        else if (loads && ctx.IsLoadSuppressed)
        {
            Assert.True((recorded.Status & X87Context.TopMask) == 0, line);
        }
        else if (result is not null)
        {
            Float80 actual = ctx.IsResultSuppressed && !loads ? a : result.Value;
            Assert.True(recorded.Top == actual, $"{line}: {actual}");
            if (below is not null && !ctx.IsResultSuppressed) Assert.True(recorded.Below == below, $"{line}: below {below}");
        }
    }

    private static Float80 Single(ulong memory, out uint owed) => Float80.WidenFloat32((uint)memory, out owed);

    private static ulong Replace(ulong memory, ulong value, int bits)
    {
        ulong mask = (1UL << bits) - 1;
        return (memory & ~mask) | (value & mask);
    }

    /// <summary>One line; see Vectors/README.md.</summary>
    private sealed class Recorded(string[] fields)
    {
        public ushort Control { get; } = (ushort)VectorFile.Hex(fields[1]);

        public Float80 A { get; } = Register(fields[2]);

        public Float80 B { get; } = Register(fields[3]);

        public ulong MemoryLow { get; } = VectorFile.Hex(fields[4]);

        public ulong MemoryHigh { get; } = VectorFile.Hex(fields[5]);

        public Float80 Top { get; } = Register(fields[7]);

        public Float80 Below { get; } = Register(fields[8]);

        public ulong StoredLow { get; } = VectorFile.Hex(fields[9]);

        public ulong StoredHigh { get; } = VectorFile.Hex(fields[10]);

        public ushort Status { get; } = (ushort)VectorFile.Hex(fields[11]);

        public uint EFlags { get; } = (uint)VectorFile.Hex(fields[12]);

        private static Float80 Register(string field)
        {
            string[] halves = field.Split(':');
            return new Float80((ushort)VectorFile.Hex(halves[0]), VectorFile.Hex(halves[1]));
        }
    }
}
