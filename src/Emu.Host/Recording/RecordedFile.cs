using System.Security.Cryptography;
using Emu.Host.Running;

namespace Emu.Host.Recording;

/// <summary>A file that a run depends on, as it was when the run began.</summary>
/// <param name="Path">Where it was, absolute.</param>
/// <param name="Length">Its length in bytes; never 0.</param>
/// <param name="Sha256">The hash of its bytes, in lower-case hexadecimal.</param>
internal sealed record RecordedFile(string Path, long Length, string Sha256)
{
    /// <summary>Looks at a file.</summary>
    /// <param name="path">It.</param>
    /// <param name="what">What it is, for refusals.</param>
    /// <param name="option">What it is looked at for.</param>
    /// <returns>What it is now.</returns>
    /// <exception cref="UsageException">It cannot be read, or not a second time.</exception>
    public static RecordedFile Of(string path, string what, string option)
    {
        try
        {
            FileInfo file = new(path);
            if (Directory.Exists(path))
                throw new UsageException($"{option}: the {what} '{path}' is a folder, not a file.");
            if (file.Exists && file.Length == 0)
                throw new UsageException($"{option}: the {what} '{path}' is empty or no regular file, which could not be read again.");
            return new RecordedFile(file.FullName, file.Length, Hash(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new UsageException($"{option}: the {what} '{path}' cannot be read: {UserFile.Reason(e)}", e);
        }
    }

    /// <summary>True where a path leads to a file with the same bytes.</summary>
    /// <param name="path">Any path.</param>
    /// <returns>Whether it does; false where it leads nowhere.</returns>
    public bool IsAt(string path)
    {
        try
        {
            // The length comes first: nothing is opened that has none, such as a pipe, which would be waited for.
            FileInfo file = new(path);
            return Length > 0 && file.Exists && file.Length == Length && Hash(path) == Sha256;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            return false;
        }
    }

    private static string Hash(string path)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1 << 16, FileOptions.SequentialScan);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }
}
