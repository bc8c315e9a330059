using Emu.Host.Logging;
using Microsoft.Extensions.Logging;

namespace Emu.Host.Tests.Logging;

public sealed class TextLoggerFactoryTests
{
    [Fact]
    public void A_line_names_severity_and_class()
    {
        Assert.Equal("warning: Uart: hello 3\n", Log(LogLevel.Warning, colour: false));
    }

    [Fact]
    public void What_is_less_severe_than_asked_for_is_left_out()
    {
        Assert.Equal("", Log(LogLevel.Debug, colour: false));
    }

    [Fact]
    public void Colour_is_around_the_severity_alone()
    {
        Assert.Equal("\e[33mwarning\e[0m: Uart: hello 3\n", Log(LogLevel.Warning, colour: true));
    }

    [Fact]
    public void The_console_is_flushed_before_a_line()
    {
        StringWriter writer = new() { NewLine = "\n" };
        using TextLoggerFactory factory = new(writer, LogLevel.Information, colour: false, () => writer.Write("console|"));
        factory.CreateLogger("a.B").LogInformation("text");

        Assert.Equal("console|info: B: text\n", writer.ToString());
    }

    private static string Log(LogLevel level, bool colour)
    {
        StringWriter writer = new() { NewLine = "\n" };
        using TextLoggerFactory factory = new(writer, LogLevel.Information, colour);
        factory.CreateLogger("Emu.Machine.Serial.Uart").Log(level, "hello {Count}", 3);
        return writer.ToString();
    }
}
