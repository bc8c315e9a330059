using System.Runtime.CompilerServices;
using Emu.Cpu.Platform;
using Emu.Cpu.Snapshots;
using Emu.Machine.Time;

namespace Emu.Machine.Interrupts;

/// <summary>
/// A vCPU's local APIC (SDM Vol. 3, chapter 11): xAPIC registers in memory, x2APIC registers as MSRs, timer, local vectors,
/// interprocessor interrupts, and the 8259A's INT as an external interrupt through LINT0.
/// </summary>
/// <remarks>
/// On the boot processor LINT0 starts as an unmasked external interrupt ("virtual wire mode"), as firmware leaves it: a PVH kernel
/// that knows the 8259A only need not know of the APIC. The registers are in <c>LocalApic.Registers.cs</c>.
/// </remarks>
public sealed partial class LocalApic : ILocalInterrupts, IStateful
{
    private const int FirstLegalVector = 16;
    private const uint LvtMask = 1U << 16;
    private const uint ErrorSendIllegalVector = 1U << 5;
    private const uint ErrorReceiveIllegalVector = 1U << 6;
    private const uint ErrorIllegalRegister = 1U << 7;
    private const uint SoftwareEnable = 1U << 8;

    private readonly ApicBus _bus;
    private readonly ILocalApicHost _host;
    private readonly Pic8259Pair? _pic;
    private readonly LocalApicTimer _timer;
    private readonly VectorSet _requests = new();
    private readonly VectorSet _inService = new();
    private readonly VectorSet _levelTriggered = new();
    private readonly uint[] _localVectors = new uint[LocalVectorCount];
    private readonly uint _initialId;
    private readonly bool _isBootProcessor;

    private byte _id;
    private byte _taskPriority;
    private uint _logicalDestination;
    private uint _destinationFormat;
    private uint _spurious;
    private uint _errors;
    private uint _errorStatus;
    private ulong _interruptCommand;
    private ulong _baseRegister;
    private bool _externalRequested;

    /// <summary>Makes a local APIC in its reset state and connects it.</summary>
    /// <param name="id">APIC id, 0–254 in xAPIC mode.</param>
    /// <param name="isBootProcessor">Whether its vCPU starts the machine.</param>
    /// <param name="clock">Drives the timer.</param>
    /// <param name="bus">Connects it with the others.</param>
    /// <param name="host">Its vCPU.</param>
    /// <param name="pic">What stands at LINT0, or null.</param>
    public LocalApic(uint id, bool isBootProcessor, VirtualClock clock, ApicBus bus, ILocalApicHost host, Pic8259Pair? pic)
    {
        _initialId = id;
        _isBootProcessor = isBootProcessor;
        _bus = bus;
        _host = host;
        _pic = pic;
        _timer = new LocalApicTimer(clock, host, () => RaiseLocal(TimerVector));
        SetBase(AddressMap.LocalApic | BaseEnable);
        Reset();
        bus.Connect(this);
    }

    /// <summary>Width of the processor's physical addresses, which bounds IA32_APIC_BASE.</summary>
    public int PhysicalAddressBits { get; init; } = 40;

    /// <summary>True where IA32_APIC_BASE enables the APIC, in whichever mode; else CPUID denies that there is one.</summary>
    public bool IsEnabled => (_baseRegister & BaseEnable) != 0;

    /// <summary>Called when software switches the APIC on by the spurious-vector register.</summary>
    public Action? EnabledBySoftware { get; set; }

    /// <summary>The page of physical memory where the registers answer in xAPIC mode; all ones in any other.</summary>
    public ulong MappedPage { get; private set; }

    /// <summary>True where IA32_APIC_BASE and the spurious-vector register both enable the APIC.</summary>
    public bool IsEnabledBySoftware => IsEnabled && (_spurious & SoftwareEnable) != 0;

    /// <summary>True where LINT0 or LINT1 is set up to deliver an NMI.</summary>
    public bool CanReceiveNmiFromPins => IsNmi(_localVectors[Lint0Vector]) || IsNmi(_localVectors[Lint1Vector]);

    /// <inheritdoc/>
    public bool HasInterrupt => HasExternalInterrupt || DeliverableVector >= 0;

    /// <inheritdoc/>
    public byte TaskPriorityClass
    {
        get => (byte)(_taskPriority >> 4);
        set
        {
            _taskPriority = (byte)(value << 4);
            NotifyIfDeliverable();
        }
    }

    /// <summary>What lowest-priority messages compare (SDM Vol. 3, section 11.6.2.4): the processor priority.</summary>
    internal int ArbitrationPriority => ProcessorPriority;

    private bool IsX2Apic => (_baseRegister & BaseX2Apic) != 0;

    /// <summary>
    /// The 8259A has something, and the way to the vCPU is open: the APIC off, a message from the I/O APIC, or LINT0 unmasked as an
    /// external interrupt.
    /// </summary>
    private bool HasExternalInterrupt =>
        _pic is { Output: true }
        && (!IsEnabled
            || _externalRequested
            || (_localVectors[Lint0Vector] & (LvtMask | 0x700)) == (uint)DeliveryMode.ExternalInterrupt << 8);

    private int ProcessorPriority
    {
        get
        {
            var served = Math.Max(_inService.Highest, 0) & 0xF0;
            return (_taskPriority & 0xF0) >= served ? _taskPriority : served;
        }
    }

    private int DeliverableVector
    {
        get
        {
            var vector = _requests.Highest;
            return vector >= 0 && IsEnabledBySoftware && (vector & 0xF0) > (ProcessorPriority & 0xF0) ? vector : -1;
        }
    }

    /// <inheritdoc/>
    public byte Acknowledge()
    {
        if (HasExternalInterrupt)
        {
            _externalRequested = false;
            return _pic!.Acknowledge();
        }

        var vector = DeliverableVector;
        if (vector < 0)
            return (byte)_spurious;
        _requests.Remove(vector);
        _inService.Add(vector);
        return (byte)vector;
    }

    /// <inheritdoc/>
    public void TimeStampChanged() => _timer.TimeStampChanged();

    /// <summary>Power-up, or switched off by IA32_APIC_BASE: everything but that register.</summary>
    public void Reset()
    {
        _id = (byte)_initialId;
        Init();
    }

    /// <summary>INIT: everything but the id and IA32_APIC_BASE (SDM Vol. 3, section 11.4.7.3).</summary>
    private void Init()
    {
        _requests.Clear();
        _inService.Clear();
        _levelTriggered.Clear();
        Array.Fill(_localVectors, LvtMask);
        if (_isBootProcessor && _pic is not null)
            _localVectors[Lint0Vector] = (uint)DeliveryMode.ExternalInterrupt << 8;
        _taskPriority = 0;
        _logicalDestination = IsX2Apic ? X2ApicLogicalId : 0;
        _destinationFormat = uint.MaxValue;
        _spurious = 0xFF;
        _errors = 0;
        _errorStatus = 0;
        _interruptCommand = 0;
        _externalRequested = false;
        _timer.Reset();
    }

    /// <summary>The 8259A's INT changed.</summary>
    /// <param name="high">Its level.</param>
    public void ExternalInterruptChanged(bool high)
    {
        if (!high)
            return;
        if (HasExternalInterrupt)
            _host.NotifyInterrupt();
        else if (IsEnabled)
            RaiseLocal(Lint0Vector);
    }

    /// <summary>Requests an interrupt in this APIC, as a message or a local source does.</summary>
    /// <param name="vector">The vector; below 16 is an error that the error-status register tells of.</param>
    /// <param name="isLevelTriggered">Whether its end is broadcast.</param>
    public void Request(byte vector, bool isLevelTriggered)
    {
        if (!IsEnabledBySoftware)
            return;
        if (vector < FirstLegalVector)
        {
            RaiseError(ErrorReceiveIllegalVector);
            return;
        }

        _requests.Add(vector);
        if (isLevelTriggered)
            _levelTriggered.Add(vector);
        else
            _levelTriggered.Remove(vector);
        NotifyIfDeliverable();
    }

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("local APIC");
        SetBase(stream.Transferred(_baseRegister));
        stream.Transfer(ref _id);
        stream.Transfer(ref _taskPriority);
        stream.Transfer(ref _logicalDestination);
        stream.Transfer(ref _destinationFormat);
        stream.Transfer(ref _spurious);
        stream.Transfer(ref _errors);
        stream.Transfer(ref _errorStatus);
        stream.Transfer(ref _interruptCommand);
        stream.Transfer(ref _externalRequested);
        stream.Transfer<uint>(_localVectors);
        _requests.Transfer(stream);
        _inService.Transfer(stream);
        _levelTriggered.Transfer(stream);
        _timer.Transfer(stream);
    }

    internal void Receive(in InterruptMessage message)
    {
        if (!IsEnabled)
            return;
        switch (message.Mode)
        {
            case DeliveryMode.Fixed:
            case DeliveryMode.LowestPriority:
                Request(message.Vector, message.IsLevelTriggered);
                break;
            case DeliveryMode.Nmi:
                _host.NotifyNmi();
                break;
            case DeliveryMode.Init:
                Init();
                _host.Init();
                break;
            case DeliveryMode.Startup:
                _host.Startup(message.Vector);
                break;
            case DeliveryMode.ExternalInterrupt when _pic is not null:
                _externalRequested = true;
                NotifyIfDeliverable();
                break;
        }
    }

    /// <summary>Whether a message is addressed to this APIC (SDM Vol. 3, sections 11.6.2 and 11.12.9).</summary>
    internal bool Matches(in InterruptMessage message)
    {
        if (message.Destination == InterruptMessage.Everybody)
            return true;
        if (IsX2Apic)
        {
            if (!message.IsLogical)
                return message.Destination == _initialId;
            return message.Destination >> 16 == X2ApicLogicalId >> 16 && (message.Destination & X2ApicLogicalId & 0xFFFF) != 0;
        }

        if (message.Destination > 0xFF)
            return false;
        if (!message.IsLogical)
            return message.Destination == _id;
        var logicalId = _logicalDestination >> 24;
        return (_destinationFormat >> 28) switch
        {
            0xF => (message.Destination & logicalId) != 0,
            0x0 => message.Destination >> 4 == logicalId >> 4 && (message.Destination & logicalId & 0xF) != 0,
            _ => false,
        };
    }

    private static bool IsNmi(uint localVector) => (localVector & (LvtMask | 0x700)) == (uint)DeliveryMode.Nmi << 8;

    // Inlined as far as there is nothing to deliver, which is nearly always.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void NotifyIfDeliverable()
    {
        if (_requests.Highest >= 0 || _pic is { Output: true })
            NotifyIfAccepted();
    }

    private void NotifyIfAccepted()
    {
        if (HasInterrupt)
            _host.NotifyInterrupt();
    }

    private void EndOfInterrupt()
    {
        var vector = _inService.Highest;
        if (vector < 0)
            return;
        _inService.Remove(vector);
        if (_levelTriggered.Contains(vector))
            _bus.BroadcastEndOfInterrupt((byte)vector);
        NotifyIfDeliverable();
    }

    private void RaiseLocal(int source)
    {
        var entry = _localVectors[source];
        if ((entry & LvtMask) != 0)
            return;
        switch (source is TimerVector or ErrorVector ? DeliveryMode.Fixed : (DeliveryMode)((entry >> 8) & 7))
        {
            case DeliveryMode.Fixed:
                // A level-triggered LINT pin would hold remote IRR; the 8259A's INT is the only one here, and no use of it is fixed level.
                Request((byte)entry, isLevelTriggered: false);
                break;
            case DeliveryMode.Nmi:
                _host.NotifyNmi();
                break;
        }
    }

    private void RaiseError(uint error)
    {
        var isNew = (_errors & error) == 0;
        _errors |= error;
        // The error interrupt itself may have an illegal vector: that is one more error, and the last.
        if (isNew)
            RaiseLocal(ErrorVector);
    }

    /// <summary>Sends what the interrupt command register says (SDM Vol. 3, section 11.6.1).</summary>
    private void SendInterrupt()
    {
        var command = (uint)_interruptCommand;
        var mode = (DeliveryMode)((command >> 8) & 7);
        var vector = (byte)command;
        var isLevel = (command & (1 << 15)) != 0;
        var isAssert = (command & (1 << 14)) != 0;
        if (mode == DeliveryMode.Init && isLevel && !isAssert)
            return; // INIT level de-assert: no effect on processors since the Pentium 4.
        if (mode is DeliveryMode.Fixed or DeliveryMode.LowestPriority && vector < FirstLegalVector)
        {
            RaiseError(ErrorSendIllegalVector);
            return;
        }

        if (mode is DeliveryMode.ExternalInterrupt or (DeliveryMode)3)
            return;
        var destination = (uint)(_interruptCommand >> 32);
        if (!IsX2Apic)
            destination = InterruptMessage.WidenDestination((byte)(destination >> 24));
        var message = new InterruptMessage(destination, (command & (1 << 11)) != 0, mode, vector, IsLevelTriggered: false);
        switch ((command >> 18) & 3)
        {
            case 0:
                _bus.Send(message);
                break;
            case 1:
                if (mode == DeliveryMode.Fixed)
                    Request(vector, isLevelTriggered: false);
                break;
            case 2:
                _bus.Send(message with { Destination = InterruptMessage.Everybody });
                break;
            case 3:
                _bus.Send(message with { Destination = InterruptMessage.Everybody }, excluded: this);
                break;
        }
    }
}
