using Emu.Cpu.State;

namespace Emu.Cpu.Segmentation;

/// <summary>
/// What a virtual-8086 program sees of interrupts where CR4.VME is set and IOPL is below 3 (SDM Vol. 3, 21.3): VIF in the place of IF, an
/// IOPL of 3, and INT n that goes to its own vectors where the redirection bitmap has a 0.
/// </summary>
/// <remarks>
/// <code>
/// TSS:  base + 0x66           word: where the I/O permission bitmap begins
///       that - 32 + vector/8  bit vector%8: 1 as without VME, 0 to the vector table at linear address 0
/// </code>
/// </remarks>
internal static unsafe class VirtualInterrupts
{
    private const uint BitmapBase = 0x66;
    private const uint LimitWithBitmap = 0x67;
    private const uint BitmapLength = 32;
    private const int FlagDistance = 10;

    /// <summary>FLAGS as PUSHF and INT n show them to the program.</summary>
    public static ulong FlagsForProgram(ulong flags) =>
        (flags & ~Rflags.Interrupt) | ((flags & Rflags.VirtualInterrupt) >> FlagDistance) | Rflags.IoPrivilege;

    /// <summary>FLAGS as the program gives them to POPF and IRET: its IF is VIF. IF and IOPL are not to be taken from there.</summary>
    public static ulong FlagsFromProgram(ulong flags) =>
        (flags & ~(Rflags.VirtualInterrupt | Rflags.Interrupt)) | ((flags & Rflags.Interrupt) << FlagDistance);

    /// <summary>True where POPF or IRET must leave it to the monitor: it would single-step, or accept interrupts while one waits.</summary>
    public static bool AreRefused(CpuState* s, ulong flags) =>
        (flags & Rflags.Trap) != 0 || ((flags & Rflags.Interrupt) != 0 && (s->SystemFlags & Rflags.VirtualInterruptPending) != 0);

    /// <summary>Looks up whether INT n goes to the program's own vector.</summary>
    /// <returns>False with the failure recorded: the TSS holds no such bitmap, or cannot be read.</returns>
    public static bool TryReadRedirection(Vcpu vcpu, byte vector, out bool isRedirected)
    {
        isRedirected = false;
        ref var tr = ref vcpu.State->Segments[(int)SegmentName.Tr];
        var is32 = ((uint)tr.Attributes & 8) != 0;
        if (!is32 || (tr.Attributes & SegmentAttributes.Present) == 0 || tr.Limit < LimitWithBitmap)
            return vcpu.Fail(ExceptionVector.GeneralProtection, 0);
        if (!vcpu.TryReadSystem(tr.Base + BitmapBase, out ushort bitmap))
            return false;
        var offset = bitmap - BitmapLength + vector / 8u;
        if (offset > tr.Limit)
            return vcpu.Fail(ExceptionVector.GeneralProtection, 0);
        if (!vcpu.TryReadSystem(tr.Base + offset, out byte bits))
            return false;
        isRedirected = (bits >> (vector & 7) & 1) == 0;
        return true;
    }
}
