using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Emu.Cpu.State;
using Emu.Host.PostMortem;

namespace Emu.Host.Debugging;

// Descriptor tables and the task-state segment (SDM Vol. 3, chapters 3, 6 and 7).
internal sealed partial class Monitor
{
    private static readonly string[] SystemTypes =
    [
        "type 0", "16-bit TSS", "LDT", "busy 16-bit TSS", "16-bit call gate", "task gate", "16-bit interrupt gate", "16-bit trap gate",
        "type 8", "TSS", "type 10", "busy TSS", "call gate", "type 13", "interrupt gate", "trap gate",
    ];

    private unsafe string Descriptors(bool isLocal)
    {
        CpuState* state = Vcpu.State;
        ref SegmentRegister local = ref state->Segments[(int)SegmentName.Ldtr];
        if (isLocal && ((local.Attributes & SegmentAttributes.Present) == 0 || (local.Selector & ~7) == 0))
            return "There is none.\n";
        ulong start = isLocal ? local.Base : state->Gdtr.Base;
        uint limit = isLocal ? local.Limit : state->Gdtr.Limit;
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"at 0x{start:x}, limit 0x{limit:x}\n");
        for (uint offset = 0; offset + 7 <= Math.Min(limit, 0xFFFF); offset += 8)
        {
            if (!SegmentDescriptor.TryReadAt(Vcpu, start + offset, out SegmentDescriptor descriptor))
            {
                text.Append(CultureInfo.InvariantCulture, $"{offset:x4}  not mapped\n");
                break;
            }

            if (descriptor.Low == 0)
                continue;
            text.Append(CultureInfo.InvariantCulture, $"{offset | (isLocal ? 4u : 0):x4}  {Describe(descriptor)}\n");
            bool isWide = !descriptor.IsCodeOrData && (state->Efer & Efer.Lma) != 0;
            offset += isWide ? 8u : 0;
        }

        return text.ToString();
    }

    private unsafe string InterruptTable()
    {
        CpuState* state = Vcpu.State;
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"at 0x{state->Idtr.Base:x}, limit 0x{state->Idtr.Limit:x}\n");
        bool isReal = (state->Cr0 & Cr0.Pe) == 0;
        Span<byte> bytes = stackalloc byte[4];
        uint size = isReal ? 4u : (state->Efer & Efer.Lma) != 0 ? 16u : 8u;
        for (uint vector = 0; vector < 256 && ((vector + 1) * size) - 1 <= state->Idtr.Limit; vector++)
        {
            ulong address = state->Idtr.Base + (vector * size);
            string name = vector < 32 ? ExceptionText.Name((byte)vector) : "";
            if (isReal)
            {
                if (_session.Control.Memory.Read(Vcpu, address, isPhysical: false, bytes) != 4)
                    break;
                text.Append(CultureInfo.InvariantCulture, $"{vector:x2} {name,-4} {BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]):x4}:{BinaryPrimitives.ReadUInt16LittleEndian(bytes):x4}\n");
                continue;
            }

            if (!SegmentDescriptor.TryReadAt(Vcpu, address, out SegmentDescriptor gate, isGate: true))
            {
                text.Append(CultureInfo.InvariantCulture, $"{vector:x2}  not mapped\n");
                break;
            }

            if (gate.Low != 0)
                text.Append(CultureInfo.InvariantCulture, $"{vector:x2} {name,-4} {Describe(gate)}\n");
        }

        return text.ToString();
    }

    private string Describe(SegmentDescriptor descriptor)
    {
        string rights = string.Create(CultureInfo.InvariantCulture, $", DPL {descriptor.Privilege}{(descriptor.IsPresent ? "" : ", not present")}");
        SegmentAttributes attributes = descriptor.Attributes;
        if (!descriptor.IsCodeOrData)
        {
            string type = SystemTypes[descriptor.Type];
            // Types 4 to 7, 12, 14 and 15 are gates.
            if ((descriptor.Type & 4) == 0)
                return string.Create(CultureInfo.InvariantCulture, $"{type} at 0x{descriptor.Base:x}, limit 0x{descriptor.Limit:x}{rights}");
            if (descriptor.Type == 5)
                return string.Create(CultureInfo.InvariantCulture, $"{type} to {descriptor.Selector:x4}{rights}");
            string stack = descriptor.InterruptStack != 0 && Vcpu.Is64BitCode ? $", IST {descriptor.InterruptStack}" : "";
            return string.Create(CultureInfo.InvariantCulture, $"{type} to {descriptor.Selector:x4}:{Named(descriptor.Offset)}{stack}{rights}");
        }

        bool isCode = (attributes & SegmentAttributes.Code) != 0;
        string width = isCode && (attributes & SegmentAttributes.Long) != 0 ? "64-bit" : (attributes & SegmentAttributes.Default32) != 0 ? "32-bit" : "16-bit";
        string access = (isCode, (attributes & SegmentAttributes.WritableOrReadable) != 0) switch
        {
            (true, true) => "readable",
            (true, false) => "execute-only",
            (false, true) => "writable",
            _ => "read-only",
        };
        string growth = (attributes & SegmentAttributes.ExpandDownOrConforming) == 0 ? "" : isCode ? ", conforming" : ", expand-down";
        return string.Create(CultureInfo.InvariantCulture, $"{width} {(isCode ? "code" : "data")} at 0x{descriptor.Base:x}, limit 0x{descriptor.Limit:x}, {access}{growth}{rights}");
    }

    // 64-bit: RSP0–2 at 4, IST1–7 at 36, I/O map at 102. 32-bit: ESP0, SS0 … at 4, CR3 at 28, I/O map at 102.
    private unsafe string TaskState()
    {
        ref SegmentRegister task = ref Vcpu.State->Segments[(int)SegmentName.Tr];
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"{task.Selector:x4} at 0x{task.Base:x}, limit 0x{task.Limit:x}\n");
        Span<byte> bytes = stackalloc byte[104];
        if ((task.Attributes & SegmentAttributes.Present) == 0 || task.Limit < 103
            || _session.Control.Memory.Read(Vcpu, task.Base, isPhysical: false, bytes) != bytes.Length)
        {
            return text.Append("It cannot be read, or is too short for a TSS of 32 or 64 bits.\n").ToString();
        }

        bool isWide = (Vcpu.State->Efer & Efer.Lma) != 0;
        for (int ring = 0; ring < 3; ring++)
        {
            if (isWide)
                text.Append(CultureInfo.InvariantCulture, $"RSP{ring} 0x{BinaryPrimitives.ReadUInt64LittleEndian(bytes[(4 + (ring * 8))..]):x}\n");
            else
                text.Append(CultureInfo.InvariantCulture, $"SS{ring}:ESP{ring} {BinaryPrimitives.ReadUInt16LittleEndian(bytes[(8 + (ring * 8))..]):x4}:{BinaryPrimitives.ReadUInt32LittleEndian(bytes[(4 + (ring * 8))..]):x8}\n");
        }

        for (int entry = 1; isWide && entry < 8; entry++)
            text.Append(CultureInfo.InvariantCulture, $"IST{entry} 0x{BinaryPrimitives.ReadUInt64LittleEndian(bytes[(28 + (entry * 8))..]):x}\n");
        text.Append(CultureInfo.InvariantCulture, $"I/O map at 0x{BinaryPrimitives.ReadUInt16LittleEndian(bytes[102..]):x}\n");
        return text.ToString();
    }
}
