using Emu.Cpu.State;

namespace Emu.Cpu;

public sealed unsafe partial class Vcpu
{
    /// <summary>The general registers and RIP, to be read and written between calls to <see cref="Run"/>.</summary>
    public VcpuRegisters Registers => new(this);

    /// <summary>The linear address of the instruction that is next.</summary>
    public ulong LinearRip => Is64BitCode ? State->Rip : (uint)(State->Segments[(int)SegmentName.Cs].Base + State->Rip);
}

/// <summary>A vCPU's general registers and RIP by name, for those who look at it from outside without pointers.</summary>
public readonly unsafe struct VcpuRegisters
{
    private readonly Vcpu _vcpu;

    internal VcpuRegisters(Vcpu vcpu) => _vcpu = vcpu;

    /// <summary>RAX.</summary>
    public ulong Rax { get => this[0]; set => this[0] = value; }

    /// <summary>RCX.</summary>
    public ulong Rcx { get => this[1]; set => this[1] = value; }

    /// <summary>RDX.</summary>
    public ulong Rdx { get => this[2]; set => this[2] = value; }

    /// <summary>RBX.</summary>
    public ulong Rbx { get => this[3]; set => this[3] = value; }

    /// <summary>RSP.</summary>
    public ulong Rsp { get => this[4]; set => this[4] = value; }

    /// <summary>RBP.</summary>
    public ulong Rbp { get => this[5]; set => this[5] = value; }

    /// <summary>RSI.</summary>
    public ulong Rsi { get => this[6]; set => this[6] = value; }

    /// <summary>RDI.</summary>
    public ulong Rdi { get => this[7]; set => this[7] = value; }

    /// <summary>RIP: the offset in the code segment of the instruction that is next.</summary>
    public ulong Rip { get => _vcpu.State->Rip; set => _vcpu.State->Rip = value; }

    /// <summary>RFLAGS.</summary>
    public ulong Rflags => _vcpu.RflagsImage;

    /// <summary>A register by its number in instructions: RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 to R15.</summary>
    /// <param name="number">0 to 15.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such register.</exception>
    public ulong this[int number]
    {
        get
        {
            Check(number);
            return _vcpu.State->Registers[number];
        }
        set
        {
            Check(number);
            _vcpu.State->Registers[number] = value;
        }
    }

    private static void Check(int number) => ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)number, 15u, nameof(number));
}
