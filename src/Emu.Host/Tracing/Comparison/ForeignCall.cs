using Emu.Xen.Tracing;

namespace Emu.Host.Tracing.Comparison;

/// <summary>A hypercall of a 64-bit guest as another log tells of it: arguments, and some bytes of its structure before and after.</summary>
internal sealed class ForeignCall : ICallSource
{
    private readonly ulong[] _arguments;
    private readonly ulong _structure;
    private readonly byte[] _before;
    private readonly byte[] _after;

    private ForeignCall(CallId id, ulong[] arguments, byte[] before, byte[] after)
    {
        Number = id.Number;
        _arguments = [id.Command, .. arguments, 0, 0, 0, 0];
        _structure = _arguments[id.StructureAt];
        _before = before;
        _after = after;
    }

    public ulong Number { get; }

    public bool Is64Bit => true;

    /// <summary>Whether memory is that after the call.</summary>
    public bool IsDone { get; set; }

    /// <summary>Makes a call from what the log says.</summary>
    /// <param name="name">Hypercall and operation.</param>
    /// <param name="arguments">The arguments behind the command.</param>
    /// <param name="before">Bytes of the structure.</param>
    /// <param name="after">The same after the call.</param>
    /// <returns>The call; null where its name says nothing.</returns>
    public static ForeignCall? Make(string name, ulong[] arguments, byte[] before, byte[] after) =>
        CallText.Find(name) is { } id ? new ForeignCall(id, arguments, before, after) : null;

    public ulong Argument(int index) => _arguments[index];

    public bool TryRead(ulong address, Span<byte> destination)
    {
        byte[] known = IsDone ? _after : _before;
        ulong offset = address - _structure;
        if (offset > (ulong)known.Length || (ulong)destination.Length > (ulong)known.Length - offset)
            return false;
        known.AsSpan((int)offset, destination.Length).CopyTo(destination);
        return true;
    }
}
