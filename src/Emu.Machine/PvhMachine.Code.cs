using System.Buffers.Binary;
using Emu.Cpu.State;

namespace Emu.Machine;

/// <summary>How wide the code is that <see cref="PvhMachine.LoadCode"/> loads.</summary>
public enum CodeWidth
{
    /// <summary>Real mode: 16 bits, addresses below 1 MiB.</summary>
    Real16,

    /// <summary>Protected mode without paging: 32 bits, flat segments.</summary>
    Flat32,

    /// <summary>Long mode: 64 bits; the first 512 GiB are mapped where they are.</summary>
    Flat64,
}

// Code without a kernel around it.
public sealed unsafe partial class PvhMachine
{
    /// <summary>Where the page tables for 64-bit code are, and how much they take.</summary>
    private const ulong CodeTables = 0x1000, CodeTablesLength = 0x2000;

    private const ushort CodeSelector = 8, DataSelector = 16;
    private const ulong PageFlags = 0x67, GiantPage = 0x80;

    /// <summary>Puts code into RAM and the first vCPU before it, in ring 0, without any kernel, interrupts off and without an IDT.</summary>
    /// <param name="code">The code.</param>
    /// <param name="address">Where it goes, and RIP; guest-physical and linear. Paragraph-aligned and below 1 MiB for real mode.</param>
    /// <param name="width">Its width.</param>
    /// <remarks>
    /// All general registers are zero: RSP is for the program to choose, in <see cref="Emu.Cpu.Vcpu.Registers"/>. SSE and x87 can be used. The page
    /// tables of 64-bit code take 0x1000 to 0x2fff. An exception that no hook deals with ends the run as a triple fault
    /// (<see cref="StopReason.Crashed"/>), as there are no handlers.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">The code does not fit there.</exception>
    /// <exception cref="InvalidOperationException">The machine's processors have no pages of 1 GiB, which 64-bit code is loaded with.</exception>
    public void LoadCode(ReadOnlySpan<byte> code, ulong address, CodeWidth width)
    {
        if (width == CodeWidth.Flat64 && !Vcpu.Model.HasGiantPages)
            throw new InvalidOperationException("Code of 64 bits is loaded for processors with pages of 1 GiB (pdpe1gb).");
        var end = address + (ulong)code.Length;
        ArgumentOutOfRangeException.ThrowIfLessThan(end, address, nameof(code));
        if (width == CodeWidth.Real16 && (end > AddressMap.ExtendedMemory || (address & 0xF) != 0))
            throw new ArgumentOutOfRangeException(nameof(address), "Code for real mode begins at a multiple of 16 and ends below 1 MiB.");
        if (width == CodeWidth.Flat32 && end > uint.MaxValue)
            throw new ArgumentOutOfRangeException(nameof(address), "32-bit code lies below 4 GiB.");
        if (width == CodeWidth.Flat64 && address < CodeTables + CodeTablesLength && end > CodeTables)
            throw new ArgumentOutOfRangeException(nameof(address), "The page tables of 64-bit code are at 0x1000 to 0x2fff.");
        if (!Ram.Physical.TryWrite(address, code))
            throw new ArgumentOutOfRangeException(nameof(address), "The code does not fit into RAM there.");
        var state = Vcpu.State;
        new Span<ulong>(state->Registers, 16).Clear();
        state->Flags.SetFrom(0);
        state->SystemFlags = Rflags.AlwaysSet;
        state->Cpl = 0;
        state->Cr2 = state->Cr3 = state->Efer = 0;
        state->Cr0 = Cr0.Et | Cr0.Ne | Cr0.Mp;
        state->Cr4 = Cr4.Osfxsr | Cr4.Osxmmexcpt;
        state->X87.Control = 0x37F;
        state->X87.Valid = 0;
        state->Gdtr = state->Idtr = default;
        state->Rip = address;
        if (width == CodeWidth.Real16)
        {
            SetSegments(0x9B, 0x93, 0xFFFF, (ushort)(address >> 4));
            state->Rip = 0;
        }
        else
        {
            state->Cr0 |= Cr0.Pe;
            SetSegments((ushort)(width == CodeWidth.Flat64 ? 0xA9B : 0xC9B), 0xC93, uint.MaxValue, null);
        }

        if (width == CodeWidth.Flat64)
        {
            MapAll();
            state->Cr4 |= Cr4.Pae;
            state->Cr3 = CodeTables;
            state->Efer = Efer.Lme | Efer.Lma | Efer.Nxe | Efer.Sce;
            state->Cr0 |= Cr0.Pg | Cr0.Wp;
        }

        Vcpu.StateChanged();
    }

    /// <summary>Executes single instructions: as <see cref="Run"/> with a limit that lies so far ahead.</summary>
    /// <param name="instructions">How many, of all vCPUs together; the delivery of an exception or interrupt counts as one.</param>
    /// <returns><see cref="StopReason.LimitReached"/> where they were executed; else how the run ended before.</returns>
    public RunResult Step(ulong instructions = 1) => Run(new RunLimits { MaxInstructions = InstructionsRetired + instructions, PassesBreakpoint = true });

    private void SetSegments(ushort code, ushort data, uint limit, ushort? realSelector)
    {
        var state = Vcpu.State;
        for (var name = SegmentName.Es; name <= SegmentName.Gs; name++)
        {
            var isCode = name == SegmentName.Cs;
            state->Segments[(int)name] = new SegmentRegister
            {
                Selector = realSelector is { } selector ? (isCode ? selector : (ushort)0) : isCode ? CodeSelector : DataSelector,
                Base = isCode && realSelector is { } paragraph ? (ulong)paragraph << 4 : 0,
                Limit = limit,
                Attributes = (SegmentAttributes)(isCode ? code : data),
            };
        }
    }

    // One table of pages of 1 GiB.
    private void MapAll()
    {
        var tables = new byte[CodeTablesLength];
        BinaryPrimitives.WriteUInt64LittleEndian(tables, (CodeTables + 0x1000) | PageFlags);
        for (var i = 0; i < 512; i++)
            BinaryPrimitives.WriteUInt64LittleEndian(tables.AsSpan(0x1000 + (8 * i)), ((ulong)i << 30) | PageFlags | GiantPage);
        Ram.Write(CodeTables, tables);
    }
}
