namespace Emu.Host.Debugging;

/// <summary>What the packets Z0 to Z4 ask for.</summary>
internal enum BreakpointType
{
    /// <summary>Z0: before an instruction. Nothing is written into the guest's code.</summary>
    Software,

    /// <summary>Z1: the same; the guest's debug registers are its own.</summary>
    Hardware,

    /// <summary>Z2: on a write.</summary>
    Write,

    /// <summary>Z3: on a read.</summary>
    Read,

    /// <summary>Z4: on both.</summary>
    Access,
}

/// <summary>A breakpoint or watchpoint.</summary>
/// <param name="Type">What it is about.</param>
/// <param name="Address">Linear address.</param>
/// <param name="Length">Bytes of a watchpoint.</param>
internal readonly record struct Breakpoint(BreakpointType Type, ulong Address, ulong Length);

/// <summary>gdb's breakpoints and watchpoints.</summary>
internal sealed class BreakpointList
{
    /// <summary>More than anybody sets; gdb, told so, says which one it could not set.</summary>
    private const int Most = 4096;

    private const ulong UpperHalfOf32Bits = 0x8000_0000, SignExtension = 0xFFFF_FFFF_0000_0000;

    private readonly HashSet<Breakpoint> _all = [];

    /// <summary>True where there are any.</summary>
    public bool Any => _all.Count != 0;

    /// <summary>All of them.</summary>
    public IReadOnlyCollection<Breakpoint> All => _all;

    /// <summary>Adds one; one that is there already stays.</summary>
    /// <param name="breakpoint">It.</param>
    /// <param name="view">The view that gdb named its address in.</param>
    /// <returns>False where there are too many.</returns>
    public bool TryAdd(Breakpoint breakpoint, CodeView view)
    {
        if (_all.Count >= Most)
            return false;
        foreach (Breakpoint one in Meant(breakpoint, view))
            _all.Add(one);
        return true;
    }

    /// <summary>Takes one away, if it is there.</summary>
    /// <param name="breakpoint">It.</param>
    /// <param name="view">The view that gdb named its address in.</param>
    public void Remove(Breakpoint breakpoint, CodeView view)
    {
        foreach (Breakpoint one in Meant(breakpoint, view))
            _all.Remove(one);
    }

    /// <summary>Takes all away.</summary>
    public void Clear() => _all.Clear();

    /// <summary>Whether there is one on an instruction.</summary>
    /// <param name="linear">Its linear address.</param>
    /// <returns>Whether there is.</returns>
    public bool IsAt(ulong linear) =>
        _all.Contains(new Breakpoint(BreakpointType.Software, linear, 1)) || _all.Contains(new Breakpoint(BreakpointType.Hardware, linear, 1));

    // Whether the instruction's breakpoint was of the hardware kind is told when it is met.
    public bool IsHardware(ulong linear) => _all.Contains(new Breakpoint(BreakpointType.Hardware, linear, 1));

    // A 32-bit gdb cuts addresses off: the kernel that will lie in the topmost 2 GiB is meant, too.
    private static IEnumerable<Breakpoint> Meant(Breakpoint breakpoint, CodeView view)
    {
        if (breakpoint.Type <= BreakpointType.Hardware)
            breakpoint = breakpoint with { Length = 1 };
        yield return breakpoint;
        if (view != CodeView.Bits64 && breakpoint.Address is >= UpperHalfOf32Bits and <= uint.MaxValue)
            yield return breakpoint with { Address = breakpoint.Address | SignExtension };
    }
}
