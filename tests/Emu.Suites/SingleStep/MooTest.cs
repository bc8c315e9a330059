namespace Emu.Suites.SingleStep;

/// <summary>One byte of memory.</summary>
internal readonly record struct MooByte(uint Address, byte Value);

/// <summary>Registers and memory before or after.</summary>
internal sealed record MooState(MooRegisters Registers, IReadOnlyList<MooByte> Memory);

/// <summary>An exception or interrupt that the instruction led to.</summary>
/// <param name="Vector">Its vector.</param>
/// <param name="FlagsAddress">Where FLAGS was pushed.</param>
internal sealed record MooException(byte Vector, uint FlagsAddress);

/// <summary>One instruction as silicon executed it.</summary>
internal sealed record MooTest
{
    /// <summary>Its number in the file.</summary>
    public required uint Index { get; init; }

    /// <summary>Its disassembly.</summary>
    public string Name { get; init; } = "";

    /// <summary>The instruction, and the HLT behind it.</summary>
    public byte[] Bytes { get; init; } = [];

    /// <summary>All registers, and the memory that the instruction sees.</summary>
    public required MooState Before { get; init; }

    /// <summary>The registers and the memory that changed.</summary>
    public required MooState After { get; init; }

    /// <summary>Bits of registers that count, for this test alone; null for all.</summary>
    public MooRegisters? Mask { get; init; }

    /// <summary>The exception, or null.</summary>
    public MooException? Exception { get; init; }

    /// <summary>Its hash in lower-case hexadecimal, by which it can be revoked.</summary>
    public string Hash { get; init; } = "";
}
