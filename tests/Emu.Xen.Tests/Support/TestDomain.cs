using System.Runtime.InteropServices;
using Emu.Cpu;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.Platform;
using Emu.Cpu.Snapshots;
using Emu.Cpu.State;
using Emu.Tests.Shared;
using Emu.Xen.Domains;

namespace Emu.Xen.Tests.Support;

/// <summary>A domain whose vCPUs execute nothing: tests set registers of the first and call the hypervisor as VMCALL would.</summary>
internal sealed unsafe class TestDomain : IDisposable, IStateful
{
    public const int Rax = 0, Rcx = 1, Rdx = 2, Rbx = 3, Rsi = 6, Rdi = 7;
    public const ulong MemorySize = 1 << 20;
    private const int SparePages = 256;

    // What lies around the domain's memory, and must stay what it is.
    private const int GuardLength = 1 << 16;
    private const byte GuardByte = 0xA5;
    private const int MappingLength = (int)MemorySize + (SparePages * 4096);

    private readonly byte* _mapping = (byte*)NativeMemory.AlignedAlloc(GuardLength + MappingLength + GuardLength, 4096);
    private readonly byte* _ram;
    private readonly BlockCache _blocks;

    public TestDomain(HypercallInstruction instruction = HypercallInstruction.Vmcall, bool acceptsBoth = false, int vcpus = 1)
    {
        new Span<byte>(_mapping, GuardLength + MappingLength + GuardLength).Fill(GuardByte);
        _ram = _mapping + GuardLength;
        NativeMemory.Clear(_ram, MappingLength);
        Memory = new PhysicalMemory(_ram, MemorySize, MemorySize, 0, SparePages);
        _blocks = new BlockCache(Memory, 1 << 20);
        Host = new FakeHost(Memory);
        Domain = new Domain(Host, new DomainOptions { Id = 7, Instruction = instruction, AcceptsBothInstructions = acceptsBoth });
        Hypervisor = new XenHypervisor(Domain);
        for (var number = 0; number < vcpus; number++)
        {
            var nothing = new EmptyPlatform();
            var interrupts = new DomainInterrupts(nothing);
            var processor = new FakeProcessor { IsInitialised = number == 0, IsUp = number == 0 };
            processor.Vcpu = new Vcpu(new VcpuOptions
            {
                Number = number,
                Memory = Memory,
                Blocks = _blocks,
                Ports = nothing,
                Mmio = nothing,
                Interrupts = interrupts,
                Hypervisor = Hypervisor,
                Observer = nothing,
                Model = new CpuModel(),
            });
            Processors.Add(processor);
            interrupts.Vcpu = Domain.AddVcpu(processor);
        }

        Use32BitCode();
    }

    public Domain Domain { get; }

    public FakeHost Host { get; }

    /// <summary>How often calls were interrupted and made again.</summary>
    public int Interruptions { get; private set; }

    public PhysicalMemory Memory { get; }

    public List<FakeProcessor> Processors { get; } = [];

    public Vcpu Vcpu => Processors[0].Vcpu;

    public XenHypervisor Hypervisor { get; }

    /// <summary>False where anything was written outside the domain's memory.</summary>
    public bool IsContained =>
        !new ReadOnlySpan<byte>(_mapping, GuardLength).ContainsAnyExcept(GuardByte)
        && !new ReadOnlySpan<byte>(_ram + MappingLength, GuardLength).ContainsAnyExcept(GuardByte);

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

    /// <summary>Sets the registers for a hypercall.</summary>
    public void SetCall(ulong number, params ulong[] arguments)
    {
        ReadOnlySpan<int> registers = Vcpu.Is64BitCode ? [Rdi, Rsi, Rdx, 10, 8] : [Rbx, Rcx, Rdx, Rsi, Rdi];
        // What a 32-bit caller leaves in the upper halves means nothing.
        Vcpu.State->Registers[Rax] = Vcpu.Is64BitCode ? number : 0xFFFF_FFFF_0000_0000 | number;
        for (var i = 0; i < arguments.Length; i++)
            Vcpu.State->Registers[registers[i]] = arguments[i];
    }

    /// <summary>Makes a hypercall with the registers of the current mode, and gives RAX.</summary>
    public ulong Call(uint number, params ulong[] arguments)
    {
        SetCall(number, arguments);
        HypercallOutcome outcome;
        do
        {
            outcome = Hypervisor.Hypercall(Vcpu, HypercallInstruction.Vmcall);
            Interruptions += outcome == HypercallOutcome.Again ? 1 : 0;
        }
        while (outcome == HypercallOutcome.Again);
        Assert(outcome == HypercallOutcome.Completed);
        return Vcpu.State->Registers[Rax];
    }

    /// <summary>The result of a call as a signed number.</summary>
    public long Try(uint number, params ulong[] arguments)
    {
        var result = Call(number, arguments);
        return Vcpu.Is64BitCode ? (long)result : (int)(uint)result;
    }

    /// <summary>Selects the caller's width.</summary>
    public void Select(bool is64Bit)
    {
        if (is64Bit)
            Use64BitCode();
        else
            Use32BitCode();
    }

    /// <summary>Writes 32-bit numbers at an address, one after the other.</summary>
    public void Put(ulong address, params uint[] words) => Write(address, MemoryMarshal.AsBytes<uint>(words).ToArray());

    /// <summary>Writes words of the caller's width at an address, one after the other.</summary>
    public void PutWords(ulong address, params ulong[] words)
    {
        foreach (var word in words)
        {
            Write(address, BitConverter.GetBytes(word)[..(Vcpu.Is64BitCode ? 8 : 4)]);
            address += Vcpu.Is64BitCode ? 8UL : 4;
        }
    }

    public ushort Read16(ulong address) => BitConverter.ToUInt16(Read(address, 2));

    public uint Read32(ulong address) => BitConverter.ToUInt32(Read(address, 4));

    public ulong Read64(ulong address) => BitConverter.ToUInt64(Read(address, 8));

    public byte[] Read(ulong address, int length)
    {
        var bytes = new byte[length];
        Assert(Memory.TryRead(address, bytes));
        return bytes;
    }

    public void Write(ulong address, params byte[] bytes) => Assert(Memory.TryWrite(address, bytes));

    /// <summary>Transfers what is around the domain: memory, vCPUs, processors and time.</summary>
    public void Transfer(StateStream stream)
    {
        stream.Transfer(new Span<byte>(_ram, MappingLength));
        Memory.Transfer(stream);
        Host.Transfer(stream);
        foreach (var processor in Processors)
        {
            processor.Vcpu.Transfer(stream);
            processor.Transfer(stream);
        }
    }

    public void Dispose()
    {
        foreach (var processor in Processors)
            processor.Vcpu.Dispose();
        _blocks.Dispose();
        NativeMemory.AlignedFree(_mapping);
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
