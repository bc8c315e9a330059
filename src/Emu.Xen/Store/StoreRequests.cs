using System.Collections.Immutable;
using System.Globalization;

namespace Emu.Xen.Store;

/// <summary>
/// What each request's payload means (docs/misc/xenstore.txt), checked as xenstored 4.17 checks it: it counts NULs, and what follows
/// the last text that it wants does not matter to it.
/// </summary>
internal static class StoreRequests
{
    private static readonly byte[] Acknowledgement = StoreText.Encode(["OK"]);

    /// <summary>Carries out a request of an unprivileged domain.</summary>
    /// <param name="store">The store.</param>
    /// <param name="client">Who asks.</param>
    /// <param name="header">The request's header.</param>
    /// <param name="payload">The request's payload.</param>
    /// <param name="answer">The answer's payload where there is no error.</param>
    /// <param name="newWatch">A watch that was added and whose first event is to follow the answer.</param>
    /// <returns>The error, or none.</returns>
    public static StoreError Serve(
        XenStore store,
        StoreClient client,
        StoreMessageHeader header,
        ReadOnlySpan<byte> payload,
        out byte[] answer,
        out StoreWatch? newWatch)
    {
        answer = Acknowledgement;
        newWatch = null;
        switch (header.Type)
        {
            case StoreMessageType.Control:
            case StoreMessageType.Introduce:
            case StoreMessageType.Release:
            case StoreMessageType.IsDomainIntroduced:
            case StoreMessageType.Resume:
            case StoreMessageType.SetTarget:
                return StoreError.EACCES;
            case StoreMessageType.Watch:
                return Watch(store, client, payload, out newWatch);
            case StoreMessageType.Unwatch:
                return TryTakeTwo(payload, out var path, out var token) ? XenStore.Unwatch(client, path, token) : StoreError.EINVAL;
        }

        if (!IsKnown(header.Type))
            return StoreError.ENOSYS;
        var transaction = client.FindTransaction(header.TransactionId);
        if (transaction == null && header.TransactionId != 0)
            return StoreError.ENOENT;
        return Serve(store, new StoreCaller(client, transaction), header.Type, payload, ref answer);
    }

    private static bool IsKnown(StoreMessageType type) =>
        type is <= StoreMessageType.SetPermissions or StoreMessageType.ResetWatches or StoreMessageType.DirectoryPart;

    private static StoreError Serve(
        XenStore store, in StoreCaller caller, StoreMessageType type, ReadOnlySpan<byte> payload, ref byte[] answer)
    {
        switch (type)
        {
            case StoreMessageType.DirectoryPart:
                return DirectoryPart(store, caller, payload, ref answer);
            case StoreMessageType.Write:
                return Write(store, caller, payload);
            case StoreMessageType.SetPermissions:
                return SetPermissions(store, caller, payload);
            case StoreMessageType.TransactionStart:
                var error = store.StartTransaction(caller, out var id);
                answer = StoreText.Encode([id.ToString(CultureInfo.InvariantCulture)]);
                return error;
            case StoreMessageType.ResetWatches:
                XenStore.RemoveWatches(caller.Client);
                XenStore.AbandonTransactions(caller.Client);
                return StoreError.None;
        }

        // The rest take one text, and nothing behind it.
        if (!StoreText.TryTakeOnly(payload, out var text))
            return StoreError.EINVAL;
        switch (type)
        {
            case StoreMessageType.TransactionEnd:
                return text is "T" or "F" ? store.EndTransaction(caller, text == "T") : StoreError.EINVAL;
            case StoreMessageType.GetDomainPath:
                answer = StoreText.Encode([StorePath.OfDomain((uint)CNumber.Parse(text))]);
                return StoreError.None;
        }

        var path = caller.Client.Canonicalize(text);
        return type switch
        {
            StoreMessageType.MakeDirectory => store.MakeDirectory(caller, path),
            StoreMessageType.Remove => store.Remove(caller, path),
            _ => Look(store, caller, type, path, ref answer),
        };
    }

    private static StoreError Look(XenStore store, in StoreCaller caller, StoreMessageType type, string path, ref byte[] answer)
    {
        var error = store.Find(caller, path, StoreAccess.Read, out var node);
        if (error != StoreError.None)
            return error;
        answer = type switch
        {
            StoreMessageType.Directory => node!.ChildList(),
            StoreMessageType.Read => [.. node!.Value],
            _ => StoreText.Encode([.. node!.Permissions.Entries.Select(entry => entry.ToString())]),
        };
        return StoreError.None;
    }

    /// <summary>
    /// A part of the children from a byte offset on, as many whole names as fit, behind the node's generation; an empty name ends the
    /// list.
    /// </summary>
    private static StoreError DirectoryPart(XenStore store, in StoreCaller caller, ReadOnlySpan<byte> payload, ref byte[] answer)
    {
        if (StoreText.Count(payload) != 2)
            return StoreError.EINVAL;
        var path = caller.Client.Canonicalize(StoreText.Take(ref payload));
        var error = store.Find(caller, path, StoreAccess.Read, out var node);
        if (error != StoreError.None)
            return error;
        var offset = (uint)CNumber.Parse(StoreText.Take(ref payload));
        var generation = StoreText.Encode([node!.Generation.ToString(CultureInfo.InvariantCulture)]);
        var children = node.ChildList();
        if (offset >= (uint)children.Length)
        {
            answer = [.. generation, 0];
            return StoreError.None;
        }

        var rest = children.AsSpan((int)offset);
        var room = StoreMessageHeader.MaximumPayload - generation.Length - 1;
        var length = 0;
        while (length < rest.Length)
        {
            var name = rest[length..].IndexOf((byte)0);
            if (length + name >= room)
                break;
            length += name + 1;
        }

        answer = length == rest.Length ? [.. generation, .. rest, 0] : [.. generation, .. rest[..length]];
        return StoreError.None;
    }

    private static StoreError Write(XenStore store, in StoreCaller caller, ReadOnlySpan<byte> payload)
    {
        if (StoreText.Count(payload) < 1)
            return StoreError.EINVAL;
        var path = caller.Client.Canonicalize(StoreText.Take(ref payload));
        return store.Write(caller, path, ImmutableArray.Create(payload));
    }

    private static StoreError SetPermissions(XenStore store, in StoreCaller caller, ReadOnlySpan<byte> payload)
    {
        var count = StoreText.Count(payload) - 1;
        if (count < 1)
            return StoreError.EINVAL;
        if (count > store.Quota.Permissions)
            return StoreError.ENOSPC;
        var path = StoreText.Take(ref payload);
        var entries = new StorePermission[count];
        for (var i = 0; i < count; i++)
            if (!StorePermission.TryParse(StoreText.Take(ref payload), out entries[i]))
                return StoreError.EINVAL;
        return store.SetPermissions(caller, path, new StorePermissions(entries));
    }

    private static StoreError Watch(XenStore store, StoreClient client, ReadOnlySpan<byte> payload, out StoreWatch? watch)
    {
        watch = null;
        if (!TryTakeTwo(payload, out var path, out var token))
            return StoreError.EINVAL;
        var error = store.Watch(client, path, token, out var added);
        if (error == StoreError.None)
            watch = added;
        return error;
    }

    private static bool TryTakeTwo(ReadOnlySpan<byte> payload, out string first, out string second)
    {
        first = second = "";
        if (StoreText.Count(payload) != 2)
            return false;
        first = StoreText.Take(ref payload);
        second = StoreText.Take(ref payload);
        return true;
    }
}
