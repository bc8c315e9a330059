using System.Runtime.CompilerServices;

namespace Emu.Pvh.Compression;

/// <summary>
/// The LZMA symbol decoder that xz (LZMA2) and the legacy .lzma format share. It keeps its range coder and its model between calls, so
/// that a caller can stop to let the output grow. The output written so far is the dictionary.
/// </summary>
/// <remarks>
/// All probabilities live in one table. A bit is decoded by splitting the range at range/2048 × probability; a probability moves by 1/32
/// of its distance to the end. Reading beyond the input yields zeros and is found after the symbol, which keeps the check out of the
/// bit decoder's result.
/// </remarks>
internal sealed unsafe class LzmaCore
{
    /// <summary>The longest match in bytes: a caller that stops short of its capacity leaves this much room.</summary>
    public const int MaximumMatch = 273;

    private const int States = 12;
    private const int PositionStates = 16;
    private const ushort Half = 1024;
    private const uint TopValue = 1u << 24;

    // Offsets into the table of probabilities.
    private const int IsMatch = 0;
    private const int IsRep = IsMatch + (States * PositionStates);
    private const int IsRepG0 = IsRep + States;
    private const int IsRepG1 = IsRepG0 + States;
    private const int IsRepG2 = IsRepG1 + States;
    private const int IsRep0Long = IsRepG2 + States;
    private const int PositionSlot = IsRep0Long + (States * PositionStates);
    private const int PositionSpecial = PositionSlot + (4 * 64);
    private const int Align = PositionSpecial + 128;
    private const int MatchLength = Align + 16;
    private const int RepLength = MatchLength + LengthSize;
    private const int Literal = RepLength + LengthSize;

    // Offsets into one length coder.
    private const int LengthChoice2 = 1;
    private const int LengthLow = 2;
    private const int LengthMid = LengthLow + (PositionStates * 8);
    private const int LengthHigh = LengthMid + (PositionStates * 8);
    private const int LengthSize = LengthHigh + 256;

    private ushort[] _probabilities = [];
    private int _literalContextBits;
    private uint _literalPositionMask;
    private uint _positionMask;
    private uint _range;
    private uint _code;
    private uint _state;
    private uint _rep0;
    private uint _rep1;
    private uint _rep2;
    private uint _rep3;

    /// <summary>How a call ended.</summary>
    public enum Outcome
    {
        /// <summary>The output has reached the place where the caller wanted to stop.</summary>
        Stopped,

        /// <summary>The end marker was read.</summary>
        EndMarker,

        /// <summary>The input ended within a symbol.</summary>
        InputExhausted,

        /// <summary>A match reaches back before the dictionary, or a match runs past the end of the output.</summary>
        Corrupt,
    }

    /// <summary>True when the range coder is in the state that ends a stream.</summary>
    public bool IsFinished => _code == 0;

    /// <summary>Sets lc, lp and pb from their packed byte ((pb × 5 + lp) × 9 + lc) and resets the model.</summary>
    /// <param name="properties">The byte.</param>
    /// <returns>False when it is out of range.</returns>
    public bool SetProperties(byte properties)
    {
        if (properties >= 9 * 5 * 5)
            return false;
        int lc = properties % 9;
        int lp = properties / 9 % 5;
        int pb = properties / 45;
        _literalContextBits = lc;
        _literalPositionMask = (1u << lp) - 1;
        _positionMask = (1u << pb) - 1;
        int size = Literal + (0x300 << (lc + lp));
        if (_probabilities.Length != size)
            _probabilities = new ushort[size];
        ResetState();
        return true;
    }

    /// <summary>True when lc + lp is within what LZMA2 allows.</summary>
    /// <param name="properties">The packed byte.</param>
    /// <returns>Whether it is.</returns>
    public static bool IsLzma2(byte properties) => (properties % 9) + (properties / 9 % 5) <= 4;

    /// <summary>Forgets what was learnt.</summary>
    public void ResetState()
    {
        _state = _rep0 = _rep1 = _rep2 = _rep3 = 0;
        Array.Fill(_probabilities, Half);
    }

    /// <summary>Starts the range coder: five bytes, the first of which is zero.</summary>
    /// <param name="input">The input.</param>
    /// <param name="position">Where it is read; moves on by five.</param>
    /// <returns>False when the bytes are not there or wrong.</returns>
    public bool StartRangeCoder(ReadOnlySpan<byte> input, ref int position)
    {
        if (input.Length - position < 5 || input[position] != 0)
            return false;
        _range = uint.MaxValue;
        _code = ((uint)input[position + 1] << 24) | ((uint)input[position + 2] << 16) | ((uint)input[position + 3] << 8) | input[position + 4];
        position += 5;
        return true;
    }

    /// <summary>Brings the range coder to where the encoder stopped writing.</summary>
    /// <param name="input">The input.</param>
    /// <param name="position">Where it is read.</param>
    /// <returns>False when the input ends before.</returns>
    public bool Normalize(ReadOnlySpan<byte> input, ref int position)
    {
        if (_range >= TopValue)
            return true;
        if (position >= input.Length)
            return false;
        _range <<= 8;
        _code = (_code << 8) | input[position++];
        return true;
    }

    /// <summary>Decodes symbols.</summary>
    /// <param name="input">The input.</param>
    /// <param name="inputPosition">Where it is read.</param>
    /// <param name="output">The output; it must hold min(<paramref name="end"/>, <paramref name="stop"/> + <see cref="MaximumMatch"/>) bytes.</param>
    /// <param name="dictionaryStart">Where in the output the dictionary begins.</param>
    /// <param name="outputPosition">Where the output is written.</param>
    /// <param name="stop">No symbol is begun at or after this position.</param>
    /// <param name="end">No symbol may write at or after this position.</param>
    /// <returns>How it ended.</returns>
    public Outcome Decode(
        ReadOnlySpan<byte> input, ref int inputPosition, byte[] output, int dictionaryStart, ref int outputPosition, int stop, int end)
    {
        fixed (byte* inputBase = input)
        fixed (byte* outputBase = output)
        fixed (ushort* probabilities = _probabilities)
        {
            byte* p = inputBase + inputPosition;
            byte* at = outputBase + outputPosition;
            Outcome outcome = DecodeSymbols(
                probabilities,
                ref p,
                inputBase + input.Length,
                outputBase + dictionaryStart,
                ref at,
                outputBase + Math.Min(stop, output.Length),
                end >= output.Length ? outputBase + output.Length : outputBase + end,
                outputBase + output.Length);
            inputPosition = (int)(p - inputBase);
            outputPosition = (int)(at - outputBase);
            return outcome;
        }
    }

    private Outcome DecodeSymbols(
        ushort* probs, ref byte* inputPosition, byte* inputEnd, byte* dictionary, ref byte* outputPosition, byte* stop, byte* end, byte* capacity)
    {
        byte* p = inputPosition;
        byte* at = outputPosition;
        uint range = _range;
        uint code = _code;
        uint state = _state;
        uint rep0 = _rep0;
        uint rep1 = _rep1;
        uint rep2 = _rep2;
        uint rep3 = _rep3;
        uint positionMask = _positionMask;
        uint literalPositionMask = _literalPositionMask;
        int lc = _literalContextBits;
        Outcome outcome = Outcome.Stopped;

        while (at < stop)
        {
            uint posState = (uint)(at - dictionary) & positionMask;
            if (Bit(probs + IsMatch + (state << 4) + posState, ref range, ref code, ref p, inputEnd) == 0)
            {
                uint previous = at > dictionary ? at[-1] : 0u;
                ushort* literal = probs + Literal + (0x300 * ((((uint)(at - dictionary) & literalPositionMask) << lc) + (previous >> (8 - lc))));
                uint symbol = 1;
                if (state >= 7)
                {
                    if (rep0 >= (ulong)(at - dictionary))
                    {
                        outcome = Outcome.Corrupt;
                        break;
                    }

                    uint matched = at[-(long)rep0 - 1];
                    uint offset = 0x100;
                    do
                    {
                        matched <<= 1;
                        uint matchBit = matched & offset;
                        uint bit = Bit(literal + offset + matchBit + symbol, ref range, ref code, ref p, inputEnd);
                        symbol = (symbol << 1) | bit;
                        offset &= bit == 0 ? ~matchBit : matchBit;
                    }
                    while (symbol < 0x100);
                }
                else
                {
                    do
                        symbol = (symbol << 1) | Bit(literal + symbol, ref range, ref code, ref p, inputEnd);
                    while (symbol < 0x100);
                }

                *at++ = (byte)symbol;
                state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
                if (p > inputEnd)
                {
                    outcome = Outcome.InputExhausted;
                    break;
                }

                continue;
            }

            uint length;
            if (Bit(probs + IsRep + state, ref range, ref code, ref p, inputEnd) == 0)
            {
                rep3 = rep2;
                rep2 = rep1;
                rep1 = rep0;
                state = state < 7 ? 7u : 10u;
                length = Length(probs + MatchLength, posState, ref range, ref code, ref p, inputEnd);
                rep0 = Distance(probs, length, ref range, ref code, ref p, inputEnd);
                if (rep0 == uint.MaxValue)
                {
                    outcome = p > inputEnd ? Outcome.InputExhausted : Outcome.EndMarker;
                    break;
                }
            }
            else
            {
                if (Bit(probs + IsRepG0 + state, ref range, ref code, ref p, inputEnd) == 0)
                {
                    if (Bit(probs + IsRep0Long + (state << 4) + posState, ref range, ref code, ref p, inputEnd) == 0)
                    {
                        if (rep0 >= (ulong)(at - dictionary))
                        {
                            outcome = Outcome.Corrupt;
                            break;
                        }

                        state = state < 7 ? 9u : 11u;
                        *at = at[-(long)rep0 - 1];
                        at++;
                        if (p > inputEnd)
                        {
                            outcome = Outcome.InputExhausted;
                            break;
                        }

                        continue;
                    }
                }
                else
                {
                    uint distance;
                    if (Bit(probs + IsRepG1 + state, ref range, ref code, ref p, inputEnd) == 0)
                    {
                        distance = rep1;
                    }
                    else
                    {
                        if (Bit(probs + IsRepG2 + state, ref range, ref code, ref p, inputEnd) == 0)
                        {
                            distance = rep2;
                        }
                        else
                        {
                            distance = rep3;
                            rep3 = rep2;
                        }

                        rep2 = rep1;
                    }

                    rep1 = rep0;
                    rep0 = distance;
                }

                state = state < 7 ? 8u : 11u;
                length = Length(probs + RepLength, posState, ref range, ref code, ref p, inputEnd);
            }

            if (p > inputEnd)
            {
                outcome = Outcome.InputExhausted;
                break;
            }

            if (rep0 >= (ulong)(at - dictionary) || length > (ulong)(end - at))
            {
                outcome = Outcome.Corrupt;
                break;
            }

            MatchCopy.Run(at, rep0 + 1, length, capacity);
            at += length;
        }

        _range = range;
        _code = code;
        _state = state;
        _rep0 = rep0;
        _rep1 = rep1;
        _rep2 = rep2;
        _rep3 = rep3;
        inputPosition = p > inputEnd ? inputEnd : p;
        outputPosition = at;
        return outcome;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Bit(ushort* probability, ref uint range, ref uint code, ref byte* p, byte* inputEnd)
    {
        if (range < TopValue)
        {
            range <<= 8;
            code = (code << 8) | (p < inputEnd ? *p : 0u);
            p++;
        }

        uint value = *probability;
        uint bound = (range >> 11) * value;
        if (code < bound)
        {
            range = bound;
            *probability = (ushort)(value + ((2048 - value) >> 5));
            return 0;
        }

        range -= bound;
        code -= bound;
        *probability = (ushort)(value - (value >> 5));
        return 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Tree(ushort* probs, int bits, ref uint range, ref uint code, ref byte* p, byte* inputEnd)
    {
        uint symbol = 1;
        for (int i = 0; i < bits; i++)
            symbol = (symbol << 1) | Bit(probs + symbol, ref range, ref code, ref p, inputEnd);
        return symbol - (1u << bits);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static uint Length(ushort* coder, uint posState, ref uint rangeRef, ref uint codeRef, ref byte* pRef, byte* inputEnd)
    {
        uint range = rangeRef;
        uint code = codeRef;
        byte* p = pRef;
        uint length;
        if (Bit(coder, ref range, ref code, ref p, inputEnd) == 0)
            length = 2 + Tree(coder + LengthLow + (posState << 3), 3, ref range, ref code, ref p, inputEnd);
        else if (Bit(coder + LengthChoice2, ref range, ref code, ref p, inputEnd) == 0)
            length = 10 + Tree(coder + LengthMid + (posState << 3), 3, ref range, ref code, ref p, inputEnd);
        else
            length = 18 + Tree(coder + LengthHigh, 8, ref range, ref code, ref p, inputEnd);
        rangeRef = range;
        codeRef = code;
        pRef = p;
        return length;
    }

    /// <summary>The distance of a match less one; all ones for the end marker.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static uint Distance(ushort* probs, uint length, ref uint rangeRef, ref uint codeRef, ref byte* pRef, byte* inputEnd)
    {
        uint range = rangeRef;
        uint code = codeRef;
        byte* p = pRef;
        uint lengthState = Math.Min(length - 2, 3);
        uint slot = Tree(probs + PositionSlot + (lengthState << 6), 6, ref range, ref code, ref p, inputEnd);
        uint distance = slot;
        if (slot >= 4)
        {
            int directBits = (int)(slot >> 1) - 1;
            distance = (2 | (slot & 1)) << directBits;
            if (slot < 14)
            {
                distance += ReverseTree(probs + PositionSpecial + distance - slot, directBits, ref range, ref code, ref p, inputEnd);
            }
            else
            {
                uint direct = 0;
                for (int i = directBits - 4; i > 0; i--)
                {
                    if (range < TopValue)
                    {
                        range <<= 8;
                        code = (code << 8) | (p < inputEnd ? *p : 0u);
                        p++;
                    }

                    range >>= 1;
                    code -= range;
                    uint mask = 0 - (code >> 31);
                    code += range & mask;
                    direct = (direct << 1) + mask + 1;
                }

                distance += direct << 4;
                distance += ReverseTree(probs + Align, 4, ref range, ref code, ref p, inputEnd);
            }
        }

        rangeRef = range;
        codeRef = code;
        pRef = p;
        return distance;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint ReverseTree(ushort* probs, int bits, ref uint range, ref uint code, ref byte* p, byte* inputEnd)
    {
        uint symbol = 1;
        uint result = 0;
        for (int i = 0; i < bits; i++)
        {
            uint bit = Bit(probs + symbol, ref range, ref code, ref p, inputEnd);
            symbol = (symbol << 1) | bit;
            result |= bit << i;
        }

        return result;
    }
}
