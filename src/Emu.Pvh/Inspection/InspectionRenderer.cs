using System.Globalization;
using System.Text;
using Emu.Pvh.Compression;

namespace Emu.Pvh;

/// <summary>Writes an inspection as plain text for a terminal.</summary>
public static class InspectionRenderer
{
    private const int LabelWidth = 13;
    private const int MaximumListed = 64;

    /// <summary>Renders a report.</summary>
    /// <param name="inspection">The report.</param>
    /// <param name="fileName">What to call the file.</param>
    /// <returns>Lines that end in a line feed.</returns>
    public static string Render(KernelInspection inspection, string fileName)
    {
        ArgumentNullException.ThrowIfNull(inspection);
        StringBuilder text = new();
        File(text, inspection.Image, fileName);
        if (inspection.Image.Elf is { } elf)
        {
            Segments(text, elf);
            Notes(text, inspection.Image);
        }

        Layout(text, inspection);
        Verdicts(text, inspection);
        return text.ToString();
    }

    private static void File(StringBuilder text, KernelImage image, string fileName)
    {
        Line(text, "File", $"{fileName}, {Bytes(image.FileLength)}");
        string compressed = image.Compression == CompressionFormat.None
            ? "not compressed"
            : $"{image.Compression.Name()}, unpacks to {Bytes(image.Image.Length)}";
        if (image.SetupHeader is { } setup)
        {
            string protocol = $"{setup.ProtocolVersion >> 8}.{setup.ProtocolVersion & 0xFF:00}";
            Line(text, "Container", $"Linux bzImage, boot protocol {protocol}, payload {compressed}");
            if (setup.KernelVersion is { } version)
                Line(text, "Kernel", version);
        }
        else if (image.Container == KernelContainer.CompressedElf)
        {
            Line(text, "Container", $"compressed ELF: {compressed}");
        }

        else if (image.Container == KernelContainer.Flat)
        {
            Line(text, "Container", $"flat binary: {compressed}");
        }

        if (image.Elf is { } elf)
        {
            string bits = elf.Class == ElfClass.Elf64 ? "ELF64" : "ELF32";
            string machine = elf.Machine == ElfMachine.X86_64 ? "x86-64" : "i386";
            Line(text, "Image", $"{bits} for {machine}, e_entry 0x{elf.Entry:x} (PVH ignores it)");
        }

        Line(text, "PVH entry", image.Xen.Entry is { } entry ? $"0x{entry:x}" : "none");
        if (image.Multiboot1 is { } one)
            Multiboot1(text, one);
        if (image.Multiboot2 is { } two)
            Multiboot2(text, image, two);
    }

    private static void Multiboot2(StringBuilder text, KernelImage image, Multiboot2Header header)
    {
        Line(text, "Multiboot 2", $"header at offset 0x{header.FileOffset:x}, {Bytes(header.Length)}");
        Multiboot2Request request;
        try
        {
            request = Multiboot2Request.Read(image.Image.Span, header);
        }
        catch (KernelImageException e)
        {
            Line(text, "", e.Message);
            return;
        }

        if (request.Addresses is { } at)
            Addresses(text, at);
        else if (request.Entry is { } entry)
            Line(text, "", $"entry 0x{entry:x}");
        if (request.Relocation is { } bounds)
        {
            string preference = bounds.Preference switch
            {
                Multiboot2Preference.Lowest => ", the lowest place preferred",
                Multiboot2Preference.Highest => ", the highest place preferred",
                _ => "",
            };
            Line(text, "", $"relocatable in 0x{bounds.Minimum:x}-0x{bounds.Maximum:x} at multiples of 0x{bounds.Alignment:x}{preference}");
        }

        if (request.WantsVideo)
            Line(text, "", "wants a video mode, which it is not given");
    }

    private static void Addresses(StringBuilder text, MultibootAddresses at)
    {
        string loadEnd = at.LoadEnd == 0 ? "the file's end" : $"0x{at.LoadEnd:x}";
        string bssEnd = at.BssEnd == 0 ? "none" : $"to 0x{at.BssEnd:x}";
        Line(text, "", $"header at 0x{at.Header:x}, loaded from 0x{at.Load:x} to {loadEnd}, zeros {bssEnd}, entry 0x{at.Entry:x}");
    }

    private static void Multiboot1(StringBuilder text, Multiboot1Header header)
    {
        Line(text, "Multiboot 1", $"header at offset 0x{header.FileOffset:x}, flags 0x{header.Flags:x}");
        if (header.Addresses is { } at)
            Addresses(text, at);
        if (header.WantsVideo)
            Line(text, "", "wants a video mode, which it is not given");
    }

    private static void Segments(StringBuilder text, ElfFile elf)
    {
        text.Append("\nSegments to load (physical)\n");
        foreach (ElfSegment segment in elf.LoadableSegments.Take(MaximumListed))
        {
            char read = (segment.Flags & 4) != 0 ? 'r' : '-';
            char write = (segment.Flags & 2) != 0 ? 'w' : '-';
            char execute = (segment.Flags & 1) != 0 ? 'x' : '-';
            string zeros = Bytes((long)(segment.MemorySize - segment.FileSize));
            text.Append(CultureInfo.InvariantCulture, $"  {segment.Index,2}  {segment.PhysicalRange,-28} {read}{write}{execute}  ");
            text.Append(CultureInfo.InvariantCulture, $"file {Bytes((long)segment.FileSize)}, zeros {zeros}, align 0x{segment.Alignment:x}\n");
        }

        More(text, elf.LoadableSegments.Count);
    }

    private static void Notes(StringBuilder text, KernelImage image)
    {
        text.Append(image.Notes.FromSections ? "\nXen notes (from sections)\n" : "\nXen notes\n");
        if (image.Xen.All.Count == 0)
            text.Append("  none\n");
        foreach (ElfNote note in image.Xen.All.Take(MaximumListed))
            text.Append("  ").Append(XenNoteText.Describe(note)).Append('\n');
        More(text, image.Xen.All.Count);
        foreach (string defect in image.Notes.Defects.Take(MaximumListed))
            text.Append("  damaged: ").Append(defect).Append('\n');
    }

    private static void Layout(StringBuilder text, KernelInspection inspection)
    {
        text.Append("\nLayout with ").Append(BootPlacement.Describe(inspection.Ram)).Append('\n');
        if (inspection.Layout is not { } layout)
        {
            text.Append("  none: ").Append(inspection.Refusal!.Message).Append('\n');
            return;
        }

        LoadedKernel kernel = layout.Kernel;
        Line(text, "  kernel", $"{kernel.Range}, {Bytes((long)kernel.Size)}, align 0x{kernel.Alignment:x}, entry 0x{kernel.Entry:x}");
        Line(text, "  boot data", $"{layout.BootData} ({(layout is PvhBootResult ? "start_info" : "boot information")} at 0x{layout.Cpu.Ebx:x})");
        for (int i = 0; i < layout.Modules.Count && i < MaximumListed; i++)
            Line(text, $"  module {i}", $"{layout.Modules[i].Range}, {Bytes((long)layout.Modules[i].Range.Length)}");
    }

    private static void Verdicts(StringBuilder text, KernelInspection inspection)
    {
        text.Append("\nLoaders\n");
        foreach (LoaderVerdict verdict in inspection.Verdicts)
        {
            string loader = verdict.Loader switch
            {
                KernelLoader.Emu => "emu",
                KernelLoader.Xen => "Xen (xl)",
                KernelLoader.Qemu => "QEMU -kernel",
                _ => "linux-loader (Firecracker, Cloud Hypervisor)",
            };
            string outcome = verdict.Outcome switch
            {
                VerdictOutcome.Boots => "boots through PVH",
                VerdictOutcome.BootsOtherwise => "boots, but not through PVH",
                _ => "refuses",
            };
            text.Append(CultureInfo.InvariantCulture, $"  {loader}: {outcome}\n");
            foreach (LoaderFinding finding in verdict.Findings)
            {
                text.Append("    rule: ").Append(finding.Rule).Append('\n');
                if (finding.Fix is { } fix)
                    text.Append("    fix:  ").Append(fix).Append('\n');
            }
        }
    }

    private static void Line(StringBuilder text, string label, string value) =>
        text.Append(label.PadRight(LabelWidth)).Append(value).Append('\n');

    private static void More(StringBuilder text, int count)
    {
        if (count > MaximumListed)
            text.Append(CultureInfo.InvariantCulture, $"  … and {count - MaximumListed} more\n");
    }

    private static string Bytes(long count) => string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? "byte" : "bytes")}");
}
