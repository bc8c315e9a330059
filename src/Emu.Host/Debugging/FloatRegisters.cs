using System.Buffers.Binary;
using Emu.Cpu;
using Emu.Cpu.State;

namespace Emu.Host.Debugging;

/// <summary>The x87 unit's registers as gdb sees them: by place on the stack, and with the full tag word of FSTENV.</summary>
internal static unsafe class FloatRegisters
{
    private const string Group = "float";

    /// <summary>ST(<paramref name="index"/>): 80 bits.</summary>
    /// <param name="index">0–7 from the top.</param>
    /// <returns>The register.</returns>
    public static GuestRegister Stack(int index) => new($"st{index}", 80, "i387_ext", null,
        (vcpu, bytes) =>
        {
            int at = Physical(vcpu, index) * 2;
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, vcpu.State->X87.Registers[at]);
            BinaryPrimitives.WriteUInt16LittleEndian(bytes[8..], (ushort)vcpu.State->X87.Registers[at + 1]);
        },
        (vcpu, bytes) =>
        {
            int at = Physical(vcpu, index) * 2;
            vcpu.State->X87.Registers[at] = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            vcpu.State->X87.Registers[at + 1] = BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..]);
            return true;
        });

    /// <summary>Adds the control registers in gdb's order.</summary>
    /// <param name="registers">Where they go.</param>
    public static void AddControl(List<GuestRegister> registers)
    {
        Add("fctrl", static vcpu => vcpu.State->X87.Control, static (vcpu, value) => vcpu.State->X87.Control = (ushort)value);
        Add("fstat", static vcpu => vcpu.State->X87.Status, static (vcpu, value) => vcpu.State->X87.Status = (ushort)value);
        Add("ftag", TagWord, SetTagWord);
        Add("fiseg", static vcpu => vcpu.State->X87.LastCodeSelector, static (vcpu, value) => vcpu.State->X87.LastCodeSelector = (ushort)value);
        Add("fioff", static vcpu => vcpu.State->X87.LastInstruction, static (vcpu, value) => vcpu.State->X87.LastInstruction = value);
        Add("foseg", static vcpu => vcpu.State->X87.LastDataSelector, static (vcpu, value) => vcpu.State->X87.LastDataSelector = (ushort)value);
        Add("fooff", static vcpu => vcpu.State->X87.LastOperand, static (vcpu, value) => vcpu.State->X87.LastOperand = value);
        Add("fop", static vcpu => vcpu.State->X87.LastOpcode, static (vcpu, value) => vcpu.State->X87.LastOpcode = (ushort)(value & 0x7FF));

        void Add(string name, Func<Vcpu, ulong> read, Action<Vcpu, ulong> write) =>
            registers.Add(RegisterSet.Number(name, 32, "int", Group, read, (vcpu, value) =>
            {
                write(vcpu, value);
                return true;
            }));
    }

    // Bits 13:11 of the status word say which physical register is the top.
    private static int Physical(Vcpu vcpu, int index) => ((vcpu.State->X87.Status >> 11) + index) & 7;

    // Two bits for each physical register (SDM Vol. 1, 8.1.7): 0 valid, 1 zero, 2 special, 3 empty.
    private static ulong TagWord(Vcpu vcpu)
    {
        ref X87State unit = ref vcpu.State->X87;
        ulong word = 0;
        for (int i = 0; i < 8; i++)
        {
            ulong significand = unit.Registers[i * 2];
            uint exponent = (uint)unit.Registers[(i * 2) + 1] & 0x7FFF;
            ulong tag = (unit.Valid >> i & 1) == 0 ? 3UL
                : exponent == 0 && significand == 0 ? 1UL
                : exponent == 0x7FFF || significand >> 63 == 0 ? 2UL
                : 0;
            word |= tag << (i * 2);
        }

        return word;
    }

    // Only empty or not is state; the rest follows from the registers.
    private static void SetTagWord(Vcpu vcpu, ulong word)
    {
        int valid = 0;
        for (int i = 0; i < 8; i++)
        {
            if ((word >> (i * 2) & 3) != 3)
                valid |= 1 << i;
        }

        vcpu.State->X87.Valid = (byte)valid;
    }
}
