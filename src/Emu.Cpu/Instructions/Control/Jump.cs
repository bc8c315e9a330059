using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Control;

/// <summary>JMP, near forms (SDM Vol. 2A).</summary>
internal static unsafe class Jump
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        var op = operands.Op;
        if (operands.Kind(0) is OpKind.NearBranch16 or OpKind.NearBranch32 or OpKind.NearBranch64)
        {
            NearTarget.Take(ref operands);
            op->Handler = RelativeHandler(in operands);
            if (operands.IsForCompiler && op->Source != 2)
                operands.Emission = new JumpEmission(null, op->Handler);
            return;
        }
        operands.EndsBlock = true;
        switch (operands.SizeOf(0))
        {
            case 2:
                BindIndirect<ushort>(ref operands);
                break;
            case 4:
                BindIndirect<uint>(ref operands);
                break;
            default:
                BindIndirect<ulong>(ref operands);
                break;
        }
    }

    /// <summary>The handler that takes a relative branch, whatever its condition.</summary>
    public static delegate*<Vcpu, CpuState*, Op*, void> RelativeHandler(in Operands operands)
    {
        var inPage = operands.Op->Scale == Op.Linkable;
        return operands.Is64
            ? operands.Op->Source == 2 ? &Relative<LongWordTarget, AcrossPages>
                : inPage ? &Relative<LongTarget, InPage> : &Relative<LongTarget, AcrossPages>
            : inPage ? &Relative<LegacyTarget, InPage> : &Relative<LegacyTarget, AcrossPages>;
    }

    private static void BindIndirect<T>(ref Operands operands) where T : unmanaged
    {
        var op = operands.Op;
        if (operands.IsForCompiler && sizeof(T) != 2)
            operands.Emission = new IndirectEmission(sizeof(T), isCall: false);
        if (operands.IsRegister(0))
        {
            op->Source = operands.RegisterOf(0);
            op->Handler = operands.Is64 ? &Register<T, LongTarget> : &Register<T, LegacyTarget>;
            return;
        }
        op->Handler = operands.Addressing switch
        {
            AddressingKind.Long => &Memory<T, LongTarget, LongAddress>,
            AddressingKind.LongSegment => &Memory<T, LongTarget, LongSegmentAddress>,
            AddressingKind.Flat => &Memory<T, LegacyTarget, FlatAddress>,
            _ when operands.Is64 => &Memory<T, LongTarget, SegmentedAddress>,
            _ => &Memory<T, LegacyTarget, SegmentedAddress>,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Relative<TTarget, TLink>(Vcpu vcpu, CpuState* s, Op* op)
        where TTarget : INearTarget
        where TLink : ILink
    {
        var target = TTarget.Of(s, op);
        if (!TTarget.SurelyAllows(s, target))
        {
            RelativeSlowly<TTarget, TLink>(vcpu, s, op);
            return;
        }
        TLink.Go(vcpu, s, op, target);
    }

    /// <summary>Takes a relative branch whose target has to be asked for, whatever its condition.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void RelativeSlowly<TTarget, TLink>(Vcpu vcpu, CpuState* s, Op* op)
        where TTarget : INearTarget
        where TLink : ILink
    {
        var target = TTarget.Of(s, op);
        if (!TTarget.Allows(vcpu, s, op, target))
            return;
        TLink.Go(vcpu, s, op, target);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Register<T, TTarget>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TTarget : INearTarget
    {
        var target = Width.ZeroExtend(Step.Get<T>(s, op->Source));
        if (!TTarget.SurelyAllows(s, target))
        {
            RegisterSlowly<T, TTarget>(vcpu, s, op);
            return;
        }
        Chain.Computed(vcpu, s, op, target);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RegisterSlowly<T, TTarget>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TTarget : INearTarget
    {
        var target = Width.ZeroExtend(Step.Get<T>(s, op->Source));
        if (!TTarget.Allows(vcpu, s, op, target))
            return;
        Chain.Computed(vcpu, s, op, target);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Memory<T, TTarget, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TTarget : INearTarget
        where TAddress : IAddressing
    {
        var source = Operand.Read<TAddress, T>(vcpu, s, op);
        if (source == null)
            return;
        var target = Width.ZeroExtend(*source);
        if (!TTarget.Allows(vcpu, s, op, target))
            return;
        Chain.Computed(vcpu, s, op, target);
    }
}
