using System.Runtime.CompilerServices;
using Emu.Cpu.Execution;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Compilation;

/// <summary>Where the fields lie that compiled code reaches by address. (Marshalling's offsets are not those of managed layout.)</summary>
internal static unsafe class StateLayout
{
    /// <summary>Byte offset of a field of <see cref="CpuState"/>.</summary>
    public static int OffsetOf(string field)
    {
        CpuState s;
        var start = (byte*)&s;
        return (int)(field switch
        {
            nameof(CpuState.Rip) => (byte*)&s.Rip - start,
            nameof(CpuState.Flags) => (byte*)&s.Flags - start,
            nameof(CpuState.Budget) => (byte*)&s.Budget - start,
            nameof(CpuState.DataTlb) => (byte*)&s.DataTlb - start,
            nameof(CpuState.JumpCache) => (byte*)&s.JumpCache - start,
            nameof(CpuState.CodeTag) => (byte*)&s.CodeTag - start,
            nameof(CpuState.Compiled) => (byte*)&s.Compiled - start,
            nameof(CpuState.Exit) => (byte*)&s.Exit - start,
            nameof(CpuState.Unavailable) => (byte*)&s.Unavailable - start,
            nameof(CpuState.Cpl) => (byte*)&s.Cpl - start,
            nameof(CpuState.SystemFlags) => (byte*)&s.SystemFlags - start,
            nameof(CpuState.Sse) => (byte*)&s.Sse - start,
            nameof(CpuState.Vectors) => (byte*)s.Vectors - start,
            _ => throw new ArgumentOutOfRangeException(nameof(field)),
        });
    }

    /// <summary>Byte offset of <see cref="SseContext.Mxcsr"/>.</summary>
    public static int Mxcsr
    {
        get
        {
            SseContext context;
            return (int)((byte*)&context.Mxcsr - (byte*)&context);
        }
    }

    /// <summary>Byte offset of <see cref="SseContext.Unmasked"/>.</summary>
    public static int Unmasked
    {
        get
        {
            SseContext context;
            return (int)((byte*)&context.Unmasked - (byte*)&context);
        }
    }

    /// <summary>Byte offset of <see cref="Block.Entry"/>.</summary>
    public static int BlockEntry
    {
        get
        {
            Block block;
            return (int)((byte*)&block.Entry - (byte*)&block);
        }
    }

    /// <summary>Byte offset of <see cref="Block.Interpreter"/>.</summary>
    public static int BlockInterpreter
    {
        get
        {
            Block block;
            return (int)((byte*)&block.Interpreter - (byte*)&block);
        }
    }

    /// <summary>Byte offset of <see cref="TlbEntry.ReadTag"/>.</summary>
    public static int ReadTag
    {
        get
        {
            TlbEntry entry;
            return (int)((byte*)&entry.ReadTag - (byte*)&entry);
        }
    }

    /// <summary>Byte offset of <see cref="TlbEntry.WriteTag"/>.</summary>
    public static int WriteTag
    {
        get
        {
            TlbEntry entry;
            return (int)((byte*)&entry.WriteTag - (byte*)&entry);
        }
    }

    /// <summary>Byte offset of <see cref="TlbEntry.Addend"/>.</summary>
    public static int Addend
    {
        get
        {
            TlbEntry entry;
            return (int)((byte*)&entry.Addend - (byte*)&entry);
        }
    }

    /// <summary>Byte offset of <see cref="JumpCacheEntry.Tag"/>.</summary>
    public static int JumpTag
    {
        get
        {
            JumpCacheEntry entry;
            return (int)((byte*)&entry.Tag - (byte*)&entry);
        }
    }

    /// <summary>Byte offset of <see cref="JumpCacheEntry.Block"/>.</summary>
    public static int JumpBlock
    {
        get
        {
            JumpCacheEntry entry;
            return (int)((byte*)&entry.Block - (byte*)&entry);
        }
    }

    /// <summary>Byte offset of a field of <see cref="RegionExit"/>.</summary>
    public static int OffsetOfExit(string field)
    {
        RegionExit exit;
        var start = (byte*)&exit;
        return (int)(field switch
        {
            nameof(RegionExit.Handler) => (byte*)&exit.Handler - start,
            nameof(RegionExit.Op) => (byte*)&exit.Op - start,
            nameof(RegionExit.RipDelta) => (byte*)&exit.RipDelta - start,
            nameof(RegionExit.Flags) => (byte*)&exit.Flags - start,
            nameof(RegionExit.Remaining) => (byte*)&exit.Remaining - start,
            nameof(RegionExit.Refund) => (byte*)&exit.Refund - start,
            _ => throw new ArgumentOutOfRangeException(nameof(field)),
        });
    }

    /// <summary>Byte offset of a segment's base in <see cref="CpuState"/>.</summary>
    public static int OffsetOfBase(SegmentName segment)
    {
        CpuState s;
        Unsafe.SkipInit(out s);
        return (int)((byte*)&(&s)->Segments[(int)segment].Base - (byte*)&s);
    }

    /// <summary>Byte offset of a segment's limit in <see cref="CpuState"/>.</summary>
    public static int OffsetOfLimit(SegmentName segment)
    {
        CpuState s;
        Unsafe.SkipInit(out s);
        return (int)((byte*)&(&s)->Segments[(int)segment].Limit - (byte*)&s);
    }

    /// <summary>Byte offset of a segment's attributes in <see cref="CpuState"/>.</summary>
    public static int OffsetOfAttributes(SegmentName segment)
    {
        CpuState s;
        Unsafe.SkipInit(out s);
        return (int)((byte*)&(&s)->Segments[(int)segment].Attributes - (byte*)&s);
    }
}
