using Emu.Cpu.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Supervisor;

/// <summary>MONITOR and MWAIT: what ends the wait, and who may wait.</summary>
public sealed unsafe class MonitorTests
{
    private const uint Line = Guest.Data + 0x100;

    [Fact]
    public void A_store_into_the_line_ends_the_wait()
    {
        using var guest = Waiting();
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.True(guest.Vcpu.IsIdle);

        guest.Vcpu.Memory.TryWrite(Line + 63, [1]);

        Assert.False(guest.Vcpu.IsIdle);
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(1UL, guest.Rbx);
    }

    [Theory]
    [InlineData(Line - 1)]
    [InlineData(Line + 64)]
    public void A_store_beside_the_line_does_not(uint address)
    {
        using var guest = Waiting();
        guest.Run();
        guest.Vcpu.Memory.TryWrite(address, [1]);
        Assert.True(guest.Vcpu.IsIdle);
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(0UL, guest.Rbx);
    }

    [Fact]
    public void A_store_between_MONITOR_and_MWAIT_prevents_the_wait()
    {
        using var guest = Waiting(between: static a => a.inc(__dword_ptr[Line + 8]));
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(1UL, guest.Rbx);
    }

    [Fact]
    public void Without_MONITOR_there_is_no_wait()
    {
        using var guest = Guest.Long();
        guest.Rcx = 0;
        guest.Rbx = 0;
        guest.Assemble(a =>
        {
            a.mwait();
            a.inc(rbx);
            a.hlt();
        });
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(1UL, guest.Rbx);
    }

    [Fact]
    public void One_MONITOR_serves_one_MWAIT()
    {
        using var guest = Waiting(after: static a => a.mwait());
        guest.Run();
        guest.Vcpu.Memory.TryWrite(Line, [1]);
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(1UL, guest.Rbx);
    }

    [Fact]
    public void An_interrupt_is_taken_and_ends_the_wait()
    {
        using var guest = Waiting(flags: Rflags.Interrupt);
        guest.Place(static a => a.iretq(), Guest.Handlers + 0x40 * 4);
        guest.Run();
        guest.Interrupts.Enqueue(0x40);
        guest.Vcpu.NotifyInterrupt();
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal([(byte)0x40], guest.Delivered.Select(static delivered => delivered.Vector));
        Assert.Equal(1UL, guest.Rbx);
    }

    [Fact]
    public void An_interrupt_between_MONITOR_and_MWAIT_prevents_the_wait()
    {
        using var guest = Waiting(between: static a =>
        {
            a.sti();
            a.nop();
        });
        guest.Place(static a => a.iretq(), Guest.Handlers + 0x40 * 4);
        guest.Interrupts.Enqueue(0x40);
        guest.Vcpu.NotifyInterrupt();
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Single(guest.Delivered);
        Assert.Equal(1UL, guest.Rbx);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    public void A_masked_interrupt_ends_the_wait_only_where_ECX_asks_for_it_and_is_not_taken(ulong extensions, ulong passed)
    {
        using var guest = Waiting(extensions: extensions);
        guest.Run();
        guest.Interrupts.Enqueue(0x40);
        guest.Vcpu.NotifyInterrupt();
        Assert.Equal(extensions == 0, guest.Vcpu.IsIdle);
        Assert.Equal(extensions != 0, guest.Vcpu.WakesOnInterrupt);
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Empty(guest.Delivered);
        Assert.Equal(passed, guest.Rbx);
    }

    [Theory]
    [InlineData("0F01C8", 1)]
    [InlineData("0F01C8", 1UL << 32)]
    [InlineData("0F01C9", 2)]
    [InlineData("0F01C9", 1UL << 32)]
    public void An_extension_that_is_not_there_is_a_general_protection_fault(string bytes, ulong extensions)
    {
        using var guest = Guest.Long();
        guest.Rcx = extensions;
        guest.Rax = Line;
        guest.Assemble(a => a.db(Convert.FromHexString(bytes)));
        Assert.Equal(ExceptionVector.GeneralProtection, guest.RunToHandler());
    }

    [Theory]
    [InlineData("0F01C8")]
    [InlineData("0F01C9")]
    public void Programs_may_not_wait(string bytes)
    {
        using var guest = Guest.Long();
        guest.Rcx = 0;
        guest.EnterRing3();
        guest.Place(a => a.db(Convert.FromHexString(bytes)), Guest.UserCode);
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
    }

    [Theory]
    [InlineData(CpuVendor.Intel, 0x1A0, 18, 0)]
    [InlineData(CpuVendor.Amd, 0xC001_0015, 9, 1)]
    public void Software_can_switch_the_pair_off_and_CPUID_shows_it(CpuVendor vendor, uint msr, int bit, int off)
    {
        using var guest = Guest.Long(vendor);
        Assert.NotEqual(0u, guest.Vcpu.Model.Cpuid(1, 0, guest.Vcpu).Ecx & 8);
        guest.Rcx = msr;
        guest.Assemble(a =>
        {
            a.rdmsr();
            if (off == 0)
                a.btr(eax, (byte)bit);
            else
                a.bts(eax, (byte)bit);
            a.wrmsr();
            a.xor(ecx, ecx);
            a.mwait();
        });
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
        Assert.Equal(0u, guest.Vcpu.Model.Cpuid(1, 0, guest.Vcpu).Ecx & 8);
    }

    [Fact]
    public void MONITOR_reads_like_a_load()
    {
        using var guest = Guest.Long();
        guest.SetPage(Guest.Data, 0);
        guest.Rcx = 0;
        guest.Rax = Line;
        guest.Assemble(a => a.monitor());
        Assert.Equal(ExceptionVector.PageFault, guest.RunToHandler());
        Assert.Equal(Line, guest.State->Cr2);
    }

    [Fact]
    public void The_address_size_prefix_and_segments_count()
    {
        using var guest = Guest.Long();
        guest.Rcx = 0;
        guest.Rdx = 0;
        guest.Rax = 0xFFFF_FFFF_0000_0100;
        guest.State->Segments[(int)SegmentName.Fs].Base = Guest.Data;
        guest.Assemble(a =>
        {
            a.db(0x64, 0x67, 0x0F, 0x01, 0xC8);
            a.mwait();
            a.hlt();
        });
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(Line, guest.State->MonitorAddress);
    }

    // MONITOR, MWAIT, then RBX counts up to 1.
    private static Guest Waiting(Action<Assembler>? between = null, Action<Assembler>? after = null, ulong flags = 0, ulong extensions = 0)
    {
        var guest = Guest.Long();
        guest.Rax = Line + 5;
        guest.Rcx = 0;
        guest.Rdx = 0;
        guest.Rbx = 0;
        guest.State->SystemFlags |= flags;
        guest.Assemble(a =>
        {
            a.monitor();
            between?.Invoke(a);
            a.mov(ecx, (uint)extensions);
            a.mwait();
            after?.Invoke(a);
            a.inc(rbx);
            a.hlt();
        });
        return guest;
    }
}
