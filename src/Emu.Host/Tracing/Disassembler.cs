using System.Globalization;
using Emu.Cpu;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Host.Tracing;

/// <summary>Shows guest code as assembly text, in the syntax of the manuals.</summary>
public sealed unsafe class Disassembler
{
    private const int LongestInstruction = 15;

    private readonly IntelFormatter _formatter = new(new FormatterOptions
    {
        HexPrefix = "0x",
        HexSuffix = null,
        UppercaseHex = false,
        SpaceAfterOperandSeparator = true,
        RipRelativeAddresses = true,
        BranchLeadingZeros = false,
    });

    /// <summary>The bytes of an instruction and what they mean.</summary>
    /// <param name="vcpu">The processor in the mode that the code runs in.</param>
    /// <param name="rip">The instruction's offset in CS.</param>
    /// <returns>For instance "8b 03  mov eax, [rbx]", or why nothing can be shown.</returns>
    public string At(Vcpu vcpu, ulong rip)
    {
        ArgumentNullException.ThrowIfNull(vcpu);
        ulong linear = vcpu.Is64BitCode ? rip : (uint)(rip + vcpu.State->Segments[(int)SegmentName.Cs].Base);
        Span<byte> bytes = stackalloc byte[LongestInstruction];
        int available = GuestMemoryView.ReadLinear(vcpu, linear, bytes);
        if (available == 0)
            return "(no memory can be fetched there)";
        return Decode(bytes[..available], rip, CodeWidth(vcpu));
    }

    private static int CodeWidth(Vcpu vcpu) =>
        vcpu.Is64BitCode ? 64 : (vcpu.State->Segments[(int)SegmentName.Cs].Attributes & SegmentAttributes.Default32) != 0 ? 32 : 16;

    private string Decode(ReadOnlySpan<byte> bytes, ulong rip, int width)
    {
        Decoder decoder = Decoder.Create(width, new ByteArrayCodeReader(bytes.ToArray()), rip, DecoderOptions.None);
        decoder.Decode(out Instruction instruction);
        int length = instruction.IsInvalid ? Math.Min(bytes.Length, 4) : instruction.Length;
        string hex = string.Join(' ', bytes[..length].ToArray().Select(static value => value.ToString("x2", CultureInfo.InvariantCulture)));
        if (instruction.IsInvalid)
            return $"{hex,-24}  (no instruction)";
        StringOutput output = new();
        _formatter.Format(instruction, output);
        return $"{hex,-24}  {output.ToStringAndReset()}";
    }
}
