using Emu.Cpu;
using Emu.Cpu.Instrumentation;

namespace Emu.Machine.Tracing;

/// <summary>A run of instructions as they were executed one after the other at one place: what a trace refers to.</summary>
public sealed class TraceBlock
{
    private readonly ulong[] _values;

    /// <summary>Makes a block.</summary>
    /// <param name="linear">Linear address of its first byte.</param>
    /// <param name="codeSize">16, 32 or 64: how its bytes are decoded.</param>
    /// <param name="isProtected">False in real and virtual-8086 mode.</param>
    /// <param name="cpl">Privilege level, 0–3.</param>
    /// <param name="lengths">The lengths of its instructions, 1–15 bytes each.</param>
    /// <param name="code">Its bytes: as many as the lengths say.</param>
    public TraceBlock(ulong linear, int codeSize, bool isProtected, int cpl, byte[] lengths, byte[] code)
    {
        ArgumentNullException.ThrowIfNull(lengths);
        Linear = linear;
        CodeSize = codeSize;
        IsProtected = isProtected;
        Cpl = cpl;
        Lengths = lengths;
        Code = code;
        _values = new ulong[lengths.Length];
        var offset = 0;
        for (var i = 0; i < lengths.Length; i++)
        {
            _values[i] = TraceHash.Instruction(codeSize | (isProtected ? 0 : 1), cpl, AddressAt(offset), code.AsSpan(offset, lengths[i]));
            offset += lengths[i];
        }

        Hash = HashOf(0, lengths.Length);
        Power = TraceHash.Power((ulong)lengths.Length);
    }

    /// <summary>Its place in <see cref="TraceReader.Blocks"/>, where it is from a trace that was read.</summary>
    public int Number { get; internal init; }

    /// <summary>Linear address of the first byte.</summary>
    public ulong Linear { get; }

    /// <summary>16, 32 or 64: how the bytes are decoded.</summary>
    public int CodeSize { get; }

    /// <summary>False in real and virtual-8086 mode.</summary>
    public bool IsProtected { get; }

    /// <summary>Current privilege level.</summary>
    public int Cpl { get; }

    /// <summary>The lengths of the instructions in bytes.</summary>
    public ReadOnlyMemory<byte> Lengths { get; }

    /// <summary>The bytes of all instructions.</summary>
    public ReadOnlyMemory<byte> Code { get; }

    /// <summary>How many instructions.</summary>
    public int Count => _values.Length;

    /// <summary>The hash of all its instructions, on vCPU 0.</summary>
    internal ulong Hash { get; }

    /// <summary>Bⁿ for its n instructions.</summary>
    internal ulong Power { get; }

    /// <summary>The first byte's offset of an instruction.</summary>
    /// <param name="index">The instruction's number in the block.</param>
    /// <returns>Bytes from the block's start.</returns>
    public int OffsetOf(int index)
    {
        var offset = 0;
        foreach (var length in Lengths.Span[..index])
            offset += length;
        return offset;
    }

    /// <summary>The linear address of an instruction.</summary>
    /// <param name="index">The instruction's number in the block.</param>
    /// <returns>The address.</returns>
    public ulong AddressOf(int index) => AddressAt(OffsetOf(index));

    /// <summary>The bytes of an instruction.</summary>
    /// <param name="index">The instruction's number in the block.</param>
    /// <returns>1–15 bytes.</returns>
    public ReadOnlyMemory<byte> BytesOf(int index) => Code.Slice(OffsetOf(index), Lengths.Span[index]);

    /// <summary>The hash of some of its instructions, on vCPU 0.</summary>
    internal ulong HashOf(int first, int count)
    {
        var sum = 0UL;
        for (var i = first; i < first + count; i++)
            sum = TraceHash.Add(TraceHash.Multiply(sum, TraceHash.Base), _values[i]);
        return sum;
    }

    private ulong AddressAt(int offset) => CodeSize == 64 ? Linear + (ulong)offset : (uint)(Linear + (ulong)offset);
}

/// <summary>A life of the guest: from a start to an end behind which it is started anew.</summary>
/// <param name="Number">Which: 1, and one more for each new start.</param>
/// <param name="FirstCount">Instructions that all lives before it have retired: where it began.</param>
public readonly record struct TraceLife(int Number, ulong FirstCount);

/// <summary>An exception or interrupt that was delivered through the IDT. It counts as one instruction.</summary>
/// <param name="Kind">Its source.</param>
/// <param name="Vector">IDT vector.</param>
/// <param name="ErrorCode">The error code, where one was pushed.</param>
/// <param name="Rip">RIP that was pushed.</param>
/// <param name="Address">CR2, for a page fault.</param>
public readonly record struct TraceEvent(EventKind Kind, byte Vector, uint? ErrorCode, ulong Rip, ulong? Address);

/// <summary>An access to memory.</summary>
/// <param name="Linear">Linear address.</param>
/// <param name="Size">Bytes.</param>
/// <param name="IsWrite">Whether it was written; a read-modify-write counts as a write.</param>
/// <param name="Value">The bytes, read or as they are after the write; empty where a device answered.</param>
public readonly record struct TraceAccess(ulong Linear, int Size, bool IsWrite, ReadOnlyMemory<byte> Value);

/// <summary>A register's new value.</summary>
/// <param name="Register">Which.</param>
/// <param name="Value">Its value after the instruction or event.</param>
public readonly record struct RegisterChange(TracedRegister Register, ulong Value)
{
    /// <summary>Its value before the instruction or event.</summary>
    public ulong Before { get; init; }
}
