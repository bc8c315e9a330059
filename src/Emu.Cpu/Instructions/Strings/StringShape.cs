using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Strings;

/// <summary>Binds a string instruction of one width, with or without REP.</summary>
internal static unsafe class StringShape<TOperation, T>
    where TOperation : IStringOperation
    where T : unmanaged, IBinaryInteger<T>
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        var op = operands.Op;
        TakeAddress(ref operands);
        // REP and REPNE mean the same to instructions that do not compare.
        var repeats = operands.Instruction.HasRepPrefix || operands.Instruction.HasRepnePrefix;
        op->Immediate = operands.Instruction.HasRepPrefix ? 1 : 0;
        var flat = (operands.Mode & CodeMode.Flat) != 0 && !operands.Is64 && op->AddressSize == 4
            && op->Segment < (byte)SegmentName.Fs && op->Segment != (byte)SegmentName.Cs;
        if (operands.IsForCompiler && (flat || (operands.Is64 && op->AddressSize == 8)))
            operands.Emission = repeats ? new RepetitionEmission(typeof(TOperation), sizeof(T)) : new StringEmission(typeof(TOperation), sizeof(T));
        if (operands.Is64 && op->AddressSize == 8)
            op->Handler = repeats ? &Repeated<LongStrings> : &Single<LongStrings>;
        else if (flat)
            op->Handler = repeats ? &Repeated<FlatStrings> : &Single<FlatStrings>;
        else
            op->Handler = repeats ? &Repeated<SegmentedStrings> : &Single<SegmentedStrings>;
    }

    private static void TakeAddress(ref Operands operands)
    {
        for (var i = 0; i < operands.Instruction.OpCount; i++)
        {
            var size = operands.Kind(i) switch
            {
                OpKind.MemorySegSI or OpKind.MemoryESDI => 2,
                OpKind.MemorySegESI or OpKind.MemoryESEDI => 4,
                OpKind.MemorySegRSI or OpKind.MemoryESRDI => 8,
                _ => 0,
            };
            if (size != 0)
                operands.Op->Shape = Execution.Op.AddressSizeOf(operands.Instruction.Length, size);
            if (operands.Kind(i) is OpKind.MemorySegSI or OpKind.MemorySegESI or OpKind.MemorySegRSI)
                operands.Op->Segment = operands.SegmentOf(Register.RSI);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Single<TString>(Vcpu vcpu, CpuState* s, Op* op) where TString : IStringAddressing
    {
        if (!TOperation.One<T, TString>(vcpu, s, op))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Repeated<TString>(Vcpu vcpu, CpuState* s, Op* op) where TString : IStringAddressing
    {
        if (!Repetition<TOperation, T, TString>.TryFinish(vcpu, s, op))
            return;
        Step.Next(vcpu, s, op);
    }
}
