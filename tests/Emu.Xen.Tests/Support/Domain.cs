using System.Runtime.InteropServices;
using Emu.Cpu;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.Platform;
using Emu.Cpu.State;
using Emu.Tests.Shared;

namespace Emu.Xen.Tests.Support;

/// <summary>A domain with one vCPU that executes nothing: tests set its registers and call the hypervisor as VMCALL would.</summary>
internal sealed unsafe class Domain : IXenHost, IDisposable
{
    public const int Rax = 0, Rcx = 1, Rdx = 2, Rbx = 3, Rsi = 6, Rdi = 7;
    private const ulong MemorySize = 1 << 20;

    private readonly byte* _ram = (byte*)NativeMemory.AlignedAlloc((nuint)MemorySize, 4096);
    private readonly BlockCache _blocks;

    public Domain(HypercallInstruction instruction = HypercallInstruction.Vmcall, bool acceptsBoth = false)
    {
        NativeMemory.Clear(_ram, (nuint)MemorySize);
        Memory = new PhysicalMemory(_ram, MemorySize, MemorySize);
        _blocks = new BlockCache(Memory, 1 << 20);
        Hypervisor = new XenHypervisor(this, vcpu: 0, instruction, domain: 7, acceptsBoth);
        var nothing = new EmptyPlatform();
        Vcpu = new Vcpu(new VcpuOptions
        {
            Memory = Memory,
            Blocks = _blocks,
            Ports = nothing,
            Mmio = nothing,
            Interrupts = nothing,
            Hypervisor = Hypervisor,
            Observer = nothing,
            Model = new CpuModel(),
        });
        Use32BitCode();
    }

    public PhysicalMemory Memory { get; }

    public Vcpu Vcpu { get; }

    public XenHypervisor Hypervisor { get; }

    public List<byte> Console { get; } = [];

    public Queue<byte> Input { get; } = new();

    public List<ShutdownReason> Shutdowns { get; } = [];

    public List<(uint Hypercall, uint? Operation)> Reported { get; } = [];

    public IReadOnlyList<XenMemoryRange> MemoryMap { get; } = [new(0, MemorySize, 1), new(0xFEFF_8000, 0x8000, 2)];

    /// <summary>Flat 32-bit protected mode without paging.</summary>
    public void Use32BitCode()
    {
        Vcpu.State->Cr0 = Cr0.Pe | Cr0.Et;
        SetCode(SegmentAttributes.Default32);
    }

    /// <summary>64-bit mode with the first MiB mapped to itself by one 2 MiB page.</summary>
    public void Use64BitCode()
    {
        BitConverter.TryWriteBytes(new Span<byte>(_ram + 0x1000, 8), 0x2003UL);
        BitConverter.TryWriteBytes(new Span<byte>(_ram + 0x2000, 8), 0x3003UL);
        BitConverter.TryWriteBytes(new Span<byte>(_ram + 0x3000, 8), 0x0083UL);
        Vcpu.State->Cr3 = 0x1000;
        Vcpu.State->Cr4 = Cr4.Pae;
        Vcpu.State->Efer = Efer.Lme | Efer.Lma;
        Vcpu.State->Cr0 = Cr0.Pe | Cr0.Et | Cr0.Pg;
        SetCode(SegmentAttributes.Long);
    }

    /// <summary>Makes a hypercall with the registers of the current mode, and gives RAX.</summary>
    public ulong Call(uint number, params ulong[] arguments)
    {
        ReadOnlySpan<int> registers = Vcpu.Is64BitCode ? [Rdi, Rsi, Rdx, 10, 8] : [Rbx, Rcx, Rdx, Rsi, Rdi];
        Vcpu.State->Registers[Rax] = 0xFFFF_FFFF_0000_0000 | number;
        for (var i = 0; i < arguments.Length; i++)
            Vcpu.State->Registers[registers[i]] = arguments[i];
        Assert(Hypervisor.TryHypercall(Vcpu, HypercallInstruction.Vmcall));
        return Vcpu.State->Registers[Rax];
    }

    public byte[] Read(ulong address, int length)
    {
        var bytes = new byte[length];
        Assert(Memory.TryRead(address, bytes));
        return bytes;
    }

    public void Write(ulong address, params byte[] bytes) => Assert(Memory.TryWrite(address, bytes));

    public void WriteConsole(ReadOnlySpan<byte> text) => Console.AddRange(text);

    public int ReadConsole(Span<byte> buffer)
    {
        var count = 0;
        while (count < buffer.Length && Input.TryDequeue(out var value))
            buffer[count++] = value;
        return count;
    }

    public void Shutdown(ShutdownReason reason) => Shutdowns.Add(reason);

    public void Unsupported(uint hypercall, uint? operation) => Reported.Add((hypercall, operation));

    public void Dispose()
    {
        Vcpu.Dispose();
        _blocks.Dispose();
        NativeMemory.AlignedFree(_ram);
    }

    private static void Assert(bool condition) => Xunit.Assert.True(condition);

    private void SetCode(SegmentAttributes width)
    {
        const SegmentAttributes common = SegmentAttributes.Present | SegmentAttributes.CodeOrData | SegmentAttributes.WritableOrReadable;
        Vcpu.State->Segments[(int)SegmentName.Cs] = new SegmentRegister
        {
            Limit = uint.MaxValue,
            Attributes = common | SegmentAttributes.Code | width,
        };
        Vcpu.StateChanged();
    }
}
