using System.Globalization;
using System.Text;
using Emu.Differential.Generation;
using Iced.Intel;

namespace Emu.Differential.Running;

/// <summary>What a run has done, in figures.</summary>
public sealed class Summary
{
    private readonly long[] _byCode = new long[Enum.GetValues<Code>().Length];
    private readonly long[] _byVector = new long[32];
    private readonly long[] _bySize = new long[65];

    /// <summary>Executions on the reference.</summary>
    public long Executions { get; private set; }

    /// <summary>Programs and states that were drawn and given up.</summary>
    public long Refused { get; set; }

    /// <summary>Disagreements that did not occur again with the same program and state: the host's kernel had come between.</summary>
    public long Unrepeated { get; set; }

    /// <summary>Runs that a return led to where no instruction begins: to bytes that each side has of its own.</summary>
    public long Astray { get; set; }

    /// <summary>What the host does not allow.</summary>
    public List<string> Skipped { get; } = [];

    /// <summary>Forms that have been executed.</summary>
    public int CodesCovered => _byCode.Count(static count => count > 0);

    /// <summary>How often a form has been executed.</summary>
    public long CountOf(Code code) => _byCode[(int)code];

    /// <summary>Counts one execution.</summary>
    public void Count(GeneratedProgram program, int vector)
    {
        Executions++;
        _bySize[(int)program.Program.Size]++;
        if (vector is >= 0 and < 32)
            _byVector[vector]++;
        foreach (var facts in program.Facts)
            _byCode[(int)facts.Instruction.Code]++;
    }

    /// <summary>The table at a run's end.</summary>
    public string Describe(CodeCatalogue catalogue)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"executions          {Executions,14:N0}");
        foreach (var size in new[] { 64, 32, 16 })
            text.AppendLine(CultureInfo.InvariantCulture, $"  {size}-bit code       {_bySize[size],14:N0}");
        text.AppendLine(CultureInfo.InvariantCulture, $"drawn and given up  {Refused,14:N0}");
        text.AppendLine(CultureInfo.InvariantCulture, $"not repeated        {Unrepeated,14:N0}");
        text.AppendLine(CultureInfo.InvariantCulture, $"gone astray         {Astray,14:N0}");
        text.AppendLine("instructions executed, by family");
        foreach (var family in catalogue.Included.GroupBy(CodeCatalogue.FamilyOf).OrderBy(static group => group.Key, StringComparer.Ordinal))
            text.AppendLine(CultureInfo.InvariantCulture, $"  {family.Key,-16}{family.Sum(CountOf),16:N0}  in {family.Count(code => CountOf(code) > 0)} of {family.Count()} forms");
        text.AppendLine("faults, by vector");
        for (var vector = 0; vector < _byVector.Length; vector++)
        {
            if (_byVector[vector] != 0)
                text.AppendLine(CultureInfo.InvariantCulture, $"  {vector,-4}{_byVector[vector],28:N0}");
        }
        var missed = catalogue.Included.Where(code => CountOf(code) == 0).ToList();
        text.Append(CultureInfo.InvariantCulture, $"forms covered: {catalogue.Included.Count - missed.Count} of {catalogue.Included.Count}");
        if (missed.Count != 0)
            text.Append("; not reached: ").AppendJoin(", ", missed.Take(40)).Append(missed.Count > 40 ? ", …" : "");
        text.AppendLine();
        foreach (var group in catalogue.Excluded.GroupBy(static pair => pair.Value))
            text.AppendLine(CultureInfo.InvariantCulture, $"left out ({group.Count()}), {group.Key}: {string.Join(", ", group.Select(static pair => pair.Key.Mnemonic()).Distinct())}");
        foreach (var skipped in Skipped)
            text.AppendLine("skipped: " + skipped);
        return text.ToString();
    }
}
