using Emu.Cpu.Snapshots;

namespace Emu.Xen;

/// <summary>
/// How much a vCPU's hypercall may do before others get a turn (hypercall_preempt_check and hypercall_create_continuation, xen/arch/x86/hypercall.c).
/// A call that has more to do is interrupted: its registers say what is left, and the instruction is executed again.
/// </summary>
/// <remarks>The calls of a multicall share what it may do. Work is counted, not timed: a call is interrupted at the same place in each run.</remarks>
internal sealed class HypercallWork : IStateful
{
    /// <summary>What may be done at once: so many pages given or taken, or calls of a multicall.</summary>
    public const int Most = 4096;

    private const int MostArguments = 3;

    private readonly ulong[] _arguments = new ulong[MostArguments];
    private int _argumentCount;
    private long _left;

    /// <summary>True where the call has more to do, with <see cref="Arguments"/>.</summary>
    public bool IsInterrupted { get; private set; }

    /// <summary>The first arguments with which it is to be made again.</summary>
    public ReadOnlySpan<ulong> Arguments => _arguments.AsSpan(0, _argumentCount);

    /// <summary>A call begins, or goes on.</summary>
    public void Begin()
    {
        _left = Most;
        IsInterrupted = false;
    }

    /// <summary>Something was done.</summary>
    /// <param name="units">How much, 1 at least.</param>
    /// <returns>False where the call has to be interrupted if there is more to do.</returns>
    public bool Spend(long units)
    {
        _left -= units;
        return _left > 0;
    }

    /// <summary>Interrupts the call.</summary>
    /// <param name="arguments">The first arguments with which it is to be made again.</param>
    /// <returns>What the call returns meanwhile; nobody sees it.</returns>
    public long Interrupt(params ReadOnlySpan<ulong> arguments)
    {
        IsInterrupted = true;
        _argumentCount = arguments.Length;
        arguments.CopyTo(_arguments);
        return 0;
    }

    /// <summary>A multicall has taken notice that one of its calls was interrupted.</summary>
    public void Resume() => IsInterrupted = false;

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        stream.Transfer(_arguments.AsSpan());
        _argumentCount = stream.Count(_argumentCount, MostArguments);
        stream.Transfer(ref _left);
        IsInterrupted = stream.Transferred(IsInterrupted);
    }
}
