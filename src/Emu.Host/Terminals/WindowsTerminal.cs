using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Emu.Host.Terminals;

/// <summary>Standard input on Windows, in raw mode through the console's input and output modes.</summary>
[SupportedOSPlatform("windows")]
internal sealed unsafe partial class WindowsTerminal : ITerminal
{
    private const int StandardInput = -10;
    private const int StandardOutput = -11;
    private const uint Utf8 = 65001;

    private const uint ProcessedInput = 0x1;
    private const uint LineInput = 0x2;
    private const uint EchoInput = 0x4;
    private const uint VirtualTerminalInput = 0x200;
    private const uint ProcessedOutput = 0x1;
    private const uint VirtualTerminalProcessing = 0x4;

    private readonly Lock _lock = new();
    private readonly nint _input = GetStandardHandle(StandardInput);
    private readonly nint _output = GetStandardHandle(StandardOutput);
    private readonly uint _inputMode;
    private readonly uint? _outputMode;
    private readonly uint _inputCodePage;
    private readonly uint _outputCodePage;
    private bool _isRaw;

    public WindowsTerminal()
    {
        IsInteractive = GetConsoleMode(_input, out _inputMode) != 0;
        if (GetConsoleMode(_output, out uint outputMode) != 0)
            _outputMode = outputMode;
        _inputCodePage = GetInputCodePage();
        _outputCodePage = GetOutputCodePage();
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
            _isRaw = true;
            SetConsoleMode(_input, (_inputMode & ~(ProcessedInput | LineInput | EchoInput)) | VirtualTerminalInput);
            if (_outputMode is { } mode)
                SetConsoleMode(_output, mode | ProcessedOutput | VirtualTerminalProcessing);
            SetInputCodePage(Utf8);
            SetOutputCodePage(Utf8);
        }
    }

    /// <inheritdoc/>
    public void Restore()
    {
        lock (_lock)
        {
            if (!_isRaw)
                return;
            _isRaw = false;
            SetConsoleMode(_input, _inputMode);
            if (_outputMode is { } mode)
                SetConsoleMode(_output, mode);
            SetInputCodePage(_inputCodePage);
            SetOutputCodePage(_outputCodePage);
        }
    }

    /// <inheritdoc/>
    public int Read(Span<byte> buffer)
    {
        fixed (byte* start = buffer)
            return ReadFile(_input, start, (uint)buffer.Length, out uint count, 0) != 0 ? (int)count : 0;
    }

    /// <inheritdoc/>
    public void Dispose() => Restore();

    [LibraryImport("kernel32", EntryPoint = "GetStdHandle")]
    private static partial nint GetStandardHandle(int which);

    [LibraryImport("kernel32", EntryPoint = "GetConsoleMode")]
    private static partial int GetConsoleMode(nint handle, out uint mode);

    [LibraryImport("kernel32", EntryPoint = "SetConsoleMode")]
    private static partial int SetConsoleMode(nint handle, uint mode);

    [LibraryImport("kernel32", EntryPoint = "GetConsoleCP")]
    private static partial uint GetInputCodePage();

    [LibraryImport("kernel32", EntryPoint = "SetConsoleCP")]
    private static partial int SetInputCodePage(uint codePage);

    [LibraryImport("kernel32", EntryPoint = "GetConsoleOutputCP")]
    private static partial uint GetOutputCodePage();

    [LibraryImport("kernel32", EntryPoint = "SetConsoleOutputCP")]
    private static partial int SetOutputCodePage(uint codePage);

    [LibraryImport("kernel32", EntryPoint = "ReadFile")]
    private static partial int ReadFile(nint handle, byte* buffer, uint length, out uint count, nint overlapped);
}
