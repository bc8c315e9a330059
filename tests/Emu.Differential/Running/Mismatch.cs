using System.Globalization;
using System.Text;
using Emu.Differential.Comparison;
using Emu.Differential.Generation;
using Iced.Intel;

namespace Emu.Differential.Running;

/// <summary>A case in which two engines disagree.</summary>
public sealed record Mismatch(
    GeneratedProgram Program, MachineState Before, byte[] Data, string Engine, string Reference, MachineState Ours, MachineState Native,
    byte[] OurData, byte[] NativeData)
{
    /// <summary>The case in readable form.</summary>
    public unsafe string Describe()
    {
        var text = new StringBuilder();
        var program = Program.Program;
        var before = Before;
        text.AppendLine(CultureInfo.InvariantCulture, $"{Engine} and {Reference} disagree on {(int)program.Size}-bit code at {program.Start:x}:");
        var formatter = new NasmFormatter();
        foreach (var instruction in program.Instructions)
        {
            var output = new StringOutput();
            formatter.Format(instruction, output);
            var at = (int)(instruction.IP - program.Instructions[0].IP);
            var bytes = Convert.ToHexStringLower(program.Bytes.AsSpan(at, instruction.Length));
            text.AppendLine(CultureInfo.InvariantCulture, $"  {instruction.IP:x}  {bytes,-24} {output.ToStringAndReset()}  ({instruction.Code})");
        }
        text.Append("before:");
        for (var i = 0; i < 16; i++)
            Item((Register.RAX + i).ToString(), before.Registers[i]);
        Item("flags", Before.Flags);
        Item("FSbase", Before.FsBase);
        Item("GSbase", Before.GsBase);
        var names = new[] { "ES", "CS", "SS", "DS", "FS", "GS" };
        for (var i = 0; i < 6; i++)
            Item(names[i], before.Selectors[i]);
        var image = before.Xsave;
        if (Program.UsesX87)
        {
            text.AppendLine().Append("  x87:");
            Item("FCW", *(ushort*)image);
            Item("FSW", *(ushort*)(image + XsaveImage.StatusWord));
            Item("tags", image[XsaveImage.Tags]);
            Item("FOP", *(ushort*)(image + XsaveImage.Opcode));
            Item("FIP", *(ulong*)(image + XsaveImage.InstructionPointer));
            Item("FDP", *(ulong*)(image + XsaveImage.OperandPointer));
            for (var i = 0; i < 8; i++)
                text.Append(CultureInfo.InvariantCulture, $" ST{i}={*(ushort*)(image + XsaveImage.Stack + i * 16 + 8):x4}:{*(ulong*)(image + XsaveImage.Stack + i * 16):x16}");
        }
        if (Program.UsesVectors)
        {
            text.AppendLine().Append("  vectors:");
            Item("MXCSR", *(uint*)(image + XsaveImage.Mxcsr));
            for (var i = 0; i < 16; i++)
            {
                var low = (ulong*)(image + XsaveImage.Xmm + i * 16);
                var high = (ulong*)(image + XsaveImage.YmmHigh + i * 16);
                if ((low[0] | low[1] | high[0] | high[1]) != 0)
                    text.Append(CultureInfo.InvariantCulture, $" YMM{i}={high[1]:x16}_{high[0]:x16}_{low[1]:x16}_{low[0]:x16}");
            }
        }
        text.AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"  memory: {MemoryText()}");
        var outcome = Native.Vector < 0 ? "no exception" : $"vector {Native.Vector}, error code {Native.ErrorCode:x}, CR2 {Native.Cr2:x}";
        text.AppendLine(CultureInfo.InvariantCulture, $"  {Reference}'s outcome: {outcome}, RIP {Native.Rip:x}");
        foreach (var line in Comparer.Differences(Program, Before, Ours, Native, OurData, NativeData))
            text.AppendLine("  " + line);
        if (CaseLine.TryMake(this) is { } one)
            text.AppendLine("as a data case:").AppendLine(one);
        return text.ToString();

        void Item(string name, ulong value)
        {
            if (value != 0)
                text.Append(CultureInfo.InvariantCulture, $" {name}={value:x}");
        }
    }

    private string MemoryText()
    {
        var items = new List<string>();
        for (var at = 0; at < Data.Length && items.Count < 24; at += 8)
        {
            var value = BitConverter.ToUInt64(Data, at);
            if (value != 0)
                items.Add(string.Create(CultureInfo.InvariantCulture, $"[{Layout.Data + (ulong)at:x}]={value:x}"));
        }
        return items.Count == 0 ? "zeros" : string.Join(", ", items) + (items.Count == 24 ? ", …" : "");
    }
}
