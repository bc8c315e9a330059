using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.InteropServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Execution;
using Emu.Cpu.State;

namespace Emu.Cpu.Compilation;

/// <summary>Writes the intermediate language of one region.</summary>
/// <remarks>
/// <code>
///   prologue   loads the guest's registers into locals; goes to the entry that the op's block names
///   block ...  each charges the budget on the edge that leads to it; memory accesses hit the TLB inline
///   exits      number themselves
///   epilogue   writes the registers back, works out the flags, tail-calls the handler that the exit's entry in the table names
/// </code>
/// Compiled code has the handlers' signature, so whoever chains to a block need not know that a region begins there. Whatever is out of
/// the ordinary (a TLB miss, a fault, a branch out of the region) leaves the region before the instruction and lets its handler do it.
/// </remarks>
internal sealed unsafe partial class RegionEmitter
{
    private static readonly Type StatePointer = typeof(CpuState).MakePointerType();
    private static readonly Type OpPointer = typeof(Op).MakePointerType();
    private static readonly Type[] HandlerParameters = [typeof(Vcpu), StatePointer, OpPointer];

    private readonly ILGenerator _il;
    private readonly IReadOnlyList<RegionBlock> _blocks;
    private readonly List<RegionExit> _exits = [];
    private readonly List<(Label Label, int Exit)> _exitStubs = [];
    private readonly RegionMemory _memory;
    private readonly Label _epilogue, _calledOut, _prologue;
    private readonly LocalBuilder _budget, _origin, _tlb, _exit, _flags, _kind, _charged;

    private RegionBlock _block;
    private BlockAccesses _accesses;
    private int _instruction;

    /// <summary>Begins a region.</summary>
    /// <param name="method">The method that it becomes.</param>
    /// <param name="blocks">Its blocks; those that are entries are marked.</param>
    /// <param name="memory">Holds what the code refers to.</param>
    public RegionEmitter(DynamicMethod method, IReadOnlyList<RegionBlock> blocks, RegionMemory memory)
    {
        _memory = memory;
        _il = method.GetILGenerator(4096);
        _blocks = blocks;
        _block = blocks[0];
        _accesses = new BlockAccesses(_block);
        foreach (var block in blocks)
            block.Label = _il.DefineLabel();
        _prologue = _il.DefineLabel();
        _epilogue = _il.DefineLabel();
        _calledOut = _il.DefineLabel();
        _budget = _il.DeclareLocal(typeof(long));
        _origin = _il.DeclareLocal(typeof(ulong));
        _tlb = _il.DeclareLocal(typeof(nint));
        _exit = _il.DeclareLocal(typeof(int));
        _flags = _il.DeclareLocal(typeof(ArithmeticFlags));
        _kind = _il.DeclareLocal(typeof(int));
        _charged = _il.DeclareLocal(typeof(long));
    }

    /// <summary>The generator, for emissions.</summary>
    public ILGenerator Il => _il;

    /// <summary>The method that a region becomes.</summary>
    public static DynamicMethod NewMethod(ulong address) =>
        new($"region {address:x}", typeof(void), HandlerParameters, typeof(Vcpu).Module, true) { InitLocals = false };

    /// <summary>Emits everything.</summary>
    public void Emit()
    {
        _il.Emit(OpCodes.Br, _prologue);
        foreach (var block in _blocks)
            EmitBlock(block);
        AllocateSaved();
        EmitStubs();
        EmitExits();
        EmitEpilogue();
        EmitPrologue();
    }

    private void EmitBlock(RegionBlock block)
    {
        _block = block;
        _il.MarkLabel(block.Label);
        FlagKind = DeferredFlags.Dynamic;
        _accesses = new BlockAccesses(block);
        var instructions = block.Instructions;
        for (_instruction = 0; _instruction < instructions.Count; _instruction++)
        {
            var instruction = instructions[_instruction];
            var op = block.Ops + instruction.OpIndex;
            if (instruction.Emission is { } emission && emission.Emit(this, in instruction, op))
            {
                if (instruction.EndsBlock)
                    return;
                continue;
            }
            if (instruction.EndsBlock || !MayCall(in instruction))
            {
                Leave();
                return;
            }
            EmitCall(in instruction, op);
        }
        FallThrough();
    }

    /// <summary>Puts the address of a field of the CPU's state on the stack.</summary>
    private void LoadState(string field) => LoadState(StateOffset(field));

    private void LoadState(int offset)
    {
        _il.Emit(OpCodes.Ldarg_1);
        Offset(offset);
    }

    private static int StateOffset(string field) => StateLayout.OffsetOf(field);

    private void Offset(int offset)
    {
        if (offset == 0)
            return;
        _il.Emit(OpCodes.Ldc_I4, offset);
        _il.Emit(OpCodes.Add);
    }
}
