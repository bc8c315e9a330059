namespace Emu.Xen.Store;

/// <content>Watches (tools/xenstore/xenstored_watch.c), and the special paths that begin with @.</content>
public sealed partial class XenStore
{
    /// <summary>The special path whose watches hear of new domains.</summary>
    public const string IntroduceDomain = "@introduceDomain";

    /// <summary>The special path whose watches hear of domains' ends.</summary>
    public const string ReleaseDomain = "@releaseDomain";

    private StorePermissions _introducePermissions = StorePermissions.Parse("n0");
    private StorePermissions _releasePermissions = StorePermissions.Parse("n0");

    /// <summary>Adds a watch. The caller sends the first event itself, behind its answer.</summary>
    internal StoreError Watch(StoreClient client, string path, string token, out StoreWatch watch)
    {
        watch = new StoreWatch(client.Canonicalize(path), token, IsRelative: !path.StartsWith('/') && !path.StartsWith('@'));
        if (path.StartsWith('@') ? path.Length > StorePath.MaximumLength : !StorePath.IsValid(watch.Path))
            return StoreError.EINVAL;
        if (FindWatch(client, watch.Path, token) >= 0)
            return StoreError.EEXIST;
        if (!client.IsPrivileged && client.Watches.Count > Quota.Watches)
            return StoreError.E2BIG;
        if (!client.Domain.CanCharge(watch.Charge, Quota))
            return StoreError.ENOMEM;
        client.Domain.Charge(watch.Charge);
        client.Watches.Add(watch);
        return StoreError.None;
    }

    /// <summary>Sends a new watch's first event, which comes whether the node exists or not.</summary>
    internal static void FireFirst(StoreClient client, StoreWatch watch) => Send(client, watch, watch.Path);

    /// <summary>Takes a watch away. Events that wait already still come.</summary>
    internal static StoreError Unwatch(StoreClient client, string path, string token)
    {
        var index = FindWatch(client, client.Canonicalize(path), token);
        if (index < 0)
            return StoreError.ENOENT;
        client.Domain.Charge(-client.Watches[index].Charge);
        client.Watches.RemoveAt(index);
        return StoreError.None;
    }

    /// <summary>Takes all of a client's watches away.</summary>
    internal static void RemoveWatches(StoreClient client)
    {
        foreach (var watch in client.Watches)
            client.Domain.Charge(-watch.Charge);
        client.Watches.Clear();
    }

    private static int FindWatch(StoreClient client, string path, string token) =>
        client.Watches.FindIndex(watch => watch.Path == path && watch.Token == token);

    private static void Send(StoreClient client, StoreWatch watch, string path)
    {
        if (watch.IsRelative)
            path = path.Length > client.Home.Length ? path[(client.Home.Length + 1)..] : "";
        client.Sink.Queue(path, watch.Token);
    }

    /// <summary>
    /// Queues the events of a change; in a transaction, notes them for its end. A client hears of a node that it may read, or
    /// could before, or whose parent it may read.
    /// </summary>
    /// <param name="caller">Who made the change.</param>
    /// <param name="path">The node's path, or a special one.</param>
    /// <param name="node">The node, or null to look it up.</param>
    /// <param name="parent">Its parent, or null to look it up.</param>
    /// <param name="exact">Whether only watches on the very path fire.</param>
    /// <param name="former">The node's permissions before the change, where they can matter.</param>
    private void FireWatches(
        in StoreCaller caller, string path, StoreNode? node, StoreNode? parent, bool exact, StorePermissions? former)
    {
        if (caller.Transaction is { } transaction)
        {
            if (transaction.Find(path) is not { } accessed)
                return;
            accessed.FiresExactly = exact && (accessed.FiresExactly || !accessed.FiresWatches);
            accessed.FiresWatches = true;
            return;
        }

        foreach (var client in _clients)
        {
            if (client.Watches.Count == 0 || !MayHear(client, path, node, parent, former))
                continue;
            foreach (var watch in client.Watches)
                if (watch.Matches(path, exact))
                    Send(client, watch, path);
        }
    }

    private bool MayHear(StoreClient client, string path, StoreNode? node, StoreNode? parent, StorePermissions? former)
    {
        if (path.StartsWith('@'))
            return HasAccess(client, path == IntroduceDomain ? _introducePermissions : _releasePermissions, StoreAccess.Read);
        if (former != null && HasAccess(client, former, StoreAccess.Read))
            return true;
        if (node == null && Find(new StoreCaller(client), path, out node) != StoreError.None)
            return false;
        if (HasAccess(client, node!.Permissions, StoreAccess.Read))
            return true;
        if (parent == null && Find(new StoreCaller(client), StorePath.Parent(path), out parent) != StoreError.None)
            return false;
        return HasAccess(client, parent!.Permissions, StoreAccess.Read);
    }

    private StoreError SetSpecialPermissions(StoreClient client, string path, StorePermissions permissions)
    {
        if (path is not (IntroduceDomain or ReleaseDomain))
            return StoreError.EINVAL;
        ref var special = ref path == IntroduceDomain ? ref _introducePermissions : ref _releasePermissions;
        if (!client.Owns(special))
            return StoreError.EACCES;
        special = permissions;
        return StoreError.None;
    }

    /// <summary>Takes a domain that has ended out of the special paths' permissions.</summary>
    private void ForgetSpecialPermissions(uint domain)
    {
        _introducePermissions = Without(_introducePermissions);
        _releasePermissions = Without(_releasePermissions);

        StorePermissions Without(StorePermissions permissions) =>
            (permissions.Owner == domain ? permissions.WithOwner(0) : permissions).Ignoring(id => id == domain, first: 1);
    }
}
