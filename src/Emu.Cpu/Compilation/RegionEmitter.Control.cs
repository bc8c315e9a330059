using System.Reflection.Emit;
using Emu.Cpu.Execution;
using Emu.Cpu.State;

namespace Emu.Cpu.Compilation;

// From block to block: inside the region by a jump, out of it through the epilogue.
internal sealed unsafe partial class RegionEmitter
{
    /// <summary>A jump, on a condition or always.</summary>
    /// <param name="condition">The condition, or null.</param>
    /// <param name="op">The branch.</param>
    /// <param name="taken">The handler that takes the branch without looking at the condition.</param>
    public void Jump(Type? condition, Op* op, delegate*<Vcpu, CpuState*, Op*, void> taken)
    {
        var notTaken = _il.DefineLabel();
        if (condition != null)
        {
            LoadCondition(condition);
            _il.Emit(OpCodes.Brfalse, notTaken);
        }
        Transfer(TargetOf(op), op, taken);
        if (condition == null)
            return;
        _il.MarkLabel(notTaken);
        FallThrough();
    }

    /// <summary>A near call to a block of the region; any other is left to its handler.</summary>
    /// <param name="instruction">The call.</param>
    /// <param name="op">Its op.</param>
    /// <param name="size">Bytes of the return address.</param>
    public void Call(in GuestInstruction instruction, Op* op, int size)
    {
        var target = TargetOf(op);
        if (target == null)
        {
            Leave();
            return;
        }
        if (op->Scale != Op.Linkable)
            CheckJumpCache(target, ExitHere());
        FindPush(in instruction, size);
        LoadPlace();
        LoadRip(op->Offset + op->Length);
        Narrow(size);
        WriteMemory(size);
        CommitPush(in instruction, size);
        Enter(target, FlagKind);
    }

    /// <summary>A near return: to whichever block of the region follows a call in it.</summary>
    /// <param name="instruction">The return.</param>
    /// <param name="op">Its op: the immediate says how many bytes leave the stack.</param>
    /// <param name="size">Bytes of the return address.</param>
    public void Return(in GuestInstruction instruction, Op* op, int size)
    {
        FindTop(in instruction, size);
        var target = Scratch(8, 2);
        LoadPlace();
        ReadMemory(size);
        Widen(size);
        _il.Emit(OpCodes.Stloc, target);
        var exit = ExitHere();
        foreach (var site in _blocks)
        {
            if (!site.IsReturnSite)
                continue;
            var other = _il.DefineLabel();
            _il.Emit(OpCodes.Ldloc, target);
            LoadRipOf(site);
            _il.Emit(OpCodes.Bne_Un, other);
            if (site.Page != _block.Page)
                CheckJumpCache(site, exit);
            Drop(in instruction, op->Immediate);
            Enter(site, FlagKind);
            _il.MarkLabel(other);
        }
        _il.Emit(OpCodes.Br, exit);
    }

    /// <summary>True where computed branches have been seen to stay in the region.</summary>
    public bool HasComputedTargets => _blocks.Any(block => block.IsComputed);

    /// <summary>A computed jump or call, whose target is on the stack: to whichever entry of the region it names.</summary>
    /// <param name="instruction">The branch.</param>
    /// <param name="op">Its op.</param>
    /// <param name="returnSize">Bytes of the return address; 0 for a jump.</param>
    public void Computed(in GuestInstruction instruction, Op* op, int returnSize)
    {
        var target = Scratch(8, 3);
        _il.Emit(OpCodes.Stloc, target);
        var exit = ExitHere();
        FindJump(target, exit);
        // The target's block must begin with this region.
        var block = _il.DeclareLocal(typeof(nint));
        _il.Emit(OpCodes.Ldloc, _entry!);
        Offset(StateLayout.JumpBlock);
        _il.Emit(OpCodes.Ldind_I);
        _il.Emit(OpCodes.Stloc, block);
        _il.Emit(OpCodes.Ldloc, block);
        Offset(sizeof(Block));
        _il.Emit(OpCodes.Ldind_I);
        _il.Emit(OpCodes.Ldc_I8, (long)_memory.Code);
        _il.Emit(OpCodes.Conv_I);
        _il.Emit(OpCodes.Ldind_I);
        _il.Emit(OpCodes.Bne_Un, exit);
        if (returnSize != 0)
        {
            FindPush(in instruction, returnSize);
            LoadPlace();
            LoadRip(op->Offset + op->Length);
            Narrow(returnSize);
            WriteMemory(returnSize);
            CommitPush(in instruction, returnSize);
        }
        _il.Emit(OpCodes.Ldloc, block);
        Offset(StateLayout.BlockEntry);
        _il.Emit(OpCodes.Ldind_U2);
        var kind = FlagKind;
        SwitchByEntry(entry => Enter(entry, kind));
        if (_blocks.Count(entry => entry.IsEntry) > 1)
            _il.Emit(OpCodes.Br, exit);
    }

    private RegionBlock? TargetOf(Op* op)
    {
        var delta = _block.Delta + op->Displacement;
        foreach (var block in _blocks)
        {
            if (block.Delta == delta)
                return block;
        }
        return null;
    }

    // After the block's last instruction.
    private void FallThrough()
    {
        var last = _block.Instructions[^1];
        var op = _block.Ops + last.OpIndex + last.Ops;
        Transfer(TargetOf(op), op, op->Handler);
    }

    // To a block of the region where there is one, else out of it.
    private void Transfer(RegionBlock? target, Op* op, delegate*<Vcpu, CpuState*, Op*, void> handler)
    {
        if (target == null)
        {
            _il.Emit(OpCodes.Br, ExitTo(op, handler, _block.Delta, 0));
            return;
        }
        if (op->Scale != Op.Linkable)
            CheckJumpCache(target, ExitTo(op, handler, _block.Delta, 0));
        Enter(target, FlagKind);
    }

    // What Chain does on the way into a block: the whole of it must fit the budget.
    private void Enter(RegionBlock target, int flags)
    {
        _il.Emit(OpCodes.Ldloc, _budget);
        _il.Emit(OpCodes.Ldc_I4, target.Instructions.Count);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Sub);
        _il.Emit(OpCodes.Stloc, _budget);
        _il.Emit(OpCodes.Ldloc, _budget);
        _il.Emit(OpCodes.Ldc_I8, 0L);
        _il.Emit(OpCodes.Blt, ExitTo(null, &Terminators.ReturnToRunLoop, target.Delta, target.Instructions.Count));
        if (flags != DeferredFlags.Dynamic)
            PassFlags();
        _il.Emit(OpCodes.Br, target.Label);
    }

    // The target lies in another page, whose translation may have changed: only the jump cache knows.
    private void CheckJumpCache(RegionBlock target, Label exit)
    {
        var rip = Scratch(8, 3);
        LoadRipOf(target);
        _il.Emit(OpCodes.Stloc, rip);
        FindJump(rip, exit);
        _il.Emit(OpCodes.Ldloc, _entry!);
        Offset(StateLayout.JumpBlock);
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Ldc_I8, (long)target.Block);
        _il.Emit(OpCodes.Bne_Un, exit);
    }

    // Finds the entry of an address in the jump cache, which must be valid.
    private void FindJump(LocalBuilder rip, Label exit)
    {
        _entry ??= _il.DeclareLocal(typeof(nint));
        _il.Emit(OpCodes.Ldloc, rip);
        _il.Emit(OpCodes.Ldloc, rip);
        _il.Emit(OpCodes.Ldc_I4, 12);
        _il.Emit(OpCodes.Shr_Un);
        _il.Emit(OpCodes.Xor);
        _il.Emit(OpCodes.Ldc_I4, JumpCacheEntry.Count - 1);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Ldc_I4, sizeof(JumpCacheEntry));
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Mul);
        _il.Emit(OpCodes.Conv_I);
        LoadState(nameof(CpuState.JumpCache));
        _il.Emit(OpCodes.Ldind_I);
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Stloc, _entry);

        _il.Emit(OpCodes.Ldloc, _entry);
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Ldloc, rip);
        _il.Emit(OpCodes.Bne_Un, exit);
        _il.Emit(OpCodes.Ldloc, _entry);
        Offset(StateLayout.JumpTag);
        _il.Emit(OpCodes.Ldind_I8);
        LoadState(nameof(CpuState.CodeTag));
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Bne_Un, exit);
    }

    private void LoadRipOf(RegionBlock block)
    {
        _il.Emit(OpCodes.Ldloc, _origin);
        if (block.Delta == 0)
            return;
        _il.Emit(OpCodes.Ldc_I8, block.Delta);
        _il.Emit(OpCodes.Add);
    }
}
