namespace Emu.Machine.Hooks;

/// <summary>An access of the guest's to an I/O port, or to physical memory that is not RAM, as a hook sees it.</summary>
/// <remarks>
/// A read is seen behind the device, with the value that the guest is about to get; a write before the device. The vCPU is
/// <see cref="PvhMachine.CurrentVcpu"/>, at exactly this instruction, whose address is its <see cref="Emu.Cpu.Vcpu.CallingRip"/>.
/// </remarks>
public sealed class DeviceAccess
{
    internal DeviceAccess(ulong address, int size, bool isWrite, ulong value)
    {
        Address = address;
        Size = size;
        IsWrite = isWrite;
        Value = value;
    }

    /// <summary>The port, or the guest-physical address.</summary>
    public ulong Address { get; }

    /// <summary>Bytes: 1, 2, 4, or 8 in memory.</summary>
    public int Size { get; }

    /// <summary>Whether the guest writes.</summary>
    public bool IsWrite { get; }

    /// <summary>What the guest reads or writes; a hook may change it.</summary>
    public ulong Value { get; set; }

    /// <summary>Set by a hook: the device does not hear of this write.</summary>
    public bool IsSwallowed { get; set; }
}
