using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.InteropServices;
using Emu.Cpu.Execution;
using Emu.Cpu.State;

namespace Emu.Cpu.Compilation;

// The ways in and out: registers come from CpuState into locals and go back, and who leaves says by a number where the interpreter goes on.
internal sealed unsafe partial class RegionEmitter
{
    /// <summary>A label that leaves the region before the current instruction, which the interpreter executes.</summary>
    public Label ExitHere() => ExitAt(_block.Ops + _block.Instructions[_instruction].OpIndex);

    private Label ExitAt(Op* op) => ExitTo(op, op->Handler, _block.Delta, 0);

    private Label ExitTo(Op* op, delegate*<Vcpu, CpuState*, Op*, void> handler, long ripDelta, int refund)
    {
        var label = _il.DefineLabel();
        _exitStubs.Add((label, _exits.Count));
        var real = op == null ? null : Block.Ops(_block.Block) + (op - _block.Ops);
        _exits.Add(new RegionExit
        {
            Handler = handler,
            Op = real,
            RipDelta = ripDelta,
            Refund = refund,
            Flags = (short)FlagKind,
            // A branch that is taken by another handler than its own has been executed here.
            Remaining = (ushort)(op == null ? 0 : op->Remaining - ((nint)op->Handler == (nint)handler || op->Remaining == 0 ? 0 : 1)),
        });
        return label;
    }

    private void Leave() => _il.Emit(OpCodes.Br, ExitHere());

    private void EmitPrologue()
    {
        _il.MarkLabel(_prologue);
        if (_usesSse || _usesAvx)
            EmitAvailabilityCheck();
        if (_isHostLike != null)
            NoteHostLike();
        LoadAllRegisters();
        LoadState(nameof(CpuState.Budget));
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Stloc, _budget);
        LoadState(nameof(CpuState.DataTlb));
        _il.Emit(OpCodes.Ldind_I);
        _il.Emit(OpCodes.Stloc, _tlb);
        TakeFlags();
        LoadState(nameof(CpuState.Rip));
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Stloc, _origin);

        _il.Emit(OpCodes.Ldarg_2);
        _il.Emit(OpCodes.Ldc_I4, sizeof(Block) - StateLayout.BlockEntry);
        _il.Emit(OpCodes.Sub);
        _il.Emit(OpCodes.Ldind_U2);
        if (_resumptions.Count != 0)
        {
            _il.Emit(OpCodes.Stloc, _exit);
            _il.Emit(OpCodes.Ldloc, _exit);
            _il.Emit(OpCodes.Ldc_I4, EntryCount);
            _il.Emit(OpCodes.Sub);
            var stubs = _resumptions.ConvertAll(_ => _il.DefineLabel());
            _il.Emit(OpCodes.Switch, stubs.ToArray());
            _il.Emit(OpCodes.Ldloc, _exit);
            SwitchByEntry(Enter);
            for (var i = 0; i < stubs.Count; i++)
            {
                _il.MarkLabel(stubs[i]);
                EmitResumption(_resumptions[i]);
            }
            return;
        }
        SwitchByEntry(Enter);
    }

    // By the number of an entry, which is on the stack.
    private void SwitchByEntry(Action<RegionBlock> go)
    {
        var entries = _blocks.Where(block => block.IsEntry).ToArray();
        if (entries.Length == 1)
        {
            _il.Emit(OpCodes.Pop);
            go(entries[0]);
            return;
        }
        var stubs = entries.Select(_ => _il.DefineLabel()).ToArray();
        _il.Emit(OpCodes.Switch, stubs);
        for (var i = 0; i < entries.Length; i++)
        {
            _il.MarkLabel(stubs[i]);
            go(entries[i]);
        }
    }

    private void Enter(RegionBlock block)
    {
        // Whoever came here has charged the block to the budget.
        Charge(block.Instructions.Count);
        MoveOrigin(block);
        _il.Emit(OpCodes.Br, block.Label);
    }

    // So many instructions lie ahead that were charged before the region was entered.
    private void Charge(int instructions)
    {
        _il.Emit(OpCodes.Ldloc, _budget);
        _il.Emit(OpCodes.Ldc_I4, instructions);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Stloc, _charged);
    }

    // RIP lies at the start of a block.
    private void MoveOrigin(RegionBlock block)
    {
        if (block.Delta == 0)
            return;
        _il.Emit(OpCodes.Ldloc, _origin);
        _il.Emit(OpCodes.Ldc_I8, block.Delta);
        _il.Emit(OpCodes.Sub);
        _il.Emit(OpCodes.Stloc, _origin);
    }

    private void EmitExits()
    {
        foreach (var (label, exit) in _exitStubs)
        {
            _il.MarkLabel(label);
            _il.Emit(OpCodes.Ldc_I4, exit);
            _il.Emit(OpCodes.Stloc, _exit);
            _il.Emit(OpCodes.Br, _epilogue);
        }
    }

    private void EmitEpilogue()
    {
        var table = _memory.Allocate(_exits.Count * sizeof(RegionExit));
        CollectionsMarshal.AsSpan(_exits).CopyTo(new Span<RegionExit>(table, _exits.Count));
        // An instruction that was called did not complete, or wants the run loop: it has set RIP and the budget itself.
        if (_hasCalls)
        {
            _il.MarkLabel(_calledOut);
            StoreAllRegisters();
            CountCompiled(() => _il.Emit(OpCodes.Ldloc, _exit));
            _il.Emit(OpCodes.Ret);
        }
        _il.MarkLabel(_epilogue);
        StoreAllRegisters();
        var exit = _il.DeclareLocal(typeof(nint));
        _il.Emit(OpCodes.Ldc_I8, (long)table);
        _il.Emit(OpCodes.Ldloc, _exit);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Ldc_I4_5);
        _il.Emit(OpCodes.Shl);
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Conv_I);
        _il.Emit(OpCodes.Stloc, exit);

        _il.Emit(OpCodes.Ldloc, _budget);
        LoadExit(exit, nameof(RegionExit.Refund));
        _il.Emit(OpCodes.Ldind_I4);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Stloc, _budget);
        LoadState(nameof(CpuState.Budget));
        _il.Emit(OpCodes.Ldloc, _budget);
        _il.Emit(OpCodes.Stind_I8);
        CountCompiled(() =>
        {
            LoadExit(exit, nameof(RegionExit.Remaining));
            _il.Emit(OpCodes.Ldind_U2);
        });

        LoadState(nameof(CpuState.Rip));
        _il.Emit(OpCodes.Ldloc, _origin);
        LoadExit(exit, nameof(RegionExit.RipDelta));
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Stind_I8);

        StoreFlagsAtExit(exit);

        _il.Emit(OpCodes.Ldarg_0);
        _il.Emit(OpCodes.Ldarg_1);
        LoadExit(exit, nameof(RegionExit.Op));
        _il.Emit(OpCodes.Ldind_I);
        LoadExit(exit, nameof(RegionExit.Handler));
        _il.Emit(OpCodes.Ldind_I);
        _il.Emit(OpCodes.Tailcall);
        _il.EmitCalli(OpCodes.Calli, CallingConventions.Standard, typeof(void), HandlerParameters, null);
        _il.Emit(OpCodes.Ret);
    }

    // What was charged since the entry, but for what is left of the budget and of the last block.
    private void CountCompiled(Action loadRemaining)
    {
        LoadState(nameof(CpuState.Compiled));
        LoadState(nameof(CpuState.Compiled));
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Ldloc, _charged);
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Ldloc, _budget);
        _il.Emit(OpCodes.Sub);
        loadRemaining();
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Sub);
        _il.Emit(OpCodes.Stind_I8);
    }

    private void LoadExit(LocalBuilder exit, string field)
    {
        _il.Emit(OpCodes.Ldloc, exit);
        Offset(StateLayout.OffsetOfExit(field));
    }
}
