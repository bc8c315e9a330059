using System.Text;
using Emu.Host.Terminals;

namespace Emu.Host.Tests.Terminals;

public sealed class EscapeFilterTests
{
    [Theory]
    [InlineData("ls\r", "ls\r")]
    [InlineData("\u0001\u0001", "\u0001")]
    [InlineData("a\u0001\u0001\u0001\u0001b", "a\u0001\u0001b")]
    [InlineData("\u0001d", "\u0001d")]
    [InlineData("\u0003", "\u0003")]
    public void What_is_no_command_reaches_the_guest(string typed, string expected)
    {
        (string guest, List<EscapeCommand> commands) = Type(typed);

        Assert.Equal(expected, guest);
        Assert.Empty(commands);
    }

    [Theory]
    [InlineData("\u0001x", EscapeCommand.Quit)]
    [InlineData("\u0001h", EscapeCommand.Help)]
    [InlineData("\u0001?", EscapeCommand.Help)]
    public void A_command_does_not_reach_the_guest(string typed, EscapeCommand expected)
    {
        (string guest, List<EscapeCommand> commands) = Type("a" + typed + "b");

        Assert.Equal("ab", guest);
        Assert.Equal([expected], commands);
    }

    private static (string Guest, List<EscapeCommand> Commands) Type(string typed)
    {
        EscapeFilter filter = new();
        List<byte> guest = [];
        List<EscapeCommand> commands = [];
        foreach (byte value in Encoding.Latin1.GetBytes(typed))
        {
            if (filter.Accept(value, guest) is var command and not EscapeCommand.None)
                commands.Add(command);
        }

        return (Encoding.Latin1.GetString([.. guest]), commands);
    }
}
