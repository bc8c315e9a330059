using System.Globalization;
using System.Text;

namespace Emu.Compare;

/// <summary>
/// One row of the table: what both machines boot, and what of a run is timed and compared.
/// </summary>
internal abstract record Guest(string Name, string Kernel)
{
    public abstract string CommandLine { get; }

    public virtual string? Initrd => null;

    public virtual int Vcpus => 1;

    /// <summary>How long one run may take where the user did not say.</summary>
    public abstract TimeSpan DefaultLimit { get; }

    /// <summary>QEMU's arguments for the machine around the guest, apart from kernel and memory.</summary>
    public abstract IReadOnlyList<string> QemuMachine { get; }

    /// <summary>What a finished run amounts to.</summary>
    public abstract Outcome Judge(ProcessRun run);
}

/// <summary>
/// A workload of a kernel that takes <c>bench=NAME n=N</c>, prints START after its set-up and RESULT NAME N CHECKSUM behind the work.
/// Timed is what lies between the two lines.
/// </summary>
internal sealed record Workload(string Name, string Kernel, long Count) : Guest(Name, Kernel)
{
    public override string CommandLine => string.Create(CultureInfo.InvariantCulture, $"bench={Name} n={Count}");

    public override TimeSpan DefaultLimit => TimeSpan.FromSeconds(60);

    public override IReadOnlyList<string> QemuMachine => ["-cpu", "max", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"];

    public override Outcome Judge(ProcessRun run)
    {
        TimeSpan? start = null;
        foreach ((TimeSpan at, string line) in run.Lines)
        {
            if (line.StartsWith("START", StringComparison.Ordinal))
                start = at;
            else if (line.StartsWith("SKIP", StringComparison.Ordinal))
                return Outcome.Skipped;
            else if (line.StartsWith("RESULT ", StringComparison.Ordinal) && start is { } began)
                return Outcome.Finished(at - began, line[(line.LastIndexOf(' ') + 1)..]);
        }

        return Outcome.Failed(run.Describe());
    }
}

/// <summary>
/// Linux with an initramfs that powers the machine off. Timed is the whole process; compared is what programs print, which the kernel's
/// own lines (in brackets, with the time) are not.
/// </summary>
internal sealed record LinuxBoot(string Kernel, string InitialRamDisk, string Append, int Processors) : Guest("linux", Kernel)
{
    public override string CommandLine => Append;

    public override string? Initrd => InitialRamDisk;

    public override int Vcpus => Processors;

    /// <summary>Short, because QEMU's kernel sometimes never gets past the calibration of its time-stamp counter.</summary>
    public override TimeSpan DefaultLimit => TimeSpan.FromSeconds(20);

    public override IReadOnlyList<string> QemuMachine => [];

    public override Outcome Judge(ProcessRun run)
    {
        if (run.ExitCode != 0)
            return Outcome.Failed(run.Describe());
        ulong hash = 0xCBF29CE484222325; // FNV-1a
        foreach ((_, string line) in run.Lines)
        {
            if (line.StartsWith('['))
                continue;
            foreach (byte b in Encoding.UTF8.GetBytes(line + "\n"))
                hash = (hash ^ b) * 0x100000001B3;
        }

        return Outcome.Finished(run.Elapsed, hash.ToString("x16", CultureInfo.InvariantCulture));
    }
}
