namespace Emu.Host.Debugging;

/// <summary>What vCont, c, s and their kind ask for.</summary>
/// <param name="Stepped">The thread that executes one instruction; 0 where all run on.</param>
/// <param name="Start">First address of the range in which it goes on stepping.</param>
/// <param name="End">The address behind that range.</param>
/// <param name="IsBackwards">Whether time goes back.</param>
internal readonly record struct ResumeRequest(int Stepped, ulong Start = 0, ulong End = 0, bool IsBackwards = false)
{
    /// <summary>Reads the actions of vCont.</summary>
    /// <param name="text">What follows "vCont;".</param>
    /// <param name="current">The thread that is meant where none is named.</param>
    /// <param name="request">The request.</param>
    /// <returns>False where it cannot be understood.</returns>
    /// <remarks>
    /// <code>
    /// action[:thread][;action[:thread]]…      action: c, Chh, s, Shh, rSTART,END      thread: hexadecimal, -1 for all
    /// </code>
    /// The first step counts. All threads share one host thread and their turns, so where one
    /// steps, the others have their turns until it has; signals mean nothing to a guest.
    /// </remarks>
    public static bool TryParse(ReadOnlySpan<char> text, int current, out ResumeRequest request)
    {
        request = default;
        foreach (Range range in text.Split(';'))
        {
            ReadOnlySpan<char> action = text[range];
            int colon = action.IndexOf(':');
            int thread = current;
            if (colon >= 0 && !ThreadId.TryParse(action[(colon + 1)..], out thread))
                return false;
            if (colon >= 0)
                action = action[..colon];
            if (thread <= 0)
                thread = current;
            switch (action)
            {
                case ['c'] or ['C', _, _]:
                    break;
                case ['s'] or ['S', _, _]:
                    if (request.Stepped == 0)
                        request = new ResumeRequest(thread);
                    break;
                case ['r', .. var span]:
                    int comma = span.IndexOf(',');
                    if (comma < 0 || !Hexadecimal.TryNumber(span[..comma], out ulong start) || !Hexadecimal.TryNumber(span[(comma + 1)..], out ulong end))
                        return false;
                    if (request.Stepped == 0)
                        request = new ResumeRequest(thread, start, end);
                    break;
                default:
                    return false;
            }
        }

        return true;
    }
}

/// <summary>Numbers of threads in packets: vCPUs, counted from 1.</summary>
internal static class ThreadId
{
    /// <summary>Reads a thread's number; one of the form pPROCESS.THREAD, too.</summary>
    /// <param name="text">The number, hexadecimal.</param>
    /// <param name="thread">The thread; 0 for any, −1 for all.</param>
    /// <returns>Whether it is one.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out int thread)
    {
        thread = -1;
        if (text is ['p', ..])
        {
            int dot = text.IndexOf('.');
            if (dot < 0)
                return Hexadecimal.TryNumber(text[1..], out _);
            text = text[(dot + 1)..];
        }

        if (text is "-1")
            return true;
        if (!Hexadecimal.TryNumber(text, out ulong number) || number > int.MaxValue)
            return false;
        thread = (int)number;
        return true;
    }
}
