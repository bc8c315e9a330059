using System.Buffers.Binary;

namespace Emu.Pvh;

/// <summary>A start_info as found in guest memory, with the texts that it points to and what is wrong with it.</summary>
/// <param name="Info">The structure and its lists.</param>
/// <param name="CommandLine">The kernel's command line without NUL, or null for none.</param>
/// <param name="ModuleCommandLines">Each module's command line without NUL, or null for none.</param>
/// <param name="Violations">One sentence per rule of the ABI that is broken; empty for a good one.</param>
public sealed record StartInfoReading(
    HvmStartInfo Info,
    ReadOnlyMemory<byte>? CommandLine,
    IReadOnlyList<ReadOnlyMemory<byte>?> ModuleCommandLines,
    IReadOnlyList<string> Violations);

/// <summary>Reads start_info back from guest memory and holds it against the ABI.</summary>
public static class HvmStartInfoReader
{
    /// <summary>More modules or map entries than this are taken for damage.</summary>
    public const int MaximumEntries = 4096;

    /// <summary>A command line without a NUL in so many bytes is taken for damage.</summary>
    public const int MaximumCommandLine = 1 << 16;

    private const ulong FourGiB = 1UL << 32;

    /// <summary>Reads and checks a start_info.</summary>
    /// <param name="memory">The guest's memory.</param>
    /// <param name="address">Its physical address, as EBX holds it at entry.</param>
    /// <param name="draft">True to read the 20-byte draft, which nothing in memory tells apart from v0.</param>
    /// <returns>What was found.</returns>
    /// <exception cref="StartInfoException">It cannot be read at all: no RAM, no magic, or lists that cannot be followed.</exception>
    public static StartInfoReading Read(IGuestMemory memory, ulong address, bool draft = false)
    {
        ArgumentNullException.ThrowIfNull(memory);
        Reading reading = new(memory);
        return draft ? reading.Draft(address) : reading.Shipped(address);
    }

    private sealed class Reading
    {
        private readonly IGuestMemory _memory;
        private readonly IReadOnlyList<GuestRange> _ram;
        private readonly List<string> _violations = [];
        private readonly List<(string What, GuestRange Range)> _pieces = [];

        public Reading(IGuestMemory memory)
        {
            _memory = memory;
            _ram = BootPlacement.Merge(memory.RamRegions);
        }

        public StartInfoReading Draft(ulong address)
        {
            byte[] bytes = Header(address, HvmStartInfo.SizeOf(StartInfoVersion.Draft));
            uint count = U32(bytes, 12);
            uint list = U32(bytes, 16);
            IReadOnlyList<StartInfoModule> modules = Modules(list, count, StartInfoVersion.Draft);
            return Finish(new HvmStartInfo
            {
                Version = StartInfoVersion.Draft,
                RawVersion = 0,
                Flags = (StartInfoFlags)U32(bytes, 4),
                CommandLineAddress = U32(bytes, 8),
                ModuleListAddress = list,
                Modules = modules,
            });
        }

        public StartInfoReading Shipped(ulong address)
        {
            byte[] bytes = Header(address, HvmStartInfo.SizeOf(StartInfoVersion.V0));
            uint version = U32(bytes, 4);
            ulong list = U64(bytes, 16);
            HvmStartInfo info = new()
            {
                Version = version == 0 ? StartInfoVersion.V0 : StartInfoVersion.V1,
                RawVersion = version,
                Flags = (StartInfoFlags)U32(bytes, 8),
                ModuleListAddress = list,
                Modules = Modules(list, U32(bytes, 12), StartInfoVersion.V0),
                CommandLineAddress = U64(bytes, 24),
                RsdpAddress = U64(bytes, 32),
            };
            if (version > 1)
                _violations.Add($"The version is {version}; only 0 and 1 are defined, and newer ones are read as supersets of 1.");
            if (info.RsdpAddress >= FourGiB)
                _violations.Add($"The RSDP at 0x{info.RsdpAddress:x} lies above 4 GiB.");
            if (version != 0)
                info = WithMemoryMap(info, address);
            return Finish(info);
        }

        private HvmStartInfo WithMemoryMap(HvmStartInfo info, ulong address)
        {
            byte[] bytes = Bytes("start_info", address, HvmStartInfo.Size);
            ulong mapAddress = U64(bytes, 40);
            uint count = U32(bytes, 48);
            if (U32(bytes, 52) != 0)
                _violations.Add("The reserved field of start_info is not 0.");
            return info with { MemoryMapAddress = mapAddress, MemoryMap = MemoryMap(mapAddress, count) };
        }

        private byte[] Header(ulong address, int size)
        {
            if (address == 0)
                throw new StartInfoException("start_info lies at address 0, which the ABI reserves for \"absent\".");
            byte[] bytes = Bytes("start_info", address, size);
            if (U32(bytes, 0) != HvmStartInfo.Magic)
            {
                throw new StartInfoException(
                    $"There is no start_info at 0x{address:x}: its magic is 0x{U32(bytes, 0):x8}, not 0x{HvmStartInfo.Magic:x8}.");
            }

            if (!InRam(address, HvmStartInfo.Size))
                _violations.Add($"Fewer than {HvmStartInfo.Size} bytes can be read at start_info, but Linux copies so many whatever the version.");
            _pieces.Add(("start_info", new GuestRange(address, (ulong)size)));
            return bytes;
        }

        private StartInfoModule[] Modules(ulong list, uint count, StartInfoVersion version)
        {
            if (count == 0)
            {
                if (list != 0)
                    _violations.Add($"The module list address is 0x{list:x} although there are no modules; it must be 0 (FreeBSD refuses to boot).");
                return [];
            }

            if (count > MaximumEntries)
                throw new StartInfoException($"start_info claims {count} modules; at most {MaximumEntries} are believed.");
            if (list == 0)
                throw new StartInfoException($"start_info claims {count} modules, but has no module list.");
            int entrySize = HvmStartInfo.ModuleEntrySizeOf(version);
            byte[] bytes = Bytes("the module list", list, (int)count * entrySize);
            _pieces.Add(("the module list", new GuestRange(list, (ulong)bytes.Length)));
            StartInfoModule[] modules = new StartInfoModule[count];
            for (int i = 0; i < modules.Length; i++)
            {
                int at = i * entrySize;
                modules[i] = version == StartInfoVersion.Draft
                    ? new StartInfoModule(U32(bytes, at), U32(bytes, at + 4), 0)
                    : new StartInfoModule(U64(bytes, at), U64(bytes, at + 8), U64(bytes, at + 16));
                if (version != StartInfoVersion.Draft && U64(bytes, at + 24) != 0)
                    _violations.Add($"The reserved field of module {i} is not 0.");
                CheckModule(i, modules[i]);
            }

            return modules;
        }

        private void CheckModule(int index, StartInfoModule module)
        {
            if (module.Address == 0)
                _violations.Add($"Module {index} lies at address 0, which the ABI reserves for \"absent\".");
            if (!InRam(module.Address, module.Size))
                _violations.Add($"Module {index} at 0x{module.Address:x} with {module.Size} bytes does not lie in RAM.");
            else if (module.Size != 0)
                _pieces.Add(($"module {index}", new GuestRange(module.Address, module.Size)));
        }

        private MemoryMapEntry[] MemoryMap(ulong address, uint count)
        {
            if (count == 0)
                return [];
            if (count > MaximumEntries)
                throw new StartInfoException($"start_info claims {count} memory map entries; at most {MaximumEntries} are believed.");
            if (address == 0)
                throw new StartInfoException($"start_info claims {count} memory map entries, but has no memory map.");
            byte[] bytes = Bytes("the memory map", address, (int)count * HvmStartInfo.MemoryMapEntrySize);
            _pieces.Add(("the memory map", new GuestRange(address, (ulong)bytes.Length)));
            MemoryMapEntry[] map = new MemoryMapEntry[count];
            for (int i = 0; i < map.Length; i++)
            {
                int at = i * HvmStartInfo.MemoryMapEntrySize;
                map[i] = new MemoryMapEntry(U64(bytes, at), U64(bytes, at + 8), (MemoryMapType)U32(bytes, at + 16));
                if (U32(bytes, at + 20) != 0)
                    _violations.Add($"The reserved field of memory map entry {i} is not 0.");
                if (map[i].Size > ulong.MaxValue - map[i].Address)
                    _violations.Add($"Memory map entry {i} runs past the end of the address space.");
            }

            return map;
        }

        private StartInfoReading Finish(HvmStartInfo info)
        {
            ReadOnlyMemory<byte>? commandLine = Text("the command line", info.CommandLineAddress);
            ReadOnlyMemory<byte>?[] moduleTexts = new ReadOnlyMemory<byte>?[info.Modules.Count];
            for (int i = 0; i < moduleTexts.Length; i++)
                moduleTexts[i] = Text($"the command line of module {i}", info.Modules[i].CommandLineAddress);
            CheckOverlaps();
            return new StartInfoReading(info, commandLine, moduleTexts, _violations);
        }

        private void CheckOverlaps()
        {
            _pieces.Sort(static (a, b) => a.Range.CompareTo(b.Range));
            for (int i = 0; i < _pieces.Count; i++)
            {
                (string what, GuestRange range) = _pieces[i];
                if (range.End > FourGiB)
                    _violations.Add($"{Capital(what)} at {range} does not lie below 4 GiB.");
                if (i > 0 && _pieces[i - 1].Range.Overlaps(range))
                    _violations.Add($"{Capital(what)} at {range} overlaps {_pieces[i - 1].What} at {_pieces[i - 1].Range}.");
            }
        }

        private ReadOnlyMemory<byte>? Text(string what, ulong address)
        {
            if (address == 0)
                return null;
            List<byte> text = [];
            Span<byte> one = stackalloc byte[1];
            while (text.Count < MaximumCommandLine)
            {
                ulong at = unchecked(address + (ulong)text.Count);
                if (!InRam(at, 1))
                {
                    _violations.Add($"{Capital(what)} at 0x{address:x} does not lie in RAM up to its NUL.");
                    return text.ToArray();
                }

                _memory.Read(at, one);
                if (one[0] == 0)
                {
                    _pieces.Add((what, new GuestRange(address, (ulong)text.Count + 1)));
                    return text.ToArray();
                }

                text.Add(one[0]);
            }

            _violations.Add($"{Capital(what)} at 0x{address:x} has no NUL within {MaximumCommandLine} bytes.");
            return text.ToArray();
        }

        private byte[] Bytes(string what, ulong address, int length)
        {
            if (!InRam(address, (ulong)length))
                throw new StartInfoException($"{Capital(what)} at 0x{address:x} with {length} bytes does not lie in RAM.");
            byte[] bytes = new byte[length];
            _memory.Read(address, bytes);
            return bytes;
        }

        private bool InRam(ulong address, ulong length) =>
            length <= ulong.MaxValue - address && _ram.Any(region => region.Contains(new GuestRange(address, length)));

        private static string Capital(string text) =>
            text.StartsWith("start_info", StringComparison.Ordinal) ? text : char.ToUpperInvariant(text[0]) + text[1..];

        private static uint U32(byte[] bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at));

        private static ulong U64(byte[] bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));
    }
}
