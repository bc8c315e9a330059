using System.Text;

namespace Emu.Host.Tests.Debugging;

/// <summary>The packets' frames: checksums, acknowledgements, quotes, and what is no packet.</summary>
public sealed class PacketTests
{
    [Fact]
    public void Packet_is_acknowledged_and_answered()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Forever);
        guest.Client.SendRaw("$?#3f");

        Assert.Equal('+', guest.Client.ReadByte());
        Assert.Equal("T05thread:1;", guest.Client.Receive());
    }

    [Theory]
    [InlineData("$?#00")]
    [InlineData("$?#zz")]
    [InlineData("$m}#ea")]
    public void Damaged_packet_is_refused_and_the_next_is_heard(string damaged)
    {
        using DebuggedGuest guest = new(DebuggedGuest.Forever);
        guest.Client.SendRaw(damaged);

        Assert.Equal('-', guest.Client.ReadByte());
        Assert.Equal("QC1", guest.Client.Ask("qC"));
    }

    [Fact]
    public void Noise_between_packets_is_passed_over()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Forever);
        guest.Client.SendRaw("+++hello\0\u00FF%\r\n");

        Assert.Equal("QC1", guest.Client.Ask("qC"));
    }

    [Fact]
    public void Packet_that_breaks_off_is_forgotten_when_the_next_begins()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Forever);
        guest.Client.SendRaw("$m1000,1");

        Assert.Equal("QC1", guest.Client.Ask("qC"));
    }

    [Fact]
    public void Answer_that_was_refused_is_sent_again()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Forever);
        Assert.Equal("QC1", guest.Client.Ask("qC"));
        guest.Client.SendRaw("-");

        Assert.Equal("QC1", guest.Client.Receive());
    }

    [Fact]
    public void Without_acknowledgements_only_packets_are_sent()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Forever);
        guest.Client.StopAcknowledging();
        guest.Client.SendRaw("$?#00$qC#b4");

        Assert.Equal('$', guest.Client.ReadByte());
        Assert.Equal('Q', guest.Client.ReadByte());
    }

    [Fact]
    public void Packet_longer_than_announced_is_not_understood_and_does_no_harm()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Forever);

        Assert.Equal("", guest.Client.Ask("M1000,20000:" + new string('0', 0x40000)));
        Assert.Equal("QC1", guest.Client.Ask("qC"));
    }

    [Fact]
    public void What_is_not_known_gets_an_empty_answer()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Forever);
        foreach (string packet in (ReadOnlySpan<string>)["vMustReplyEmpty", "qNothing", "QNothing:1", "vNothing;1", "!", "R00", "A1", "", "Z9,1,1", "jThreads", "\u0080"])
            Assert.Equal("", guest.Client.Ask(packet));
    }

    [Theory]
    [InlineData("p", "E16")]
    [InlineData("pffff", "E16")]
    [InlineData("p-1", "E16")]
    [InlineData("P", "E16")]
    [InlineData("P0", "E16")]
    [InlineData("P0=", "E16")]
    [InlineData("P0=12", "E16")]
    [InlineData("P0=zzzzzzzz", "E16")]
    [InlineData("P0=1234567", "E16")]
    [InlineData("Pffff=00000000", "E16")]
    [InlineData("G", "E16")]
    [InlineData("G00", "E16")]
    [InlineData("m", "E16")]
    [InlineData("m1000", "E16")]
    [InlineData("m,", "E16")]
    [InlineData("mxyz,4", "E16")]
    [InlineData("m1000,-1", "E16")]
    [InlineData("m11112222333344445,1", "E16")]
    [InlineData("x1000", "E16")]
    [InlineData("M1000,4", "E16")]
    [InlineData("M1000,4:00", "E16")]
    [InlineData("M1000,1:0", "E16")]
    [InlineData("M1000,1:zz", "E16")]
    [InlineData("X1000,5:ab", "E16")]
    [InlineData("Z", "E16")]
    [InlineData("Z0", "E16")]
    [InlineData("Z0,", "E16")]
    [InlineData("Z0,1000", "E16")]
    [InlineData("Z2,1000,0", "E16")]
    [InlineData("Z2,ffffffffffffffff,2", "E16")]
    [InlineData("z0,zz,1", "E16")]
    [InlineData("Hg99", "E03")]
    [InlineData("Hgx", "E03")]
    [InlineData("T99", "E03")]
    [InlineData("T", "E03")]
    [InlineData("vCont;", "E16")]
    [InlineData("vCont;q", "E16")]
    [InlineData("vCont;s:99", "E16")]
    [InlineData("vCont;r1", "E16")]
    [InlineData("vCont;r1,zz:1", "E16")]
    [InlineData("vCont;c:", "E16")]
    [InlineData("czz", "E16")]
    [InlineData("qRcmd,1", "E16")]
    [InlineData("qRcmd,zz", "E16")]
    [InlineData("qCRC:1000", "E16")]
    [InlineData("qCRC:0,ffffffffffffffff", "E16")]
    [InlineData("Qqemu.PhyMemMode:2", "E16")]
    [InlineData("qThreadExtraInfo,99", "E03")]
    [InlineData("qXfer:features:read:target.xml:zz,10", "E16")]
    [InlineData("qXfer:features:read:other.xml:0,10", "E00")]
    [InlineData("vFile:open:2f6574632f706173737764,0,0", "F-1,2")]
    [InlineData("vFile:pread:7,10,0", "F-1,9")]
    [InlineData("vFile:pread:3,zz,0", "F-1,16")]
    [InlineData("vFile:fstat:9", "F-1,9")]
    [InlineData("vFile:close:9", "F-1,9")]
    public void Malformed_packet_is_refused_and_changes_nothing(string packet, string answer)
    {
        using DebuggedGuest guest = new(DebuggedGuest.Forever);
        string registers = guest.Client.Ask("g");

        Assert.Equal(answer, guest.Client.Ask(packet));
        Assert.Equal(registers, guest.Client.Ask("g"));
    }

    [Fact]
    public void Arbitrary_packets_neither_end_the_server_nor_let_the_guest_run()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Forever);
        Random random = new(6);
        string[] beginnings =
        [
            "g", "G", "p", "P", "m", "M", "X", "x", "Z0,", "z1,", "Z2,", "H", "T", "?", "q", "Q", "qXfer:", "qXfer:features:read:target.xml:",
            "vFile:", "vFile:pread:3,", "vFile:open:", "qRcmd,", "qSupported:", "qCRC:", "v", "!", "_", "qThreadExtraInfo,", "vCont?", "vCont;r",
        ];
        for (int i = 0; i < 3000; i++)
        {
            StringBuilder packet = new(beginnings[random.Next(beginnings.Length)]);
            for (int length = random.Next(24); length > 0; length--)
                packet.Append(random.Next(4) == 0 ? (char)random.Next(256) : "0123456789abcdef,;:=-"[random.Next(21)]);
            packet.Replace('#', '0').Replace('$', '1').Replace('}', '2');
            string text = packet.ToString();
            // What would let it run, or gdb go, is not meant here.
            if (!text.StartsWith("vCont;", StringComparison.Ordinal) && !text.StartsWith("vKill", StringComparison.Ordinal))
                guest.Client.Ask(text);
        }

        Assert.Equal("0 instructions retired", guest.Client.Monitor("where").Split(';')[0]);
    }
}
