namespace Emu.Host.Tests.Debugging;

/// <summary>What 'monitor' has to say.</summary>
public sealed class MonitorTests
{
    [Fact]
    public void Every_command_that_help_lists_answers()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        string help = guest.Client.Monitor("help");
        Assert.Equal(help, guest.Client.Monitor(""));
        foreach (string line in help.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = line[..24].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            string answer = guest.Client.Monitor(string.Join(' ', words.Select(static (word, number) => number == 0 ? word : "zz")));
            Assert.NotEqual("", answer);
            Assert.EndsWith("\n", answer, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("nothing", "There is no 'monitor nothing'")]
    [InlineData("walk", "Usage: monitor walk ADDRESS")]
    [InlineData("walk 1 2", "Usage: monitor walk ADDRESS")]
    [InlineData("walk xyz", "'xyz' is neither a name")]
    [InlineData("goto soon", "'soon' is no count")]
    [InlineData("view 8", "Usage: monitor view")]
    [InlineData("physical maybe", "Usage: monitor physical")]
    [InlineData("u 100100 5000", "'5000' is no number")]
    [InlineData("ldt", "There is none")]
    [InlineData("events", "Only a Xen domain")]
    [InlineData("maps", "Paging is off")]
    [InlineData("info mem", "Paging is off")]
    [InlineData("gva2gpa $eip", "Paging is off: 0x100100 is")]
    [InlineData("trace off", "No trace is being taken")]
    [InlineData("trace", "Usage: monitor trace FILE|off")]
    [InlineData("trace x", "A name of letters")]
    [InlineData("trace x.emut nowhere", "monitor trace takes an address")]
    [InlineData("snapshot .x.snapshot", "A name of letters")]
    public void What_cannot_be_done_is_said(string command, string beginning)
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);

        Assert.StartsWith(beginning, guest.Client.Monitor(command), StringComparison.Ordinal);
    }

    [Fact]
    public void Machine_is_shown_as_the_kernel_finds_it()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown, "--append", "two words");
        GdbClient gdb = guest.Client;

        Assert.Contains("command line at 0x", gdb.Monitor("startinfo"), StringComparison.Ordinal);
        Assert.Contains(": two words\n", gdb.Monitor("startinfo"), StringComparison.Ordinal);
        Assert.Contains("Paging is off", gdb.Monitor("walk 0x100100"), StringComparison.Ordinal);
        Assert.Contains("timer        vector 00, one-shot, masked", gdb.Monitor("lapic"), StringComparison.Ordinal);
        Assert.Equal(24, gdb.Monitor("ioapic").Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("thread 1: vCPU 0 at 0x100100, 32-bit protected mode, ring 0", gdb.Monitor("cpus"), StringComparison.Ordinal);
        Assert.Matches("^=> 0x100100: b8 05 00 00 00 +mov eax, 5\n", gdb.Monitor("u"));
        Assert.Contains("RIP=0000000000100100", gdb.Monitor("regs"), StringComparison.Ordinal);
    }

    [Fact]
    public void Event_channels_of_a_domain_are_shown()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Forever, "--machine", "xen");

        Assert.Matches(@"^ +1  \w+", guest.Client.Monitor("events"));
    }
}
