using System.Buffers;

namespace Emu.Xen.Store;

/// <summary>Names of nodes: absolute, parts separated by a slash, as docs/misc/xenstore.txt has them.</summary>
public static class StorePath
{
    /// <summary>XENSTORE_REL_PATH_MAX: how long a path may be, not counting a leading <c>/local/domain/N/</c>.</summary>
    public const int MaximumLength = 2048;

    /// <summary>Bytes of UTF-8 in any path or token that a message can carry.</summary>
    internal const int LongestText = 2 * StoreMessageHeader.MaximumPayload;

    /// <summary>The tree's root.</summary>
    public const string Root = "/";

    private const string DomainPrefix = "/local/domain/";
    private const int MaximumDomainDigits = 5;

    private static readonly SearchValues<char> Permitted =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-/_@");

    /// <summary>Where a domain's nodes are, and what its relative paths are relative to.</summary>
    /// <param name="domain">The domain's id.</param>
    /// <returns>The path, without a slash at its end.</returns>
    public static string OfDomain(uint domain) => DomainPrefix + domain.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Whether a node may have this name.</summary>
    /// <param name="path">The name.</param>
    /// <returns>False for a relative, over-long or malformed one.</returns>
    public static bool IsValid(ReadOnlySpan<char> path)
    {
        if (path.IsEmpty || path[0] != '/' || (path.Length > 1 && path[^1] == '/'))
            return false;
        return path.Length <= MaximumLength + DomainPrefixLength(path)
            && path.IndexOfAnyExcept(Permitted) < 0
            && path.IndexOf("//", StringComparison.Ordinal) < 0;
    }

    /// <summary>A node's parent; the root is its own.</summary>
    /// <param name="path">A path that begins with a slash.</param>
    /// <returns>The parent's path.</returns>
    public static string Parent(string path)
    {
        var slash = path.LastIndexOf('/');
        return slash <= 0 ? Root : path[..slash];
    }

    /// <summary>A path's last part.</summary>
    /// <param name="path">A path that is not the root.</param>
    /// <returns>The name in the parent's directory.</returns>
    public static string Name(string path) => path[(path.LastIndexOf('/') + 1)..];

    /// <summary>The path of a node's child.</summary>
    /// <param name="parent">The node's path.</param>
    /// <param name="name">The child's name.</param>
    /// <returns>The child's path.</returns>
    public static string Child(string parent, string name) => parent == Root ? Root + name : parent + "/" + name;

    /// <summary>Whether a node is another or lies below it.</summary>
    /// <param name="path">The node's path.</param>
    /// <param name="ancestor">The other's path.</param>
    /// <returns>True for two equal paths too.</returns>
    public static bool IsWithin(string path, string ancestor) =>
        ancestor == Root
        || (path.StartsWith(ancestor, StringComparison.Ordinal)
            && (path.Length == ancestor.Length || path[ancestor.Length] == '/'));

    private static int DomainPrefixLength(ReadOnlySpan<char> path)
    {
        if (!path.StartsWith(DomainPrefix, StringComparison.Ordinal))
            return 0;
        var end = DomainPrefix.Length;
        while (end < path.Length && end < DomainPrefix.Length + MaximumDomainDigits && char.IsAsciiDigit(path[end]))
            end++;
        return end > DomainPrefix.Length && end < path.Length && path[end] == '/' ? end + 1 : 0;
    }
}
