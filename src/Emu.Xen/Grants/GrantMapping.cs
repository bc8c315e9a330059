using Emu.Xen.Domains;

namespace Emu.Xen.Grants;

/// <summary>A granted page as the control domain has mapped it. It stays the same page until it is unmapped, whatever the guest does.</summary>
public sealed class GrantMapping
{
    internal GrantMapping(uint reference, MappedBytes page, bool isWritable)
    {
        Reference = reference;
        Page = page;
        IsWritable = isWritable;
    }

    /// <summary>The entry's number.</summary>
    public uint Reference { get; }

    /// <summary>The page: 4096 bytes.</summary>
    public MappedBytes Page { get; }

    /// <summary>Whether it was mapped for writing; if not, it must not be written.</summary>
    public bool IsWritable { get; }

    /// <summary>False after <see cref="GrantTable.Unmap"/>: the page is the guest's alone then.</summary>
    public bool IsMapped { get; internal set; } = true;
}
