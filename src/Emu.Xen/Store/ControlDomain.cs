using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Emu.Xen.Store;

/// <summary>
/// Domain 0's access to the store, for the toolstack and the back ends: it may do everything and has no quota. Values are text,
/// one byte to a character.
/// </summary>
/// <remarks>
/// Paths are absolute or relative to <c>/local/domain/0</c>. Where one comes from a guest, ask <see cref="StorePath.IsValid"/> first.
/// </remarks>
public sealed class ControlDomain : IStoreEventSink
{
    private readonly XenStore _store;
    private readonly StoreClient _client;
    private readonly Dictionary<string, Action<string>> _callbacks = new(StringComparer.Ordinal);
    private readonly Queue<(string Path, string Token)> _events = [];
    private ulong _nextToken;

    internal ControlDomain(XenStore store, StoreDomain domain, out StoreClient client)
    {
        _store = store;
        _client = client = new StoreClient(domain, this);
    }

    private StoreCaller Caller => new(_client);

    /// <summary>Sets a node's value, and creates the node and its parents where they are missing; they inherit permissions.</summary>
    /// <param name="path">The node's path.</param>
    /// <param name="value">The value.</param>
    /// <exception cref="ArgumentException">The path is malformed.</exception>
    public void Write(string path, string value) =>
        Finish(_store.Write(Caller, Absolute(path), ImmutableArray.Create(Encoding.Latin1.GetBytes(value))), path);

    /// <summary>Creates a node and its parents where they are missing.</summary>
    /// <param name="path">The node's path.</param>
    /// <exception cref="ArgumentException">The path is malformed.</exception>
    public void MakeDirectory(string path) => Finish(_store.MakeDirectory(Caller, Absolute(path)), path);

    /// <summary>Reads a node's value.</summary>
    /// <param name="path">The node's path.</param>
    /// <param name="value">The value.</param>
    /// <returns>False if there is no such node.</returns>
    public bool TryRead(string path, [NotNullWhen(true)] out string? value)
    {
        var found = _store.Find(Caller, Absolute(path), out var node) == StoreError.None;
        value = found ? StoreText.Decode(node!.Value.AsSpan()) : null;
        return found;
    }

    /// <summary>Whether a node exists.</summary>
    /// <param name="path">The node's path.</param>
    /// <returns>True if it does.</returns>
    public bool Exists(string path) => TryRead(path, out _);

    /// <summary>The names of a node's children, in the order of their creation.</summary>
    /// <param name="path">The node's path.</param>
    /// <returns>The names; none if there is no such node.</returns>
    public IReadOnlyList<string> List(string path) =>
        _store.Find(Caller, Absolute(path), out var node) == StoreError.None ? node!.Children : [];

    /// <summary>Removes a node and all below it, if it exists.</summary>
    /// <param name="path">The node's path.</param>
    /// <exception cref="ArgumentException">The path is malformed or the root.</exception>
    public void Remove(string path)
    {
        path = Absolute(path);
        var error = _store.Remove(Caller, path);
        Finish(error == StoreError.ENOENT ? StoreError.None : error, path);
    }

    /// <summary>Reads a node's permissions.</summary>
    /// <param name="path">The node's path.</param>
    /// <param name="permissions">The permissions.</param>
    /// <returns>False if there is no such node.</returns>
    public bool TryReadPermissions(string path, [NotNullWhen(true)] out StorePermissions? permissions)
    {
        _ = _store.Find(Caller, Absolute(path), out var node);
        permissions = node?.Permissions;
        return permissions != null;
    }

    /// <summary>
    /// Sets the permissions of a node, or of <see cref="XenStore.IntroduceDomain"/> or <see cref="XenStore.ReleaseDomain"/>.
    /// </summary>
    /// <param name="path">The node's path.</param>
    /// <param name="permissions">The permissions; the owner is a domain that exists.</param>
    /// <exception cref="ArgumentException">There is no such node, or no such owner.</exception>
    public void SetPermissions(string path, StorePermissions permissions)
    {
        ArgumentNullException.ThrowIfNull(permissions);
        Finish(_store.SetPermissions(Caller, path, permissions), path);
    }

    /// <summary>
    /// Asks to be called for every change of a node and of all below it; the first call comes at once, before this returns unless it
    /// is called from a callback.
    /// </summary>
    /// <remarks>
    /// Calls never come in the middle of an operation, guest's or host's, but after it, in the order of the events. What a callback
    /// itself changes is reported after it has returned.
    /// </remarks>
    /// <param name="path">The node's path, or a special one.</param>
    /// <param name="changed">Takes the path of the node that changed.</param>
    /// <returns>Dispose of it to be called no more.</returns>
    /// <exception cref="ArgumentException">The path is malformed.</exception>
    public IDisposable Watch(string path, Action<string> changed)
    {
        ArgumentNullException.ThrowIfNull(changed);
        var token = _nextToken++.ToString(CultureInfo.InvariantCulture);
        var error = _store.Watch(_client, path, token, out var watch);
        if (error == StoreError.None)
        {
            _callbacks.Add(token, changed);
            XenStore.FireFirst(_client, watch);
        }

        Finish(error, path);
        return new Subscription(this, watch);
    }

    void IStoreEventSink.Queue(string path, string token) => _events.Enqueue((path, token));

    internal void DeliverEvents()
    {
        while (_events.TryDequeue(out var next))
            if (_callbacks.TryGetValue(next.Token, out var changed))
                changed(next.Path);
    }

    private string Absolute(string path) => _client.Canonicalize(path);

    private void Finish(StoreError error, string path)
    {
        if (error != StoreError.None)
            throw new ArgumentException($"xenstore answers {error} for '{path}'.", nameof(path));
        _store.Settle();
    }

    private sealed class Subscription(ControlDomain owner, StoreWatch watch) : IDisposable
    {
        public void Dispose()
        {
            if (owner._callbacks.Remove(watch.Token))
                _ = XenStore.Unwatch(owner._client, watch.Path, watch.Token);
        }
    }
}
