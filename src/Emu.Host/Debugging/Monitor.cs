using System.Globalization;
using System.Text;
using Emu.Cpu;
using Emu.Host.Symbols;
using Emu.Host.Tracing;

namespace Emu.Host.Debugging;

/// <summary>The commands behind gdb's 'monitor'.</summary>
internal sealed partial class Monitor
{
    private readonly DebugSession _session;
    private readonly (string Name, string Arguments, string Help, Func<string[], string> Obey)[] _commands;

    /// <summary>Makes the monitor of a session.</summary>
    /// <param name="session">The session.</param>
    public Monitor(DebugSession session)
    {
        _session = session;
        _commands =
        [
            ("help", "", "This list.", _ => Help()),
            ("where", "", "The place in the run: instructions retired, how far it was ever seen, virtual time.", _ => Where()),
            ("goto", "COUNT", "The next 'continue' goes to the place with so many instructions retired, forwards or backwards.", GoTo),
            ("snapshot", "NAME.snapshot", "Writes the machine to a new file, with which 'emu run --resume' goes on from here.", Snapshot),
            ("trace", "FILE|off [WHAT]...", "Traces what is run from here, to a new NAME.emut: registers, memory, kernel, user, functions, ranges. [all blocks]", Trace),
            ("interrupts", "over|into", "Whether steps pass over interrupts that come between, or go into their handlers. [over]", Interrupts),
            ("view", "16|32|64", "What gdb is to take the code for; then say: unset tdesc filename", View),
            ("script", "", "Python that lets gdb follow the mode by itself: python exec(gdb.execute('monitor script', to_string=True))", _ => Script()),
            ("physical", "on|off", "Whether gdb's memory commands take physical addresses. [off]", Physical),
            ("breakpoints", "", "The breakpoints and watchpoints that gdb has set.", _ => Breakpoints()),
            ("cpus", "", "All vCPUs: where they stand, mode, privilege.", _ => Cpus()),
            ("regs", "", "The vCPU's registers, hidden parts of segments included.", _ => CpuStateText.Dump(Vcpu)),
            ("u", "[ADDRESS] [COUNT]", "Disassembles by the vCPU's mode, whatever the view. [where it stands, 8]", Disassemble),
            ("backtrace", "", "Callers by frame pointers, in 16-, 32- and 64-bit code.", _ => Backtrace()),
            ("symbol", "NAME|ADDRESS", "The address of a name of the kernel, or the name of an address.", Symbol),
            ("walk", "ADDRESS", "The page walk for a linear address.", Walk),
            ("maps", "", "What the vCPU's page tables map: ranges, where they lie, their rights.", _ => Maps()),
            ("gdt", "", "The global descriptor table.", _ => Descriptors(isLocal: false)),
            ("ldt", "", "The local descriptor table.", _ => Descriptors(isLocal: true)),
            ("idt", "", "The interrupt descriptor table.", _ => InterruptTable()),
            ("tss", "", "The task-state segment: stacks, and the I/O map's place.", _ => TaskState()),
            ("lapic", "", "The vCPU's local APIC.", _ => LocalApicText()),
            ("ioapic", "", "The I/O APIC's redirection entries.", _ => IoApicText()),
            ("events", "", "A Xen domain's event channels.", _ => Events()),
            ("startinfo", "[ADDRESS]", "hvm_start_info, as the PVH kernel found it at entry.", StartInfo),
        ];
    }

    // What QEMU's monitor calls the same.
    private static readonly Dictionary<string, string> OtherNames = new()
    {
        ["registers"] = "regs",
        ["tlb"] = "maps",
        ["mem"] = "maps",
        ["gva2gpa"] = "walk",
        ["savevm"] = "snapshot",
    };

    private Vcpu Vcpu => _session.Vcpu;

    private KernelSymbols Symbols => _session.Control.Setup.Symbols;

    /// <summary>Carries out a command.</summary>
    /// <param name="line">Its words.</param>
    /// <returns>What it has to say: lines, each ended.</returns>
    public string Obey(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (words.Length == 0)
            return Help();
        if (words[0] == "info" && words.Length == 2)
            words = words[1..];
        if (OtherNames.TryGetValue(words[0], out string? known))
            words[0] = known;
        foreach ((string name, string arguments, _, Func<string[], string> obey) in _commands)
        {
            if (name != words[0])
                continue;
            string[] wanted = arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            bool fits = (words.Length - 1 <= wanted.Length || arguments.EndsWith("...", StringComparison.Ordinal)) && words.Length - 1 >= wanted.Count(static word => word[0] != '[');
            return fits ? obey(words[1..]) : $"Usage: monitor {name} {arguments}\n";
        }

        return $"There is no 'monitor {words[0]}'; 'monitor help' lists what there is.\n";
    }

    private static unsafe string Mode(Vcpu vcpu) => string.Create(CultureInfo.InvariantCulture, $"{CpuStateText.Mode(vcpu)}, ring {vcpu.State->Cpl}");

    // Hexadecimal, with or without 0x; or a name of the kernel or of a register, such as $rsp, which come first.
    private bool TryAddress(string text, out ulong address) =>
        _session.TryRegister(text, out address)
        || Symbols.Table.TryFind(text, out address)
        || Hexadecimal.TryNumber(text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text.AsSpan(2) : text, out address);

    private string Named(ulong address) =>
        Symbols.Describe(address) is { } name ? string.Create(CultureInfo.InvariantCulture, $"0x{address:x} <{name}>") : string.Create(CultureInfo.InvariantCulture, $"0x{address:x}");

    private static string NoAddress(string text) => $"'{text}' is neither a name of the kernel nor an address in hexadecimal digits.\n";

    private string Help()
    {
        StringBuilder text = new();
        foreach ((string name, string arguments, string help, _) in _commands)
            text.Append(CultureInfo.InvariantCulture, $"{name + " " + arguments,-24} {help}\n");
        return text.ToString();
    }

    private string Cpus()
    {
        StringBuilder text = new();
        foreach (Vcpu vcpu in _session.Control.Machine.Vcpus)
        {
            string state = _session.Control.Machine.WaitsForStartup(vcpu) ? ", waits for startup" : vcpu.IsHalted ? ", halted" : "";
            text.Append(
                CultureInfo.InvariantCulture,
                $"{(vcpu == Vcpu ? '*' : ' ')} thread {vcpu.Number + 1}: vCPU {vcpu.Number} at {Named(RegisterSet.LinearRip(vcpu))}, {Mode(vcpu)}{state}, {vcpu.InstructionsRetired} instructions\n");
        }

        return text.ToString();
    }

    private string Where()
    {
        GuestControl control = _session.Control;
        string past = control.Position == control.Frontier ? "" : string.Create(CultureInfo.InvariantCulture, $", of {control.Frontier} that were seen");
        return string.Create(CultureInfo.InvariantCulture, $"{control.Position} instructions retired{past}; {control.Machine.Clock.Now} ns of virtual time\n");
    }

    private string GoTo(string[] words)
    {
        string digits = words[0].Replace("_", "", StringComparison.Ordinal).Replace(",", "", StringComparison.Ordinal);
        if (!ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out ulong count))
            return $"'{words[0]}' is no count of instructions.\n";
        _session.Destination = count;
        return string.Create(CultureInfo.InvariantCulture, $"The next 'continue' goes to {count}.\n");
    }

    private string Interrupts(string[] words)
    {
        if (words[0] is not ("over" or "into"))
            return "Usage: monitor interrupts over|into\n";
        _session.Control.StepsOverInterrupts = words[0] == "over";
        return "";
    }

    private string Physical(string[] words)
    {
        if (words[0] is not ("on" or "off"))
            return "Usage: monitor physical on|off\n";
        _session.IsPhysical = words[0] == "on";
        return _session.IsPhysical ? "Addresses are physical from now on.\n" : "Addresses are linear from now on.\n";
    }

    private string View(string[] words)
    {
        if (!int.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out int bits) || bits is not (16 or 32 or 64))
            return "Usage: monitor view 16|32|64\n";
        _session.NextView = (CodeView)bits;
        return _session.NextView == _session.View ? "" : "Now say 'unset tdesc filename': gdb then asks for the new description.\n";
    }

    private static string Script()
    {
        using StreamReader reader = new(typeof(Monitor).Assembly.GetManifestResourceStream("gdb.py")!);
        return reader.ReadToEnd();
    }

    private string Breakpoints()
    {
        StringBuilder text = new();
        foreach (Breakpoint breakpoint in _session.Breakpoints.All.OrderBy(static breakpoint => (breakpoint.Type, breakpoint.Address)))
        {
            string what = breakpoint.Type switch
            {
                BreakpointType.Software or BreakpointType.Hardware => "execution of",
                BreakpointType.Write => "writes to",
                BreakpointType.Read => "reads from",
                _ => "accesses to",
            };
            text.Append(CultureInfo.InvariantCulture, $"{what} {Named(breakpoint.Address)}");
            text.Append(breakpoint.Type >= BreakpointType.Write ? string.Create(CultureInfo.InvariantCulture, $", {breakpoint.Length} bytes\n") : "\n");
        }

        return text.Length != 0 ? text.ToString() : "None: gdb sets its own while the guest runs, and takes them away where it stands.\n";
    }
}
