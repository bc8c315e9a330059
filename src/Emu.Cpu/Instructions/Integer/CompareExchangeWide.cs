using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>CMPXCHG8B and CMPXCHG16B (SDM Vol. 2A): of the flags only ZF changes.</summary>
internal static unsafe class CompareExchangeWide
{
    private const byte Rax = 0, Rcx = 8, Rdx = 16, Rbx = 24;

    /// <summary>Two registers' worth of memory.</summary>
    private struct Pair<T> where T : unmanaged
    {
        public T Low, High;
    }

    /// <summary>Binds CMPXCHG8B.</summary>
    public static void Bind8(ref Operands operands) => Bind<uint>(ref operands);

    /// <summary>Binds CMPXCHG16B.</summary>
    public static void Bind16(ref Operands operands) => Bind<ulong>(ref operands);

    private static void Bind<T>(ref Operands operands) where T : unmanaged, IEquatable<T> =>
        operands.Op->Handler = operands.Addressing switch
        {
            AddressingKind.Long => &Memory<T, LongAddress>,
            AddressingKind.LongSegment => &Memory<T, LongSegmentAddress>,
            AddressingKind.Flat => &Memory<T, FlatAddress>,
            _ => &Memory<T, SegmentedAddress>,
        };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Memory<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IEquatable<T>
        where TAddress : IAddressing
    {
        if (!Execute<T, TAddress>(vcpu, s, op))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Execute<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IEquatable<T>
        where TAddress : IAddressing
    {
        var linear = TAddress.Linear(vcpu, s, op, sizeof(Pair<T>), true);
        if (sizeof(T) == 8 && (linear & 15) != 0 && vcpu.IsCanonical(linear))
            return vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
        var place = Operand.ModifyAt<Pair<T>>(vcpu, s, op, linear);
        if (place == null)
            return false;
        var equal = place->Low.Equals(Step.Get<T>(s, Rax)) && place->High.Equals(Step.Get<T>(s, Rdx));
        if (equal)
        {
            place->Low = Step.Get<T>(s, Rbx);
            place->High = Step.Get<T>(s, Rcx);
        }
        else
        {
            Step.Set(s, Rax, place->Low);
            Step.Set(s, Rdx, place->High);
        }
        Operand.Commit(vcpu, s, place);
        s->Flags.SetZero(equal);
        return true;
    }
}
