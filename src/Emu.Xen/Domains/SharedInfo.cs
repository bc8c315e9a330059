using Emu.Cpu.Snapshots;

namespace Emu.Xen.Domains;

/// <summary>The page that every domain shares with Xen: shared_info (xen/include/public/xen.h, arch-x86/xen.h).</summary>
/// <remarks>
/// <code>
///                   64 bit   32 bit
/// vcpu_info[32]     0x000    0x000   64 bytes each
/// evtchn_pending    0x800    0x800   64 words | 32 words
/// evtchn_mask       0xA00    0x880
/// wc_version        0xC00    0x900
/// wc_sec, wc_nsec   0xC04    0x904
/// wc_sec_hi         0xC0C    0x924
/// </code>
/// Which of the two layouts holds is latched: 64 bit until the domain writes the hypercall page's MSR or HVM_PARAM_CALLBACK_IRQ, then
/// that of whoever does.
/// </remarks>
public sealed class SharedInfo : IStateful
{
    /// <summary>vCPUs that have a vcpu_info here (XEN_LEGACY_MAX_VCPUS).</summary>
    public const int LegacyVcpus = 32;

    private const int VcpuInfoLength = 64;
    private const ulong NanosecondsPerSecond = 1_000_000_000;

    private readonly IXenHost _host;

    internal SharedInfo(IXenHost host, XenPage page)
    {
        _host = host;
        Page = page;
        WriteWallclock();
    }

    /// <summary>The page.</summary>
    public XenPage Page { get; }

    /// <summary>Which layout holds.</summary>
    public bool Is64Bit { get; private set; } = true;

    /// <summary>Bits in a word of the event bitmaps.</summary>
    public int WordBits => Is64Bit ? 64 : 32;

    /// <summary>The page's bytes.</summary>
    public MappedBytes Bytes => new(_host.Memory, Page.Frame);

    /// <summary>Where the bitmap of pending events begins.</summary>
    public static int Pending => 0x800;

    /// <summary>Where the bitmap of masked events begins.</summary>
    public int Mask => Is64Bit ? 0xA00 : 0x880;

    private int Wallclock => Is64Bit ? 0xC00 : 0x900;

    private int WallclockHigh => Is64Bit ? 0xC0C : 0x924;

    /// <summary>The vcpu_info of one of the first 32 vCPUs.</summary>
    /// <param name="vcpu">0–31.</param>
    /// <returns>64 bytes.</returns>
    public MappedBytes VcpuInfo(int vcpu) => Bytes.From(vcpu * VcpuInfoLength);

    /// <summary>Takes the layout of a caller, and writes the wallclock where it belongs in it.</summary>
    /// <param name="is64Bit">The caller's width.</param>
    public void LatchWidth(bool is64Bit)
    {
        Is64Bit = is64Bit;
        WriteWallclock();
    }

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        Is64Bit = stream.Transferred(Is64Bit);
    }

    /// <summary>What the wallclock shows at system time 0; the version is odd while it is being written.</summary>
    private void WriteWallclock()
    {
        var start = (ulong)(_host.ClockStart.ToUnixTimeMilliseconds() * 1_000_000);
        var bytes = Bytes;
        var version = (bytes.ReadUInt32(Wallclock) + 1) | 1;
        bytes.WriteUInt32(Wallclock, version);
        bytes.WriteUInt32(Wallclock + 4, (uint)(start / NanosecondsPerSecond));
        bytes.WriteUInt32(Wallclock + 8, (uint)(start % NanosecondsPerSecond));
        bytes.WriteUInt32(WallclockHigh, (uint)((start / NanosecondsPerSecond) >> 32));
        bytes.WriteUInt32(Wallclock, version + 1);
    }
}
