namespace Emu.Cpu.Snapshots;

/// <summary>A part of the machine with state that a snapshot holds.</summary>
public interface IStateful
{
    /// <summary>Names each piece of the state once, in an order that never depends on its values: so it is saved, and so it is restored.</summary>
    /// <remarks>
    /// After restoring, nothing of what was there before is left, whatever the part was doing. What can be worked out from the rest
    /// (caches, what follows from the options) is no state: it is worked out again. A value on which the host's safety rests, such as an index, is
    /// checked by <see cref="StateStream.Require"/>: a snapshot may be forged.
    /// </remarks>
    /// <param name="stream">Where state goes to, or comes from.</param>
    void Transfer(StateStream stream);
}
