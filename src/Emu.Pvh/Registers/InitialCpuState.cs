namespace Emu.Pvh;

/// <summary>Bytes that a profile wants in guest memory, for instance a GDT.</summary>
/// <param name="Address">A guest-physical address.</param>
/// <param name="Data">The bytes.</param>
public sealed record GuestBytes(uint Address, ReadOnlyMemory<byte> Data)
{
    /// <summary>Where the bytes lie.</summary>
    public GuestRange Range => new(Address, (ulong)Data.Length);
}

/// <summary>
/// The boot processor's state at the entry point as data (docs/misc/pvh.pandoc in Xen's tree): 32-bit protected mode, paging off,
/// EBX = start_info, or Multiboot's boot information. It says nothing about the other processors, which wait for INIT and SIPI.
/// </summary>
public sealed record InitialCpuState
{
    /// <summary>CR0.PE and the hard-wired ET: the only bits that may be set.</summary>
    public const uint ProtectedModeCr0 = 0x11;

    /// <summary>The profile that this state follows.</summary>
    public required EntryProfile Profile { get; init; }

    /// <summary>The entry point, physical and linear.</summary>
    public required uint Eip { get; init; }

    /// <summary>The physical address of start_info, or of Multiboot's boot information.</summary>
    public required uint Ebx { get; init; }

    /// <summary>EAX; unspecified by the ABI.</summary>
    public uint Eax { get; init; }

    /// <summary>ECX; unspecified by the ABI.</summary>
    public uint Ecx { get; init; }

    /// <summary>EDX; unspecified by the ABI.</summary>
    public uint Edx { get; init; }

    /// <summary>ESI; unspecified by the ABI.</summary>
    public uint Esi { get; init; }

    /// <summary>EDI; unspecified by the ABI.</summary>
    public uint Edi { get; init; }

    /// <summary>EBP; unspecified by the ABI.</summary>
    public uint Ebp { get; init; }

    /// <summary>ESP; unspecified by the ABI: a kernel brings its own stack.</summary>
    public uint Esp { get; init; }

    /// <summary>EFLAGS; VM, IF and TF are clear, the rest is unspecified.</summary>
    public uint Eflags { get; init; } = 0x2;

    /// <summary>CR0; PE set, all other writable bits clear.</summary>
    public uint Cr0 { get; init; } = ProtectedModeCr0;

    /// <summary>CR2; unspecified by the ABI.</summary>
    public uint Cr2 { get; init; }

    /// <summary>CR3; unspecified by the ABI, unused while paging is off.</summary>
    public uint Cr3 { get; init; }

    /// <summary>CR4; all bits clear.</summary>
    public uint Cr4 { get; init; }

    /// <summary>The EFER MSR.</summary>
    public ulong Efer { get; init; }

    /// <summary>CS: base 0, limit 4 GiB, 32-bit, execute and read; the selector is unspecified.</summary>
    public SegmentState Cs { get; init; }

    /// <summary>DS: base 0, limit 4 GiB, read and write; the selector is unspecified.</summary>
    public SegmentState Ds { get; init; }

    /// <summary>ES, as DS.</summary>
    public SegmentState Es { get; init; }

    /// <summary>SS, as DS.</summary>
    public SegmentState Ss { get; init; }

    /// <summary>FS; unspecified by the ABI.</summary>
    public SegmentState Fs { get; init; }

    /// <summary>GS; unspecified by the ABI.</summary>
    public SegmentState Gs { get; init; }

    /// <summary>LDTR; unspecified by the ABI.</summary>
    public SegmentState Ldtr { get; init; }

    /// <summary>TR: a busy 32-bit TSS with base 0 and limit 0x67.</summary>
    public SegmentState Tr { get; init; } = new(0, 0, 0x67, SegmentState.BusyTss32);

    /// <summary>GDTR; unspecified by the ABI.</summary>
    public DescriptorTableState Gdtr { get; init; }

    /// <summary>IDTR; unspecified by the ABI.</summary>
    public DescriptorTableState Idtr { get; init; }

    /// <summary>DR0 to DR3; unspecified by the ABI and disabled by <see cref="Dr7"/>.</summary>
    public uint BreakpointAddresses { get; init; }

    /// <summary>DR6.</summary>
    public uint Dr6 { get; init; } = 0xFFFF0FF0;

    /// <summary>DR7; no breakpoint is enabled.</summary>
    public uint Dr7 { get; init; } = 0x400;

    /// <summary>The x87 control word.</summary>
    public ushort FpuControlWord { get; init; } = 0x37F;

    /// <summary>MXCSR.</summary>
    public uint Mxcsr { get; init; } = 0x1F80;

    /// <summary>What fills every 64-bit lane of the x87 and vector registers.</summary>
    public ulong RegisterFill { get; init; }

    /// <summary>IA32_MTRR_DEF_TYPE: MTRRs enabled, default type write-back.</summary>
    public uint MtrrDefaultType { get; init; } = 0x806;

    /// <summary>What the profile wants in guest memory; the loader writes it where it disturbs nothing.</summary>
    public IReadOnlyList<GuestBytes> Tables { get; init; } = [];

    /// <summary>The state at entry.</summary>
    /// <param name="profile">Whose choice to follow where the ABI leaves one.</param>
    /// <param name="entry">The entry point, from the PHYS32_ENTRY note.</param>
    /// <param name="startInfo">The physical address of start_info.</param>
    /// <returns>The state.</returns>
    public static InitialCpuState Create(EntryProfile profile, uint entry, uint startInfo) => profile switch
    {
        EntryProfile.Xen => Flat(profile, entry, startInfo, code: 0, data: 0),
        EntryProfile.Qemu => Qemu(entry, startInfo),
        EntryProfile.Firecracker => WithTables(profile, entry, startInfo),
        EntryProfile.CloudHypervisor => WithTables(profile, entry, startInfo) with { Cr0 = 0x1 },
        EntryProfile.Poison => Poison(entry, startInfo),
        _ => throw new ArgumentOutOfRangeException(nameof(profile), profile, "This is not an entry profile."),
    };

    /// <summary>
    /// The state at a Multiboot entry point (specification 0.6.96, §3.2): as for PVH, but with the loader's magic in EAX, and with all five data
    /// segments flat, where PVH says nothing about FS and GS.
    /// </summary>
    /// <param name="profile">Whose choice to follow where the specification leaves one.</param>
    /// <param name="entry">The entry point.</param>
    /// <param name="information">The physical address of the boot information.</param>
    /// <returns>The state.</returns>
    public static InitialCpuState CreateMultiboot(EntryProfile profile, uint entry, uint information)
    {
        InitialCpuState state = Create(profile, entry, information);
        return state with { Eax = Multiboot1Header.LoaderMagic, Fs = state.Ds, Gs = state.Ds };
    }

    /// <summary>The state at a Multiboot 2 entry point (specification 2.0, §3.3): that of Multiboot 1, with another magic in EAX.</summary>
    /// <param name="profile">Whose choice to follow where the specification leaves one.</param>
    /// <param name="entry">The entry point.</param>
    /// <param name="information">The physical address of the boot information.</param>
    /// <returns>The state.</returns>
    public static InitialCpuState CreateMultiboot2(EntryProfile profile, uint entry, uint information) =>
        CreateMultiboot(profile, entry, information) with { Eax = Multiboot2Header.LoaderMagic };

    private static InitialCpuState Flat(EntryProfile profile, uint entry, uint startInfo, ushort code, ushort data)
    {
        SegmentState flat = new(data, 0, uint.MaxValue, SegmentState.FlatData);
        return new InitialCpuState
        {
            Profile = profile,
            Eip = entry,
            Ebx = startInfo,
            Cs = new SegmentState(code, 0, uint.MaxValue, SegmentState.FlatCode),
            Ds = flat,
            Es = flat,
            Ss = flat,
        };
    }

    /// <summary>Measured on QEMU 7.2.22's microvm: qboot jumps with Multiboot's EAX, the entry in ECX, its own stack and leftovers.</summary>
    private static InitialCpuState Qemu(uint entry, uint startInfo)
    {
        InitialCpuState flat = Flat(EntryProfile.Qemu, entry, startInfo, code: 0x08, data: 0x10);
        return flat with
        {
            Eax = Multiboot1Header.LoaderMagic,
            Ecx = entry,
            Edx = 0x511,
            Esi = 0xEFC20,
            Edi = 0xEFCB0,
            Ebp = 0x6,
            Esp = 0x7B60,
            Eflags = 0x6,
            Fs = flat.Ds,
            Gs = flat.Ds,
            Ldtr = new SegmentState(0, 0, 0xFFFF, SegmentState.Ldt),
            Tr = new SegmentState(0, 0, 0xFFFF, SegmentState.BusyTss32),
            Gdtr = new DescriptorTableState(0xFFFFFFC1, 0x27),
            Idtr = new DescriptorTableState(0, 0xFFFF),
        };
    }

    /// <summary>Firecracker and Cloud Hypervisor: GDT {null, code, data, TSS} at 0x500, an eight-byte IDT at 0x520.</summary>
    private static InitialCpuState WithTables(EntryProfile profile, uint entry, uint startInfo)
    {
        const uint gdt = 0x500;
        const uint idt = 0x520;
        byte[] descriptors =
        [
            0, 0, 0, 0, 0, 0, 0, 0,
            0xFF, 0xFF, 0, 0, 0, 0x9B, 0xCF, 0,
            0xFF, 0xFF, 0, 0, 0, 0x93, 0xCF, 0,
            0x67, 0, 0, 0, 0, 0x8B, 0, 0,
        ];
        InitialCpuState flat = Flat(profile, entry, startInfo, code: 0x08, data: 0x10);
        return flat with
        {
            Fs = flat.Ds,
            Gs = flat.Ds,
            Ldtr = new SegmentState(0, 0, 0xFFFF, SegmentState.Ldt),
            Tr = new SegmentState(0x18, 0, 0x67, SegmentState.BusyTss32),
            Gdtr = new DescriptorTableState(gdt, 0x1F),
            Idtr = new DescriptorTableState(idt, 7),
            Tables = [new GuestBytes(gdt, descriptors), new GuestBytes(idt, new byte[8])],
        };
    }

    /// <summary>
    /// Each value makes one false assumption fail: ESP and the other registers point into the hole below 4 GiB, EAX claims Multiboot,
    /// DF is set (missing CLD), NT is set (IRET without clean flags), FS, GS and LDTR are unusable, GDTR and IDTR are empty so that a
    /// segment load or an exception before the kernel's own tables ends in a triple fault, and floating point traps before FNINIT.
    /// </summary>
    private static InitialCpuState Poison(uint entry, uint startInfo) =>
        Flat(EntryProfile.Poison, entry, startInfo, code: 0xDEA8, data: 0xBAD8) with
        {
            Eax = Multiboot1Header.LoaderMagic,
            Ecx = 0xDEADC0DE,
            Edx = 0xDEADD0DE,
            Esi = 0xDEAD51DE,
            Edi = 0xDEADD1DE,
            Ebp = 0xDEADB0DE,
            Esp = 0xDEAD5000,
            // ID, AC, NT, IOPL 3, OF, DF, SF, ZF, AF, PF, CF; never VM, IF, TF, VIF or VIP.
            Eflags = 0x00247CD7,
            Cr2 = 0xDEADC222,
            Cr3 = 0xDEADC000,
            Gdtr = new DescriptorTableState(0xDEAD6000, 0),
            Idtr = new DescriptorTableState(0xDEAD7000, 0),
            BreakpointAddresses = 0xDEADB000,
            FpuControlWord = 0x0040,
            Mxcsr = 0,
            RegisterFill = 0xDEADBEEF_DEADBEEF,
        };
}
