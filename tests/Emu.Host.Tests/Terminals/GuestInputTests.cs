using System.Text;
using Emu.Host.Terminals;
using Emu.Machine.Consoles;

namespace Emu.Host.Tests.Terminals;

public sealed class GuestInputTests
{
    [Fact]
    public void A_pipe_may_carry_the_escape_key()
    {
        (string guest, List<EscapeCommand> commands) = Read(new ScriptedTerminal(isInteractive: false, "a\u0001x", "b"));

        Assert.Equal("a\u0001xb", guest);
        Assert.Empty(commands);
    }

    [Fact]
    public void At_a_terminal_the_escape_key_works_across_reads()
    {
        (string guest, List<EscapeCommand> commands) = Read(new ScriptedTerminal(isInteractive: true, "a\u0001", "hb"));

        Assert.Equal("ab", guest);
        Assert.Equal([EscapeCommand.Help], commands);
    }

    private static (string Guest, List<EscapeCommand> Commands) Read(ITerminal terminal)
    {
        using GuestInput input = new(terminal);
        List<EscapeCommand> commands = [];
        input.Escaped = commands.Add;
        input.Start();
        StringBuilder guest = new();
        ConsoleInput state;
        while ((state = input.TryRead(out byte value)) != ConsoleInput.Ended)
        {
            if (state == ConsoleInput.Available)
                guest.Append((char)value);
            else
                Assert.True(input.Wait(TimeSpan.FromSeconds(10)));
        }

        return (guest.ToString(), commands);
    }

    private sealed class ScriptedTerminal(bool isInteractive, params string[] reads) : ITerminal
    {
        private int _next;

        public bool IsInteractive => isInteractive;

        public void EnterRawMode()
        {
        }

        public void Restore()
        {
        }

        public int Read(Span<byte> buffer) => _next < reads.Length ? Encoding.Latin1.GetBytes(reads[_next++], buffer) : 0;

        public void Dispose()
        {
        }
    }
}
