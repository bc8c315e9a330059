using Emu.Host.Tracing.Comparison;

namespace Emu.Host.Tests.Tracing.Comparison;

public sealed class TraceComparisonTests
{
    private const string Own = """
        10 v0 ffffffff81000000 call xen_version.get_features(submap_idx=0) = 0 submap=0x12305 @ xen_setup_features+0x23
        20 v0 ffffffff81000000 call event_channel_op.bind_virq(virq=TIMER, vcpu=0) = 0 port=3 @ bind_virq_to_irq+0x148
        20 - - event port=3 virq=TIMER vcpu=0 pending
        30 v1 ffffffff81000000 call vcpu_op.set_singleshot(vcpu=1, timeout=100ns, flags=0x0) = 0
        40 v0 ffffffff81000000 call vcpu_op.register_runstate(vcpu=0, addr=&ffff88800f82f040) = 0 @ ffffffff81000100
        50 v0 ffffffff81000000 call hvm_op.pagetable_dying(domid=SELF, gpa=0x0) = -22 EINVAL

        """;

    [Fact]
    public void A_log_equals_itself()
    {
        Assert.Equal("Equal: the same calls, 5 and 5 of them.\n", Compare(Own, Own, out bool areEqual));
        Assert.True(areEqual);
    }

    [Theory]
    [InlineData("10 v0 ffffffff81000000", "11 v0 ffffffff82000000")]
    [InlineData(" @ xen_setup_features+0x23", "")]
    [InlineData("timeout=100ns", "timeout=200ns")]
    [InlineData("&ffff88800f82f040", "&ffff88800f92f040")]
    [InlineData("20 - - event port=3 virq=TIMER vcpu=0 pending\n", "")]
    [InlineData("\n", "\r\n")]
    public void What_is_not_of_substance_does_not_count(string text, string replacement)
    {
        string other = Own.ReplaceLineEndings("\n").Replace(text, replacement, StringComparison.Ordinal);
        Assert.NotEqual(Own, other);

        Compare(Own, other, out bool areEqual);
        Assert.True(areEqual);
    }

    [Theory]
    [InlineData("port=3 @", "port=4 @", "After 1 equal calls port is 3 and 4.")]
    [InlineData("virq=TIMER, vcpu=0)", "virq=DEBUG, vcpu=0)", "After 1 equal calls virq is TIMER and DEBUG.")]
    [InlineData("= -22 EINVAL", "= -38 ENOSYS", "After 4 equal calls the result is -22 and -38.")]
    [InlineData("xen_version.get_features", "xen_version.version", "After 0 equal calls the call is xen_version.get_features and xen_version.version.")]
    [InlineData("50 v0", "50 x0", "After 4 equal calls the second log ends there.")]
    [InlineData(" flags=0x0", " other=0x0", "After 2 equal calls the arguments are not the same ones.")]
    public void The_first_difference_of_substance_is_told(string text, string replacement, string expected)
    {
        string report = Compare(Own, Own.Replace(text, replacement, StringComparison.Ordinal), out bool areEqual);

        Assert.False(areEqual);
        Assert.StartsWith(expected + "\n", report, StringComparison.Ordinal);
    }

    [Fact]
    public void A_report_shows_both_lines_and_what_was_equal_before()
    {
        string report = Compare(Own, Own.Replace("port=3 @", "port=4 @", StringComparison.Ordinal), out _);

        Assert.Contains("\n       1  10 v0 ", report, StringComparison.Ordinal);
        Assert.Contains("\n<      2  20 v0 ", report, StringComparison.Ordinal);
        Assert.Contains("\n>      2  20 v0 ", report, StringComparison.Ordinal);
    }

    [Fact]
    public void The_order_of_turns_does_not_count_by_vcpu()
    {
        string[] lines = Own.ReplaceLineEndings("\n").Split('\n');
        (lines[3], lines[4]) = (lines[4], lines[3]);
        string other = string.Join('\n', lines);

        Compare(Own, other, out bool areEqual);
        Assert.False(areEqual);
        Compare(Own, other, out areEqual, options => options with { ByVcpu = true });
        Assert.True(areEqual);
        string report = Compare(Own, other.Replace("30 v1", "30 v0", StringComparison.Ordinal), out areEqual, options => options with { ByVcpu = true });
        Assert.False(areEqual);
        Assert.Contains("vCPU 1: After 0 equal calls the second log ends there.", report, StringComparison.Ordinal);
    }

    [Fact]
    public void Distinct_calls_are_compared_by_the_order_of_their_first_coming()
    {
        string more = Own + "60 v0 ffffffff81000000 call xen_version.get_features(submap_idx=1) = -22 EINVAL\n";
        Compare(Own, more, out bool areEqual, options => options with { DistinctOnly = true });
        Assert.True(areEqual);

        string report = Compare(Own, more + "70 v0 ffffffff81000000 call sched_op.yield() = 0\n", out areEqual, options => options with { DistinctOnly = true });
        Assert.False(areEqual);
        Assert.StartsWith("After 5 equal distinct calls the first log ends there.\n", report, StringComparison.Ordinal);
        Assert.EndsWith("only in the second: sched_op.yield\n", report, StringComparison.Ordinal);
    }

    [Fact]
    public void Calls_can_be_left_out_and_logs_cut()
    {
        string more = Own + "60 v0 ffffffff81000000 call sched_op.yield() = 0\n";
        Compare(Own, more, out bool areEqual, options => options with { Ignored = ["sched_op.yield"] });
        Assert.True(areEqual);
        Compare(Own, more.Replace("-22 EINVAL", "0", StringComparison.Ordinal), out areEqual, options => options with { Until = "hvm_op.pagetable_dying" });
        Assert.True(areEqual);
    }

    [Fact]
    public void A_log_of_real_Xen_is_decoded_from_its_words()
    {
        const string real = """
            # order of hypercalls
            0 v0 xen_version.get_features(0xffffffff82a03e78,0xffffffff82331e67,0x37312e34206e6f69) <xen_setup_features> = 0 | 0 ffffffff8308185a 40011 0 0 | 1230500000000 ffffffff8308185a 40011 0 0
            593 v0 event_channel_op.bind_virq(0xffffc9000001bd94,0x1,0x0) <bind_virq_to_irq> = 0 | 0 f81e10000000000 ffff8880 0 8bf3460000000000 | 0 f81e10000000003 ffff8880 0 8bf3460000000000
            845 v1 vcpu_op.set_singleshot(0x1,0xffffc900000a3e88,0x0) <xen_vcpuop_set_next_event> = 0 | 9fc6f457c 0 6715f432fd550800 3d0900 0 | 9fc6f457c 0 6715f432fd550800 3d0900 0
            846 v0 vcpu_op.register_runstate(0x0,0xffffc9000001be38,0x3) <xen_setup_runstate_info> = 0 | ffff88800f82f040 0 0 0 0 | ffff88800f82f040 0 0 0 0
            847 v0 hvm_op.pagetable_dying(0xffffffff82a03e68,0x0,0x40000000000) <xen_hvm_init_mmu_ops> = -22 | 7ff0 0 0 ffffffff83081944 5c | 7ff0 0 0 ffffffff83081944 5c
            9596 ('vcpu_op', 'set_singleshot')
            [    0.000000] Linux version 6.1.0

            """;
        string report = Compare(Own, real, out bool areEqual);
        Assert.True(areEqual, report);

        Assert.StartsWith(
            "After 1 equal calls port is 3 and 4.",
            Compare(Own, real.Replace("f81e10000000003", "f81e10000000004", StringComparison.Ordinal), out _),
            StringComparison.Ordinal);
        Assert.StartsWith(
            "After 1 equal calls virq is TIMER and DEBUG.",
            Compare(Own, real.Replace("| 0 f81e10000000000", "| 1 f81e10000000000", StringComparison.Ordinal), out _),
            StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_words_do_not_reach_is_not_compared()
    {
        const string own = "1 v0 ffffffff81000000 call sched_op.poll(ports=[6], nr_ports=1, timeout=0ns) = 0\n"
            + "2 v0 ffffffff81000000 call xen_version.capabilities() = 0 capabilities=\"xen-3.0 ) = 5 @ x\" @ capabilities_show+0x1\n";
        const string real = "947 v1 sched_op.poll(0xffffc900000dbe60,0xffff8880052d8828,0x0) <xen_poll_irq> = 0 | ffffc900000dbe5c 1 0 0 0 | ffffc900000dbe5c 1 0 0 0\n"
            + "6404 v0 xen_version.capabilities(0xffff888005a4ac00,0x0,0x0) <capabilities_show> = 0 | 0 0 0 0 0 | 2d302e332d6e6578 0 0 0 0\n";

        string report = Compare(own, real, out bool areEqual);
        Assert.True(areEqual, report);
    }

    private static string Compare(string first, string second, out bool areEqual, Func<TraceDiffOptions, TraceDiffOptions>? change = null)
    {
        TraceDiffOptions options = new("a", "b");
        areEqual = TraceComparison.AreEqual(XenLog.Read(first), XenLog.Read(second), change?.Invoke(options) ?? options, out string report);
        return report;
    }
}
