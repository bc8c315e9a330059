using System.Globalization;
using System.Text;
using Emu.Machine.Interrupts;
using Emu.Pvh;
using Emu.Xen.EventChannels;
using Emu.Xen.Tracing;

namespace Emu.Host.Debugging;

// What stands around the vCPUs.
internal sealed partial class Monitor
{
    private static readonly string[] DeliveryModes = ["fixed", "lowest priority", "SMI", "mode 3", "NMI", "INIT", "start-up", "ExtINT"];

    // Numbers of registers: offsets in the page, shifted right by four (SDM Vol. 3, table 11-1).
    private static readonly (uint Number, string Name)[] LocalVectors =
        [(0x32, "timer"), (0x33, "thermal"), (0x34, "performance"), (0x35, "LINT0"), (0x36, "LINT1"), (0x37, "error")];

    private string LocalApicText()
    {
        LocalApic apic = _session.Control.Machine.LocalApicOf(Vcpu);
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"APIC {Vcpu.ApicId} of vCPU {Vcpu.Number}: {(!apic.IsEnabled ? "off" : apic.IsEnabledBySoftware ? "enabled" : "disabled by software")}");
        text.Append(CultureInfo.InvariantCulture, $", {(apic.MappedPage == ulong.MaxValue ? "not in memory (x2APIC, or off)" : $"at 0x{apic.MappedPage:x}")}\n");
        text.Append(CultureInfo.InvariantCulture, $"ID 0x{Read(0x02):x8}  TPR 0x{Read(0x08):x2}  PPR 0x{Read(0x0A):x2}  LDR 0x{Read(0x0D):x8}  DFR 0x{Read(0x0E):x8}  spurious 0x{Read(0x0F):x3}  errors 0x{Read(0x28):x2}\n");
        text.Append(CultureInfo.InvariantCulture, $"requested {Vectors(0x20)}\nin service {Vectors(0x10)}\nlevel-triggered {Vectors(0x18)}\n");
        foreach ((uint number, string name) in LocalVectors)
            text.Append(CultureInfo.InvariantCulture, $"{name,-12} {Entry(Read(number), hasTimerMode: number == 0x32)}\n");
        text.Append(CultureInfo.InvariantCulture, $"timer count {Read(0x39)} of {Read(0x38)}, divide configuration 0x{Read(0x3E):x}\n");
        return text.ToString();

        ulong Read(uint number) => apic.Read(number << 4, 4);

        string Vectors(uint first)
        {
            List<string> set = [];
            for (uint vector = 0; vector < 256; vector++)
            {
                if ((Read(first + (vector / 32)) >> (int)(vector % 32) & 1) != 0)
                    set.Add($"{vector:x2}");
            }

            return set.Count == 0 ? "none" : string.Join(' ', set);
        }
    }

    private static string Entry(ulong entry, bool hasTimerMode = false)
    {
        string mode = hasTimerMode ? ((entry >> 17) & 3) switch { 0 => "one-shot", 1 => "periodic", 2 => "TSC deadline", _ => "reserved mode" } : DeliveryModes[entry >> 8 & 7];
        return string.Create(
            CultureInfo.InvariantCulture,
            $"vector {entry & 0xFF:x2}, {mode}{((entry >> 13 & 1) != 0 ? ", active low" : "")}{((entry >> 15 & 1) != 0 ? ", level" : "")}{((entry >> 16 & 1) != 0 ? ", masked" : "")}");
    }

    private string IoApicText()
    {
        if (_session.Control.Machine.IoApic is not { } ioApic)
            return "A Xen domain has none.\n";
        StringBuilder text = new();
        for (int pin = 0; pin < IoApic.PinCount; pin++)
        {
            ulong entry = ioApic.RedirectionEntry(pin);
            string destination = string.Create(CultureInfo.InvariantCulture, $"{((entry >> 11 & 1) != 0 ? "logical" : "physical")} 0x{entry >> 56:x2}");
            text.Append(CultureInfo.InvariantCulture, $"{pin,2}  {Entry(entry)}, to {destination}{((entry >> 14 & 1) != 0 ? ", in service" : "")}{(ioApic.IsHigh(pin) ? ", high" : "")}\n");
        }

        return text.ToString();
    }

    private string Events()
    {
        if (_session.Control.Machine.XenDomain is not { } domain)
            return "Only a Xen domain has event channels: --machine xen.\n";
        StringBuilder text = new();
        foreach (PortNotice port in domain.Events.Inspect())
        {
            string what = port.State switch
            {
                PortState.VirtualInterrupt => $"VIRQ {port.VirtualInterrupt}",
                PortState.Unbound => $"unbound, for domain {port.RemoteDomain}",
                PortState.Interdomain => $"domain {port.RemoteDomain}",
                var other => $"{other}",
            };
            text.Append(CultureInfo.InvariantCulture, $"{port.Number,4}  {what}, vCPU {port.Vcpu}{(port.IsPending ? ", pending" : "")}{(port.IsMasked ? ", masked" : "")}\n");
        }

        return text.Length != 0 ? text.ToString() : "None is in use.\n";
    }

    private string StartInfo(string[] words)
    {
        ulong? address = _session.Control.StartInfo;
        if (words.Length == 1)
        {
            if (!TryAddress(words[0], out ulong given))
                return NoAddress(words[0]);
            address = given;
        }

        if (address is not { } at)
            return "The kernel was not entered through PVH.\n";
        StringBuilder text = new();
        try
        {
            StartInfoReading reading = HvmStartInfoReader.Read(_session.Control.Machine.Ram, at);
            HvmStartInfo info = reading.Info;
            text.Append(CultureInfo.InvariantCulture, $"at 0x{at:x}, version {info.RawVersion}, flags 0x{(uint)info.Flags:x}, RSDP 0x{info.RsdpAddress:x}\n");
            if (reading.CommandLine is { } line)
                text.Append(CultureInfo.InvariantCulture, $"command line at 0x{info.CommandLineAddress:x}: {Encoding.UTF8.GetString(line.Span)}\n");
            foreach (StartInfoModule module in info.Modules)
                text.Append(CultureInfo.InvariantCulture, $"module at 0x{module.Address:x}, {module.Size} bytes\n");
            foreach (MemoryMapEntry entry in info.MemoryMap)
                text.Append(CultureInfo.InvariantCulture, $"memory 0x{entry.Address:x} to 0x{entry.Address + entry.Size - 1:x}: {entry.Type}\n");
            foreach (string violation in reading.Violations)
                text.Append(CultureInfo.InvariantCulture, $"{violation}\n");
        }
        catch (StartInfoException e)
        {
            text.Append(CultureInfo.InvariantCulture, $"It cannot be read any more: {e.Message}\n");
        }

        return text.ToString();
    }
}
