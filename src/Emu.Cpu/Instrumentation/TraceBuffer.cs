using System.Runtime.InteropServices;

namespace Emu.Cpu.Instrumentation;

/// <summary>What the probe before each block works on while a trace is taken: unmanaged, so that it is reached at constant offsets.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TraceBuffer
{
    /// <summary>Where the next word goes.</summary>
    public ulong* Next;

    /// <summary>End of the room for words.</summary>
    public ulong* End;

    /// <summary>The places that have been traced, by their trace id; number 0 is none.</summary>
    public TracedPlace* Places;
}

/// <summary>Where, and at which privilege, a block was executed: a block itself does not depend on either.</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
internal struct TracedPlace
{
    /// <summary>The privilege level of no code.</summary>
    public const uint Nowhere = uint.MaxValue;

    /// <summary>Linear address of the first byte.</summary>
    public ulong Linear;

    /// <summary>Current privilege level, 0–3, or <see cref="Nowhere"/>.</summary>
    public uint Cpl;
}
