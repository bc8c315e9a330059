using Emu.Machine.Buses;
using Emu.Machine.Interrupts;
using Emu.Machine.Tests.Support;
using Emu.Machine.Time;
using Xunit;

namespace Emu.Machine.Tests.Buses;

public class MmioBusTests
{
    private const uint BaseMsr = 0x1B;
    private readonly RecordingLogger _log = new();
    private readonly LocalApic _apic = new(0, true, new VirtualClock(new ManualCounter()), new ApicBus(), new FakeVcpu(), null);
    private readonly MmioBus _bus;

    public MmioBusTests() => _bus = new MmioBus(_log, _apic);

    [Theory]
    [InlineData(1, 0xFFUL)]
    [InlineData(4, 0xFFFF_FFFFUL)]
    [InlineData(8, ulong.MaxValue)]
    public void Unclaimed_memory_reads_as_ones(int size, ulong expected) => Assert.Equal(expected, _bus.Read(0xFED0_0000, size));

    [Fact]
    public void Unclaimed_address_is_logged_once_and_the_list_is_bounded()
    {
        for (ulong i = 0; i < 10_000; i++)
            _bus.Write(0xD000_0000 + (i % 5000), 1, 0);
        Assert.InRange(_log.Lines.Count, 2, 1000);
        Assert.Equal(_log.Lines.Distinct().Count(), _log.Lines.Count);
    }

    [Fact]
    public void Local_apic_answers_at_its_page_until_x2apic_mode()
    {
        Assert.Equal(0x0005_0014UL, _bus.Read(0xFEE0_0030, 4));
        Assert.True(_apic.TryWriteMsr(BaseMsr, 0xFEE0_0D00));
        Assert.Equal(0xFFFF_FFFFUL, _bus.Read(0xFEE0_0030, 4));
    }

    [Fact]
    public void Local_apic_moves_with_its_base()
    {
        Assert.True(_apic.TryWriteMsr(BaseMsr, 0xFED0_0900));
        Assert.Equal(0x0005_0014UL, _bus.Read(0xFED0_0030, 4));
        Assert.Equal(0xFFFF_FFFFUL, _bus.Read(0xFEE0_0030, 4));
    }

    [Fact]
    public void Device_sees_offsets_from_its_start()
    {
        var device = new Echo();
        _bus.Claim(device, 0xFEA0_0200, 3);
        _bus.Write(0xFEA0_0202, 1, 0x42);
        Assert.Equal((2UL, 1, 0x42UL), device.Last);
        Assert.Equal(0xFFUL, _bus.Read(0xFEA0_0203, 1));
    }

    private sealed class Echo : IMmioDevice
    {
        public (ulong Offset, int Size, ulong Value) Last { get; private set; }

        public ulong Read(ulong offset, int size) => offset;

        public void Write(ulong offset, int size, ulong value) => Last = (offset, size, value);
    }
}
