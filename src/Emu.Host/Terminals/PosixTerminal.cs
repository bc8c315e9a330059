using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Emu.Host.Terminals;

/// <summary>Standard input on Linux, macOS and the BSDs, in raw mode through termios(3).</summary>
/// <remarks>
/// struct termios differs between systems in the width of its flags, so it is kept as opaque bytes: cfmakeraw(3) does the work, and
/// only the output flags (its second member) are put back, because log lines on stderr still want their carriage returns.
/// </remarks>
[UnsupportedOSPlatform("windows")]
internal sealed unsafe partial class PosixTerminal : ITerminal
{
    /// <summary>More than any system's struct termios (60 bytes on Linux, 72 on macOS).</summary>
    private const int TermiosSpace = 256;

    private const int StandardInput = 0;

    /// <summary>TCSANOW: at once, and without discarding what the user typed ahead.</summary>
    private const int Now = 0;

    private readonly byte[] _found = new byte[TermiosSpace];
    private readonly Lock _lock = new();
    private readonly bool _isForeign;
    private PosixSignalRegistration? _continued;
    private bool _isRaw;

    public PosixTerminal()
    {
        // In the background ('emu run &') the terminal belongs to somebody else: to read it or to change its mode would stop us.
        _isForeign = IsTerminal(StandardInput) == 1 && GetForegroundGroup(StandardInput) != GetProcessGroup();
        fixed (byte* found = _found)
            IsInteractive = !_isForeign && IsTerminal(StandardInput) == 1 && GetAttributes(StandardInput, found) == 0;
    }

    /// <inheritdoc/>
    public bool IsInteractive { get; }

    /// <inheritdoc/>
    public void EnterRawMode()
    {
        if (!IsInteractive)
            return;
        lock (_lock)
        {
            SetRaw();
            _isRaw = true;
        }

        // A shell that stopped and continued us has set the terminal to its own liking meanwhile.
        _continued ??= PosixSignalRegistration.Create(PosixSignal.SIGCONT, _ =>
        {
            lock (_lock)
            {
                if (_isRaw)
                    SetRaw();
            }
        });
    }

    /// <inheritdoc/>
    public void Restore()
    {
        lock (_lock)
        {
            if (!_isRaw)
                return;
            _isRaw = false;
            fixed (byte* found = _found)
                SetAttributes(StandardInput, Now, found);
        }
    }

    /// <inheritdoc/>
    public int Read(Span<byte> buffer)
    {
        if (_isForeign)
            return 0;
        fixed (byte* start = buffer)
        {
            nint count;
            do
                count = ReadDescriptor(StandardInput, start, (nuint)buffer.Length);
            while (count < 0 && Marshal.GetLastPInvokeError() == Interrupted);
            return count < 0 ? 0 : (int)count;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Restore();
        _continued?.Dispose();
    }

    private void SetRaw()
    {
        byte* raw = stackalloc byte[TermiosSpace];
        _found.CopyTo(new Span<byte>(raw, TermiosSpace));
        MakeRaw(raw);
        int flagWidth = OperatingSystem.IsMacOS() ? sizeof(ulong) : sizeof(uint);
        _found.AsSpan(flagWidth, flagWidth).CopyTo(new Span<byte>(raw + flagWidth, flagWidth));
        SetAttributes(StandardInput, Now, raw);
    }

    /// <summary>EINTR, the same on every system.</summary>
    private const int Interrupted = 4;

    [LibraryImport("libc", EntryPoint = "isatty")]
    private static partial int IsTerminal(int descriptor);

    [LibraryImport("libc", EntryPoint = "tcgetpgrp")]
    private static partial int GetForegroundGroup(int descriptor);

    [LibraryImport("libc", EntryPoint = "getpgrp")]
    private static partial int GetProcessGroup();

    [LibraryImport("libc", EntryPoint = "tcgetattr")]
    private static partial int GetAttributes(int descriptor, byte* attributes);

    [LibraryImport("libc", EntryPoint = "tcsetattr")]
    private static partial int SetAttributes(int descriptor, int when, byte* attributes);

    [LibraryImport("libc", EntryPoint = "cfmakeraw")]
    private static partial void MakeRaw(byte* attributes);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint ReadDescriptor(int descriptor, byte* buffer, nuint count);
}
