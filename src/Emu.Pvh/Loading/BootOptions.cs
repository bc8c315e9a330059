using System.Text;

namespace Emu.Pvh;

/// <summary>A module that the kernel finds in memory; for Linux the first one is the initrd.</summary>
/// <param name="Data">The module's bytes, passed as they are.</param>
/// <param name="CommandLine">Its own command line without NUL, or null for none.</param>
public sealed record BootModule(ReadOnlyMemory<byte> Data, ReadOnlyMemory<byte>? CommandLine = null)
{
    /// <summary>What to call the module where a protocol puts a name before its command line (Multiboot 1); null for no name.</summary>
    public string? Name { get; init; }

    /// <summary>A module with a command line given as text.</summary>
    /// <param name="data">The module's bytes.</param>
    /// <param name="commandLine">Its command line.</param>
    /// <returns>The module.</returns>
    public static BootModule WithText(ReadOnlyMemory<byte> data, string commandLine) => new(data, Encoding.UTF8.GetBytes(commandLine));
}

/// <summary>How a guest is to be booted, whatever the protocol.</summary>
public abstract record BootOptions
{
    /// <summary>The kernel's command line without NUL, passed byte for byte; null for none.</summary>
    public ReadOnlyMemory<byte>? CommandLine { get; init; }

    /// <summary>The modules in order.</summary>
    public IReadOnlyList<BootModule> Modules { get; init; } = [];

    /// <summary>
    /// The memory map that the guest sees; null for the RAM regions alone. It is not sorted, so that a caller may test a guest with any order.
    /// </summary>
    public IReadOnlyList<MemoryMapEntry>? MemoryMap { get; init; }

    /// <summary>Whose entry state to follow.</summary>
    public EntryProfile EntryProfile { get; init; } = EntryProfile.Xen;

    /// <summary>RAM that the loader must leave alone, for instance ACPI tables that the caller has placed.</summary>
    public IReadOnlyList<GuestRange> ReservedRanges { get; init; } = [];
}
