using System.Text;
using Emu.Cpu;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Emu.Fuzz.Cases;
using Iced.Intel;
using Decoder = Iced.Intel.Decoder;

namespace Emu.Fuzz.Running;

/// <summary>Machine state and code for a reader.</summary>
internal static unsafe class StateText
{
    private static readonly string[] Names =
        ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];

    /// <summary>Everything, one item to a line.</summary>
    public static string Describe(Vcpu vcpu, PhysicalMemory memory)
    {
        var s = vcpu.State;
        var text = new StringBuilder();
        for (var i = 0; i < 16; i++)
            text.Append($"{Names[i]}={s->Registers[i]:x}\n");
        text.Append($"rip={s->Rip:x}\nrflags={vcpu.RflagsImage:x}\ncpl={s->Cpl}\nretired={vcpu.InstructionsRetired}\n");
        text.Append($"cr0={s->Cr0:x}\ncr2={s->Cr2:x}\ncr3={s->Cr3:x}\ncr4={s->Cr4:x}\nefer={s->Efer:x}\nxcr0={s->Xcr0:x}\n");
        for (var i = 0; i < 8; i++)
            text.Append($"{(SegmentName)i}={Segment(s->Segments[i])}\n");
        for (var i = 0; i < 8; i++)
            text.Append($"dr{i}={s->DebugRegisters[i]:x}\n");
        text.Append($"gdtr={s->Gdtr.Base:x},{s->Gdtr.Limit:x}\nidtr={s->Idtr.Base:x},{s->Idtr.Limit:x}\nmxcsr={s->Mxcsr:x}\n");
        text.Append($"tsc offset={s->TimeStampOffset:x}\npending={s->Pending}\nshadowed={vcpu.IsInterruptShadowed}\n");
        text.Append($"x87={s->X87.Control:x},{s->X87.Status:x},{s->X87.Valid:x},{s->X87.LastInstruction:x},{s->X87.LastOperand:x}\n");
        for (var i = 0; i < 64; i++)
            text.Append($"ymm{i / 4}[{i % 4}]={s->Vectors[i]:x}\n");
        for (ulong page = 0; page < memory.Size; page += PhysicalMemory.PageSize)
        {
            var hash = 14695981039346656037UL;
            foreach (var value in new ReadOnlySpan<ulong>(memory.Host + page, PhysicalMemory.PageSize / 8))
                hash = (hash ^ value) * 1099511628211;
            text.Append($"page {page:x}={hash:x}\n");
        }
        return text.ToString();
    }

    /// <summary>What a case begins with.</summary>
    public static string Describe(GuestCase guest)
    {
        var text = new StringBuilder();
        text.Append($"mode {guest.Mode}, CPL {guest.Cpl}, {guest.Profile}, {guest.Vendor}, {guest.Level}, {guest.Vcpus} vCPUs, ");
        text.Append($"{guest.MemorySize >> 20} MiB{(guest.Rom.Length == 0 ? "" : ", from a ROM")}, {guest.Instructions} instructions, timer {guest.Heartbeat} {guest.Period}\n");
        for (var i = 0; i < 16; i++)
            text.Append($"{Names[i]}={guest.Registers[i]:x}{(i % 4 == 3 ? '\n' : ' ')}");
        text.Append($"rip={guest.Rip:x} rflags={guest.Rflags:x} cr0={guest.Cr0:x} cr3={guest.Cr3:x} cr4={guest.Cr4:x} efer={guest.Efer:x}\n");
        for (var i = 0; i < 8; i++)
            text.Append($"{(SegmentName)i}={Segment(guest.Segments[i])}{(i % 4 == 3 ? '\n' : ' ')}");
        text.Append($"gdtr={guest.Gdtr.Base:x},{guest.Gdtr.Limit:x} idtr={guest.Idtr.Base:x},{guest.Idtr.Limit:x}\n");
        return text.ToString();
    }

    /// <summary>The instruction at RIP, with the count before it, CPL and address.</summary>
    public static string Instruction(Vcpu vcpu)
    {
        var s = vcpu.State;
        var bitness = vcpu.Is64BitCode ? 64 : (vcpu.CodeMode & Cpu.Execution.CodeMode.Code32) != 0 ? 32 : 16;
        var linear = vcpu.Is64BitCode ? s->Rip : (uint)(s->Segments[(int)SegmentName.Cs].Base + s->Rip);
        var bytes = new byte[15];
        var length = 0;
        while (length < bytes.Length && vcpu.TryReadVirtual(linear + (ulong)length, bytes.AsSpan(length, 1)))
            length++;
        var who = vcpu.Number == 0 ? "" : $"vCPU {vcpu.Number}";
        var where = $"{who}{vcpu.InstructionsRetired,6} cpl {s->Cpl} {s->Segments[(int)SegmentName.Cs].Selector:x4}:{s->Rip:x}";
        if (length == 0)
            return $"{where}  (cannot be read)";
        var decoder = Decoder.Create(bitness, new ByteArrayCodeReader(bytes, 0, length), s->Rip);
        var instruction = decoder.Decode();
        return $"{where}  {Convert.ToHexStringLower(bytes.AsSpan(0, Math.Max(1, Math.Min(length, instruction.Length)))),-30}  {instruction}";
    }

    private static string Segment(in SegmentRegister segment) =>
        $"{segment.Selector:x}:{segment.Base:x},{segment.Limit:x},{(uint)segment.Attributes:x}";
}
