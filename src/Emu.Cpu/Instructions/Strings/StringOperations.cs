using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.Integer;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Strings;

/// <summary>MOVS (SDM Vol. 2B).</summary>
public readonly unsafe struct Movs : IStringOperation
{
    /// <inheritdoc/>
    public static bool UsesSource => true;

    /// <inheritdoc/>
    public static bool UsesDestination => true;

    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    public static bool Compares => false;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool One<T, TString>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TString : IStringAddressing
    {
        var source = Operand.ReadAt<T>(vcpu, s, op, TString.Source(vcpu, s, op, sizeof(T)));
        if (source == null)
            return false;
        if (!Operand.WriteAt(vcpu, s, op, TString.Destination(vcpu, s, op, sizeof(T), true), *source, SegmentName.Es))
            return false;
        var distance = (ulong)(StringRegister.Step(s) * sizeof(T));
        TString.Add(s, op, StringRegister.Source, distance);
        TString.Add(s, op, StringRegister.Destination, distance);
        return true;
    }

    /// <inheritdoc/>
    public static int Many<T>(CpuState* s, T* source, T* destination, int count, int step, bool whileEqual)
        where T : unmanaged, IBinaryInteger<T>
    {
        var bytes = (long)count * sizeof(T);
        // How far the destination lies ahead, in the direction of the copy: only then is a byte written before it is read.
        var ahead = ((byte*)destination - (byte*)source) * step;
        if (ahead <= 0 || ahead >= bytes)
        {
            var lowest = step < 0 ? count - 1 : 0;
            Buffer.MemoryCopy(source - lowest, destination - lowest, bytes, bytes);
        }
        else
        {
            for (var i = 0; i < count; i++)
                destination[i * step] = source[i * step];
        }
        return count;
    }
}

/// <summary>STOS (SDM Vol. 2B).</summary>
public readonly unsafe struct Stos : IStringOperation
{
    /// <inheritdoc/>
    public static bool UsesSource => false;

    /// <inheritdoc/>
    public static bool UsesDestination => true;

    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    public static bool Compares => false;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool One<T, TString>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TString : IStringAddressing
    {
        if (!Operand.WriteAt(vcpu, s, op, TString.Destination(vcpu, s, op, sizeof(T), true), Step.Get<T>(s, 0), SegmentName.Es))
            return false;
        TString.Add(s, op, StringRegister.Destination, (ulong)(StringRegister.Step(s) * sizeof(T)));
        return true;
    }

    /// <inheritdoc/>
    public static int Many<T>(CpuState* s, T* source, T* destination, int count, int step, bool whileEqual)
        where T : unmanaged, IBinaryInteger<T>
    {
        new Span<T>(destination - (step < 0 ? count - 1 : 0), count).Fill(Step.Get<T>(s, 0));
        return count;
    }
}

/// <summary>LODS (SDM Vol. 2A).</summary>
public readonly unsafe struct Lods : IStringOperation
{
    /// <inheritdoc/>
    public static bool UsesSource => true;

    /// <inheritdoc/>
    public static bool UsesDestination => false;

    /// <inheritdoc/>
    public static bool WritesDestination => false;

    /// <inheritdoc/>
    public static bool Compares => false;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool One<T, TString>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TString : IStringAddressing
    {
        var source = Operand.ReadAt<T>(vcpu, s, op, TString.Source(vcpu, s, op, sizeof(T)));
        if (source == null)
            return false;
        Step.Set(s, 0, *source);
        TString.Add(s, op, StringRegister.Source, (ulong)(StringRegister.Step(s) * sizeof(T)));
        return true;
    }

    /// <inheritdoc/>
    public static int Many<T>(CpuState* s, T* source, T* destination, int count, int step, bool whileEqual)
        where T : unmanaged, IBinaryInteger<T>
    {
        Step.Set(s, 0, source[(count - 1) * step]);
        return count;
    }
}

/// <summary>CMPS (SDM Vol. 2A): the flags of [rSI] − [rDI].</summary>
public readonly unsafe struct Cmps : IStringOperation
{
    /// <inheritdoc/>
    public static bool UsesSource => true;

    /// <inheritdoc/>
    public static bool UsesDestination => true;

    /// <inheritdoc/>
    public static bool WritesDestination => false;

    /// <inheritdoc/>
    public static bool Compares => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool One<T, TString>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TString : IStringAddressing
    {
        var source = Operand.ReadAt<T>(vcpu, s, op, TString.Source(vcpu, s, op, sizeof(T)));
        if (source == null)
            return false;
        // Both may come to lie in the scratch bytes.
        var value = *source;
        var destination = Operand.ReadAt<T>(vcpu, s, op, TString.Destination(vcpu, s, op, sizeof(T), false), SegmentName.Es);
        if (destination == null)
            return false;
        Cmp.Compute(value, *destination, ref s->Flags);
        var distance = (ulong)(StringRegister.Step(s) * sizeof(T));
        TString.Add(s, op, StringRegister.Source, distance);
        TString.Add(s, op, StringRegister.Destination, distance);
        return true;
    }

    /// <inheritdoc/>
    public static int Many<T>(CpuState* s, T* source, T* destination, int count, int step, bool whileEqual)
        where T : unmanaged, IBinaryInteger<T>
    {
        var i = 0;
        if (whileEqual && step > 0)
            i = new ReadOnlySpan<T>(source, count).CommonPrefixLength(new ReadOnlySpan<T>(destination, count));
        else
            while (i < count && (source[i * step] == destination[i * step]) == whileEqual)
                i++;
        var last = Math.Min(i, count - 1);
        Cmp.Compute(source[last * step], destination[last * step], ref s->Flags);
        return last + 1;
    }
}

/// <summary>SCAS (SDM Vol. 2B): the flags of the accumulator − [rDI].</summary>
public readonly unsafe struct Scas : IStringOperation
{
    /// <inheritdoc/>
    public static bool UsesSource => false;

    /// <inheritdoc/>
    public static bool UsesDestination => true;

    /// <inheritdoc/>
    public static bool WritesDestination => false;

    /// <inheritdoc/>
    public static bool Compares => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool One<T, TString>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TString : IStringAddressing
    {
        var destination = Operand.ReadAt<T>(vcpu, s, op, TString.Destination(vcpu, s, op, sizeof(T), false), SegmentName.Es);
        if (destination == null)
            return false;
        Cmp.Compute(Step.Get<T>(s, 0), *destination, ref s->Flags);
        TString.Add(s, op, StringRegister.Destination, (ulong)(StringRegister.Step(s) * sizeof(T)));
        return true;
    }

    /// <inheritdoc/>
    public static int Many<T>(CpuState* s, T* source, T* destination, int count, int step, bool whileEqual)
        where T : unmanaged, IBinaryInteger<T>
    {
        var value = Step.Get<T>(s, 0);
        var i = 0;
        if (step > 0)
        {
            var elements = new ReadOnlySpan<T>(destination, count);
            i = whileEqual ? elements.IndexOfAnyExcept(value) : elements.IndexOf(value);
            if (i < 0)
                i = count;
        }
        else
        {
            while (i < count && (value == destination[-i]) == whileEqual)
                i++;
        }
        var last = Math.Min(i, count - 1);
        Cmp.Compute(value, destination[last * step], ref s->Flags);
        return last + 1;
    }
}
