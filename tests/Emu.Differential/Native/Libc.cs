using System.Runtime.InteropServices;

namespace Emu.Differential.Native;

/// <summary>What the native executor asks of Linux.</summary>
internal static unsafe partial class Libc
{
    public const int Read = 1, ReadWrite = 3, ReadWriteExecute = 7;
    public const int SigIll = 4, SigTrap = 5, SigBus = 7, SigFpe = 8, SigSegv = 11;
    public const int SigactionLength = 152, SigactionFlagsAt = 136;
    public const int NoDefer = 0x4000_0000, OnStack = 0x0800_0000, WithInformation = 4;
    private const int PrivateAnonymousFixedNoReplace = 0x10_0022;
    private const int ModifyLdtCall = 154;
    private const int WriteLdt = 0x11;

    /// <summary>Maps memory at a fixed address; false where something is there.</summary>
    public static bool TryMap(ulong address, nuint length, int protection) =>
        (ulong)Map((void*)address, length, protection, PrivateAnonymousFixedNoReplace, -1, 0) == address;

    /// <summary>Enters a segment into the process's local descriptor table.</summary>
    public static bool TrySetLocalSegment(int entry, in Segments.LocalSegment segment)
    {
        var description = stackalloc uint[4];
        description[0] = (uint)entry;
        description[1] = segment.Base;
        description[2] = segment.Limit;
        description[3] = (segment.Is32 ? 1u : 0) | ((uint)segment.Contents << 1) | (segment.IsReadOnly ? 8u : 0) | (segment.IsAbsent ? 32u : 0);
        return SystemCall(ModifyLdtCall, WriteLdt, description, 16) == 0;
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    public static partial int Unmap(void* address, nuint length);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    public static partial int Protect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "sigaction")]
    public static partial int Sigaction(int signal, void* action, void* old);

    [LibraryImport("libc", EntryPoint = "sigaltstack")]
    public static partial int SignalStack(void* stack, void* old);

    [LibraryImport("libc", EntryPoint = "pthread_sigmask")]
    public static partial int SignalMask(int how, void* set, void* old);

    [LibraryImport("libc", EntryPoint = "getauxval")]
    public static partial ulong AuxiliaryValue(ulong type);

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial long SystemCall(long number, long function, void* description, long length);
}
