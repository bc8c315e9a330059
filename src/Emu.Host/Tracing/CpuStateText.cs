using System.Globalization;
using System.Text;
using Emu.Cpu;
using Emu.Cpu.State;

namespace Emu.Host.Tracing;

/// <summary>A processor's state as text: in one line for traces, in full for dumps. Fields have the order and names that QEMU's <c>-d cpu</c> gives them.</summary>
public static unsafe class CpuStateText
{
    private static readonly string[] Registers =
        ["RAX", "RBX", "RCX", "RDX", "RSI", "RDI", "RBP", "RSP", "R8 ", "R9 ", "R10", "R11", "R12", "R13", "R14", "R15"];

    /// <summary>The encoding numbers of <see cref="Registers"/>.</summary>
    private static ReadOnlySpan<byte> Encodings => [0, 3, 1, 2, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15];

    private static readonly (string Name, SegmentName Segment)[] Segments =
    [
        ("ES ", SegmentName.Es), ("CS ", SegmentName.Cs), ("SS ", SegmentName.Ss), ("DS ", SegmentName.Ds),
        ("FS ", SegmentName.Fs), ("GS ", SegmentName.Gs), ("LDT", SegmentName.Ldtr), ("TR ", SegmentName.Tr),
    ];

    /// <summary>The names of a line's columns.</summary>
    public const string LineHeader = "# count cs:rip rflags rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 ; instruction (hexadecimal but the count; the state is that before the instruction)";

    /// <summary>RFLAGS with its arithmetic flags worked out.</summary>
    /// <param name="vcpu">A processor between two runs.</param>
    /// <returns>The register.</returns>
    public static ulong Rflags(Vcpu vcpu)
    {
        ArgumentNullException.ThrowIfNull(vcpu);
        return vcpu.RflagsImage;
    }

    /// <summary>Appends one line without its end: count, the processor where there are several, CS:RIP, RFLAGS, the sixteen registers.</summary>
    /// <param name="text">Where it goes.</param>
    /// <param name="vcpu">A processor between two runs.</param>
    /// <param name="count">How many instructions the machine has retired.</param>
    public static void AppendLine(StringBuilder text, Vcpu vcpu, ulong count)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(vcpu);
        CpuState* state = vcpu.State;
        text.Append(CultureInfo.InvariantCulture, $"{count} {Name(vcpu)}{state->Segments[(int)SegmentName.Cs].Selector:x4}:");
        text.Append(CultureInfo.InvariantCulture, $"{state->Rip:x16} {Rflags(vcpu):x8}");
        foreach (byte encoding in Encodings)
            text.Append(CultureInfo.InvariantCulture, $" {state->Registers[encoding]:x16}");
    }

    /// <summary>The processor's name and a blank in a line of a trace; nothing where the machine has one processor.</summary>
    /// <param name="vcpu">The processor.</param>
    /// <returns>For instance "cpu2 ".</returns>
    internal static string Name(Vcpu vcpu) => vcpu.Model.Processors == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $"cpu{vcpu.Number} ");

    /// <summary>The whole state but vector registers, in several lines.</summary>
    /// <param name="vcpu">A processor between two runs.</param>
    /// <returns>Lines, each ended.</returns>
    public static string Dump(Vcpu vcpu)
    {
        ArgumentNullException.ThrowIfNull(vcpu);
        CpuState* state = vcpu.State;
        StringBuilder text = new();
        for (int i = 0; i < Registers.Length; i++)
            text.Append(CultureInfo.InvariantCulture, $"{Registers[i]}={state->Registers[Encodings[i]]:x16}{(i % 4 == 3 ? '\n' : ' ')}");
        ulong flags = Rflags(vcpu);
        text.Append(CultureInfo.InvariantCulture, $"RIP={state->Rip:x16} RFL={flags:x8} [{FlagLetters(flags)}] CPL={state->Cpl} {Mode(vcpu)}");
        text.Append(vcpu.IsHalted ? " halted\n" : "\n");
        foreach ((string name, SegmentName segment) in Segments)
        {
            ref SegmentRegister register = ref state->Segments[(int)segment];
            text.Append(
                CultureInfo.InvariantCulture,
                $"{name}={register.Selector:x4} {register.Base:x16} {register.Limit:x8} {(ushort)register.Attributes:x4} {Describe(register.Attributes)}\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"GDT=     {state->Gdtr.Base:x16} {state->Gdtr.Limit:x8}\n");
        text.Append(CultureInfo.InvariantCulture, $"IDT=     {state->Idtr.Base:x16} {state->Idtr.Limit:x8}\n");
        text.Append(CultureInfo.InvariantCulture, $"CR0={state->Cr0:x8} CR2={state->Cr2:x16} CR3={state->Cr3:x16} CR4={state->Cr4:x8}\n");
        text.Append(CultureInfo.InvariantCulture, $"DR0={state->DebugRegisters[0]:x16} DR1={state->DebugRegisters[1]:x16} DR2={state->DebugRegisters[2]:x16} DR3={state->DebugRegisters[3]:x16}\n");
        text.Append(CultureInfo.InvariantCulture, $"DR6={state->DebugRegisters[6]:x8} DR7={state->DebugRegisters[7]:x8} EFER={state->Efer:x4} MXCSR={state->Mxcsr:x4}\n");
        return text.ToString();
    }

    /// <summary>The mode that code runs in, in words.</summary>
    /// <param name="vcpu">A processor between two runs.</param>
    /// <returns>For instance "64-bit".</returns>
    public static string Mode(Vcpu vcpu)
    {
        ArgumentNullException.ThrowIfNull(vcpu);
        CpuState* state = vcpu.State;
        if (vcpu.Is64BitCode)
            return "64-bit mode";
        bool is32Bit = (state->Segments[(int)SegmentName.Cs].Attributes & SegmentAttributes.Default32) != 0;
        if ((state->Cr0 & Cr0.Pe) == 0)
            return "real mode";
        if ((state->SystemFlags & Cpu.State.Rflags.Virtual8086) != 0)
            return "virtual-8086 mode";
        string width = is32Bit ? "32-bit" : "16-bit";
        return (state->Efer & Efer.Lma) != 0 ? $"{width} compatibility mode" : $"{width} protected mode";
    }

    private static string FlagLetters(ulong flags)
    {
        const string letters = "ODITSZAPC";
        ReadOnlySpan<int> bits = [11, 10, 9, 8, 7, 6, 4, 2, 0];
        Span<char> text = stackalloc char[bits.Length];
        for (int i = 0; i < bits.Length; i++)
            text[i] = (flags >> bits[i] & 1) != 0 ? letters[i] : '-';
        return new string(text);
    }

    private static string Describe(SegmentAttributes attributes)
    {
        if ((attributes & SegmentAttributes.Present) == 0)
            return "unusable";
        int privilege = (int)attributes >> 5 & 3;
        int type = (int)attributes & 15;
        if ((attributes & SegmentAttributes.CodeOrData) == 0)
            return $"system type {type}, DPL {privilege}";
        bool isCode = (attributes & SegmentAttributes.Code) != 0;
        string width = isCode && (attributes & SegmentAttributes.Long) != 0 ? "64-bit"
            : (attributes & SegmentAttributes.Default32) != 0 ? "32-bit" : "16-bit";
        return $"{width} {(isCode ? "code" : "data")}, DPL {privilege}";
    }
}
