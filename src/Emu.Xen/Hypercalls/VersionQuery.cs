using System.Text;

namespace Emu.Xen.Hypercalls;

/// <summary>xen_version(cmd, arg): what this Xen is (xen/include/public/version.h).</summary>
internal static class VersionQuery
{
    public const uint Number = 17;

    private const int PageSize = 4096;

    /// <summary>
    /// Feature bits 0, 2, 8, 9, 13 and 16, as Xen 4.17 shows them to a PVH domain: writable page tables, translated memory, callback
    /// vector, safe pvclock, memory_op vnode, not direct mapped.
    /// </summary>
    private const uint Features = 0x1_2305;

    public static long Execute(in GuestCall call)
    {
        var command = (uint)call.Argument(0);
        var argument = call.Argument(1);
        switch (command)
        {
            case 0:
                return XenVersionNumber.Value;
            case 1:
                return WriteText(call, argument, 16, ".0");
            case 2:
                return WriteCompileInfo(call, argument);
            case 3:
                return WriteText(call, argument, 1024, "xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ");
            case 4:
                return WriteText(call, argument, 64, "unavailable");
            case 5: // platform_parameters: virt_start, which an HVM container does not have.
                return call.TryWrite(argument, new byte[call.Is64Bit ? 8 : 4]) ? 0 : XenError.BadAddress;
            case 6:
                return WriteFeatures(call, argument);
            case 7:
                return PageSize;
            case 8: // guest_handle: the domain's UUID; it has none.
                return call.TryWrite(argument, new byte[16]) ? 0 : XenError.BadAddress;
            case 9: // Xen's own command line is not a domain's business.
                return WriteText(call, argument, 1024, "<denied>");
            default:
                return call.Unsupported(command);
        }
    }

    private static long WriteText(in GuestCall call, ulong address, int length, string text)
    {
        var bytes = new byte[length];
        Encoding.ASCII.GetBytes(text, bytes);
        return call.TryWrite(address, bytes) ? 0 : XenError.BadAddress;
    }

    /// <summary>compile_info: compiler 64, compile_by 16, compile_domain 32, compile_date 32 bytes.</summary>
    private static long WriteCompileInfo(in GuestCall call, ulong address)
    {
        var bytes = new byte[64 + 16 + 32 + 32];
        Encoding.ASCII.GetBytes("RyuJIT", bytes);
        Encoding.ASCII.GetBytes("emu", bytes.AsSpan(64));
        return call.TryWrite(address, bytes) ? 0 : XenError.BadAddress;
    }

    /// <summary>feature_info: submap_idx u32 in, submap u32 out.</summary>
    private static long WriteFeatures(in GuestCall call, ulong address)
    {
        if (!call.TryReadUInt32(address, out var index))
            return XenError.BadAddress;
        if (index != 0)
            return XenError.Invalid;
        return call.TryWriteUInt32(address + 4, Features) ? 0 : XenError.BadAddress;
    }
}
