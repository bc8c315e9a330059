using System.Runtime.InteropServices;
using Emu.Cpu.State;
using Emu.Cpu.Tests.Supervisor;
using Iced.Intel;
using Xunit;

namespace Emu.Cpu.Tests.Memory;

/// <summary>
/// User code with paging in 64-bit or 32-bit mode, two pages that an operand may straddle, and a comparison of everything that an
/// instruction may have changed.
/// </summary>
internal sealed unsafe class RestartGuest : IDisposable
{
    /// <summary>Where the two pages meet.</summary>
    public const uint Border = Guest.Data + 0x1000;

    /// <summary>Pages that always are there.</summary>
    public const uint Plain = Guest.Data + 0x8000;

    private readonly bool _is64;

    public RestartGuest(bool is64)
    {
        _is64 = is64;
        Guest = is64 ? Guest.Long() : Guest.Protected();
        var s = Guest.State;
        if (!is64)
        {
            Guest.Write(Guest.PageTables, Guest.PageTables + 0x1000 | 7);
            for (var page = 0u; page < 1024; page++)
                Guest.Write(Guest.PageTables + 0x1000 + page * 4, page * 4096 | 7);
            s->Cr3 = Guest.PageTables;
            s->Cr0 |= Cr0.Pg | Cr0.Wp;
        }
        s->Cr4 |= Cr4.Osfxsr | Cr4.Osxmmexcpt | Cr4.Osxsave;
        s->Xcr0 = 7;
        s->Mxcsr = 0x1F80;
        s->X87 = new X87State { Control = 0x37F };
        for (var i = 0; i < 64; i++)
            s->Vectors[i] = 0x0101_0101_0101_0101UL * (ulong)(i + 1);
        for (var at = 0u; at < 0x3000; at++)
            Guest.Write(Guest.Data + at, (byte)(at * 7 + 3));
        Guest.EnterRing3();
        for (var i = 0; i < (is64 ? 16 : 8); i++)
        {
            if (i != 4)
                s->Registers[i] = 0x1_0000u * (uint)i + 0x40;
        }
        s->Flags.SetFrom(Rflags.AlwaysSet);
        s->Segments[(int)SegmentName.Fs] = s->Segments[(int)SegmentName.Gs] = s->Segments[(int)SegmentName.Ds];
    }

    public Guest Guest { get; }

    public CpuState* State => Guest.State;

    /// <summary>Maps the page before (0) or after (1) the border.</summary>
    /// <param name="page">Which.</param>
    /// <param name="flags">Low bits of its entry: 7 for all rights, 5 for reading, 0 for absent.</param>
    public void Map(int page, uint flags)
    {
        var number = Border / 4096 - 1 + (uint)page;
        if (_is64)
            Guest.Write(Guest.PageTables + 0x3000 + number * 8, (ulong)(number * 4096 | flags));
        else
            Guest.Write(Guest.PageTables + 0x1000 + number * 4, number * 4096 | flags);
        Guest.Vcpu.StateChanged();
    }

    /// <summary>The entry of one of the two pages.</summary>
    public uint Entry(int page)
    {
        var number = Border / 4096 - 1 + (uint)page;
        return Guest.Read<uint>(_is64 ? Guest.PageTables + 0x3000 + number * 8 : Guest.PageTables + 0x1000 + number * 4);
    }

    /// <summary>
    /// Everything that user code can see of the processor and of the pages it uses; RSP and flags as they were when it was interrupted.
    /// </summary>
    public string Snapshot()
    {
        var s = State;
        var text = new System.Text.StringBuilder();
        for (var i = 0; i < 16; i++)
            text.Append(i == 4 ? Interrupted(4) : s->Registers[i]).Append(' ');
        text.Append(Interrupted(3) & ~Rflags.Resume).Append('|');
        for (var i = 0; i < 6; i++)
        {
            if (i is not ((int)SegmentName.Cs or (int)SegmentName.Ss))
                text.Append(s->Segments[i].Selector).Append(' ');
        }
        text.Append(s->X87.Control).Append(' ').Append(s->X87.Status).Append(' ').Append(s->X87.Valid).Append(' ').Append(s->Mxcsr).Append('|');
        text.Append(Convert.ToHexString(new ReadOnlySpan<byte>(s->X87.Registers, 128))).Append('|');
        text.Append(Convert.ToHexString(new ReadOnlySpan<byte>(s->Vectors, 512))).Append('|');
        text.Append(Convert.ToHexString(Memory(Guest.Data, 0x3000))).Append('|').Append(Convert.ToHexString(Memory(Plain, 0x1000)));
        text.Append('|').Append(Convert.ToHexString(Memory(Guest.UserStack - 0x1000, 0x1000)));
        return text.ToString();
    }

    /// <summary>Assembles code for user mode and runs it to an exception.</summary>
    public int Run(Action<Assembler> code)
    {
        Guest.Assemble(a =>
        {
            code(a);
            a.ud2();
        }, Guest.UserCode);
        return Guest.RunToHandler();
    }

    /// <summary>Goes back to the instruction that was interrupted.</summary>
    public int Resume()
    {
        Guest.Assemble(a =>
        {
            if (_is64)
            {
                a.add(AssemblerRegisters.rsp, 8);
                a.iretq();
            }
            else
            {
                a.add(AssemblerRegisters.esp, 4);
                a.iretd();
            }
        });
        return Guest.RunToHandler();
    }

    public void Dispose() => Guest.Dispose();

    // A value that the exception pushed: 0 error code, 1 RIP, 2 CS, 3 flags, 4 RSP. #UD has no error code.
    private ulong Interrupted(int index) => Guest.OnStack(Guest.OnStack(1) is 0x1B or 0x2B ? index - 1 : index);

    private ReadOnlySpan<byte> Memory(uint address, int length)
    {
        var bytes = new byte[length];
        Assert.True(Guest.Vcpu.Memory.TryRead(address, bytes));
        return bytes;
    }
}
