using System.Globalization;

namespace Emu.Xen.Store;

/// <summary>What a permission grants.</summary>
[Flags]
public enum StoreAccess
{
    /// <summary><c>n</c>: nothing.</summary>
    None = 0,

    /// <summary><c>r</c>: reading value, children and permissions.</summary>
    Read = 1,

    /// <summary><c>w</c>: writing, creating children, removing.</summary>
    Write = 2,

    /// <summary><c>b</c>: both.</summary>
    Both = Read | Write,
}

/// <summary>One entry of a node's permissions.</summary>
/// <param name="Domain">The domain; in the first entry the owner.</param>
/// <param name="Access">What the domain may do; in the first entry, what every domain without an entry may do.</param>
/// <param name="IsIgnored">Whether the domain did not exist when the entry was made, or is another now.</param>
public readonly record struct StorePermission(uint Domain, StoreAccess Access, bool IsIgnored = false)
{
    /// <summary>The entry as it goes over the wire: a letter and the domain's id.</summary>
    /// <returns>For instance <c>r1</c>.</returns>
    public override string ToString()
    {
        var letter = Access switch
        {
            StoreAccess.Read => 'r',
            StoreAccess.Write => 'w',
            StoreAccess.Both => 'b',
            _ => 'n',
        };
        return string.Create(CultureInfo.InvariantCulture, $"{letter}{(int)Domain}");
    }

    /// <summary>Reads an entry from its text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="permission">The entry.</param>
    /// <returns>False if the text is none.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out StorePermission permission)
    {
        permission = default;
        if (text.Length < 2 || !CNumber.TryParse(text[1..], out var domain))
            return false;
        var letter = "nrwb".IndexOf(text[0], StringComparison.Ordinal);
        if (letter < 0)
            return false;
        permission = new StorePermission((uint)domain, (StoreAccess)letter);
        return true;
    }
}
