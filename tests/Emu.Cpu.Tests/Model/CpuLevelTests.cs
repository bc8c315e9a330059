using Emu.Cpu.State;
using Emu.Cpu.Tests.Supervisor;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Model;

/// <summary>The levels of the x86-64 psABI: what each declares, and that what it does not declare is not there.</summary>
public sealed unsafe class CpuLevelTests
{
    // The psABI's table of microarchitecture levels: leaf, register and bit of each feature. OSXSAVE is XSAVE, switched on.
    private static readonly (CpuLevel Level, string Name, uint Leaf, CpuidRegister Register, int Bit)[] Published =
    [
        (CpuLevel.V1, "CMOV", 1, CpuidRegister.Edx, 15),
        (CpuLevel.V1, "CX8", 1, CpuidRegister.Edx, 8),
        (CpuLevel.V1, "FPU", 1, CpuidRegister.Edx, 0),
        (CpuLevel.V1, "FXSR", 1, CpuidRegister.Edx, 24),
        (CpuLevel.V1, "MMX", 1, CpuidRegister.Edx, 23),
        (CpuLevel.V1, "SCE", 0x8000_0001, CpuidRegister.Edx, 11),
        (CpuLevel.V1, "SSE", 1, CpuidRegister.Edx, 25),
        (CpuLevel.V1, "SSE2", 1, CpuidRegister.Edx, 26),
        (CpuLevel.V2, "CMPXCHG16B", 1, CpuidRegister.Ecx, 13),
        (CpuLevel.V2, "LAHF-SAHF", 0x8000_0001, CpuidRegister.Ecx, 0),
        (CpuLevel.V2, "POPCNT", 1, CpuidRegister.Ecx, 23),
        (CpuLevel.V2, "SSE3", 1, CpuidRegister.Ecx, 0),
        (CpuLevel.V2, "SSE4_1", 1, CpuidRegister.Ecx, 19),
        (CpuLevel.V2, "SSE4_2", 1, CpuidRegister.Ecx, 20),
        (CpuLevel.V2, "SSSE3", 1, CpuidRegister.Ecx, 9),
        (CpuLevel.V3, "AVX", 1, CpuidRegister.Ecx, 28),
        (CpuLevel.V3, "AVX2", 7, CpuidRegister.Ebx, 5),
        (CpuLevel.V3, "BMI1", 7, CpuidRegister.Ebx, 3),
        (CpuLevel.V3, "BMI2", 7, CpuidRegister.Ebx, 8),
        (CpuLevel.V3, "F16C", 1, CpuidRegister.Ecx, 29),
        (CpuLevel.V3, "FMA", 1, CpuidRegister.Ecx, 12),
        (CpuLevel.V3, "LZCNT", 0x8000_0001, CpuidRegister.Ecx, 5),
        (CpuLevel.V3, "MOVBE", 1, CpuidRegister.Ecx, 22),
        (CpuLevel.V3, "OSXSAVE", 1, CpuidRegister.Ecx, 26),
    ];

    [Theory]
    [InlineData(CpuLevel.V1)]
    [InlineData(CpuLevel.V2)]
    [InlineData(CpuLevel.V3)]
    [InlineData(CpuLevel.Max)]
    public void A_level_has_what_the_psABI_lists_up_to_it_and_nothing_of_the_next(CpuLevel level)
    {
        foreach (var vendor in Enum.GetValues<CpuVendor>())
        {
            using var guest = new Guest(vendor, level);
            foreach (var (from, name, leaf, register, bit) in Published)
                Assert.True(Bit(guest, leaf, 0, register, bit) == level >= from, $"{vendor} {level}: {name}");
        }
    }

    [Theory]
    [InlineData(CpuLevel.V1)]
    [InlineData(CpuLevel.V2)]
    [InlineData(CpuLevel.V3)]
    [InlineData(CpuLevel.Max)]
    public void CPUID_shows_exactly_the_features_of_the_level(CpuLevel level)
    {
        foreach (var vendor in Enum.GetValues<CpuVendor>())
        {
            using var guest = new Guest(vendor, level);
            foreach (var feature in CpuFeature.All)
            {
                // AMD repeats bits of leaf 1 in leaf 0x80000001, under names of their own that have rows of their own.
                var expected = level >= feature.Level && (feature.Vendor ?? vendor) == vendor;
                Assert.True(Bit(guest, feature.Leaf, feature.Subleaf, feature.Register, feature.Bit) == expected, $"{vendor} {level}: {feature.Name}");
            }
        }
    }

    [Theory]
    [InlineData("pabsb xmm0, xmm1", "660F381CC1", CpuLevel.V2)]
    [InlineData("haddps xmm0, xmm1", "F20F7CC1", CpuLevel.V2)]
    [InlineData("pcmpgtq xmm0, xmm1", "660F3837C1", CpuLevel.V2)]
    [InlineData("crc32 eax, ecx", "F20F38F1C1", CpuLevel.V2)]
    [InlineData("popcnt eax, ecx", "F30FB8C1", CpuLevel.V2)]
    [InlineData("cmpxchg16b [rsi]", "480FC70E", CpuLevel.V2)]
    [InlineData("lahf", "9F", CpuLevel.V2)]
    [InlineData("sahf", "9E", CpuLevel.V2)]
    [InlineData("fisttp dword [rsi]", "DB0E", CpuLevel.V2)]
    [InlineData("movbe eax, [rsi]", "0F38F006", CpuLevel.V3)]
    [InlineData("vaddps xmm0, xmm0, xmm1", "C5F858C1", CpuLevel.V3)]
    [InlineData("vpaddb ymm0, ymm0, ymm1", "C5FDFCC1", CpuLevel.V3)]
    [InlineData("andn eax, eax, ecx", "C4E278F2C1", CpuLevel.V3)]
    [InlineData("shlx eax, ecx, edx", "C4E269F7C1", CpuLevel.V3)]
    [InlineData("xgetbv", "0F01D0", CpuLevel.V3)]
    [InlineData("aesenc xmm0, xmm1", "660F38DCC1", CpuLevel.Max)]
    [InlineData("pclmulqdq xmm0, xmm1, 0", "660F3A44C100", CpuLevel.Max)]
    [InlineData("sha1msg1 xmm0, xmm1", "0F38C9C1", CpuLevel.Max)]
    [InlineData("adcx eax, ecx", "660F38F6C1", CpuLevel.Max)]
    [InlineData("clflushopt [rsi]", "660FAE3E", CpuLevel.Max)]
    [InlineData("rdtscp", "0F01F9", CpuLevel.Max)]
    [InlineData("rdpid rax", "F30FC7F8", CpuLevel.Max)]
    [InlineData("rdfsbase rax", "F3480FAEC0", CpuLevel.Max)]
    [InlineData("clac", "0F01CA", CpuLevel.Max)]
    [InlineData("xsaveopt [rsi]", "0FAE36", CpuLevel.Max)]
    [InlineData("xsaves [rsi]", "0FC72E", CpuLevel.Max)]
    [InlineData("rdrand eax", "0FC7F0", CpuLevel.Max)]
    [InlineData("rdseed rax", "480FC7F8", CpuLevel.Max)]
    [InlineData("gf2p8mulb xmm0, xmm1", "660F38CFC1", CpuLevel.Max)]
    [InlineData("vgf2p8mulb ymm0, ymm0, ymm1", "C4E27DCFC1", CpuLevel.Max)]
    [InlineData("vaesenc ymm0, ymm0, ymm1", "C4E27DDCC1", CpuLevel.Max)]
    [InlineData("vpclmulqdq ymm0, ymm0, ymm1, 0", "C4E37D44C100", CpuLevel.Max)]
    [InlineData("vpdpbusd ymm0, ymm0, ymm1", "C4E27D50C1", CpuLevel.Max)]
    [InlineData("extrq xmm0, xmm1", "660F79C1", CpuLevel.Max)]
    [InlineData("movntsd [rsi], xmm0", "F20F2B06", CpuLevel.Max)]
    [InlineData("serialize", "0F01E8", CpuLevel.Max)]
    [InlineData("movdiri [rsi], eax", "0F38F906", CpuLevel.Max)]
    [InlineData("movdir64b rdx, [rsi]", "660F38F816", CpuLevel.Max)]
    [InlineData("clzero", "0F01FC", CpuLevel.Max)]
    public void An_instruction_exists_from_its_level_on(string text, string bytes, CpuLevel from)
    {
        foreach (var level in Enum.GetValues<CpuLevel>())
        {
            var vector = Execute(level, bytes, out _);
            Assert.True(vector == (level >= from ? null : ExceptionVector.InvalidOpcode), $"{text} at {level}: {vector}");
        }
    }

    // Of 0x300 the highest bit is number 9, with 22 zeros before it, and the lowest number 8.
    [Theory]
    [InlineData(CpuLevel.V2, "F30FBDC1", 9)]
    [InlineData(CpuLevel.V3, "F30FBDC1", 22)]
    [InlineData(CpuLevel.V2, "F30FBCC1", 8)]
    [InlineData(CpuLevel.V3, "F30FBCC1", 8)]
    public void Without_the_feature_LZCNT_and_TZCNT_are_BSR_and_BSF(CpuLevel level, string bytes, ulong result)
    {
        Assert.Null(Execute(level, bytes, out var rax, rcx: 0x300));
        Assert.Equal(result, rax);
    }

    [Fact]
    public void TZCNT_of_zero_shows_which_of_the_two_it_was()
    {
        using var old = Run(CpuLevel.V2, "F30FBCC1", 0);
        Assert.Equal(Rflags.Zero, old.State->Flags.ToRflags() & (Rflags.Zero | Rflags.Carry));
        using var later = Run(CpuLevel.V3, "F30FBCC1", 0);
        Assert.Equal(Rflags.Carry, later.State->Flags.ToRflags() & (Rflags.Zero | Rflags.Carry));
    }

    [Theory]
    [InlineData("prefetchw [rsi]", "0F0D0E")]
    [InlineData("prefetchwt1 [rsi]", "0F0D16")]
    [InlineData("prefetchit0 [rip]", "0F183D00000000")]
    [InlineData("cldemote [rsi]", "0F1C06")]
    [InlineData("endbr64", "F30F1EFA")]
    [InlineData("rdsspq rax", "F3480F1EC8")]
    [InlineData("bndmk bnd0, [rsi]", "F30F1B06")]
    [InlineData("wbnoinvd", "F30F09")]
    [InlineData("lock xacquire add [rsi], eax", "F2F00106")]
    public void A_hint_is_passed_over_where_nothing_knows_it(string text, string bytes) =>
        Assert.True(Execute(CpuLevel.V1, bytes, out _) is null, text);

    [Fact]
    public void LAHF_needs_no_feature_outside_64_bit_code()
    {
        using var guest = Guest.Protected(level: CpuLevel.V1);
        guest.Assemble(a =>
        {
            a.lahf();
            a.hlt();
        });
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Empty(guest.Delivered);
    }

    [Theory]
    [InlineData(CpuLevel.V1, Cr4.Osfxsr, false)]
    [InlineData(CpuLevel.V1, Cr4.Pge, false)]
    [InlineData(CpuLevel.V2, Cr4.Osxsave, true)]
    [InlineData(CpuLevel.V3, Cr4.Osxsave, false)]
    [InlineData(CpuLevel.V3, Cr4.Smep, true)]
    [InlineData(CpuLevel.V3, Cr4.Smap, true)]
    [InlineData(CpuLevel.V3, Cr4.Fsgsbase, true)]
    [InlineData(CpuLevel.V3, Cr4.Umip, true)]
    [InlineData(CpuLevel.V3, Cr4.Pcide, true)]
    [InlineData(CpuLevel.Max, Cr4.Smep | Cr4.Smap | Cr4.Fsgsbase | Cr4.Umip, false)]
    public void CR4_takes_the_bits_of_declared_features(CpuLevel level, ulong bits, bool faults)
    {
        using var guest = Guest.Long(level: level);
        guest.Rax = Cr4.Pae | bits;
        guest.Assemble(a =>
        {
            a.mov(cr4, rax);
            a.hlt();
        });
        guest.Run();
        Assert.Equal(faults, guest.Delivered.Any(static delivered => delivered.Vector == ExceptionVector.GeneralProtection));
        Assert.Equal(faults ? Cr4.Pae : Cr4.Pae | bits, guest.State->Cr4);
    }

    [Theory]
    [InlineData(CpuLevel.V3, 0xC000_0103, true)]
    [InlineData(CpuLevel.Max, 0xC000_0103, false)]
    [InlineData(CpuLevel.V3, 0x3B, true)]
    [InlineData(CpuLevel.Max, 0x3B, false)]
    public void A_register_that_came_with_a_feature_goes_with_it(CpuLevel level, uint msr, bool faults)
    {
        using var guest = Guest.Long(level: level);
        guest.Rcx = msr;
        guest.Assemble(a =>
        {
            a.rdmsr();
            a.hlt();
        });
        guest.Run();
        Assert.Equal(faults, guest.Delivered.Any(static delivered => delivered.Vector == ExceptionVector.GeneralProtection));
    }

    [Theory]
    [InlineData(CpuLevel.V1, 0)]
    [InlineData(CpuLevel.V2, 0)]
    [InlineData(CpuLevel.V3, 7)]
    public void XCR0_has_the_components_of_declared_features(CpuLevel level, ulong bits)
    {
        using var guest = new Guest(level: level);
        var model = guest.Vcpu.Model;
        Assert.Equal(bits, model.Xcr0Bits);
        Assert.Equal((uint)bits, model.Cpuid(0xD, 0, guest.Vcpu).Eax);
    }

    private static bool Bit(Guest guest, uint leaf, uint subleaf, CpuidRegister register, int bit)
    {
        var result = guest.Vcpu.Model.Cpuid(leaf, subleaf, guest.Vcpu);
        var value = register switch
        {
            CpuidRegister.Eax => result.Eax,
            CpuidRegister.Ebx => result.Ebx,
            CpuidRegister.Ecx => result.Ecx,
            _ => result.Edx,
        };
        return (value >> bit & 1) != 0;
    }

    // Null where it raised nothing.
    private static int? Execute(CpuLevel level, string bytes, out ulong rax, ulong rcx = 0)
    {
        using var guest = Run(level, bytes, rcx);
        rax = guest.Rax;
        return guest.Delivered.Count == 0 ? null : guest.Delivered[0].Vector;
    }

    private static Guest Run(CpuLevel level, string bytes, ulong rcx)
    {
        var guest = Guest.Long(CpuVendor.Amd, level);
        var s = guest.State;
        s->Cr4 |= (Cr4.Osfxsr | Cr4.Osxmmexcpt | Cr4.Osxsave | Cr4.Fsgsbase) & guest.Vcpu.Model.Cr4Bits;
        s->Xcr0 |= guest.Vcpu.Model.Xcr0Bits;
        guest.Rcx = rcx;
        guest.Rdx = 0;
        s->Registers[6] = Guest.Data;
        guest.Vcpu.StateChanged();
        guest.Assemble(a =>
        {
            a.db(Convert.FromHexString(bytes));
            a.hlt();
        });
        Assert.Equal(RunExit.Halted, guest.Run());
        return guest;
    }
}
