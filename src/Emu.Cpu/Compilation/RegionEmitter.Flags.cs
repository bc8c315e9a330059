using System.Reflection;
using System.Reflection.Emit;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Instructions.Control;
using Emu.Cpu.State;

namespace Emu.Cpu.Compilation;

// The arithmetic flags: two words, which hold either result and carries or the operands that they follow from.
internal sealed unsafe partial class RegionEmitter
{
    private static readonly FieldInfo ResultField = typeof(ArithmeticFlags).GetField(nameof(ArithmeticFlags.Result))!;
    private static readonly FieldInfo AuxField = typeof(ArithmeticFlags).GetField(nameof(ArithmeticFlags.Aux))!;
    private static readonly MethodInfo StoreFlags = typeof(DeferredFlags).GetMethod(nameof(DeferredFlags.Store))!;
    private static readonly MethodInfo CarryOf = typeof(DeferredFlags).GetMethod(nameof(DeferredFlags.Carry))!;

    private LocalBuilder? _discarded, _tested;

    /// <summary>What the flags' two words hold at this point (<see cref="DeferredFlags"/>).</summary>
    public int FlagKind { get; set; }

    /// <summary>Puts the address of the flags on the stack, for an operation that uses them in some way.</summary>
    public void LoadFlagsAddress(FlagUse use)
    {
        if (use == FlagUse.Ignores)
        {
            _il.Emit(OpCodes.Ldloca, _discarded ??= _il.DeclareLocal(typeof(ArithmeticFlags)));
            return;
        }
        if (use == FlagUse.Changes)
            WorkOutFlags();
        FlagKind = DeferredFlags.WorkedOut;
        _il.Emit(OpCodes.Ldloca, _flags);
    }

    /// <summary>Makes the operands of an addition or subtraction, in the scratch locals 0 and 1, stand for the flags.</summary>
    public void DeferFlags(int kind, int size)
    {
        SetFlagWord(ResultField, size, 0);
        SetFlagWord(AuxField, size, 1);
        FlagKind = DeferredFlags.Of(kind, size);
    }

    /// <summary>Makes the operand of INC or DEC, in scratch local 0, and the CF that stays stand for the flags.</summary>
    public void DeferStepFlags(int kind, int size)
    {
        var carry = Scratch(8, 3);
        if (FlagKind <= DeferredFlags.WorkedOut)
        {
            if (FlagKind == DeferredFlags.Dynamic)
                _il.Emit(OpCodes.Ldloc, _kind);
            else
                _il.Emit(OpCodes.Ldc_I4_0);
            LoadFlagWords();
            _il.Emit(OpCodes.Call, CarryOf);
        }
        else
        {
            LoadCondition(typeof(IfBelow));
            _il.Emit(OpCodes.Conv_U8);
        }
        _il.Emit(OpCodes.Stloc, carry);
        SetFlagWord(ResultField, size, 0);
        _il.Emit(OpCodes.Ldloca, _flags);
        _il.Emit(OpCodes.Ldloc, carry);
        _il.Emit(OpCodes.Stfld, AuxField);
        FlagKind = DeferredFlags.Of(kind, size);
    }

    /// <summary>Makes the operand of a shift, in scratch local 0, and its count stand for the flags.</summary>
    public void DeferShiftFlags(int kind, int size, int count)
    {
        SetFlagWord(ResultField, size, 0);
        _il.Emit(OpCodes.Ldloca, _flags);
        _il.Emit(OpCodes.Ldc_I8, (long)count);
        _il.Emit(OpCodes.Stfld, AuxField);
        FlagKind = DeferredFlags.Of(kind, size);
    }

    /// <summary>Makes the flags those of a logical result in scratch local 0.</summary>
    public void SetLogicFlags(int size)
    {
        _il.Emit(OpCodes.Ldloca, _flags);
        _il.Emit(OpCodes.Ldloc, Scratch(size));
        SignExtend(size);
        _il.Emit(OpCodes.Stfld, ResultField);
        _il.Emit(OpCodes.Ldloca, _flags);
        _il.Emit(OpCodes.Ldc_I8, 0L);
        _il.Emit(OpCodes.Stfld, AuxField);
        FlagKind = DeferredFlags.WorkedOut;
    }

    /// <summary>Works the flags out, if they are not.</summary>
    public void WorkOutFlags()
    {
        if (FlagKind == DeferredFlags.WorkedOut)
            return;
        if (FlagKind == DeferredFlags.Dynamic)
        {
            _il.Emit(OpCodes.Ldarg_1);
            _il.Emit(OpCodes.Ldloc, _kind);
            LoadFlagWords();
            _il.Emit(OpCodes.Call, StoreFlags);
            TakeStoredFlags();
        }
        else
        {
            LoadFlagWords();
            _il.Emit(OpCodes.Ldloca, _flags);
            _il.Emit(OpCodes.Call, DeferredFlags.MethodOf(FlagKind));
        }
        FlagKind = DeferredFlags.WorkedOut;
    }

    /// <summary>Puts 1 or 0 on the stack, as a condition holds or not.</summary>
    /// <param name="condition">The <see cref="ICondition"/>.</param>
    public void LoadCondition(Type condition)
    {
        var isNegated = condition.IsGenericType;
        var plain = isNegated ? condition.GetGenericArguments()[0] : condition;
        if (!TryLoadFused(plain))
        {
            var flags = _flags;
            if (FlagKind > DeferredFlags.WorkedOut)
            {
                // They stay deferred for those that come after.
                flags = _tested ??= _il.DeclareLocal(typeof(ArithmeticFlags));
                LoadFlagWords();
                _il.Emit(OpCodes.Ldloca, flags);
                _il.Emit(OpCodes.Call, DeferredFlags.MethodOf(FlagKind));
            }
            else
            {
                WorkOutFlags();
            }
            _il.Emit(OpCodes.Ldloca, flags);
            _il.Emit(OpCodes.Call, plain.GetMethod(nameof(ICondition.Holds))!);
        }
        if (!isNegated)
            return;
        _il.Emit(OpCodes.Ldc_I4_0);
        _il.Emit(OpCodes.Ceq);
    }

    // Conditions of deferred flags that comparisons of the operands decide.
    private bool TryLoadFused(Type condition)
    {
        if (FlagKind <= DeferredFlags.WorkedOut)
            return false;
        var size = DeferredFlags.SizeOf(FlagKind);
        switch (DeferredFlags.FirstOf(FlagKind))
        {
            case DeferredFlags.Increment:
                return TryLoadFusedStep(condition, size, 1);
            case DeferredFlags.Decrement:
                return TryLoadFusedStep(condition, size, -1);
            case > DeferredFlags.Decrement:
                return TryLoadFusedShift(condition, size);
        }
        var isDifference = DeferredFlags.FirstOf(FlagKind) == DeferredFlags.Difference;
        if (condition == typeof(IfEqual))
        {
            if (isDifference)
                LoadFlagWords();
            else
                LoadSum(size);
            _il.Emit(OpCodes.Ceq);
        }
        else if (condition == typeof(IfSign))
        {
            LoadFlagWords();
            _il.Emit(isDifference ? OpCodes.Sub : OpCodes.Add);
            SignExtend(size);
            _il.Emit(OpCodes.Ldc_I8, 0L);
            _il.Emit(OpCodes.Clt);
        }
        else if (condition == typeof(IfBelow) && !isDifference)
        {
            // A carry: the sum is less than either operand.
            LoadFlagWords();
            _il.Emit(OpCodes.Add);
            NarrowWide(size);
            LoadFlagWord(ResultField);
            _il.Emit(OpCodes.Clt_Un);
        }
        else if (!isDifference)
        {
            return false;
        }
        else if (condition == typeof(IfBelow))
        {
            LoadFlagWords();
            _il.Emit(OpCodes.Clt_Un);
        }
        else if (condition == typeof(IfBelowOrEqual))
        {
            LoadFlagWords();
            _il.Emit(OpCodes.Cgt_Un);
            _il.Emit(OpCodes.Ldc_I4_0);
            _il.Emit(OpCodes.Ceq);
        }
        else if (condition == typeof(IfLess))
        {
            LoadSignedFlagWords(size);
            _il.Emit(OpCodes.Clt);
        }
        else if (condition == typeof(IfLessOrEqual))
        {
            LoadSignedFlagWords(size);
            _il.Emit(OpCodes.Cgt);
            _il.Emit(OpCodes.Ldc_I4_0);
            _il.Emit(OpCodes.Ceq);
        }
        else
        {
            return false;
        }
        return true;
    }

    // The first word is the operand of INC or DEC, the second CF.
    private bool TryLoadFusedStep(Type condition, int size, long step)
    {
        if (condition == typeof(IfBelow))
        {
            LoadFlagWord(AuxField);
            _il.Emit(OpCodes.Conv_I4);
        }
        else if (condition == typeof(IfEqual))
        {
            LoadFlagWord(ResultField);
            _il.Emit(OpCodes.Ldc_I8, size == 8 ? -step : -step & ((1L << (size * 8)) - 1));
            _il.Emit(OpCodes.Ceq);
        }
        else if (condition == typeof(IfSign))
        {
            LoadFlagWord(ResultField);
            _il.Emit(OpCodes.Ldc_I8, step);
            _il.Emit(OpCodes.Add);
            SignExtend(size);
            _il.Emit(OpCodes.Ldc_I8, 0L);
            _il.Emit(OpCodes.Clt);
        }
        else if (condition == typeof(IfLess) || condition == typeof(IfLessOrEqual))
        {
            // As the sum without overflow is less than zero, or not more.
            LoadFlagWord(ResultField);
            SignExtend(size);
            _il.Emit(OpCodes.Ldc_I8, -step);
            if (condition == typeof(IfLess))
            {
                _il.Emit(OpCodes.Clt);
                return true;
            }
            _il.Emit(OpCodes.Cgt);
            _il.Emit(OpCodes.Ldc_I4_0);
            _il.Emit(OpCodes.Ceq);
        }
        else
        {
            return false;
        }
        return true;
    }

    // The first word is the operand, the second the count.
    private bool TryLoadFusedShift(Type condition, int size)
    {
        if (condition != typeof(IfEqual))
            return false;
        var first = DeferredFlags.FirstOf(FlagKind);
        LoadFlagWord(ResultField);
        if (first == DeferredFlags.ShiftSigned)
            SignExtend(size);
        LoadFlagWord(AuxField);
        _il.Emit(OpCodes.Conv_I4);
        _il.Emit(first == DeferredFlags.ShiftLeft ? OpCodes.Shl : first == DeferredFlags.ShiftRight ? OpCodes.Shr_Un : OpCodes.Shr);
        NarrowWide(size);
        _il.Emit(OpCodes.Ldc_I8, 0L);
        _il.Emit(OpCodes.Ceq);
        return true;
    }

    private void LoadSum(int size)
    {
        LoadFlagWords();
        _il.Emit(OpCodes.Add);
        NarrowWide(size);
        _il.Emit(OpCodes.Ldc_I8, 0L);
    }

    private void NarrowWide(int size)
    {
        if (size == 8)
            return;
        Narrow(size);
        Widen(size);
    }

    private void LoadFlagWord(FieldInfo field)
    {
        _il.Emit(OpCodes.Ldloc, _flags);
        _il.Emit(OpCodes.Ldfld, field);
    }

    private void LoadFlagWords()
    {
        LoadFlagWord(ResultField);
        LoadFlagWord(AuxField);
    }

    private void LoadSignedFlagWords(int size)
    {
        LoadFlagWord(ResultField);
        SignExtend(size);
        LoadFlagWord(AuxField);
        SignExtend(size);
    }

    private void SetFlagWord(FieldInfo field, int size, int scratch)
    {
        _il.Emit(OpCodes.Ldloca, _flags);
        _il.Emit(OpCodes.Ldloc, Scratch(size, scratch));
        Widen(size);
        _il.Emit(OpCodes.Stfld, field);
    }

    /// <summary>Clears IF at CPL 0; leaves the region at any other.</summary>
    public void ClearInterruptFlag()
    {
        LoadState(nameof(CpuState.Cpl));
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Brtrue, ExitHere());
        LoadState(nameof(CpuState.SystemFlags));
        LoadState(nameof(CpuState.SystemFlags));
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Ldc_I8, ~(long)Rflags.Interrupt);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Stind_I8);
    }

    // On entry, and after a handler was called.
    private void TakeFlags()
    {
        TakeStoredFlags();
        _il.Emit(OpCodes.Ldc_I4_0);
        _il.Emit(OpCodes.Stloc, _kind);
    }

    /// <summary>Takes the flags from the state.</summary>
    public void TakeStoredFlags()
    {
        LoadState(nameof(CpuState.Flags));
        _il.Emit(OpCodes.Ldobj, typeof(ArithmeticFlags));
        _il.Emit(OpCodes.Stloc, _flags);
    }

    // Whoever jumps to a block says what the flags hold there.
    private void PassFlags()
    {
        if (FlagKind == DeferredFlags.Dynamic)
            return;
        _il.Emit(OpCodes.Ldc_I4, FlagKind);
        _il.Emit(OpCodes.Stloc, _kind);
    }

    private void StoreFlagsHere()
    {
        _il.Emit(OpCodes.Ldarg_1);
        if (FlagKind == DeferredFlags.Dynamic)
            _il.Emit(OpCodes.Ldloc, _kind);
        else
            _il.Emit(OpCodes.Ldc_I4, FlagKind);
        LoadFlagWords();
        _il.Emit(OpCodes.Call, StoreFlags);
    }

    private void StoreFlagsAtExit(LocalBuilder exit)
    {
        var isStatic = _il.DefineLabel();
        var store = _il.DefineLabel();
        var plain = _il.DefineLabel();
        var done = _il.DefineLabel();
        LoadExit(exit, nameof(RegionExit.Flags));
        _il.Emit(OpCodes.Ldind_I2);
        _il.Emit(OpCodes.Ldc_I4_0);
        _il.Emit(OpCodes.Bge, isStatic);
        _il.Emit(OpCodes.Br, store);
        _il.MarkLabel(isStatic);
        LoadExit(exit, nameof(RegionExit.Flags));
        _il.Emit(OpCodes.Ldind_I2);
        _il.Emit(OpCodes.Stloc, _kind);
        _il.MarkLabel(store);
        _il.Emit(OpCodes.Ldloc, _kind);
        _il.Emit(OpCodes.Brfalse, plain);
        _il.Emit(OpCodes.Ldarg_1);
        _il.Emit(OpCodes.Ldloc, _kind);
        LoadFlagWords();
        _il.Emit(OpCodes.Call, StoreFlags);
        _il.Emit(OpCodes.Br, done);
        _il.MarkLabel(plain);
        LoadState(nameof(CpuState.Flags));
        _il.Emit(OpCodes.Ldloc, _flags);
        _il.Emit(OpCodes.Stobj, typeof(ArithmeticFlags));
        _il.MarkLabel(done);
    }
}
