using System.Runtime.CompilerServices;
using Emu.Cpu.Execution;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.Instructions;
using Emu.Cpu.State;
using Emu.Differential;
using Emu.Differential.Generation;
using Iced.Intel;
using Xunit;
using CodeSize = Emu.Differential.CodeSize;

namespace Emu.Cpu.Tests.Vector;

/// <summary>Every vector and x87 handler leaves the host's stack as it found it when the next one starts.</summary>
public sealed unsafe class VectorTailCallTests
{
    private static nint _stackAtNext;

    [Fact]
    public void A_handler_hands_over_by_a_tail_call()
    {
        using var machine = new SingleInstruction();
        var table = new InstructionTable();
        var operands = new OperandGenerator(new Randomness(7));
        var growing = new List<string>();
        var measured = 0;
        var direct = Depth(machine, [0x90]);
        foreach (var code in Enum.GetValues<Code>())
        {
            if (!code.ToOpCode().IsInstruction || !table.Implements(code) || !code.CpuidFeatures().Any(IsOurs))
                continue;
            for (var memory = 0; memory < 2; memory++)
            {
                if (Encode(operands, code, memory == 1) is not { } bytes || Depth(machine, bytes) is not { } depth)
                    continue;
                measured++;
                if (depth != direct)
                    growing.Add($"{code} {(memory == 1 ? "from memory" : "between registers")}: {direct - depth} bytes");
            }
        }
        Assert.True(measured > 1000, $"only {measured} forms ran");
        Assert.Empty(growing);
    }

    // With its memory operand at [rdi].
    private static byte[]? Encode(OperandGenerator operands, Code code, bool memory)
    {
        if (operands.TryMake(code, CodeSize.Bits64, memory) is not { } instruction || memory != HasMemory(in instruction))
            return null;
        instruction.SegmentPrefix = Register.None;
        instruction.MemoryBase = memory ? Register.RDI : Register.None;
        instruction.MemoryDisplSize = 0;
        instruction.MemoryDisplacement64 = 0;
        if (!instruction.MemoryIndex.IsVectorRegister())
            instruction.MemoryIndex = Register.None;
        var bytes = new List<byte>();
        return Encoder.Create(64, new ListWriter(bytes)).TryEncode(instruction, 0, out _, out _) ? [.. bytes] : null;
    }

    private static bool HasMemory(in Instruction instruction)
    {
        for (var i = 0; i < instruction.OpCount; i++)
        {
            if (instruction.GetOpKind(i) == OpKind.Memory)
                return true;
        }
        return false;
    }

    private static bool IsOurs(CpuidFeature feature) => feature is CpuidFeature.MMX or CpuidFeature.SSE or CpuidFeature.SSE2 or CpuidFeature.SSE3
        or CpuidFeature.SSSE3 or CpuidFeature.SSE4_1 or CpuidFeature.SSE4_2 or CpuidFeature.AES or CpuidFeature.PCLMULQDQ or CpuidFeature.SHA
        or CpuidFeature.AVX or CpuidFeature.AVX2 or CpuidFeature.FMA or CpuidFeature.F16C or CpuidFeature.FPU or CpuidFeature.FPU387
        or CpuidFeature.FXSR or CpuidFeature.XSAVE or CpuidFeature.XSAVEOPT or CpuidFeature.XSAVEC or CpuidFeature.XSAVES
        or CpuidFeature.SSE4A or CpuidFeature.GFNI or CpuidFeature.VAES or CpuidFeature.VPCLMULQDQ or CpuidFeature.AVX_VNNI;

    // Null where the instruction raised a fault.
    private static nint? Depth(SingleInstruction machine, byte[] bytes)
    {
        var s = machine.State;
        s->X87.Context = new X87Context(0x37F);
        s->X87.Valid = 0x0F;
        s->Sse = new SseContext(0x1F80);
        s->Registers[0] = 7;
        s->Registers[2] = 0;
        s->Registers[7] = SingleInstruction.OperandAddress;
        new Span<ulong>(s->Vectors, 64).Clear();
        machine.OperandBytes(1024).Clear();
        var op = machine.Prepare(bytes);
        op[1].Handler = &AtNext;
        _stackAtNext = 0;
        machine.Run();
        return _stackAtNext == 0 ? null : _stackAtNext;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AtNext(Vcpu vcpu, CpuState* s, Op* op)
    {
        byte here;
        _stackAtNext = (nint)(&here);
    }
}
