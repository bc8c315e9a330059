using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Emu.Host.Tests.Debugging;

/// <summary>The other side of the protocol, for one packet at a time, damaged ones included.</summary>
internal sealed class GdbClient : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Socket _socket;
    private bool _acknowledges = true;

    private GdbClient(Socket socket)
    {
        _socket = socket;
        _socket.NoDelay = true;
        _socket.ReceiveTimeout = (int)Patience.TotalMilliseconds;
    }

    /// <summary>A port that nobody listens at.</summary>
    public static int FreePort()
    {
        TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        return port;
    }

    /// <summary>Connects as soon as somebody listens.</summary>
    public static GdbClient Connect(int port)
    {
        Stopwatch waited = Stopwatch.StartNew();
        while (true)
        {
            Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Connect(IPAddress.Loopback, port);
                return new GdbClient(socket);
            }
            catch (SocketException) when (waited.Elapsed < Patience)
            {
                socket.Dispose();
                Thread.Sleep(50);
            }
        }
    }

    /// <summary>Sends a packet and returns the answer.</summary>
    public string Ask(string payload)
    {
        Send(payload);
        return Receive();
    }

    /// <summary>Sends a packet.</summary>
    public void Send(string payload) => SendRaw($"${payload}#{Encoding.Latin1.GetBytes(payload).Aggregate(0, static (sum, value) => (sum + value) & 0xFF):x2}");

    /// <summary>Sends bytes as they are.</summary>
    public void SendRaw(string text) => _socket.Send(Encoding.Latin1.GetBytes(text));

    /// <summary>The next packet's payload, quotes undone.</summary>
    public string Receive()
    {
        char start;
        while ((start = ReadByte()) != '$')
            Assert.True(start is '+', $"'{start}' between packets");
        StringBuilder payload = new();
        int sum = 0;
        for (char next; (next = ReadByte()) != '#';)
        {
            sum += next;
            if (next == '}')
            {
                next = ReadByte();
                sum += next;
                next = (char)(next ^ 0x20);
            }

            payload.Append(next);
        }

        string digits = $"{ReadByte()}{ReadByte()}";
        Assert.Equal(sum & 0xFF, int.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
        if (_acknowledges)
            SendRaw("+");
        return payload.ToString();
    }

    /// <summary>The next byte, whatever it is.</summary>
    public char ReadByte()
    {
        byte[] one = new byte[1];
        int count = _socket.Receive(one);
        return count == 1 ? (char)one[0] : throw new EndOfStreamException("The server has closed the connection.");
    }

    /// <summary>Agrees to do without acknowledgements.</summary>
    public void StopAcknowledging()
    {
        Assert.Equal("OK", Ask("QStartNoAckMode"));
        _acknowledges = false;
    }

    /// <summary>What a monitor command says.</summary>
    public string Monitor(string command)
    {
        string answer = Ask("qRcmd," + Convert.ToHexStringLower(Encoding.UTF8.GetBytes(command)));
        StringBuilder text = new();
        for (; answer is ['O', not 'K', ..]; answer = Receive())
            text.Append(Encoding.UTF8.GetString(Convert.FromHexString(answer.AsSpan(1))));
        return answer == "OK" ? text.ToString() : text.Append(Encoding.UTF8.GetString(Convert.FromHexString(answer))).ToString();
    }

    /// <summary>Lets the guest run; what it has to say is left out.</summary>
    public string Resume(string packet)
    {
        string answer = Ask(packet);
        while (answer is ['O', not 'K', ..])
            answer = Receive();
        return answer;
    }

    /// <summary>Lets the guest run to an end of its own, which is shown before the run ends.</summary>
    public string RunToTheEnd()
    {
        Assert.StartsWith("T0fthread:", Resume("c"), StringComparison.Ordinal);
        return Ask("c");
    }

    /// <summary>A register's value by its name, of up to eight bytes.</summary>
    public ulong Register(string name) => Number(Ask($"p{Numbers[name]:x}"));

    /// <summary>Writes a register of four or eight bytes.</summary>
    public string SetRegister(string name, ulong value, int bytes = 4) =>
        Ask($"P{Numbers[name]:x}={Convert.ToHexStringLower(BitConverter.GetBytes(value).AsSpan(0, bytes))}");

    /// <summary>The description, whole.</summary>
    public string Description()
    {
        StringBuilder xml = new();
        while (true)
        {
            string part = Ask($"qXfer:features:read:target.xml:{xml.Length:x},800");
            xml.Append(part.AsSpan(1));
            if (part[0] == 'l')
                break;
            Assert.Equal('m', part[0]);
        }

        _numbers = null;
        return xml.ToString();
    }

    public void Dispose() => _socket.Dispose();

    private static ulong Number(string text)
    {
        Assert.True(text.Length is > 0 and <= 16 && text.Length % 2 == 0, $"'{text}' is no register");
        byte[] bytes = new byte[8];
        Convert.FromHexString(text).CopyTo(bytes, 0);
        return BitConverter.ToUInt64(bytes);
    }

    // By the order in which the description names them.
    private Dictionary<string, int> Numbers => _numbers ??= System.Xml.Linq.XDocument
        .Parse(DescriptionAsIs())
        .Descendants("reg")
        .Select((register, number) => (Name: register.Attribute("name")!.Value, number))
        .ToDictionary(static pair => pair.Name, static pair => pair.number);

    private Dictionary<string, int>? _numbers;

    private string DescriptionAsIs() =>
        // The parser shall not go and look for gdb-target.dtd.
        Description().Replace("<!DOCTYPE target SYSTEM \"gdb-target.dtd\">", "", StringComparison.Ordinal);
}
