using System.Runtime.CompilerServices;

namespace Emu.Machine.Tracing;

/// <summary>Guesses the next block from the two before it: what came the last time, and the time before that. Writer and reader guess alike.</summary>
internal sealed class BlockPredictor
{
    private const int ContextBits = 16;

    // The guess in the low half, the second one above it.
    private readonly ulong[] _guesses = new ulong[1 << ContextBits];

    // What followed a block when the guess was wrong last.
    private readonly uint[] _successors = new uint[1 << ContextBits];
    private uint _before;

    /// <summary>The block before.</summary>
    public uint Last { get; private set; }

    /// <summary>The guess.</summary>
    public uint Guess => (uint)Cell;

    /// <summary>The second guess.</summary>
    public uint SecondGuess => (uint)(Cell >> 32);

    /// <summary>The guess from the block before alone.</summary>
    public uint Successor => Followed;

    private ref ulong Cell
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref _guesses[(Last * 0x9E37_79B1 + _before * 0x85EB_CA6B) >> (32 - ContextBits)];
    }

    private ref uint Followed => ref _successors[Last & ((1 << ContextBits) - 1)];

    /// <summary>Forgets everything: a stream begins.</summary>
    public void Clear()
    {
        Array.Clear(_guesses);
        Array.Clear(_successors);
        Last = _before = 0;
    }

    /// <summary>Whether the guess is right; if so, goes on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Matches(uint id)
    {
        if ((uint)Cell != id)
            return false;
        Advance(id);
        return true;
    }

    /// <summary>Which of the others is right; goes on.</summary>
    public TraceToken Learn(uint id)
    {
        ref var cell = ref Cell;
        ref var followed = ref Followed;
        var token = (uint)(cell >> 32) == id ? TraceToken.SecondGuess : followed == id ? TraceToken.Successor : TraceToken.Block;
        cell = id | (cell << 32);
        followed = id;
        Advance(id);
        return token;
    }

    /// <summary>Goes on where the guess was right.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Advance(uint id)
    {
        _before = Last;
        Last = id;
    }
}
