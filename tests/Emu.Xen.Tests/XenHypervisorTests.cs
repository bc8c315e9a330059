using System.Text;
using Emu.Cpu.Platform;
using Emu.Cpu.State;
using Emu.Xen.Tests.Support;
using Xunit;

namespace Emu.Xen.Tests;

public sealed class XenHypervisorTests : IDisposable
{
    private const uint MemoryOp = 12;
    private const uint XenVersion = 17;
    private const uint ConsoleIo = 18;
    private const uint SchedOp = 29;
    private const ulong Buffer = 0x8000;

    private readonly TestDomain _domain = new();

    public void Dispose() => _domain.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Version_comes_back_in_both_widths(bool is64Bit)
    {
        Select(is64Bit);
        Assert.Equal(0x0004_0011UL, _domain.Call(XenVersion, 0));
    }

    [Theory]
    [InlineData(false, 0x0000_0000_FFFF_FFDAUL)]
    [InlineData(true, 0xFFFF_FFFF_FFFF_FFDAUL)]
    public void Unknown_hypercall_is_not_implemented_and_reported(bool is64Bit, ulong expected)
    {
        Select(is64Bit);
        Assert.Equal(expected, _domain.Call(99));
        Assert.Equal(["hypercall 99"], _domain.Host.Reported);
    }

    [Fact]
    public unsafe void User_mode_is_not_permitted_to_call()
    {
        _domain.Vcpu.State->Cpl = 3;
        Assert.Equal(0xFFFF_FFFFUL, _domain.Call(XenVersion, 0));
    }

    [Fact]
    public unsafe void Virtual_8086_mode_is_not_permitted_to_call()
    {
        _domain.Vcpu.State->SystemFlags |= Rflags.Virtual8086;
        _domain.Vcpu.StateChanged();
        Assert.Equal(0xFFFF_FFFFUL, _domain.Call(XenVersion, 0));
    }

    [Theory]
    [InlineData(HypercallInstruction.Vmcall, HypercallInstruction.Vmcall, false, true)]
    [InlineData(HypercallInstruction.Vmcall, HypercallInstruction.Vmmcall, false, false)]
    [InlineData(HypercallInstruction.Vmmcall, HypercallInstruction.Vmmcall, false, true)]
    [InlineData(HypercallInstruction.Vmmcall, HypercallInstruction.Vmcall, false, false)]
    [InlineData(HypercallInstruction.Vmmcall, HypercallInstruction.Vmcall, true, true)]
    public void Other_vendors_opcode_is_undefined_unless_allowed(
        HypercallInstruction own, HypercallInstruction used, bool acceptsBoth, bool expected)
    {
        using var domain = new TestDomain(own, acceptsBoth);
        Assert.Equal(expected, domain.Hypervisor.Hypercall(domain.Vcpu, used) != HypercallOutcome.Undefined);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Console_write_passes_text_through(bool is64Bit)
    {
        Select(is64Bit);
        var text = new string('x', 1000) + "\n";
        _domain.Write(Buffer, Encoding.ASCII.GetBytes(text));
        Assert.Equal(0UL, _domain.Call(ConsoleIo, 0, (ulong)text.Length, Buffer));
        Assert.Equal(text, Encoding.ASCII.GetString([.. _domain.Host.Log]));
    }

    [Fact]
    public void Console_input_is_not_a_domains_to_read() => Assert.Equal(-1, _domain.Try(ConsoleIo, 1, 100, Buffer));

    [Fact]
    public void Buffer_outside_ram_is_a_bad_address() =>
        Assert.Equal(unchecked((uint)-14), _domain.Call(ConsoleIo, 0, 10, 0xF000_0000));

    [Fact]
    public void Negative_count_is_invalid() =>
        Assert.Equal(unchecked((uint)-22), _domain.Call(ConsoleIo, 0, 0x8000_0000, Buffer));

    [Theory]
    [InlineData(0U, ShutdownReason.PowerOff)]
    [InlineData(1U, ShutdownReason.Reboot)]
    [InlineData(3U, ShutdownReason.Crash)]
    public void Shutdown_passes_its_reason_on(uint reason, ShutdownReason expected)
    {
        _domain.Write(Buffer, BitConverter.GetBytes(reason));
        Assert.Equal(0UL, _domain.Call(SchedOp, 2, Buffer));
        Assert.Equal([expected], _domain.Host.Shutdowns);
    }

    [Fact]
    public void Yield_goes_on_and_block_halts()
    {
        Assert.Equal(0UL, _domain.Call(SchedOp, 0));
        Assert.Equal(1, _domain.Processors[0].Yields);
        Assert.False(_domain.Processors[0].IsBlocked);
        Assert.Equal(0UL, _domain.Call(SchedOp, 1));
        Assert.True(_domain.Processors[0].IsBlocked);
    }

    [Theory]
    [InlineData(false, 4)]
    [InlineData(true, 8)]
    public void Memory_map_has_20_byte_entries(bool is64Bit, int pointerOffset)
    {
        Select(is64Bit);
        var argument = new byte[16];
        argument[0] = 8;
        BitConverter.TryWriteBytes(argument.AsSpan(pointerOffset), 0x9000U);
        _domain.Write(Buffer, argument);
        Assert.Equal(0UL, _domain.Call(MemoryOp, 9, Buffer));
        Assert.Equal(2, _domain.Read(Buffer, 1)[0]);
        var map = _domain.Read(0x9000, 40);
        Assert.Equal(1UL << 20, BitConverter.ToUInt64(map, 8));
        Assert.Equal(1U, BitConverter.ToUInt32(map, 16));
        Assert.Equal(0xFEFF_8000UL, BitConverter.ToUInt64(map, 20));
        Assert.Equal(2U, BitConverter.ToUInt32(map, 36));
    }

    [Fact]
    public void Memory_map_is_cut_to_the_callers_room()
    {
        _domain.Write(Buffer, 1, 0, 0, 0, 0, 0x90, 0, 0);
        Assert.Equal(0UL, _domain.Call(MemoryOp, 9, Buffer));
        Assert.Equal(1, _domain.Read(Buffer, 1)[0]);
        Assert.Equal(new byte[20], _domain.Read(0x9000 + 20, 20));
    }

    private void Select(bool is64Bit)
    {
        if (is64Bit)
            _domain.Use64BitCode();
    }
}
