using Emu.Host.CommandLine;

namespace Emu.Host.Tests.CommandLine;

/// <summary>Command lines of <c>emu run</c>, and what is made of them.</summary>
internal static class RunLine
{
    /// <summary>Parses what stands behind <c>emu</c>.</summary>
    public static RunOptions Parse(params string[] arguments)
    {
        RunOptions? options = null;
        int code = EmuCommand.Invoke(
            arguments,
            given =>
            {
                options = given;
                return 0;
            },
            (_, _) => throw new InvalidOperationException("inspect was called"),
            new TraceVerbs(static _ => Refuse(), static _ => Refuse(), static (_, _, _) => Refuse(), static (_, _) => Refuse()));
        Assert.Equal(0, code);
        return options!;
    }

    private static int Refuse() => throw new InvalidOperationException("trace was called");
}
