using System.Buffers.Binary;
using Emu.Cpu;
using Emu.Cpu.State;
using Emu.Fuzz.Cases;
using static Emu.Fuzz.Generation.Layout;

namespace Emu.Fuzz.Generation;

/// <summary>
/// Sets up a mode so that arbitrary code goes on running in it: every event leads to a handler that returns to somewhere else in the
/// code, at the privilege that the case has.
/// </summary>
internal sealed class Stage
{
    private const ushort KernelCode = 0x08, KernelData = 0x10, Task = 0x18, UserCode = 0x28, UserData = 0x30, LocalTable = 0x38;
    private const ushort CallGate = 0x48, TaskGate = 0x58, OtherTask = 0x60;
    private const uint EntryFlags = 0x202;

    private readonly GuestCase _case;
    private readonly Dice _dice;
    private readonly bool _permutes;
    private readonly uint _flags;

    public Stage(GuestCase guest, Dice dice)
    {
        _case = guest;
        _dice = dice;
        _permutes = guest.Mode.IsPaged() && dice.OneIn(2);
        // IOPL decides what user code reaches; NT and AC now and then.
        _flags = EntryFlags | (uint)(dice.OneIn(2) ? 0x3000 : 0) | (uint)(dice.OneIn(16) ? 0x4000 : 0) | (dice.OneIn(8) ? 0x4_0000u : 0);
    }

    private Span<byte> Ram => _case.Ram;

    /// <summary>Puts code and everything that it needs into RAM, and the registers into place.</summary>
    public void Build(ReadOnlySpan<byte> code)
    {
        _dice.Fill(Ram.Slice(Data, Stack + 0x100 - Data));
        PutRegisters();
        WriteDescriptors();
        WriteTasks();
        WriteRealVectors();
        WriteHandler();
        if (_case.Mode.IsPaged())
            WritePageTables();
        for (var at = 0; at < code.Length; at += 0x1000)
            code.Slice(at, Math.Min(0x1000, code.Length - at)).CopyTo(Ram[Physical(Code + at)..]);
        code.Slice(code.Length / 2, 0x1000).CopyTo(Ram[LastPage..]);
        _case.Code = (Code, CodeLength);
    }

    /// <summary>Where a page of code or data lies: under paging other than its linear address says.</summary>
    public int Physical(int linear) =>
        _permutes && linear is >= Code and < Code + 0x1_0000 ? Code + ((((linear - Code) >> 12) * 5 + 3) & 15) * 0x1000 + (linear & 0xFFF) : linear;

    private void Put64(int address, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Ram[address..], value);

    private void Put32(int address, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Ram[address..], value);

    private void PutRegisters()
    {
        var guest = _case;
        var mode = guest.Mode;
        var is16 = mode.Bitness() == 16;
        for (var i = 0; i < 16; i++)
            guest.Registers[i] = _dice.OneIn(10) ? _dice.Value() : (ulong)((is16 ? 0x40 : Data) + i * 0x6F0 + _dice.Below(8));
        guest.Registers[1] = (ulong)_dice.Below(0x200);
        guest.Registers[4] = (ulong)(is16 ? Stack16 : Stack);
        guest.VectorFill = new byte[_dice.Below(64)];
        _dice.Fill(guest.VectorFill);
        guest.Cr0 = Cr0.Et | Cr0.Ne;
        guest.Cr4 = Cr4.Osfxsr | Cr4.Osxmmexcpt | (guest.Level >= CpuLevel.V3 ? Cr4.Osxsave : 0);
        guest.Xcr0 = guest.Level >= CpuLevel.V3 ? 7u : 1;
        guest.Rflags = _flags;
        guest.DebugRegisters[6] = 0xFFFF_0FF0;
        guest.DebugRegisters[7] = 0x400;
        guest.Gdtr = new DescriptorTableRegister { Base = Gdt, Limit = 0x1FF };
        guest.Idtr = new DescriptorTableRegister { Base = Idt, Limit = mode.IsLong() ? 0xFFFu : 0x7FFu };
        guest.Rip = mode.IsRealStyle() || is16 ? 0 : (ulong)Code;
        guest.Star = (ulong)KernelCode << 32 | (ulong)(UserCode - 0x10) << 48;
        guest.LongStar = Handler;
        guest.SyscallMask = 0x200;
        guest.SysenterCs = KernelCode;
        guest.SysenterEip = Handler;
        guest.SysenterEsp = KernelStack;
        switch (mode)
        {
            case GuestMode.Real:
                guest.Idtr = new DescriptorTableRegister { Limit = 0x3FF };
                break;
            case GuestMode.Virtual8086:
                guest.Cr0 |= Cr0.Pe;
                guest.Rflags |= Rflags.Virtual8086;
                break;
            default:
                guest.Cr0 |= Cr0.Pe;
                break;
        }
        if (mode.IsPaged())
            guest.Cr0 |= Cr0.Pg | (_dice.OneIn(2) ? Cr0.Wp : 0);
        if (mode.IsLong() || mode == GuestMode.Pae)
            guest.Cr4 |= Cr4.Pae;
        if (mode.IsPaged())
            guest.Cr4 |= Cr4.Pse | (_dice.OneIn(2) ? Cr4.Pge : 0);
        if (mode.IsLong())
            guest.Efer = Efer.Lme | Efer.Lma | Efer.Sce | (_dice.OneIn(2) ? Efer.Nxe : 0);
        guest.Cr3 = mode == GuestMode.Pae ? Pdpt : (ulong)Root;
        PutSegments();
    }

    private void PutSegments()
    {
        var mode = _case.Mode;
        for (var name = SegmentName.Es; name <= SegmentName.Gs; name++)
        {
            var isCode = name == SegmentName.Cs;
            _case.Segments[(int)name] = mode.IsRealStyle() ? RealSegment(isCode, mode == GuestMode.Virtual8086)
                : isCode ? DescriptorBits.Register((ushort)(UserCode | _case.Cpl), CodeBase, CodeLimit, CodeAttributes)
                : DescriptorBits.Register((ushort)(UserData | _case.Cpl), DataBase, DataLimit, DataAttributes);
        }
        _case.Segments[(int)SegmentName.Ldtr] = DescriptorBits.Register(LocalTable, Ldt, 0x3FF, 0x82);
        _case.Segments[(int)SegmentName.Tr] = DescriptorBits.Register(Task, Tss, 0x206F, 0x8B);
    }

    private static SegmentRegister RealSegment(bool isCode, bool isVirtual)
    {
        var start = (uint)(isCode ? Code : Data);
        return DescriptorBits.Register((ushort)(start >> 4), start, 0xFFFF, isVirtual ? 0xF3u : 0x93);
    }

    private bool Is16 => _case.Mode.Bitness() == 16;

    private uint CodeBase => Is16 ? (uint)Code : 0;

    private uint CodeLimit => Is16 ? 0xFFFF : uint.MaxValue;

    private uint CodeAttributes => (_case.Mode == GuestMode.Long64 ? 0xA9Bu : Is16 ? 0x09Bu : 0xC9Bu) | _case.Cpl << 5;

    private uint DataBase => Is16 ? (uint)Data : 0;

    private uint DataLimit => Is16 ? 0xFFFF : uint.MaxValue;

    private uint DataAttributes => (Is16 ? 0x093u : 0xC93u) | _case.Cpl << 5;

    private void WriteDescriptors()
    {
        var isLong = _case.Mode.IsLong();
        Put64(Gdt + KernelCode, DescriptorBits.Segment(0, uint.MaxValue, isLong ? 0xA9Bu : 0xC9B));
        Put64(Gdt + KernelData, DescriptorBits.Segment(0, uint.MaxValue, 0xC93));
        Put64(Gdt + Task, DescriptorBits.Segment(Tss, 0x206F, 0x8B));
        Put64(Gdt + UserCode, DescriptorBits.Segment(CodeBase, CodeLimit, CodeAttributes));
        Put64(Gdt + UserData, DescriptorBits.Segment(DataBase, DataLimit, DataAttributes));
        Put64(Gdt + LocalTable, DescriptorBits.Segment(Ldt, 0x3FF, 0x82));
        Put64(Gdt + CallGate, DescriptorBits.Gate(KernelCode, Handler, 0xECu));
        if (!isLong)
            Put64(Gdt + TaskGate, DescriptorBits.Gate(OtherTask, 0, 0xE5));
        Put64(Gdt + OtherTask, DescriptorBits.Segment(OtherTss, 0x67, 0x89));
        Put64(Gdt + 0x70, DescriptorBits.Segment(Code, 0xFFFF, 0x09Bu | _case.Cpl << 5));
        Put64(Gdt + 0x78, DescriptorBits.Segment(0, 0xFFF, 0xC97u | _case.Cpl << 5));
        for (var at = 0x80; at < 0x200; at += 8)
            Put64(Gdt + at, DescriptorBits.Any(_dice));
        for (var at = 0; at < 0x400; at += 8)
            Put64(Ldt + at, DescriptorBits.Any(_dice));
        for (var vector = 0; vector < 256; vector++)
            Put64(Idt + vector * (isLong ? 16 : 8), DescriptorBits.Gate(KernelCode, Handler, _dice.OneIn(8) ? 0xEFu : 0xEE));
    }

    private void WriteTasks()
    {
        if (_case.Mode.IsLong())
        {
            for (var at = 4; at < 0x60; at += 8)
                Put64(Tss + at, KernelStack);
        }
        else
        {
            for (var ring = 0; ring < 3; ring++)
            {
                Put32(Tss + 4 + ring * 8, KernelStack);
                Put32(Tss + 8 + ring * 8, (uint)(KernelData | ring));
            }
        }
        Put32(Tss + 0x64, 0x68u << 16);
        _dice.Fill(Ram.Slice(Tss + 0x68, 0x200));
        Put32(OtherTss + 0x1C, (uint)_case.Cr3);
        Put32(OtherTss + 0x20, Handler);
        Put32(OtherTss + 0x24, EntryFlags);
        for (var i = 0; i < 8; i++)
            Put32(OtherTss + 0x28 + i * 4, i == 4 ? (uint)KernelStack : (uint)(Data + i * 64));
        for (var i = 0; i < 6; i++)
            Put32(OtherTss + 0x48 + i * 4, i == 1 ? KernelCode : KernelData);
    }

    private void WriteRealVectors()
    {
        // Other modes may fall back to this one, and other vCPUs begin in it.
        for (var i = 0; i < 256; i++)
            Put32(i * 4, RealHandler);
        // mov ax,1400; mov ds,ax; mov es,ax; mov ss,ax; mov sp,7000; rdtsc; and ax,3FFF; sti; push 1000; push ax; retf
        new byte[] { 0xB8, 0x00, 0x14, 0x8E, 0xD8, 0x8E, 0xC0, 0x8E, 0xD0, 0xBC, 0x00, 0x70, 0x0F, 0x31, 0x25, 0xFF, 0x3F, 0xFB, 0x68, 0x00, 0x10, 0x50,
            0xCB }.CopyTo(Ram[RealHandler..]);
    }

    private void WriteHandler()
    {
        var at = Handler;
        void Emit(params ReadOnlySpan<byte> bytes)
        {
            bytes.CopyTo(Ram[at..]);
            at += bytes.Length;
        }
        void Push(uint value)
        {
            Emit(0x68);
            Put32(at, value);
            at += 4;
        }
        var isVirtual = _case.Mode == GuestMode.Virtual8086;
        // mov eax,10; mov ds,eax; mov es,eax; mov ss,eax; mov esp,...; rdtsc; and eax,3FFF; add eax,...; clts
        Emit(0xB8, 0x10, 0, 0, 0, 0x8E, 0xD8, 0x8E, 0xC0, 0x8E, 0xD0, 0xBC);
        Put32(at, KernelStack - 0x80);
        at += 4;
        Emit(0x0F, 0x31, 0x25, 0xFF, 0x3F, 0, 0, 0x05);
        Put32(at, Is16 ? 0 : (uint)Code);
        at += 4;
        Emit(0x0F, 0x06);
        if (_case.Heartbeat == Heartbeat.LocalApic)
        {
            // mov ebx,FEE000B0; mov [ebx],eax: end of interrupt
            Emit(0xBB, 0xB0, 0x00, 0xE0, 0xFE, 0x89, 0x03);
        }
        if (isVirtual)
        {
            for (var i = 0; i < 5; i++)
                Push(Data >> 4);
            Push(Stack16);
            Push(_flags | (uint)Rflags.Virtual8086);
            Push(Code >> 4);
        }
        else
        {
            if (_case.Cpl != 0 || _case.Mode.IsLong())
            {
                Push(UserData | _case.Cpl);
                Push(Is16 ? (uint)Stack16 : Stack);
            }
            Push(_flags & ~0x4000u);
            Push(UserCode | _case.Cpl);
        }
        Emit(0x50);
        if (_case.Mode.IsLong())
            Emit(0x48);
        Emit(0xCF);
    }

    private void WritePageTables()
    {
        var mode = _case.Mode;
        var guardsTables = _case.Kind != CaseKind.Paging;
        for (var page = 0; page < 512; page++)
        {
            var linear = page << 12;
            var isSystem = linear is >= Idt and < Code or >= Root and < Structures;
            var flags = isSystem && guardsTables && linear is not (Tss or OtherTss or Gdt) ? 5u : 7;
            if (isSystem && _case.Cpl == 3 && _dice.OneIn(4))
                flags &= ~4u;
            if (_dice.OneIn(16))
                flags |= 0x100;
            if (mode == GuestMode.Paged32)
                Put32(Table + page * 4, (uint)Physical(linear) | flags);
            else
                Put64(Table + page * 8, (uint)Physical(linear) | (ulong)flags);
        }
        if (mode == GuestMode.Paged32)
        {
            Put32(Table + 1023 * 4, LastPage | 7);
            Put32(Root + 1023 * 4, Table | 7);
            Put32(Root, Table | 7);
            Put32(Root + 4, 0x8000_0087);
            Put32(Root + 8, 0x0000_0087);
            Put32(Root + 0x3FA * 4, 0xFE80_0087);
            Put32(Root + 0x3FB * 4, 0xFEC0_0087);
            return;
        }
        var rights = mode == GuestMode.Pae ? 1u : 7;
        Put64(Root, Pdpt | 7);
        Put64(Pdpt, PageDirectory | rights);
        Put64(Pdpt + 3 * 8, DeviceDirectory | rights);
        Put64(PageDirectory, Table | 7);
        Put64(PageDirectory + 8, 0x8000_0087);
        Put64(PageDirectory + 16, 0x0000_0087);
        // The last pages of both canonical halves, and of the first 4 GiB.
        Put64(Root + 255 * 8, Pdpt | 7);
        Put64(Root + 511 * 8, Pdpt | 7);
        if (mode != GuestMode.Pae)
            Put64(Pdpt + 511 * 8, PageDirectory | 7);
        Put64(PageDirectory + 511 * 8, Table | 7);
        Put64(DeviceDirectory + 511 * 8, Table | 7);
        for (var i = 0x1F4; i < 0x1F8; i++)
            Put64(DeviceDirectory + i * 8, 0xC000_0087 + ((ulong)i << 21));
    }
}
