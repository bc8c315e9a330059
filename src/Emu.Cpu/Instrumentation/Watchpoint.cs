namespace Emu.Cpu.Instrumentation;

/// <summary>Which accesses a watchpoint is about.</summary>
[Flags]
public enum WatchedAccess
{
    /// <summary>Reads, those of read-modify-write instructions included.</summary>
    Read = 1,

    /// <summary>Writes, whether or not they change anything.</summary>
    Write = 2,

    /// <summary>Both.</summary>
    Any = Read | Write,
}

/// <summary>Linear memory whose accesses by instructions, or by the delivery of events, end the run behind them. The guest cannot tell.</summary>
/// <remarks>
/// What devices and hypercalls write, and the processor's own walks of page tables, is not by linear address and is not seen.
/// Accesses to other pages cost nothing; those to the same page take the slow path.
/// </remarks>
/// <param name="Address">The first byte.</param>
/// <param name="Length">Bytes, at least one; not beyond the end of the address space.</param>
/// <param name="Access">Which accesses.</param>
public readonly record struct Watchpoint(ulong Address, ulong Length, WatchedAccess Access)
{
    /// <summary>Whether an access touches it.</summary>
    /// <param name="linear">First byte of the access.</param>
    /// <param name="size">Its bytes.</param>
    /// <param name="access">What is done.</param>
    public bool IsTouchedBy(ulong linear, int size, WatchedAccess access) =>
        // By distance, so that nothing overflows at the top of the address space.
        (Access & access) != 0 && (linear - Address < Length || Address - linear < (ulong)size);
}

/// <summary>A watchpoint that an access has touched.</summary>
/// <param name="Watchpoint">The watchpoint.</param>
/// <param name="Address">First byte of the access.</param>
/// <param name="Size">Its bytes.</param>
/// <param name="Access">What was done.</param>
public readonly record struct WatchpointHit(Watchpoint Watchpoint, ulong Address, int Size, WatchedAccess Access);
