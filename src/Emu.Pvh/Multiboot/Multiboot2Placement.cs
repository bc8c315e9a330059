namespace Emu.Pvh;

/// <summary>Decides where a relocatable Multiboot 2 image goes.</summary>
internal static class Multiboot2Placement
{
    /// <summary>Moves a kernel to the address that it prefers among those that its tag and the guest's RAM allow.</summary>
    /// <exception cref="MalformedMultibootHeaderException">The tag's bounds make no sense.</exception>
    /// <exception cref="RelocationException">There is no such address.</exception>
    public static LoadedKernel Move(
        LoadedKernel linked, Multiboot2Relocation bounds, IReadOnlyList<GuestRange> ram, IReadOnlyList<GuestRange> reserved)
    {
        if (bounds.Alignment == 0 || (bounds.Alignment & (bounds.Alignment - 1)) != 0)
        {
            throw new MalformedMultibootHeaderException(
                $"The Multiboot 2 header wants the image at a multiple of 0x{bounds.Alignment:x}, which is not a power of two.");
        }

        FreeMemory free = new(ram);
        foreach (GuestRange range in reserved)
            free.Claim(range);
        ulong length = linked.Range.Length;
        ulong end = bounds.Maximum + 1UL;
        ulong? start = bounds.Preference switch
        {
            Multiboot2Preference.Lowest => free.Find(length, bounds.Alignment, bounds.Minimum, end),
            Multiboot2Preference.Highest => free.FindLast(length, bounds.Alignment, bounds.Minimum, end),
            _ => CanStay(linked.Range, bounds, free) ? linked.Range.Start : free.Find(length, bounds.Alignment, bounds.Minimum, end),
        };
        if (start is not { } address)
        {
            throw new RelocationException(
                $"The Multiboot 2 image of 0x{length:x} bytes finds no place in 0x{bounds.Minimum:x}-0x{bounds.Maximum:x}, where its header allows it "
                + $"at multiples of 0x{bounds.Alignment:x}, in {BootPlacement.Describe(ram)}; give the guest more memory.");
        }

        ulong displacement = unchecked(address - linked.Range.Start);
        return new LoadedKernel(
            new GuestRange(address, length), bounds.Alignment, (uint)unchecked(linked.Entry + displacement), displacement);
    }

    private static bool CanStay(GuestRange linked, Multiboot2Relocation bounds, FreeMemory free) =>
        linked.Start >= bounds.Minimum
        && linked.End <= bounds.Maximum + 1UL
        && free.Find(linked.Length, bounds.Alignment, linked.Start, linked.End) == linked.Start;
}
