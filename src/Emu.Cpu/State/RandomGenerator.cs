namespace Emu.Cpu.State;

/// <summary>What RDRAND and RDSEED draw from: SplitMix64, so that a run can be repeated (Steele, Lea and Flood, OOPSLA 2014).</summary>
/// <remarks>
/// The whole state is one word, <see cref="CpuState.RandomState"/>. Whoever knows the seed knows every number: a guest's keys are only
/// as secret as the seed of its machine.
/// </remarks>
public static unsafe class RandomGenerator
{
    private const ulong Increment = 0x9E37_79B9_7F4A_7C15;

    /// <summary>Begins the sequence of a vCPU.</summary>
    /// <param name="s">The vCPU's state.</param>
    /// <param name="seed">The machine's seed.</param>
    /// <param name="apicId">The vCPU's APIC ID: each vCPU has a sequence of its own.</param>
    public static void Start(CpuState* s, ulong seed, uint apicId) => s->RandomState = Mix(seed + Increment) ^ Mix(apicId);

    /// <summary>The next number.</summary>
    public static ulong Next(CpuState* s)
    {
        s->RandomState += Increment;
        return Mix(s->RandomState);
    }

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9;
        value = (value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB;
        return value ^ (value >> 31);
    }
}
