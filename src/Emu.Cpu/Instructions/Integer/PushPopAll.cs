using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>PUSHA and POPA (SDM Vol. 2B). Every place on the stack is checked before anything changes.</summary>
internal static unsafe class PushPopAll<T>
    where T : unmanaged
{
    private const int Count = 8;
    private const int StackPointer = 4;

    /// <summary>Binds PUSHA or PUSHAD.</summary>
    public static void BindPush(ref Operands operands) => operands.Op->Handler = &PushAll;

    /// <summary>Binds POPA or POPAD.</summary>
    public static void BindPop(ref Operands operands) => operands.Op->Handler = &PopAll;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PushAll(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!TryPush(vcpu, s, op))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PopAll(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!TryPop(vcpu, s, op))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryPush(Vcpu vcpu, CpuState* s, Op* op)
    {
        var top = SegmentedStack.Pointer(s);
        for (var i = 1; i <= Count; i++)
        {
            if (!vcpu.ProbeWrite(op, Place(vcpu, s, op, top, -i, true), sizeof(T), SegmentName.Ss))
                return false;
        }
        // A write may still ask for repetition: what has been written until then is written once more.
        for (var i = 1; i <= Count; i++)
        {
            if (!Operand.WriteAt(vcpu, s, op, Place(vcpu, s, op, top, -i, true), Step.Get<T>(s, (byte)((i - 1) * 8)), SegmentName.Ss))
                return false;
        }
        SegmentedStack.SetPointer(s, top - (ulong)(Count * sizeof(T)));
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryPop(Vcpu vcpu, CpuState* s, Op* op)
    {
        var top = SegmentedStack.Pointer(s);
        var values = stackalloc T[Count];
        for (var i = 0; i < Count; i++)
        {
            var place = Operand.ReadAt<T>(vcpu, s, op, Place(vcpu, s, op, top, i, false), SegmentName.Ss);
            if (place == null)
                return false;
            values[Count - 1 - i] = *place;
        }
        for (var i = 0; i < Count; i++)
        {
            if (i != StackPointer)
                Step.Set(s, (byte)(i * 8), values[i]);
        }
        SegmentedStack.SetPointer(s, top + (ulong)(Count * sizeof(T)));
        return true;
    }

    private static ulong Place(Vcpu vcpu, CpuState* s, Op* op, ulong top, int index, bool write) =>
        SegmentedStack.Linear(vcpu, s, op, top + (ulong)(index * sizeof(T)), sizeof(T), write);
}
