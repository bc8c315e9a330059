namespace Emu.Host.Explaining;

/// <summary>What a milestone is about.</summary>
public enum MilestoneKind
{
    /// <summary>The guest's first state.</summary>
    Entry,

    /// <summary>CR0, CR4, EFER, XCR0.</summary>
    Control,

    /// <summary>The mode that code runs in.</summary>
    Mode,

    /// <summary>Page tables.</summary>
    Paging,

    /// <summary>GDT, LDT, TSS, code segments.</summary>
    Segments,

    /// <summary>The interrupt descriptor table.</summary>
    Interrupts,

    /// <summary>An exception or interrupt.</summary>
    Event,

    /// <summary>A model-specific register.</summary>
    Register,

    /// <summary>An interrupt controller or a timer.</summary>
    Controller,

    /// <summary>Something between a domain and Xen.</summary>
    Hypervisor,

    /// <summary>Another vCPU.</summary>
    Processor,

    /// <summary>Ring 3.</summary>
    User,

    /// <summary>The console.</summary>
    Console,

    /// <summary>The guest's last state.</summary>
    End,
}

/// <summary>Something on a kernel's way that is worth telling.</summary>
public sealed record Milestone
{
    /// <summary>Its place in the story, from 1 on.</summary>
    public int Number { get; init; }

    /// <summary>What it is about.</summary>
    public required MilestoneKind Kind { get; init; }

    /// <summary>What happens, in a few words.</summary>
    public required string Title { get; init; }

    /// <summary>What it means, in whole sentences.</summary>
    public string Text { get; init; } = "";

    /// <summary>Where the manuals tell of it; null for nowhere.</summary>
    public ManualSection? Manual { get; init; }

    /// <summary>Instructions that all vCPUs together had retired before it.</summary>
    public ulong Count { get; init; }

    /// <summary>Virtual time, in nanoseconds.</summary>
    public ulong Time { get; init; }

    /// <summary>The vCPU's number.</summary>
    public int Vcpu { get; init; }

    /// <summary>The offset in CS of the instruction that it is about; null where it is about none.</summary>
    public ulong? Rip { get; init; }

    /// <summary>The symbol there; null where none is known.</summary>
    public string? Symbol { get; init; }

    /// <summary>The instruction there; null where it is not of interest.</summary>
    public string? Instruction { get; init; }

    /// <summary>Single facts, in order.</summary>
    public IReadOnlyList<Fact> Facts { get; init; } = [];

    /// <summary>Tables: descriptors, page walks, bits.</summary>
    public IReadOnlyList<Detail> Details { get; init; } = [];
}

/// <summary>A fact.</summary>
/// <param name="Name">What.</param>
/// <param name="Value">How much, where, or which.</param>
public readonly record struct Fact(string Name, string Value);

/// <summary>A table that belongs to a milestone.</summary>
/// <param name="Title">What it shows.</param>
/// <param name="Columns">The heads of its columns.</param>
/// <param name="Rows">Its rows; a cell for each column.</param>
/// <param name="Omitted">How many rows were left out.</param>
public sealed record Detail(string Title, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows, int Omitted = 0);

/// <summary>A place in the processor manuals, or in Xen's headers.</summary>
/// <param name="Book">The book.</param>
/// <param name="Section">Section and title.</param>
public sealed record ManualSection(string Book, string Section)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Book}, {Section}";
}

/// <summary>A line that the guest wrote on its console.</summary>
/// <param name="Count">Instructions that had been retired when it began.</param>
/// <param name="Time">Virtual time then, in nanoseconds.</param>
/// <param name="Text">The line, without control characters.</param>
public readonly record struct ConsoleLine(ulong Count, ulong Time, string Text);
