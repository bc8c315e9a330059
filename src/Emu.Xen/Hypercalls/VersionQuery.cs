using System.Buffers.Binary;
using System.Text;

namespace Emu.Xen.Hypercalls;

/// <summary>xen_version(cmd, arg): what this Xen is (xen/include/public/version.h).</summary>
internal static class VersionQuery
{
    public const uint Number = 17;

    private const int PageSize = 4096;

    /// <summary>What a domain without privilege reads in place of Xen's command line.</summary>
    private const string Denied = "<denied>";

    /// <summary>HYPERVISOR_VIRT_START: where a PV guest of 64 bits would find Xen. To one of 32 bits the toolstack names a place; here there is none.</summary>
    private const ulong VirtualStart = 0xFFFF_8000_0000_0000;

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
                return WriteText(call, argument, 16, XenVersionNumber.Extra);
            case 2:
                return WriteCompileInfo(call, argument);
            case 3:
                return WriteText(call, argument, 1024, "xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ");
            case 4:
                return WriteText(call, argument, 64, "unavailable");
            case 5:
                return WritePlatformParameters(call, argument);
            case 6:
                return WriteFeatures(call, argument);
            case 7:
                return argument == 0 ? PageSize : XenError.Invalid;
            case 8:
                return WriteHandle(call, argument);
            case 9: // No longer than the text.
                return WriteText(call, argument, Denied.Length + 1, Denied);
            case 10: // build_id: not for domains without privilege.
                return XenError.NotPermitted;
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

    /// <summary>platform_parameters: virt_start word@0.</summary>
    private static long WritePlatformParameters(in GuestCall call, ulong address)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, call.Is64Bit ? VirtualStart : 0);
        return call.TryWrite(address, bytes[..call.WordLength]) ? 0 : XenError.BadAddress;
    }

    /// <summary>The domain's UUID, 16 bytes in the order in which they are written.</summary>
    private static long WriteHandle(in GuestCall call, ulong address)
    {
        Span<byte> bytes = stackalloc byte[16];
        call.Domain.Options.Uuid.TryWriteBytes(bytes, bigEndian: true, out _);
        return call.TryWrite(address, bytes) ? 0 : XenError.BadAddress;
    }

    /// <summary>feature_info: submap_idx u32@0, submap u32@4 out.</summary>
    private static long WriteFeatures(in GuestCall call, ulong address)
    {
        Span<byte> bytes = stackalloc byte[8];
        if (!call.TryRead(address, bytes))
            return XenError.BadAddress;
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes) != 0)
            return XenError.Invalid;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[4..], Features);
        return call.TryWrite(address, bytes) ? 0 : XenError.BadAddress;
    }
}
