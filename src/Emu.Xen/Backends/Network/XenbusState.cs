namespace Emu.Xen.Backends.Network;

/// <summary>Where a device's end stands (enum xenbus_state, xen/include/public/io/xenbus.h).</summary>
internal enum XenbusState
{
    Unknown = 0,
    Initialising = 1,
    InitWait = 2,
    Initialised = 3,
    Connected = 4,
    Closing = 5,
    Closed = 6,
}
