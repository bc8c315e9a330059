namespace Emu.Xen.Grants;

/// <summary>What Xen remembers of an entry while somebody uses it: the guest may change the entry, but not what was taken from it.</summary>
internal struct ActiveGrant
{
    // Xen counts uses in 8 bits each, and refuses another one when the upper half is reached.
    private const byte OverflowBit = 0x80;

    public byte Readers { get; private set; }

    public byte Writers { get; private set; }

    /// <summary>The domain that uses it.</summary>
    public ushort User { get; init; }

    /// <summary>The page, by its number in the host mapping.</summary>
    public int Frame { get; init; }

    /// <summary>True where no more than a part of the page is granted, to be copied only.</summary>
    public bool IsSubPage { get; init; }

    /// <summary>Where the part begins.</summary>
    public ushort Start { get; init; }

    /// <summary>Bytes in the part; hostile entries claim more than a page has.</summary>
    public ushort Length { get; init; }

    public readonly bool IsPinned => (Readers | Writers) != 0;

    public readonly bool IsFull(bool isWrite) => ((isWrite ? Writers : Readers) & OverflowBit) != 0;

    public void Pin(bool isWrite)
    {
        if (isWrite)
            Writers++;
        else
            Readers++;
    }

    public void Unpin(bool isWrite)
    {
        if (isWrite)
            Writers--;
        else
            Readers--;
    }
}
