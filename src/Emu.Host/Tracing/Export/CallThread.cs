namespace Emu.Host.Tracing.Export;

/// <summary>What stands in a call stack.</summary>
internal enum CallKind : byte
{
    /// <summary>The lowest one, which nothing is known to have called; or an interrupt's handler.</summary>
    Code,

    /// <summary>A function that was called.</summary>
    Call,

    /// <summary>An exception, an interrupt or a system call.</summary>
    Event,
}

/// <summary>One of a call stack.</summary>
/// <param name="Function">Its name's number.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Return">The linear address where its caller goes on.</param>
/// <param name="StackPointer">Calls: RSP at the return address. Events: RSP before it. Null where the trace has no registers.</param>
/// <param name="Start">Instructions retired before it.</param>
internal readonly record struct CallFrame(int Function, CallKind Kind, ulong Return, ulong? StackPointer, ulong Start);

/// <summary>The call stack of a vCPU, and what it executed last.</summary>
internal sealed class CallThread(int vcpu)
{
    public int Vcpu { get; } = vcpu;

    /// <summary>The frames, outermost first.</summary>
    public List<CallFrame> Frames { get; set; } = [];

    public CallFrame Top => Frames[^1];

    /// <summary>What the instruction before does to the stack; where that leads is known by the next one.</summary>
    public ControlFlow Flow { get; set; }

    /// <summary>The address behind that instruction.</summary>
    public ulong Behind { get; set; }

    /// <summary>The name of an <see cref="ControlFlow.Interrupt"/>.</summary>
    public int Interrupt { get; set; }

    /// <summary>RSP before that instruction, where it is known.</summary>
    public ulong? PointerBefore { get; set; }

    /// <summary>RSP after it.</summary>
    public ulong? Pointer { get; set; }

    /// <summary>Instructions retired after it.</summary>
    public ulong End { get; set; }

    /// <summary>Whether something was executed since that the trace does not hold.</summary>
    public bool IsAfterGap { get; set; }
}
