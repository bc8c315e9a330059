using System.Text.Json;

namespace Emu.Compare;

/// <summary>Runs every guest in QEMU and in each engine alternately, and prints the table.</summary>
internal sealed class Comparison(CompareOptions options, TextWriter output, TextWriter log)
{
    private const string Reference = "interpreter";

    /// <summary>Runs all.</summary>
    /// <returns>The exit code: 0 if no row failed, else 1.</returns>
    public int Run()
    {
        var rows = new List<Row>();
        Table.WriteHeader(output);
        foreach (Guest guest in options.Guests)
        {
            foreach (Row row in Run(guest))
            {
                rows.Add(row);
                Table.Write(output, row);
            }
        }

        Table.WriteSummary(output, rows);
        return rows.Exists(row => row.Failure is not null) ? 1 : 0;
    }

    private List<Row> Run(Guest guest)
    {
        List<Row> rows = [.. options.Engines.Select(engine => new Row(guest, engine))];
        TimeSpan limit = options.Limit ?? guest.DefaultLimit;
        for (int round = 1; round <= options.Rounds; round++)
        {
            ProcessRun theirs = ProcessRun.Start(Machines.Qemu(options, guest), limit);
            foreach (Row row in rows.Where(row => row.Failure is null && !row.IsSkipped))
            {
                ProcessRun ours = ProcessRun.Start(Machines.Emulator(options, guest, row.Engine), limit);
                if (row.Add(ours, theirs) is { } why)
                    log.WriteLine($"{guest.Name}, round {round}: not counted ({why})");
            }

            if (rows.TrueForAll(row => row.Failure is not null || row.IsSkipped))
                break;
        }

        foreach (Row row in rows.Where(row => row.Rounds == 0 && !row.IsSkipped))
            row.Fail("no round was complete");
        foreach (Row row in rows.Where(row => row.Checksum != rows[0].Checksum))
            row.Fail($"checksums differ: {rows[0].Checksum}, {row.Checksum}");
        if (options.SameState)
            CompareStates(guest, rows, limit);
        return rows;
    }

    // Untimed: the hash is over all of RAM, which takes its time.
    private void CompareStates(Guest guest, List<Row> rows, TimeSpan limit)
    {
        string reference = State(guest, Reference, limit);
        foreach (Row row in rows.Where(row => row.Failure is null && !row.IsSkipped))
        {
            string state = row.Engine == Reference ? reference : State(guest, row.Engine, limit);
            if (state != reference)
                row.Fail($"{Reference} ends at {reference}, {row.Engine} at {state}");
        }
    }

    private string State(Guest guest, string engine, TimeSpan limit)
    {
        string file = Path.GetTempFileName();
        try
        {
            ProcessRun run = ProcessRun.Start(Machines.Emulator(options, guest, engine, file), limit);
            if (new FileInfo(file).Length == 0)
                return run.Describe();
            using JsonDocument statistics = JsonDocument.Parse(File.ReadAllBytes(file));
            JsonElement root = statistics.RootElement;
            return $"{root.GetProperty("instructions")} {root.GetProperty("stateHash")}";
        }
        finally
        {
            File.Delete(file);
        }
    }
}
