using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Emu.Cpu.FloatingPoint;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>CVTPS2PD (SDM Vol. 2A).</summary>
internal readonly struct Cvtps2pd : IFloatOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        PackedFloat32.ToFloat64(b.AsSingle(), ref context).AsByte();
}

/// <summary>CVTPD2PS (SDM Vol. 2A): the upper half becomes zero.</summary>
internal readonly struct Cvtpd2ps : IFloatOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        Vector128.CreateScalar(PackedFloat64.ToFloat32(b.AsDouble(), ref context)).AsByte();
}

/// <summary>CVTSS2SD (SDM Vol. 2A).</summary>
internal readonly struct Cvtss2sd : IFloatOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        a.AsUInt64().WithElement(0, Float32.ToFloat64(b.AsUInt32().ToScalar(), ref context)).AsByte();

    public static bool HasHostForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Host(Vector128<byte> a, Vector128<byte> b) =>
        Sse2.IsSupported ? Sse2.ConvertScalarToVector128Double(a.AsDouble(), b.AsSingle()).AsByte() : a.AsDouble().WithElement(0, b.AsSingle().ToScalar()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPlain(Vector128<byte> a, Vector128<byte> b, Vector128<byte> result) => Float32.ArePlain(b.AsUInt32().ToScalar(), 0);
}

/// <summary>CVTSD2SS (SDM Vol. 2A).</summary>
internal readonly struct Cvtsd2ss : IFloatOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        a.AsUInt32().WithElement(0, Float64.ToFloat32(b.AsUInt64().ToScalar(), ref context)).AsByte();

    public static bool HasHostForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Host(Vector128<byte> a, Vector128<byte> b) =>
        Sse2.IsSupported ? Sse2.ConvertScalarToVector128Single(a.AsSingle(), b.AsDouble()).AsByte() : a.AsSingle().WithElement(0, (float)b.AsDouble().ToScalar()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPlain(Vector128<byte> a, Vector128<byte> b, Vector128<byte> result) =>
        Float32.IsClearlyNormal(result.AsUInt32().ToScalar()) || b.AsUInt64().ToScalar() << 1 == 0;
}

/// <summary>CVTDQ2PS (SDM Vol. 2A).</summary>
internal readonly struct Cvtdq2ps : IFloatOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        PackedFloat32.FromInt32(b.AsInt32(), ref context).AsByte();
}

/// <summary>CVTPS2DQ (SDM Vol. 2A).</summary>
internal readonly struct Cvtps2dq : IFloatOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        PackedFloat32.ToInt32(b.AsSingle(), ref context).AsByte();
}

/// <summary>CVTTPS2DQ (SDM Vol. 2A).</summary>
internal readonly struct Cvttps2dq : IFloatOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        PackedFloat32.ToInt32Truncated(b.AsSingle(), ref context).AsByte();
}

/// <summary>CVTDQ2PD (SDM Vol. 2A): exact.</summary>
internal readonly struct Cvtdq2pd : IFloatOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        PackedFloat64.FromInt32(b.AsInt32().GetElement(0), b.AsInt32().GetElement(1)).AsByte();
}

/// <summary>CVTPD2DQ (SDM Vol. 2A): the upper half becomes zero.</summary>
internal readonly struct Cvtpd2dq : IFloatOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        Vector128.CreateScalar(PackedFloat64.ToInt32(b.AsDouble(), ref context)).AsByte();
}

/// <summary>CVTTPD2DQ (SDM Vol. 2A): the upper half becomes zero.</summary>
internal readonly struct Cvttpd2dq : IFloatOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        Vector128.CreateScalar(PackedFloat64.ToInt32Truncated(b.AsDouble(), ref context)).AsByte();
}
