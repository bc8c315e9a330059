using System.Text;
using Emu.Xen.Store;
using Emu.Xen.Tests.Support;
using Emu.Xen.Tracing;
using Xunit;

namespace Emu.Xen.Tests.Tracing;

public sealed class XenTraceTests : IDisposable
{
    private const uint MemoryOp = 12, Multicall = 13, SetTimer = 15, XenVersion = 17, ConsoleIo = 18, GrantTableOp = 20, VmAssist = 21, VcpuOp = 24, SchedOp = 29,
        EventChannelOp = 32, HvmOp = 34;

    private const ulong Buffer = 0x8000, List = 0x9000, Nowhere = 0x7FFF_F000;

    private readonly TestDomain _domain = new(vcpus: 2);
    private readonly StringWriter _trace = new();

    public XenTraceTests()
    {
        _domain.Domain.Observer = new XenTrace(
            _domain.Domain, _trace, static () => 100, static (vcpu, linear, destination) => vcpu.TryReadVirtual(linear, destination),
            static address => address == 0 ? "entry" : null);
        SetPlace(rip: 0, stack: 0x6000);
    }

    public void Dispose() => _domain.Dispose();

    [Fact]
    public void A_line_has_count_vcpu_rip_kind_text_and_place()
    {
        _domain.Call(XenVersion, 0);
        Assert.Equal(["100 v0 0000000000000000 call xen_version.version() = 262161 @ entry"], Lines());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Structures_are_the_callers_width(bool is64Bit)
    {
        Select(is64Bit);
        _domain.Write(Buffer, is64Bit
            ? Bytes(Half(0x7FF0), Half(0), Word(0), Long(0), Long(0x10))
            : Bytes(Half(0x7FF0), Half(0), Word(0), Word(0), Word(0x10)));
        _domain.Call(MemoryOp, 7, Buffer);

        Assert.Equal(["memory_op.add_to_physmap(domid=SELF, size=0, space=shared_info, idx=0x0, gpfn=0x10) = 0"], Texts());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_list_behind_a_pointer_is_shown(bool is64Bit)
    {
        Select(is64Bit);
        _domain.Write(Buffer, is64Bit ? Bytes(Long(List), Long(2), Long(5000)) : Bytes(Word((uint)List), Word(2), Long(5000)));
        _domain.Write(List, Bytes(Word(1), Word(2)));
        _domain.Call(SchedOp, 3, Buffer);

        Assert.StartsWith("sched_op.poll(ports=[1 2], nr_ports=2, timeout=5000ns) = ", Texts()[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Elements_of_an_array_have_a_status_each(bool is64Bit)
    {
        Select(is64Bit);
        byte[] end = is64Bit ? Bytes(Long(9), Half(0x7FF0), Half(8), Word(0)) : Bytes(Word(9), Half(0x7FF0), Half(8));
        byte[] tail = is64Bit ? Bytes(Half(64), Half(3), Word(0)) : Bytes(Half(64), Half(3), Word(0));
        byte[] element = Bytes(end, end, tail);
        _domain.Write(Buffer, Bytes(element, element));
        _domain.Call(GrantTableOp, 5, Buffer, 2);

        const string source = "[source=0x9 source_dom=SELF source_offset=8 dest=0x9 dest_dom=SELF dest_offset=8 len=64 flags=0x3]";
        Assert.StartsWith($"grant_table_op.copy(count=2, {source}, {source}) = 0 [status=", Texts()[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Values_that_the_guest_gets_follow_the_result()
    {
        _domain.Write(Buffer, Bytes(Word(0), Word(0), Word(0)));
        _domain.Call(EventChannelOp, 1, Buffer);
        Assert.Equal(["event_channel_op.bind_virq(virq=TIMER, vcpu=0) = 0 port=3"], Texts());
    }

    [Fact]
    public void An_error_has_its_name_and_no_further_values()
    {
        _domain.Write(Buffer, Bytes(Word(0), Word(99), Word(0)));
        _domain.Call(EventChannelOp, 1, Buffer);
        Assert.Equal(["event_channel_op.bind_virq(virq=TIMER, vcpu=99) = -2 ENOENT"], Texts());
    }

    [Fact]
    public void A_structure_that_cannot_be_read_is_called_so()
    {
        _domain.Call(EventChannelOp, 4, Nowhere);
        Assert.Equal(["event_channel_op.send(arg=&7ffff000 unreadable) = -14 EFAULT"], Texts());
    }

    [Fact]
    public void Unknown_calls_and_operations_have_numbers()
    {
        _domain.Call(99, 1, 2, 3);
        _domain.Call(VcpuOp, 77, 1, 2, 3);
        Assert.Equal("hypercall_99(0x1, 0x2, 0x3) = -38 ENOSYS", Texts()[0]);
        Assert.StartsWith("vcpu_op.77(0x1, 0x2, 0x3) = -", Texts()[1], StringComparison.Ordinal);
    }

    [Fact]
    public unsafe void A_refused_call_of_user_mode_is_traced()
    {
        _domain.Vcpu.State->Cpl = 3;
        _domain.Call(XenVersion, 0);
        Assert.Equal(["xen_version.version() = -1 EPERM"], Texts());
    }

    [Fact]
    public void Console_text_is_quoted_and_cut()
    {
        _domain.Write(Buffer, Encoding.ASCII.GetBytes("a\"b\\\n\u0001" + new string('x', 300)));
        _domain.Call(ConsoleIo, 0, 6, Buffer);
        _domain.Call(ConsoleIo, 0, 306, Buffer);
        Assert.Equal("console_io.write(count=6, buffer=\"a\\\"b\\\\\\n\\x01\") = 0", Texts()[0]);
        Assert.Equal($"console_io.write(count=306, buffer=\"a\\\"b\\\\\\n\\x01{new string('x', 114)}\"…) = 0", Texts()[1]);
    }

    [Fact]
    public void Effects_follow_their_call()
    {
        _domain.Write(Buffer, Bytes(Word(0), Word(0)));
        _domain.Call(EventChannelOp, 7, Buffer);
        _domain.Write(Buffer, Bytes(Word(3)));
        _domain.Call(EventChannelOp, 4, Buffer);

        string[] lines = Lines();
        Assert.Equal("100 v0 0000000000000000 call event_channel_op.send(port=3) = 0 @ entry", lines[1]);
        Assert.Equal("100 - - event port=3 ipi vcpu=0 pending", lines[2]);
        Assert.Equal("100 v0 0000000000000000 upcall vcpu=0 without vector", lines[3]);
    }

    [Fact]
    public void Entries_of_a_multicall_stand_before_it()
    {
        _domain.Write(Buffer, Bytes(Word(XenVersion), new byte[28], Word(VmAssist), Word(0), Word(0), Word(5), new byte[16]));
        _domain.Call(Multicall, Buffer, 2);

        Assert.Equal(
            ["entry xen_version.version() = 262161", "entry vm_assist.enable(type=runstate_update_flag) = 0", "call multicall(nr_calls=2) = 0"],
            Lines().Select(static line => string.Join(' ', line.Split(' ')[3..]).Replace(" @ entry", "", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_timer_says_whose_it_is_and_what_time_it_is()
    {
        _domain.Call(SetTimer, 5000, 0);
        _domain.Host.Advance(5000);
        Assert.Equal("set_timer_op(timeout=5000ns) = 0", Texts()[0]);
        Assert.Equal("100 v0 0000000000000000 timer vcpu=0 singleshot now=5000ns", Lines()[1]);
    }

    [Fact]
    public void Vcpus_and_the_domains_end_have_lines()
    {
        _domain.Domain.Vcpus[1].Runstate.Change(Xen.Domains.Runstate.Running);
        _domain.Domain.Vcpus[1].Runstate.Change(Xen.Domains.Runstate.Blocked);
        _domain.Domain.Vcpus[1].Runstate.Change(Xen.Domains.Runstate.Offline);
        _domain.Write(Buffer, Bytes(Word(3)));
        _domain.Call(SchedOp, 2, Buffer);

        Assert.Equal(["vcpu=1 up", "vcpu=1 down", "sched_op.shutdown(reason=crash) = 0", "shutdown reason=crash"], Texts());
    }

    [Fact]
    public void A_store_message_has_its_type_and_its_texts()
    {
        IXenObserver trace = _domain.Domain.Observer!;
        trace.StoreMessage(new StoreMessageHeader(StoreMessageType.Write, 3, 1, 9), "a/b\0value"u8, isToDomain: false);
        trace.StoreMessage(new StoreMessageHeader(StoreMessageType.Error, 3, 1, 7), "EACCES\0"u8, isToDomain: true);
        trace.StoreMessage(new StoreMessageHeader(StoreMessageType.WatchEvent, 0, 0, 4), "p\0t\0"u8, isToDomain: true);
        trace.StoreMessage(new StoreMessageHeader((StoreMessageType)99, 0, 0, 0), [], isToDomain: false);

        Assert.Equal(
            ["ask WRITE req=3 tx=1 \"a/b\" \"value\"", "answer ERROR req=3 tx=1 \"EACCES\"", "tell WATCH_EVENT req=0 tx=0 \"p\" \"t\"", "ask 99 req=0 tx=0"],
            Texts());
    }

    [Fact]
    public void What_a_back_end_does_with_a_grant_has_a_line()
    {
        Assert.False(_domain.Domain.Grants.TryMap(99, isWrite: true, out _));
        _domain.Domain.Grants.CopyFrom(9, 16, new byte[8]);
        Assert.Equal("100 - - grant ref=99 map by=0 status=general_error", Lines()[0]);
        Assert.StartsWith("100 - - grant ref=9 copy-from offset=16 len=8 by=0 status=", Lines()[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_hostile_count_makes_no_long_line()
    {
        _domain.Call(ConsoleIo, 0, 0x7FFF_FFFF, Buffer);
        _domain.Call(GrantTableOp, 5, Buffer, 0xFFFF_FFFF);
        _domain.Write(Buffer, Bytes(Word((uint)List), Word(uint.MaxValue), Long(0)));
        _domain.Call(SchedOp, 3, Buffer);
        Assert.All(Lines(), static line => Assert.True(line.Length < 2000, line));
    }

    [Fact]
    public void Without_an_observer_nothing_is_written()
    {
        _domain.Domain.Observer = null;
        _domain.Call(XenVersion, 0);
        Assert.Empty(Lines());
    }

    [Fact]
    public void The_place_of_a_stub_is_its_callers()
    {
        _domain.Domain.Observer = new XenTrace(
            _domain.Domain, _trace, static () => 100, static (vcpu, linear, destination) => vcpu.TryReadVirtual(linear, destination), static address => $"at {address:x}");
        SetPlace(rip: 0x4000, stack: 0x6000);
        _domain.Write(0x4000, 0x0F, 0x01, 0xC1, 0xC3);
        _domain.Write(0x6000, Bytes(Word(0x1234)));
        _domain.Call(XenVersion, 7);
        _domain.Write(0x4000, 0x0F, 0x01, 0xC1, 0x90);
        _domain.Call(XenVersion, 7);
        // A jump to the return, as Linux has it where returns are thunks.
        _domain.Write(0x4000, 0x0F, 0x01, 0xC1, 0xE9, 0x10, 0, 0, 0);
        _domain.Write(0x4018, 0xC3);
        _domain.Call(XenVersion, 7);

        Assert.Equal(["@ at 1234", "@ at 4000", "@ at 1234"], Lines().Select(static line => line[line.IndexOf('@', StringComparison.Ordinal)..]));
    }

    private unsafe void SetPlace(ulong rip, ulong stack)
    {
        _domain.Vcpu.State->Rip = rip;
        _domain.Vcpu.State->Registers[4] = stack;
    }

    private void Select(bool is64Bit)
    {
        if (is64Bit)
            _domain.Use64BitCode();
    }

    private string[] Lines() => _trace.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private string[] Texts() => [.. Lines().Select(static line => string.Join(' ', line.Split(' ')[4..]).Replace(" @ entry", "", StringComparison.Ordinal))];

    private static byte[] Half(ushort value) => BitConverter.GetBytes(value);

    private static byte[] Word(uint value) => BitConverter.GetBytes(value);

    private static byte[] Long(ulong value) => BitConverter.GetBytes(value);

    private static byte[] Bytes(params byte[][] parts) => [.. parts.SelectMany(static part => part)];
}
