using System.Globalization;
using System.Text;
using Emu.Cpu;
using Emu.Host.Tracing;

namespace Emu.Host.Debugging;

/// <summary>The commands behind gdb's 'monitor'.</summary>
internal sealed partial class Monitor
{
    private readonly DebugSession _session;
    private readonly (string Names, string Arguments, string Help, Func<string[], string> Obey)[] _commands;

    /// <summary>Makes the monitor of a session.</summary>
    /// <param name="session">The session.</param>
    public Monitor(DebugSession session)
    {
        _session = session;
        _commands =
        [
            ("help", "", "This list.", _ => Help()),
            ("cpus", "", "All vCPUs: mode, privilege, where they stand.", _ => Cpus()),
            ("regs", "", "The selected vCPU's registers, hidden parts of segments included.", _ => CpuStateText.Dump(Vcpu)),
            ("where", "", "The place in the run: instructions retired, how far it was ever seen, and virtual time.", _ => Where()),
            ("goto", "COUNT", "The next 'continue' goes to the place with so many instructions retired, forwards or backwards.", GoTo),
            ("interrupts", "over|into", "Whether single steps pass over interrupts that come between, or into their handlers. [over]", Interrupts),
            ("walk", "ADDRESS", "The page walk for a linear address.", Walk),
            ("physical", "on|off", "Whether gdb's memory commands take physical addresses.", Physical),
            ("view", "16|32|64", "What gdb is to take the code for; then say: unset tdesc filename", View),
        ];
    }

    private Vcpu Vcpu => _session.Vcpu;

    /// <summary>Carries out a command.</summary>
    /// <param name="line">Its words.</param>
    /// <returns>What it has to say: lines, each ended.</returns>
    public string Obey(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (words.Length == 0)
            return Help();
        foreach ((string names, string arguments, _, Func<string[], string> obey) in _commands)
        {
            if (!names.Split(' ').Contains(words[0]))
                continue;
            int most = arguments.Length == 0 ? 0 : arguments.Split(' ').Length;
            int least = arguments.Length == 0 ? 0 : arguments.Split(' ').Count(static word => word[0] != '[');
            return words.Length - 1 < least || words.Length - 1 > most ? $"Usage: monitor {words[0]} {arguments}\n" : obey(words[1..]);
        }

        return $"There is no 'monitor {words[0]}'; 'monitor help' lists what there is.\n";
    }

    private string Help()
    {
        StringBuilder text = new();
        foreach ((string names, string arguments, string help, _) in _commands)
            text.Append(CultureInfo.InvariantCulture, $"{names.Replace(" ", ", ", StringComparison.Ordinal) + " " + arguments,-24} {help}\n");
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
                $"{(vcpu == Vcpu ? '*' : ' ')} thread {vcpu.Number + 1}: vCPU {vcpu.Number} at 0x{RegisterSet.LinearRip(vcpu):x}, {Mode(vcpu)}{state}, {vcpu.InstructionsRetired} instructions\n");
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

    private static unsafe string Mode(Vcpu vcpu) => string.Create(CultureInfo.InvariantCulture, $"{CpuStateText.Mode(vcpu)}, ring {vcpu.State->Cpl}");

    private static bool TryAddress(string text, out ulong address) =>
        Hexadecimal.TryNumber(text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text.AsSpan(2) : text, out address);
}
