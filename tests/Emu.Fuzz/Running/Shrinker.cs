using System.Diagnostics;
using Emu.Fuzz.Cases;

namespace Emu.Fuzz.Running;

/// <summary>Makes a case that shows a finding smaller: fewer instructions first, then less code.</summary>
public static class Shrinker
{
    private const byte Nop = 0x90;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Shrinks a case for as long as the same finding shows.</summary>
    public static GuestCase Shrink(CaseRunner runner, GuestCase guest, Finding finding)
    {
        var started = Stopwatch.GetTimestamp();
        guest = FewerInstructions(runner, guest, finding);
        for (var length = guest.Code.Length / 2; length > 0; length /= 2)
        {
            for (var at = guest.Code.Start; at < guest.Code.Start + guest.Code.Length; at += length)
            {
                if (Stopwatch.GetElapsedTime(started) > Patience)
                    return guest;
                var piece = guest.Ram.AsSpan(at, length);
                if (!piece.ContainsAnyExcept(Nop))
                    continue;
                var ram = (byte[])guest.Ram.Clone();
                ram.AsSpan(at, length).Fill(Nop);
                if (guest.With(ram, guest.Instructions) is var smaller && runner.StillShows(smaller, finding))
                    guest = smaller;
            }
        }
        return FewerInstructions(runner, guest, finding);
    }

    /// <summary>The least number of instructions that shows the finding.</summary>
    public static GuestCase FewerInstructions(CaseRunner runner, GuestCase guest, Finding finding)
    {
        ulong low = 0, high = guest.Instructions;
        while (low + 1 < high)
        {
            var middle = (low + high) / 2;
            if (runner.StillShows(guest.With(guest.Ram, middle), finding))
                high = middle;
            else
                low = middle;
        }
        return guest.With(guest.Ram, high);
    }
}
