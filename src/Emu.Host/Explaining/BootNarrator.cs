using System.Globalization;
using Emu.Cpu;
using Emu.Cpu.Execution;
using Emu.Cpu.Platform;
using Emu.Cpu.State;
using Emu.Host.Running;
using Emu.Host.Symbols;
using Emu.Host.Tracing;
using Emu.Machine;

namespace Emu.Host.Explaining;

/// <summary>
/// Listens to a machine while it runs and tells what a kernel does on its way: what is worth a milestone, in plain language, with the facts.
/// </summary>
/// <remarks>
/// What happens once is told; what happens often is told the first time, and counted. Nothing is single-stepped: all comes from the processor's
/// observers, so the guest runs as fast as without. The first application processor is followed as closely as the boot processor; of further ones,
/// which do the same once more, only their start and the first instruction in 64-bit mode are told.
/// </remarks>
internal sealed unsafe partial class BootNarrator : IVcpuObserver, ISystemObserver
{
    /// <summary>A guest that does something new for ever is not listened to for ever.</summary>
    private const int MostMilestones = 400;

    /// <summary>How much is remembered as told.</summary>
    private const int MostRemembered = 1 << 16;

    /// <summary>Ranges of an address space that a milestone shows.</summary>
    private const int MostRanges = 48;

    private readonly Action<Milestone> _tell;
    private readonly Manual _manual;
    private readonly Disassembler _disassembler = new();
    private readonly HashSet<(string What, ulong Which, ulong Value)> _told = [];
    private readonly LocalApicNarrator _localApic;
    private readonly ControllerNarrator _controllers;
    private PvhMachine? _machine;
    private KernelSymbols _symbols = KernelSymbols.None;
    private XenNarrator? _xen;
    private ulong _countBefore;
    private ulong _timeBefore;
    private int _number;

    /// <summary>Makes a narrator.</summary>
    /// <param name="vendor">Whose manuals are named.</param>
    /// <param name="tell">Takes each milestone, in order.</param>
    public BootNarrator(CpuVendor vendor, Action<Milestone> tell)
    {
        _manual = new Manual(vendor);
        _tell = tell;
        _localApic = new LocalApicNarrator(this, _manual);
        _controllers = new ControllerNarrator(this, _manual, _localApic);
    }

    /// <summary>Virtual time of the last milestone, in nanoseconds, on the scale of <see cref="Time"/>.</summary>
    public ulong LastNews { get; private set; }

    /// <summary>How many milestones there have been.</summary>
    public int Count => _number;

    private PvhMachine Machine => _machine!;

    /// <summary>Begins with the guest's first state; to be called before it runs.</summary>
    /// <param name="machine">The machine, whose processors have this observer.</param>
    /// <param name="setup">What it was made from.</param>
    public void Begin(PvhMachine machine, GuestSetup setup)
    {
        Attach(machine, setup);
        TellEntry(setup);
    }

    /// <summary>Goes on with the guest's next life. Counts and times go on, and what was told is not told again.</summary>
    /// <param name="machine">Its machine, as fresh as the first.</param>
    /// <param name="setup">What it was made from.</param>
    /// <param name="reason">Why the last life ended, as a sentence.</param>
    /// <param name="life">Which life begins, from 2 on.</param>
    public void BeginAgain(PvhMachine machine, GuestSetup setup, string reason, int life)
    {
        Attach(machine, setup);
        _reloads = MostReloads;
        TellLife(reason, life);
    }

    /// <summary>Notes that a life is over; to be called before its machine goes.</summary>
    public void EndLife() => (_countBefore, _timeBefore) = (Now, Time);

    private void Attach(PvhMachine machine, GuestSetup setup)
    {
        _machine = machine;
        _symbols = setup.Symbols;
        foreach (Vcpu vcpu in machine.Vcpus)
            vcpu.SystemObserver = this;
        if (machine.XenDomain is { } domain)
            domain.Observer = _xen = new XenNarrator(this, domain, machine, _symbols, _xen);
        _controllers.Attach(machine);
    }

    /// <inheritdoc/>
    public void Unsupported(Vcpu vcpu, string what)
    {
    }

    /// <summary>Tells something that Xen and the domain have done.</summary>
    internal void TellXen(Vcpu? vcpu, string title, string text, ManualSection? manual, IReadOnlyList<Fact> facts, ulong? rip = null) =>
        Tell(new Milestone { Kind = MilestoneKind.Hypervisor, Title = title, Text = text, Manual = manual, Facts = facts }, vcpu, rip);

    /// <summary>Tells how an interrupt controller or a timer is set up.</summary>
    internal void TellController(Vcpu vcpu, string title, string text, ManualSection manual, IReadOnlyList<Fact> facts) =>
        Tell(new Milestone { Kind = MilestoneKind.Controller, Title = title, Text = text, Manual = manual, Facts = facts }, vcpu, vcpu.CallingRip);

    /// <summary>Whether the guest is a Xen domain, which has local APICs but no other controllers.</summary>
    internal bool IsDomain => Machine.XenDomain is not null;

    /// <summary>Whether something is told for the first time now.</summary>
    internal bool IsFirst(string what, ulong which = 0) => IsFirst(what, which, 0);

    /// <summary>The handler of a vector in the IDT of now; null for none.</summary>
    internal string? HandlerOf(Vcpu vcpu, byte vector) => DescriptorTables.Handler(vcpu, vector, _symbols);

    /// <summary>Which of Xen's headers has an operation.</summary>
    internal ManualSection HeaderOf(string operation) => _manual.HypercallHeader(operation);

    /// <summary>Tells that a hypercall has brought up a vCPU.</summary>
    internal void TellBroughtUp(int number)
    {
        if (Machine.Vcpus[number] is not { InstructionsRetired: 0 } vcpu || !IsFirst("start", (ulong)number))
            return;
        Tell(
            new Milestone
            {
                Kind = MilestoneKind.Processor,
                Title = $"vCPU {number} starts",
                Text = "A hypercall has given it its registers and brought it up; it needs no real-mode trampoline.",
                Manual = _manual.HypercallHeader("vcpu_op"),
                Facts = [new Fact("mode", CpuStateText.Mode(vcpu)), new Fact("first instruction", Place(vcpu.State->Rip)), new Fact("CR3", Hex(vcpu.State->Cr3))],
            },
            vcpu,
            vcpu.State->Rip,
            showsInstruction: false);
    }

    /// <summary>Tells of the first words on the console.</summary>
    internal void TellConsole(ConsoleLine line, string device) => Tell(
        new Milestone
        {
            Kind = MilestoneKind.Console,
            Title = "First words on the console",
            Text = $"“{line.Text}”",
            Facts = [new Fact("device", device), new Fact("began", string.Create(CultureInfo.InvariantCulture, $"after {line.Count:N0} instructions"))],
        },
        null,
        null);

    /// <summary>Instructions retired, in all lives together.</summary>
    internal ulong Now => _countBefore + Machine.InstructionsRetired;

    /// <summary>Virtual time in nanoseconds, of all lives together.</summary>
    internal ulong Time => _timeBefore + Machine.Clock.Now;

    /// <summary>Instructions of the lives before this one.</summary>
    internal ulong CountBefore => _countBefore;

    /// <summary>Virtual time of the lives before this one, in nanoseconds.</summary>
    internal ulong TimeBefore => _timeBefore;

    internal static string Hex(ulong value) => DescriptorTables.Hex(value);

    private string Place(ulong linear) => _symbols.Describe(linear) is { } name ? $"{Hex(linear)} {name}" : Hex(linear);

    // What can no longer be remembered was told before: a guest may load another table in every second instruction.
    private bool IsFirst(string what, ulong which, ulong value) => _told.Count < MostRemembered && _told.Add((what, which, value));

    /// <summary>Whether a vCPU is followed closely.</summary>
    private static bool IsFollowed(Vcpu vcpu) => vcpu.Number <= 1;

    private static int Width(CodeMode mode) => (mode & CodeMode.CodeSize) switch { CodeMode.Code64 => 64, CodeMode.Code32 => 32, _ => 16 };

    private void Tell(Milestone milestone, Vcpu? vcpu, ulong? rip, bool showsInstruction = true, CodePlace? place = null)
    {
        if (_number >= MostMilestones && milestone.Kind != MilestoneKind.End)
            return;
        LastNews = Time;
        string? symbol = null, instruction = null;
        if (place is { } from)
        {
            rip = from.Rip;
            symbol = from.Cpl == 0 ? _symbols.Describe(from.Linear) : _symbols.Table.Describe(from.Linear);
            instruction = vcpu is null ? null : _disassembler.TextAt(vcpu, from.Linear, from.Rip, Width(from.Mode));
        }
        else if (rip is { } at && vcpu is not null)
        {
            symbol = _symbols.DescribeCode(vcpu, at);
            instruction = showsInstruction ? _disassembler.TextAt(vcpu, at) : null;
        }

        // What the boot processor does needs no name.
        string title = vcpu is null or { Number: 0 } || milestone.Kind == MilestoneKind.End || milestone.Title.StartsWith("vCPU", StringComparison.Ordinal)
            ? milestone.Title
            : $"vCPU {vcpu.Number}: {milestone.Title}";
        _tell(milestone with
        {
            Number = ++_number,
            Title = title,
            Count = Now,
            Time = LastNews,
            Vcpu = vcpu?.Number ?? Machine.CurrentVcpu.Number,
            Rip = rip,
            Symbol = symbol,
            Instruction = instruction,
        });
    }
}
