using System.Numerics;
using Emu.Cpu.Snapshots;

namespace Emu.Machine.Interrupts;

/// <summary>A set of vectors: one of a local APIC's 256-bit registers (IRR, ISR, TMR).</summary>
internal sealed class VectorSet : IStateful
{
    private readonly uint[] _words = new uint[8];

    /// <summary>The greatest vector in the set, or -1.</summary>
    public int Highest { get; private set; } = -1;

    /// <summary>Thirty-two vectors as the registers show them.</summary>
    /// <param name="index">0–7.</param>
    public uint this[int index] => _words[index];

    public bool Contains(int vector) => ((_words[vector >> 5] >> (vector & 31)) & 1) != 0;

    public void Add(int vector)
    {
        _words[vector >> 5] |= 1U << (vector & 31);
        if (vector > Highest)
            Highest = vector;
    }

    public void Remove(int vector)
    {
        _words[vector >> 5] &= ~(1U << (vector & 31));
        if (vector != Highest)
            return;
        FindHighest(vector >> 5);
    }

    public void Clear()
    {
        Array.Clear(_words);
        Highest = -1;
    }

    public void Transfer(StateStream stream)
    {
        stream.Transfer<uint>(_words);
        FindHighest(_words.Length - 1);
    }

    private void FindHighest(int word)
    {
        Highest = -1;
        for (var i = word; i >= 0; i--)
        {
            if (_words[i] == 0)
                continue;
            Highest = (i << 5) + BitOperations.Log2(_words[i]);
            return;
        }
    }
}
