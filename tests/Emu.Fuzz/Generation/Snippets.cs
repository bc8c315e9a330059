using Emu.Fuzz.Cases;
using static Emu.Fuzz.Generation.CodeWriter;

namespace Emu.Fuzz.Generation;

/// <summary>Short sequences that reach what chance alone seldom does: tables, registers, devices, the code itself.</summary>
internal sealed class Snippets(CodeWriter code, Dice dice, GuestCase guest)
{
    private static readonly uint[] Msrs =
    [
        0x10, 0x1B, 0x3B, 0x79, 0x8B, 0xFE, 0x174, 0x175, 0x176, 0x179, 0x17A, 0x1A0, 0x1D9, 0x200, 0x201, 0x250, 0x268, 0x277, 0x2FF, 0x400,
        0x6E0, 0xDA0, 0x4000_0000, 0xC000_0080, 0xC000_0081, 0xC000_0082, 0xC000_0083, 0xC000_0084, 0xC000_0100, 0xC000_0101, 0xC000_0102,
        0xC000_0103, 0xC001_0015,
    ];

    private static readonly ushort[] Ports =
    [
        0x20, 0x21, 0xA0, 0xA1, 0x40, 0x41, 0x42, 0x43, 0x60, 0x61, 0x64, 0x70, 0x71, 0x80, 0xED, 0xE9, 0x3F8, 0x3F9, 0x3FA, 0x3FB, 0x3FC,
        0x3FD, 0x3FE, 0x3FF, 0x4D0, 0x4D1, 0xCF8, 0xCFC, 0xFFFF, 0xFFFE, 0x1F0, 0x3F6, 0x3F7, 0x22, 0x3F, 0x72,
        0x190, 0xE0, 0xE4, 0xE7, 0x608, 0x60A, 0x2000, 0x2004, 0x2017,
    ];

    // These end the run with a byte in six or so: seldom.
    private static readonly ushort[] EndingPorts = [0xF4, 0x92, 0xCF9, 0x64];

    /// <summary>Memory at its edges: the code itself, page boundaries, the line between RAM and a device.</summary>
    public void AppendMemory()
    {
        if (dice.OneIn(12))
        {
            AppendJump();
            return;
        }
        if (dice.OneIn(8))
        {
            // At an end of address space, across it, with whatever comes next.
            code.LoadWide(dice.Pick<int>([Ebx, Esi, Edi]), dice.Pick(Layout.Ends) - (ulong)dice.Below(40));
            code.AtRegister(Ebx, dice.Below(8), dice.Pick<byte[]>([[0x01], [0x89], [0x8B], [0x0F, 0x11], [0xC5, 0xFC, 0x10], [0xFF]]));
            return;
        }
        var target = dice.Below(7) switch
        {
            0 or 1 => Address(Layout.Code + dice.Below(Layout.CodeLength)),
            2 => Address(Layout.Data + (dice.Below(7) + 1) * 0x1000 - dice.Below(17)),
            3 => (uint)dice.Pick(Layout.Outside) - (uint)dice.Below(20),
            4 => (uint)Layout.Probe + (uint)dice.Below(0x10010) - 8,
            5 => (uint)dice.Value(),
            _ => Address(Layout.Data + dice.Below(0x7000)),
        };
        code.Load(Ebx, target);
        switch (dice.Below(9))
        {
            case 0: // add [ebx], eax and its like, locked or not
                if (dice.OneIn(2))
                    code.Emit(0xF0);
                code.AtRegister(Ebx, dice.Below(8), dice.Pick<byte>([0x00, 0x01, 0x11, 0x29, 0x31, 0x87, 0x86]));
                break;
            case 1: // cmpxchg, xadd, cmpxchg8b/16b, bts
                if (dice.OneIn(2))
                    code.Emit(0xF0);
                if (code.Bitness == 64 && dice.OneIn(2))
                    code.Emit(0x48);
                var opcode = dice.Pick<byte>([0xB1, 0xC1, 0xC7, 0xAB, 0xBB]);
                code.AtRegister(Ebx, opcode == 0xC7 ? 1 : dice.Below(8), 0x0F, opcode);
                break;
            case 2: // a string instruction there
                code.Load(dice.Pick<int>([Esi, Edi]), target);
                code.Load(Ecx, (uint)dice.Below(0x1800));
                code.Emit(dice.Pick<byte>([0xFC, 0xFD]), dice.Pick<byte>([0xF3, 0xF2]), dice.Pick<byte>([0xA4, 0xA5, 0xAA, 0xAB, 0xA6, 0xAE, 0xAC, 0x6C, 0x6E]));
                break;
            case 3: // movups, movdqu, vmovups, fxsave, xsave, fnsave
                var store = dice.Pick<byte[]>([[0x0F, 0x11], [0x0F, 0x10], [0xF3, 0x0F, 0x7F], [0xC5, 0xFC, 0x11], [0xC5, 0xFC, 0x10], [0x66, 0x0F, 0xF7]]);
                code.AtRegister(Ebx, dice.Below(8), store);
                break;
            case 4:
                code.Load(Ebx, target & ~63u);
                code.AtRegister(Ebx, dice.Pick<int>([0, 1, 4, 5, 6, 7]), 0x0F, dice.Pick<byte>([0xAE, 0xC7]));
                break;
            case 5:
                code.AtRegister(Ebx, dice.Pick<int>([4, 5, 6, 7]), dice.Pick<byte>([0xDD, 0xD9, 0xDB, 0xDF]));
                break;
            case 6: // push, pop, call and jump through it; the stack there
                code.AtRegister(Ebx, dice.Pick<int>([2, 3, 4, 5, 6]), 0xFF);
                break;
            case 7:
                code.Load(Esp, target);
                code.Emit(dice.Pick<byte>([0x50, 0x60, 0xC8, 0x9C, 0x58, 0x61, 0xC9, 0xCF, 0xC3, 0xCB]), dice.Byte(), 0, (byte)dice.Below(32));
                break;
            default: // mov [ebx], imm
                code.AtRegister(Ebx, 0, 0xC6);
                code.Emit(dice.Byte());
                break;
        }
    }

    // To where code ends: the last bytes before an end of address space, device space, the line between RAM and nothing.
    private void AppendJump()
    {
        if (code.Bitness == 16)
        {
            code.Emit(0xB8, (byte)(0xF0 + dice.Below(16)), dice.Pick<byte>([0xFF, 0x0F, 0x3F]), 0xFF, 0xE0);
            return;
        }
        code.LoadWide(Eax, (dice.OneIn(2) ? dice.Pick(Layout.Ends) : dice.Pick(Layout.Outside)) - (ulong)dice.Below(20));
        code.Emit(0xFF, dice.Pick<byte>([0xE0, 0xD0]));
    }

    /// <summary>Entries of page tables, what controls paging, and what forgets translations.</summary>
    public void AppendPaging()
    {
        switch (dice.Below(9))
        {
            case 0 or 1 or 2: // an entry of a table that is in use
                code.Load(Ebx, (uint)(dice.Pick<int>([Layout.Root, Layout.Pdpt, Layout.PageDirectory, Layout.Table, Layout.DeviceDirectory])
                    + (dice.OneIn(2) ? dice.Below(48) : dice.Below(512)) * 8));
                code.Load(Eax, (uint)PageTables.AnyEntry(dice));
                code.AtRegister(Ebx, Eax, dice.Pick<byte>([0x89, 0x01, 0x31]));
                break;
            case 3:
                code.Load(Ebx, dice.OneIn(2) ? Address(Layout.Code + dice.Below(0x10000)) : (uint)dice.Value());
                code.AtRegister(Ebx, 7, 0x0F, 0x01);
                break;
            case 4:
                code.LoadWide(Eax, dice.Below(3) switch { 0 => Layout.Root, 1 => Layout.Pdpt, _ => PageTables.AnyRoot(dice) });
                code.Emit(0x0F, 0x22, 0xD8);
                break;
            case 5: // flip a bit of CR0 or CR4
                FlipControl(dice.OneIn(2) ? 4 : 0);
                break;
            case 6: // invpcid
                code.Load(Eax, (uint)dice.Below(5));
                code.Load(Ebx, Address(Layout.Data + dice.Below(0x4000)));
                code.AtRegister(Ebx, Eax, 0x66, 0x0F, 0x38, 0x82);
                break;
            case 7:
                WriteMsr(0xC000_0080, (uint)(dice.Pick<int>([0x100, 0x900, 0x901, 0x500, 0xD01, 1])), 0);
                break;
            default:
                AppendMemory();
                break;
        }
    }

    /// <summary>Descriptor tables, system registers, far transfers and events.</summary>
    public void AppendSystem()
    {
        switch (dice.Below(16))
        {
            case 0: // a descriptor is replaced
                code.Load(Ebx, (uint)(dice.Pick<int>([Layout.Gdt, Layout.Ldt, Layout.Idt]) + dice.Below(64) * 8));
                var descriptor = DescriptorBits.Any(dice);
                code.Load(Eax, dice.OneIn(2) ? (uint)descriptor : (uint)(descriptor >> 32));
                code.AtRegister(Ebx, Eax, 0x89);
                break;
            case 1: // lgdt, lidt, sgdt, sidt, lmsw, smsw
                code.Load(Ebx, Address(Layout.Data + dice.Below(0x4000)));
                code.AtRegister(Ebx, dice.Pick<int>([0, 1, 2, 3, 4, 6]), 0x0F, 0x01);
                break;
            case 2: // lldt, ltr, sldt, str, verr, verw
                code.Load(Eax, dice.Pick(Layout.Selectors));
                code.Emit(0x0F, 0x00, (byte)(0xC0 | dice.Below(6) << 3));
                break;
            case 3: // mov segment, ax
                code.Load(Eax, dice.Pick(Layout.Selectors));
                code.Emit(0x8E, (byte)(0xC0 | dice.Below(6) << 3));
                break;
            case 4 or 5: // a far pointer, pushed
                code.Load(Eax, dice.Pick(Layout.Selectors));
                code.OperandSize32();
                code.Emit(0x50);
                code.Load(Eax, dice.OneIn(4) ? dice.UInt32() : Address(Layout.Code + dice.Below(Layout.CodeLength)));
                code.OperandSize32();
                code.Emit(0x50);
                if (dice.OneIn(2))
                    code.AtRegister(Esp, dice.Pick<int>([3, 5]), 0xFF);
                else
                    code.Emit(dice.Pick<byte>([0xCB, 0xCF, 0xCA]), 8, 0);
                break;
            case 6: // call or jmp far ptr, or through memory in 64-bit code
                if (code.Bitness == 64)
                {
                    code.Load(Ebx, Address(Layout.Data + dice.Below(0x4000)));
                    code.AtRegister(Ebx, dice.Pick<int>([3, 5]), 0xFF);
                    break;
                }
                code.Emit(dice.Pick<byte>([0x9A, 0xEA]), dice.Byte(), (byte)dice.Below(0x40));
                if (code.Bitness == 32)
                    code.Emit(0, 0);
                var selector = dice.Pick(Layout.Selectors);
                code.Emit((byte)selector, (byte)(selector >> 8));
                break;
            case 7:
                FlipControl(dice.Pick<int>([0, 4]));
                break;
            case 8: // mov dr, eax
                code.LoadWide(Eax, dice.OneIn(2) ? dice.Value() : Address(Layout.Data + dice.Below(0x8000)));
                code.Emit(0x0F, 0x23, (byte)(0xC0 | dice.Below(8) << 3));
                break;
            case 9: // arm breakpoints
                code.Load(Eax, (dice.UInt32() & 0xFFFF_00FF) | 0x400u);
                code.Emit(0x0F, 0x23, 0xF8);
                break;
            case 10:
                WriteMsr(dice.Pick(Msrs), (uint)dice.Value(), dice.OneIn(2) ? 0 : (uint)dice.Value());
                break;
            case 11: // xsetbv
                code.Load(Ecx, (uint)dice.Below(2));
                code.Load(Eax, (uint)dice.Pick<int>([1, 3, 7, 5, 0xFF, 0x207]));
                code.Load(Edx, 0);
                code.Emit(0x0F, 0x01, 0xD1);
                break;
            case 12: // flags
                code.OperandSize32();
                code.Emit(0x9C);
                code.AtRegister(Esp, Eax, 0x58);
                code.Load(Eax, (uint)dice.Next() & 0x7F_FFFF);
                code.OperandSize32();
                code.Emit(0x50);
                code.OperandSize32();
                code.Emit(dice.Pick<byte>([0x9D, 0xCF]));
                break;
            case 13:
                code.Emit(0xCD, dice.Byte());
                break;
            case 14:
                code.Emit(dice.Pick<byte[]>([[0x0F, 0x05], [0x0F, 0x07], [0x0F, 0x34], [0x0F, 0x35], [0x0F, 0x01, 0xF8], [0x0F, 0xA2],
                    [0xCC], [0xF1], [0xCE], [0xF4], [0xFA], [0xFB], [0x17], [0x0F, 0x01, 0xC1], [0x48, 0xCF], [0x48, 0x0F, 0x07], [0x48, 0x0F, 0x35]]));
                break;
            default: // a whole field of a TSS
                code.Load(Ebx, (uint)(dice.Pick<int>([Layout.Tss, Layout.OtherTss]) + dice.Below(27) * 4));
                code.Load(Eax, dice.OneIn(2) ? (uint)dice.Value() : dice.Pick(Layout.Selectors));
                code.AtRegister(Ebx, Eax, 0x89);
                break;
        }
    }

    /// <summary>Device registers: ports of all sizes and strings, memory-mapped, x2APIC; and what lets time pass.</summary>
    public void AppendDevice()
    {
        switch (dice.Below(10))
        {
            case 0 or 1 or 2 or 3:
                code.Load(Edx, dice.OneIn(60) ? dice.Pick(EndingPorts) : dice.OneIn(20) ? (uint)dice.Below(0x10000) : dice.Pick(Ports));
                code.Load(Eax, dice.OneIn(2) ? dice.Byte() : (uint)dice.Value());
                if (dice.OneIn(4))
                    code.OperandSize16();
                code.Emit(dice.Pick<byte>([0xEC, 0xED, 0xEE, 0xEF, 0xEE]));
                break;
            case 4: // strings of ports
                code.Load(Edx, dice.Pick(Ports));
                code.Load(Ecx, (uint)dice.Below(40));
                code.Emit(0xF3, dice.Pick<byte>([0x6C, 0x6D, 0x6E, 0x6F]));
                break;
            case 5 or 6:
                code.Load(Ebx, DeviceRegister());
                code.Load(Eax, ApicValue());
                if (code.Bitness == 64 && dice.OneIn(6))
                    code.Emit(0x48);
                code.AtRegister(Ebx, Eax, dice.Pick<byte>([0x89, 0x89, 0x89, 0x8B, 0x88, 0x8A, 0x01, 0x87]));
                break;
            case 7: // an I/O APIC register through its window
                code.Load(Ebx, 0xFEC0_0000);
                code.Load(Eax, (uint)dice.Below(0x42));
                code.AtRegister(Ebx, Eax, 0x89);
                code.Load(Ebx, 0xFEC0_0010);
                code.Load(Eax, ApicValue());
                code.AtRegister(Ebx, Eax, 0x89);
                break;
            case 8:
                WriteMsr(dice.Below(3) switch { 0 => 0x6E0, 1 => 0x1B, _ => (uint)(0x800 + dice.Below(0x40)) },
                    ApicValue(), dice.OneIn(3) ? (uint)dice.Value() : 0);
                break;
            case 9 when dice.OneIn(3): // messages between processors: INIT, start-up, fixed, NMI
                code.Load(Ebx, 0xFEE0_0300);
                code.Load(Eax, dice.Pick<uint>([0xC_4500, 0xC_4610, 0xC_4611, 0xC_0041, 0x8_0041, 0x4_0041, 0xC_0400, 0x4_0400, 0x4_4500, 0x8_8500]));
                code.AtRegister(Ebx, Eax, 0x89);
                break;
            default:
                code.Emit(dice.Pick<byte[]>([[0xF4], [0xFB, 0xF4], [0xFB], [0xFA], [0x0F, 0x31], [0xF3, 0x90]]));
                break;
        }
    }

    /// <summary>A hypercall with arguments that may be anything, structures that reach over the edge of a page among them.</summary>
    public void AppendHypercall()
    {
        if (dice.OneIn(10))
        {
            WriteMsr(0x4000_0000, dice.OneIn(2) ? (uint)(Layout.Code + dice.Below(4) * 0x1000) : (uint)dice.Pick(Layout.Outside), 0);
            return;
        }
        var registers = code.Bitness == 64 ? (ReadOnlySpan<int>)[Edi, Esi, Edx, 10, 8] : [Ebx, Ecx, Edx, Esi, Edi];
        foreach (var register in registers)
        {
            if (!dice.OneIn(4))
                code.LoadWide(register, HypercallArgument());
        }
        code.Load(Eax, dice.OneIn(4) ? (uint)dice.Below(64) : dice.Pick<uint>([12, 17, 18, 29, 34, 32, 20, 24, 0x8000_0000]));
        code.Emit(0x0F, 0x01, dice.OneIn(8) != (guest.Vendor == Cpu.CpuVendor.Amd) ? (byte)0xD9 : (byte)0xC1);
    }

    private ulong HypercallArgument() => dice.Below(6) switch
    {
        0 or 1 => (ulong)dice.Below(16),
        2 => Address(Layout.Structures + dice.Below(64) * 64),
        3 => Address(Layout.Structures + (dice.Below(4) + 1) * 0x1000 - dice.Below(24)),
        4 => dice.Pick(Layout.Outside) - (ulong)dice.Below(24),
        _ => dice.Value(),
    };

    private uint DeviceRegister() => dice.Below(8) switch
    {
        0 => 0xFEC0_0000 + (uint)dice.Below(0x20),
        1 => 0xFEA0_0200 - 8 + (uint)dice.Below(16),
        2 => (dice.OneIn(2) ? (uint)Layout.Probe : 0xFF00_0000) + (uint)dice.Below(0x1000),
        3 => 0xFEE0_0000 + (uint)dice.Below(0x1008),
        _ => 0xFEE0_0000 + dice.Pick<uint>([0x80, 0xB0, 0xD0, 0xE0, 0xF0, 0x280, 0x300, 0x310, 0x320, 0x330, 0x340, 0x350, 0x360, 0x370, 0x380, 0x390, 0x3E0]),
    };

    private uint ApicValue() => dice.Below(5) switch
    {
        0 => dice.UInt32(),
        1 => (uint)dice.Below(0x200),
        2 => (uint)(dice.Below(256) | dice.Below(8) << 8 | dice.Below(4) << 14 | dice.Below(8) << 16),
        3 => 1u << dice.Below(32),
        _ => (uint)dice.Below(3000),
    };

    private void FlipControl(int register)
    {
        var bit = dice.Pick<int>(register == 0 ? [0, 1, 2, 3, 5, 16, 18, 29, 30, 31, 31] : [0, 1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 16, 17, 18, 20, 21, 22]);
        code.Emit(0x0F, 0x20, (byte)(0xC0 | register << 3));
        if (code.Bitness == 16)
            code.Emit(0x66);
        code.Emit(0x0F, 0xBA, 0xF8, (byte)bit);
        code.Emit(0x0F, 0x22, (byte)(0xC0 | register << 3));
    }

    private void WriteMsr(uint msr, uint low, uint high)
    {
        code.Load(Ecx, msr);
        code.Load(Eax, low);
        code.Load(Edx, high);
        code.Emit(0x0F, dice.OneIn(4) ? (byte)0x32 : (byte)0x30);
    }

    // 16-bit code reaches its data segment only, which begins at Data.
    private uint Address(int linear) => (uint)(code.Bitness == 16 ? linear - Layout.Data : linear);
}
