using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.Segmentation;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Supervisor;

/// <summary>LAR, LSL, VERR, VERW and ARPL: what a selector would be good for (SDM Vol. 2). They answer in ZF and fault only for memory.</summary>
internal static unsafe class SelectorInspection
{
    private const ulong AccessRights = 0x00FF_FF00;

    /// <summary>Enters the family.</summary>
    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Lar, &BindQuery);
        table.Add(Mnemonic.Lsl, &BindQuery);
        table.Add(Mnemonic.Verr, &BindVerify);
        table.Add(Mnemonic.Verw, &BindVerify);
        table.Add(Code.Arpl_rm16_r16, &BindArpl);
        table.Add(Code.Arpl_r32m16_r32, &BindArpl);
    }

    // Immediate holds the result's width: Scale is the memory operand's.
    private static void BindQuery(ref Operands operands)
    {
        operands.Op->Destination = operands.RegisterOf(0);
        operands.Op->Immediate = operands.SizeOf(0);
        var fromRegister = operands.IsRegister(1);
        if (fromRegister)
            operands.Op->Source = operands.RegisterOf(1);
        operands.Op->Handler = operands.Instruction.Mnemonic == Mnemonic.Lar
            ? fromRegister ? &Query<RegisterWord, LoadAccessRights> : &Query<MemoryWord, LoadAccessRights>
            : fromRegister ? &Query<RegisterWord, LoadSegmentLimit> : &Query<MemoryWord, LoadSegmentLimit>;
    }

    private static void BindVerify(ref Operands operands)
    {
        var fromRegister = operands.IsRegister(0);
        if (fromRegister)
            operands.Op->Source = operands.RegisterOf(0);
        operands.Op->Handler = operands.Instruction.Mnemonic == Mnemonic.Verr
            ? fromRegister ? &Verify<RegisterWord, ForReading> : &Verify<MemoryWord, ForReading>
            : fromRegister ? &Verify<RegisterWord, ForWriting> : &Verify<MemoryWord, ForWriting>;
    }

    private static void BindArpl(ref Operands operands)
    {
        operands.Op->Source = operands.RegisterOf(1);
        if (operands.IsRegister(0))
        {
            operands.Op->Destination = operands.RegisterOf(0);
            operands.Op->Handler = &ArplRegister;
        }
        else
        {
            operands.Op->Handler = &ArplMemory;
        }
    }

    private interface IQuery
    {
        static abstract bool Covers(DescriptorType type, bool isLong);

        static abstract ulong Answer(Descriptor descriptor);
    }

    private readonly struct LoadAccessRights : IQuery
    {
        public static bool Covers(DescriptorType type, bool isLong) => isLong
            ? type is DescriptorType.Ldt or DescriptorType.AvailableTss32 or DescriptorType.BusyTss32 or DescriptorType.CallGate32
            : type is DescriptorType.AvailableTss16 or DescriptorType.Ldt or DescriptorType.BusyTss16 or DescriptorType.CallGate16
                or DescriptorType.TaskGate or DescriptorType.AvailableTss32 or DescriptorType.BusyTss32 or DescriptorType.CallGate32;

        public static ulong Answer(Descriptor descriptor) => (descriptor.Raw >> 32) & AccessRights;
    }

    private readonly struct LoadSegmentLimit : IQuery
    {
        public static bool Covers(DescriptorType type, bool isLong) =>
            type is DescriptorType.Ldt or DescriptorType.AvailableTss32 or DescriptorType.BusyTss32
            || (!isLong && type is DescriptorType.AvailableTss16 or DescriptorType.BusyTss16);

        public static ulong Answer(Descriptor descriptor) => descriptor.Limit;
    }

    private interface IUse
    {
        static abstract bool Allows(Descriptor descriptor);
    }

    private readonly struct ForReading : IUse
    {
        public static bool Allows(Descriptor descriptor) => descriptor.IsReadable;
    }

    private readonly struct ForWriting : IUse
    {
        public static bool Allows(Descriptor descriptor) => descriptor.IsWritableData;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Query<TSource, TQuery>(Vcpu vcpu, CpuState* s, Op* op)
        where TSource : IWordSource
        where TQuery : struct, IQuery
    {
        if (!Privilege.IsProtected(vcpu, op))
            return;
        var selector = TSource.Read(vcpu, s, op);
        if (selector < 0 || !TryQuery<TQuery>(vcpu, s, op, (ushort)selector))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryQuery<TQuery>(Vcpu vcpu, CpuState* s, Op* op, ushort selector)
        where TQuery : struct, IQuery
    {
        if (!TryRead(vcpu, op, selector, out var descriptor, out var found))
            return false;
        var isLong = (s->Efer & Efer.Lma) != 0;
        var visible = found && (descriptor.IsCodeOrData || TQuery.Covers(descriptor.Type, isLong)) && IsVisible(s, selector, descriptor);
        s->Flags.SetZero(visible);
        if (!visible)
            return true;
        var answer = TQuery.Answer(descriptor);
        if (op->Immediate == 2)
            Step.Set(s, op->Destination, (ushort)answer);
        else
            Step.Set(s, op->Destination, answer & 0xFFFF_FFFF);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Verify<TSource, TUse>(Vcpu vcpu, CpuState* s, Op* op)
        where TSource : IWordSource
        where TUse : struct, IUse
    {
        if (!Privilege.IsProtected(vcpu, op))
            return;
        var selector = TSource.Read(vcpu, s, op);
        if (selector < 0 || !TryVerify<TUse>(vcpu, s, op, (ushort)selector))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryVerify<TUse>(Vcpu vcpu, CpuState* s, Op* op, ushort selector)
        where TUse : struct, IUse
    {
        if (!TryRead(vcpu, op, selector, out var descriptor, out var found))
            return false;
        s->Flags.SetZero(found && descriptor.IsCodeOrData && TUse.Allows(descriptor) && IsVisible(s, selector, descriptor));
        return true;
    }

    // False only for a fault of reading the table.
    private static bool TryRead(Vcpu vcpu, Op* op, ushort selector, out Descriptor descriptor, out bool found)
    {
        descriptor = default;
        found = !DescriptorTables.IsNull(selector) && DescriptorTables.TryFind(vcpu, selector, 8, out _);
        return !found || DescriptorTables.TryRead(vcpu, selector, out descriptor) || vcpu.RaiseFailure(op);
    }

    private static bool IsVisible(CpuState* s, ushort selector, Descriptor descriptor) =>
        descriptor.IsConforming || (s->Cpl <= descriptor.Dpl && DescriptorTables.Rpl(selector) <= descriptor.Dpl);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ArplRegister(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Privilege.IsProtected(vcpu, op))
            return;
        var selector = Step.Get<ushort>(s, op->Destination);
        var wanted = Step.Get<ushort>(s, op->Source) & 3;
        var raises = (selector & 3) < wanted;
        s->Flags.SetZero(raises);
        if (raises)
            Step.Set(s, op->Destination, (ushort)((selector & ~3) | wanted));
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ArplMemory(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Privilege.IsProtected(vcpu, op))
            return;
        // An operand that stays as it is need not be writable: processors from the 80386 to today's agree.
        var place = Operand.Read<SegmentedAddress, ushort>(vcpu, s, op);
        if (place == null)
            return;
        var selector = *place;
        var wanted = Step.Get<ushort>(s, op->Source) & 3;
        var raises = (selector & 3) < wanted;
        if (raises && !Operand.Write<SegmentedAddress, ushort>(vcpu, s, op, (ushort)((selector & ~3) | wanted)))
            return;
        s->Flags.SetZero(raises);
        Step.Next(vcpu, s, op);
    }
}
