using Emu.Xen.Tests.Support;
using Xunit;

namespace Emu.Xen.Tests;

/// <summary>Hypercalls that exist for HVM containers, but do nothing for one without privilege. The domain is number 7.</summary>
public sealed class PrivilegedOperationTests : IDisposable
{
    private const ulong Buffer = 0x8000, Nowhere = 0xF000_0000;

    private readonly TestDomain _domain = new();

    public void Dispose() => _domain.Dispose();

    [Theory]
    [InlineData(7U, 0x0300_0001U, -1)]
    [InlineData(7U, 0x0300_0002U, -13)]
    [InlineData(35U, 0x15U, -1)]
    [InlineData(35U, 0x14U, -13)]
    [InlineData(36U, 0x15U, -1)]
    [InlineData(36U, 0x16U, -13)]
    [InlineData(49U, 0x15U, -95)]
    public void Interface_version_is_looked_at_before_the_privilege(uint number, uint version, long expected)
    {
        _domain.Put(Buffer, 2, version, 0);
        Assert.Equal(expected, _domain.Try(number, Buffer));
        Assert.Equal(-14, _domain.Try(number, Nowhere));
    }

    [Theory]
    [InlineData(2U, 0U, -1)]
    [InlineData(2U, 7U, -1)]
    [InlineData(2U, 9U, -3)]
    [InlineData(2U, 0x7FF0U, -3)]
    [InlineData(5U, 9U, -1)]
    [InlineData(1U, 9U, -1)]
    public void Domain_control_of_what_is_no_domain_finds_none(uint command, uint id, long expected)
    {
        _domain.Put(Buffer, command, 0x15, id);
        Assert.Equal(expected, _domain.Try(36, Buffer));
    }

    [Theory]
    [InlineData(0x7FF0UL, -22)]
    [InlineData(7UL, -3)]
    [InlineData(0UL, -1)]
    [InlineData(9UL, -3)]
    public void Page_tables_of_pv_guests_are_no_business_of_a_container(ulong id, long expected)
    {
        _domain.Use64BitCode();
        Assert.Equal(expected, _domain.Try(26, Buffer, 1, 0, id));
    }

    [Fact]
    public void Empty_list_of_page_table_operations_is_done_for_32_bit_callers_only()
    {
        Assert.Equal(0, _domain.Try(26, Buffer, 0, 0, 0x7FF0));
        _domain.Use64BitCode();
        Assert.Equal(-22, _domain.Try(26, Buffer, 0, 0, 0x7FF0));
    }

    [Theory]
    [InlineData(7UL, 0UL, Buffer, -61)]
    [InlineData(7UL, 3UL, Buffer, -7)]
    [InlineData(7UL, 1UL, Nowhere, -14)]
    [InlineData(7UL, 2UL, Buffer, -1)]
    [InlineData(0x7FF0UL, 1UL, Buffer, -3)]
    [InlineData(0UL, 1UL, Buffer, -22)]
    public void Device_model_operations_are_for_other_domains(ulong id, ulong count, ulong buffers, long expected) =>
        Assert.Equal(expected, _domain.Try(41, id, count, buffers));

    [Theory]
    [InlineData(40U, -95)]
    [InlineData(42U, -1)]
    [InlineData(27U, -38)]
    [InlineData(33U, -38)]
    [InlineData(39U, -38)]
    [InlineData(0U, -38)]
    [InlineData(14U, -38)]
    [InlineData(23U, -38)]
    [InlineData(25U, -38)]
    [InlineData(28U, -38)]
    [InlineData(30U, -38)]
    [InlineData(31U, -38)]
    [InlineData(37U, -38)]
    [InlineData(48U, -38)]
    public void Others_give_one_answer(uint number, long expected)
    {
        Assert.Equal(expected, _domain.Try(number, Buffer, 1, Buffer));
        _domain.Use64BitCode();
        Assert.Equal(expected, _domain.Try(number, Buffer, 1, Buffer));
    }
}
