using System.Reflection;
using Xunit;

namespace Emu.Machine.Tests.Samples;

/// <summary>The programs under samples/ do what docs/library.md says of them.</summary>
public class SampleTests
{
    [Theory]
    [InlineData("Function", "strlen: 21 after 88 instructions\nbytes read: 22\nvector 14 at +0x2, RDI 0x123456780000\nstrlen again: 21\n")]
    [InlineData("Function", "system call 39\ngetpid: 4711\n")]
    [InlineData("Hooks", "start_info at 0x")]
    [InlineData("Hooks", "the magic number is read first")]
    [InlineData("Hooks", "PoweredOff after")]
    [InlineData("Hooks", "port 0x3f8: ")]
    [InlineData("OwnDevice", "Hello from a device of one's own!\nfrom a device of one's own!\n")]
    [InlineData("TimeTravel", "Watchpoint: 0x")]
    [InlineData("TimeTravel", "command line: 'time travel'")]
    public void A_sample_runs_and_prints_what_it_is_for(string name, string expected) => Assert.Contains(expected, Run(name), StringComparison.Ordinal);

    private static string Run(string name)
    {
        // The console is everybody's: one sample at a time.
        lock (typeof(SampleTests))
        {
            var before = Console.Out;
            using StringWriter output = new() { NewLine = "\n" };
            Console.SetOut(output);
            try
            {
                Assembly.Load(name).EntryPoint!.Invoke(null, [Array.Empty<string>()]);
            }
            finally
            {
                Console.SetOut(before);
            }

            return output.ToString();
        }
    }
}
