namespace Emu.Xen.Store;

/// <content>Domains and their connections (tools/xenstore/xenstored_domain.c), and what happens after each operation.</content>
public sealed partial class XenStore
{
    private readonly SortedDictionary<uint, StoreDomain> _domains = [];
    private readonly List<StoreClient> _clients = [];
    private bool _isSettling;

    /// <summary>Makes a domain known, so that it can be named in permissions. It has no connection yet.</summary>
    /// <param name="domain">The domain's id, not 0.</param>
    /// <exception cref="ArgumentException">The domain is known already.</exception>
    public void AddDomain(uint domain)
    {
        if (!_domains.TryAdd(domain, new StoreDomain(domain, _generation)))
            throw new ArgumentException($"Domain {domain} exists already.", nameof(domain));
    }

    /// <summary>Connects a domain (XS_INTRODUCE), and tells the watches of @introduceDomain.</summary>
    /// <param name="domain">The id of a domain that is known and has no connection.</param>
    /// <param name="transport">Where its requests come from and its answers go to.</param>
    /// <returns>The connection.</returns>
    /// <exception cref="ArgumentException">The domain is unknown, is domain 0, or has a connection.</exception>
    public XenStoreConnection Introduce(uint domain, IStoreTransport transport)
    {
        ArgumentNullException.ThrowIfNull(transport);
        if (!_domains.TryGetValue(domain, out var record) || record.IsPrivileged || record.Connection != null)
            throw new ArgumentException($"Domain {domain} cannot be introduced: it is unknown, or connected already.", nameof(domain));
        transport.Reset();
        var connection = new XenStoreConnection(this, record, transport, out var client);
        record.Connection = connection;
        _clients.Add(client);
        FireSpecial(IntroduceDomain);
        Settle();
        return connection;
    }

    /// <summary>Whether a domain has a connection.</summary>
    /// <param name="domain">The domain's id.</param>
    /// <returns>True between <see cref="Introduce"/> and <see cref="RemoveDomain"/>; true for domain 0.</returns>
    public bool IsIntroduced(uint domain) =>
        _domains.TryGetValue(domain, out var record) && (record.IsPrivileged || record.Connection != null);

    /// <summary>Tells the watches of @releaseDomain, once for a domain, that it has shut down or crashed.</summary>
    /// <param name="domain">The domain's id.</param>
    public void NotifyShutdown(uint domain)
    {
        if (!_domains.TryGetValue(domain, out var record) || record.IsShutDown || record.Connection == null)
            return;
        record.IsShutDown = true;
        FireSpecial(ReleaseDomain);
        Settle();
    }

    /// <summary>
    /// Ends a domain: its connection is closed, its watches and transactions are forgotten, the nodes that it owns are removed with
    /// all below them, and the watches of @releaseDomain are told. Permissions that name it are void, also for a later domain of that id.
    /// </summary>
    /// <param name="domain">The domain's id; an unknown one and 0 are ignored.</param>
    public void RemoveDomain(uint domain)
    {
        if (!_domains.TryGetValue(domain, out var record) || record.IsPrivileged)
            return;
        if (record.Connection != null)
        {
            record.Connection.Close();
            _clients.Remove(record.Connection.Client);
        }

        RemoveOwned(StorePath.Root, domain);
        ForgetSpecialPermissions(domain);
        _domains.Remove(domain);
        if (record.Connection != null)
            FireSpecial(ReleaseDomain);
        Settle();
    }

    /// <summary>
    /// Delivers what an operation has queued: the host's callbacks in the order of the events, then what waits for domains. Called at
    /// the end of every operation from outside; a callback's own operations add to the queue and are delivered in their turn.
    /// </summary>
    internal void Settle()
    {
        if (_isSettling)
            return;
        _isSettling = true;
        try
        {
            Control.DeliverEvents();
            foreach (var record in _domains.Values)
                record.Connection?.Flush();
        }
        finally
        {
            _isSettling = false;
        }
    }

    private void FireSpecial(string path) =>
        FireWatches(new StoreCaller(_clients[0]), path, node: null, parent: null, exact: true, former: null);

    private void RemoveOwned(string path, uint owner)
    {
        var host = new StoreCaller(_clients[0]);
        foreach (var child in _nodes[path].Children)
        {
            var childPath = StorePath.Child(path, child);
            if (_nodes[childPath].Permissions.Owner == owner)
                _ = RemoveTree(host, childPath);
            else
                RemoveOwned(childPath, owner);
        }
    }
}
