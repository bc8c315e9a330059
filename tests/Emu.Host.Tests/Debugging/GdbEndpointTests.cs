using Emu.Host.Debugging;

namespace Emu.Host.Tests.Debugging;

public sealed class GdbEndpointTests
{
    [Theory]
    [InlineData("1234", "127.0.0.1:1234")]
    [InlineData(":1234", "127.0.0.1:1234")]
    [InlineData("localhost:0", "127.0.0.1:0")]
    [InlineData("192.168.1.2:65535", "192.168.1.2:65535")]
    [InlineData("*:1234", "0.0.0.0:1234")]
    [InlineData("[::1]:1234", "[::1]:1234")]
    public void Port_is_named_with_or_without_a_host(string text, string expected) => Assert.Equal(expected, $"{GdbEndpoint.Parse("--gdb", text)}");

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("65536")]
    [InlineData("-1")]
    [InlineData("1234:")]
    [InlineData("example.com:1234")]
    [InlineData("[::1:1234")]
    [InlineData("1234,write")]
    public void What_is_no_endpoint_is_refused_in_one_sentence(string text)
    {
        UsageException refusal = Assert.Throws<UsageException>(() => GdbEndpoint.Parse("--gdb", text));

        Assert.StartsWith("--gdb ", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
    }

    [Theory]
    [InlineData("--trace", "trace.txt")]
    [InlineData("--dump-at", "5")]
    public void Gdb_goes_with_nothing_that_writes_down_the_run(string option, string value)
    {
        EmuResult result = EmuProcess.Run("run", "kernel.elf", "--gdb", "1234", option, value);

        Assert.Equal(2, result.ExitCode);
        Assert.StartsWith("emu: --gdb goes with neither", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Port_that_is_taken_is_refused()
    {
        int port = GdbClient.FreePort();
        System.Net.Sockets.TcpListener listener = new(System.Net.IPAddress.Loopback, port);
        listener.Start();
        EmuResult result = EmuProcess.Run("run", TestFiles.TourKernel, "--gdb", $"{port}");
        listener.Stop();

        Assert.Equal(2, result.ExitCode);
        Assert.StartsWith($"emu: --gdb cannot listen at 127.0.0.1:{port}: ", result.Error, StringComparison.Ordinal);
    }
}
