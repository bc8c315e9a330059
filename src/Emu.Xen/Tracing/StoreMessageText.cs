using System.Globalization;
using System.Text;
using Emu.Xen.Store;

namespace Emu.Xen.Tracing;

/// <summary>Messages of xenstore as text: <c>ask READ req=3 tx=0 "memory/target"</c>.</summary>
internal static class StoreMessageText
{
    private const int MostParts = 16;

    public static string Describe(StoreMessageHeader header, ReadOnlySpan<byte> payload, bool isToDomain)
    {
        var way = !isToDomain ? "ask" : header.Type == StoreMessageType.WatchEvent ? "tell" : "answer";
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"{way} {Name(header.Type)} req={header.RequestId} tx={header.TransactionId}");
        // Names and values are parted by NULs; the last one may be without.
        for (var part = 0; !payload.IsEmpty; part++)
        {
            if (part == MostParts)
                return text.Append(CultureInfo.InvariantCulture, $" … {payload.Length} bytes").ToString();
            var end = payload.IndexOf((byte)0);
            text.Append(' ').Append(ValueText.Quote(end < 0 ? payload : payload[..end]));
            payload = end < 0 ? default : payload[(end + 1)..];
        }

        return text.ToString();
    }

    /// <summary>XS_*, without the prefix.</summary>
    private static string Name(StoreMessageType type) => type switch
    {
        StoreMessageType.Control => "CONTROL",
        StoreMessageType.Directory => "DIRECTORY",
        StoreMessageType.Read => "READ",
        StoreMessageType.GetPermissions => "GET_PERMS",
        StoreMessageType.Watch => "WATCH",
        StoreMessageType.Unwatch => "UNWATCH",
        StoreMessageType.TransactionStart => "TRANSACTION_START",
        StoreMessageType.TransactionEnd => "TRANSACTION_END",
        StoreMessageType.Introduce => "INTRODUCE",
        StoreMessageType.Release => "RELEASE",
        StoreMessageType.GetDomainPath => "GET_DOMAIN_PATH",
        StoreMessageType.Write => "WRITE",
        StoreMessageType.MakeDirectory => "MKDIR",
        StoreMessageType.Remove => "RM",
        StoreMessageType.SetPermissions => "SET_PERMS",
        StoreMessageType.WatchEvent => "WATCH_EVENT",
        StoreMessageType.Error => "ERROR",
        StoreMessageType.IsDomainIntroduced => "IS_DOMAIN_INTRODUCED",
        StoreMessageType.Resume => "RESUME",
        StoreMessageType.SetTarget => "SET_TARGET",
        StoreMessageType.ResetWatches => "RESET_WATCHES",
        StoreMessageType.DirectoryPart => "DIRECTORY_PART",
        _ => ((uint)type).ToString(CultureInfo.InvariantCulture),
    };
}
