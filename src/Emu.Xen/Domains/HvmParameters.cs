using Emu.Cpu.Snapshots;

namespace Emu.Xen.Domains;

/// <summary>HVM_PARAM_*: what domain and toolstack tell one another (xen/include/public/hvm/params.h).</summary>
public sealed class HvmParameters : IStateful
{
    /// <summary>How upcalls reach a guest that has set no vector per vCPU.</summary>
    public const uint CallbackInterrupt = 0;

    /// <summary>GFN of the xenstore ring.</summary>
    public const uint StoreFrame = 1;

    /// <summary>Port of the xenstore ring.</summary>
    public const uint StorePort = 2;

    /// <summary>GFN of the console ring.</summary>
    public const uint ConsoleFrame = 17;

    /// <summary>Port of the console ring.</summary>
    public const uint ConsolePort = 18;

    private const uint Vm86Tss = 15, AcpiIoPorts = 19, GenerationIdAddress = 34, AlternateP2m = 35, X87FipWidth = 36, Vm86TssSized = 37;

    /// <summary>How many there are (HVM_NR_PARAMS).</summary>
    public const uint Count = 39;

    // VM86_TSS_UPDATED: Xen's own note that it has to look at the area again, and the size that goes with an address alone.
    private const ulong TssUpdated = 1UL << 63, UsualTssSize = 128UL << 32;

    // struct tss32; the same with interrupt redirection and I/O permission bitmaps.
    private const ulong SmallestTss = 104, LargestTss = SmallestTss + (0x100 / 8) + (0x10000 / 8) + 1;
    private const int CallbackTypeShift = 56;
    private const ulong CallbackByVector = 2;

    // Parameters that once meant something: 4, 13, 20–26 and 30 without the ones in use.
    private const ulong Deprecated = (1UL << 4) | (1UL << 13) | (0x1FUL << 20) | (3UL << 25) | (1UL << 30);

    private readonly ulong[] _values = new ulong[Count];

    /// <summary>The vector that is injected into every vCPU while an upcall is pending; null where the guest has chosen another way.</summary>
    public byte? CallbackVector { get; private set; }

    /// <summary>A parameter as the toolstack sees it.</summary>
    /// <param name="index">One that exists.</param>
    public ulong this[uint index]
    {
        get => _values[index];
        set => _values[index] = value;
    }

    /// <summary>HVMOP_get_param by the guest.</summary>
    /// <param name="index">Which; anything.</param>
    /// <param name="value">Its value.</param>
    /// <returns>0; -EINVAL where there is none such; -EPERM where it is the toolstack's.</returns>
    public long Get(uint index, out ulong value)
    {
        value = 0;
        if (IsUnknown(index))
            return XenError.Invalid;
        if (index is not (CallbackInterrupt or StoreFrame or StorePort or Vm86Tss or ConsoleFrame or ConsolePort or AcpiIoPorts
            or GenerationIdAddress or AlternateP2m or X87FipWidth or Vm86TssSized))
        {
            return XenError.NotPermitted;
        }

        value = index switch
        {
            Vm86Tss => (uint)_values[Vm86TssSized],
            Vm86TssSized => _values[index] & ~TssUpdated,
            _ => _values[index],
        };
        return 0;
    }

    /// <summary>HVMOP_set_param by the guest.</summary>
    /// <param name="index">Which; anything.</param>
    /// <param name="value">Its new value.</param>
    /// <returns>
    /// 0; -EINVAL where there is none such or the value cannot be; -EPERM where it is the toolstack's; -ENODEV where it is about a device
    /// that no PVH domain has.
    /// </returns>
    public long Set(uint index, ulong value)
    {
        if (IsUnknown(index))
            return XenError.Invalid;
        switch (index)
        {
            // Interrupt lines need interrupt controllers that a PVH domain has not: those ways are taken for no change at all.
            case CallbackInterrupt:
                if (IsVector(value))
                    CallbackVector = (byte)value;
                break;
            case X87FipWidth when value is not (0 or 4 or 8):
            case Vm86Tss when value > uint.MaxValue:
            case Vm86TssSized when value >> 32 < SmallestTss:
                return XenError.Invalid;
            case Vm86Tss:
                index = Vm86TssSized;
                value = value == 0 ? 0 : value | UsualTssSize | TssUpdated;
                break;
            case Vm86TssSized:
                value = (uint)value | (Math.Min(value >> 32, LargestTss) << 32) | TssUpdated;
                break;
            // The PM timer's place.
            case AcpiIoPorts:
                return XenError.NoDevice;
            case StorePort or ConsolePort or GenerationIdAddress or X87FipWidth:
                break;
            default:
                return XenError.NotPermitted;
        }

        _values[index] = value;
        return 0;
    }

    /// <summary>Whether a value of <see cref="CallbackInterrupt"/> names a vector.</summary>
    /// <param name="value">The value.</param>
    /// <returns>True where it does; else it names an interrupt line.</returns>
    public static bool IsVector(ulong value) => value >> CallbackTypeShift == CallbackByVector;

    /// <summary>Whether Xen crashes a domain that asks for a value: a task state segment for virtual-8086 mode that cannot be.</summary>
    /// <param name="index">Which parameter; anything.</param>
    /// <param name="value">The value.</param>
    /// <returns>True where it does.</returns>
    public static bool IsFatal(uint index, ulong value) => index switch
    {
        Vm86Tss => value > uint.MaxValue,
        Vm86TssSized => value >> 32 < SmallestTss,
        _ => false,
    };

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("HVM parameters");
        stream.Transfer(_values.AsSpan());
        var vector = CallbackVector;
        stream.Transfer(ref vector);
        CallbackVector = vector;
    }

    private static bool IsUnknown(uint index) => index >= Count || (Deprecated & (1UL << (int)index)) != 0;
}
