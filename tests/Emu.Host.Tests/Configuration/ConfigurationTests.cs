using System.Text;
using Emu.Host.CommandLine;

namespace Emu.Host.Tests.Configuration;

/// <summary>What tests of xl's configurations have in common: a file that <c>emu run</c> is given.</summary>
public abstract class ConfigurationTests : IDisposable
{
    private protected const string Minimal = "type = \"pvh\"\nkernel = \"vmlinuz\"\n";

    private readonly TestFiles.TemporaryFolder _folder = new();

    public void Dispose()
    {
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected static string? Text(ReadOnlyMemory<byte>? bytes) => bytes is { } text ? Encoding.UTF8.GetString(text.Span) : null;

    private protected string Write(string name, string text) => _folder.Write(name, Encoding.UTF8.GetBytes(text));

    /// <summary>What <c>emu run guest.cfg …</c> makes of a configuration.</summary>
    private protected RunOptions Parse(string text, params string[] arguments) => ParseFile(Write("guest.cfg", text), arguments);

    private protected static RunOptions ParseFile(string path, params string[] arguments)
    {
        RunOptions? options = null;
        int code = EmuCommand.Invoke(
            ["run", path, .. arguments],
            given =>
            {
                options = given;
                return 0;
            },
            (_, _) => throw new InvalidOperationException("inspect was called"),
            _ => throw new InvalidOperationException("trace diff was called"));
        Assert.Equal(0, code);
        return options!;
    }

    /// <summary>The one sentence with which a configuration is refused.</summary>
    private protected string Refusal(string text, params string[] arguments)
    {
        UsageException e = Assert.Throws<UsageException>(() => Parse(text, arguments));

        Assert.EndsWith(".", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", e.Message, StringComparison.Ordinal);
        return e.Message;
    }
}
