namespace Emu.Compare;

/// <summary>One guest under one engine, beside QEMU: the rounds that were complete, and what was wrong.</summary>
internal sealed class Row(Guest guest, string engine)
{
    private readonly List<double> _ours = [];
    private readonly List<double> _theirs = [];
    private readonly List<double> _ratios = [];
    private readonly List<double> _ourProcessor = [];
    private readonly List<double> _theirProcessor = [];

    public Guest Guest => guest;

    public string Engine => engine;

    public int Rounds => _ratios.Count;

    /// <summary>Medians, in seconds.</summary>
    public double Ours => Statistics.Median(_ours);

    public double Theirs => Statistics.Median(_theirs);

    /// <summary>Processor time of the whole processes: medians, in seconds.</summary>
    public double OurProcessor => Statistics.Median(_ourProcessor);

    public double TheirProcessor => Statistics.Median(_theirProcessor);

    /// <summary>The median of the rounds' ratios, each of two runs that followed one another; below 1 we are faster.</summary>
    public double Ratio => Statistics.Median(_ratios);

    public double LowestRatio => _ratios.Min();

    public double HighestRatio => _ratios.Max();

    /// <summary>The checksum that all runs gave, or the first that one gave.</summary>
    public string? Checksum { get; private set; }

    public bool IsSkipped { get; private set; }

    /// <summary>Why the row counts as failed; null if it does not.</summary>
    public string? Failure { get; private set; }

    /// <summary>Takes one round in.</summary>
    /// <returns>Why the round does not count, or null if it does.</returns>
    public string? Add(ProcessRun ours, ProcessRun theirs)
    {
        Outcome our = guest.Judge(ours), their = guest.Judge(theirs);
        if (our.IsSkipped || their.IsSkipped)
        {
            IsSkipped = true;
            return our.IsSkipped ? "skipped here" : "skipped by QEMU";
        }

        if (our.Failure is { } failure)
        {
            Fail(failure);
            return $"here: {failure}";
        }

        Compare(our.Checksum!);
        if (their.Failure is { } theirFailure)
            return $"QEMU: {theirFailure}";

        Compare(their.Checksum!);
        double e = our.Time!.Value.TotalSeconds, q = their.Time!.Value.TotalSeconds;
        _ours.Add(e);
        _theirs.Add(q);
        _ratios.Add(e / q);
        _ourProcessor.Add(ours.Processor.TotalSeconds);
        _theirProcessor.Add(theirs.Processor.TotalSeconds);
        return null;
    }

    public void Fail(string why) => Failure ??= why;

    private void Compare(string checksum)
    {
        Checksum ??= checksum;
        if (Checksum != checksum)
            Fail($"checksums differ: {Checksum}, {checksum}");
    }
}
