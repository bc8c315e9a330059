using Emu.Xen.Tracing;

namespace Emu.Xen.EventChannels;

// What a debugger shows.
public sealed partial class EventChannelTable
{
    /// <summary>The ports that are in use, in ascending order.</summary>
    /// <returns>They.</returns>
    public IEnumerable<PortNotice> Inspect() => _ports.Where(static port => port.State != PortState.Closed).Select(Notice);
}
