using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Emu.Machine.Tracing;
using Emu.Pvh;

namespace Emu.Host.Tracing.Export;

/// <summary>Which code was executed, as version 2 of drcov's files: modules as text, then an entry of eight bytes for each block.</summary>
internal sealed class DrcovExport
{
    /// <summary>Offsets in a module have 32 bits.</summary>
    private const ulong Reach = 1UL << 32;

    private const ulong KernelAlignment = 2 << 20;
    private const ulong PageSize = 4096;

    /// <summary>PF_X.</summary>
    private const uint Executable = 1;

    private readonly HashSet<(ulong Start, int Size)> _executed = [];
    private readonly List<bool> _seen = [];

    // What a module covers.
    private sealed record Module(string Name, ulong Base)
    {
        public ulong Last { get; set; } = Base;
    }

    public static void Write(TraceReader reader, TraceExportOptions options, Stream output)
    {
        DrcovExport export = new();
        TraceSteps steps = new(reader, options);
        while (steps.MoveNext())
        {
            if (steps.Cursor.Block is { } block)
                export.Take(block, steps.Cursor.First, steps.Length);
        }

        string module = options.Module ?? reader.Header.Properties.GetValueOrDefault("guest") ?? "guest";
        export.Write(output, NameOf(module), options.ModuleBase ?? BaseOf(module) ?? export.LikelyBase());
    }

    private void Take(TraceBlock block, int first, int length)
    {
        bool isWhole = length == block.Count;
        while (_seen.Count <= block.Number)
            _seen.Add(false);
        if (isWhole && _seen[block.Number])
            return;
        _seen[block.Number] |= isWhole;
        int start = block.OffsetOf(first);
        _executed.Add((block.AddressOf(first), block.OffsetOf(first + length) - start));
    }

    private void Write(Stream output, string name, ulong moduleBase)
    {
        (ulong Start, int Size)[] blocks = [.. _executed.Order()];
        List<Module> modules = [new Module(name, moduleBase)];
        int[] owners = new int[blocks.Length];
        for (int i = 0; i < blocks.Length; i++)
        {
            (ulong start, int size) = blocks[i];
            owners[i] = modules.FindIndex(module => start - module.Base < Reach && start >= module.Base);
            if (owners[i] < 0)
            {
                owners[i] = modules.Count;
                ulong region = start & ~(Reach - 1);
                modules.Add(new Module(string.Create(CultureInfo.InvariantCulture, $"other-0x{region:x}"), region));
            }

            Module owner = modules[owners[i]];
            owner.Last = Math.Max(owner.Last, start + (ulong)size - 1);
        }

        StringBuilder text = new();
        text.Append("DRCOV VERSION: 2\nDRCOV FLAVOR: drcov\n");
        text.Append(CultureInfo.InvariantCulture, $"Module Table: version 2, count {modules.Count}\nColumns: id, base, end, entry, path\n");
        for (int i = 0; i < modules.Count; i++)
            text.Append(CultureInfo.InvariantCulture, $"{i,3}, 0x{modules[i].Base:x16}, 0x{modules[i].Last + 1:x16}, 0x{0:x16}, {modules[i].Name}\n");
        text.Append(CultureInfo.InvariantCulture, $"BB Table: {blocks.Length} bbs\n");
        output.Write(Encoding.UTF8.GetBytes(text.ToString()));

        byte[] table = new byte[8 * blocks.Length];
        for (int i = 0; i < blocks.Length; i++)
        {
            Span<byte> entry = table.AsSpan(8 * i, 8);
            BinaryPrimitives.WriteUInt32LittleEndian(entry, (uint)(blocks[i].Start - modules[owners[i]].Base));
            BinaryPrimitives.WriteUInt16LittleEndian(entry[4..], (ushort)blocks[i].Size);
            BinaryPrimitives.WriteUInt16LittleEndian(entry[6..], (ushort)owners[i]);
        }

        output.Write(table);
    }

    // Without the file: the lowest code of the 4 GiB with the most of it. Kernels in the upper half begin at multiples of 2 MiB.
    private ulong LikelyBase()
    {
        if (_executed.Count == 0)
            return 0;
        ulong region = _executed.GroupBy(static block => block.Start & ~(Reach - 1)).OrderByDescending(static group => group.Count()).First().Key;
        ulong lowest = _executed.Where(block => block.Start >= region).Min(static block => block.Start);
        return lowest & ~((lowest >> 63 != 0 ? KernelAlignment : PageSize) - 1);
    }

    // Commas and lines separate in the table.
    private static string NameOf(string module) =>
        Path.GetFileName(module) is { Length: > 0 } name ? string.Concat(name.Select(static c => c == ',' || char.IsControl(c) ? '_' : c)) : "guest";

    private static ulong? BaseOf(string module)
    {
        if (!File.Exists(module))
            return null;
        try
        {
            byte[] image = File.ReadAllBytes(module);
            if (!ElfFile.HasMagic(image))
                return null;
            // Linux has data for each CPU at address 0.
            return ElfFile.Parse(image).LoadableSegments.Where(static segment => (segment.Flags & Executable) != 0).Min(static segment => (ulong?)segment.VirtualAddress);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or PvhBootException)
        {
            return null;
        }
    }
}
