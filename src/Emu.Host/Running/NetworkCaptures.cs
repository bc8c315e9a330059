using Emu.Host.Configuration;
using Emu.Machine;
using Emu.Machine.Network;

namespace Emu.Host.Running;

/// <summary>The files into which the traffic of a guest's network cards is written.</summary>
internal sealed class NetworkCaptures : IDisposable
{
    private readonly List<(string Path, PcapWriter Writer)> _captures = [];

    /// <summary>Creates the files.</summary>
    /// <param name="cards">The cards.</param>
    /// <exception cref="UsageException">One cannot be written.</exception>
    public NetworkCaptures(IReadOnlyList<NetworkCard> cards)
    {
        List<NetworkOptions> networks = [];
        foreach (NetworkCard card in cards)
            networks.Add(card.CaptureFile is { } path ? card.Options with { Capture = Create(path) } : card.Options);
        Networks = networks;
    }

    /// <summary>The networks of the cards, in their order, each with its file.</summary>
    public IReadOnlyList<NetworkOptions> Networks { get; }

    /// <summary>Closes the files.</summary>
    /// <returns>A sentence for each that is not whole.</returns>
    public IReadOnlyList<string> Close()
    {
        List<string> sentences = [];
        foreach ((string path, PcapWriter writer) in _captures)
        {
            writer.Dispose();
            if (writer.Failure is { } failure)
                sentences.Add($"The capture '{path}' is not whole: {failure.Message}");
        }

        _captures.Clear();
        return sentences;
    }

    /// <inheritdoc/>
    public void Dispose() => Close();

    private PcapWriter Create(string path)
    {
        PcapWriter writer = new(UserFile.Create(path, "--net pcap"), MachineOptions.DefaultClockStart);
        _captures.Add((path, writer));
        return writer;
    }
}
