namespace Emu.Pvh;

/// <summary>
/// The page-aligned block that holds start_info and what it points to:
/// start_info (64 bytes), module list, memory map, then the command lines, each 8-aligned and NUL-terminated.
/// </summary>
internal sealed class BootDataLayout
{
    private const long HeaderSpace = 64;

    private readonly PvhBootOptions _options;
    private readonly IReadOnlyList<MemoryMapEntry> _map;
    private readonly long _moduleList = HeaderSpace;
    private readonly long _memoryMap;
    private readonly long _commandLine;
    private readonly long[] _moduleCommandLines;

    public BootDataLayout(PvhBootOptions options, IReadOnlyList<MemoryMapEntry> map)
    {
        _options = options;
        _map = options.StartInfoVersion == StartInfoVersion.V1 ? map : [];
        _memoryMap = AlignUp(_moduleList + ((long)options.Modules.Count * HvmStartInfo.ModuleEntrySizeOf(options.StartInfoVersion)));
        _commandLine = AlignUp(_memoryMap + ((long)_map.Count * HvmStartInfo.MemoryMapEntrySize));
        long end = _commandLine + Space(options.CommandLine);
        _moduleCommandLines = new long[options.Modules.Count];
        for (int i = 0; i < _moduleCommandLines.Length; i++)
        {
            _moduleCommandLines[i] = end;
            end += Space(ModuleCommandLine(options, i));
        }

        Length = end;
    }

    /// <summary>The length of the block in bytes.</summary>
    public long Length { get; }

    public ulong ModuleCommandLineAddress(int module, ulong block) =>
        ModuleCommandLine(_options, module) is null ? 0 : block + (ulong)_moduleCommandLines[module];

    /// <summary>start_info for a block at an address.</summary>
    public HvmStartInfo StartInfo(ulong block, IReadOnlyList<GuestRange> modules)
    {
        StartInfoModule[] entries = new StartInfoModule[modules.Count];
        for (int i = 0; i < entries.Length; i++)
            entries[i] = new StartInfoModule(modules[i].Start, modules[i].Length, ModuleCommandLineAddress(i, block));
        return new HvmStartInfo
        {
            Version = _options.StartInfoVersion,
            RawVersion = _options.StartInfoVersion == StartInfoVersion.V1 ? 1u : 0u,
            Flags = _options.Flags,
            ModuleListAddress = entries.Length == 0 ? 0 : block + (ulong)_moduleList,
            Modules = entries,
            CommandLineAddress = _options.CommandLine is null ? 0 : block + (ulong)_commandLine,
            RsdpAddress = _options.StartInfoVersion == StartInfoVersion.Draft ? 0 : _options.RsdpAddress,
            MemoryMapAddress = _map.Count == 0 ? 0 : block + (ulong)_memoryMap,
            MemoryMap = _map,
        };
    }

    /// <summary>The block's bytes.</summary>
    public static byte[] Serialize(PvhBootOptions options, HvmStartInfo info, GuestRange block)
    {
        byte[] bytes = new byte[checked((int)block.Length)];
        HvmStartInfoWriter.WriteHeader(info).CopyTo(bytes, 0);
        Put(bytes, block, info.ModuleListAddress, HvmStartInfoWriter.WriteModuleList(info));
        Put(bytes, block, info.MemoryMapAddress, HvmStartInfoWriter.WriteMemoryMap(info));
        Put(bytes, block, info.CommandLineAddress, (options.CommandLine ?? default).Span);
        for (int i = 0; i < options.Modules.Count; i++)
            Put(bytes, block, info.Modules[i].CommandLineAddress, (ModuleCommandLine(options, i) ?? default).Span);
        return bytes;
    }

    /// <summary>The draft's module entries have no room for a command line.</summary>
    private static ReadOnlyMemory<byte>? ModuleCommandLine(PvhBootOptions options, int module) =>
        options.StartInfoVersion == StartInfoVersion.Draft ? null : options.Modules[module].CommandLine;

    private static void Put(byte[] bytes, GuestRange block, ulong address, ReadOnlySpan<byte> data)
    {
        if (address != 0)
            data.CopyTo(bytes.AsSpan((int)(address - block.Start)));
    }

    private static long Space(ReadOnlyMemory<byte>? text) => text is { } bytes ? AlignUp(bytes.Length + 1L) : 0;

    private static long AlignUp(long value) => (value + 7) & ~7L;
}
