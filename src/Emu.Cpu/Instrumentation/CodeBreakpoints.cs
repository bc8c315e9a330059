using Emu.Cpu.Memory;

namespace Emu.Cpu.Instrumentation;

/// <summary>Linear addresses of instructions before which vCPUs stop, for whoever looks at the guest from outside. The guest cannot tell.</summary>
/// <remarks>
/// Code is translated by physical address and may show at many linear ones, but an instruction's offset in its page is always the same. So
/// blocks are cut at the offsets of breakpoints, in all pages, and only those that begin at one look who they are each time. All
/// other code, compiled code included, runs as if there were none.
/// </remarks>
public sealed class CodeBreakpoints
{
    private readonly HashSet<ulong> _addresses = [];
    private readonly ulong[] _offsets = new ulong[PhysicalMemory.PageSize / 64];

    /// <summary>True where there are any.</summary>
    public bool Any => _addresses.Count != 0;

    /// <summary>The addresses.</summary>
    public IReadOnlyCollection<ulong> Addresses => _addresses;

    /// <summary>Whether an instruction at some offset in its page may have one.</summary>
    /// <param name="offset">0–4095.</param>
    internal bool MayBeAt(uint offset) => Any && (_offsets[offset / 64] >> (int)(offset % 64) & 1) != 0;

    /// <summary>Whether there is one at a linear address.</summary>
    internal bool IsAt(ulong linear) => _addresses.Contains(linear);

    /// <summary>Replaces all of them.</summary>
    /// <param name="addresses">The new ones.</param>
    /// <returns>The offsets in pages at which there were some and are none now, or the reverse.</returns>
    internal List<uint> Replace(IEnumerable<ulong> addresses)
    {
        var before = (ulong[])_offsets.Clone();
        _addresses.Clear();
        Array.Clear(_offsets);
        foreach (var address in addresses)
        {
            _addresses.Add(address);
            var offset = (uint)(address % PhysicalMemory.PageSize);
            _offsets[offset / 64] |= 1UL << (int)(offset % 64);
        }

        var changed = new List<uint>();
        for (var offset = 0u; offset < PhysicalMemory.PageSize; offset++)
        {
            if (((before[offset / 64] ^ _offsets[offset / 64]) >> (int)(offset % 64) & 1) != 0)
                changed.Add(offset);
        }

        return changed;
    }
}
