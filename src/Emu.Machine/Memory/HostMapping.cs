using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Emu.Machine.Memory;

/// <summary>Zeroed host memory with wide inaccessible regions before and behind it.</summary>
/// <remarks>
/// Every way to guest RAM checks its address. Should one ever not, the access meets nothing here instead of the host's own memory: a
/// guard is wider than the sum of any 32-bit offset and any length that the machine works with. Guards cost address space alone. Where
/// the host's pages are larger than 4 KiB, the rest of the last one is accessible.
/// </remarks>
internal sealed unsafe partial class HostMapping : IDisposable
{
    private static readonly nuint Guard = nuint.Size == 8 ? unchecked((nuint)(8UL << 30)) : SmallGuard;

    // Where address space is limited (ulimit -v), less must do.
    private const nuint SmallGuard = 16 << 20;
    private const nuint LargePage = 2 << 20;

    private byte* _reservation;
    private readonly nuint _reserved;

    /// <summary>Maps memory that costs nothing until it is touched.</summary>
    /// <param name="length">Bytes, a multiple of 4096.</param>
    /// <exception cref="OutOfMemoryException">The host refuses.</exception>
    public HostMapping(nuint length)
    {
        var guard = Guard;
        _reservation = TryReserve(length, guard, out _reserved);
        if (_reservation == null)
        {
            guard = SmallGuard;
            _reservation = TryReserve(length, guard, out _reserved);
        }
        if (_reservation == null)
            throw new OutOfMemoryException();
        Start = (byte*)(((nuint)_reservation + guard + LargePage - 1) & ~(LargePage - 1));
        if (TryCommit(Start, length))
            return;
        Dispose();
        throw new OutOfMemoryException();
    }

    /// <summary>The first byte, on a 2 MiB boundary.</summary>
    public byte* Start { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_reservation == null)
            return;
        if (OperatingSystem.IsWindows())
            _ = VirtualFree(_reservation, 0, MemRelease);
        else
            _ = Unmap(_reservation, _reserved);
        _reservation = null;
    }

    private static byte* TryReserve(nuint length, nuint guard, out nuint reserved)
    {
        reserved = length + (2 * guard) + LargePage;
        if (reserved < length)
            return null;
        if (OperatingSystem.IsWindows())
            return (byte*)VirtualAlloc(null, reserved, MemReserve, PageNoAccess);
        var anonymous = OperatingSystem.IsLinux() || OperatingSystem.IsAndroid() ? MapAnonymousLinux : MapAnonymousBsd;
        var start = Map(null, reserved, ProtectionNone, MapPrivate | anonymous, -1, 0);
        return start == (void*)-1 ? null : (byte*)start;
    }

    private static bool TryCommit(byte* start, nuint length) => OperatingSystem.IsWindows()
        ? VirtualAlloc(start, length, MemCommit, PageReadWrite) != null
        : Protect(start, length, ProtectionRead | ProtectionWrite) == 0;

    private const int ProtectionNone = 0, ProtectionRead = 1, ProtectionWrite = 2;
    private const int MapPrivate = 2, MapAnonymousLinux = 0x20, MapAnonymousBsd = 0x1000;
    private const uint MemCommit = 0x1000, MemReserve = 0x2000, MemRelease = 0x8000, PageNoAccess = 1, PageReadWrite = 4;

    [UnsupportedOSPlatform("windows")]
    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [UnsupportedOSPlatform("windows")]
    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(void* address, nuint length, int protection);

    [UnsupportedOSPlatform("windows")]
    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint length);

    [SupportedOSPlatform("windows")]
    [LibraryImport("kernel32", EntryPoint = "VirtualAlloc")]
    private static partial void* VirtualAlloc(void* address, nuint length, uint type, uint protection);

    [SupportedOSPlatform("windows")]
    [LibraryImport("kernel32", EntryPoint = "VirtualFree")]
    private static partial int VirtualFree(void* address, nuint length, uint type);
}
