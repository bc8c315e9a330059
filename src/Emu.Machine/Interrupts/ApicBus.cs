using Emu.Cpu.Snapshots;

namespace Emu.Machine.Interrupts;

/// <summary>What connects the I/O APIC and the local APICs: interrupt messages one way, ends of interrupts the other.</summary>
public sealed class ApicBus : IStateful
{
    private readonly List<LocalApic> _localApics = [];
    private IoApic? _ioApic;

    /// <summary>The local APICs in the order of their vCPUs.</summary>
    public IReadOnlyList<LocalApic> LocalApics => _localApics;

    /// <summary>Connects a local APIC.</summary>
    /// <param name="apic">The APIC.</param>
    public void Connect(LocalApic apic) => _localApics.Add(apic);

    /// <summary>Connects the I/O APIC.</summary>
    /// <param name="apic">The APIC.</param>
    public void Connect(IoApic apic) => _ioApic = apic;

    /// <summary>Delivers a message to whom it addresses.</summary>
    /// <param name="message">The message.</param>
    /// <param name="excluded">A local APIC that does not take it, or null.</param>
    public void Send(in InterruptMessage message, LocalApic? excluded = null)
    {
        if (message.Mode == DeliveryMode.LowestPriority)
        {
            // Equal priorities: the first vCPU takes it, so that the choice is the same in every run.
            LocalApic? lowest = null;
            foreach (var apic in _localApics)
            {
                if (apic != excluded && apic.Matches(message) && apic.IsEnabledBySoftware
                    && (lowest is null || apic.ArbitrationPriority < lowest.ArbitrationPriority))
                    lowest = apic;
            }

            lowest?.Receive(message);
            return;
        }

        foreach (var apic in _localApics)
        {
            if (apic != excluded && apic.Matches(message))
                apic.Receive(message);
        }
    }

    /// <summary>A local APIC ended a level-triggered interrupt.</summary>
    /// <param name="vector">Its vector.</param>
    public void BroadcastEndOfInterrupt(byte vector) => _ioApic?.EndOfInterrupt(vector);

    /// <summary>Transfers the local APICs; the clock comes before.</summary>
    /// <param name="stream">Where state goes to, or comes from.</param>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        foreach (var apic in _localApics)
            apic.Transfer(stream);
    }
}
