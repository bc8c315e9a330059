using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Emu.Host.Terminals;

/// <summary>Standard output and error without the console class: on Unix its streams first send the terminal a set-up sequence, which would stand in the guest's output.</summary>
public static class StandardStreams
{
    /// <summary>Opens standard output.</summary>
    /// <returns>A stream that writes at once.</returns>
    public static Stream OpenOutput() => OperatingSystem.IsWindows() ? Console.OpenStandardOutput() : new PosixOutputStream(1);

    /// <summary>Opens standard error.</summary>
    /// <returns>A stream that writes at once.</returns>
    public static Stream OpenError() => OperatingSystem.IsWindows() ? Console.OpenStandardError() : new PosixOutputStream(2);
}

/// <summary>Nobody reads what is written any more: <c>emu inspect KERNEL | head</c>. Not an error, but the end.</summary>
public sealed class OutputClosedException() : IOException("Nobody reads the output any more.");

/// <summary>A file descriptor that is written to, at the offset that it shares with everybody who has it.</summary>
[UnsupportedOSPlatform("windows")]
internal sealed unsafe partial class PosixOutputStream(int descriptor) : Stream
{
    private const int Interrupted = 4;
    private const int BrokenPipe = 32;

    /// <summary>EAGAIN on Linux, and on macOS and the BSDs: somebody made the descriptor non-blocking.</summary>
    private static readonly int TryAgain = OperatingSystem.IsLinux() ? 11 : 35;

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            nint written;
            fixed (byte* start = buffer)
                written = WriteDescriptor(descriptor, start, (nuint)buffer.Length);
            if (written >= 0)
            {
                buffer = buffer[(int)written..];
                continue;
            }

            int error = Marshal.GetLastPInvokeError();
            if (error == TryAgain)
                Thread.Sleep(1);
            else if (error == BrokenPipe)
                throw new OutputClosedException();
            else if (error != Interrupted)
                throw new IOException(Marshal.GetPInvokeErrorMessage(error));
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteDescriptor(int descriptor, byte* buffer, nuint count);
}
