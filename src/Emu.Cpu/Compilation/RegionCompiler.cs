using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions;
using Emu.Cpu.Memory;

namespace Emu.Cpu.Compilation;

/// <summary>From a plan to code. It has a decoder of its own and touches nothing that the guest's thread uses.</summary>
internal sealed unsafe class RegionCompiler
{
    private readonly List<GuestInstruction> _record = [];
    private readonly BlockDecoder _decoder;
    private readonly Block* _noBlock;

    /// <summary>Makes a compiler for a CPU model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="noBlock">What unlinked terminators hold.</param>
    public RegionCompiler(CpuModel model, Block* noBlock)
    {
        _decoder = new BlockDecoder(new InstructionTable(model)) { Record = _record };
        _noBlock = noBlock;
    }

    /// <summary>Compiles a plan.</summary>
    public CompiledRegion Compile(RegionPlan plan)
    {
        var scratch = new List<nint>();
        var memory = new RegionMemory();
        try
        {
            var blocks = plan.Blocks.Select(block => Decode(block, scratch)).ToArray();
            var method = RegionEmitter.NewMethod(plan.Blocks[0].PhysicalAddress);
            new RegionEmitter(method, blocks, memory).Emit();
            var handle = GetMethodDescriptor(method);
            RuntimeHelpers.PrepareMethod(handle);
            var code = handle.GetFunctionPointer();
            *memory.Code = code;
            return new CompiledRegion(plan, method, code, memory);
        }
        catch
        {
            memory.Dispose();
            throw;
        }
        finally
        {
            foreach (var piece in scratch)
                NativeMemory.AlignedFree((void*)piece);
        }
    }

    private RegionBlock Decode(RegionPlan.PlannedBlock planned, List<nint> scratch)
    {
        var block = (Block*)NativeMemory.AlignedAlloc((nuint)(sizeof(Block) + BlockDecoder.RoomFor(planned.Count) * sizeof(Op)), 64);
        scratch.Add((nint)block);
        *block = new Block { PhysicalAddress = planned.PhysicalAddress, LastPage = planned.PhysicalAddress & ~0xFFFUL };
        _record.Clear();
        fixed (byte* code = planned.Code)
            _decoder.Decode(block, planned.Mode, code, planned.Code.Length, null, planned.Count, _noBlock, out _);
        if (block->Count != planned.Count)
            throw new InvalidOperationException($"a block at {planned.PhysicalAddress:x} decodes to {block->Count} instructions instead of {planned.Count}");
        return new RegionBlock
        {
            Block = (Block*)planned.Block,
            Ops = Block.Ops(block),
            Instructions = _record.ToArray(),
            Delta = planned.Delta,
            Page = block->LastPage,
            Is64 = (planned.Mode & CodeMode.Code64) != 0,
            IsEntry = planned.IsEntry,
            IsReturnSite = planned.IsReturnSite,
            IsComputed = planned.IsComputed,
        };
    }

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "GetMethodDescriptor")]
    private static extern RuntimeMethodHandle GetMethodDescriptor(DynamicMethod method);
}
