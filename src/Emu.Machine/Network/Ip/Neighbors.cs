using Emu.Cpu.Snapshots;

namespace Emu.Machine.Network.Ip;

/// <summary>Which card has which address of the network, learned from what the guest sends. Who is unknown is looked for at the guest's card.</summary>
internal sealed class Neighbors : IStateful
{
    /// <summary>So many addresses are remembered: a guest may bridge others, such as containers.</summary>
    private const int Capacity = 64;

    private readonly NetworkOptions _options;
    private readonly (Ipv4Address Address, MacAddress Card)[] _known = new (Ipv4Address, MacAddress)[Capacity];
    private int _count;
    private int _oldest;

    public Neighbors(NetworkOptions options) => _options = options;

    public void Learn(Ipv4Address address, MacAddress card)
    {
        if (card.IsMulticast || !_options.Contains(address) || _options.IsOurs(address))
            return;
        for (var i = 0; i < _count; i++)
        {
            if (_known[i].Address == address)
            {
                _known[i].Card = card;
                return;
            }
        }

        if (_count < Capacity)
        {
            _known[_count++] = (address, card);
            return;
        }

        _known[_oldest] = (address, card);
        _oldest = (_oldest + 1) % Capacity;
    }

    public MacAddress Find(Ipv4Address address)
    {
        if (address == Ipv4Address.Broadcast || address == _options.BroadcastAddress)
            return MacAddress.Broadcast;
        for (var i = 0; i < _count; i++)
        {
            if (_known[i].Address == address)
                return _known[i].Card;
        }

        return _options.GuestMac;
    }

    public void Transfer(StateStream stream)
    {
        stream.Section("neighbors");
        _count = stream.Count(_count, Capacity);
        for (var i = 0; i < _count; i++)
            _known[i] = (new Ipv4Address(stream.Transferred(_known[i].Address.Value)), new MacAddress(stream.Transferred(_known[i].Card.Value)));
        stream.Transfer(ref _oldest);
        stream.Require((uint)_oldest < Capacity, $"there is no place {_oldest}");
    }
}
