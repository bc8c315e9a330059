using System.Buffers.Binary;

namespace Emu.Xen.Hypercalls;

/// <summary>memory_op(cmd, arg): the domain's memory (xen/include/public/memory.h).</summary>
internal static class MemoryOperation
{
    public const uint Number = 12;

    /// <summary>The upper bits of the command are Xen's own continuation state.</summary>
    private const uint CommandMask = 0x3F;
    private const uint MemoryMap = 9;

    /// <summary>Entries are those of INT 15h, E820: 20 bytes, not start_info's 24.</summary>
    private const int EntryLength = 20;

    public static long Execute(in GuestCall call, IXenHost host)
    {
        var command = (uint)call.Argument(0) & CommandMask;
        if (command == MemoryMap)
            return WriteMemoryMap(call, host);
        host.Unsupported(Number, command);
        return XenError.NotImplemented;
    }

    /// <summary>xen_memory_map: nr_entries u32 in and out, then the buffer's address.</summary>
    private static long WriteMemoryMap(in GuestCall call, IXenHost host)
    {
        var argument = call.Argument(1);
        if (!call.TryReadUInt32(argument, out var capacity) || !call.TryReadWord(argument + (call.Is64Bit ? 8UL : 4), out var buffer))
            return XenError.BadAddress;
        var count = (int)Math.Min(capacity, (uint)host.MemoryMap.Count);
        var bytes = new byte[count * EntryLength];
        for (var i = 0; i < count; i++)
        {
            var range = host.MemoryMap[i];
            var entry = bytes.AsSpan(i * EntryLength);
            BinaryPrimitives.WriteUInt64LittleEndian(entry, range.Address);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], range.Size);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[16..], range.Type);
        }

        return call.TryWrite(buffer, bytes) && call.TryWriteUInt32(argument, (uint)count) ? 0 : XenError.BadAddress;
    }
}
