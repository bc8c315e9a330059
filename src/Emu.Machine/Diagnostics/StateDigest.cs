using System.Buffers.Binary;
using System.Security.Cryptography;
using Emu.Cpu;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Machine.Diagnostics;

/// <summary>
/// SHA-256 over the architectural state of all vCPUs and RAM: equal digests mean equal machines, whichever engine ran, on whatever host.
/// </summary>
/// <remarks>
/// The input, little-endian: the instruction count; for each vCPU the registers in the order below, eight bytes
/// each; the size of RAM; then for every page of RAM that is not all zero its index in RAM and its 4096 bytes.
/// </remarks>
internal static unsafe class StateDigest
{
    /// <summary>What is architectural among the pending events: halted, NMI latched or blocked, shut down.</summary>
    private const PendingEvents ArchitecturalEvents = PendingEvents.NonMaskableInterrupt
        | PendingEvents.Halt | PendingEvents.Shutdown | PendingEvents.NmiBlocked;

    public static byte[] Compute(IReadOnlyList<Vcpu> vcpus, PhysicalMemory memory)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var vcpu in vcpus)
            Append(hash, vcpu);
        Append(hash, memory.Size);
        for (ulong offset = 0; offset < memory.Size; offset += PhysicalMemory.PageSize)
        {
            var page = new ReadOnlySpan<byte>(memory.Host + offset, PhysicalMemory.PageSize);
            if (!page.ContainsAnyExcept((byte)0))
                continue;
            Append(hash, offset / PhysicalMemory.PageSize);
            hash.AppendData(page);
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
        Append(hash, Held(vcpu, state->InterruptShadowAt));
        Append(hash, Held(vcpu, state->StackShadowAt));
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
        Append(hash, state->TimeStampOffset);
        Append(hash, state->Msr.Star);
        Append(hash, state->Msr.LongStar);
        Append(hash, state->Msr.CompatibilityStar);
        Append(hash, state->Msr.SyscallMask);
        Append(hash, state->Msr.KernelGsBase);
        Append(hash, state->Msr.TscAux);
        Append(hash, state->Msr.SysenterCs);
        Append(hash, state->Msr.SysenterEsp);
        Append(hash, state->Msr.SysenterEip);
        Append(hash, state->Msr.PageAttributeTable);
        Append(hash, state->Msr.MiscEnable);
        Append(hash, state->Msr.TscAdjust);
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
        Append(hash, new ReadOnlySpan<ulong>(state->Vectors, 64));
    }

    // A shadow is kept as the count at which it holds: what matters is whether it holds now.
    private static ulong Held(Vcpu vcpu, ulong shadowAt) => vcpu.InstructionsRetired == shadowAt ? 1UL : 0;

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
