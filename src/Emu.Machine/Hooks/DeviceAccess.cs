namespace Emu.Machine.Hooks;

/// <summary>An access of the guest's to an I/O port, or to physical memory that is not RAM, as a hook sees it.</summary>
/// <remarks>
/// <see cref="MachineHooks.OnPorts"/> and <see cref="MachineHooks.OnMmio"/> see a read behind the device, with the value that the guest is about to
/// get, and a write before the device; <see cref="MachineHooks.AnswerPorts"/> and <see cref="MachineHooks.AnswerMmio"/> see both before it. The vCPU is
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

    /// <summary>Set by a hook: the device does not hear of this write. Of a read it has heard by then, unless it <see cref="IsAnswered"/>.</summary>
    public bool IsSwallowed { get; set; }

    /// <summary>Set by a hook that is called before the device: the device does not hear of this access. A read gets <see cref="Value"/>.</summary>
    public bool IsAnswered { get; set; }
}
