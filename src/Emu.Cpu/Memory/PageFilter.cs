namespace Emu.Cpu.Memory;

/// <summary>A set of pages that may say yes to one it does not hold, never no to one it does: a Bloom filter of one hash.</summary>
internal sealed class PageFilter
{
    private const int Words = 64;

    private readonly ulong[] _bits = new ulong[Words];
    private bool _any;

    /// <summary>What stands in a filter for all of a large page.</summary>
    /// <param name="linear">An address in it.</param>
    /// <param name="sizeShift">Binary logarithm of its size.</param>
    public static ulong LargePage(ulong linear, int sizeShift) => (linear >> sizeShift << 6) | (uint)sizeShift;

    /// <summary>Enters a page.</summary>
    public void Add(ulong page)
    {
        var bit = Bit(page);
        _bits[bit >> 6] |= 1UL << bit;
        _any = true;
    }

    /// <summary>False where the page was not entered.</summary>
    public bool MayHold(ulong page)
    {
        var bit = Bit(page);
        return (_bits[bit >> 6] & (1UL << bit)) != 0;
    }

    /// <summary>True where one of the large pages that an address may lie in was perhaps entered.</summary>
    public bool MayHoldLarge(ulong linear) =>
        _any && (MayHold(LargePage(linear, 21)) || MayHold(LargePage(linear, 22)) || MayHold(LargePage(linear, 30)));

    /// <summary>Forgets all.</summary>
    public void Clear()
    {
        if (!_any)
            return;
        Array.Clear(_bits);
        _any = false;
    }

    private static int Bit(ulong page) => (int)((page * 0x9E37_79B9_7F4A_7C15) >> 52);
}
