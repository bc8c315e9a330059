using Emu.Cpu.Snapshots;

namespace Emu.Machine.Network;

/// <summary>What a network has seen; for statistics and for tests.</summary>
public sealed class NetworkCounters : IStateful
{
    /// <summary>Frames that the guest sent.</summary>
    public long FromGuest { get; internal set; }

    /// <summary>Frames that the guest's card took.</summary>
    public long ToGuest { get; internal set; }

    /// <summary>Frames for the guest that were lost because its card had no room and the queue was full.</summary>
    public long DroppedWithoutRoom { get; internal set; }

    /// <summary>Packets from the guest with a wrong length or checksum.</summary>
    public long DroppedMalformed { get; internal set; }

    /// <summary>Packets from the guest that are sound, but for nobody here: other protocols, other stations, addresses that are not the guest's.</summary>
    public long DroppedUnwanted { get; internal set; }

    /// <summary>Packets from the guest that found a bounded table full: fragments, connections, flows.</summary>
    public long DroppedWithoutResources { get; internal set; }

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        FromGuest = stream.Transferred(FromGuest);
        ToGuest = stream.Transferred(ToGuest);
        DroppedWithoutRoom = stream.Transferred(DroppedWithoutRoom);
        DroppedMalformed = stream.Transferred(DroppedMalformed);
        DroppedUnwanted = stream.Transferred(DroppedUnwanted);
        DroppedWithoutResources = stream.Transferred(DroppedWithoutResources);
    }
}
