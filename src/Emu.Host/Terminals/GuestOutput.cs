using Emu.Machine.Consoles;

namespace Emu.Host.Terminals;

/// <summary>
/// Carries the guest's console to standard output. A guest writes a byte at a time, polled; a system call for each would cost more
/// than the guest's own work, so bytes are gathered and a background thread passes them on a few milliseconds later.
/// </summary>
public sealed class GuestOutput : IConsoleSink, IDisposable
{
    /// <summary>How long a byte waits for company, in milliseconds: too short for a person to notice.</summary>
    private const int GatherMilliseconds = 4;

    /// <summary>A guest that writes faster than the reader reads is held up here.</summary>
    private const int Capacity = 1 << 16;

    private readonly Stream _stream;
    private readonly Lock _bufferLock = new();
    private readonly Lock _streamLock = new();
    private readonly AutoResetEvent _filled = new(false);
    private byte[] _gathering = new byte[Capacity];
    private byte[] _writing = new byte[Capacity];
    private Thread? _flusher;
    private volatile bool _isDisposed;
    private int _count;

    /// <summary>Creates the output.</summary>
    /// <param name="stream">Where bytes go.</param>
    public GuestOutput(Stream stream)
    {
        _stream = stream;
    }

    /// <summary>Is called once, from any thread, when the reader went away: <c>emu run | head</c>. What the guest says then is dropped.</summary>
    public Action? Broken { get; set; }

    /// <summary>True after the reader went away.</summary>
    public bool IsBroken { get; private set; }

    /// <inheritdoc/>
    public void Write(byte value) => Write([value]);

    /// <summary>Takes bytes from the guest.</summary>
    /// <param name="bytes">The bytes.</param>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int taken;
            bool wasEmpty;
            lock (_bufferLock)
            {
                taken = Math.Min(bytes.Length, Capacity - _count);
                bytes[..taken].CopyTo(_gathering.AsSpan(_count));
                wasEmpty = _count == 0 && taken != 0;
                _count += taken;
            }

            bytes = bytes[taken..];
            if (!bytes.IsEmpty)
                Flush();
            else if (wasEmpty)
                Wake();
        }
    }

    /// <inheritdoc/>
    public void Flush()
    {
        lock (_streamLock)
        {
            int count;
            lock (_bufferLock)
            {
                (_gathering, _writing) = (_writing, _gathering);
                count = _count;
                _count = 0;
            }

            if (count == 0 || IsBroken)
                return;
            try
            {
                _stream.Write(_writing, 0, count);
                _stream.Flush();
            }
            catch (IOException)
            {
                IsBroken = true;
                Broken?.Invoke();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _isDisposed = true;
        _filled.Set();
        Flush();
    }

    private void Wake()
    {
        if (_flusher is null)
        {
            _flusher = new Thread(FlushLater) { IsBackground = true, Name = "console output" };
            _flusher.Start();
        }

        _filled.Set();
    }

    private void FlushLater()
    {
        while (!_isDisposed)
        {
            _filled.WaitOne();
            Thread.Sleep(GatherMilliseconds);
            Flush();
        }
    }
}
