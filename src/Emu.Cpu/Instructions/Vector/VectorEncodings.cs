using System.Runtime.CompilerServices;
using Emu.Cpu.Execution;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>How an instruction is encoded, which decides its width, what becomes of the upper lane, and its availability. A type argument of handlers.</summary>
internal unsafe interface IVectorEncoding
{
    /// <summary>Both lanes are computed.</summary>
    static abstract bool IsWide { get; }

    /// <summary>VEX: operands in memory need no alignment, and an upper lane that is not computed is zeroed.</summary>
    static abstract bool IsVex { get; }

    /// <summary>What <see cref="IsAvailable"/> finds where all is well; false raises nothing.</summary>
    static abstract bool IsOpen(CpuState* s);

    /// <summary>See <see cref="Availability"/>.</summary>
    static abstract bool IsAvailable(Vcpu vcpu, CpuState* s, Op* op);
}

/// <summary>Legacy SSE: two operands, the upper lane stays.</summary>
internal readonly unsafe struct LegacySse : IVectorEncoding
{
    public static bool IsWide => false;

    public static bool IsVex => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsOpen(CpuState* s) => (s->Unavailable & RegisterSets.Sse) == 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsAvailable(Vcpu vcpu, CpuState* s, Op* op) => Availability.Sse(vcpu, s, op);
}

/// <summary>VEX.128 and scalar VEX forms.</summary>
internal readonly unsafe struct Vex128 : IVectorEncoding
{
    public static bool IsWide => false;

    public static bool IsVex => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsOpen(CpuState* s) => (s->Unavailable & RegisterSets.Avx) == 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsAvailable(Vcpu vcpu, CpuState* s, Op* op) => Availability.Avx(vcpu, s, op);
}

/// <summary>VEX.256.</summary>
internal readonly unsafe struct Vex256 : IVectorEncoding
{
    public static bool IsWide => true;

    public static bool IsVex => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsOpen(CpuState* s) => (s->Unavailable & RegisterSets.Avx) == 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsAvailable(Vcpu vcpu, CpuState* s, Op* op) => Availability.Avx(vcpu, s, op);
}
