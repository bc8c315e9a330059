using Emu.Cpu.Compilation;
using Emu.Cpu.State;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Supervisor;

/// <summary>UD2 with "xen" behind it: #UD as on a processor, or Xen's prefix where the model has it.</summary>
public sealed unsafe class ForcedEmulationTests
{
    private static readonly CpuModel Model = new() { HasForcedEmulation = true };
    private static readonly byte[] Prefix = [0x0F, 0x0B, .. "xen"u8];

    [Fact]
    public void Without_it_the_prefix_is_an_undefined_instruction()
    {
        using var guest = Guest.Long();
        guest.Assemble(a => { a.db(Prefix); a.inc(ebx); });
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
        Assert.Equal(Guest.Code, guest.OnStack(0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_instruction_behind_it_is_executed(bool isLong)
    {
        using var guest = isLong ? Guest.Long(model: Model) : Guest.Protected(model: Model);
        guest.Assemble(a => { a.db(Prefix); a.inc(ebx); a.db(Prefix); a.add(ebx, 2); a.hlt(); });
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(3UL, guest.Rbx);
    }

    [Theory]
    [InlineData("0F0B")]
    [InlineData("0F0B7865")]
    [InlineData("0F0B786500")]
    [InlineData("0F0B58454E")]
    [InlineData("660F0B78656E")]
    [InlineData("0FFF78656E")]
    public void What_only_resembles_it_is_undefined(string bytes)
    {
        using var guest = Guest.Long(model: Model);
        guest.Assemble(a => { a.nop(); a.db(Convert.FromHexString(bytes)); a.nop(); a.nop(); a.nop(); a.nop(); a.nop(); a.nop(); });
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
        Assert.Equal(Guest.Code + 1UL, guest.OnStack(0));
    }

    [Fact]
    public void A_fault_is_reported_where_the_instruction_lies_behind_the_prefix()
    {
        using var guest = Guest.Long(model: Model);
        guest.SetPage(Guest.Data, 0);
        guest.Assemble(a => { a.db(Prefix); a.mov(eax, __[(ulong)Guest.Data]); });
        Assert.Equal(ExceptionVector.PageFault, guest.RunToHandler());
        Assert.Equal(Guest.Code + 5UL, guest.OnStack(1));
    }

    [Fact]
    public void An_undefined_instruction_behind_it_is_undefined_there()
    {
        using var guest = Guest.Long(model: Model);
        guest.Assemble(a => { a.db(Prefix); a.ud2(); a.nop(); a.nop(); a.nop(); });
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
        Assert.Equal(Guest.Code + 5UL, guest.OnStack(0));
    }

    [Fact]
    public void No_interrupt_comes_between_the_prefix_and_its_instruction()
    {
        using var guest = Guest.Long(model: Model);
        guest.State->SystemFlags |= Rflags.Interrupt;
        guest.PortWritten = () =>
        {
            guest.Interrupts.Enqueue(0x40);
            guest.Vcpu.NotifyInterrupt();
        };
        // The port is written by the prefixed instruction before; the next prefix comes after the interrupt.
        guest.Assemble(a => { a.db(Prefix); a.@out(0x80, al); a.db(Prefix); a.inc(ebx); });
        Assert.Equal(0x40, guest.RunToHandler());
        Assert.Equal(Guest.Code + 7UL, guest.OnStack(0));
    }

    [Fact]
    public void An_interrupt_that_waits_comes_behind_the_instruction()
    {
        using var guest = Guest.Long(model: Model);
        guest.Assemble(a => { a.sti(); a.db(Prefix); a.inc(ebx); a.inc(ebx); });
        guest.Interrupts.Enqueue(0x40);
        guest.Vcpu.NotifyInterrupt();
        Assert.Equal(0x40, guest.RunToHandler());
        Assert.Equal(1UL, guest.Rbx);
        Assert.Equal(Guest.Code + 8UL, guest.OnStack(0));
    }

    [Fact]
    public void A_single_step_takes_the_prefix_and_its_instruction()
    {
        using var guest = Guest.Long(model: Model);
        guest.Assemble(a => { a.db(Prefix); a.inc(ebx); a.inc(ebx); });
        guest.State->SystemFlags |= Rflags.Trap;
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal(1UL, guest.Rbx);
        Assert.Equal(Guest.Code + 7UL, guest.OnStack(0));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void It_may_cross_a_page(int before)
    {
        using var guest = Guest.Long(model: Model);
        var start = Guest.UserCode - (uint)before;
        guest.Assemble(a => a.jmp(start));
        guest.Place(a => { a.db(Prefix); a.inc(ebx); a.hlt(); }, start);
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(1UL, guest.Rbx);
    }

    [Fact]
    public void At_the_end_of_the_last_page_it_is_undefined()
    {
        using var guest = Guest.Long(model: Model);
        var start = Guest.UserCode - 4;
        guest.SetPage(Guest.UserCode, 0);
        guest.Assemble(a => a.jmp(start));
        guest.Place(a => a.db(Prefix[..4]), start);
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
        Assert.Equal(start, guest.OnStack(0));

        // A prefix that ends with the page leads to a fault of what is behind it.
        using var other = Guest.Long(model: Model);
        other.SetPage(Guest.UserCode, 0);
        other.Assemble(a => a.jmp(start - 1));
        other.Place(a => a.db(Prefix), start - 1);
        Assert.Equal(ExceptionVector.PageFault, other.RunToHandler());
        Assert.Equal((ulong)Guest.UserCode, other.OnStack(1));
    }

    [Fact]
    public void Changed_bytes_make_it_another_instruction()
    {
        using var guest = Guest.Long(model: Model);
        // Executes the prefix, then takes its last letter away and goes back.
        guest.Assemble(a =>
        {
            a.db(Prefix);
            a.inc(ebx);
            a.mov(__byte_ptr[(ulong)Guest.Code + 4], 0);
            a.jmp(Guest.Code);
        });
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
        Assert.Equal((1UL, (ulong)Guest.Code), (guest.Rbx, guest.OnStack(0)));
    }

    [Fact]
    public void Compiled_code_executes_it_too()
    {
        using var guest = Guest.Long(model: Model);
        guest.Rcx = 5000;
        guest.Assemble(a =>
        {
            var loop = a.CreateLabel();
            a.Label(ref loop);
            a.db(Prefix);
            a.add(rbx, rcx);
            a.dec(ecx);
            a.jnz(loop);
            a.hlt();
        });
        using var compiler = guest.Compile(TieringLimits.Immediate);
        Assert.Equal(RunExit.Halted, guest.Run(50_000));
        Assert.Equal(5000UL * 5001 / 2, guest.Rbx);
        Assert.Equal((5000UL * 4) + 1, guest.Vcpu.InstructionsRetired);
        Assert.InRange(guest.State->Compiled, 10_000UL, 20_001UL);
        Assert.Equal(0, compiler.Failures);
    }
}
