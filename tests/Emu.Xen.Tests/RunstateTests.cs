using Emu.Xen.Domains;
using Emu.Xen.Tests.Support;
using Xunit;

namespace Emu.Xen.Tests;

/// <summary>The areas that Xen keeps for a vCPU in its virtual memory: runstate and time.</summary>
public sealed class RunstateTests : IDisposable
{
    private const uint VcpuOp = 24;
    private const uint RegisterRunstate = 5, RegisterTime = 13;
    private const ulong Buffer = 0x8000, Area = 0x9000;

    private readonly TestDomain _domain = new(vcpus: 2);

    public void Dispose() => _domain.Dispose();

    [Theory]
    [InlineData(false, 4)]
    [InlineData(true, 8)]
    public void Area_is_written_at_once_and_at_each_change(bool is64Bit, int entered)
    {
        _domain.Select(is64Bit);
        _domain.Domain.SharedInfo.LatchWidth(is64Bit);
        _domain.Host.Advance(100);
        Register(RegisterRunstate, Area);
        // The times are those when the state was entered.
        Assert.Equal((0U, 0UL, 0UL), (_domain.Read32(Area), _domain.Read64(Area + (ulong)entered), Spent(entered, Runstate.Running)));
        _domain.Domain.Vcpus[0].Runstate.Change(Runstate.Blocked);
        Assert.Equal((2U, 100UL, 100UL), (_domain.Read32(Area), _domain.Read64(Area + (ulong)entered), Spent(entered, Runstate.Running)));
        _domain.Host.Advance(30);
        _domain.Domain.Vcpus[0].Runstate.Change(Runstate.Runnable);
        _domain.Host.Advance(7);
        _domain.Domain.Vcpus[0].Runstate.Change(Runstate.Running);
        Assert.Equal(
            (0U, 137UL, 100UL, 7UL, 30UL, 0UL),
            (_domain.Read32(Area), _domain.Read64(Area + (ulong)entered), Spent(entered, Runstate.Running), Spent(entered, Runstate.Runnable),
                Spent(entered, Runstate.Blocked), Spent(entered, Runstate.Offline)));
    }

    [Fact]
    public void Times_of_another_vcpu_are_those_of_now()
    {
        _domain.Use64BitCode();
        _domain.Host.Advance(100);
        _domain.PutWords(Buffer, Area);
        // The other has no paging: the address is a physical one.
        Assert.Equal(0, _domain.Try(VcpuOp, RegisterRunstate, 1, Buffer));
        Assert.Equal(3U, _domain.Read32(Area));
        Assert.Equal(100UL, Spent(8, Runstate.Offline));
    }

    [Fact]
    public void Later_changes_come_in_the_domains_layout()
    {
        Register(RegisterRunstate, Area);
        _domain.Host.Advance(9);
        _domain.Domain.Vcpus[0].Runstate.Change(Runstate.Blocked);
        Assert.Equal(9UL, _domain.Read64(Area + 8));
    }

    [Fact]
    public void Area_that_cannot_be_written_is_no_mistake() => Register(RegisterRunstate, 0xF000_0000);

    [Fact]
    public void Null_ends_the_reports()
    {
        Register(RegisterRunstate, Area);
        Register(RegisterRunstate, 0);
        _domain.Host.Advance(9);
        _domain.Domain.Vcpus[0].Runstate.Change(Runstate.Blocked);
        Assert.Equal(0U, _domain.Read32(Area));
    }

    [Fact]
    public void Only_the_word_of_a_32_bit_caller_counts()
    {
        _domain.Put(Buffer, (uint)Area, 0xFFFF_FFFF);
        _domain.Host.Advance(5);
        Assert.Equal(0, _domain.Try(VcpuOp, RegisterTime, 0, Buffer));
        Assert.Equal(2U, _domain.Read32(Area));
    }

    [Fact]
    public void Time_area_is_a_copy_of_the_clock()
    {
        _domain.Host.Advance(5);
        _domain.Processors[0].TimeStamp = 1234;
        Register(RegisterTime, Area);
        Assert.Equal((2U, 1234UL, 5UL), (_domain.Read32(Area), _domain.Read64(Area + 8), _domain.Read64(Area + 16)));
        Assert.Equal((0x8000_0000U, 0x0101U), (_domain.Read32(Area + 24), _domain.Read32(Area + 28)));
    }

    private ulong Spent(int entered, Runstate state) => _domain.Read64(Area + (ulong)(entered + 8 + (8 * (int)state)));

    private void Register(uint command, ulong address)
    {
        _domain.PutWords(Buffer, address);
        Assert.Equal(0, _domain.Try(VcpuOp, command, 0, Buffer));
    }
}
