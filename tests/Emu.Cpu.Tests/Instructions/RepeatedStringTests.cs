using Emu.Cpu.State;
using Xunit;

namespace Emu.Cpu.Tests.Instructions;

/// <summary>What REP does across pages, at faults, at devices, and between interrupts.</summary>
public sealed unsafe class RepeatedStringTests : IDisposable
{
    private const int Rax = 0, Rcx = 1, Rsi = 6, Rdi = 7;

    private static readonly byte[] RepMovsb = [0xF3, 0xA4];
    private static readonly byte[] RepMovsq = [0xF3, 0x48, 0xA5];
    private static readonly byte[] RepMovsd = [0xF3, 0xA5];
    private static readonly byte[] RepStosb = [0xF3, 0xAA];
    private static readonly byte[] RepeCmpsb = [0xF3, 0xA6];
    private static readonly byte[] RepneScasb = [0xF2, 0xAE];

    private readonly CpuFixture _cpu = new();

    public void Dispose() => _cpu.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void A_copy_over_pages_is_that_of_its_elements_one_by_one(int size)
    {
        foreach (var distance in new[] { -5000, -4096, -9, -8, -3, -1, 0, 1, 3, 8, 9, 64, 4095, 4096, 5000 })
        {
            Copy(size, distance, 1500, down: false);
            Copy(size, distance, 1500, down: true);
        }
    }

    private void Copy(int size, int distance, int count, bool down)
    {
        const ulong From = 0x20_0000 + 4000;
        var to = From + (ulong)distance;
        const ulong Window = 0x1F_0000;
        const int WindowLength = 0x2_0000;
        new Random(size * 1000 + distance).NextBytes(_cpu.Ram(Window, WindowLength));
        var expected = _cpu.Ram(Window, WindowLength).ToArray();
        var (from, into) = ((long)(From - Window), (long)(to - Window));
        for (var i = 0; i < count; i++)
        {
            var offset = (down ? -i : i) * size;
            var element = expected.AsSpan((int)from + offset, size).ToArray();
            element.CopyTo(expected.AsSpan((int)into + offset));
        }

        var code = size switch { 1 => RepMovsb, 2 => [0x66, 0xF3, 0xA5], 4 => RepMovsd, _ => RepMovsq };
        Start(code, From, to, (ulong)count, down);
        RunToEnd(code.Length);

        Assert.True(expected.AsSpan().SequenceEqual(_cpu.Ram(Window, WindowLength)));
        var moved = (ulong)((down ? -1L : 1) * count * size);
        Assert.Equal((From + moved, to + moved, 0UL), (_cpu.State->Registers[Rsi], _cpu.State->Registers[Rdi], _cpu.State->Registers[Rcx]));
    }

    [Fact]
    public void Each_piece_ends_with_a_page_and_counts_as_one_instruction()
    {
        Start(RepStosb, 0, 0x20_0F00, 0x100 + 0x1000 + 0x80, false);

        Assert.Equal(-1, _cpu.Run(1));
        Assert.Equal((0x20_1000UL, 0x1080UL, CpuFixture.Code), (_cpu.State->Registers[Rdi], _cpu.State->Registers[Rcx], _cpu.State->Rip));
        Assert.Equal(-1, _cpu.Run(1));
        Assert.Equal((0x20_2000UL, 0x80UL, CpuFixture.Code), (_cpu.State->Registers[Rdi], _cpu.State->Registers[Rcx], _cpu.State->Rip));
        Assert.Equal(-1, _cpu.Run(1));
        Assert.Equal((0x20_2080UL, 0UL, CpuFixture.Code + 2), (_cpu.State->Registers[Rdi], _cpu.State->Registers[Rcx], _cpu.State->Rip));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1000)]
    public void The_number_of_retired_instructions_does_not_depend_on_how_the_run_is_cut(int step)
    {
        // mov ecx,9000; mov edi,200123; rep stosb; mov ecx,9000; mov esi,200123; mov edi,300456; rep movsb; jmp $
        byte[] code =
        [
            0xB9, 0x28, 0x23, 0, 0, 0xBF, 0x23, 0x01, 0x20, 0, 0xF3, 0xAA, 0xB9, 0x28, 0x23, 0, 0,
            0xBE, 0x23, 0x01, 0x20, 0, 0xBF, 0x56, 0x04, 0x30, 0, 0xF3, 0xA4, 0xEB, 0xFE,
        ];
        _cpu.Load(code);
        // Two moves, three pieces; three moves, five pieces; the jump's own address is reached after 13 instructions.
        var end = CpuFixture.Code + (ulong)code.Length - 2;
        var retired = 0;
        while (retired < 13)
        {
            Assert.NotEqual(end, _cpu.State->Rip);
            var now = Math.Min(step, 13 - retired);
            Assert.Equal(-1, _cpu.Run(now));
            retired += now;
        }
        Assert.Equal(end, _cpu.State->Rip);
        Assert.Equal(0UL, _cpu.State->Registers[Rcx]);
    }

    [Fact]
    public void A_fault_leaves_the_registers_at_the_element_that_faulted()
    {
        // Two bytes of the canonical half are left.
        Start(RepMovsb, 0x7FFF_FFFF_FFFE, 0x20_0000, 5, false);
        Assert.Equal(ExceptionVector.GeneralProtection, RunUntilEvent());
        Assert.Equal((0x8000_0000_0000UL, 3UL), (_cpu.State->Registers[Rsi], _cpu.State->Registers[Rcx]));

        _cpu.Enter16Bit();
        Start([0xF3, 0xA5], 0xFFFC, 0x2000, 5, false, 0x7000);
        _cpu.State->Registers[Rsi] = 0xFFFB;
        Assert.Equal(ExceptionVector.GeneralProtection, RunUntilEvent());
        Assert.Equal((0xFFFFUL, 0x2004UL, 3UL), (_cpu.State->Registers[Rsi], _cpu.State->Registers[Rdi], _cpu.State->Registers[Rcx]));
        Assert.Equal(0x7000UL, _cpu.State->Rip);
    }

    [Fact]
    public void Devices_are_accessed_element_by_element_and_once_each()
    {
        Start(RepMovsd, CpuFixture.Device, 0x20_0000, 3, false);
        RunToEnd(2);
        Assert.Equal(["read 80000000 4", "read 80000004 4", "read 80000008 4"], _cpu.DeviceAccesses);
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], _cpu.Ram(0x20_0000, 12).ToArray());

        _cpu.DeviceAccesses.Clear();
        _cpu.State->Registers[Rax] = 0xAB;
        Start(RepStosb, 0, CpuFixture.Device + 0xFFF, 2, false);
        RunToEnd(2);
        Assert.Equal(["write 80000fff 1 ab", "write 80001000 1 ab"], _cpu.DeviceAccesses);
    }

    [Fact]
    public void A_comparison_ends_at_the_first_difference_also_in_a_later_page()
    {
        _cpu.Ram(0x20_0000, 0x4000).Clear();
        _cpu.Ram(0x30_0000, 0x4000).Clear();
        _cpu.Ram(0x30_0000 + 5000, 1)[0] = 1;
        Start(RepeCmpsb, 0x20_0000, 0x30_0000, 9000, false);
        RunToEnd(2);
        Assert.Equal((0x20_0000 + 5001UL, 0x30_0000 + 5001UL, 3999UL), (_cpu.State->Registers[Rsi], _cpu.State->Registers[Rdi], _cpu.State->Registers[Rcx]));
        Assert.True(_cpu.State->Flags.Carry);
        Assert.False(_cpu.State->Flags.Zero);

        _cpu.State->Registers[Rax] = 1;
        Start(RepneScasb, 0, 0x30_0000, 9000, false);
        RunToEnd(2);
        Assert.Equal((0x30_0000 + 5001UL, 3999UL), (_cpu.State->Registers[Rdi], _cpu.State->Registers[Rcx]));
        Assert.True(_cpu.State->Flags.Zero);

        Start(RepneScasb, 0, 0x30_0000 + 8999, 9000, true);
        RunToEnd(2);
        Assert.Equal((0x30_0000 + 4999UL, 5000UL), (_cpu.State->Registers[Rdi], _cpu.State->Registers[Rcx]));
    }

    [Fact]
    public void A_count_of_zero_touches_nothing()
    {
        Start(RepMovsb, 0xDEAD_0000_0000_0000, 0xDEAD_0000_0000_0000, 0, false);
        _cpu.Flags = Rflags.Carry | Rflags.Zero;
        Assert.Equal(-1, _cpu.Run(1));
        Assert.Equal(CpuFixture.Code + 2, _cpu.State->Rip);

        Start(RepeCmpsb, 0xDEAD_0000_0000_0000, 0xDEAD_0000_0000_0000, 0, false);
        Assert.Equal(-1, _cpu.Run(1));
        Assert.True(_cpu.State->Flags.Carry && _cpu.State->Flags.Zero);
    }

    [Fact]
    public void Code_that_a_repetition_overwrites_is_executed_anew()
    {
        // rep stosb over the instruction that follows: eight NOPs in place of INC EAX; jmp $
        byte[] code = [0xF3, 0xAA, 0xFF, 0xC0, 0xFF, 0xC0, 0xFF, 0xC0, 0xFF, 0xC0, 0xEB, 0xFE];
        Start(code, 0, CpuFixture.Code + 2, 8, false);
        _cpu.State->Registers[Rax] = 0x90;
        Assert.Equal(-1, _cpu.Run(9));
        Assert.Equal(CpuFixture.Code + 10, _cpu.State->Rip);
        Assert.Equal(0x90UL, _cpu.State->Registers[Rax]);
    }

    [Fact]
    public void A_page_that_holds_code_elsewhere_is_written_like_any_other()
    {
        Start(RepStosb, 0, CpuFixture.Code + 0x100, 0x400, false);
        _cpu.State->Registers[Rax] = 0x55;
        Assert.Equal(-1, _cpu.Run(1));
        Assert.Equal(CpuFixture.Code + 2, _cpu.State->Rip);
        Assert.Equal(-1, _cpu.Ram(CpuFixture.Code + 0x100, 0x400).IndexOfAnyExcept((byte)0x55));
        Assert.Equal(0, _cpu.Ram(CpuFixture.Code + 0x500, 1)[0]);
    }

    [Fact]
    public void Thirty_two_bit_addresses_wrap_and_clear_upper_halves()
    {
        // addr32 rep movsb
        Start([0x67, 0xF3, 0xA4], 0xFFFF_FFFF_0020_0000, 0xAAAA_AAAA_0030_0000, 0xBBBB_BBBB_0000_0003, false);
        _cpu.Ram(0x20_0000, 3)[2] = 7;
        RunToEnd(3);
        Assert.Equal((0x20_0003UL, 0x30_0003UL, 0UL), (_cpu.State->Registers[Rsi], _cpu.State->Registers[Rdi], _cpu.State->Registers[Rcx]));
        Assert.Equal(7, _cpu.Ram(0x30_0000, 3)[2]);
    }

    [Fact]
    public void Under_the_trap_flag_every_element_is_a_piece()
    {
        Start(RepStosb, 0, 0x20_0000, 3, false);
        _cpu.State->SystemFlags |= Rflags.Trap;
        _ = _cpu.Run(1);
        Assert.Equal((0x20_0001UL, 2UL, CpuFixture.Code), (_cpu.State->Registers[Rdi], _cpu.State->Registers[Rcx], _cpu.State->Rip));
    }

    private void Start(byte[] code, ulong source, ulong destination, ulong count, bool down, ulong address = CpuFixture.Code)
    {
        _cpu.State->Registers[Rsi] = source;
        _cpu.State->Registers[Rdi] = destination;
        _cpu.State->Registers[Rcx] = count;
        _cpu.Flags = (_cpu.Flags & ~Rflags.Direction) | (down ? Rflags.Direction : 0);
        _cpu.Load(code, address);
    }

    private void RunToEnd(int length)
    {
        while (_cpu.State->Rip == CpuFixture.Code)
            Assert.Equal(-1, _cpu.Run(1));
        Assert.Equal(CpuFixture.Code + (ulong)length, _cpu.State->Rip);
    }

    private int RunUntilEvent()
    {
        for (var i = 0; i < 100; i++)
        {
            if (_cpu.Run(1) is >= 0 and var vector)
                return vector;
        }
        return -1;
    }
}
