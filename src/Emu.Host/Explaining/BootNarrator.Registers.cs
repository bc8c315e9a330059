using System.Globalization;
using Emu.Cpu;
using Emu.Cpu.Platform;
using Emu.Cpu.State;
using Emu.Host.Tracing;

namespace Emu.Host.Explaining;

// Control registers, model-specific registers and descriptor tables.
internal sealed unsafe partial class BootNarrator
{
    /// <summary>How many address spaces are looked at: a kernel makes one for each process.</summary>
    private const int MostAddressSpaces = 4;

    /// <summary>How many GDTs, IDTs and so on of each vCPU are told.</summary>
    private const int MostTables = 6;

    private readonly Dictionary<(int Vcpu, SystemTable Table), int> _tables = [];
    private ulong _addressSpaceWrites;
    private ulong _modelSpecificWrites;
    private int _addressSpaces;

    /// <inheritdoc/>
    public void ControlRegisterWritten(Vcpu vcpu, ControlRegister register, ulong before)
    {
        CpuState* state = vcpu.State;
        switch (register)
        {
            case ControlRegister.Cr3:
                NoteAddressSpace(vcpu, before);
                break;
            case ControlRegister.Cr0 when ((before ^ state->Cr0) & ~Cr0.Ts) != 0:
                if (ShallTell(vcpu, register, before, state->Cr0))
                    TellCr0(vcpu, before, state->Cr0);
                break;
            case ControlRegister.Cr4 when before != state->Cr4:
                if (ShallTell(vcpu, register, before, state->Cr4))
                    TellBits(vcpu, register, before, state->Cr4, _manual.ControlRegisters);
                break;
            case ControlRegister.Efer when before != state->Efer:
                if (ShallTell(vcpu, register, before, state->Efer))
                    TellBits(vcpu, register, before, state->Efer, ((before ^ state->Efer) & Efer.Lme) != 0 ? _manual.LongMode : _manual.Efer);
                break;
            case ControlRegister.Xcr0 when before != state->Xcr0:
                if (ShallTell(vcpu, register, before, state->Xcr0))
                    TellBits(vcpu, register, before, state->Xcr0, _manual.ExtendedControl);
                break;
        }
    }

    /// <inheritdoc/>
    public void ModelSpecificRegisterWritten(Vcpu vcpu, uint register, ulong value)
    {
        _modelSpecificWrites++;
        if (LocalApicNarrator.RegisterOf(register) is { } apic)
        {
            _localApic.Written(vcpu, apic, value, isX2Apic: true);
            return;
        }

        if (!IsFollowed(vcpu) || Describe(register, value) is not var (title, text, manual) || !IsFirst("msr", register))
            return;
        Tell(
            new Milestone
            {
                Kind = register is >= 0x4000_0000 and <= 0x4000_FFFF ? MilestoneKind.Hypervisor : MilestoneKind.Register,
                Title = title,
                Text = text,
                Manual = manual,
                Facts = [new Fact($"MSR {Hex(register)}", Place(value))],
            },
            vcpu,
            vcpu.State->Rip);
    }

    /// <inheritdoc/>
    public void TableLoaded(Vcpu vcpu, SystemTable table)
    {
        CpuState* state = vcpu.State;
        (ulong start, uint limit) = table switch
        {
            SystemTable.Global => (state->Gdtr.Base, state->Gdtr.Limit),
            SystemTable.Interrupt => (state->Idtr.Base, state->Idtr.Limit),
            SystemTable.Local => (state->Segments[(int)SegmentName.Ldtr].Base, state->Segments[(int)SegmentName.Ldtr].Limit),
            _ => (state->Segments[(int)SegmentName.Tr].Base, state->Segments[(int)SegmentName.Tr].Limit),
        };
        bool isNoLocalTable = table == SystemTable.Local && (state->Segments[(int)SegmentName.Ldtr].Attributes & SegmentAttributes.Present) == 0;
        if (!IsFollowed(vcpu) || isNoLocalTable || !IsFirst($"table {table} {limit}", (ulong)vcpu.Number, start))
            return;
        int count = _tables[(vcpu.Number, table)] = _tables.GetValueOrDefault((vcpu.Number, table)) + 1;
        if (count > MostTables)
            return;
        Tell(Table(vcpu, table, count == 1, limit) with { Manual = ManualOf(vcpu, table) }, vcpu, state->Rip);
    }

    private bool ShallTell(Vcpu vcpu, ControlRegister register, ulong before, ulong after) =>
        IsFollowed(vcpu) && IsFirst($"register {register} {vcpu.Number}", before, after);

    private void TellCr0(Vcpu vcpu, ulong before, ulong after)
    {
        CpuState* state = vcpu.State;
        ulong changed = before ^ after;
        bool isLong = (state->Efer & Efer.Lma) != 0, isPae = (state->Cr4 & Cr4.Pae) != 0;
        List<Detail> details = [RegisterBits.Table(ControlRegister.Cr0, before, after)];
        List<Fact> facts = [new Fact("CR0", $"{Hex(before)} → {Hex(after)}: {RegisterBits.Changes(ControlRegister.Cr0, before, after)}")];
        if ((changed & after & Cr0.Pg) != 0)
        {
            AddressSpaceMap map = AddressSpaceMap.Of(vcpu);
            facts.Add(new Fact("CR3", Hex(state->Cr3)));
            facts.Add(new Fact("page tables", map.Summary()));
            bool isMapped = GuestMemoryView.Translate(vcpu, Linear(vcpu)) is not null;
            facts.Add(new Fact("this code", isMapped ? "is mapped where it runs, so the next instruction can be fetched" : "is not mapped where it runs: the next instruction faults"));
            details.Add(map.Table(MostRanges));
            details.Add(DescriptorTables.Walk(vcpu, Linear(vcpu)));
            _addressSpaces++;
            IsFirst("space", Root(vcpu));
            Tell(
                new Milestone
                {
                    Kind = MilestoneKind.Paging,
                    Title = isLong ? "Paging is switched on, and with it long mode" : isPae ? "Paging is switched on: PAE paging" : "Paging is switched on: 32-bit paging",
                    Text = (isLong
                        ? $"EFER.LME and CR4.PAE were set, so setting CR0.PG activates long mode with {(map.Levels == 5 ? "five" : "four")} levels of page tables. CS is still the segment of before: code runs "
                        + "in compatibility mode until CS is loaded with a 64-bit segment."
                        : "From the next instruction on, every address goes through the page tables at CR3.")
                        + ((changed & Cr0.Pe) != 0 ? " The same write switches protected mode on." : ""),
                    Manual = isLong ? _manual.LongMode : isPae ? _manual.PagingPae : _manual.Paging32,
                    Facts = facts,
                    Details = details,
                },
                vcpu,
                state->Rip);
            return;
        }

        (MilestoneKind kind, string title, string text, ManualSection manual) = (changed & (Cr0.Pg | Cr0.Pe), after & Cr0.Pe) switch
        {
            (Cr0.Pe, not 0) => (MilestoneKind.Mode, "Protected mode is switched on",
                "Segment registers keep what real mode left in them; a far jump comes next, which loads CS from the GDT and decides whether code has 16 or 32 bits.", _manual.ProtectedMode),
            (Cr0.Pe, _) => (MilestoneKind.Mode, "Back to real mode", "Protected mode is switched off. Segment registers keep their limits until they are loaded; a far jump loads CS.", _manual.RealMode),
            ((Cr0.Pg | Cr0.Pe), _) => (MilestoneKind.Mode, "Paging and protected mode are switched off", "Linear addresses are physical ones again.", _manual.RealMode),
            (Cr0.Pg, _) => (MilestoneKind.Paging, "Paging is switched off",
                (state->Efer & Efer.Lme) != 0 ? "With it long mode ends: EFER.LMA is clear. Linear addresses are physical ones again." : "Linear addresses are physical ones again.", _manual.PagingModes),
            _ => (MilestoneKind.Control, $"CR0: {RegisterBits.Changes(ControlRegister.Cr0, before, after)}", Meaning(ControlRegister.Cr0, before, after) + Purpose(vcpu, ControlRegister.Cr0, before, after), _manual.ControlRegisters),
        };
        Tell(new Milestone { Kind = kind, Title = title, Text = text, Manual = manual, Facts = facts, Details = details }, vcpu, state->Rip);
    }

    private void TellBits(Vcpu vcpu, ControlRegister register, ulong before, ulong after, ManualSection manual)
    {
        string name = RegisterBits.Name(register), changes = RegisterBits.Changes(register, before, after);
        Tell(
            new Milestone
            {
                Kind = MilestoneKind.Control,
                Title = Title(register, before ^ after, after) is { } title ? $"{title} ({name}: {changes})" : $"{name}: {changes}",
                Text = Meaning(register, before, after) + Purpose(vcpu, register, before, after),
                Manual = manual,
                Facts = [new Fact(name, $"{Hex(before)} → {Hex(after)}: {changes}")],
                Details = [RegisterBits.Table(register, before, after)],
            },
            vcpu,
            vcpu.State->Rip);
    }

    // What is asked for by one bit of several.
    private static string? Title(ControlRegister register, ulong changed, ulong after) => register switch
    {
        ControlRegister.Efer when (changed & after & Efer.Lme) != 0 => "Long mode is asked for",
        ControlRegister.Efer when (changed & Efer.Lme) != 0 => "Long mode is asked for no longer",
        ControlRegister.Cr4 when (changed & after & Cr4.Pae) != 0 => "Page-table entries get 64 bits",
        ControlRegister.Cr4 when (changed & after & Cr4.Osfxsr) != 0 => "SSE is switched on",
        ControlRegister.Cr4 when (changed & after & (Cr4.Smep | Cr4.Smap)) != 0 => "The kernel is kept from programs' pages",
        ControlRegister.Xcr0 when (changed & after & 4) != 0 => "AVX is switched on",
        _ => null,
    };

    // Why kernels do what looks strange.
    private static string Purpose(Vcpu vcpu, ControlRegister register, ulong before, ulong after)
    {
        bool isPaging = (vcpu.State->Cr0 & Cr0.Pg) != 0;
        return register switch
        {
            ControlRegister.Cr4 when isPaging && (before ^ after) == Cr4.Pge && (after & Cr4.Pge) == 0 =>
                " Switching PGE off, mostly to switch it on again at once, empties the TLB of global pages too.",
            ControlRegister.Cr4 when (before & Cr4.Osxsave) == 0 && (after & Cr4.Osxsave) != 0 => " XCR0 is next, which says what XSAVE keeps.",
            ControlRegister.Cr0 when (before & Cr0.Cd) == 0 && (after & Cr0.Cd) != 0 => " Caches must be off while memory types (MTRR, PAT) change.",
            _ => "",
        };
    }

    private static string Meaning(ControlRegister register, ulong before, ulong after)
    {
        List<string> on = [], off = [];
        foreach (IReadOnlyList<string> row in RegisterBits.Table(register, before, after).Rows)
        {
            if (row[2] == "0 → 1")
                on.Add($"{row[1]}: {row[3]}");
            else if (row[2] == "1 → 0")
                off.Add($"{row[1]}: {row[3]}");
        }

        return string.Join(' ', new[] { on.Count == 0 ? "" : $"From now on {string.Join("; ", on)}.", off.Count == 0 ? "" : $"No longer {string.Join("; ", off)}." }.Where(part => part.Length != 0));
    }

    private void NoteAddressSpace(Vcpu vcpu, ulong before)
    {
        _addressSpaceWrites++;
        CpuState* state = vcpu.State;
        if (!IsFollowed(vcpu) || _addressSpaces >= MostAddressSpaces)
            return;
        if ((state->Cr0 & Cr0.Pg) == 0)
        {
            if (!IsFirst($"root {vcpu.Number}", state->Cr3))
                return;
            Tell(
                new Milestone
                {
                    Kind = MilestoneKind.Paging,
                    Title = "CR3 gets the page tables",
                    Text = "The kernel has built page tables and says where their root is. It has no effect before paging is switched on.",
                    Manual = _manual.PagingModes,
                    Facts = [new Fact("CR3", Place(state->Cr3))],
                },
                vcpu,
                state->Rip);
            return;
        }

        // The same root again only empties the TLB, or takes another PCID.
        if (!IsFirst("space", Root(vcpu)))
            return;
        _addressSpaces++;
        AddressSpaceMap map = AddressSpaceMap.Of(vcpu);
        Tell(
            new Milestone
            {
                Kind = MilestoneKind.Paging,
                Title = "Another set of page tables",
                Text = "CR3 leads to another root. What follows runs in that address space; translations that are not global are forgotten."
                    + (_addressSpaces == MostAddressSpaces ? " Further address spaces are only counted." : ""),
                Manual = (state->Efer & Efer.Lma) != 0 ? _manual.PagingLong : (state->Cr4 & Cr4.Pae) != 0 ? _manual.PagingPae : _manual.Paging32,
                Facts = [new Fact("CR3", $"{Hex(before)} → {Hex(state->Cr3)}"), new Fact("page tables", map.Summary())],
                Details = [map.Table(MostRanges)],
            },
            vcpu,
            state->Rip);
    }

    private static ulong Root(Vcpu vcpu) => (vcpu.State->Efer & Efer.Lma) != 0 ? vcpu.State->Cr3 & ~0xFFFUL : vcpu.State->Cr3;

    private Milestone Table(Vcpu vcpu, SystemTable table, bool isFirst, uint limit)
    {
        CpuState* state = vcpu.State;
        switch (table)
        {
            case SystemTable.Global:
                Detail global = DescriptorTables.Global(vcpu);
                return new Milestone
                {
                    Kind = MilestoneKind.Segments,
                    Title = isFirst ? "The first GDT" : "Another GDT",
                    Text = (isFirst ? "From now on selectors mean what the kernel's own table says. " : "")
                        + "Segment registers keep what they hold until each is loaded; CS by a far transfer.",
                    Facts = [new Fact("GDT", $"{Place(state->Gdtr.Base)}, {(limit + 1) / 8} entries, {global.Rows.Count + global.Omitted} in use")],
                    Details = [global],
                };
            case SystemTable.Interrupt:
                Detail interrupts = DescriptorTables.Interrupts(vcpu, _symbols, out int present);
                return new Milestone
                {
                    Kind = MilestoneKind.Interrupts,
                    Title = limit == 0 ? "An empty IDT" : isFirst ? "The first IDT" : "Another IDT",
                    Text = present == 0
                        ? "No vector has a handler: the next exception ends in a triple fault."
                        : "Exceptions and interrupts whose vectors have a gate here reach the kernel's handlers from now on. Linux and others fill in more gates later, in place.",
                    Facts = [new Fact("IDT", $"{Place(state->Idtr.Base)}, limit {Hex(limit)}, {present} vectors have a handler")],
                    Details = present == 0 ? [] : [interrupts],
                };
            case SystemTable.Local:
                return new Milestone
                {
                    Kind = MilestoneKind.Segments,
                    Title = "An LDT",
                    Text = "Selectors with bit 2 set mean descriptors of this table.",
                    Facts = [new Fact("LDT", $"selector {Hex(state->Segments[(int)SegmentName.Ldtr].Selector)}, {Place(state->Segments[(int)SegmentName.Ldtr].Base)}, limit {Hex(limit)}")],
                };
            default:
                return new Milestone
                {
                    Kind = MilestoneKind.Segments,
                    Title = isFirst ? "The task register is loaded" : "Another TSS",
                    Text = "The processor takes from this TSS the stack on which ring 0 is entered"
                        + ((state->Efer & Efer.Lma) != 0 ? ", the interrupt stacks that gates name," : "") + " and the map of ports that ring 3 may use.",
                    Facts = [new Fact("TSS", $"selector {Hex(state->Segments[(int)SegmentName.Tr].Selector)}, {Place(state->Segments[(int)SegmentName.Tr].Base)}, limit {Hex(limit)}")],
                    Details = [DescriptorTables.Task(vcpu, _symbols)],
                };
        }
    }

    private ManualSection ManualOf(Vcpu vcpu, SystemTable table)
    {
        bool isLong = (vcpu.State->Efer & Efer.Lma) != 0;
        return table switch
        {
            SystemTable.Global => _manual.GlobalTable,
            SystemTable.Interrupt => isLong ? _manual.InterruptTable64 : _manual.InterruptTable,
            SystemTable.Local => _manual.LocalTable,
            _ => isLong ? _manual.Task64 : _manual.Task,
        };
    }

    private (string Title, string Text, ManualSection Manual)? Describe(uint register, ulong value) => register switch
    {
        0x1B => ((value & 0x400) != 0 ? "The local APIC is switched to x2APIC mode" : "The local APIC's base is written",
            "IA32_APIC_BASE says where the local APIC's registers are in memory; bit 11 enables it, bit 10 makes its registers MSRs (x2APIC).", _manual.LocalApic),
        0x277 => ("The page attribute table is written", "IA32_PAT: which memory types the PWT, PCD and PAT bits of page-table entries mean.", _manual.PageAttributes),
        0x176 => ("SYSENTER gets its entry", "IA32_SYSENTER_EIP: where ring 3 enters the kernel by SYSENTER.", _manual.SpecificRegisters),
        0x6E0 => ("The local APIC's timer gets its first deadline", "IA32_TSC_DEADLINE: the timer interrupts when the time-stamp counter reaches it.", _manual.Deadline),
        0xC000_0082 => ("SYSCALL gets its entry", "IA32_LSTAR: where 64-bit programs enter the kernel by SYSCALL.", _manual.SystemCall),
        0xC000_0101 => ("GS gets a base", "IA32_GS_BASE: 64-bit kernels keep each processor's own data there.", _manual.SpecificRegisters),
        0x4000_0000 => ("Xen is asked for a hypercall page", "The address of a page that Xen fills with a stub for each hypercall, so that the kernel need not know which instruction calls Xen.", _manual.HypercallPage),
        _ => null,
    };

    private static ulong Linear(Vcpu vcpu) => vcpu.Is64BitCode ? vcpu.State->Rip : (uint)(vcpu.State->Rip + vcpu.State->Segments[(int)SegmentName.Cs].Base);
}
