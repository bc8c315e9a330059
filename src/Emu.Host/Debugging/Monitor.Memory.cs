using System.Globalization;
using System.Text;
using Emu.Cpu.State;
using Emu.Host.Explaining;
using Emu.Host.Tracing;

namespace Emu.Host.Debugging;

// What leads from a linear address to memory.
internal sealed partial class Monitor
{
    // Bits of a page-table entry (SDM Vol. 3, tables 4-15 to 4-20).
    private static readonly (int Bit, string Name)[] EntryBits =
        [(0, "P"), (1, "W"), (2, "U"), (3, "PWT"), (4, "PCD"), (5, "A"), (6, "D"), (7, "PS"), (8, "G"), (63, "NX")];

    private string Walk(string[] words)
    {
        if (!TryAddress(words[0], out ulong linear))
            return NoAddress(words[0]);
        List<PageWalkStep> steps = GuestMemoryView.Walk(Vcpu, linear);
        if (steps.Count == 0)
            return string.Create(CultureInfo.InvariantCulture, $"Paging is off: 0x{linear:x} is a physical address.\n");
        StringBuilder text = new();
        foreach (PageWalkStep step in steps)
        {
            text.Append(CultureInfo.InvariantCulture, $"{step.Table,-5} entry at 0x{step.Address:x}: ");
            text.Append(step.IsReadable ? Entry(step) : "not in RAM").Append('\n');
        }

        ulong? physical = GuestMemoryView.Translate(Vcpu, linear);
        text.Append(physical is { } address
            ? string.Create(CultureInfo.InvariantCulture, $"0x{linear:x} is at physical 0x{address:x}\n")
            : string.Create(CultureInfo.InvariantCulture, $"0x{linear:x} is not mapped\n"));
        return text.ToString();
    }

    private unsafe string Maps()
    {
        if ((Vcpu.State->Cr0 & Cr0.Pg) == 0)
            return "Paging is off: linear addresses are physical.\n";
        AddressSpaceMap map = AddressSpaceMap.Of(Vcpu);
        Detail table = map.Table(int.MaxValue);
        StringBuilder text = new();
        foreach (IReadOnlyList<string> row in table.Rows)
            text.Append($"{row[0].Replace('–', '-'),-33} at {row[1],-9} {row[2],8} in pages of {row[3],-6} {row[4]} {row[5]}".TrimEnd()).Append('\n');
        return text.Append(map.Summary()).Append('\n').ToString();
    }

    private static string Entry(PageWalkStep step)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"0x{step.Entry:x16}");
        foreach ((int bit, string name) in EntryBits)
        {
            // Bit 7 of a page's own entry is PAT; only in a directory does it say that the page is large.
            string shown = bit == 7 && step.Table == "PT" ? "PAT" : name;
            if ((step.Entry >> bit & 1) != 0)
                text.Append(' ').Append(shown);
        }

        return text.ToString();
    }
}
