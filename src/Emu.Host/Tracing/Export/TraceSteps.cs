using Emu.Machine.Tracing;

namespace Emu.Host.Tracing.Export;

/// <summary>The steps of a trace that are exported: those from a point on, up to a number of elements, of all vCPUs or of one.</summary>
public sealed class TraceSteps
{
    private readonly int? _vcpu;
    private ulong _left;
    private ulong _expected;

    /// <summary>Prepares to go through a trace.</summary>
    /// <param name="reader">The trace.</param>
    /// <param name="options">From where, how many, of which vCPU.</param>
    /// <exception cref="TraceFileException">The trace is damaged.</exception>
    public TraceSteps(TraceReader reader, TraceExportOptions options)
    {
        ArgumentNullException.ThrowIfNull(reader);
        ArgumentNullException.ThrowIfNull(options);
        Cursor = reader.Read(options.From);
        _vcpu = options.Vcpu;
        _left = options.Count ?? ulong.MaxValue;
        _expected = Math.Max(options.From, reader.FirstCount);
    }

    /// <summary>Prepares to go through a trace to its end.</summary>
    /// <param name="reader">The trace.</param>
    /// <param name="from">The count of retired instructions before the first.</param>
    /// <param name="vcpu">Whose steps; null for all.</param>
    /// <exception cref="TraceFileException">The trace is damaged.</exception>
    public TraceSteps(TraceReader reader, ulong from, int? vcpu)
    {
        ArgumentNullException.ThrowIfNull(reader);
        Cursor = reader.Read(from);
        _vcpu = vcpu;
        _left = ulong.MaxValue;
        _expected = Math.Max(from, reader.FirstCount);
    }

    /// <summary>Stands at the step; where it ends is <see cref="Length"/>, not the cursor's.</summary>
    public TraceCursor Cursor { get; }

    /// <summary>How many of the step's elements are exported, from its first on.</summary>
    public int Length { get; private set; }

    /// <summary>Whether something was executed before the step, by whichever vCPU, that a filter kept out of the trace.</summary>
    public bool IsAfterGap { get; private set; }

    /// <summary>Goes on to the next step.</summary>
    /// <returns>False at the end.</returns>
    /// <exception cref="TraceFileException">The trace is damaged.</exception>
    public bool MoveNext()
    {
        IsAfterGap = false;
        while (_left > 0 && Cursor.MoveNext())
        {
            IsAfterGap |= Cursor.Count != _expected;
            _expected = Cursor.Count + (ulong)Cursor.Length;
            if (_vcpu is { } vcpu && vcpu != Cursor.Vcpu)
                continue;
            Length = (int)Math.Min((ulong)Cursor.Length, _left);
            _left -= (ulong)Length;
            return true;
        }

        return false;
    }
}
