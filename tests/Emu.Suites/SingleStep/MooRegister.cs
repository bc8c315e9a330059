namespace Emu.Suites.SingleStep;

/// <summary>The registers that a test states, in the order of the format's 32-bit register chunk.</summary>
internal enum MooRegister
{
    Cr0,
    Cr3,
    Eax,
    Ebx,
    Ecx,
    Edx,
    Esi,
    Edi,
    Ebp,
    Esp,
    Cs,
    Ds,
    Es,
    Fs,
    Gs,
    Ss,
    Eip,
    Eflags,
    Dr6,
    Dr7,
}

/// <summary>Values of some of the registers.</summary>
internal sealed class MooRegisters
{
    /// <summary>How many registers there are.</summary>
    public const int Count = (int)MooRegister.Dr7 + 1;

    private readonly uint?[] _values = new uint?[Count];

    /// <summary>A register's value, or null where nothing is said about it.</summary>
    public uint? this[MooRegister register]
    {
        get => _values[(int)register];
        set => _values[(int)register] = value;
    }
}
