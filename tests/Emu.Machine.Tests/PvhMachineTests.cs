using System.Text;
using Emu.Cpu.State;
using Emu.Machine.Acpi;
using Emu.Machine.Tests.Support;
using Emu.Pvh;
using Xunit;

namespace Emu.Machine.Tests;

public unsafe class PvhMachineTests
{
    private static readonly MachineOptions Small = new() { MemorySize = 16UL << 20 };

    [Fact]
    public void Loading_puts_the_vcpu_at_the_entry_with_start_info()
    {
        using var machine = new PvhMachine(Small);
        var boot = machine.Load(TestKernels.Open("tour"), [], "hello"u8.ToArray());
        var state = machine.Vcpu.State;
        Assert.Equal(boot.Kernel.Entry, state->Rip);
        Assert.Equal(boot.BootData.Start, state->Registers[3]);
        Assert.Equal(0x11UL, state->Cr0);
        Assert.Equal(uint.MaxValue, state->Segments[(int)SegmentName.Cs].Limit);
        Assert.NotEqual(SegmentAttributes.None, state->Segments[(int)SegmentName.Cs].Attributes & SegmentAttributes.Default32);
        Span<byte> magic = stackalloc byte[4];
        machine.Ram.Read(boot.BootData.Start, magic);
        Assert.Equal([0x78, 0xC5, 0x6E, 0x33], magic.ToArray());
    }

    [Fact]
    public void Pc_has_acpi_tables_in_reserved_memory()
    {
        using var machine = new PvhMachine(Small);
        var boot = Assert.IsType<PvhBootResult>(machine.Load(TestKernels.Open("tour"), [], null));
        Assert.Equal(AddressMap.AcpiTables, boot.StartInfo.RsdpAddress);
        Span<byte> signature = stackalloc byte[8];
        machine.Ram.Read(boot.StartInfo.RsdpAddress, signature);
        Assert.Equal("RSD PTR ", Encoding.ASCII.GetString(signature));
        Assert.Contains(boot.StartInfo.MemoryMap, entry =>
            entry.Type == MemoryMapType.Reserved && entry.Address <= AddressMap.AcpiTables && entry.Address + entry.Size > AddressMap.AcpiTables);
    }

    [Fact]
    public void Xen_has_a_hypervisor_and_tables_of_its_own()
    {
        using var machine = new PvhMachine(Small with { Profile = MachineProfile.Xen });
        var boot = Assert.IsType<PvhBootResult>(machine.Load(TestKernels.Open("tour"), [], null));
        Assert.Equal(XenAcpiTables.Rsdp, boot.StartInfo.RsdpAddress);
        Assert.NotNull(machine.Vcpu.Hypervisor);
        Assert.Equal(EntryProfile.Xen, boot.Cpu.Profile);
    }

    [Fact]
    public void Poison_profile_reaches_the_registers()
    {
        using var machine = new PvhMachine(Small with { EntryProfile = EntryProfile.Poison });
        var boot = machine.Load(TestKernels.Open("tour"), [], null);
        var state = machine.Vcpu.State;
        Assert.Equal(boot.Cpu.Ecx, state->Registers[1]);
        Assert.Equal(boot.Cpu.Eflags, state->SystemFlags | state->Flags.ToRflags());
        Assert.Equal(boot.Cpu.RegisterFill, state->Vectors[17]);
    }

    [Theory]
    [InlineData(1UL << 20)]
    [InlineData((16UL << 20) + 1)]
    [InlineData(128UL << 30)]
    public void Unusable_memory_sizes_are_refused(ulong size) =>
        Assert.Throws<MachineConfigurationException>(() => new PvhMachine(Small with { MemorySize = size }));

    [Theory]
    [InlineData(MachineProfile.Pc, 0)]
    [InlineData(MachineProfile.Pc, 33)]
    [InlineData(MachineProfile.Xen, 33)]
    public void Impossible_numbers_of_vcpus_are_refused(MachineProfile profile, int vcpus) =>
        Assert.Throws<MachineConfigurationException>(() => new PvhMachine(Small with { Profile = profile, Vcpus = vcpus }));

    [Fact]
    public void Kernel_that_does_not_fit_is_a_boot_error_and_leaves_no_state()
    {
        using var machine = new PvhMachine(Small with { MemorySize = 2UL << 20 });
        var modules = new[] { new BootModule(new byte[4 << 20]) };
        Assert.Throws<BootLayoutException>(() => machine.Load(TestKernels.Open("tour"), modules, null));
    }

    [Fact]
    public void State_hash_depends_on_registers_and_on_ram_and_not_on_the_form_of_flags()
    {
        using var machine = new PvhMachine(Small);
        var boot = machine.Load(TestKernels.Open("tour"), [], null);
        var hash = machine.StateHash();
        Assert.Equal(hash, machine.StateHash());

        // Zero and even parity again, as a subtraction leaves them.
        machine.Vcpu.State->Flags.SetFrom(Rflags.Zero | Rflags.Parity);
        var before = machine.StateHash();
        machine.Vcpu.State->Flags.SetSubtract(5u, 5u, 0u);
        Assert.Equal(before, machine.StateHash());
        machine.Vcpu.State->Flags.SetFrom(boot.Cpu.Eflags);
        Assert.Equal(hash, machine.StateHash());

        machine.Vcpu.State->Registers[7] ^= 1;
        Assert.NotEqual(hash, machine.StateHash());
        machine.Vcpu.State->Registers[7] ^= 1;
        machine.Ram.Write(0xF0_0000, [1]);
        Assert.NotEqual(hash, machine.StateHash());
    }
}
