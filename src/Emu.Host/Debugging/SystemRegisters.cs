using Emu.Cpu;
using Emu.Cpu.State;

namespace Emu.Host.Debugging;

/// <summary>Control registers, hidden parts of segments, descriptor tables and what else gdb has no names of its own for.</summary>
/// <remarks>Where QEMU's server has a name, this has the same one, so that people's scripts work with both.</remarks>
internal static unsafe class SystemRegisters
{
    private const string Group = "system";

    /// <summary>Adds the bases that 64-bit code has: gdb's feature 'segments'.</summary>
    /// <param name="registers">Where they go.</param>
    public static void AddBases(List<GuestRegister> registers)
    {
        registers.Add(Base("fs_base", SegmentName.Fs, null));
        registers.Add(Base("gs_base", SegmentName.Gs, null));
    }

    /// <summary>Adds all others.</summary>
    /// <param name="registers">Where they go.</param>
    public static void Add(List<GuestRegister> registers)
    {
        registers.Add(Plain("k_gs_base", static vcpu => vcpu.State->Msr.KernelGsBase, static (vcpu, value) => vcpu.State->Msr.KernelGsBase = value));
        registers.Add(Control("cr0", "x64_cr0", static vcpu => vcpu.State->Cr0, static (vcpu, value) => vcpu.State->Cr0 = value));
        registers.Add(Plain("cr2", static vcpu => vcpu.State->Cr2, static (vcpu, value) => vcpu.State->Cr2 = value));
        registers.Add(Control("cr3", "uint64", static vcpu => vcpu.State->Cr3, static (vcpu, value) => vcpu.State->Cr3 = value));
        registers.Add(Control("cr4", "x64_cr4", static vcpu => vcpu.State->Cr4, static (vcpu, value) => vcpu.State->Cr4 = value));
        registers.Add(RegisterSet.Number("cr8", 64, "uint64", Group, static vcpu => vcpu.Interrupts.TaskPriorityClass, static (vcpu, value) =>
        {
            if (value > 15)
                return false;
            vcpu.Interrupts.TaskPriorityClass = (byte)value;
            return true;
        }));
        registers.Add(Control("efer", "x64_efer", static vcpu => vcpu.State->Efer, static (vcpu, value) => vcpu.State->Efer = value));
        registers.Add(Control("xcr0", "uint64", static vcpu => vcpu.State->Xcr0, static (vcpu, value) => vcpu.State->Xcr0 = value));
        registers.Add(Control("pkru", "uint64", static vcpu => vcpu.State->Pkru, static (vcpu, value) => vcpu.State->Pkru = (uint)value));
        foreach (int number in (ReadOnlySpan<int>)[0, 1, 2, 3, 6, 7])
        {
            registers.Add(Control($"dr{number}", "uint64", vcpu => vcpu.State->DebugRegisters[number],
                (vcpu, value) => vcpu.State->DebugRegisters[number] = value));
        }

        registers.Add(Base("cs_base", SegmentName.Cs, Group));
        registers.Add(Base("ss_base", SegmentName.Ss, Group));
        registers.Add(Base("ds_base", SegmentName.Ds, Group));
        registers.Add(Base("es_base", SegmentName.Es, Group));
        registers.Add(Plain("gdt_base", static vcpu => vcpu.State->Gdtr.Base, static (vcpu, value) => vcpu.State->Gdtr.Base = value));
        registers.Add(Plain("gdt_limit", static vcpu => vcpu.State->Gdtr.Limit, static (vcpu, value) => vcpu.State->Gdtr.Limit = (ushort)value));
        registers.Add(Plain("idt_base", static vcpu => vcpu.State->Idtr.Base, static (vcpu, value) => vcpu.State->Idtr.Base = value));
        registers.Add(Plain("idt_limit", static vcpu => vcpu.State->Idtr.Limit, static (vcpu, value) => vcpu.State->Idtr.Limit = (ushort)value));
        registers.Add(ReadOnly("ldtr", static vcpu => vcpu.State->Segments[(int)SegmentName.Ldtr].Selector));
        registers.Add(ReadOnly("ldt_base", static vcpu => vcpu.State->Segments[(int)SegmentName.Ldtr].Base));
        registers.Add(ReadOnly("tr", static vcpu => vcpu.State->Segments[(int)SegmentName.Tr].Selector));
        registers.Add(ReadOnly("tss_base", static vcpu => vcpu.State->Segments[(int)SegmentName.Tr].Base));
        registers.Add(ReadOnly("cpl", static vcpu => vcpu.State->Cpl));
        registers.Add(ReadOnly("code_bits", static vcpu => CodeBits(vcpu)));
        registers.Add(ReadOnly("retired", static vcpu => vcpu.InstructionsRetired));
    }

    /// <summary>The width of the code that a processor is about to execute.</summary>
    /// <param name="vcpu">A processor between two runs.</param>
    /// <returns>16, 32 or 64.</returns>
    public static uint CodeBits(Vcpu vcpu) =>
        vcpu.Is64BitCode ? 64u : (vcpu.State->Segments[(int)SegmentName.Cs].Attributes & SegmentAttributes.Default32) != 0 ? 32u : 16u;

    /// <summary>Replaces RFLAGS.</summary>
    /// <param name="vcpu">A processor between two runs.</param>
    /// <param name="value">The new value.</param>
    /// <returns>True.</returns>
    public static bool SetFlags(Vcpu vcpu, ulong value)
    {
        ulong changed = vcpu.RflagsImage ^ value;
        if ((changed & ~Rflags.Arithmetic) == 0)
        {
            vcpu.State->Flags.SetFrom(value);
            return true;
        }

        vcpu.SetRflags(value);
        vcpu.StateChanged();
        return true;
    }

    /// <summary>Loads a segment register as an instruction would, without its checks.</summary>
    /// <param name="vcpu">A processor between two runs.</param>
    /// <param name="segment">One of the six.</param>
    /// <param name="value">The selector.</param>
    /// <returns>False where no descriptor can be read for it.</returns>
    public static bool LoadSegment(Vcpu vcpu, SegmentName segment, ulong value)
    {
        ref SegmentRegister register = ref vcpu.State->Segments[(int)segment];
        if (value > 0xFFFF)
            return false;
        if (value == register.Selector)
            return true;
        ushort selector = (ushort)value;
        if (!vcpu.IsProtected)
        {
            register.Selector = selector;
            register.Base = value << 4;
        }
        else if ((value & ~3UL) == 0)
        {
            if (segment == SegmentName.Cs)
                return false;
            register = new SegmentRegister { Selector = selector };
        }
        else if (SegmentDescriptor.TryRead(vcpu, selector, out SegmentDescriptor descriptor))
        {
            register = new SegmentRegister { Selector = selector, Base = descriptor.Base, Limit = descriptor.Limit, Attributes = descriptor.Attributes };
        }
        else
        {
            return false;
        }

        vcpu.StateChanged();
        return true;
    }

    private static GuestRegister Plain(string name, Func<Vcpu, ulong> read, Action<Vcpu, ulong> write) =>
        RegisterSet.Number(name, 64, "uint64", Group, read, (vcpu, value) =>
        {
            write(vcpu, value);
            return true;
        });

    private static GuestRegister ReadOnly(string name, Func<Vcpu, ulong> read) => RegisterSet.Number(name, 64, "uint64", Group, read, null);

    // Whatever changes what addresses, privilege or breakpoints mean starts the processor's caches anew.
    private static GuestRegister Control(string name, string type, Func<Vcpu, ulong> read, Action<Vcpu, ulong> write) =>
        RegisterSet.Number(name, 64, type, Group, read, (vcpu, value) =>
        {
            if (value == read(vcpu))
                return true;
            write(vcpu, value);
            vcpu.StateChanged();
            return true;
        });

    private static GuestRegister Base(string name, SegmentName segment, string? group) =>
        RegisterSet.Number(name, 64, group is null ? "int" : "uint64", group, vcpu => vcpu.State->Segments[(int)segment].Base, (vcpu, value) =>
        {
            ref SegmentRegister register = ref vcpu.State->Segments[(int)segment];
            if (register.Base == value)
                return true;
            register.Base = value;
            vcpu.StateChanged();
            return true;
        });
}
