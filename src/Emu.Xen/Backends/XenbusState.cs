namespace Emu.Xen.Backends;

/// <summary>Where one end of a device stands (enum xenbus_state, xen/include/public/io/xenbus.h): its <c>state</c> in the store.</summary>
public enum XenbusState
{
    /// <summary>There is no such end.</summary>
    Unknown = 0,

    /// <summary>It begins.</summary>
    Initialising = 1,

    /// <summary>The back end has said what it can, and waits for the front end.</summary>
    InitWait = 2,

    /// <summary>The front end has said where its rings are, and waits for the back end.</summary>
    Initialised = 3,

    /// <summary>It works.</summary>
    Connected = 4,

    /// <summary>It ends.</summary>
    Closing = 5,

    /// <summary>It has ended.</summary>
    Closed = 6,

    /// <summary>The back end changes while it works.</summary>
    Reconfiguring = 7,

    /// <summary>The front end has followed the change.</summary>
    Reconfigured = 8,
}
