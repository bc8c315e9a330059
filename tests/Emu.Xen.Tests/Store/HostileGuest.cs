using System.Globalization;
using System.Text;
using Emu.Xen.Store;

namespace Emu.Xen.Tests.Store;

/// <summary>A domain that asks for anything, by seed: mostly what has a meaning, now and then what has none.</summary>
internal sealed class HostileGuest
{
    private static readonly string[] Names = ["a", "b", "cc", "state", "data", "x-_@"];

    private static readonly StoreMessageType[] Frequent =
    [
        StoreMessageType.Write, StoreMessageType.Write, StoreMessageType.Write, StoreMessageType.Read, StoreMessageType.Remove,
        StoreMessageType.SetPermissions, StoreMessageType.Watch, StoreMessageType.Unwatch, StoreMessageType.TransactionStart,
        StoreMessageType.TransactionEnd, StoreMessageType.Directory, StoreMessageType.MakeDirectory,
    ];

    private readonly XenStore _store;
    private readonly uint _domain;
    private readonly Random _random;
    private readonly List<uint> _transactions = [];
    private StoreMessageType _asked;

    public HostileGuest(XenStore store, uint domain, Random random)
    {
        _store = store;
        _domain = domain;
        _random = random;
        Guest = Connect();
    }

    public StoreGuest Guest { get; private set; }

    /// <summary>Called when the page is as the store is about to find it.</summary>
    public Action? Acted { get; set; }

    /// <summary>How often each kind of request had each outcome.</summary>
    public SortedDictionary<string, int> Outcomes { get; } = new(StringComparer.Ordinal);

    public void Act()
    {
        if (Guest.Connection.Error != StoreConnectionError.None && _random.Next(20) == 0)
        {
            _store.RemoveDomain(_domain);
            _transactions.Clear();
            Guest = Connect();
        }

        switch (_random.Next(600))
        {
            case 0:
                Guest.SetIndex(0x800 + (4 * _random.Next(4)), (uint)_random.Next());
                break;
            case 1:
                Guest.IsPresent = false;
                break;
            case < 5:
                Guest.IsPresent = true;
                break;
            case < 150:
                Guest.Discard();
                break;
            default:
                var message = Request();
                if (Guest.Room >= message.Length || _random.Next(300) == 0)
                    Guest.Put(message);
                break;
        }

        Acted?.Invoke();
        Guest.Ring.Process();
    }

    public static string RelativePath(Random random)
    {
        var path = Names[random.Next(Names.Length)];
        while (random.Next(3) == 0)
            path += "/" + Names[random.Next(Names.Length)];
        return path;
    }

    private StoreGuest Connect()
    {
        var guest = new StoreGuest(_store, _domain);
        guest.Connection.Observer = Observe;
        return guest;
    }

    private void Observe(uint domain, StoreMessageHeader header, ReadOnlySpan<byte> payload, bool isToDomain)
    {
        if (!isToDomain)
        {
            _asked = header.Type;
            return;
        }

        if (header.Type == StoreMessageType.WatchEvent)
            return;
        if (header.Type == StoreMessageType.TransactionStart)
            _transactions.Add(uint.Parse(Encoding.ASCII.GetString(payload[..^1]), CultureInfo.InvariantCulture));
        var outcome = header.Type == StoreMessageType.Error ? Encoding.ASCII.GetString(payload[..^1]) : "OK";
        var key = $"{_asked} {outcome}";
        Outcomes[key] = Outcomes.GetValueOrDefault(key) + 1;
    }

    private byte[] Request()
    {
        var type = _random.Next(8) == 0 ? (StoreMessageType)_random.Next(24) : Frequent[_random.Next(Frequent.Length)];
        var bytes = StoreGuest.Bytes(Payload(type));
        if (_random.Next(30) == 0 && bytes.Length > 0)
            bytes[_random.Next(bytes.Length)] = (byte)_random.Next(256);
        var message = StoreGuest.Message(type, (uint)_random.Next(), Transaction(type), bytes);
        // Now and then a header that lies: the stream is out of step from then on.
        if (_random.Next(2000) == 0)
            message[_random.Next(StoreMessageHeader.Size)] ^= (byte)(1 << _random.Next(8));
        return message;
    }

    private uint Transaction(StoreMessageType type)
    {
        if (type == StoreMessageType.TransactionStart || _transactions.Count == 0 || _random.Next(3) == 0)
            return _random.Next(40) == 0 ? (uint)_random.Next(30) : 0;
        var index = _random.Next(_transactions.Count);
        var id = _transactions[index];
        if (type == StoreMessageType.TransactionEnd)
            _transactions.RemoveAt(index);
        return id;
    }

    private string Payload(StoreMessageType type)
    {
        var path = RelativePath(_random);
        if (_random.Next(8) == 0)
            path = StorePath.OfDomain((uint)_random.Next(4)) + "/" + path;
        return type switch
        {
            StoreMessageType.Write => path + "|" + new string('v', _random.Next(15) == 0 ? _random.Next(900) : _random.Next(20)),
            StoreMessageType.SetPermissions => $"{path}|{Permission(Owner())}|{Permission(_random.Next(4))}|",
            StoreMessageType.Watch or StoreMessageType.Unwatch =>
                $"{(_random.Next(9) == 0 ? XenStore.ReleaseDomain : path)}|{_random.Next(3)}|",
            StoreMessageType.TransactionEnd => _random.Next(4) == 0 ? "F|" : "T|",
            StoreMessageType.TransactionStart => "|",
            StoreMessageType.DirectoryPart => $"{path}|{_random.Next(-2, 30)}|",
            StoreMessageType.GetDomainPath => _random.Next().ToString(CultureInfo.InvariantCulture) + "|",
            _ => path + "|",
        };
    }

    private int Owner() => _random.Next(5) == 0 ? _random.Next(4) : (int)_domain;

    private string Permission(int domain) => $"{"nrwb"[_random.Next(4)]}{domain}";
}
