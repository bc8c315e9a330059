using Emu.Cpu.Platform;
using Emu.Xen.Tests.Support;
using Xunit;

namespace Emu.Xen.Tests;

public sealed class MulticallTests : IDisposable
{
    private const uint Multicall = 13, XenVersion = 17, ConsoleIo = 18, SchedOp = 29;
    private const ulong List = 0x8000, Buffer = 0x9000, Nowhere = 0xF000_0000;

    private readonly TestDomain _domain = new();

    public void Dispose() => _domain.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Each_call_leaves_its_result_and_nothing_else(bool is64Bit)
    {
        _domain.Select(is64Bit);
        Entry(0, XenVersion, 0);
        Entry(1, 99, 1, 2, 3, 4, 5, 6);
        // One in another.
        Entry(2, Multicall, List, 1);
        Entry(3, XenVersion, 7, 0);
        Assert.Equal(0, _domain.Try(Multicall, List, 4));
        Assert.Equal([0x4_0011, -38, -22, 4096], Enumerable.Range(0, 4).Select(Result));
        Assert.Equal([99UL, 1UL, 2UL, 3UL, 4UL, 5UL, 6UL], new[] { 0, 2, 3, 4, 5, 6, 7 }.Select(word => Word(1, word)));
    }

    [Fact]
    public void Numbers_of_64_bits_count_whole()
    {
        _domain.Use64BitCode();
        Entry(0, (1UL << 32) | XenVersion, 0);
        Assert.Equal(0, _domain.Try(Multicall, List, 1));
        Assert.Equal(-38, Result(0));
    }

    [Fact]
    public void List_that_cannot_be_read_is_a_bad_address()
    {
        Assert.Equal(-14, _domain.Try(Multicall, Nowhere, 1));
        Assert.Equal(0, _domain.Try(Multicall, Nowhere, 0));
        // What is before the end is done.
        const ulong last = TestDomain.MemorySize - 32;
        _domain.PutWords(last, XenVersion, 0xCC);
        Assert.Equal(-14, _domain.Try(Multicall, last, 2));
        Assert.Equal(0x4_0011U, _domain.Read32(last + 4));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Long_list_is_interrupted_and_gone_on_with(bool is64Bit)
    {
        const int calls = 10_000;
        _domain.Select(is64Bit);
        for (var i = 0; i < calls; i++)
            Entry(i, XenVersion, 0);
        Assert.Equal(0, _domain.Try(Multicall, List, calls));
        Assert.All(Enumerable.Range(0, calls), i => Assert.Equal(0x4_0011, Result(i)));
        Assert.Equal(calls / HypercallWork.Most, _domain.Interruptions);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Call_in_a_list_is_interrupted_and_gone_on_with(bool is64Bit)
    {
        const int length = 700_000;
        _domain.Select(is64Bit);
        _domain.Write(Buffer, [.. Enumerable.Range(0, length).Select(static i => (byte)('a' + (i % 26)))]);
        Entry(0, ConsoleIo, 0, length, Buffer);
        Entry(1, XenVersion, 0);
        Assert.Equal(0, _domain.Try(Multicall, List, 2));
        Assert.Equal([0, 0x4_0011], new[] { Result(0), Result(1) });
        Assert.Equal(_domain.Read(Buffer, length), _domain.Host.Log);
        Assert.True(_domain.Interruptions > 1);
    }

    /// <summary>However much a guest asks for, the vCPU comes back to where limits are looked at.</summary>
    [Fact]
    public void Endless_list_does_not_hold_the_host()
    {
        _domain.Use64BitCode();
        for (var i = 0; i < HypercallWork.Most + 1; i++)
            Entry(i, XenVersion, 0);
        _domain.SetCall(Multicall, List, uint.MaxValue);
        Assert.Equal(HypercallOutcome.Again, _domain.Hypervisor.Hypercall(_domain.Vcpu, HypercallInstruction.Vmcall));
    }

    [Fact]
    public void Shutdown_ends_the_list()
    {
        _domain.Put(Buffer, 3);
        Entry(0, SchedOp, 2, Buffer);
        Entry(1, XenVersion, 0);
        Assert.Equal(0, _domain.Try(Multicall, List, 2));
        Assert.Equal([ShutdownReason.Crash], _domain.Host.Shutdowns);
        Assert.Equal(0xCC, Result(1));
    }

    private ulong Place(int entry, int word) => List + (ulong)(((entry * 8) + word) * (_domain.Vcpu.Is64BitCode ? 8 : 4));

    private void Entry(int index, ulong number, params ulong[] arguments) => _domain.PutWords(Place(index, 0), [number, 0xCC, .. arguments]);

    private ulong Word(int entry, int word) =>
        _domain.Vcpu.Is64BitCode ? _domain.Read64(Place(entry, word)) : _domain.Read32(Place(entry, word));

    private long Result(int entry) => _domain.Vcpu.Is64BitCode ? (long)Word(entry, 1) : (int)Word(entry, 1);
}
