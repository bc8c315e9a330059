using System.Globalization;
using System.Text;
using Emu.Cpu;
using Emu.Host.Tracing;

namespace Emu.Host.Debugging;

// The packets that begin with q or Q.
internal sealed partial class DebugSession
{
    private SessionStep HandleQuery(string text)
    {
        // The name ends at ':' or ','; a few of gdb's have a different idea, and have their own.
        int end = text.AsSpan().IndexOfAny(':', ',', ';');
        string name = end < 0 ? text : text[..end];
        ReadOnlySpan<char> rest = end < 0 ? default : text.AsSpan(end + 1);
        switch (name)
        {
            case "qSupported":
                return Answer(Negotiate(rest));
            case "QStartNoAckMode":
                // The request itself has been acknowledged; the answer is the first that is not.
                _connection.StopAcknowledging();
                return Answer(Ok);
            case "qXfer":
                return Answer(Transfer(rest));
            case "qC":
                return Answer(string.Create(CultureInfo.InvariantCulture, $"QC{_thread:x}"));
            case "qfThreadInfo":
                return Answer("m" + string.Join(',', Enumerable.Range(1, _control.Machine.Vcpus.Count).Select(static number => $"{number:x}")));
            case "qsThreadInfo":
                return Answer("l");
            case "qThreadExtraInfo":
                return Answer(TryThread(rest, out int thread) ? Hexadecimal.Text(Describe(_control.Machine.Vcpus[thread - 1])) : PacketError.NoSuchThread);
            case "qAttached":
                // gdb attaches to a guest that was there before: when it quits, it lets the guest go.
                return Answer("1");
            case "qRcmd":
                return Answer(Hexadecimal.TryBytes(rest) is { } command ? ObeyMonitor(Encoding.UTF8.GetString(command)) : PacketError.Malformed);
            case "qqemu.PhyMemMode":
                return Answer(_isPhysical ? "1" : "0");
            case "Qqemu.PhyMemMode":
                if (rest is not ("0" or "1"))
                    return Answer(PacketError.Malformed);
                _isPhysical = rest is "1";
                return Answer(Ok);
            case "qCRC":
                return Answer(Checksum(rest));
            default:
                return Answer(Unknown);
        }
    }

    private string Negotiate(ReadOnlySpan<char> features)
    {
        foreach (Range range in features.Split(';'))
        {
            _knowsSoftwareBreakpoints |= features[range] is "swbreak+";
            _knowsHardwareBreakpoints |= features[range] is "hwbreak+";
        }

        return string.Create(
            CultureInfo.InvariantCulture,
            $"PacketSize={PacketReader.LongestPayload:x};QStartNoAckMode+;qXfer:features:read+;qXfer:threads:read+{(ExecutableName.Length != 0 ? ";qXfer:exec-file:read+" : "")};vContSupported+;swbreak+;hwbreak+;ReverseStep+;ReverseContinue+");
    }

    // OBJECT:read:ANNEX:OFFSET,LENGTH
    private string Transfer(ReadOnlySpan<char> text)
    {
        string[] words = text.ToString().Split(':');
        if (words.Length != 4 || words[1] != "read")
            return Unknown;
        if (!TryRange(words[3], out ulong offset, out ulong length))
            return PacketError.Malformed;
        switch (words[0])
        {
            case "features" when words[2] == "target.xml":
                if (offset == 0)
                {
                    _registers = RegisterSet.For(NextView);
                    _description = Encoding.ASCII.GetBytes(TargetDescription.Of(NextView));
                }

                return Part(_description, offset, length);
            case "features":
                return "E00";
            case "exec-file" when ExecutableName.Length != 0:
                return Part(Encoding.UTF8.GetBytes(ExecutableName), offset, length);
            case "threads" when words[2].Length == 0:
                return Part(Encoding.ASCII.GetBytes(Threads()), offset, length);
            default:
                return Unknown;
        }
    }

    private static string Part(ReadOnlySpan<byte> whole, ulong offset, ulong length)
    {
        if (offset >= (ulong)whole.Length)
            return "l";
        ReadOnlySpan<byte> rest = whole[(int)offset..];
        int most = (int)Math.Min(length, PacketReader.LongestPayload / 2);
        return rest.Length <= most ? "l" + Encoding.Latin1.GetString(rest) : "m" + Encoding.Latin1.GetString(rest[..most]);
    }

    private string Threads()
    {
        StringBuilder xml = new("<?xml version=\"1.0\"?>\n<threads>\n");
        foreach (Vcpu vcpu in _control.Machine.Vcpus)
            xml.Append(CultureInfo.InvariantCulture, $"<thread id=\"{vcpu.Number + 1:x}\" core=\"{vcpu.Number}\" name=\"vCPU {vcpu.Number}\">{Describe(vcpu)}</thread>\n");
        return xml.Append("</threads>\n").ToString();
    }

    private string Describe(Vcpu vcpu) => _control.Machine.WaitsForStartup(vcpu) ? "waits for startup"
        : vcpu.IsHalted ? $"{CpuStateText.Mode(vcpu)}, halted"
        : CpuStateText.Mode(vcpu);

    private string ObeyMonitor(string command)
    {
        string text = _monitor.Obey(command.Trim());
        if (text.Length == 0)
            return Ok;
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        const int piece = (PacketReader.LongestPayload / 2) - 16;
        int at = 0;
        for (; bytes.Length - at > piece; at += piece)
            Reply("O" + Hexadecimal.Text(bytes.AsSpan(at, piece)));
        return Hexadecimal.Text(bytes.AsSpan(at));
    }

    // What 'compare-sections' asks for: CRC-32 with polynomial 0x04C11DB7, highest bit first, beginning with ones.
    private string Checksum(ReadOnlySpan<char> text)
    {
        const ulong most = 64 << 20;
        if (!TryRange(text, out ulong address, out ulong length) || length > most)
            return PacketError.Malformed;
        byte[] bytes = new byte[length];
        if (_control.Memory.Read(Vcpu, address, _isPhysical, bytes) != bytes.Length)
            return PacketError.NoMemory;
        uint sum = uint.MaxValue;
        foreach (byte value in bytes)
        {
            sum ^= (uint)value << 24;
            for (int bit = 0; bit < 8; bit++)
                sum = (sum << 1) ^ ((sum >> 31) * 0x04C1_1DB7);
        }

        return string.Create(CultureInfo.InvariantCulture, $"C{sum:x}");
    }
}
