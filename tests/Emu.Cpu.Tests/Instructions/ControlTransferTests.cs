using Emu.Cpu.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Instructions;

/// <summary>Near jumps, calls, returns and loops in all modes.</summary>
public sealed unsafe class ControlTransferTests : IDisposable
{
    private const int Rax = 0, Rcx = 1, Rsp = 4;
    private const ulong StackTop = 0x6000;

    private readonly CpuFixture _cpu = new();

    public void Dispose() => _cpu.Dispose();

    public static TheoryData<string, ulong, bool> Conditions
    {
        get
        {
            var names = new[] { "o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g" };
            var data = new TheoryData<string, ulong, bool>();
            for (var condition = 0; condition < 16; condition++)
            {
                for (var bits = 0; bits < 32; bits++)
                {
                    bool c = (bits & 1) != 0, p = (bits & 2) != 0, z = (bits & 4) != 0, s = (bits & 8) != 0, o = (bits & 16) != 0;
                    var flags = (c ? Rflags.Carry : 0) | (p ? Rflags.Parity : 0) | (z ? Rflags.Zero : 0) | (s ? Rflags.Sign : 0) | (o ? Rflags.Overflow : 0);
                    var holds = (condition >> 1) switch { 0 => o, 1 => c, 2 => z, 3 => c || z, 4 => s, 5 => p, 6 => s != o, _ => z || s != o };
                    data.Add(names[condition], flags, holds ^ ((condition & 1) != 0));
                }
            }
            return data;
        }
    }

    [Fact]
    public void Conditional_jumps_follow_their_flags()
    {
        var number = 0;
        foreach (var row in Conditions)
        {
            var (condition, taken) = (number++ / 32, (bool)row[2]);
            _cpu.Load([(byte)(0x70 + condition), 0x10]);
            _cpu.Flags = (ulong)row[1];
            Assert.Equal(-1, _cpu.Run(1));
            Assert.True(CpuFixture.Code + (taken ? 0x12u : 2) == _cpu.State->Rip, $"j{row[0]} with flags {row[1]:x}");
        }
    }

    [Theory]
    [InlineData(16)]
    [InlineData(32)]
    [InlineData(64)]
    public void A_call_pushes_what_its_return_pops(int mode)
    {
        Enter(mode);
        var width = mode / 8;
        // call +3; jmp $; ret 8
        var relative = mode == 16 ? new byte[] { 0xE8, 2, 0 } : [0xE8, 2, 0, 0, 0];
        byte[] code = [.. relative, 0xEB, 0xFE, 0xC2, 8, 0];
        _cpu.Load(code, 0x7000);
        Assert.Equal(-1, _cpu.Run(1));
        Assert.Equal(0x7000UL + (ulong)relative.Length + 2, _cpu.State->Rip);
        Assert.Equal(StackTop - (ulong)width, _cpu.State->Registers[Rsp]);
        Assert.Equal(0x7000 + relative.Length, BitConverter.ToInt16(_cpu.Ram(StackTop - (ulong)width, 2)));
        Assert.Equal(-1, _cpu.Run(1));
        Assert.Equal((0x7000UL + (ulong)relative.Length, StackTop + 8), (_cpu.State->Rip, _cpu.State->Registers[Rsp]));
    }

    [Theory]
    [InlineData(16)]
    [InlineData(32)]
    [InlineData(64)]
    public void Indirect_jumps_and_calls_take_registers_and_memory(int mode)
    {
        Enter(mode);
        _cpu.State->Registers[3] = 0x3000;
        _cpu.Ram(0x3000, 8).Clear();
        _cpu.Ram(0x3000, 2)[1] = 0x72;
        foreach (var (code, calls) in new (byte[], bool)[] { ([0xFF, 0x27], false), ([0xFF, 0x17], true) })
        {
            // [bx] in 16-bit code, [edi] and [rdi] elsewhere.
            _cpu.State->Registers[7] = 0x3000;
            _cpu.State->Registers[Rsp] = StackTop;
            _cpu.Load(code, 0x7000);
            Assert.Equal(-1, _cpu.Run(1));
            Assert.Equal((0x7200UL, StackTop - (calls ? (ulong)(mode / 8) : 0)), (_cpu.State->Rip, _cpu.State->Registers[Rsp]));
        }
        foreach (var (code, calls) in new (byte[], bool)[] { ([0xFF, 0xE0], false), ([0xFF, 0xD0], true) })
        {
            _cpu.State->Registers[Rax] = 0x7300;
            _cpu.State->Registers[Rsp] = StackTop;
            _cpu.Load(code, 0x7000);
            Assert.Equal(-1, _cpu.Run(1));
            Assert.Equal((0x7300UL, StackTop - (calls ? (ulong)(mode / 8) : 0)), (_cpu.State->Rip, _cpu.State->Registers[Rsp]));
        }
    }

    [Fact]
    public void A_target_that_is_not_canonical_faults_before_anything_changes()
    {
        foreach (var code in new byte[][] { [0xFF, 0xE0], [0xFF, 0xD0] })
        {
            _cpu.State->Registers[Rax] = 0x8000_0000_0000;
            _cpu.State->Registers[Rsp] = StackTop;
            _cpu.Load(code);
            Assert.Equal(ExceptionVector.GeneralProtection, _cpu.Run(1));
            Assert.Equal((CpuFixture.Code, StackTop), (_cpu.State->Rip, _cpu.State->Registers[Rsp]));
        }
        BitConverter.GetBytes(0x8000_0000_0000).CopyTo(_cpu.Ram(StackTop, 8));
        _cpu.Load([0xC3]);
        Assert.Equal(ExceptionVector.GeneralProtection, _cpu.Run(1));
        Assert.Equal((CpuFixture.Code, StackTop), (_cpu.State->Rip, _cpu.State->Registers[Rsp]));
    }

    [Fact]
    public void A_target_beyond_the_code_segment_faults_and_leaves_the_count()
    {
        _cpu.Enter32Bit();
        _cpu.State->Segments[(int)SegmentName.Cs].Limit = 0x7FFF;
        _cpu.Vcpu.StateChanged();
        _cpu.State->Registers[Rcx] = 5;
        // loop +7F
        _cpu.Load([0xE2, 0x7F], 0x7FF0);
        Assert.Equal(ExceptionVector.GeneralProtection, _cpu.Run(1));
        Assert.Equal((0x7FF0UL, 5UL), (_cpu.State->Rip, _cpu.State->Registers[Rcx]));
    }

    [Fact]
    public void A_sixteen_bit_operand_size_cuts_the_target()
    {
        _cpu.Enter32Bit();
        // jmp rel16
        _cpu.Load([0x66, 0xE9, 0x00, 0x10], 0x1_7000);
        Assert.Equal(-1, _cpu.Run(1));
        Assert.Equal(0x8004UL, _cpu.State->Rip);
    }

    [Theory]
    [InlineData(0xE2, 2, 0UL, true)]
    [InlineData(0xE2, 1, 0UL, false)]
    [InlineData(0xE1, 2, Rflags.Zero, true)]
    [InlineData(0xE1, 2, 0UL, false)]
    [InlineData(0xE1, 1, Rflags.Zero, false)]
    [InlineData(0xE0, 2, 0UL, true)]
    [InlineData(0xE0, 2, Rflags.Zero, false)]
    public void Loops_count_down_and_look_at_zero(byte opcode, ulong count, ulong flags, bool taken)
    {
        _cpu.Load([opcode, 0x10]);
        _cpu.State->Registers[Rcx] = count;
        _cpu.Flags = flags;
        Assert.Equal(-1, _cpu.Run(1));
        Assert.Equal((CpuFixture.Code + (taken ? 0x12u : 2), count - 1), (_cpu.State->Rip, _cpu.State->Registers[Rcx]));
        Assert.Equal(flags, _cpu.Flags & Rflags.Arithmetic);
    }

    [Fact]
    public void The_address_size_decides_what_counts()
    {
        // loop with ECX in 64-bit code
        _cpu.Load([0x67, 0xE2, 0x10]);
        _cpu.State->Registers[Rcx] = 0x5_0000_0001;
        Assert.Equal(-1, _cpu.Run(1));
        Assert.Equal((CpuFixture.Code + 3, 0UL), (_cpu.State->Rip, _cpu.State->Registers[Rcx]));
        // jecxz, then jrcxz, in 64-bit code
        _cpu.State->Registers[Rcx] = 0x5_0000_0000;
        _cpu.Load([0x67, 0xE3, 0x10]);
        Assert.Equal(-1, _cpu.Run(1));
        Assert.Equal(CpuFixture.Code + 0x13, _cpu.State->Rip);
        _cpu.Load([0xE3, 0x10]);
        Assert.Equal(-1, _cpu.Run(1));
        Assert.Equal(CpuFixture.Code + 2, _cpu.State->Rip);
        // loop with CX in 32-bit code
        _cpu.Enter32Bit();
        _cpu.State->Registers[Rcx] = 0x1_0000;
        _cpu.Load([0x67, 0xE2, 0x10]);
        Assert.Equal(-1, _cpu.Run(1));
        Assert.Equal((CpuFixture.Code + 0x13, 0x1_FFFFUL), (_cpu.State->Rip, _cpu.State->Registers[Rcx]));
    }

    [Fact]
    public void A_million_transfers_need_no_more_stack_than_one()
    {
        var once = StackAfter(1);
        var often = StackAfter(1_000_000);
        Assert.InRange(once - often, 0, 4096);
    }

    // The depth of the host's stack when the program reaches an instruction that nothing implements.
    private nint StackAfter(int rounds)
    {
        var a = new Assembler(64);
        var again = a.CreateLabel();
        var function = a.CreateLabel();
        var next = a.CreateLabel();
        a.mov(ebp, rounds);
        a.lea(rbx, __[function]);
        a.lea(rdi, __[next]);
        a.push(rbx);
        a.mov(rsi, rsp);
        a.Label(ref again);
        a.call(function);
        a.call(rbx);
        a.call(__qword_ptr[rsi]);
        a.mov(ecx, 2);
        var inner = a.CreateLabel();
        a.Label(ref inner);
        a.loop(inner);
        a.jmp(rdi);
        a.nop();
        a.Label(ref next);
        a.dec(ebp);
        a.jne(again);
        a.getsec();
        a.Label(ref function);
        a.ret();
        using var code = new MemoryStream();
        a.Assemble(new StreamCodeWriter(code), CpuFixture.Code);
        _cpu.State->Registers[Rsp] = StackTop;
        _cpu.Load(code.ToArray());
        Assert.Equal(ExceptionVector.InvalidOpcode, _cpu.Run(rounds * 16 + 16));
        return _cpu.StackAtUnsupported;
    }

    private void Enter(int mode)
    {
        if (mode == 16)
            _cpu.Enter16Bit();
        else if (mode == 32)
            _cpu.Enter32Bit();
        _cpu.State->Registers[Rsp] = StackTop;
    }
}
