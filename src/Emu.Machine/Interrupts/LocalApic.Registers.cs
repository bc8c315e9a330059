using System.Runtime.CompilerServices;
using Emu.Machine.Buses;

namespace Emu.Machine.Interrupts;

/// <remarks>
/// One register number serves both ways in: the xAPIC offset shifted right by four, which is also the MSR's distance from 0x800
/// (SDM Vol. 3, tables 11-1 and 11-6).
/// </remarks>
public sealed partial class LocalApic : IMmioDevice
{
    private const uint BaseMsr = 0x1B;
    private const uint DeadlineMsr = 0x6E0;
    private const uint FirstX2ApicMsr = 0x800;
    private const uint LastX2ApicMsr = 0x8FF;

    private const ulong DeliveryStatus = 1UL << 12;

    private const ulong BaseBootProcessor = 1UL << 8;
    private const ulong BaseX2Apic = 1UL << 10;
    private const ulong BaseEnable = 1UL << 11;

    private const uint Version = 0x14 | ((LocalVectorCount - 1) << 16);
    private const int LocalVectorCount = 6;
    private const int TimerVector = 0;
    private const int ThermalVector = 1;
    private const int PerformanceVector = 2;
    private const int Lint0Vector = 3;
    private const int Lint1Vector = 4;
    private const int ErrorVector = 5;

    private const uint Id = 0x02;
    private const uint VersionRegister = 0x03;
    private const uint TaskPriority = 0x08;
    private const uint ArbitrationPriorityRegister = 0x09;
    private const uint ProcessorPriorityRegister = 0x0A;
    private const uint EndOfInterruptRegister = 0x0B;
    private const uint LogicalDestination = 0x0D;
    private const uint DestinationFormat = 0x0E;
    private const uint SpuriousVector = 0x0F;
    private const uint InService = 0x10;
    private const uint TriggerMode = 0x18;
    private const uint InterruptRequest = 0x20;
    private const uint ErrorStatus = 0x28;
    private const uint InterruptCommandLow = 0x30;
    private const uint InterruptCommandHigh = 0x31;
    private const uint FirstLocalVector = 0x32;
    private const uint LastLocalVector = 0x37;
    private const uint InitialCount = 0x38;
    private const uint CurrentCount = 0x39;
    private const uint DivideConfiguration = 0x3E;
    private const uint SelfInterrupt = 0x3F;

    /// <summary>Vector, delivery mode, polarity, trigger mode, mask and timer mode, as far as each local vector has them.</summary>
    private static readonly uint[] LocalVectorBits = [0x700FF, 0x107FF, 0x107FF, 0x1A7FF, 0x1A7FF, 0x100FF];

    private ulong BaseReserved => ~(BaseBootProcessor | BaseX2Apic | BaseEnable | (((1UL << PhysicalAddressBits) - 1) & ~0xFFFUL));

    private uint X2ApicLogicalId => ((_initialId >> 4) << 16) | (1U << (int)(_initialId & 0xF));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Read(ulong offset, int size)
    {
        // Registers are 32 bits wide, one to each 16 bytes; what lies between them reads as zero.
        var value = (ulong)ReadRegister((uint)offset >> 4);
        var shift = (int)(offset & 0xF) * 8;
        return shift >= 32 ? 0 : (value >> shift) & (ulong.MaxValue >> (64 - (8 * size)));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(ulong offset, int size, ulong value)
    {
        // Only whole, aligned registers can be written (SDM Vol. 3, section 11.4.1).
        if ((offset & 0xF) == 0 && size >= 4)
            WriteRegister((uint)offset >> 4, (uint)value);
    }

    /// <inheritdoc/>
    public bool TryReadMsr(uint msr, out ulong value)
    {
        value = 0;
        switch (msr)
        {
            case BaseMsr:
                value = _baseRegister;
                return true;
            case DeadlineMsr:
                value = _timer.Deadline;
                return true;
            case >= FirstX2ApicMsr and <= LastX2ApicMsr when IsX2Apic:
                return TryReadX2Apic(msr - FirstX2ApicMsr, out value);
            default:
                return false;
        }
    }

    /// <inheritdoc/>
    public bool TryWriteMsr(uint msr, ulong value)
    {
        switch (msr)
        {
            case BaseMsr:
                return TryWriteBase(value);
            case DeadlineMsr:
                _timer.Deadline = value;
                return true;
            case >= FirstX2ApicMsr and <= LastX2ApicMsr when IsX2Apic:
                return TryWriteX2Apic(msr - FirstX2ApicMsr, value);
            default:
                return false;
        }
    }

    private bool TryReadX2Apic(uint register, out ulong value)
    {
        value = 0;
        switch (register)
        {
            case Id:
                value = _initialId;
                return true;
            case LogicalDestination:
                value = X2ApicLogicalId;
                return true;
            case InterruptCommandLow:
                value = _interruptCommand;
                return true;
            case VersionRegister or TaskPriority or ProcessorPriorityRegister or SpuriousVector or ErrorStatus:
            case >= InService and < InterruptRequest + 8:
            case >= FirstLocalVector and <= CurrentCount:
            case DivideConfiguration:
                value = ReadRegister(register);
                return true;
            default:
                return false;
        }
    }

    private bool TryWriteX2Apic(uint register, ulong value)
    {
        // Reserved bits raise #GP here, where the memory-mapped registers ignore them (SDM Vol. 3, section 11.12.1.3).
        var allowed = register switch
        {
            TaskPriority or SelfInterrupt => 0xFFUL,
            SpuriousVector => 0x3FFUL,
            EndOfInterruptRegister or ErrorStatus => 0UL,
            // The delivery status may be written, without effect.
            InterruptCommandLow => 0xFFFF_FFFF_000C_DFFF,
            >= FirstLocalVector and <= LastLocalVector => LocalVectorBits[register - FirstLocalVector] | 0x5000UL,
            InitialCount => uint.MaxValue,
            DivideConfiguration => 0xBUL,
            _ => ulong.MaxValue,
        };
        if (allowed == ulong.MaxValue || (value & ~allowed) != 0)
            return false;
        switch (register)
        {
            case SelfInterrupt:
                SendToSelf((byte)value);
                return true;
            case InterruptCommandLow:
                _interruptCommand = value & ~DeliveryStatus;
                SendInterrupt();
                return true;
            default:
                WriteRegister(register, (uint)value);
                return true;
        }
    }

    private void SendToSelf(byte vector)
    {
        if (vector < FirstLegalVector)
            RaiseError(ErrorSendIllegalVector);
        else
            Request(vector, isLevelTriggered: false);
    }

    /// <summary>IA32_APIC_BASE and its transitions (SDM Vol. 3, figure 11-27): off, xAPIC, x2APIC, and from there only off.</summary>
    private bool TryWriteBase(ulong value)
    {
        var enable = (value & BaseEnable) != 0;
        var x2Apic = (value & BaseX2Apic) != 0;
        var wasEnabled = (_baseRegister & BaseEnable) != 0;
        if ((value & BaseReserved) != 0 || (x2Apic && !enable))
            return false;
        if ((IsX2Apic && enable && !x2Apic) || (!wasEnabled && x2Apic))
            return false;
        var entersX2Apic = x2Apic && !IsX2Apic;
        SetBase(value);
        if (wasEnabled && !enable)
            Reset();
        if (entersX2Apic)
            _interruptCommand = 0;
        NotifyIfDeliverable();
        return true;
    }

    private void SetBase(ulong value)
    {
        _baseRegister = (value & ~BaseBootProcessor) | (_isBootProcessor ? BaseBootProcessor : 0);
        MappedPage = (value & (BaseEnable | BaseX2Apic)) == BaseEnable ? value & ~0xFFFUL : ulong.MaxValue;
    }

    private uint ReadRegister(uint register)
    {
        switch (register)
        {
            case Id:
                return (uint)_id << 24;
            case VersionRegister:
                return Version;
            case TaskPriority:
                return _taskPriority;
            case ArbitrationPriorityRegister:
                return (uint)ArbitrationPriority;
            case ProcessorPriorityRegister:
                return (uint)ProcessorPriority;
            case EndOfInterruptRegister:
                return 0;
            case LogicalDestination:
                return _logicalDestination;
            case DestinationFormat:
                return _destinationFormat;
            case SpuriousVector:
                return _spurious;
            case >= InService and < InService + 8:
                return _inService[(int)(register - InService)];
            case >= TriggerMode and < TriggerMode + 8:
                return _levelTriggered[(int)(register - TriggerMode)];
            case >= InterruptRequest and < InterruptRequest + 8:
                return _requests[(int)(register - InterruptRequest)];
            case ErrorStatus:
                return _errorStatus;
            case InterruptCommandLow:
                return (uint)_interruptCommand;
            case InterruptCommandHigh:
                return (uint)(_interruptCommand >> 32);
            case >= FirstLocalVector and <= LastLocalVector:
                return _localVectors[register - FirstLocalVector];
            case InitialCount:
                return _timer.InitialCount;
            case CurrentCount:
                return _timer.CurrentCount;
            case DivideConfiguration:
                return _timer.DivideConfiguration;
            default:
                RaiseError(ErrorIllegalRegister);
                return 0;
        }
    }

    private void WriteRegister(uint register, uint value)
    {
        switch (register)
        {
            case Id:
                _id = (byte)(value >> 24);
                break;
            case VersionRegister or ArbitrationPriorityRegister or ProcessorPriorityRegister or CurrentCount:
            case >= InService and < InterruptRequest + 8:
                break;
            case TaskPriority:
                _taskPriority = (byte)value;
                NotifyIfDeliverable();
                break;
            case EndOfInterruptRegister:
                EndOfInterrupt();
                break;
            case LogicalDestination:
                _logicalDestination = value & 0xFF00_0000;
                break;
            case DestinationFormat:
                _destinationFormat = value | 0x0FFF_FFFF;
                break;
            case SpuriousVector:
                WriteSpuriousVector(value);
                break;
            case ErrorStatus:
                _errorStatus = _errors;
                _errors = 0;
                break;
            case InterruptCommandLow:
                // The delivery status, bit 12, always reads as idle: messages arrive at once.
                _interruptCommand = (_interruptCommand & 0xFFFF_FFFF_0000_0000) | (value & 0xC_CFFF);
                SendInterrupt();
                break;
            case InterruptCommandHigh:
                _interruptCommand = (_interruptCommand & 0xFFFF_FFFF) | ((ulong)(value & 0xFF00_0000) << 32);
                break;
            case >= FirstLocalVector and <= LastLocalVector:
                WriteLocalVector((int)(register - FirstLocalVector), value);
                break;
            case InitialCount:
                _timer.InitialCount = value;
                break;
            case DivideConfiguration:
                _timer.DivideConfiguration = value;
                break;
            default:
                RaiseError(ErrorIllegalRegister);
                break;
        }
    }

    private void WriteSpuriousVector(uint value)
    {
        _spurious = value & 0x3FF;
        if ((value & SoftwareEnable) != 0)
        {
            EnabledBySoftware?.Invoke();
            NotifyIfDeliverable();
            return;
        }

        // Disabled by software: every local vector is masked and stays so (SDM Vol. 3, section 11.4.7.2).
        for (var i = 0; i < LocalVectorCount; i++)
            _localVectors[i] |= LvtMask;
    }

    private void WriteLocalVector(int index, uint value)
    {
        value &= LocalVectorBits[index];
        if ((_spurious & SoftwareEnable) == 0)
            value |= LvtMask;
        _localVectors[index] = value;
        if (index == TimerVector)
            _timer.Mode = (int)(value >> 17) & 3;
        if (index == Lint0Vector)
            NotifyIfDeliverable();
    }
}
