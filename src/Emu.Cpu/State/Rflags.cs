namespace Emu.Cpu.State;

/// <summary>Bits of RFLAGS (SDM Vol. 1, 3.4.3).</summary>
public static class Rflags
{
    /// <summary>CF.</summary>
    public const ulong Carry = 1 << 0;

    /// <summary>Bit 1, always set.</summary>
    public const ulong AlwaysSet = 1 << 1;

    /// <summary>PF.</summary>
    public const ulong Parity = 1 << 2;

    /// <summary>AF.</summary>
    public const ulong Adjust = 1 << 4;

    /// <summary>ZF.</summary>
    public const ulong Zero = 1 << 6;

    /// <summary>SF.</summary>
    public const ulong Sign = 1 << 7;

    /// <summary>TF: single step.</summary>
    public const ulong Trap = 1 << 8;

    /// <summary>IF: maskable interrupts are accepted.</summary>
    public const ulong Interrupt = 1 << 9;

    /// <summary>DF: string instructions count down.</summary>
    public const ulong Direction = 1 << 10;

    /// <summary>OF.</summary>
    public const ulong Overflow = 1 << 11;

    /// <summary>IOPL, two bits.</summary>
    public const ulong IoPrivilege = 3 << 12;

    /// <summary>NT: IRET returns to the previous task.</summary>
    public const ulong NestedTask = 1 << 14;

    /// <summary>RF: instruction breakpoints are ignored once.</summary>
    public const ulong Resume = 1 << 16;

    /// <summary>VM: virtual-8086 mode.</summary>
    public const ulong Virtual8086 = 1 << 17;

    /// <summary>AC: alignment check, or SMAP override.</summary>
    public const ulong AlignmentCheck = 1 << 18;

    /// <summary>VIF.</summary>
    public const ulong VirtualInterrupt = 1 << 19;

    /// <summary>VIP.</summary>
    public const ulong VirtualInterruptPending = 1 << 20;

    /// <summary>ID: CPUID exists.</summary>
    public const ulong Identification = 1 << 21;

    /// <summary>The six flags that <see cref="ArithmeticFlags"/> keeps.</summary>
    public const ulong Arithmetic = Carry | Parity | Adjust | Zero | Sign | Overflow;
}
