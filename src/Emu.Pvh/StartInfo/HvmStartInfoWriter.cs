using System.Buffers.Binary;

namespace Emu.Pvh;

/// <summary>Turns an <see cref="HvmStartInfo"/> and its lists into the bytes that a guest reads.</summary>
public static class HvmStartInfoWriter
{
    /// <summary>Writes the structure itself, without its lists.</summary>
    /// <param name="info">What to write; its addresses are taken as they are.</param>
    /// <returns>Always <see cref="HvmStartInfo.Size"/> bytes: older layouts are padded with zeros.</returns>
    /// <exception cref="StartInfoException">A value does not fit into the draft's 32-bit fields.</exception>
    public static byte[] WriteHeader(HvmStartInfo info)
    {
        ArgumentNullException.ThrowIfNull(info);
        byte[] bytes = new byte[HvmStartInfo.Size];
        Span<byte> span = bytes;
        BinaryPrimitives.WriteUInt32LittleEndian(span, HvmStartInfo.Magic);
        ulong moduleList = info.Modules.Count == 0 ? 0 : info.ModuleListAddress;
        if (info.Version == StartInfoVersion.Draft)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(span[4..], (uint)info.Flags);
            BinaryPrimitives.WriteUInt32LittleEndian(span[8..], Narrow(info.CommandLineAddress, "command line"));
            BinaryPrimitives.WriteUInt32LittleEndian(span[12..], (uint)info.Modules.Count);
            BinaryPrimitives.WriteUInt32LittleEndian(span[16..], Narrow(moduleList, "module list"));
            return bytes;
        }

        BinaryPrimitives.WriteUInt32LittleEndian(span[4..], info.Version == StartInfoVersion.V1 ? 1u : 0u);
        BinaryPrimitives.WriteUInt32LittleEndian(span[8..], (uint)info.Flags);
        BinaryPrimitives.WriteUInt32LittleEndian(span[12..], (uint)info.Modules.Count);
        BinaryPrimitives.WriteUInt64LittleEndian(span[16..], moduleList);
        BinaryPrimitives.WriteUInt64LittleEndian(span[24..], info.CommandLineAddress);
        BinaryPrimitives.WriteUInt64LittleEndian(span[32..], info.RsdpAddress);
        if (info.Version == StartInfoVersion.V1)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(span[40..], info.MemoryMap.Count == 0 ? 0 : info.MemoryMapAddress);
            BinaryPrimitives.WriteUInt32LittleEndian(span[48..], (uint)info.MemoryMap.Count);
        }

        return bytes;
    }

    /// <summary>Writes the module list.</summary>
    /// <param name="info">What to write.</param>
    /// <returns>The bytes for <see cref="HvmStartInfo.ModuleListAddress"/>.</returns>
    /// <exception cref="StartInfoException">A value does not fit into the draft's 32-bit fields.</exception>
    public static byte[] WriteModuleList(HvmStartInfo info)
    {
        ArgumentNullException.ThrowIfNull(info);
        int entrySize = HvmStartInfo.ModuleEntrySizeOf(info.Version);
        byte[] bytes = new byte[info.Modules.Count * entrySize];
        for (int i = 0; i < info.Modules.Count; i++)
        {
            Span<byte> entry = bytes.AsSpan(i * entrySize, entrySize);
            StartInfoModule module = info.Modules[i];
            if (info.Version == StartInfoVersion.Draft)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(entry, Narrow(module.Address, "module"));
                BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], Narrow(module.Size, "module size"));
            }
            else
            {
                BinaryPrimitives.WriteUInt64LittleEndian(entry, module.Address);
                BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], module.Size);
                BinaryPrimitives.WriteUInt64LittleEndian(entry[16..], module.CommandLineAddress);
            }
        }

        return bytes;
    }

    /// <summary>Writes the memory map; nothing for layouts that have none.</summary>
    /// <param name="info">What to write.</param>
    /// <returns>The bytes for <see cref="HvmStartInfo.MemoryMapAddress"/>.</returns>
    public static byte[] WriteMemoryMap(HvmStartInfo info)
    {
        ArgumentNullException.ThrowIfNull(info);
        if (info.Version != StartInfoVersion.V1)
            return [];
        byte[] bytes = new byte[info.MemoryMap.Count * HvmStartInfo.MemoryMapEntrySize];
        for (int i = 0; i < info.MemoryMap.Count; i++)
        {
            Span<byte> entry = bytes.AsSpan(i * HvmStartInfo.MemoryMapEntrySize, HvmStartInfo.MemoryMapEntrySize);
            BinaryPrimitives.WriteUInt64LittleEndian(entry, info.MemoryMap[i].Address);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], info.MemoryMap[i].Size);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[16..], (uint)info.MemoryMap[i].Type);
        }

        return bytes;
    }

    private static uint Narrow(ulong value, string what) => value <= uint.MaxValue
        ? (uint)value
        : throw new StartInfoException($"The draft layout holds 32-bit values only, but the {what} is 0x{value:x}.");
}
