using Emu.Cpu;
using Emu.Differential.Generation;

namespace Emu.Differential.Running;

/// <summary>Makes a mismatch small: what can be left out, or zero, is.</summary>
public static unsafe class Shrinker
{
    private const int Block = 256;

    /// <summary>The smallest case found that still disagrees.</summary>
    public static Mismatch Shrink(Campaign campaign, Mismatch mismatch)
    {
        var best = campaign.Try(mismatch.Program, mismatch.Before, mismatch.Data);
        // What depends on more than the state is told as it was found.
        if (best == null)
            return mismatch;
        bool progress;
        do
        {
            progress = DropInstructions(campaign, ref best);
            progress |= ZeroRegisters(campaign, ref best);
            progress |= ZeroImage(campaign, ref best);
            progress |= ZeroMemory(campaign, ref best);
        }
        while (progress);
        return best;
    }

    private static bool DropInstructions(Campaign campaign, ref Mismatch best)
    {
        for (var i = best.Program.Facts.Count - 1; i >= 0 && best.Program.Facts.Count > 1; i--)
        {
            if (best.Program.Without(i) is { } smaller && TryCase(campaign, ref best, smaller, best.Before, best.Data))
                return true;
        }
        return false;
    }

    private static bool ZeroRegisters(Campaign campaign, ref Mismatch best)
    {
        var progress = false;
        for (var i = 0; i < 16; i++)
        {
            var state = best.Before;
            if (state.Registers[i] == 0 || i == 4)
                continue;
            state.Registers[i] = 0;
            progress |= TryCase(campaign, ref best, best.Program, in state, best.Data);
        }
        for (var bit = 0; bit < 22; bit++)
        {
            var state = best.Before;
            if ((state.Flags & ~0x202UL & (1UL << bit)) == 0)
                continue;
            state.Flags &= ~(1UL << bit);
            progress |= TryCase(campaign, ref best, best.Program, in state, best.Data);
        }
        return progress;
    }

    private static bool ZeroImage(Campaign campaign, ref Mismatch best)
    {
        var progress = false;
        for (var at = XsaveImage.Stack; at < MachineState.XsaveLength; at = at == XsaveImage.LegacyEnd - 16 ? XsaveImage.YmmHigh : at + 16)
        {
            var state = best.Before;
            var register = new Span<byte>(state.Xsave + at, 16);
            if (!register.ContainsAnyExcept((byte)0))
                continue;
            register.Clear();
            progress |= TryCase(campaign, ref best, best.Program, in state, best.Data);
        }
        return progress;
    }

    private static bool ZeroMemory(Campaign campaign, ref Mismatch best)
    {
        var progress = false;
        for (var length = Block; length >= 8; length /= 8)
        {
            for (var at = 0; at < best.Data.Length; at += length)
            {
                if (!best.Data.AsSpan(at, length).ContainsAnyExcept((byte)0))
                    continue;
                var data = best.Data.ToArray();
                data.AsSpan(at, length).Clear();
                progress |= TryCase(campaign, ref best, best.Program, best.Before, data);
            }
        }
        return progress;
    }

    private static bool TryCase(Campaign campaign, ref Mismatch best, GeneratedProgram program, in MachineState state, byte[] data)
    {
        if (!StateGenerator.IsHarmless(program, in state) || campaign.Try(program, in state, data) is not { } smaller)
            return false;
        best = smaller;
        return true;
    }
}
