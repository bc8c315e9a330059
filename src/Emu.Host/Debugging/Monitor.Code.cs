using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Emu.Cpu;
using Emu.Cpu.State;
using Emu.Host.Tracing;

namespace Emu.Host.Debugging;

// Code as the processor sees it, in every mode.
internal sealed partial class Monitor
{
    private const int MostLines = 1000, MostFrames = 64;

    private readonly Disassembler _disassembler = new();

    private string Disassemble(string[] words)
    {
        ulong address = RegisterSet.LinearRip(Vcpu);
        int count = 8;
        if (words.Length > 0 && !TryAddress(words[0], out address))
            return NoAddress(words[0]);
        if (words.Length > 1 && (!int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out count) || count > MostLines))
            return $"'{words[1]}' is no number of instructions up to {MostLines}.\n";
        StringBuilder text = new();
        for (; count > 0; count--)
        {
            // The disassembler takes an offset in CS.
            ulong offset = Vcpu.Is64BitCode ? address : (uint)(address - CodeBase(Vcpu));
            string shown = _disassembler.At(Vcpu, offset, out int length);
            text.Append(CultureInfo.InvariantCulture, $"{(address == RegisterSet.LinearRip(Vcpu) ? "=>" : "  ")} {Named(address)}: {shown}\n");
            if (length == 0)
                break;
            address += (uint)length;
        }

        return text.ToString();
    }

    // 64-bit: [rbp] is the caller's rbp, [rbp+8] the return address; 32 and 16 bits likewise, in SS.
    private unsafe string Backtrace()
    {
        int width = (int)SystemRegisters.CodeBits(Vcpu) / 8;
        ulong mask = width == 8 ? ulong.MaxValue : (1UL << (width * 8)) - 1;
        ulong stack = width == 8 ? 0 : Vcpu.State->Segments[(int)SegmentName.Ss].Base;
        ulong code = width == 8 ? 0 : CodeBase(Vcpu);
        ulong frame = Vcpu.State->Registers[5] & mask;
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"#0  {Named(RegisterSet.LinearRip(Vcpu))}\n");
        Span<byte> bytes = stackalloc byte[16];
        for (int number = 1; number < MostFrames; number++)
        {
            bytes.Clear();
            if (_session.Control.Memory.Read(Vcpu, stack + frame, isPhysical: false, bytes[..(2 * width)]) != 2 * width)
                break;
            ulong caller = Word(bytes), returnAddress = Word(bytes[width..]);
            if (returnAddress == 0)
                break;
            text.Append(CultureInfo.InvariantCulture, $"#{number,-2} {Named(code + returnAddress)}\n");
            // Stacks grow downwards: a caller's frame lies above.
            if (caller <= frame)
                break;
            frame = caller;
        }

        return text.ToString();

        ulong Word(ReadOnlySpan<byte> from) => BinaryPrimitives.ReadUInt64LittleEndian(from) & mask;
    }

    private string Symbol(string[] words)
    {
        if (Symbols.Table.TryFind(words[0], out ulong address))
            return string.Create(CultureInfo.InvariantCulture, $"{words[0]} is 0x{address:x}\n");
        if (!TryAddress(words[0], out address))
            return NoAddress(words[0]);
        return Symbols.Describe(address) is { } name
            ? string.Create(CultureInfo.InvariantCulture, $"0x{address:x} is {name}\n")
            : string.Create(CultureInfo.InvariantCulture, $"0x{address:x} has no name.\n");
    }

    private static unsafe ulong CodeBase(Vcpu vcpu) => vcpu.State->Segments[(int)SegmentName.Cs].Base;
}
