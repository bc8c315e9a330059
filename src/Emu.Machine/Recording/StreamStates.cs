using Emu.Cpu.Snapshots;

namespace Emu.Machine.Recording;

/// <summary>What goes without saying of a connection of the host's.</summary>
internal sealed class StreamState
{
    /// <summary>Whether it has come about; null while that is not known.</summary>
    public bool? IsConnected { get; set; }

    /// <summary>Whether it did not take all of what was sent last: then it takes nothing.</summary>
    public bool IsFull { get; set; }
}

/// <summary>The states of the host's connections, by the numbers in whose order they were opened. A snapshot that is taken while a run is recorded has the form of one from its replay.</summary>
internal sealed class StreamStates
{
    private readonly SortedDictionary<ulong, StreamState> _open = [];
    private ulong _opened;

    /// <summary>A connection is opened.</summary>
    /// <param name="isConnected">Whether it has come about.</param>
    /// <param name="number">Its number.</param>
    public StreamState Open(bool? isConnected, out ulong number)
    {
        number = _opened++;
        return _open[number] = new StreamState { IsConnected = isConnected };
    }

    /// <summary>A connection that a snapshot has; its state follows.</summary>
    public StreamState Resume(ulong number) => _open[number] = new StreamState();

    /// <summary>A connection is closed.</summary>
    public void Close(ulong number) => _open.Remove(number);

    /// <summary>Transfers them; what is restored has been resumed before.</summary>
    /// <param name="stream">Where state goes to, or comes from.</param>
    /// <param name="states">They; null for sockets that know none.</param>
    public static void Transfer(StateStream stream, StreamStates? states)
    {
        stream.Section("host's connections");
        var opened = stream.Transferred(states?._opened ?? 0);
        var count = stream.Count(states?._open.Count ?? 0, int.MaxValue);
        if (!stream.IsRestoring)
        {
            foreach (var (number, state) in states?._open ?? [])
            {
                stream.Transferred(number);
                Transfer(stream, state);
            }

            return;
        }

        for (var i = 0; i < count; i++)
        {
            var number = stream.Transferred(0UL);
            Transfer(stream, states is not null && states._open.TryGetValue(number, out var state) ? state : new StreamState());
        }

        if (states is not null)
            states._opened = opened;
    }

    private static void Transfer(StateStream stream, StreamState state)
    {
        var isConnected = state.IsConnected;
        stream.Transfer(ref isConnected);
        state.IsConnected = isConnected;
        state.IsFull = stream.Transferred(state.IsFull);
    }
}

/// <summary>The host's network, with what a snapshot says of its connections.</summary>
internal interface IJournaledSockets
{
    /// <summary>Their states.</summary>
    StreamStates Streams { get; }
}
