namespace Emu.Host.Running;

/// <summary>Files that the user named. What the system has against them becomes one sentence.</summary>
internal static class UserFile
{
    /// <summary>Reads a module whole.</summary>
    public static byte[] Read(string path, string what)
    {
        if (Directory.Exists(path))
            throw new UsageException($"The {what} '{path}' is a folder, not a file.");
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new UsageException($"The {what} '{path}' cannot be read: {Reason(e)}", e);
        }
    }

    /// <summary>Creates a file before the guest starts, so that a long run does not end without what it was made for.</summary>
    public static FileStream Create(string path, string option)
    {
        try
        {
            return new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 1 << 16);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new UsageException($"{option} cannot write '{path}': {Reason(e)}", e);
        }
    }

    private static string Reason(Exception e) => e switch
    {
        FileNotFoundException => "there is no such file.",
        DirectoryNotFoundException => "there is no such folder.",
        UnauthorizedAccessException => "permission is denied.",
        _ => e.Message,
    };
}
