using System.Globalization;

namespace Emu.Compare;

internal static class Table
{
    public static void WriteHeader(TextWriter output)
    {
        output.WriteLine("workload  engine          here s  QEMU s   ratio  lowest..highest   CPU here    QEMU  checksum");
        output.Flush();
    }

    public static void Write(TextWriter output, Row row)
    {
        string figures = row.Rounds > 0
            ? string.Create(CultureInfo.InvariantCulture,
                $"{row.Ours,8:F3} {row.Theirs,7:F3} {Ratio(row.Ratio),7}  {Ratio(row.LowestRatio),6}..{Ratio(row.HighestRatio),-7} {row.OurProcessor,10:F2} {row.TheirProcessor,7:F2}")
            : string.Create(CultureInfo.InvariantCulture, $"{"-",8} {"-",7} {"-",7}  {"-",6}  {"-",-7} {"-",10} {"-",7}");
        string verdict = row.Failure is { } failure ? $"FAILED: {failure}" : row.IsSkipped ? "skipped" : row.Checksum ?? "-";
        output.WriteLine($"{row.Guest.Name,-9} {row.Engine,-12} {figures}  {verdict}");
        output.Flush();
    }

    public static void WriteSummary(TextWriter output, IReadOnlyCollection<Row> rows)
    {
        foreach (IGrouping<string, Row> engine in rows.GroupBy(row => row.Engine))
        {
            List<Row> good = [.. engine.Where(row => row.Failure is null && row.Rounds > 0)];
            if (good.Count > 0)
            {
                Row worst = good.MaxBy(row => row.Ratio)!;
                output.WriteLine($"{engine.Key}: geometric mean of {good.Count}: {Ratio(Statistics.GeometricMean(good.Select(row => row.Ratio)))}"
                    + $", worst: {worst.Guest.Name} {Ratio(worst.Ratio)}");
            }

            List<Row> failed = [.. engine.Where(row => row.Failure is not null)];
            if (failed.Count > 0)
                output.WriteLine($"{engine.Key}: FAILED: {string.Join(' ', failed.Select(row => row.Guest.Name))}");
        }
    }

    // Three digits that mean something, whatever the size.
    private static string Ratio(double ratio) => ratio.ToString(ratio < 0.1 ? "F4" : ratio < 1 ? "F3" : "F2", CultureInfo.InvariantCulture);
}
