using Xunit;

namespace Emu.Pvh.Tests.Registers;

public sealed class InitialCpuStateTests
{
    public static TheoryData<EntryProfile> Profiles => [.. Enum.GetValues<EntryProfile>()];

    [Theory]
    [MemberData(nameof(Profiles))]
    public void Every_profile_keeps_to_the_abi(EntryProfile profile)
    {
        InitialCpuState state = InitialCpuState.Create(profile, 0x1000850, 0x6000);

        Assert.Equal(0x1000850u, state.Eip);
        Assert.Equal(0x6000u, state.Ebx);
        Assert.Equal(1u, state.Cr0 & ~0x10u);
        Assert.Equal(0u, state.Cr4);
        Assert.Equal(0ul, state.Efer);
        // VM, IF and TF clear; the bit that is always 1 set; no bit that does not exist.
        Assert.Equal(0x2u, state.Eflags & 0xFFC2822A & ~(1u << 21));
        Assert.Equal(0u, state.Eflags & 0x00020300);
        Assert.Equal((0ul, 0xFFFFFFFFu), (state.Cs.Base, state.Cs.Limit));
        Assert.Equal(SegmentState.FlatCode, state.Cs.Attributes);
        Assert.All([state.Ds, state.Es, state.Ss], segment =>
        {
            Assert.Equal((0ul, 0xFFFFFFFFu), (segment.Base, segment.Limit));
            Assert.Equal(SegmentState.FlatData, segment.Attributes);
        });
        Assert.Equal(0ul, state.Tr.Base);
        Assert.True(state.Tr.Limit >= 0x67);
        Assert.Equal(SegmentState.BusyTss32, state.Tr.Attributes);
        // No breakpoint is live, and the selectors ask for ring 0.
        Assert.Equal(0x400u, state.Dr7);
        Assert.All([state.Cs, state.Ds, state.Es, state.Ss], segment => Assert.Equal(0, segment.Selector & 3));
    }

    [Fact]
    public void Xen_enters_with_null_selectors_and_zeros()
    {
        InitialCpuState state = InitialCpuState.Create(EntryProfile.Xen, 1, 2);
        Assert.Equal((0, 0, 0), (state.Cs.Selector, state.Ds.Selector, state.Ss.Selector));
        Assert.Equal(0u, state.Eax | state.Ecx | state.Edx | state.Esi | state.Edi | state.Ebp | state.Esp);
        Assert.True(state.Fs.IsUnusable && state.Gs.IsUnusable);
        Assert.Equal((0x2u, 0x11u, 0x806u), (state.Eflags, state.Cr0, state.MtrrDefaultType));
    }

    [Fact]
    public void Qemu_leaves_the_multiboot_magic_in_eax_and_the_entry_in_ecx()
    {
        InitialCpuState state = InitialCpuState.Create(EntryProfile.Qemu, 0x100000, 2);
        Assert.Equal((0x2BADB002u, 0x100000u, 0x7B60u, 0x6u), (state.Eax, state.Ecx, state.Esp, state.Eflags));
        Assert.Equal(0xFFFFu, state.Tr.Limit);
    }

    [Fact]
    public void Firecracker_and_cloud_hypervisor_differ_in_cr0_only()
    {
        InitialCpuState firecracker = InitialCpuState.Create(EntryProfile.Firecracker, 1, 2);
        InitialCpuState cloud = InitialCpuState.Create(EntryProfile.CloudHypervisor, 1, 2);
        Assert.Equal((0x11u, 0x1u), (firecracker.Cr0, cloud.Cr0));
        Assert.Equal(firecracker.Gdtr, cloud.Gdtr);
        Assert.Equal(new DescriptorTableState(0x520, 7), firecracker.Idtr);
    }

    [Fact]
    public void Poison_leaves_nothing_open_at_zero()
    {
        InitialCpuState state = InitialCpuState.Create(EntryProfile.Poison, 1, 2);
        Assert.All([state.Eax, state.Ecx, state.Edx, state.Esi, state.Edi, state.Ebp, state.Esp, state.Cr2, state.Cr3], value => Assert.NotEqual(0u, value));
        Assert.True(state.Fs.IsUnusable && state.Gs.IsUnusable && state.Ldtr.IsUnusable);
        Assert.Equal((0, 0), (state.Gdtr.Limit, state.Idtr.Limit));
        // Direction, nested task and unmasked floating point exceptions.
        Assert.NotEqual(0u, state.Eflags & 0x400);
        Assert.NotEqual(0u, state.Eflags & 0x4000);
        Assert.Equal(0, state.FpuControlWord & 0x3F);
        Assert.Equal(0u, state.Mxcsr);
    }

    [Fact]
    public void An_unknown_profile_is_a_programming_error() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => InitialCpuState.Create((EntryProfile)99, 1, 2));
}
