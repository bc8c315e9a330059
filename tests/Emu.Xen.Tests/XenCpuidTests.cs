using System.Text;
using Xunit;

namespace Emu.Xen.Tests;

public class XenCpuidTests
{
    [Fact]
    public void Base_leaf_carries_the_signature_and_the_highest_leaf()
    {
        var result = XenCpuid.Query(0x4000_0000, 0, 0, 1);
        var text = Encoding.ASCII.GetString([.. BitConverter.GetBytes(result.Ebx), .. BitConverter.GetBytes(result.Ecx), .. BitConverter.GetBytes(result.Edx)]);
        Assert.Equal("XenVMMXenVMM", text);
        Assert.Equal(0x4000_0005U, result.Eax);
    }

    [Fact]
    public void Version_is_4_17() => Assert.Equal(0x0004_0011U, XenCpuid.Query(0x4000_0001, 0, 0, 1).Eax);

    [Fact]
    public void Hypercall_page_msr_is_the_base_itself() => Assert.Equal(0x4000_0000U, XenCpuid.Query(0x4000_0002, 0, 0, 1).Ebx);

    [Fact]
    public void Time_stamp_converts_to_nanoseconds_one_to_one()
    {
        var leaf = XenCpuid.Query(0x4000_0003, 1, 0, 1);
        Assert.Equal(12_345UL, ((12_345UL << (int)leaf.Edx) * leaf.Ecx) >> 32);
        Assert.Equal(1_000_000U, XenCpuid.Query(0x4000_0003, 0, 0, 1).Ecx);
    }

    [Fact]
    public void Hvm_leaf_names_vcpu_and_domain()
    {
        var leaf = XenCpuid.Query(0x4000_0004, 0, 3, 9);
        Assert.Equal(0x5CU, leaf.Eax);
        Assert.Equal(3U, leaf.Ebx);
        Assert.Equal(9U, leaf.Ecx);
    }

    [Theory]
    [InlineData(0x4000_0005U)]
    [InlineData(0x4000_0006U)]
    [InlineData(0x4000_0100U)]
    [InlineData(0x4000_FF00U)]
    public void Other_leaves_are_zero(uint leaf) => Assert.Equal(default, XenCpuid.Query(leaf, 0, 0, 1));
}
