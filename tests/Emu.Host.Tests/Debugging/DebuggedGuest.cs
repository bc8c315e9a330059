using System.Globalization;
using Emu.Host.Tests.EndToEnd;

namespace Emu.Host.Tests.Debugging;

/// <summary>A guest that waits for gdb, and the client that is it.</summary>
internal sealed class DebuggedGuest : IDisposable
{
    /// <summary>Where <see cref="Countdown"/> writes and reads.</summary>
    public const uint Data = 0x200000;

    /// <summary>Writes 5, 4, 3, 2, 1 to <see cref="Data"/> and reads each back, then ends with exit code 85.</summary>
    public static readonly byte[] Countdown =
    [
        0xB8, 5, 0, 0, 0,           // 00   mov eax, 5
        0xBB, 0, 0, 0x20, 0,        // 05   mov ebx, Data
        0x89, 0x03,                 // 0a   mov [ebx], eax
        0x8B, 0x0B,                 // 0c   mov ecx, [ebx]
        0x48,                       // 0e   dec eax
        0x75, 0xF9,                 // 0f   jnz 0a
        0xBA, 0xF4, 0, 0, 0,        // 11   mov edx, 0xf4
        0xB0, 0x2A,                 // 16   mov al, 42
        0xEE,                       // 18   out dx, al
        0xEB, 0xFE,                 // 19   jmp 19
    ];

    /// <summary>jmp to itself.</summary>
    public static readonly byte[] Forever = [0xEB, 0xFE];

    /// <summary>UD2, for which no handler is there.</summary>
    public static readonly byte[] Crash = [0x0F, 0x0B];

    private readonly TestFiles.TemporaryFolder _folder = new();

    public DebuggedGuest(byte[] code, params string[] options)
        : this(["--debug-console", "none"], "kernel.elf", TinyKernel.Build(code), options)
    {
    }

    private DebuggedGuest(string[] before, string name, byte[] content, string[] options)
    {
        string path = _folder.Write(name, content);
        Process = EmuProcess.Start(["run", .. before, path, "--gdb", Port.ToString(CultureInfo.InvariantCulture), .. options]);
        Client = GdbClient.Connect(Port);
    }

    public int Port { get; } = GdbClient.FreePort();

    public EmuProcess Process { get; }

    public GdbClient Client { get; private set; }

    /// <summary>A ROM of 64 KiB that jumps from the reset vector to its beginning at F000:0000, where the code is.</summary>
    public static DebuggedGuest FromRom(params byte[] code)
    {
        byte[] rom = new byte[0x10000];
        code.CopyTo(rom, 0);
        ((ReadOnlySpan<byte>)[0xEA, 0, 0, 0, 0xF0]).CopyTo(rom.AsSpan(0xFFF0));
        return new DebuggedGuest(["--firmware"], "rom.bin", rom, []);
    }

    /// <summary>The address of an instruction of the code.</summary>
    public static uint At(uint offset) => TinyKernel.Entry + offset;

    /// <summary>Another client, once the first is gone.</summary>
    public void ConnectAgain()
    {
        Client.Dispose();
        Client = GdbClient.Connect(Port);
    }

    public void Dispose()
    {
        Client.Dispose();
        Process.Dispose();
        _folder.Dispose();
    }
}
