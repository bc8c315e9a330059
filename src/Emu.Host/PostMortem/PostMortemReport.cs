using System.Globalization;
using System.Text;
using Emu.Cpu;
using Emu.Cpu.State;
using Emu.Host.Symbols;
using Emu.Host.Tracing;
using Emu.Machine;

namespace Emu.Host.PostMortem;

/// <summary>Everything about a crash that helps to find its cause, most telling first.</summary>
internal static unsafe class PostMortemReport
{
    private const int StackWords = 8;

    /// <summary>Renders the report.</summary>
    /// <param name="headline">What happened, in one sentence.</param>
    /// <param name="machine">The machine as it was left.</param>
    /// <param name="chain">The faults that led here, oldest first; empty where it was no triple fault.</param>
    /// <param name="lastInstructions">The instructions before the crash, oldest first; empty where they are not known.</param>
    /// <param name="symbols">Names for addresses.</param>
    /// <returns>Lines, each ended.</returns>
    public static string Render(
        string headline,
        PvhMachine machine,
        IReadOnlyList<CrashEvent> chain,
        IReadOnlyList<ExecutedInstruction> lastInstructions,
        KernelSymbols symbols)
    {
        Vcpu vcpu = machine.CurrentVcpu;
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"{headline} ({machine.InstructionsRetired:N0} instructions, {CpuStateText.Mode(vcpu)})\n");
        foreach (string sentence in CrashCause.Explain(chain, vcpu))
            text.Append(CultureInfo.InvariantCulture, $"  {sentence}\n");
        AppendChain(text, vcpu, chain, symbols);
        AppendInstructions(text, vcpu, chain, lastInstructions, symbols);
        text.Append(machine.Vcpus.Count == 1 ? "\nRegisters\n" : $"\nRegisters of vCPU {vcpu.Number}\n");
        foreach (string line in CpuStateText.Dump(vcpu).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            text.Append(CultureInfo.InvariantCulture, $"  {line}\n");
        AppendWalks(text, vcpu, chain);
        AppendStack(text, vcpu, symbols);
        AppendOthers(text, machine, symbols);
        return text.ToString();
    }

    private static void AppendChain(StringBuilder text, Vcpu vcpu, IReadOnlyList<CrashEvent> chain, KernelSymbols symbols)
    {
        if (chain.Count == 0)
            return;
        text.Append("\nFaults\n");
        for (int i = 0; i < chain.Count; i++)
        {
            CrashEvent fault = chain[i];
            text.Append(CultureInfo.InvariantCulture, $"  {i + 1}. {ExceptionText.Name(fault.Event.Vector)} at 0x{fault.Event.Rip:x}{Place(vcpu, fault.Event.Rip, symbols)}");
            if (fault.Event.Vector == ExceptionVector.PageFault)
                text.Append(CultureInfo.InvariantCulture, $", address 0x{fault.Cr2:x}");
            string code = ExceptionText.ErrorCode(fault);
            text.Append(code.Length != 0 ? $", {code}" : "").Append(i == 0 ? "\n" : ", while the one before was delivered\n");
        }

        text.Append("  then the processor shut down: a triple fault.\n");
    }

    private static void AppendInstructions(
        StringBuilder text, Vcpu vcpu, IReadOnlyList<CrashEvent> chain, IReadOnlyList<ExecutedInstruction> lastInstructions, KernelSymbols symbols)
    {
        if (lastInstructions.Count != 0)
        {
            text.Append("\nLast instructions\n");
            foreach (ExecutedInstruction executed in lastInstructions)
            {
                string who = vcpu.Model.Processors == 1 ? "" : $"  vCPU {executed.Vcpu}";
                text.Append(CultureInfo.InvariantCulture, $"  {executed.Count,14:N0}{who}  0x{executed.Rip:x}: {executed.Text}{Place(vcpu, executed.Rip, symbols)}\n");
            }

            return;
        }

        ulong rip = chain.Count != 0 ? chain[0].Event.Rip : vcpu.State->Rip;
        text.Append(CultureInfo.InvariantCulture, $"\nInstruction\n  0x{rip:x}: {new Disassembler().At(vcpu, rip)}{Place(vcpu, rip, symbols)}\n");
    }

    // What the other processors were doing: often it is with one of them that the trouble began.
    private static void AppendOthers(StringBuilder text, PvhMachine machine, KernelSymbols symbols)
    {
        if (machine.Vcpus.Count == 1)
            return;
        text.Append("\nOther vCPUs\n");
        foreach (Vcpu vcpu in machine.Vcpus)
        {
            if (vcpu == machine.CurrentVcpu)
                continue;
            text.Append(CultureInfo.InvariantCulture, $"  vCPU {vcpu.Number}: ");
            if (machine.WaitsForStartup(vcpu))
            {
                text.Append("waits to be started\n");
                continue;
            }

            text.Append(CultureInfo.InvariantCulture, $"{(vcpu.IsHalted ? "halted" : "runs")} at 0x{vcpu.State->Rip:x}{Place(vcpu, vcpu.State->Rip, symbols)}, {CpuStateText.Mode(vcpu)}");
            text.Append(CultureInfo.InvariantCulture, $", {vcpu.InstructionsRetired:N0} instructions\n");
        }
    }

    private static void AppendWalks(StringBuilder text, Vcpu vcpu, IReadOnlyList<CrashEvent> chain)
    {
        foreach (ulong address in chain.Where(fault => fault.Event.Vector == ExceptionVector.PageFault).Select(fault => fault.Cr2).Distinct())
        {
            text.Append(CultureInfo.InvariantCulture, $"\nPage walk of 0x{address:x}\n");
            foreach (PageWalkStep step in GuestMemoryView.Walk(vcpu, address))
            {
                text.Append(CultureInfo.InvariantCulture, $"  {step.Table,-4} entry at 0x{step.Address:x}: ");
                text.Append(step.IsReadable ? Describe(step) : "that is not RAM").Append('\n');
            }
        }
    }

    /// <summary>
    /// <code>
    ///  63 XD | 51:12 address | 8 G | 7 PS | 6 D | 5 A | 2 U/S | 1 R/W | 0 P
    /// </code>
    /// </summary>
    private static string Describe(PageWalkStep step)
    {
        string entry = string.Create(CultureInfo.InvariantCulture, $"0x{step.Entry:x16} ");
        if (!step.IsPresent)
            return entry + "not present";
        return entry
            + (step.IsLeaf ? "page, " : "table, ")
            + (step.AllowsWrites ? "writable" : "read-only")
            + (step.AllowsUsers ? ", user" : ", supervisor")
            + (step.Entry >> 63 != 0 ? ", no execution" : "");
    }

    private static void AppendStack(StringBuilder text, Vcpu vcpu, KernelSymbols symbols)
    {
        int width = vcpu.Is64BitCode ? 8 : 4;
        ulong pointer = vcpu.State->Registers[4];
        ulong linear = vcpu.Is64BitCode ? pointer : (uint)(pointer + vcpu.State->Segments[(int)SegmentName.Ss].Base);
        byte[] bytes = new byte[StackWords * width];
        int count = GuestMemoryView.ReadLinear(vcpu, linear, bytes);
        text.Append(CultureInfo.InvariantCulture, $"\nStack at 0x{pointer:x}\n ");
        if (count < width)
            text.Append(" not mapped");
        List<string> places = [];
        for (int i = 0; i + width <= count; i += width)
        {
            ulong word = width == 8 ? BitConverter.ToUInt64(bytes, i) : BitConverter.ToUInt32(bytes, i);
            text.Append(' ').Append(word.ToString(width == 8 ? "x16" : "x8", CultureInfo.InvariantCulture));
            if (i / width % 4 == 3 && i + width < count)
                text.Append("\n ");
            // A return address is inside a function, never its first byte.
            if (symbols.Table.Find(word) is { IsCode: true } symbol && symbol.Address != word)
                places.Add(string.Create(CultureInfo.InvariantCulture, $"  {word:x}: {symbols.Table.Describe(word)}\n"));
        }

        text.Append('\n').AppendJoin("", places);
    }

    private static string Place(Vcpu vcpu, ulong rip, KernelSymbols symbols) =>
        symbols.DescribeCode(vcpu, rip) is { } place ? $" @ {place}" : "";
}

/// <summary>An instruction that was executed.</summary>
/// <param name="Count">How many instructions had retired before it.</param>
/// <param name="Vcpu">The number of the vCPU that executed it.</param>
/// <param name="Rip">Where it lies.</param>
/// <param name="Text">Its bytes and assembly text.</param>
internal readonly record struct ExecutedInstruction(ulong Count, int Vcpu, ulong Rip, string Text);
