using System.Globalization;
using System.Text;
using Emu.Cpu.Instrumentation;
using Emu.Host.Tracing.Binary;
using Emu.Machine.Tracing;

namespace Emu.Host.Tracing.Export;

/// <summary>
/// One vCPU's execution as Tenet reads it: a line for the state before each instruction, with what changed since the line before and
/// which memory was accessed on the way there.
/// </summary>
internal static class TenetExport
{
    public static void Write(TraceReader reader, TraceExportOptions options, Stream output)
    {
        bool isWide = reader.Blocks.Any(static block => block.CodeSize == 64);
        using StreamWriter text = new(output, new UTF8Encoding(false), 1 << 16, leaveOpen: true) { NewLine = "\n" };
        TraceSteps steps = new(reader, options with { Vcpu = options.Vcpu ?? 0 });
        StringBuilder line = new();
        int life = 0;
        while (steps.MoveNext())
        {
            TraceCursor cursor = steps.Cursor;
            if (cursor.Life != life)
            {
                // Where the guest was started anew, its registers begin anew, too.
                life = cursor.Life;
                line.Clear();
                AppendStart(line, cursor, isWide);
            }

            AppendName(line, "rip", isWide);
            text.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{line}0x{cursor.Address:x}"));
            line.Clear();
            foreach ((TracedRegister register, ulong value) in cursor.Changes)
                AppendRegister(line, (int)register, value, isWide);
            foreach (TraceAccess access in cursor.Accesses)
            {
                if (!access.Value.IsEmpty)
                    line.Append(CultureInfo.InvariantCulture, $"{(access.IsWrite ? "mw" : "mr")}=0x{access.Linear:x}:{Convert.ToHexStringLower(access.Value.Span)},");
            }
        }
    }

    // All registers, as they were before the step that the cursor stands at.
    private static void AppendStart(StringBuilder line, TraceCursor cursor, bool isWide)
    {
        ulong[] before = cursor.RegistersOf(cursor.Vcpu).ToArray();
        foreach (RegisterChange change in cursor.Changes)
            before[(int)change.Register] = change.Before;
        for (int i = 0; i <= (int)TracedRegister.R15; i++)
            AppendRegister(line, i, before[i], isWide);
    }

    private static void AppendRegister(StringBuilder line, int register, ulong value, bool isWide)
    {
        // Tenet knows the general registers, eight of them in 32-bit code.
        if (register > (isWide ? (int)TracedRegister.R15 : 7))
            return;
        AppendName(line, TraceLines.NameOf((TracedRegister)register), isWide);
        line.Append(CultureInfo.InvariantCulture, $"0x{value:x},");
    }

    private static void AppendName(StringBuilder line, string name, bool isWide) => line.Append(isWide ? name : "e" + name[1..]).Append('=');
}
