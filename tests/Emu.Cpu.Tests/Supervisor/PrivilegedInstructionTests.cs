using Emu.Cpu.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Supervisor;

/// <summary>System calls, control registers, MSRs, ports, CPUID, reset.</summary>
public sealed unsafe class PrivilegedInstructionTests
{
    [Fact]
    public void Syscall_and_sysret_go_to_the_kernel_and_back()
    {
        using var guest = Guest.Long();
        guest.State->Msr.Star = ((ulong)Guest.KernelCode << 32) | ((ulong)(Guest.UserCode64 - 16) << 48);
        guest.State->Msr.LongStar = Guest.Code;
        guest.State->Msr.SyscallMask = Rflags.Interrupt | Rflags.Carry;
        guest.Place(a => { a.mov(ebx, cs); a.mov(edx, ss); a.pushfq(); a.pop(rax); a.sysretq(); }, Guest.Code);
        guest.Rsp = Guest.UserStack;
        guest.EnterRing3(Rflags.AlwaysSet | Rflags.Interrupt);
        guest.State->Flags.SetFrom(Rflags.Carry | Rflags.Zero);
        guest.Assemble(a => { a.syscall(); a.ud2(); }, Guest.UserCode);
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
        Assert.Equal((Guest.KernelCode, Guest.KernelData), ((ushort)guest.Rbx, (ushort)guest.Rdx));
        Assert.Equal(Rflags.AlwaysSet | Rflags.Zero, guest.Rax);
        Assert.Equal(Guest.UserCode + 2UL, guest.Rcx);
        Assert.Equal(Rflags.AlwaysSet | Rflags.Interrupt | Rflags.Carry | Rflags.Zero, guest.State->Registers[11]);
        Assert.Equal([Guest.UserCode + 2UL, Guest.UserCode64, Rflags.Resume | Rflags.AlwaysSet | Rflags.Interrupt | Rflags.Carry | Rflags.Zero,
            Guest.UserStack, Guest.UserData], Enumerable.Range(0, 5).Select(i => guest.OnStack(i)));
    }

    [Theory]
    [InlineData(CpuVendor.Intel, 0u)]
    [InlineData(CpuVendor.Amd, 3u)]
    public void Sysret_to_an_address_that_is_not_canonical_faults_in_the_kernel_on_intel_alone(CpuVendor vendor, uint cpl)
    {
        using var guest = Guest.Long(vendor);
        guest.State->Msr.Star = (ulong)(Guest.UserCode64 - 16) << 48;
        guest.Rcx = 0x8000_0000_0000;
        guest.State->Registers[11] = 2;
        guest.Assemble(a => a.sysretq());
        Assert.Equal(ExceptionVector.GeneralProtection, guest.RunToHandler());
        Assert.Equal(cpl, guest.OnStack(2) & 3);
        Assert.Equal(vendor == CpuVendor.Intel ? Guest.Code : 0x8000_0000_0000UL, guest.OnStack(1));
    }

    [Fact]
    public void Legacy_syscall_exists_on_amd_alone()
    {
        using var intel = Guest.Protected();
        intel.State->Efer = Efer.Sce;
        intel.Assemble(a => a.syscall());
        Assert.Equal(ExceptionVector.InvalidOpcode, intel.RunToHandler());

        using var amd = Guest.Protected(CpuVendor.Amd);
        amd.State->Efer = Efer.Sce;
        amd.State->Msr.Star = ((ulong)Guest.KernelCode << 32) | Guest.UserCode;
        amd.Place(a => a.hlt(), Guest.UserCode);
        amd.Assemble(a => a.syscall());
        Assert.Equal(RunExit.Halted, amd.Run());
        Assert.Equal(Guest.Code + 2UL, amd.Rcx);
    }

    [Fact]
    public void Sysenter_and_sysexit_use_fixed_distances_of_selectors()
    {
        using var guest = Guest.Protected();
        guest.State->Msr.SysenterCs = Guest.KernelCode;
        guest.State->Msr.SysenterEip = Guest.Code;
        guest.State->Msr.SysenterEsp = Guest.SpareStack;
        guest.Place(a => { a.mov(ebx, cs); a.mov(eax, esp); a.mov(edx, (int)Guest.UserCode + 0x10); a.mov(ecx, (int)Guest.UserStack); a.sysexit(); }, Guest.Code);
        guest.Place(a => a.ud2(), Guest.UserCode + 0x10);
        guest.EnterRing3();
        guest.Assemble(a => a.sysenter(), Guest.UserCode);
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
        Assert.Equal((Guest.KernelCode, (ulong)Guest.SpareStack), ((ushort)guest.Rbx, guest.Rax));
        Assert.Equal([Guest.UserCode + 0x10UL, Guest.KernelCode + 16UL + 3], Enumerable.Range(0, 2).Select(i => guest.OnStack(i)));
    }

    [Theory]
    [InlineData(0, 0x8000_0010u)]
    [InlineData(0, 0x2000_0011u)]
    [InlineData(4, 0x2000u)]
    [InlineData(4, 0x8000_0000u)]
    [InlineData(4, 0x2_0000u)]
    public void Control_registers_refuse_what_does_not_exist_or_fit(int register, uint value)
    {
        using var guest = Guest.Protected();
        guest.Rax = value;
        guest.Assemble(a =>
        {
            if (register == 0)
                a.mov(cr0, eax);
            else
                a.mov(cr4, eax);
        });
        Assert.Equal(ExceptionVector.GeneralProtection, guest.RunToHandler());
    }

    [Fact]
    public void Long_mode_is_entered_by_paging_with_lme_and_a_far_jump()
    {
        using var guest = Guest.Protected();
        using var tables = Guest.Long();
        for (var at = Guest.PageTables; at < Guest.PageTables + 0x5000; at += 8)
            guest.Write(at, tables.Read<ulong>(at));
        guest.SetDescriptor(Guest.Spare, Guest.Descriptor(0, 0xFFFFF, 0x9B, 0xA));
        guest.Place(a => { a.mov(rbx, 0x1122_3344_5566_7788); a.hlt(); }, Guest.UserCode, 64);
        guest.Assemble(a =>
        {
            a.mov(eax, (int)Guest.PageTables);
            a.mov(cr3, eax);
            a.mov(eax, (int)Cr4.Pae);
            a.mov(cr4, eax);
            a.mov(ecx, unchecked((int)0xC000_0080));
            a.rdmsr();
            a.or(eax, (int)Efer.Lme);
            a.wrmsr();
            a.mov(eax, cr0);
            a.or(eax, unchecked((int)0x8000_0000));
            a.mov(cr0, eax);
            a.db(0xEA);
            a.dd(Guest.UserCode);
            a.dw(Guest.Spare);
        });
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.True(guest.Vcpu.Is64BitCode);
        Assert.Equal(0x1122_3344_5566_7788UL, guest.Rbx);
        Assert.Equal(Efer.Lme | Efer.Lma, guest.State->Efer);
    }

    [Theory]
    [InlineData(0x277u, 0x0007_0406_0007_0402UL)]
    [InlineData(0x2FFu, 0x2UL)]
    [InlineData(0x250u, 0x0200_0000_0000_0000UL)]
    [InlineData(0xC000_0082u, 0x100_0000_0000_0000UL)]
    [InlineData(0xC000_0080u, 0x8000UL)]
    [InlineData(0x1234u, 0UL)]
    public void Msrs_refuse_values_that_they_cannot_hold(uint msr, ulong value)
    {
        using var guest = Guest.Long();
        guest.Rcx = msr;
        guest.Rax = (uint)value;
        guest.Rdx = value >> 32;
        guest.Assemble(a => a.wrmsr());
        Assert.Equal(ExceptionVector.GeneralProtection, guest.RunToHandler());
        Assert.Equal(msr == 0x1234 ? ["MSR 0x1234 write"] : [], guest.Unsupported);
    }

    [Theory]
    [InlineData(CpuVendor.Intel, ExceptionVector.GeneralProtection)]
    [InlineData(CpuVendor.Amd, ExceptionVector.InvalidOpcode)]
    public void The_floating_point_configuration_exists_on_amd_alone(CpuVendor vendor, byte expected)
    {
        using var guest = Guest.Long(vendor);
        guest.Rcx = 0xC001_1028;
        guest.Assemble(a => { a.rdmsr(); a.ud2(); });
        Assert.Equal(expected, guest.RunToHandler());
        if (vendor == CpuVendor.Amd)
            Assert.Equal((0x200UL, 0UL), (guest.Rax, guest.Rdx));
    }

    [Fact]
    public void The_time_stamp_counts_instructions_from_what_was_written()
    {
        using var guest = Guest.Long();
        guest.Rcx = 0x10;
        guest.Rax = 0x1000;
        guest.Rdx = 0;
        guest.Assemble(a => { a.wrmsr(); a.nop(); a.nop(); a.rdtsc(); a.mov(ebx, eax); a.mov(ecx, 0x3B); a.rdmsr(); a.hlt(); });
        var before = guest.Vcpu.InstructionsRetired;
        guest.Run();
        Assert.Equal(0x1003UL, guest.Rbx);
        Assert.Equal(0x1000 - before, (guest.Rdx << 32) | guest.Rax);
    }

    [Theory]
    [InlineData(0x50, true)]
    [InlineData(0x51, false)]
    public void The_io_bitmap_opens_single_ports(int port, bool open)
    {
        using var guest = Guest.Long();
        guest.State->Segments[(int)SegmentName.Tr].Limit = 0x68 + 0x20;
        for (var i = 0u; i < 0x20; i++)
            guest.Write(Guest.Tss + 0x68 + i, (byte)0xFF);
        guest.Write(Guest.Tss + 0x68 + 0x50 / 8, (byte)0xFE);
        guest.EnterRing3();
        guest.Rax = 0xAB;
        guest.Assemble(a => { a.@out((byte)port, al); a.ud2(); }, Guest.UserCode);
        Assert.Equal(open ? ExceptionVector.InvalidOpcode : ExceptionVector.GeneralProtection, guest.RunToHandler());
        Assert.Equal(open ? [((ushort)port, 1, 0xABu)] : [], guest.Written);
    }

    [Fact]
    public void Rep_outs_writes_one_element_a_tick()
    {
        using var guest = Guest.Protected();
        guest.Write(Guest.Data, 0x0403_0201u);
        guest.State->Registers[6] = Guest.Data;
        guest.Rcx = 4;
        guest.Rdx = 0xE9;
        guest.Assemble(a => { a.rep.outsb(); a.hlt(); });
        guest.Run(2);
        Assert.Equal(2, guest.Written.Count);
        guest.Run();
        Assert.Equal([1u, 2u, 3u, 4u], guest.Written.Select(w => w.Value));
        Assert.Equal(0UL, guest.Rcx);
    }

    [Fact]
    public void Rep_ins_stops_at_an_absent_page_before_it_reads_the_port()
    {
        using var guest = Guest.Long();
        guest.SetPage(Guest.Data + 0x1000, 0);
        guest.Vcpu.StateChanged();
        guest.State->Registers[7] = Guest.Data + 0x1000 - 8;
        guest.Rcx = 3;
        guest.Assemble(a => a.rep.insd());
        Assert.Equal(ExceptionVector.PageFault, guest.RunToHandler());
        Assert.Equal((1UL, Guest.Data + 0x1000UL), (guest.Rcx, guest.State->Registers[7]));
        Assert.Equal(0x12345678u, guest.Read<uint>(Guest.Data + 0xFFC));
    }

    [Theory]
    [InlineData((int)Guest.KernelCode, 0x00AF9B00UL)]
    [InlineData((int)Guest.TssSelector, 0x00008B00UL)]
    [InlineData(0, null)]
    [InlineData(0xFF8, null)]
    public void Lar_answers_in_zf(int selector, ulong? rights)
    {
        using var guest = Guest.Long();
        guest.Rcx = (uint)selector;
        guest.Rax = 0x55;
        guest.Assemble(a => { a.lar(eax, ecx); a.hlt(); });
        guest.Run();
        Assert.Equal(rights is not null, guest.State->Flags.Zero);
        Assert.Equal(rights ?? 0x55, guest.Rax);
    }

    [Fact]
    public void The_reset_state_is_that_of_table_9_1()
    {
        using var guest = new Guest();
        var s = guest.State;
        Assert.Equal(0xFFF0UL, s->Rip);
        Assert.Equal((0xF000, 0xFFFF_0000UL, 0xFFFFu), (s->Segments[1].Selector, s->Segments[1].Base, s->Segments[1].Limit));
        Assert.Equal(0x6000_0010UL, s->Cr0);
        Assert.Equal((ulong)guest.Vcpu.Model.Signature, s->Registers[2]);
        Assert.Equal((0xFFFF_0FF0UL, 0x400UL), (s->DebugRegisters[6], s->DebugRegisters[7]));
        Assert.Equal(2UL, guest.Vcpu.RflagsImage);
    }

    [Fact]
    public void A_start_up_ipi_begins_in_real_mode_at_its_page()
    {
        using var guest = Guest.Long();
        guest.Place(a => { a.mov(ax, cs); a.hlt(); }, 0x9000, 16);
        guest.Vcpu.Init();
        guest.Vcpu.StartUp(9);
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(0x900UL, guest.Rax);
    }
}
