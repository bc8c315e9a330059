using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Control;

/// <summary>CALL, near forms (SDM Vol. 2A). The target is checked before the return address is pushed.</summary>
internal static unsafe class Call
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        if (operands.Kind(0) is OpKind.NearBranch16 or OpKind.NearBranch32 or OpKind.NearBranch64)
        {
            BindRelative(ref operands);
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

    private static void BindRelative(ref Operands operands)
    {
        var op = operands.Op;
        NearTarget.Take(ref operands);
        var inPage = op->Scale == Op.Linkable;
        var stack = operands.Stack;
        if (operands.IsForCompiler && op->Source != 2)
            operands.Emission = new CallEmission(op->Source);
        op->Handler = op->Source switch
        {
            8 => inPage ? &Relative<ulong, LongTarget, LongStack, InPage> : &Relative<ulong, LongTarget, LongStack, AcrossPages>,
            4 when stack == StackKind.Flat =>
                inPage ? &Relative<uint, LegacyTarget, FlatStack, InPage> : &Relative<uint, LegacyTarget, FlatStack, AcrossPages>,
            4 => &RelativeSlowly<uint, LegacyTarget, SegmentedStack, AcrossPages>,
            _ when operands.Is64 => &Relative<ushort, LongWordTarget, LongStack, AcrossPages>,
            _ => &RelativeSlowly<ushort, LegacyTarget, SegmentedStack, AcrossPages>,
        };
    }

    private static void BindIndirect<T>(ref Operands operands) where T : unmanaged
    {
        var op = operands.Op;
        if (operands.IsForCompiler && sizeof(T) != 2)
            operands.Emission = new IndirectEmission(sizeof(T), isCall: true);
        if (operands.IsRegister(0))
        {
            op->Source = operands.RegisterOf(0);
            op->Handler = operands.Stack switch
            {
                StackKind.Long => &Register<T, LongTarget, LongStack>,
                StackKind.Flat => &Register<T, LegacyTarget, FlatStack>,
                _ => &RegisterSlowly<T, LegacyTarget, SegmentedStack>,
            };
            return;
        }
        op->Handler = operands.Addressing switch
        {
            AddressingKind.Long => &Memory<T, LongTarget, LongStack, LongAddress>,
            AddressingKind.LongSegment => &Memory<T, LongTarget, LongStack, LongSegmentAddress>,
            AddressingKind.Flat when operands.Stack == StackKind.Flat => &Memory<T, LegacyTarget, FlatStack, FlatAddress>,
            _ when operands.Is64 => &Memory<T, LongTarget, LongStack, SegmentedAddress>,
            _ => &Memory<T, LegacyTarget, SegmentedStack, SegmentedAddress>,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Relative<T, TTarget, TStack, TLink>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TTarget : INearTarget
        where TStack : IStack
        where TLink : ILink
    {
        var target = TTarget.Of(s, op);
        if (!TTarget.SurelyAllows(s, target))
        {
            RelativeSlowly<T, TTarget, TStack, TLink>(vcpu, s, op);
            return;
        }
        var pointer = TStack.Pointer(s) - (ulong)sizeof(T);
        var linear = TStack.Linear(vcpu, s, op, pointer, sizeof(T), true);
        var entry = Tlb.Slot(s->DataTlb, linear);
        if (!Operand.IsWritable(entry, linear, sizeof(T), false))
        {
            Operand.MissAtEnd(vcpu, s, op, linear, -sizeof(T), &RelativeSlowly<T, TTarget, TStack, TLink>);
            return;
        }
        *(T*)Operand.Place(entry, linear) = Width.Truncate<T>(Step.RipAfter(s, op));
        TStack.SetPointer(s, pointer);
        TLink.Go(vcpu, s, op, target);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RelativeSlowly<T, TTarget, TStack, TLink>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TTarget : INearTarget
        where TStack : IStack
        where TLink : ILink
    {
        var target = TTarget.Of(s, op);
        if (!TTarget.Allows(vcpu, s, op, target))
            return;
        if (!Stack.Push<TStack, T>(vcpu, s, op, Width.Truncate<T>(Step.RipAfter(s, op))))
            return;
        TLink.Go(vcpu, s, op, target);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Register<T, TTarget, TStack>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TTarget : INearTarget
        where TStack : IStack
    {
        var target = Width.ZeroExtend(Step.Get<T>(s, op->Source));
        if (!TTarget.SurelyAllows(s, target))
        {
            RegisterSlowly<T, TTarget, TStack>(vcpu, s, op);
            return;
        }
        var pointer = TStack.Pointer(s) - (ulong)sizeof(T);
        var linear = TStack.Linear(vcpu, s, op, pointer, sizeof(T), true);
        var entry = Tlb.Slot(s->DataTlb, linear);
        if (!Operand.IsWritable(entry, linear, sizeof(T), false))
        {
            Operand.MissAtEnd(vcpu, s, op, linear, -sizeof(T), &RegisterSlowly<T, TTarget, TStack>);
            return;
        }
        *(T*)Operand.Place(entry, linear) = Width.Truncate<T>(Step.RipAfter(s, op));
        TStack.SetPointer(s, pointer);
        Chain.Computed(vcpu, s, op, target);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RegisterSlowly<T, TTarget, TStack>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TTarget : INearTarget
        where TStack : IStack
    {
        var target = Width.ZeroExtend(Step.Get<T>(s, op->Source));
        if (!TTarget.Allows(vcpu, s, op, target))
            return;
        if (!Stack.Push<TStack, T>(vcpu, s, op, Width.Truncate<T>(Step.RipAfter(s, op))))
            return;
        Chain.Computed(vcpu, s, op, target);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Memory<T, TTarget, TStack, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TTarget : INearTarget
        where TStack : IStack
        where TAddress : IAddressing
    {
        var source = Operand.Read<TAddress, T>(vcpu, s, op);
        if (source == null)
            return;
        var target = Width.ZeroExtend(*source);
        if (!TTarget.Allows(vcpu, s, op, target))
            return;
        if (!Stack.Push<TStack, T>(vcpu, s, op, Width.Truncate<T>(Step.RipAfter(s, op))))
            return;
        Chain.Computed(vcpu, s, op, target);
    }
}
