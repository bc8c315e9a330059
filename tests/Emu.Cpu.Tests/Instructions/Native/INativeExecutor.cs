namespace Emu.Cpu.Tests.Instructions.Native;

/// <summary>The host's own processor, where it is one of the kind that is emulated.</summary>
internal interface INativeExecutor : IDisposable
{
    /// <summary>Memory that instructions may use. It lies at <see cref="MachineState.DataAddress"/>, in the guest too.</summary>
    Span<byte> Data { get; }

    /// <summary>Executes one instruction that neither faults nor transfers control.</summary>
    void Execute(ReadOnlySpan<byte> instruction, ref MachineState state);
}

/// <summary>General registers and RFLAGS.</summary>
internal unsafe struct MachineState
{
    /// <summary>Address of the memory that both sides share in content: low enough for any displacement, and within the guest's RAM.</summary>
    public const ulong DataAddress = 0x80_0000;

    /// <summary>Its length in bytes. The stack is its upper half.</summary>
    public const int DataLength = 0x8000;

    /// <summary>RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8–R15.</summary>
    public fixed ulong Registers[16];

    /// <summary>RFLAGS.</summary>
    public ulong Flags;
}
