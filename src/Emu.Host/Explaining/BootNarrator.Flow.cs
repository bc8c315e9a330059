using System.Globalization;
using Emu.Cpu;
using Emu.Cpu.Execution;
using Emu.Cpu.Platform;
using Emu.Cpu.State;
using Emu.Host.PostMortem;
using Emu.Host.Tracing;

namespace Emu.Host.Explaining;

// Where control goes: far transfers, exceptions and interrupts, other vCPUs, ring 3.
internal sealed unsafe partial class BootNarrator
{
    /// <summary>How many far transfers that change nothing but the selector are told.</summary>
    private const int MostReloads = 3;

    /// <summary>How many kinds of events are told.</summary>
    private const int MostEvents = 48;

    private readonly ulong[] _events = new ulong[256];
    private int _reloads;
    private int _eventsTold;

    /// <inheritdoc/>
    public void Transferred(Vcpu vcpu, TransferKind kind, in CodePlace from)
    {
        CpuState* state = vcpu.State;
        if (kind == TransferKind.SystemCall)
        {
            if (IsFirst("system call", 0))
                TellSystemCall(vcpu, from);
            return;
        }

        if (from.Cpl != 3 && state->Cpl == 3)
        {
            if (IsFirst("ring 3", 0))
                TellUser(vcpu, kind, from);
            return;
        }

        const CodeMode modes = CodeMode.CodeSize | CodeMode.Unprotected;
        CodeMode old = from.Mode & modes, present = vcpu.CodeMode & modes;
        // To ring 3 and back is counted by events; here it is the kernel's own way that is told.
        if (state->Cpl == 3 || from.Cpl == 3)
            return;
        if (old != present)
        {
            bool isFollowed = IsFollowed(vcpu) || present == CodeMode.Code64;
            if (isFollowed && IsFirst($"mode {vcpu.Number}", (ulong)old, (ulong)present))
                TellMode(vcpu, kind, from, old);
        }
        else if (kind != TransferKind.InterruptReturn && _reloads < MostReloads && IsFollowed(vcpu))
        {
            _reloads++;
            Tell(
                new Milestone
                {
                    Kind = MilestoneKind.Segments,
                    Title = from.Selector == Selector(vcpu) ? $"CS is loaded anew by a {Name(kind)}" : $"CS changes from 0x{from.Selector:x} to 0x{Selector(vcpu):x} by a {Name(kind)}",
                    Text = "Only a far transfer can load CS: so a kernel takes its code segment from its own table.",
                    Manual = _manual.FarTransfer,
                    Facts = [new Fact("goes on at", $"0x{Selector(vcpu):x}:{Place(state->Rip)}"), new Fact("mode", CpuStateText.Mode(vcpu))],
                },
                vcpu,
                null,
                place: from);
        }
    }

    /// <inheritdoc/>
    public void Started(Vcpu vcpu)
    {
        if (!IsFirst("start", (ulong)vcpu.Number))
            return;
        ulong start = vcpu.State->Segments[(int)SegmentName.Cs].Base;
        Tell(
            new Milestone
            {
                Kind = MilestoneKind.Processor,
                Title = $"vCPU {vcpu.Number} starts",
                Text = "A start-up message from another processor has woken it: it begins in real mode in the page that the message names, and has to find its own way through protected mode.",
                Manual = _manual.Startup,
                Facts = [new Fact("first instruction", $"{vcpu.State->Segments[(int)SegmentName.Cs].Selector:x4}:0000, physical {Place(start)}"), new Fact("APIC", vcpu.ApicId.ToString(CultureInfo.InvariantCulture))],
            },
            vcpu,
            vcpu.State->Rip);
    }

    /// <inheritdoc/>
    public void Halted(Vcpu vcpu)
    {
        if (!IsFirst("halt", 0))
            return;
        bool wakes = (vcpu.State->SystemFlags & Rflags.Interrupt) != 0;
        Tell(
            new Milestone
            {
                Kind = MilestoneKind.Processor,
                Title = "Nothing to do for the first time",
                Text = wakes ? "HLT: the processor waits for an interrupt. Virtual time goes on to the next deadline at once." : "HLT with interrupts off: only an NMI, or another processor, could end this wait.",
                Manual = _manual.Halt,
            },
            vcpu,
            vcpu.State->Rip);
    }

    /// <inheritdoc/>
    public void Delivering(Vcpu vcpu, in EventInFlight delivered)
    {
        byte vector = delivered.Vector;
        _events[vector]++;
        // Software interrupts are reported when the handler is reached already.
        bool isSoftware = delivered.Kind is EventKind.SoftwareInterrupt or EventKind.SoftwareException or EventKind.PrivilegedSoftwareException;
        bool isUser = !isSoftware && vcpu.State->Cpl == 3;
        // The event that everybody has by the million is looked up cheaply.
        ref bool isKnown = ref _known[(vector * 2) + (isUser && delivered.Kind == EventKind.Exception ? 1 : 0)];
        if (isKnown || _machine is null)
            return;
        isKnown = true;
        if (_eventsTold++ < MostEvents)
            TellEvent(vcpu, delivered, isSoftware, isUser);
    }

    private readonly bool[] _known = new bool[512];

    private void TellEvent(Vcpu vcpu, in EventInFlight delivered, bool isSoftware, bool isUser)
    {
        byte vector = delivered.Vector;
        CrashEvent crash = new(delivered, vcpu.State->Cr2);
        string name = ExceptionText.Name(vector);
        List<Fact> facts = [];
        List<Detail> details = [];
        string title, text;
        ManualSection manual = _manual.Exception;
        if (delivered.Kind == EventKind.Exception && vector == ExceptionVector.PageFault)
        {
            title = isUser ? "First page fault in ring 3" : "First page fault";
            text = isUser
                ? "A program touched a page that is not mapped yet, or not like that. Kernels map pages of programs when they are first used, so this is how programs get their memory."
                : "The kernel touched an address that its page tables do not allow. Where it has a handler, that may be a way to build page tables, or to copy from programs, as needed.";
            facts.Add(new Fact("address", Place(crash.Cr2)));
            details.Add(DescriptorTables.Walk(vcpu, crash.Cr2));
            manual = _manual.PageFault;
        }
        else if (delivered.Kind == EventKind.Exception)
        {
            title = $"First {name}{(isUser ? " in ring 3" : "")}";
            text = Meaning(vector);
        }
        else if (isSoftware)
        {
            title = delivered.Kind == EventKind.SoftwareInterrupt ? $"First INT 0x{vector:x2}" : $"First {name}";
            text = "A program or the kernel itself has called a handler through the IDT.";
        }
        else
        {
            bool isFirst = IsFirst("interrupt", 0);
            title = delivered.Kind == EventKind.NonMaskableInterrupt ? "First NMI" : isFirst ? $"The first interrupt, vector 0x{vector:x2}" : $"First interrupt of vector 0x{vector:x2}";
            text = isFirst
                ? "The kernel has switched interrupts on (RFLAGS.IF), and a device or timer asks for its attention between two instructions."
                : "Another device, timer or processor asks for attention.";
            manual = _manual.Interrupt;
        }

        if (ExceptionText.ErrorCode(crash) is { Length: > 0 } code)
            facts.Add(new Fact("error code", code.Replace("error code ", "", StringComparison.Ordinal)));
        facts.Add(new Fact("from", isSoftware ? "software" : $"ring {vcpu.State->Cpl}, {CpuStateText.Mode(vcpu)}"));
        if (DescriptorTables.Handler(vcpu, vector, _symbols) is { } handler)
            facts.Add(new Fact("handler", handler));
        else if ((vcpu.State->Cr0 & Cr0.Pe) != 0)
            facts.Add(new Fact("handler", "none"));
        Tell(
            new Milestone { Kind = MilestoneKind.Event, Title = title, Text = text, Manual = manual, Facts = facts, Details = details },
            vcpu,
            delivered.Rip,
            showsInstruction: !isSoftware);
    }

    private static string Meaning(byte vector) => vector switch
    {
        ExceptionVector.DivideError => "A division by zero, or a quotient that does not fit. The handler finds the address of the division itself.",
        ExceptionVector.Debug => "A single step, a breakpoint of the debug registers, or a task switch with the T bit: DR6 says which.",
        ExceptionVector.InvalidOpcode =>
            "What lies there is no instruction, or not here. Kernels use UD2 on purpose, to reach a handler that reports a bug or a warning.",
        ExceptionVector.DeviceNotAvailable => "x87, MMX or SSE was used while CR0.EM or CR0.TS is set: the handler loads the state that belongs here.",
        ExceptionVector.DoubleFault => "A fault happened while another was delivered. The third would reset the machine.",
        ExceptionVector.InvalidTss or ExceptionVector.SegmentNotPresent or ExceptionVector.StackFault =>
            "A segment that was to be used is not there, or not what it should be; the error code is its selector.",
        ExceptionVector.GeneralProtection =>
            "The instruction is not allowed with this privilege or these operands. Kernels also probe with it what a processor has, RDMSR for instance, and go on behind it.",
        ExceptionVector.FloatingPoint or ExceptionVector.SimdFloatingPoint => "An arithmetic error that the kernel or program has asked to be told of.",
        ExceptionVector.AlignmentCheck => "Ring 3 has asked for aligned accesses (RFLAGS.AC), and one was not.",
        _ => "The instruction raised an exception; the processor goes to its handler through the IDT.",
    };

    private void TellMode(Vcpu vcpu, TransferKind kind, in CodePlace from, CodeMode old)
    {
        bool isLong = vcpu.Is64BitCode;
        string mode = CpuStateText.Mode(vcpu);
        Tell(
            new Milestone
            {
                Kind = MilestoneKind.Mode,
                Title = $"{char.ToUpperInvariant(Name(kind)[0])}{Name(kind)[1..]} into {mode}",
                Text = isLong
                    ? "CS now has a segment with the L bit: code has 64-bit addresses and sixteen registers, and bases and limits of segments no longer count but for FS and GS."
                    : old == CodeMode.Code64
                    ? "CS now has a segment without the L bit: long mode goes on, but code is what it was on processors of 32 bits."
                    : "CS now has a segment of the new mode: how instructions are read changes with this jump.",
                Manual = isLong ? _manual.LongModeCode : (vcpu.State->Cr0 & Cr0.Pe) == 0 ? _manual.RealMode : _manual.FarTransfer,
                Facts = [new Fact("CS", $"0x{from.Selector:x} → 0x{Selector(vcpu):x}"), new Fact("goes on at", Place(Linear(vcpu)))],
            },
            vcpu,
            null,
            place: from);
    }

    private void TellUser(Vcpu vcpu, TransferKind kind, in CodePlace from)
    {
        CpuState* state = vcpu.State;
        bool isMapped = GuestMemoryView.Translate(vcpu, Linear(vcpu)) is not null;
        Tell(
            new Milestone
            {
                Kind = MilestoneKind.User,
                Title = "The first instruction in ring 3",
                Text = $"The kernel gives the processor to a program by {Name(kind)}. From here on the kernel is entered by interrupts, exceptions and system calls only."
                    + (isMapped ? "" : " The program's first page is not mapped yet: its first instruction faults, and the kernel will map it."),
                Manual = _manual.UserMode,
                Facts =
                [
                    new Fact("goes to", $"0x{Selector(vcpu):x}:{Hex(state->Rip)}"),
                    new Fact("mode", CpuStateText.Mode(vcpu)),
                    new Fact("stack", $"0x{state->Segments[(int)SegmentName.Ss].Selector:x}:{Hex(state->Registers[4])}"),
                    new Fact("interrupts", (state->SystemFlags & Rflags.Interrupt) != 0 ? "on" : "off"),
                    .. isMapped ? (Fact[])[new Fact("instruction", _disassembler.TextAt(vcpu, state->Rip))] : [],
                ],
                Details = [DescriptorTables.Walk(vcpu, Linear(vcpu))],
            },
            vcpu,
            null,
            place: from);
    }

    private void TellSystemCall(Vcpu vcpu, in CodePlace from) => Tell(
        new Milestone
        {
            Kind = MilestoneKind.User,
            Title = "The first system call",
            Text = "A program enters the kernel. No memory is touched: the processor takes the entry from an MSR and leaves stack and registers to the kernel.",
            Manual = _manual.SystemCall,
            Facts =
            [
                new Fact("RAX", vcpu.State->Registers[0].ToString(CultureInfo.InvariantCulture)),
                new Fact("entry", Place(vcpu.State->Rip)),
            ],
        },
        vcpu,
        null,
        place: from);

    private static ushort Selector(Vcpu vcpu) => vcpu.State->Segments[(int)SegmentName.Cs].Selector;

    private static string Name(TransferKind kind) => kind switch
    {
        TransferKind.Jump => "far jump",
        TransferKind.Call => "far call",
        TransferKind.Return => "far return",
        TransferKind.InterruptReturn => "IRET",
        TransferKind.SystemCall => "system call",
        _ => "SYSRET or SYSEXIT",
    };
}
