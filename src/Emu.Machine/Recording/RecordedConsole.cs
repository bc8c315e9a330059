using Emu.Machine.Consoles;

namespace Emu.Machine.Recording;

/// <summary>Console input that is written down.</summary>
internal sealed class RecordedConsole(IConsoleSource source, InputRecorder recorder) : IConsoleSource
{
    public bool IsInteractive => source.IsInteractive;

    public ConsoleInput TryRead(out byte value) => TryRead(TimeSpan.Zero, out value);

    public ConsoleInput TryRead(TimeSpan patience, out byte value)
    {
        var state = source.TryRead(patience, out value);
        switch (state)
        {
            case ConsoleInput.Available:
                recorder.Note(AnswerKind.ConsoleByte, [value]);
                break;
            case ConsoleInput.Ended:
                recorder.Note(AnswerKind.ConsoleEnd);
                break;
            default:
                recorder.NoteNothing();
                break;
        }

        return state;
    }

    public bool Wait(TimeSpan timeout) => source.Wait(timeout);
}

/// <summary>Console input that is played back.</summary>
internal sealed class ReplayedConsole(InputReplayer replayer) : IConsoleSource
{
    public bool IsInteractive => false;

    public ConsoleInput TryRead(out byte value) => TryRead(TimeSpan.Zero, out value);

    public ConsoleInput TryRead(TimeSpan patience, out byte value)
    {
        value = 0;
        if (!replayer.TryTake(out var answer, AnswerKind.ConsoleByte, AnswerKind.ConsoleEnd))
            return ConsoleInput.Empty;
        if (answer.Answer == AnswerKind.ConsoleEnd)
            return ConsoleInput.Ended;
        if (answer.Bytes.Length != 1)
        {
            replayer.Diverge("a byte of the console has another length than one");
            return ConsoleInput.Empty;
        }

        value = answer.Bytes.Span[0];
        return ConsoleInput.Available;
    }

    public bool Wait(TimeSpan timeout) => false;
}
