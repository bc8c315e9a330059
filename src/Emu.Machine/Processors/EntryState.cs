using Emu.Cpu;
using Emu.Cpu.State;
using Emu.Pvh;

namespace Emu.Machine.Processors;

/// <summary>Puts a vCPU into the state that the boot ABI's data describe.</summary>
internal static unsafe class EntryState
{
    private const int Rax = 0, Rcx = 1, Rdx = 2, Rbx = 3, Rsp = 4, Rbp = 5, Rsi = 6, Rdi = 7;
    private const int BreakpointCount = 4;
    private const int VectorLanes = 16 * 4;

    public static void Apply(Vcpu vcpu, InitialCpuState entry)
    {
        var state = vcpu.State;
        new Span<ulong>(state->Registers, 16).Clear();
        state->Registers[Rax] = entry.Eax;
        state->Registers[Rcx] = entry.Ecx;
        state->Registers[Rdx] = entry.Edx;
        state->Registers[Rbx] = entry.Ebx;
        state->Registers[Rsp] = entry.Esp;
        state->Registers[Rbp] = entry.Ebp;
        state->Registers[Rsi] = entry.Esi;
        state->Registers[Rdi] = entry.Edi;
        state->Rip = entry.Eip;
        state->Flags.SetFrom(entry.Eflags);
        state->SystemFlags = (entry.Eflags & ~Rflags.Arithmetic) | Rflags.AlwaysSet;
        state->Cpl = 0;
        state->Cr0 = entry.Cr0;
        state->Cr2 = entry.Cr2;
        state->Cr3 = entry.Cr3;
        state->Cr4 = entry.Cr4;
        state->Efer = entry.Efer;
        Load(state, SegmentName.Cs, entry.Cs);
        Load(state, SegmentName.Ds, entry.Ds);
        Load(state, SegmentName.Es, entry.Es);
        Load(state, SegmentName.Ss, entry.Ss);
        Load(state, SegmentName.Fs, entry.Fs);
        Load(state, SegmentName.Gs, entry.Gs);
        Load(state, SegmentName.Ldtr, entry.Ldtr);
        Load(state, SegmentName.Tr, entry.Tr);
        state->Gdtr = new DescriptorTableRegister { Base = entry.Gdtr.Base, Limit = entry.Gdtr.Limit };
        state->Idtr = new DescriptorTableRegister { Base = entry.Idtr.Base, Limit = entry.Idtr.Limit };
        for (var i = 0; i < BreakpointCount; i++)
            state->DebugRegisters[i] = entry.BreakpointAddresses;
        state->DebugRegisters[6] = entry.Dr6;
        state->DebugRegisters[7] = entry.Dr7;
        LoadFloatingPoint(state, entry);
        vcpu.StateChanged();
    }

    private static void Load(CpuState* state, SegmentName name, SegmentState segment) => state->Segments[(int)name] = new SegmentRegister
    {
        Base = segment.Base,
        Limit = segment.Limit,
        Selector = segment.Selector,
        Attributes = (SegmentAttributes)segment.Attributes,
    };

    private static void LoadFloatingPoint(CpuState* state, InitialCpuState entry)
    {
        state->X87 = new X87State { Control = entry.FpuControlWord };
        for (var i = 0; i < 16; i += 2)
        {
            state->X87.Registers[i] = entry.RegisterFill;
            state->X87.Registers[i + 1] = (ushort)entry.RegisterFill;
        }

        state->Mxcsr = entry.Mxcsr;
        new Span<ulong>(state->Vectors, VectorLanes).Fill(entry.RegisterFill);
    }
}
