using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using Emu.Cpu;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions;
using Emu.Cpu.Memory;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Benchmarks.Cpu;

/// <summary>Nanoseconds for an instruction that is decoded, for a block that is looked up, and for going from one block to another.</summary>
/// <remarks>
/// Iced alone takes about 30 ns for an instruction of kernel code: what <see cref="Decode"/> takes beyond is ours. QEMU's TCG takes about 500 ns
/// to translate one. A look-up happens where the jump cache does not know the way; going to another page on a way that it knows should cost little
/// more than the two instructions that do it (3 ns).
/// </remarks>
public unsafe class BlockBenchmarks
{
    private const int Instructions = 60;
    private const int Blocks = 256;
    private const int Transitions = 100_000;
    private const CodeMode Mode = CodeMode.Code64 | CodeMode.Flat;

    private BareVcpu _code = null!, _pages = null!;
    private BlockCache _cache = null!;
    private BlockDecoder _decoder = null!;
    private Block* _block;

    [GlobalSetup]
    public void SetUp()
    {
        _code = new BareVcpu(a =>
        {
            for (var i = 0; i < Instructions / 6; i++)
                Common(a);
        });
        _pages = new BareVcpu(JumpFromPageToPage);
        _cache = new BlockCache(_code.Memory);
        _decoder = new BlockDecoder(new InstructionTable(_code.Vcpu.Model));
        _block = (Block*)NativeMemory.AlignedAlloc((nuint)(sizeof(Block) + BlockDecoder.RoomFor(Block.MaxInstructions) * sizeof(Op)), 64);
        for (var i = 0; i < Blocks; i++)
        {
            var block = _cache.Reserve(BlockDecoder.RoomFor(1));
            block->PhysicalAddress = BareVcpu.DataAddress + (ulong)i * 160;
            block->LastPage = block->PhysicalAddress & ~0xFFFUL;
            _decoder.Decode(block, Mode, _code.Memory.HostAddress(BareVcpu.CodeAddress), 100, null, 1, _cache.NoBlock, out var ops);
            _cache.Add(block, ops);
        }
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        NativeMemory.AlignedFree(_block);
        _cache.Dispose();
        _code.Dispose();
        _pages.Dispose();
    }

    /// <summary>From bytes to bound operations.</summary>
    [Benchmark(OperationsPerInvoke = Instructions)]
    public int Decode()
    {
        _block->PhysicalAddress = BareVcpu.CodeAddress;
        _decoder.Decode(
            _block, Mode, _code.Memory.HostAddress(BareVcpu.CodeAddress), PhysicalMemory.PageSize, null, Instructions, _cache.NoBlock, out var ops);
        return ops;
    }

    /// <summary>By physical address.</summary>
    [Benchmark(OperationsPerInvoke = Blocks)]
    public ulong LookUp()
    {
        ulong sum = 0;
        for (var i = 0; i < Blocks; i++)
            sum += (ulong)_cache.Find(BareVcpu.DataAddress + (ulong)i * 160, Mode);
        return sum;
    }

    /// <summary>256 blocks in 256 pages, each with an addition and a jump to the next.</summary>
    [Benchmark(OperationsPerInvoke = Transitions)]
    public void NextPage() => _pages.Run(Transitions * 2);

    // What kernels are made of.
    private static void Common(Assembler a)
    {
        a.mov(rax, __qword_ptr[rdi + 0x18]);
        a.test(rax, rax);
        a.lea(rdx, __[rax + rcx * 8 + 16]);
        a.add(edx, 0x1000);
        a.mov(__dword_ptr[rsp + 8], edx);
        a.movzx(ecx, dl);
    }

    private static void JumpFromPageToPage(Assembler a)
    {
        var pages = Enumerable.Range(0, Blocks).Select(_ => a.CreateLabel()).ToArray();
        for (var i = 0; i < Blocks; i++)
        {
            a.Label(ref pages[i]);
            a.add(rax, rcx);
            a.jmp(pages[(i + 1) % Blocks]);
            // The rest of the page: long jumps are 5 bytes, short ones do not occur, the addition is 3.
            a.db(new byte[PhysicalMemory.PageSize - 8]);
        }
    }
}
