using System.Globalization;
using System.Text;
using Emu.Cpu;
using Emu.Cpu.Platform;
using Emu.Cpu.State;
using Emu.Host.Running;
using Emu.Host.Tracing;
using Emu.Pvh;

namespace Emu.Host.Explaining;

// The first milestone and the last one.
internal sealed unsafe partial class BootNarrator
{
    private static readonly (string Name, SegmentName Segment)[] Segments =
    [
        ("CS", SegmentName.Cs), ("DS", SegmentName.Ds), ("ES", SegmentName.Es), ("SS", SegmentName.Ss),
        ("FS", SegmentName.Fs), ("GS", SegmentName.Gs), ("TR", SegmentName.Tr), ("LDTR", SegmentName.Ldtr),
    ];

    private void TellEntry(GuestSetup setup)
    {
        Vcpu vcpu = Machine.Vcpu;
        CpuState* state = vcpu.State;
        List<Fact> facts =
        [
            new("mode", CpuStateText.Mode(vcpu)),
            new("CR0", $"{Hex(state->Cr0)} ({RegisterBits.Set(ControlRegister.Cr0, state->Cr0)})"),
        ];
        List<Detail> details = [];
        string title, text;
        ManualSection manual;
        switch (setup.Boot)
        {
            case PvhBootResult pvh:
                title = "The kernel is entered through PVH";
                text = "The loader has placed the kernel where its ELF segments say, described the machine in hvm_start_info, and jumps to the address in the "
                    + "kernel's PVH note. The ABI promises 32-bit protected mode with flat segments, paging and interrupts off, and EBX; there is "
                    + "no stack and no descriptor table that the kernel may rely on.";
                manual = _manual.PvhEntry;
                facts.Add(new Fact("EBX", $"{Hex(state->Registers[3])}: hvm_start_info version {pvh.StartInfo.RawVersion}"));
                AddStartInfo(pvh.StartInfo, facts, details);
                break;
            case MultibootBootResult multiboot:
                title = "The kernel is entered through Multiboot";
                text = "The loader has placed the kernel and jumps to its entry point in 32-bit protected mode with flat segments, as a PC's boot loader would "
                    + "after the BIOS: EAX has the magic number, EBX the boot information. Paging and interrupts are off; there is no stack.";
                manual = _manual.Multiboot;
                AddMultiboot(state, multiboot.InformationAddress, facts);
                break;
            case Multiboot2BootResult multiboot:
                title = "The kernel is entered through Multiboot 2";
                text = "The loader has placed the kernel and jumps to its entry point in 32-bit protected mode with flat segments: EAX has the magic number, EBX "
                    + "the boot information, a list of tags. Paging and interrupts are off; there is no stack.";
                manual = _manual.Multiboot2;
                AddMultiboot(state, multiboot.InformationAddress, facts);
                break;
            default:
                title = "The processor comes out of reset";
                text = "There is no kernel: a ROM begins 16 bytes below 4 GiB, in real mode with a code segment whose base is not what its selector says.";
                manual = _manual.Reset;
                break;
        }

        if (setup.Boot?.Kernel is { } kernel)
        {
            facts.Add(new Fact(
                "kernel",
                $"{Hex(kernel.Range.Start)}–{Hex(kernel.Range.End - 1)}, {kernel.Size / 1024.0 / 1024:F1} MiB"
                + (kernel.Displacement == 0 ? "" : $", moved by {Hex(kernel.Displacement)}")));
        }

        facts.Add(new Fact("symbols", _symbols.Table.Count == 0 ? "none" : string.Create(CultureInfo.InvariantCulture, $"{_symbols.Table.Count:N0}")));
        details.Add(SegmentRegisters(state));
        Tell(new Milestone { Kind = MilestoneKind.Entry, Title = title, Text = text, Manual = manual, Facts = facts, Details = details }, vcpu, state->Rip);
    }

    private void TellLife(string reason, int life)
    {
        Vcpu vcpu = Machine.Vcpu;
        Tell(
            new Milestone
            {
                Kind = MilestoneKind.Entry,
                Title = $"The guest is started anew: life {life}",
                Text = $"{reason} It gets a machine as fresh as the first, with the same kernel and modules; only disks are as it left them. From here on only what was not told before is told.",
                Facts = [new Fact("mode", CpuStateText.Mode(vcpu)), new Fact("counts and times", "go on from those of the life before")],
            },
            vcpu,
            vcpu.State->Rip);
    }

    /// <summary>Tells how it ended, and what was counted on the way.</summary>
    /// <param name="title">How.</param>
    /// <param name="text">More about it.</param>
    public void TellEnd(string title, string text)
    {
        List<Fact> facts =
        [
            new("instructions", Now.ToString("N0", CultureInfo.InvariantCulture)),
            new("virtual time", Duration(Time)),
        ];
        if (Machine.Vcpus.Count > 1)
            facts.Add(new Fact(_countBefore == 0 ? "of each vCPU" : "of each vCPU, last life", string.Join(", ", Machine.Vcpus.Select(vcpu => vcpu.InstructionsRetired.ToString("N0", CultureInfo.InvariantCulture)))));
        facts.Add(new Fact("writes to CR3", _addressSpaceWrites.ToString("N0", CultureInfo.InvariantCulture)));
        facts.Add(new Fact("WRMSR", _modelSpecificWrites.ToString("N0", CultureInfo.InvariantCulture)));
        if (Machine.XenDomain?.Observer is XenNarrator xen)
            facts.Add(new Fact("hypercalls", xen.Calls.ToString("N0", CultureInfo.InvariantCulture)));
        List<IReadOnlyList<string>> rows = [];
        for (int vector = 0; vector < _events.Length; vector++)
        {
            if (_events[vector] != 0)
                rows.Add([DescriptorTables.Vector((byte)vector), _events[vector].ToString("N0", CultureInfo.InvariantCulture), DescriptorTables.Handler(Machine.Vcpu, (byte)vector, _symbols) ?? ""]);
        }

        List<Detail> details = rows.Count == 0 ? [] : [new Detail("Exceptions and interrupts", ["vector", "how often", "handler at the end"], rows)];
        details.Add(SegmentRegisters(Machine.CurrentVcpu.State));
        Tell(
            new Milestone { Kind = MilestoneKind.End, Title = title, Text = text, Facts = facts, Details = details },
            Machine.CurrentVcpu,
            Machine.CurrentVcpu.State->Rip,
            showsInstruction: false);
    }

    /// <summary>A time in nanoseconds as people write it.</summary>
    internal static string Duration(ulong nanoseconds) => nanoseconds switch
    {
        < 1_000 => $"{nanoseconds} ns",
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1e3:F1} µs"),
        < 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1e6:F1} ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1e9:F3} s"),
    };

    private static Detail SegmentRegisters(CpuState* state)
    {
        List<IReadOnlyList<string>> rows = [];
        foreach ((string name, SegmentName segment) in Segments)
        {
            ref SegmentRegister register = ref state->Segments[(int)segment];
            bool isUsable = (register.Attributes & SegmentAttributes.Present) != 0;
            rows.Add([name, $"0x{register.Selector:x4}", Hex(register.Base), Hex(register.Limit), !isUsable ? "unusable" : DescriptorTables.Describe(register.Attributes)]);
        }

        return new Detail("Segment registers", ["", "selector", "base", "limit", "what"], rows);
    }

    private void AddStartInfo(HvmStartInfo info, List<Fact> facts, List<Detail> details)
    {
        AddText(facts, "command line", info.CommandLineAddress);
        facts.Add(new Fact("ACPI RSDP", info.RsdpAddress == 0 ? "none" : Hex(info.RsdpAddress)));
        for (int i = 0; i < info.Modules.Count; i++)
            facts.Add(new Fact($"module {i}", string.Create(CultureInfo.InvariantCulture, $"{Hex(info.Modules[i].Address)}, {info.Modules[i].Size:N0} bytes")));
        if (info.MemoryMap.Count == 0)
            return;
        List<IReadOnlyList<string>> rows = [];
        foreach (MemoryMapEntry entry in info.MemoryMap)
            rows.Add([Hex(entry.Address), Hex(entry.Address + entry.Size - 1), AddressSpaceMap.Size(entry.Size), entry.Type.ToString()]);
        details.Add(new Detail($"Memory map at {Hex(info.MemoryMapAddress)}", ["from", "to", "size", "type"], rows));
    }

    private void AddMultiboot(CpuState* state, uint information, List<Fact> facts)
    {
        facts.Add(new Fact("EAX", $"{Hex((uint)state->Registers[0])}: the magic number"));
        facts.Add(new Fact("EBX", $"{Hex(information)}: the boot information"));
        byte[] bytes = new byte[4];
        if (Machine.Ram.Physical.TryRead(information, bytes))
            facts.Add(new Fact(state->Registers[0] == 0x2BADB002 ? "flags" : "size", Hex(BitConverter.ToUInt32(bytes))));
    }

    private void AddText(List<Fact> facts, string name, ulong address)
    {
        if (address == 0)
            return;
        byte[] bytes = new byte[512];
        int length = 0;
        while (length < bytes.Length && Machine.Ram.Physical.TryRead(address + (ulong)length, bytes.AsSpan(length, 1)) && bytes[length] != 0)
            length++;
        facts.Add(new Fact(name, $"“{ConsoleListener.Plain(Encoding.UTF8.GetString(bytes, 0, length))}”{(length == bytes.Length ? " …" : "")}"));
    }
}
