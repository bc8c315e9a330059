using System.Globalization;
using System.Text;
using Emu.Cpu;
using Emu.Host.Symbols;
using Emu.Machine.Tracing;

namespace Emu.Host.Tracing;

/// <summary>
/// The instruction stream as text, one line for each instruction with the state before it, and one for each exception or interrupt
/// that is delivered. Meant to be laid beside QEMU's <c>-d exec,cpu,int</c> to find the first wrong instruction.
/// </summary>
/// <remarks>
/// <code>
/// 4711 0010:ffffffff81000123 00000046 rax rbx rcx rdx rsi rdi rbp rsp r8 … r15 ; mov eax, [rbx] @ start_kernel+0x1f
/// 4712 int v=0e e=0002 i=0 cpl=0 ip=0010:ffffffff81000126 sp=0018:ffffffff82003ef8 cr2=0000000000000010
/// </code>
/// An instruction that faults has a line and then the event's line. An interrupt comes between two instructions, so the line of the one
/// that it held back is taken away again; it follows when the handler has returned. Where a symbol is known, it follows the instruction. With several processors the count is that of all
/// together, and the name of the one that executes (cpu0, cpu1 …) follows it.
/// </remarks>
public sealed unsafe class InstructionTrace : IDisposable
{
    private readonly TextWriter _writer;
    private readonly Disassembler _disassembler = new();
    private readonly StringBuilder _line = new();
    private readonly StringBuilder _events = new();
    private Vcpu? _stepped;
    private ulong _count;
    private ulong _countOfStepped;
    private TraceLife _life = new(1, 0);
    private bool _isEmpty = true;

    /// <summary>Names for the addresses of code.</summary>
    public KernelSymbols Symbols { get; set; } = KernelSymbols.None;

    /// <summary>Makes a trace.</summary>
    /// <param name="writer">Where it goes; disposed with the trace.</param>
    /// <param name="from">How many instructions have retired before the first one that is traced.</param>
    /// <param name="count">How many are traced; null for all.</param>
    public InstructionTrace(TextWriter writer, ulong from, ulong? count)
    {
        ArgumentNullException.ThrowIfNull(writer);
        _writer = writer;
        From = from;
        End = count is { } given && given <= ulong.MaxValue - from ? from + given : ulong.MaxValue;
        writer.WriteLine(CpuStateText.LineHeader);
    }

    /// <summary>The count of retired instructions at which the trace begins.</summary>
    public ulong From { get; }

    /// <summary>The count of retired instructions at which the trace ends.</summary>
    public ulong End { get; }

    /// <summary>Says that the guest has been started anew. Counts go on.</summary>
    /// <param name="life">Its life.</param>
    public void BeginLife(TraceLife life)
    {
        _life = life;
        if (life.FirstCount < End)
            _writer.Write(string.Create(CultureInfo.InvariantCulture, $"# life {life.Number} of the guest\n"));
    }

    /// <summary>Whether an instruction belongs to the trace.</summary>
    /// <param name="retired">How many instructions this life's machine has retired before it.</param>
    /// <returns>Whether it does.</returns>
    public bool IsDue(ulong retired) => _life.FirstCount + retired is var count && count >= From && count < End;

    /// <summary>The count of instructions that this life's machine has retired where the trace begins.</summary>
    /// <param name="retired">How many it has retired.</param>
    /// <returns>A later count; the greatest where it has begun.</returns>
    public ulong NextStop(ulong retired) => _life.FirstCount + retired < From ? From - _life.FirstCount : ulong.MaxValue;

    /// <summary>Why the trace is empty, for the user; null where it is not.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="retired">How many instructions all lives have retired.</param>
    /// <returns>A sentence.</returns>
    public string? WhyEmpty(string path, ulong retired) => !_isEmpty ? null : string.Create(
        CultureInfo.InvariantCulture,
        $"The trace '{path}' is empty: {(retired < From ? $"the run ended after {retired} instructions, before it was to begin after {From}" : $"it ended where it began, after {From} instructions")}.");

    /// <summary>Notes the state before a step of one instruction.</summary>
    /// <param name="vcpu">The processor, which stands before the instruction.</param>
    /// <param name="retired">How many instructions this life's machine has retired.</param>
    public void BeginStep(Vcpu vcpu, ulong retired)
    {
        ArgumentNullException.ThrowIfNull(vcpu);
        ulong count = _life.FirstCount + retired;
        _isEmpty = false;
        _stepped = vcpu;
        _count = count;
        _countOfStepped = vcpu.InstructionsRetired;
        CpuStateText.AppendLine(_line, vcpu, count);
        _line.Append(" ; ").Append(_disassembler.TextAt(vcpu, vcpu.State->Rip));
        if (Symbols.DescribeCode(vcpu, vcpu.State->Rip) is { } place)
            _line.Append(" @ ").Append(place);
        _line.Append('\n');
    }

    /// <summary>Notes an exception or interrupt; to be called from <see cref="Cpu.Platform.IVcpuObserver.Delivering"/>.</summary>
    /// <param name="vcpu">The processor, with the state before the delivery.</param>
    /// <param name="delivered">What is delivered.</param>
    public void Deliver(Vcpu vcpu, in EventInFlight delivered)
    {
        ArgumentNullException.ThrowIfNull(vcpu);
        if (delivered.Kind is EventKind.ExternalInterrupt or EventKind.NonMaskableInterrupt)
            _line.Clear();
        var state = vcpu.State;
        // Where another processor than the expected one takes the event, all were idle: nothing has been retired since.
        ulong count = vcpu == _stepped ? _count + (vcpu.InstructionsRetired - _countOfStepped) : _count;
        int isSoftware = delivered.Kind is EventKind.SoftwareInterrupt or EventKind.SoftwareException ? 1 : 0;
        _events.Append(
            CultureInfo.InvariantCulture,
            $"{count} {CpuStateText.Name(vcpu)}int v={delivered.Vector:x2} e={(delivered.HasErrorCode ? delivered.ErrorCode : 0):x4} i={isSoftware} cpl={state->Cpl}");
        _events.Append(
            CultureInfo.InvariantCulture,
            $" ip={state->Segments[1].Selector:x4}:{delivered.Rip:x16} sp={state->Segments[2].Selector:x4}:{state->Registers[4]:x16} cr2={state->Cr2:x16}\n");
    }

    /// <summary>Writes what the step was.</summary>
    /// <param name="wasExecuted">False where nothing was executed after all, because the processor has shut down.</param>
    public void EndStep(bool wasExecuted)
    {
        if (wasExecuted)
            _writer.Write(_line);
        _writer.Write(_events);
        _line.Clear();
        _events.Clear();
    }

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();
}
