namespace Emu.Host.Running;

/// <summary>Files that the user named. What the system has against them becomes one sentence.</summary>
internal static class UserFile
{
    /// <summary>Reads a file whole.</summary>
    /// <param name="path">The file.</param>
    /// <param name="what">What it is, for the refusal.</param>
    /// <param name="largest">Bytes that are read at most: one more comes back of a larger file, which whoever uses it refuses by its size.</param>
    public static byte[] Read(string path, string what, int largest = int.MaxValue)
    {
        if (Directory.Exists(path))
            throw new UsageException($"The {what} '{path}' is a folder, not a file.");
        try
        {
            return largest == int.MaxValue ? File.ReadAllBytes(path) : ReadUpTo(path, largest + 1);
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
            throw Refusal(path, option, e);
        }
    }

    /// <summary>Makes sure, before the guest starts, that a file can be written, without touching what it holds.</summary>
    public static ReplacedFile Prepare(string path, string option)
    {
        bool wasThere = File.Exists(path);
        try
        {
            FileStream file = new(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, bufferSize: 1 << 16);
            return new ReplacedFile(file, path, wasThere, e => Refusal(path, option, e));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw Refusal(path, option, e);
        }
    }

    /// <summary>Writes a file that appears under its name, in place of one that is there, when it is whole: where something goes wrong, nothing has changed.</summary>
    public static T WriteWhole<T>(string path, string option, Func<Stream, T> write)
    {
        string? aside = null;
        try
        {
            if (Directory.Exists(path))
                throw new UsageException($"{option} cannot write '{path}': it is a folder.");
            if (FileClaims.IsDevice(path))
            {
                using Stream device = CreateChecked(path, option);
                return Flushed(device, write);
            }

            string target = new FileInfo(path) is { LinkTarget: not null } link ? link.ResolveLinkTarget(returnFinalTarget: true)!.FullName : path;
            if (File.Exists(target))
            {
                using FileStream there = new(target, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
                // Not a pipe, nor a device, which have no content that could be replaced.
                if (!there.CanSeek || FileClaims.IsDevice(target))
                    return Flushed(new CheckedStream(there, e => Refusal(path, option, e)), write);
            }

            aside = $"{target}.{Path.GetRandomFileName()}.partial";
            T result;
            using (Stream file = new CheckedStream(new FileStream(aside, FileMode.CreateNew, FileAccess.Write), e => Refusal(path, option, e)))
            {
                result = Flushed(file, write);
            }

            File.Move(aside, target, overwrite: true);
            aside = null;
            return result;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw Refusal(path, option, e);
        }
        finally
        {
            if (aside is not null)
                Remove(aside);
        }
    }

    /// <summary>The same, where what cannot be written later is refused alike, such as for want of room.</summary>
    public static Stream CreateChecked(string path, string option) =>
        new CheckedStream(Create(path, option), e => Refusal(path, option, e));

    /// <summary>Writes on, and says what the system has against it in words for the user.</summary>
    private sealed class CheckedStream(FileStream file, Func<Exception, UsageException> refusal) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => file.CanWrite;

        public override long Length => file.Length;

        public override long Position
        {
            get => file.Position;
            set => throw new NotSupportedException();
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            try
            {
                file.Write(buffer);
            }
            catch (IOException e)
            {
                throw refusal(e);
            }
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush()
        {
            try
            {
                file.Flush();
            }
            catch (IOException e)
            {
                throw refusal(e);
            }
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            try
            {
                file.Dispose();
            }
            catch (IOException)
            {
                // What could not be written has been refused before.
            }

            base.Dispose(disposing);
        }
    }

    private static UsageException Refusal(string path, string option, Exception e) => new($"{option} cannot write '{path}': {Reason(e)}", e);

    private static T Flushed<T>(Stream file, Func<Stream, T> write)
    {
        T result = write(file);
        // Who has closed it has flushed it.
        if (file.CanWrite)
            file.Flush();
        return result;
    }

    private static void Remove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Why the file could not be written matters more.
        }
    }

    private static byte[] ReadUpTo(string path, int length)
    {
        using FileStream file = File.OpenRead(path);
        using MemoryStream bytes = new();
        byte[] piece = new byte[1 << 16];
        while (bytes.Length < length && file.Read(piece, 0, (int)Math.Min(piece.Length, length - bytes.Length)) is > 0 and var read)
            bytes.Write(piece, 0, read);
        return bytes.ToArray();
    }

    /// <summary>What the system has against a file, in words that end a sentence.</summary>
    /// <param name="e">What it threw.</param>
    public static string Reason(Exception e) => e switch
    {
        FileNotFoundException => "there is no such file.",
        DirectoryNotFoundException => "there is no such folder.",
        UnauthorizedAccessException => "permission is denied.",
        _ => e.Message,
    };
}
