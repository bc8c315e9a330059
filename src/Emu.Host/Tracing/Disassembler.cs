using System.Globalization;
using System.Text;
using Emu.Cpu;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Host.Tracing;

/// <summary>Shows guest code as assembly text, in the syntax of the manuals.</summary>
public sealed unsafe class Disassembler
{
    private const int LongestInstruction = 15;

    private readonly StringOutput _output = new();
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
    public string At(Vcpu vcpu, ulong rip) => At(vcpu, rip, out _);

    /// <summary>The bytes of an instruction and what they mean.</summary>
    /// <param name="vcpu">The processor in the mode that the code runs in.</param>
    /// <param name="rip">The instruction's offset in CS.</param>
    /// <param name="length">How many bytes are shown; 0 where nothing can be.</param>
    /// <returns>For instance "8b 03  mov eax, [rbx]", or why nothing can be shown.</returns>
    public string At(Vcpu vcpu, ulong rip, out int length)
    {
        Span<byte> bytes = stackalloc byte[LongestInstruction];
        string text = Decode(vcpu, rip, bytes, out length);
        StringBuilder hex = new();
        foreach (byte value in bytes[..length])
            hex.Append(CultureInfo.InvariantCulture, $"{value:x2} ");
        return $"{hex,-25} {text}";
    }

    /// <summary>What an instruction means, without its bytes.</summary>
    /// <param name="vcpu">The processor in the mode that the code runs in.</param>
    /// <param name="rip">The instruction's offset in CS.</param>
    /// <returns>For instance "mov eax, [rbx]", or why nothing can be shown.</returns>
    public string TextAt(Vcpu vcpu, ulong rip)
    {
        Span<byte> bytes = stackalloc byte[LongestInstruction];
        return Decode(vcpu, rip, bytes, out _);
    }

    /// <summary>What an instruction means that ran in another mode than the processor's present one.</summary>
    /// <param name="vcpu">The processor.</param>
    /// <param name="linear">The instruction's linear address.</param>
    /// <param name="rip">Its offset in CS.</param>
    /// <param name="width">16, 32 or 64: the width of that code.</param>
    /// <returns>For instance "mov eax, [rbx]", or why nothing can be shown.</returns>
    public string TextAt(Vcpu vcpu, ulong linear, ulong rip, int width)
    {
        ArgumentNullException.ThrowIfNull(vcpu);
        Span<byte> bytes = stackalloc byte[LongestInstruction];
        return Decode(vcpu, linear, rip, width, bytes, out _);
    }

    private string Decode(Vcpu vcpu, ulong rip, Span<byte> bytes, out int length)
    {
        ArgumentNullException.ThrowIfNull(vcpu);
        ulong linear = vcpu.Is64BitCode ? rip : (uint)(rip + vcpu.State->Segments[(int)SegmentName.Cs].Base);
        return Decode(vcpu, linear, rip, CodeWidth(vcpu), bytes, out length);
    }

    private string Decode(Vcpu vcpu, ulong linear, ulong rip, int width, Span<byte> bytes, out int length)
    {
        int available = GuestMemoryView.ReadLinear(vcpu, linear, bytes);
        length = 0;
        if (available == 0)
            return "(no memory can be fetched there)";
        var decoder = Iced.Intel.Decoder.Create(width, new ByteArrayCodeReader(bytes[..available].ToArray()), rip, DecoderOptions.None);
        decoder.Decode(out Instruction instruction);
        length = instruction.IsInvalid ? Math.Min(available, 4) : instruction.Length;
        if (instruction.IsInvalid)
            return "(no instruction)";
        _formatter.Format(instruction, _output);
        return _output.ToStringAndReset();
    }

    private static int CodeWidth(Vcpu vcpu) =>
        vcpu.Is64BitCode ? 64 : (vcpu.State->Segments[(int)SegmentName.Cs].Attributes & SegmentAttributes.Default32) != 0 ? 32 : 16;
}
