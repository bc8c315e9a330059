namespace Emu.Xen.Store;

/// <summary>A message's type (xen/include/public/io/xs_wire.h, XS_*). 20 was RESTRICT and is no longer valid.</summary>
public enum StoreMessageType : uint
{
    /// <summary>XS_CONTROL: a command to xenstored itself; for privileged domains.</summary>
    Control = 0,

    /// <summary>XS_DIRECTORY: a node's children.</summary>
    Directory = 1,

    /// <summary>XS_READ: a node's value.</summary>
    Read = 2,

    /// <summary>XS_GET_PERMS: a node's permissions.</summary>
    GetPermissions = 3,

    /// <summary>XS_WATCH: ask for events.</summary>
    Watch = 4,

    /// <summary>XS_UNWATCH: ask no longer.</summary>
    Unwatch = 5,

    /// <summary>XS_TRANSACTION_START: begin a transaction.</summary>
    TransactionStart = 6,

    /// <summary>XS_TRANSACTION_END: commit or give up a transaction.</summary>
    TransactionEnd = 7,

    /// <summary>XS_INTRODUCE: for privileged domains.</summary>
    Introduce = 8,

    /// <summary>XS_RELEASE: for privileged domains.</summary>
    Release = 9,

    /// <summary>XS_GET_DOMAIN_PATH: where a domain's nodes are.</summary>
    GetDomainPath = 10,

    /// <summary>XS_WRITE: set a node's value, and create it and its parents where they are missing.</summary>
    Write = 11,

    /// <summary>XS_MKDIR: create a node and its parents where they are missing.</summary>
    MakeDirectory = 12,

    /// <summary>XS_RM: remove a node and all below it.</summary>
    Remove = 13,

    /// <summary>XS_SET_PERMS: set a node's permissions.</summary>
    SetPermissions = 14,

    /// <summary>XS_WATCH_EVENT: from xenstored only.</summary>
    WatchEvent = 15,

    /// <summary>XS_ERROR: from xenstored only.</summary>
    Error = 16,

    /// <summary>XS_IS_DOMAIN_INTRODUCED: for privileged domains.</summary>
    IsDomainIntroduced = 17,

    /// <summary>XS_RESUME: for privileged domains.</summary>
    Resume = 18,

    /// <summary>XS_SET_TARGET: for privileged domains.</summary>
    SetTarget = 19,

    /// <summary>XS_RESET_WATCHES: forget the caller's watches and transactions.</summary>
    ResetWatches = 21,

    /// <summary>XS_DIRECTORY_PART: a part of a node's children.</summary>
    DirectoryPart = 22,
}
