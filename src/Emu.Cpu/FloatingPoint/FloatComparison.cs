using System.Numerics;
using System.Runtime.CompilerServices;

namespace Emu.Cpu.FloatingPoint;

/// <summary>What the comparison predicates and the flag-setting comparisons mean (SDM Vol. 2, CMPPD and UCOMISD).</summary>
internal static class FloatComparison
{
    private const uint CarryFlag = 1;
    private const uint ParityFlag = 4;
    private const uint ZeroFlag = 0x40;

    /// <summary>Sixteen sets of relations, a hexadecimal digit each, predicate 0 (EQ) lowest.</summary>
    private const ulong TruthTable = 0xF465_0B9A_7CED_8312;

    /// <summary>The predicates below 16 that raise IE for a QNaN: LT, LE, NLT, NLE, NGE, NGT, GE, GT.</summary>
    private const uint SignalingSet = 0x6666;

    /// <summary>The relations for which a predicate holds. Predicates 16 to 31 repeat the first sixteen.</summary>
    internal static Relation Truth(int predicate) => (Relation)((TruthTable >> ((predicate & 15) * 4)) & 15);

    /// <summary>Whether a QNaN is invalid; predicates 16 to 31 are the reverse of the first sixteen.</summary>
    internal static bool IsSignaling(int predicate)
        => (((SignalingSet >> (predicate & 15)) ^ (uint)(predicate >> 4)) & 1) != 0;

    /// <summary>ZF, PF, CF of COMISD and FCOMI.</summary>
    internal static uint EFlags(Relation relation)
        => relation switch
        {
            Relation.Greater => 0,
            Relation.Less => CarryFlag,
            Relation.Equal => ZeroFlag,
            _ => ZeroFlag | ParityFlag | CarryFlag,
        };

    /// <summary>How two numbers known to be ordered stand to each other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Relation HostRelation<T>(T a, T b)
        where T : IComparisonOperators<T, T, bool>
        => a < b ? Relation.Less : a == b ? Relation.Equal : Relation.Greater;

    /// <summary>The same as <see cref="EFlags"/> for numbers known to be ordered.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static uint HostFlags<T>(T a, T b)
        where T : IComparisonOperators<T, T, bool>
        => (a < b ? CarryFlag : 0) | (a == b ? ZeroFlag : 0);
}
