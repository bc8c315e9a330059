using Iced.Intel;

namespace Emu.Cpu.Memory;

/// <summary>To which boundary an access must be aligned where CR0.AM and EFLAGS.AC ask for it at CPL 3 (SDM Vol. 3, table 6-7).</summary>
/// <remarks>
/// The table speaks of data types, so most instructions need no word: it is their operand's size, for 80-bit operands 8, for vectors 16.
/// Where it is silent, or leaves it to the processor, this follows a Zen 4: a vector that is moved without need of alignment is checked all
/// the same, masked moves and gathers are not.
/// </remarks>
internal static class AlignmentRule
{
    /// <summary>The boundary of one access.</summary>
    /// <param name="code">The instruction that makes it.</param>
    /// <param name="size">Bytes accessed.</param>
    /// <returns>A power of two, at most 16.</returns>
    public static int Of(Code code, int size) => code switch
    {
        // The x87 environment, alone or in front of the registers: elements of the operand size.
        Code.Fnstenv_m14byte or Code.Fstenv_m14byte or Code.Fldenv_m14byte
            or Code.Fnsave_m94byte or Code.Fsave_m94byte or Code.Frstor_m94byte => 2,
        Code.Fnstenv_m28byte or Code.Fstenv_m28byte or Code.Fldenv_m28byte
            or Code.Fnsave_m108byte or Code.Fsave_m108byte or Code.Frstor_m108byte => 4,
        // Bounds are two elements. The offset of a far pointer counts as 32 bits at most.
        Code.Bound_r16_m1616 => 2,
        Code.Bound_r32_m3232 => 4,
        Code.Lss_r64_m1664 or Code.Lfs_r64_m1664 or Code.Lgs_r64_m1664 or Code.Jmp_m1664 or Code.Call_m1664 => Math.Min(size, 4),
        // The contents of a descriptor table's register count as 32 bits, at the start: the limit, two bytes before the base.
        Code.Sgdt_m1632_16 or Code.Sidt_m1632_16 or Code.Sgdt_m1632 or Code.Sidt_m1632 or Code.Sgdt_m1664 or Code.Sidt_m1664 => size == 2 ? 4 : 2,
        Code.VEX_Vmaskmovps_xmm_xmm_m128 or Code.VEX_Vmaskmovps_ymm_ymm_m256 or Code.VEX_Vmaskmovps_m128_xmm_xmm or Code.VEX_Vmaskmovps_m256_ymm_ymm
            or Code.VEX_Vmaskmovpd_xmm_xmm_m128 or Code.VEX_Vmaskmovpd_ymm_ymm_m256 or Code.VEX_Vmaskmovpd_m128_xmm_xmm
            or Code.VEX_Vmaskmovpd_m256_ymm_ymm or Code.VEX_Vpmaskmovd_xmm_xmm_m128 or Code.VEX_Vpmaskmovd_ymm_ymm_m256
            or Code.VEX_Vpmaskmovd_m128_xmm_xmm or Code.VEX_Vpmaskmovd_m256_ymm_ymm or Code.VEX_Vpmaskmovq_xmm_xmm_m128
            or Code.VEX_Vpmaskmovq_ymm_ymm_m256 or Code.VEX_Vpmaskmovq_m128_xmm_xmm or Code.VEX_Vpmaskmovq_m256_ymm_ymm => 1,
        >= Code.VEX_Vpgatherdd_xmm_vm32x_xmm and <= Code.VEX_Vpgatherqq_ymm_vm64y_ymm => 1,
        >= Code.VEX_Vgatherdps_xmm_vm32x_xmm and <= Code.VEX_Vgatherqpd_ymm_vm64y_ymm => 1,
        // Zen checks these by their halves.
        Code.Maskmovdqu_rDI_xmm_xmm or Code.VEX_Vmaskmovdqu_rDI_xmm_xmm or Code.Maskmovq_rDI_mm_mm => Math.Min(size, 8),
        _ => size >= 16 ? 16 : size >= 8 ? 8 : size >= 4 ? 4 : size,
    };
}
