using Emu.Host.CommandLine;

namespace Emu.Host.Tests.CommandLine;

/// <summary>Command lines of <c>emu run</c>, and what is made of them.</summary>
internal static class RunLine
{
    /// <summary>Parses what stands behind <c>emu</c>.</summary>
    public static RunOptions Parse(params string[] arguments)
    {
        RunOptions? options = null;
        int code = EmuCommand.Invoke(arguments, new EmuVerbs
        {
            Run = given =>
            {
                options = given;
                return 0;
            },
        });
        Assert.Equal(0, code);
        return options!;
    }
}
