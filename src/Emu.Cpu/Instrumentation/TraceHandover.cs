using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Emu.Cpu.Instrumentation;

/// <summary>Buffers of words that one thread fills and another empties into a sink, in order.</summary>
internal sealed unsafe class TraceHandover : IDisposable
{
    private readonly object _gate = new();
    private readonly ITraceSink _sink;
    private readonly ulong* _words;
    private readonly int _capacity;
    private readonly int[] _lengths;
    private readonly Thread _thread;
    private ExceptionDispatchInfo? _failure;

    // Buffers given and taken so far: the next one to be filled is number _given, modulo how many there are.
    private long _given, _taken;
    private bool _isDisposed;

    public TraceHandover(ITraceSink sink, int buffers, int capacity)
    {
        _sink = sink;
        _capacity = capacity;
        _lengths = new int[buffers];
        _words = (ulong*)NativeMemory.Alloc((nuint)(buffers * capacity), sizeof(ulong));
        _thread = new Thread(TakeAll) { IsBackground = true, Name = "trace" };
        _thread.Start();
    }

    /// <summary>The buffer to be filled.</summary>
    public ulong* Current => BufferAt(_given);

    /// <summary>Gives the current buffer to the sink; waits until there is another.</summary>
    public void Give(int words)
    {
        lock (_gate)
        {
            _lengths[_given % _lengths.Length] = words;
            _given++;
            Monitor.PulseAll(_gate);
            while (_given - _taken == _lengths.Length)
                Monitor.Wait(_gate);
        }
    }

    /// <summary>Waits until the sink has taken all that was given.</summary>
    public void WaitUntilTaken()
    {
        lock (_gate)
        {
            while (_taken != _given)
                Monitor.Wait(_gate);
        }
    }

    /// <summary>Throws what the sink has thrown, if it has: it has been given nothing since.</summary>
    public void ThrowIfFailed() => Volatile.Read(ref _failure)?.Throw();

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            Monitor.PulseAll(_gate);
        }
        _thread.Join();
        NativeMemory.Free(_words);
    }

    private ulong* BufferAt(long number) => _words + number % _lengths.Length * _capacity;

    private void TakeAll()
    {
        while (true)
        {
            lock (_gate)
            {
                while (_taken == _given)
                {
                    if (_isDisposed)
                        return;
                    Monitor.Wait(_gate);
                }
            }
            if (_failure == null)
            {
                try
                {
                    _sink.Take(new ReadOnlySpan<ulong>(BufferAt(_taken), _lengths[_taken % _lengths.Length]));
                }
                catch (Exception failure)
                {
                    Volatile.Write(ref _failure, ExceptionDispatchInfo.Capture(failure));
                }
            }
            lock (_gate)
            {
                _taken++;
                Monitor.PulseAll(_gate);
            }
        }
    }
}
