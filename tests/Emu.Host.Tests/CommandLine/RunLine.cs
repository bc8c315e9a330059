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
            _ => throw new InvalidOperationException("replay was called"),
            (_, _) => throw new InvalidOperationException("inspect was called"),
            _ => throw new InvalidOperationException("trace diff was called"));
        Assert.Equal(0, code);
        return options!;
    }
}
