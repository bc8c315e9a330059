using Emu.Cpu.State;

namespace Emu.Differential.Emulated;

/// <summary>
/// x87, SSE and AVX state between <see cref="CpuState"/> and the layout of XSAVE64, apart from the emulator's own instructions for it.
/// </summary>
internal static unsafe class StateImage
{
    public static void Load(CpuState* s, byte* image)
    {
        ref var x87 = ref s->X87;
        x87 = default;
        x87.Control = *(ushort*)(image + XsaveImage.ControlWord);
        x87.Status = *(ushort*)(image + XsaveImage.StatusWord);
        x87.Valid = image[XsaveImage.Tags];
        x87.LastOpcode = *(ushort*)(image + XsaveImage.Opcode);
        x87.LastInstruction = *(ulong*)(image + XsaveImage.InstructionPointer);
        x87.LastOperand = *(ulong*)(image + XsaveImage.OperandPointer);
        var top = x87.Status >> 11 & 7;
        for (var i = 0; i < 8; i++)
        {
            var register = (top + i) & 7;
            s->X87.Registers[register * 2] = *(ulong*)(image + XsaveImage.Stack + i * 16);
            s->X87.Registers[register * 2 + 1] = *(ushort*)(image + XsaveImage.Stack + i * 16 + 8);
        }
        s->Sse = default;
        s->Mxcsr = *(uint*)(image + XsaveImage.Mxcsr);
        for (var i = 0; i < 16; i++)
        {
            s->Vectors[i * 4] = ((ulong*)(image + XsaveImage.Xmm))[i * 2];
            s->Vectors[i * 4 + 1] = ((ulong*)(image + XsaveImage.Xmm))[i * 2 + 1];
            s->Vectors[i * 4 + 2] = ((ulong*)(image + XsaveImage.YmmHigh))[i * 2];
            s->Vectors[i * 4 + 3] = ((ulong*)(image + XsaveImage.YmmHigh))[i * 2 + 1];
        }
    }

    public static void Store(CpuState* s, byte* image)
    {
        ref var x87 = ref s->X87;
        *(ushort*)(image + XsaveImage.ControlWord) = x87.Control;
        *(ushort*)(image + XsaveImage.StatusWord) = x87.Status;
        *(ushort*)(image + XsaveImage.Tags) = x87.Valid;
        *(ushort*)(image + XsaveImage.Opcode) = x87.LastOpcode;
        *(ulong*)(image + XsaveImage.InstructionPointer) = x87.LastInstruction;
        *(ulong*)(image + XsaveImage.OperandPointer) = x87.LastOperand;
        *(uint*)(image + XsaveImage.Mxcsr) = s->Mxcsr;
        var top = x87.Status >> 11 & 7;
        for (var i = 0; i < 8; i++)
        {
            var register = (top + i) & 7;
            *(ulong*)(image + XsaveImage.Stack + i * 16) = s->X87.Registers[register * 2];
            *(ulong*)(image + XsaveImage.Stack + i * 16 + 8) = (ushort)s->X87.Registers[register * 2 + 1];
        }
        for (var i = 0; i < 16; i++)
        {
            ((ulong*)(image + XsaveImage.Xmm))[i * 2] = s->Vectors[i * 4];
            ((ulong*)(image + XsaveImage.Xmm))[i * 2 + 1] = s->Vectors[i * 4 + 1];
            ((ulong*)(image + XsaveImage.YmmHigh))[i * 2] = s->Vectors[i * 4 + 2];
            ((ulong*)(image + XsaveImage.YmmHigh))[i * 2 + 1] = s->Vectors[i * 4 + 3];
        }
    }
}
