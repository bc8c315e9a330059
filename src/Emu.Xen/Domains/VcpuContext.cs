using System.Buffers.Binary;
using Emu.Cpu;
using Emu.Cpu.State;

namespace Emu.Xen.Domains;

/// <summary>
/// The state in which VCPUOP_initialise starts a vCPU: vcpu_hvm_context, 128 bytes (xen/include/public/hvm/hvm_vcpu.h,
/// arch_set_info_hvm_guest in xen/arch/x86/hvm/domain.c). The layout is the same in both widths.
/// </summary>
/// <remarks>
/// Mode 0 gives every register that 32-bit code has, with the hidden parts of segments: so it starts real mode, 16-bit and 32-bit
/// protected mode, and compatibility mode. Mode 1 starts in 64-bit mode with flat segments.
/// </remarks>
internal static unsafe class VcpuContext
{
    /// <summary>Bytes in the structure.</summary>
    public const int Length = 128;

    private const uint Mode32 = 0, Mode64 = 1;
    private const int Union = 8;

    // The order of registers in both modes is that of their numbers but for the place of ESP, EBP, ESI and EDI: EAX ECX EDX EBX ESP EBP ESI EDI.
    private const int RegisterCount = 8;

    // SegmentAttributes as the structure packs them: type 3:0, S 4, DPL 6:5, P 7, AVL 8, L 9, D/B 10, G 11.
    private const ushort AttributeMask = 0xFFF;
    private const ushort TypeMask = 0xF, Accessed = 1, WritableOrReadable = 2, Code = 8, CodeOrData = 0x10, Present = 0x80, Granular = 0x800;
    private const ushort BusyTss = 0xB, AvailableTss = 0x9;
    private const ushort FlatCode = 0xA9B, FlatData = 0xC93, FlatTss = 0x8B;
    private const uint TssLimit = 0x67;

    private const ulong EferMask = Efer.Sce | Efer.Lme | Efer.Lma | Efer.Nxe;

    /// <summary>Puts a vCPU into the state, if Xen would.</summary>
    /// <param name="vcpu">A vCPU that does not run.</param>
    /// <param name="bytes">The structure.</param>
    /// <returns>False where the state is not a possible one; the vCPU is as it was then.</returns>
    public static bool TryLoad(Vcpu vcpu, ReadOnlySpan<byte> bytes)
    {
        if (Word(bytes, 4) != 0)
            return false;
        return Word(bytes, 0) switch
        {
            Mode32 => TryLoad32(vcpu, bytes[Union..]),
            Mode64 => TryLoad64(vcpu, bytes[Union..]),
            _ => false,
        };
    }

    private static uint Word(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);

    private static ulong Quad(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[offset..]);

    private static ushort Half(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[offset..]);

    /// <summary>
    /// Eight registers, EIP 32, EFLAGS 36, CR0 40, CR3 44, CR4 48, 0 52, EFER 56; bases of CS DS SS ES TR 64–80, limits 84–100, attributes
    /// 104–112, zeros 114–119.
    /// </summary>
    private static bool TryLoad32(Vcpu vcpu, ReadOnlySpan<byte> bytes)
    {
        if (Word(bytes, 52) != 0 || Half(bytes, 114) != 0 || Half(bytes, 116) != 0 || Half(bytes, 118) != 0)
            return false;
        ContextSegment cs = ContextSegment.Read(bytes, 0), ds = ContextSegment.Read(bytes, 1), ss = ContextSegment.Read(bytes, 2),
            es = ContextSegment.Read(bytes, 3), tr = ContextSegment.Read(bytes, 4);
        uint eip = Word(bytes, 32), cr0 = Word(bytes, 40), cr4 = Word(bytes, 48);
        var efer = Quad(bytes, 56);
        if (!cs.IsWellFormed || !ds.IsWellFormed || !ss.IsWellFormed || !es.IsWellFormed || !tr.IsWellFormed
            || !cs.IsCode || !ss.IsWritableData || !ds.IsUsableData || !es.IsUsableData || !tr.IsTss
            || eip > cs.LastByte || ss.Privilege != cs.Privilege || ds.Privilege > cs.Privilege || es.Privilege > cs.Privilege
            || !IsPossible(vcpu, cr0, cr4, efer))
        {
            return false;
        }

        Begin(vcpu);
        var state = vcpu.State;
        for (var i = 0; i < RegisterCount; i++)
            state->Registers[i] = Word(bytes, 4 * i);
        LoadControl(vcpu, eip, Word(bytes, 36), cr0, Word(bytes, 44), cr4, efer);
        Load(state, SegmentName.Cs, cs);
        Load(state, SegmentName.Ds, ds);
        Load(state, SegmentName.Ss, ss);
        Load(state, SegmentName.Es, es);
        Load(state, SegmentName.Tr, tr with { Attributes = (ushort)((tr.Attributes & ~TypeMask) | BusyTss) });
        state->Cpl = cs.Privilege;
        vcpu.StateChanged();
        return true;
    }

    /// <summary>Eight registers of 8 bytes, RIP 64, RFLAGS 72, CR0 80, CR3 88, CR4 96, EFER 104.</summary>
    private static bool TryLoad64(Vcpu vcpu, ReadOnlySpan<byte> bytes)
    {
        ulong rip = Quad(bytes, 64), cr0 = Quad(bytes, 80), cr4 = Quad(bytes, 96), efer = Quad(bytes, 104);
        if ((cr0 & Cr0.Pg) == 0 || (cr4 & Cr4.Pae) == 0 || (efer & Efer.Lme) == 0 || !IsCanonical(rip)
            || !IsPossible(vcpu, cr0, cr4, efer | Efer.Lma))
        {
            return false;
        }

        Begin(vcpu);
        var state = vcpu.State;
        for (var i = 0; i < RegisterCount; i++)
            state->Registers[i] = Quad(bytes, 8 * i);
        LoadControl(vcpu, rip, Quad(bytes, 72), cr0, Quad(bytes, 88), cr4, efer | Efer.Lma);
        Load(state, SegmentName.Cs, new ContextSegment(0, uint.MaxValue, FlatCode));
        foreach (var name in (ReadOnlySpan<SegmentName>)[SegmentName.Ds, SegmentName.Es, SegmentName.Ss])
            Load(state, name, new ContextSegment(0, uint.MaxValue, FlatData));
        Load(state, SegmentName.Tr, new ContextSegment(0, TssLimit, FlatTss));
        state->Cpl = 0;
        vcpu.StateChanged();
        return true;
    }

    // Xen 4.17 knows four levels of paging.
    private static bool IsCanonical(ulong address) => (ulong)((long)(address << 16) >> 16) == address;

    /// <summary>Control registers that MOV and WRMSR could have made.</summary>
    private static bool IsPossible(Vcpu vcpu, ulong cr0, ulong cr4, ulong efer)
    {
        const ulong cr0Bits = Cr0.Pe | Cr0.Mp | Cr0.Em | Cr0.Ts | Cr0.Et | Cr0.Ne | Cr0.Wp | Cr0.Am | Cr0.Nw | Cr0.Cd | Cr0.Pg;
        if ((cr0 & ~cr0Bits) != 0 || (cr4 & ~vcpu.Model.Cr4Bits) != 0 || (efer & ~EferMask) != 0)
            return false;
        if ((cr0 & Cr0.Pg) != 0 && (cr0 & Cr0.Pe) == 0)
            return false;
        // LMA follows from the others.
        var isLong = (efer & Efer.Lme) != 0 && (cr0 & Cr0.Pg) != 0;
        if ((efer & Efer.Lma) != 0 && (efer & Efer.Lme) == 0)
            return false;
        return !isLong || (cr4 & Cr4.Pae) != 0;
    }

    // As INIT leaves the rest.
    private static void Begin(Vcpu vcpu) => vcpu.Init();

    private static void LoadControl(Vcpu vcpu, ulong rip, ulong rflags, ulong cr0, ulong cr3, ulong cr4, ulong efer)
    {
        var state = vcpu.State;
        state->Rip = rip;
        vcpu.SetRflags(rflags);
        state->Cr0 = cr0 | Cr0.Et;
        state->Cr3 = cr3;
        state->Cr4 = cr4;
        state->Efer = (efer & ~Efer.Lma) | ((efer & Efer.Lme) != 0 && (cr0 & Cr0.Pg) != 0 ? Efer.Lma : 0);
    }

    private static void Load(CpuState* state, SegmentName name, ContextSegment segment) => state->Segments[(int)name] = new SegmentRegister
    {
        Base = segment.Base,
        Limit = segment.Limit,
        // The accessed bit is set, as a load from a table would.
        Attributes = (SegmentAttributes)((segment.Attributes & CodeOrData) != 0 ? segment.Attributes | Accessed : segment.Attributes),
    };

    private readonly record struct ContextSegment(uint Base, uint Limit, ushort Attributes)
    {
        public bool IsWellFormed => (Attributes & ~AttributeMask) == 0;

        public byte Privilege => (byte)((Attributes >> 5) & 3);

        public bool IsCode => (Attributes & (Present | CodeOrData | Code)) == (Present | CodeOrData | Code);

        public bool IsWritableData => (Attributes & (Present | CodeOrData | Code | WritableOrReadable)) == (Present | CodeOrData | WritableOrReadable);

        /// <summary>Null, or present and readable.</summary>
        public bool IsUsableData =>
            Attributes == 0
            || ((Attributes & (Present | CodeOrData)) == (Present | CodeOrData) && (Attributes & (Code | WritableOrReadable)) != Code);

        public bool IsTss => (Attributes & (Present | CodeOrData)) == Present && (Attributes & TypeMask) is BusyTss or AvailableTss;

        /// <summary>
        /// The limit as Xen scales it when it looks at EIP, as if it were a descriptor's. It gives the processor the number as it is, for
        /// hidden limits are in bytes.
        /// </summary>
        public uint LastByte => (Attributes & Granular) != 0 ? (Limit << 12) | 0xFFF : Limit;

        public static ContextSegment Read(ReadOnlySpan<byte> bytes, int index) =>
            new(Word(bytes, 64 + (4 * index)), Word(bytes, 84 + (4 * index)), Half(bytes, 104 + (2 * index)));
    }
}
