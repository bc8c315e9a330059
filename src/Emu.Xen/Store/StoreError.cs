namespace Emu.Xen.Store;

/// <summary>
/// How a request to xenstore can fail. The names are those that go over the wire: an error's text is its member's name
/// (xen/include/public/io/xs_wire.h, xsd_errors).
/// </summary>
public enum StoreError
{
    /// <summary>The request succeeded.</summary>
    None,

    /// <summary>A malformed payload or path, or a removal of the root.</summary>
    EINVAL,

    /// <summary>The caller may not do this, or may not know whether the node exists.</summary>
    EACCES,

    /// <summary>The caller has a watch with the same path and token already.</summary>
    EEXIST,

    /// <summary>There is no such node, watch, transaction or owner.</summary>
    ENOENT,

    /// <summary>The domain uses more of xenstore's memory than it may, or a transaction failed before its end.</summary>
    ENOMEM,

    /// <summary>A quota: nodes, a node's size, permissions, transactions, or nodes in a transaction.</summary>
    ENOSPC,

    /// <summary>The tree under a node changed during its removal in a transaction, or the domain's memory is used up.</summary>
    EIO,

    /// <summary>No such request.</summary>
    ENOSYS,

    /// <summary>A transaction within a transaction.</summary>
    EBUSY,

    /// <summary>A node that the transaction read was changed meanwhile: start again.</summary>
    EAGAIN,

    /// <summary>Too many watches, or an answer longer than a payload may be.</summary>
    E2BIG,

    /// <summary>Only a privileged domain changes a node's owner.</summary>
    EPERM,
}
