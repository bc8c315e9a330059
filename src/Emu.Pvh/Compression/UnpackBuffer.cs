using System.Buffers.Binary;

namespace Emu.Pvh.Compression;

/// <summary>
/// Where a decoder writes. It grows with what has been written, at most doubling, and never beyond the limit: a small file that claims
/// to be huge costs nothing before it really produces bytes. Decoders use what they have written as their dictionary.
/// </summary>
internal sealed class UnpackBuffer
{
    private const int ProgressStep = 1 << 20;
    private const int MinimumCapacity = 1 << 16;

    private readonly CompressionFormat _format;
    private readonly int _inputLength;
    private readonly int _limit;
    private readonly Action<UnpackProgress>? _progress;
    private byte[] _bytes;
    private int _nextReport = ProgressStep;

    /// <summary>Creates an empty buffer.</summary>
    /// <param name="format">The compression, for messages.</param>
    /// <param name="input">The compressed input.</param>
    /// <param name="options">The limit and whom to tell of progress.</param>
    public UnpackBuffer(CompressionFormat format, ReadOnlySpan<byte> input, KernelImageOptions options)
    {
        _format = format;
        _inputLength = input.Length;
        _limit = Math.Clamp(options.MaximumSize, 0, Array.MaxLength);
        _progress = options.Progress;
        // A gzip file and every payload of a bzImage end with the unpacked size; it is a hint only, and believed up to the usual ratio.
        long hint = input.Length >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(input[^4..]) : 0;
        long guess = Math.Max(MinimumCapacity, hint >= input.Length && hint <= input.Length * 12L ? hint : input.Length * 4L);
        _bytes = GC.AllocateUninitializedArray<byte>((int)Math.Min(guess, _limit));
    }

    /// <summary>The bytes written so far are the first <see cref="Length"/> ones. The array changes when the buffer grows.</summary>
    public byte[] Bytes => _bytes;

    /// <summary>How many bytes have been written.</summary>
    public int Length { get; private set; }

    /// <summary>What has been written.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, Length);

    /// <summary>Makes room for <paramref name="count"/> more bytes.</summary>
    /// <param name="count">A number of bytes that the input really is about to produce.</param>
    /// <exception cref="PayloadTooLargeException">The limit would be passed.</exception>
    public void Reserve(long count)
    {
        if (count <= _bytes.Length - Length)
            return;
        long needed = Length + count;
        if (needed > _limit)
            throw new PayloadTooLargeException(_limit);
        long capacity = Math.Min(Math.Max(needed, (long)_bytes.Length * 2), _limit);
        byte[] larger = GC.AllocateUninitializedArray<byte>((int)capacity);
        _bytes.AsSpan(0, Length).CopyTo(larger);
        _bytes = larger;
    }

    /// <summary>Makes room for <paramref name="count"/> more bytes, or for as many as the limit leaves.</summary>
    /// <param name="count">The most that the input can be about to produce.</param>
    public void ReserveUpTo(long count) => Reserve(Math.Min(count, _limit - Length));

    /// <summary>The error for a decoder that has filled what <see cref="ReserveUpTo"/> left.</summary>
    /// <returns>The error.</returns>
    public PayloadTooLargeException TooLarge() => new(_limit);

    /// <summary>Says that bytes have been written directly into <see cref="Bytes"/>.</summary>
    /// <param name="count">How many.</param>
    /// <param name="consumed">How far the input has been read, in bytes.</param>
    public void Advance(int count, int consumed)
    {
        Length += count;
        if (_progress is null || Length < _nextReport)
            return;
        _nextReport = (int)Math.Min(int.MaxValue, (long)Length + ProgressStep);
        _progress(new UnpackProgress(_format, consumed, _inputLength, Length));
    }

    /// <summary>Reports the end.</summary>
    public void Complete() => _progress?.Invoke(new UnpackProgress(_format, _inputLength, _inputLength, Length));

    /// <summary>Appends bytes.</summary>
    /// <param name="data">The bytes.</param>
    /// <param name="consumed">How far the input has been read, in bytes.</param>
    public void Append(ReadOnlySpan<byte> data, int consumed)
    {
        Reserve(data.Length);
        data.CopyTo(_bytes.AsSpan(Length));
        Advance(data.Length, consumed);
    }
}
