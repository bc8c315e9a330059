using Iced.Intel;

namespace Emu.Cpu.Tests.Vector;

/// <summary>Makes encodings of instructions from Iced's description of their forms, with operands drawn at random.</summary>
public static class InstructionForms
{
    /// <summary>What vector-indexed memory operands use.</summary>
    public const Register IndexRegister = Register.XMM9;

    private static readonly Register[] General64 = [Register.RAX, Register.RCX, Register.RDX, Register.RBX, Register.RSI];
    private static readonly Register[] General32 = [Register.EAX, Register.ECX, Register.EDX, Register.EBX, Register.ESI];

    /// <summary>One encoding, with its memory operand at [RDI], or null where the form has no register (or no memory) alternative.</summary>
    public static byte[]? Encode(Code code, bool memory, Random random, int immediate, int vectorRegisters = 16)
    {
        var form = code.ToOpCode();
        var instruction = new Instruction { Code = code };
        var usedMemory = false;
        for (var i = 0; i < form.OpCount; i++)
        {
            var kind = form.GetOpKind(i);
            var name = kind.ToString();
            if (name.StartsWith("imm8", StringComparison.Ordinal))
            {
                if (i > 0 && instruction.GetOpKind(i - 1) == OpKind.Immediate8)
                {
                    instruction.SetOpKind(i, OpKind.Immediate8_2nd);
                    instruction.Immediate8_2nd = (byte)random.Next(256);
                    continue;
                }
                instruction.SetOpKind(i, OpKind.Immediate8);
                instruction.Immediate8 = (byte)immediate;
                continue;
            }
            var canBeMemory = name.Contains("mem", StringComparison.Ordinal);
            var canBeRegister = name is not ("mem" or "mem_mib" or "mem_offs") && !name.StartsWith("mem_", StringComparison.Ordinal);
            if (memory && canBeMemory || !canBeRegister)
            {
                if (!memory || !canBeMemory)
                    return null;
                instruction.SetOpKind(i, OpKind.Memory);
                instruction.MemoryBase = Register.RDI;
                if (name.Contains("vsib", StringComparison.Ordinal))
                {
                    instruction.MemoryIndex = name.EndsWith('x') ? IndexRegister : IndexRegister + (Register.YMM0 - Register.XMM0);
                    instruction.MemoryIndexScale = 1 << random.Next(4);
                }
                usedMemory = true;
                continue;
            }
            Register? register = name.Split('_')[0] switch
            {
                "xmm" or "xmmis4" => Register.XMM0 + random.Next(vectorRegisters),
                "ymm" or "ymmis4" => Register.YMM0 + random.Next(vectorRegisters),
                "mm" => Register.MM0 + random.Next(8),
                "r32" => General32[random.Next(General32.Length)],
                "r64" => General64[random.Next(General64.Length)],
                "st0" => Register.ST0,
                "sti" => Register.ST0 + random.Next(8),
                "ax" => Register.AX,
                _ => null,
            };
            if (register is not { } value)
                return null;
            instruction.SetOpKind(i, OpKind.Register);
            instruction.SetOpRegister(i, value);
        }
        if (memory != usedMemory)
            return null;
        var writer = new Bytes();
        var encoder = Encoder.Create(64, writer);
        return encoder.TryEncode(instruction, 0, out _, out _) ? [.. writer.List] : null;
    }

    private sealed class Bytes : CodeWriter
    {
        public List<byte> List { get; } = [];

        public override void WriteByte(byte value) => List.Add(value);
    }
}
