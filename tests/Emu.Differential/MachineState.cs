using System.Runtime.InteropServices;

namespace Emu.Differential;

/// <summary>The width of code.</summary>
public enum CodeSize
{
    /// <summary>16-bit protected mode.</summary>
    Bits16 = 16,

    /// <summary>32-bit protected mode.</summary>
    Bits32 = 32,

    /// <summary>64-bit mode.</summary>
    Bits64 = 64,
}

/// <summary>All that a user-mode program can see of a processor, before or after it ran.</summary>
[StructLayout(LayoutKind.Sequential, Size = Size)]
public unsafe struct MachineState
{
    /// <summary>Bytes of the struct.</summary>
    public const int Size = 1024;

    /// <summary>Bytes of <see cref="Xsave"/>: legacy area, header, YMM_Hi128.</summary>
    public const int XsaveLength = 832;

    /// <summary><see cref="Vector"/> of a run that ended at one of its landings.</summary>
    public const int NoVector = -1;

    /// <summary><see cref="Vector"/> of a run that did not end.</summary>
    public const int Endless = -2;

    /// <summary>RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8–R15.</summary>
    public fixed ulong Registers[16];

    /// <summary>RFLAGS.</summary>
    public ulong Flags;

    /// <summary>RIP.</summary>
    public ulong Rip;

    /// <summary>Base of FS.</summary>
    public ulong FsBase;

    /// <summary>Base of GS.</summary>
    public ulong GsBase;

    /// <summary>ES, CS, SS, DS, FS, GS and two unused.</summary>
    public fixed ushort Selectors[8];

    /// <summary>Vector of the exception that ended the run, or <see cref="NoVector"/>.</summary>
    public int Vector;

    /// <summary>Its error code, 0 where it has none.</summary>
    public uint ErrorCode;

    /// <summary>The address of a page fault; 0 for other vectors.</summary>
    public ulong Cr2;

    /// <summary>x87, SSE and AVX state in the standard format of XSAVE64.</summary>
    public fixed byte Xsave[XsaveLength];
}

/// <summary>Offsets in <see cref="MachineState.Xsave"/>.</summary>
public static class XsaveImage
{
    public const int ControlWord = 0, StatusWord = 2, Tags = 4, Opcode = 6, InstructionPointer = 8, OperandPointer = 16, Mxcsr = 24, MxcsrMask = 28;
    public const int Stack = 32, Xmm = 160, LegacyEnd = 416, Header = 512, YmmHigh = 576;
}
