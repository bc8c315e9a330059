using System.Globalization;
using Emu.Cpu;
using Emu.Cpu.State;
using Emu.Differential.Comparison;
using Iced.Intel;

namespace Emu.Differential.Running;

/// <summary>
/// Writes a case of one instruction as a line for tests/Emu.Cpu.Tests/Instructions/Cases, where registers, flags and a little memory
/// suffice.
/// </summary>
public static unsafe class CaseLine
{
    private const ulong DefaultStack = 0x6000;

    private static readonly (string Name, ulong Bit)[] Flags =
        [("CF", Rflags.Carry), ("PF", Rflags.Parity), ("AF", Rflags.Adjust), ("ZF", Rflags.Zero), ("SF", Rflags.Sign), ("OF", Rflags.Overflow), ("DF", Rflags.Direction)];

    private static readonly Dictionary<int, string> Exceptions = new()
    {
        [ExceptionVector.DivideError] = "#DE",
        [ExceptionVector.InvalidOpcode] = "#UD",
        [ExceptionVector.StackFault] = "#SS",
        [ExceptionVector.GeneralProtection] = "#GP",
    };

    /// <summary>The line, or null where the format does not reach.</summary>
    public static string? TryMake(Mismatch mismatch)
    {
        var program = mismatch.Program;
        if (program.Facts.Count != 1 || program.Program.Size == CodeSize.Bits16 || program.UsesX87 || program.UsesVectors)
            return null;
        var native = mismatch.Native;
        var before = mismatch.Before;
        if (native.Vector != MachineState.NoVector && !Exceptions.ContainsKey(native.Vector))
            return null;
        var instruction = program.Facts[0].Instruction;
        var undefined = UndefinedFlags.After(in instruction, Comparer.ShiftCount(in instruction, in before));
        var start = new List<string>();
        var end = new List<string>();
        for (var i = 0; i < (program.Program.Size == CodeSize.Bits64 ? 16 : 8); i++)
        {
            if (i != 4 || before.Registers[i] != DefaultStack)
                start.Add(string.Create(CultureInfo.InvariantCulture, $"{Register.RAX + i}={before.Registers[i]:x}"));
            if (native.Registers[i] != before.Registers[i])
                end.Add(string.Create(CultureInfo.InvariantCulture, $"{Register.RAX + i}={native.Registers[i]:x}"));
        }
        foreach (var (name, bit) in Flags)
        {
            if ((before.Flags & bit) != 0)
                start.Add(name + "=1");
            if ((undefined & bit) != 0)
                end.Add(name + "=?");
            else if (((before.Flags ^ native.Flags) & bit) != 0)
                end.Add(name + ((native.Flags & bit) != 0 ? "=1" : "=0"));
        }
        for (var at = 0; at < mismatch.Data.Length; at += 8)
        {
            var (was, now) = (BitConverter.ToUInt64(mismatch.Data, at), BitConverter.ToUInt64(mismatch.NativeData, at));
            if (was != 0)
                start.Add(string.Create(CultureInfo.InvariantCulture, $"m64[{Layout.Data + (ulong)at:x}]={was:x}"));
            if (was != now)
                end.Add(string.Create(CultureInfo.InvariantCulture, $"m64[{Layout.Data + (ulong)at:x}]={now:x}"));
        }
        if (start.Count > 40)
            return null;
        var prefix = program.Program.Size == CodeSize.Bits32 ? "32: " : "";
        var bytes = string.Join(' ', program.Program.Bytes.Select(static one => one.ToString("x2", CultureInfo.InvariantCulture)));
        var output = new StringOutput();
        new NasmFormatter().Format(instruction, output);
        var outcome = native.Vector == MachineState.NoVector ? string.Join(", ", end) : Exceptions[native.Vector];
        return $"[{prefix}{bytes}] \"{output.ToStringAndReset()}\" {string.Join(", ", start)} ⇒ {outcome}";
    }
}
