using System.Globalization;
using System.Text.RegularExpressions;
using Emu.Xen.Tracing;

namespace Emu.Host.Tracing.Comparison;

/// <summary>Reads the hypercalls of a log: one of <c>--trace-xen</c>, or one that real Xen's hypercalls were written to (docs/xen-trace.md).</summary>
/// <remarks>
/// <code>
/// 93120 v0 ffffffff82001003 call event_channel_op.bind_virq(virq=TIMER, vcpu=0) = 0 port=3 @ bind_virq_to_irq+0x8c
/// 593 v0 event_channel_op.bind_virq(0xffffc9000001bd94,0x1,0x0) &lt;bind_virq_to_irq&gt; = 0 | 0 f81e10000000000 … | 0 f81e10000000003 …
/// </code>
/// The second form has the three arguments behind the command, the caller, the result, and five 64-bit words of the structure before and
/// after the call.
/// </remarks>
public static partial class XenLog
{
    /// <summary>Reads a log.</summary>
    /// <param name="text">The log.</param>
    /// <returns>Its hypercalls in order; lines of other kinds are passed over.</returns>
    public static List<TracedCall> Read(string text)
    {
        List<TracedCall> calls = [];
        int number = 0;
        foreach (string line in text.Split('\n'))
        {
            number++;
            string content = line.TrimEnd('\r');
            if ((ReadOwn(content, number) ?? ReadForeign(content, number)) is { } call)
                calls.Add(call);
        }

        return calls;
    }

    private static TracedCall? ReadOwn(string line, int number)
    {
        Match match = OwnLine().Match(line);
        if (!match.Success)
            return null;
        string rest = line[match.Length..];
        int end = FindOutsideOfQuotes(rest, ") = ");
        if (end < 0)
            return null;
        List<KeyValuePair<string, string>> fields = Fields(rest[..end], ", ");
        string answer = rest[(end + 4)..];
        int place = FindOutsideOfQuotes(answer, " @ ");
        if (place >= 0)
            answer = answer[..place];
        int blank = answer.IndexOf(' ', StringComparison.Ordinal);
        if (!long.TryParse(blank < 0 ? answer : answer[..blank], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long result))
            return null;
        if (blank >= 0 && result >= 0)
            fields.AddRange(Fields(answer[(blank + 1)..], " "));
        return new TracedCall(number, line, int.Parse(match.Groups["vcpu"].Value, CultureInfo.InvariantCulture), match.Groups["name"].Value, fields, result);
    }

    private static TracedCall? ReadForeign(string line, int number)
    {
        Match match = ForeignLine().Match(line);
        if (!match.Success)
            return null;
        long result = long.Parse(match.Groups["result"].Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        string name = match.Groups["name"].Value;
        List<KeyValuePair<string, string>> fields = [];
        ulong[] arguments = [.. match.Groups["argument"].Captures.Select(capture => Number(capture.Value))];
        if (ForeignCall.Make(name, arguments, Words(match.Groups["before"]), Words(match.Groups["after"])) is { } call)
        {
            CallText text = new(call);
            fields = Fields(text.Inputs(), ", ");
            call.IsDone = true;
            fields.AddRange(Fields(text.Outputs(result), " "));
        }

        return new TracedCall(number, line, int.Parse(match.Groups["vcpu"].Value, CultureInfo.InvariantCulture), name, fields, result) { IsPartial = true };
    }

    private static ulong Number(string text) => ulong.Parse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static byte[] Words(Group group)
    {
        byte[] bytes = new byte[8 * group.Captures.Count];
        for (int i = 0; i < group.Captures.Count; i++)
            BitConverter.TryWriteBytes(bytes.AsSpan(8 * i), ulong.Parse(group.Captures[i].Value, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
        return bytes;
    }

    /// <summary>Parts "name=value" texts; separators within quotation marks and brackets belong to a value.</summary>
    private static List<KeyValuePair<string, string>> Fields(string text, string separator)
    {
        List<KeyValuePair<string, string>> fields = [];
        while (text.Length != 0)
        {
            int end = FindOutsideOfQuotes(text, separator);
            string field = end < 0 ? text : text[..end];
            text = end < 0 ? "" : text[(end + separator.Length)..];
            int equals = field[0] is '[' or '"' ? -1 : field.IndexOf('=', StringComparison.Ordinal);
            fields.Add(equals < 0 ? new("", field) : new(field[..equals], field[(equals + 1)..]));
        }

        return fields;
    }

    private static int FindOutsideOfQuotes(string text, string wanted)
    {
        bool isQuoted = false;
        int depth = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (isQuoted && text[i] == '\\')
            {
                i++;
                continue;
            }

            if (text[i] == '"')
                isQuoted = !isQuoted;
            if (isQuoted)
                continue;
            if (text[i] == '[')
                depth++;
            else if (text[i] == ']')
                depth--;
            else if (depth <= 0 && string.CompareOrdinal(text, i, wanted, 0, wanted.Length) == 0)
                return i;
        }

        return -1;
    }

    [GeneratedRegex(@"^\d+ v(?<vcpu>\d{1,4}) [0-9a-f]{16} (?:call|entry) (?<name>[a-z0-9_.]+)\(", RegexOptions.CultureInvariant)]
    private static partial Regex OwnLine();

    [GeneratedRegex(
        @"^\d+ v(?<vcpu>\d{1,4}) (?<name>[a-z0-9_.]+)\((?:(?<argument>0x[0-9a-f]{1,16}),?){3}\) <[^>]*> = (?<result>-?\d{1,18})"
        + @"(?: \|(?: (?<before>[0-9a-f]{1,16}))* \|(?: (?<after>[0-9a-f]{1,16}))*)?",
        RegexOptions.CultureInvariant)]
    private static partial Regex ForeignLine();
}
