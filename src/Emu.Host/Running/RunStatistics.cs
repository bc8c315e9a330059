using System.Globalization;
using System.Text.Json;

namespace Emu.Host.Running;

/// <summary>
/// What <c>--stats</c> tells about a run: counts and times of all lives of the guest together, and how the last one ended. Everything but the wall-clock
/// figures and tiers is the same in every run of the same guest.
/// </summary>
public sealed record RunStatistics
{
    /// <summary>Instructions retired.</summary>
    public required ulong Instructions { get; init; }

    /// <summary>Virtual time that has passed, in nanoseconds.</summary>
    public required ulong VirtualNanoseconds { get; init; }

    /// <summary>Host time that the run took, without loading the kernel.</summary>
    public required TimeSpan WallTime { get; init; }

    /// <summary>At the end: SHA-256 over all processor state and RAM, in lower-case hexadecimal.</summary>
    public required string StateHash { get; init; }

    /// <summary>Why the run ended: power-off, reboot, exit, crash, limit, timeout, quit or signal.</summary>
    public required string ExitReason { get; init; }

    /// <summary>How often the guest was started anew.</summary>
    public int Restarts { get; init; }

    /// <summary>The process's exit code.</summary>
    public required int ExitCode { get; init; }

    /// <summary>Instructions for each engine tier; they sum to <see cref="Instructions"/>.</summary>
    public required IReadOnlyDictionary<string, ulong> Tiers { get; init; }

    /// <summary>Instructions that each vCPU has retired; they sum to <see cref="Instructions"/>.</summary>
    public required IReadOnlyList<ulong> Vcpus { get; init; }

    /// <summary>Millions of instructions for each second of host time.</summary>
    public double MillionInstructionsPerSecond =>
        WallTime > TimeSpan.Zero ? Instructions / WallTime.TotalSeconds / 1e6 : 0;

    /// <summary>Writes the statistics as one JSON object.</summary>
    /// <param name="stream">Where they go.</param>
    public void Write(Stream stream)
    {
        using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteNumber("instructions", Instructions);
        json.WriteNumber("virtualNanoseconds", VirtualNanoseconds);
        json.WritePropertyName("wallSeconds");
        json.WriteRawValue(WallTime.TotalSeconds.ToString("F6", CultureInfo.InvariantCulture));
        json.WritePropertyName("mips");
        json.WriteRawValue(MillionInstructionsPerSecond.ToString("F3", CultureInfo.InvariantCulture));
        json.WriteString("stateHash", StateHash);
        json.WriteStartObject("exit");
        json.WriteString("reason", ExitReason);
        json.WriteNumber("code", ExitCode);
        json.WriteEndObject();
        json.WriteNumber("restarts", Restarts);
        json.WriteStartObject("tiers");
        foreach ((string tier, ulong count) in Tiers)
            json.WriteNumber(tier, count);
        json.WriteEndObject();
        json.WriteStartArray("vcpus");
        foreach (ulong count in Vcpus)
            json.WriteNumberValue(count);
        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        stream.Write("\n"u8);
    }
}
