using System.Buffers.Binary;
using System.Security.Cryptography;
using Emu.Cpu;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Emu.Machine.Recording;

namespace Emu.Machine.Diagnostics;

/// <summary>
/// SHA-256 over the architectural state of all vCPUs and RAM: equal digests mean equal machines, whichever engine ran, on whatever host.
/// </summary>
/// <remarks>
/// The input, little-endian: the instruction count; for each vCPU the registers in the order below, eight bytes
/// each; the size of RAM; then for every page of RAM, and of the spare pages of a Xen domain behind it, that is not all zero, its index and
/// its 4096 bytes; then, where a hypervisor has remapped pages, what shows where.
/// </remarks>
internal static unsafe class StateDigest
{
    /// <summary>What is architectural among the pending events: NMI latched or blocked, halted, shut down.</summary>
    private const PendingEvents ArchitecturalEvents = PendingEvents.NonMaskableInterrupt | PendingEvents.Halt
        | PendingEvents.Shutdown | PendingEvents.NmiBlocked | PendingEvents.MonitorWait | PendingEvents.WakeOnMaskedInterrupt;

    /// <summary>A short digest of the registers and counts alone, for many looks at a run.</summary>
    public static byte[] ComputeRegisters(IReadOnlyList<Vcpu> vcpus)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var vcpu in vcpus)
            Append(hash, vcpu);
        return hash.GetHashAndReset()[..InputLogFormat.DigestLength];
    }

    public static byte[] Compute(IReadOnlyList<Vcpu> vcpus, PhysicalMemory memory)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var vcpu in vcpus)
            Append(hash, vcpu);
        Append(hash, memory.Size);
        var size = memory.Size + memory.RomSize + ((ulong)memory.SparePages * PhysicalMemory.PageSize);
        for (ulong offset = 0; offset < size; offset += PhysicalMemory.PageSize)
        {
            if (offset == memory.Size)
                offset += memory.RomSize;
            if (offset == size)
                break;
            var page = new ReadOnlySpan<byte>(memory.Host + offset, PhysicalMemory.PageSize);
            if (!page.ContainsAnyExcept((byte)0))
                continue;
            Append(hash, offset / PhysicalMemory.PageSize);
            hash.AppendData(page);
        }

        foreach (var (address, entry) in memory.Remappings)
        {
            Append(hash, address);
            Append(hash, (ulong)entry);
        }

        return hash.GetHashAndReset();
    }

    private static void Append(IncrementalHash hash, Vcpu vcpu)
    {
        var state = vcpu.State;
        Append(hash, vcpu.InstructionsRetired);
        Append(hash, new ReadOnlySpan<ulong>(state->Registers, 16));
        Append(hash, state->Rip);
        Append(hash, vcpu.RflagsImage);
        Append(hash, vcpu.IsInterruptShadowed ? 1UL : 0);
        Append(hash, (ulong)(state->Pending & ArchitecturalEvents));
        Append(hash, state->Cpl);
        for (var i = 0; i < 8; i++)
        {
            ref var segment = ref state->Segments[i];
            Append(hash, segment.Base);
            Append(hash, segment.Limit);
            Append(hash, segment.Selector);
            Append(hash, (ulong)segment.Attributes);
        }

        Append(hash, state->Gdtr.Base);
        Append(hash, state->Gdtr.Limit);
        Append(hash, state->Idtr.Base);
        Append(hash, state->Idtr.Limit);
        Append(hash, state->Cr0);
        Append(hash, state->Cr2);
        Append(hash, state->Cr3);
        Append(hash, state->Cr4);
        Append(hash, state->Efer);
        Append(hash, state->Xcr0);
        Append(hash, new ReadOnlySpan<ulong>(state->DebugRegisters, 8));
        Append(hash, vcpu.PendingDebugTraps);
        Append(hash, state->TimeStampOffset);
        Append(hash, new ReadOnlySpan<ulong>(&state->Msr, sizeof(ModelSpecificRegisters) / sizeof(ulong)));
        Append(hash, new ReadOnlySpan<ulong>(state->X87.Registers, 16));
        Append(hash, state->X87.Control);
        Append(hash, state->X87.Status);
        Append(hash, state->X87.Valid);
        Append(hash, state->X87.LastOpcode);
        Append(hash, state->X87.LastCodeSelector);
        Append(hash, state->X87.LastDataSelector);
        Append(hash, state->X87.LastInstruction);
        Append(hash, state->X87.LastOperand);
        Append(hash, state->Mxcsr);
        Append(hash, state->Pkru);
        Append(hash, state->Pkrs);
        for (var i = 0; i < 4; i++)
            Append(hash, state->Pdptes[i]);
        Append(hash, state->LinesHeldLow);
        Append(hash, state->RandomState);
        Append(hash, state->MonitorAddress);
        Append(hash, new ReadOnlySpan<ulong>(state->MonitorLine, 8));
        Append(hash, new ReadOnlySpan<ulong>(state->Vectors, 64));
    }

    private static void Append(IncrementalHash hash, ReadOnlySpan<ulong> values)
    {
        foreach (var value in values)
            Append(hash, value);
    }

    private static void Append(IncrementalHash hash, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        hash.AppendData(bytes);
    }
}
