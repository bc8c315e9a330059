using Emu.Machine.Consoles;
using Emu.Xen.Backends;

namespace Emu.Machine.Xen;

/// <summary>The PV console as a device that takes input, at the speed of a serial line.</summary>
internal sealed class ConsoleRingReceiver(ConsoleRing ring) : IConsoleReceiver
{
    public event Action? ReceiverReady
    {
        add => ring.ReceiverReady += value;
        remove => ring.ReceiverReady -= value;
    }

    public bool WantsInput => ring.WantsInput;

    // 115,200 baud, ten bits to a byte.
    public ulong CharacterTime => 86_806;

    public void Receive(byte value) => ring.Receive(value);
}
