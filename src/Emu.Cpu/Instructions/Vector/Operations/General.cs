using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Emu.Cpu.FloatingPoint;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>MOVD, MOVQ from an integer (SDM Vol. 2B).</summary>
internal readonly struct MoveFromGeneral : IFromGeneral
{
    public static bool CanRaise => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, ulong value, int immediate, ref SseContext context) =>
        Vector128.CreateScalar(value).AsByte();

    public static HostForm HostForm => HostForm.Always;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Host(Vector128<byte> a, ulong value, int immediate) => Vector128.CreateScalar(value).AsByte();
}

/// <summary>PINSRB (SDM Vol. 2B).</summary>
internal readonly struct Pinsrb : IFromGeneral
{
    public static bool CanRaise => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, ulong value, int immediate, ref SseContext context) =>
        a.WithElement(immediate & 15, (byte)value);
}

/// <summary>PINSRW (SDM Vol. 2B).</summary>
internal readonly struct Pinsrw : IFromGeneral
{
    public static bool CanRaise => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, ulong value, int immediate, ref SseContext context) =>
        a.AsUInt16().WithElement(immediate & 7, (ushort)value).AsByte();
}

/// <summary>PINSRD (SDM Vol. 2B).</summary>
internal readonly struct Pinsrd : IFromGeneral
{
    public static bool CanRaise => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, ulong value, int immediate, ref SseContext context) =>
        a.AsUInt32().WithElement(immediate & 3, (uint)value).AsByte();
}

/// <summary>PINSRQ (SDM Vol. 2B).</summary>
internal readonly struct Pinsrq : IFromGeneral
{
    public static bool CanRaise => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, ulong value, int immediate, ref SseContext context) =>
        a.AsUInt64().WithElement(immediate & 1, value).AsByte();
}

/// <summary>CVTSI2SS from 32 bits (SDM Vol. 2A).</summary>
internal readonly struct Cvtsi2ss32 : IFromGeneral
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, ulong value, int immediate, ref SseContext context) =>
        a.AsUInt32().WithElement(0, Float32.FromInt32((int)value, ref context)).AsByte();

    public static HostForm HostForm => HostForm.HostLike;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Host(Vector128<byte> a, ulong value, int immediate) =>
        Sse.IsSupported ? Sse.ConvertScalarToVector128Single(a.AsSingle(), (int)value).AsByte() : a.AsSingle().WithElement(0, (float)(int)value).AsByte();
}

/// <summary>CVTSI2SS from 64 bits (SDM Vol. 2A).</summary>
internal readonly struct Cvtsi2ss64 : IFromGeneral
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, ulong value, int immediate, ref SseContext context) =>
        a.AsUInt32().WithElement(0, Float32.FromInt64((long)value, ref context)).AsByte();

    public static HostForm HostForm => HostForm.HostLike;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Host(Vector128<byte> a, ulong value, int immediate) =>
        Sse.X64.IsSupported ? Sse.X64.ConvertScalarToVector128Single(a.AsSingle(), (long)value).AsByte() : a.AsSingle().WithElement(0, (float)(long)value).AsByte();
}

/// <summary>CVTSI2SD from 32 bits (SDM Vol. 2A).</summary>
internal readonly struct Cvtsi2sd32 : IFromGeneral
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, ulong value, int immediate, ref SseContext context) =>
        a.AsUInt64().WithElement(0, Float64.FromInt32((int)value, ref context)).AsByte();

    public static HostForm HostForm => HostForm.Always;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Host(Vector128<byte> a, ulong value, int immediate) =>
        Sse2.IsSupported ? Sse2.ConvertScalarToVector128Double(a.AsDouble(), (int)value).AsByte() : a.AsDouble().WithElement(0, (double)(int)value).AsByte();
}

/// <summary>CVTSI2SD from 64 bits (SDM Vol. 2A).</summary>
internal readonly struct Cvtsi2sd64 : IFromGeneral
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, ulong value, int immediate, ref SseContext context) =>
        a.AsUInt64().WithElement(0, Float64.FromInt64((long)value, ref context)).AsByte();

    public static HostForm HostForm => HostForm.HostLike;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Host(Vector128<byte> a, ulong value, int immediate) =>
        Sse2.X64.IsSupported ? Sse2.X64.ConvertScalarToVector128Double(a.AsDouble(), (long)value).AsByte() : a.AsDouble().WithElement(0, (double)(long)value).AsByte();
}

/// <summary>MOVD: the lowest doubleword (SDM Vol. 2B).</summary>
internal readonly struct LowDoubleword : IToGeneral
{
    public static bool CanRaise => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(Vector128<byte> b, int immediate, ref SseContext context) => b.AsUInt32().ToScalar();

    public static HostForm HostForm => HostForm.Always;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Host(Vector128<byte> b, int immediate) => b.AsUInt32().ToScalar();
}

/// <summary>MOVQ: the lower quadword (SDM Vol. 2B).</summary>
internal readonly struct LowQuadword : IToGeneral
{
    public static bool CanRaise => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(Vector128<byte> b, int immediate, ref SseContext context) => b.AsUInt64().ToScalar();

    public static HostForm HostForm => HostForm.Always;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Host(Vector128<byte> b, int immediate) => b.AsUInt64().ToScalar();
}

/// <summary>PMOVMSKB (SDM Vol. 2B).</summary>
internal readonly struct Pmovmskb : IToGeneral
{
    public static bool CanRaise => false;

    public static int BitsOfLane => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(Vector128<byte> b, int immediate, ref SseContext context) => b.ExtractMostSignificantBits();

    public static HostForm HostForm => HostForm.Always;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Host(Vector128<byte> b, int immediate) => b.ExtractMostSignificantBits();
}

/// <summary>MOVMSKPS (SDM Vol. 2B).</summary>
internal readonly struct Movmskps : IToGeneral
{
    public static bool CanRaise => false;

    public static int BitsOfLane => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(Vector128<byte> b, int immediate, ref SseContext context) => b.AsUInt32().ExtractMostSignificantBits();

    public static HostForm HostForm => HostForm.Always;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Host(Vector128<byte> b, int immediate) => b.AsUInt32().ExtractMostSignificantBits();
}

/// <summary>MOVMSKPD (SDM Vol. 2B).</summary>
internal readonly struct Movmskpd : IToGeneral
{
    public static bool CanRaise => false;

    public static int BitsOfLane => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(Vector128<byte> b, int immediate, ref SseContext context) => b.AsUInt64().ExtractMostSignificantBits();

    public static HostForm HostForm => HostForm.Always;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Host(Vector128<byte> b, int immediate) => b.AsUInt64().ExtractMostSignificantBits();
}

/// <summary>PEXTRB (SDM Vol. 2B).</summary>
internal readonly struct Pextrb : IToGeneral
{
    public static bool CanRaise => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(Vector128<byte> b, int immediate, ref SseContext context) => b.GetElement(immediate & 15);
}

/// <summary>PEXTRW (SDM Vol. 2B).</summary>
internal readonly struct Pextrw : IToGeneral
{
    public static bool CanRaise => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(Vector128<byte> b, int immediate, ref SseContext context) => b.AsUInt16().GetElement(immediate & 7);
}

/// <summary>PEXTRD, EXTRACTPS (SDM Vol. 2).</summary>
internal readonly struct Pextrd : IToGeneral
{
    public static bool CanRaise => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(Vector128<byte> b, int immediate, ref SseContext context) => b.AsUInt32().GetElement(immediate & 3);
}

/// <summary>PEXTRQ (SDM Vol. 2B).</summary>
internal readonly struct Pextrq : IToGeneral
{
    public static bool CanRaise => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(Vector128<byte> b, int immediate, ref SseContext context) => b.AsUInt64().GetElement(immediate & 1);
}

/// <summary>CVTSS2SI to 32 bits (SDM Vol. 2A).</summary>
internal readonly struct Cvtss2si32 : IToGeneral
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(Vector128<byte> b, int immediate, ref SseContext context) =>
        (uint)Float32.ToInt32(b.AsUInt32().ToScalar(), ref context);
}

/// <summary>CVTSS2SI to 64 bits (SDM Vol. 2A).</summary>
internal readonly struct Cvtss2si64 : IToGeneral
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(Vector128<byte> b, int immediate, ref SseContext context) =>
        (ulong)Float32.ToInt64(b.AsUInt32().ToScalar(), ref context);
}

/// <summary>CVTTSS2SI to 32 bits (SDM Vol. 2A).</summary>
internal readonly struct Cvttss2si32 : IToGeneral
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(Vector128<byte> b, int immediate, ref SseContext context) =>
        (uint)Float32.ToInt32Truncated(b.AsUInt32().ToScalar(), ref context);

    public static HostForm HostForm => HostForm.HostLike;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPlain(Vector128<byte> b) => Float32.FitsInt32(b.AsUInt32().ToScalar());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Host(Vector128<byte> b, int immediate) => (uint)(int)b.AsSingle().ToScalar();
}

/// <summary>CVTTSS2SI to 64 bits (SDM Vol. 2A).</summary>
internal readonly struct Cvttss2si64 : IToGeneral
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(Vector128<byte> b, int immediate, ref SseContext context) =>
        (ulong)Float32.ToInt64Truncated(b.AsUInt32().ToScalar(), ref context);

    public static HostForm HostForm => HostForm.HostLike;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPlain(Vector128<byte> b) => Float32.FitsInt64(b.AsUInt32().ToScalar());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Host(Vector128<byte> b, int immediate) => (ulong)(long)b.AsSingle().ToScalar();
}

/// <summary>CVTSD2SI to 32 bits (SDM Vol. 2A).</summary>
internal readonly struct Cvtsd2si32 : IToGeneral
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(Vector128<byte> b, int immediate, ref SseContext context) =>
        (uint)Float64.ToInt32(b.AsUInt64().ToScalar(), ref context);
}

/// <summary>CVTSD2SI to 64 bits (SDM Vol. 2A).</summary>
internal readonly struct Cvtsd2si64 : IToGeneral
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(Vector128<byte> b, int immediate, ref SseContext context) =>
        (ulong)Float64.ToInt64(b.AsUInt64().ToScalar(), ref context);
}

/// <summary>CVTTSD2SI to 32 bits (SDM Vol. 2A).</summary>
internal readonly struct Cvttsd2si32 : IToGeneral
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(Vector128<byte> b, int immediate, ref SseContext context) =>
        (uint)Float64.ToInt32Truncated(b.AsUInt64().ToScalar(), ref context);

    public static HostForm HostForm => HostForm.HostLike;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPlain(Vector128<byte> b) => Float64.FitsInt32(b.AsUInt64().ToScalar());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Host(Vector128<byte> b, int immediate) => (uint)(int)b.AsDouble().ToScalar();
}

/// <summary>CVTTSD2SI to 64 bits (SDM Vol. 2A).</summary>
internal readonly struct Cvttsd2si64 : IToGeneral
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(Vector128<byte> b, int immediate, ref SseContext context) =>
        (ulong)Float64.ToInt64Truncated(b.AsUInt64().ToScalar(), ref context);

    public static HostForm HostForm => HostForm.HostLike;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPlain(Vector128<byte> b) => Float64.FitsInt64(b.AsUInt64().ToScalar());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Host(Vector128<byte> b, int immediate) => (ulong)(long)b.AsDouble().ToScalar();
}
