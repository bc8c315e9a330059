using Emu.Host.Terminals;

namespace Emu.Host.Tests.Terminals;

public sealed class GuestOutputTests
{
    [Fact]
    public void Bytes_arrive_in_order_and_without_a_flush()
    {
        using MemoryStream stream = new();
        using GuestOutput output = new(Stream.Synchronized(stream));
        output.Write((byte)'a');
        output.Write("bc"u8);

        Assert.True(SpinWait.SpinUntil(() => stream.Length == 3, TimeSpan.FromSeconds(10)));
        Assert.Equal("abc"u8.ToArray(), stream.ToArray());
    }

    [Fact]
    public void More_than_the_buffer_holds_is_not_lost()
    {
        byte[] text = new byte[1_000_000];
        Random.Shared.NextBytes(text);
        using MemoryStream stream = new();
        using (GuestOutput output = new(stream))
        {
            output.Write(text.AsSpan(0, 999));
            output.Write(text.AsSpan(999));
        }

        Assert.Equal(text, stream.ToArray());
    }

    [Fact]
    public void A_reader_that_goes_away_is_reported_once_and_stops_nothing()
    {
        using GuestOutput output = new(new BrokenStream());
        int reports = 0;
        output.Broken = () => Interlocked.Increment(ref reports);
        for (int i = 0; i < 3; i++)
        {
            output.Write("text"u8);
            output.Flush();
        }

        Assert.True(output.IsBroken);
        Assert.Equal(1, reports);
    }

    private sealed class BrokenStream : MemoryStream
    {
        public override void Write(byte[] buffer, int offset, int count) => throw new IOException("Broken pipe");
    }
}
