namespace Emu.Host.Running;

/// <summary>
/// A file that a run is to write. One that is there is replaced only when the run begins: until then, what is written is kept back, so that a run
/// that is refused leaves everything as it was.
/// </summary>
/// <remarks>
/// From then on it has the name that the user gave, and not another one until the run is over: what a killed run has written is looked for there, and
/// a long run can be watched.
/// </remarks>
internal sealed class ReplacedFile : Stream
{
    private readonly FileStream _file;
    private readonly string _path;
    private readonly bool _wasThere;
    private readonly Func<Exception, UsageException> _refusal;
    private MemoryStream? _early = new();

    /// <summary>Makes it.</summary>
    /// <param name="file">The file, opened without changing it.</param>
    /// <param name="path">Its path.</param>
    /// <param name="wasThere">Whether it had been there before it was opened.</param>
    /// <param name="refusal">Says for the user what the system has against writing.</param>
    public ReplacedFile(FileStream file, string path, bool wasThere, Func<Exception, UsageException> refusal)
    {
        _file = file;
        _path = path;
        _wasThere = wasThere;
        _refusal = refusal;
    }

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => _file.Length;

    /// <inheritdoc/>
    public override long Position
    {
        get => _early is null ? _file.Position : _early.Position;
        set => throw new NotSupportedException();
    }

    /// <summary>The run begins: what the file held is gone.</summary>
    /// <exception cref="UsageException">It cannot be written.</exception>
    public void Replace()
    {
        if (_early is not { } early)
            return;
        _early = null;
        try
        {
            // What is no regular file, such as a pipe or a device, has nothing to replace.
            if (_file.CanSeek && _file.Length != 0)
                _file.SetLength(0);
        }
        catch (IOException e)
        {
            throw _refusal(e);
        }

        Write(early.GetBuffer().AsSpan(0, (int)early.Length));
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            ((Stream?)_early ?? _file).Write(buffer);
        }
        catch (IOException e)
        {
            throw _refusal(e);
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
        try
        {
            _file.Flush();
        }
        catch (IOException e)
        {
            throw _refusal(e);
        }
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!disposing)
            return;
        try
        {
            _file.Dispose();
            if (_early is not null && !_wasThere)
                File.Delete(_path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What could not be written has been refused before.
        }

        _early = null;
        base.Dispose(disposing);
    }
}
