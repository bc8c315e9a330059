namespace Emu.Xen.EventChannels;

/// <summary>Somebody in the control domain who hears of the ports that he is connected with: made once, for connections that come and go.</summary>
public sealed class PortListener
{
    internal PortListener(int number, Action notified, Action<uint>? closed)
    {
        Number = number;
        Notified = notified;
        Closed = closed;
    }

    /// <summary>Its place among the domain's listeners, by which snapshots name it.</summary>
    internal int Number { get; }

    /// <summary>Called when the domain sends.</summary>
    internal Action Notified { get; }

    /// <summary>Called with the port's number when the domain has closed its end.</summary>
    internal Action<uint>? Closed { get; }
}
