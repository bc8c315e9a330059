using Iced.Intel;

namespace Emu.Fuzz.Generation;

/// <summary>The beginnings (prefixes, escapes, opcode) of every instruction that Iced knows for a code size: what follows may be anything.</summary>
internal sealed class InstructionPool
{
    private static readonly InstructionPool?[] Pools = new InstructionPool?[3];

    private readonly OpCodeInfo[] _codes;
    private readonly int _bitness;

    private InstructionPool(int bitness)
    {
        _bitness = bitness;
        _codes = [.. Enum.GetValues<Code>().Select(static code => code.ToOpCode()).Where(IsEncodable)];
    }

    public static InstructionPool For(int bitness) => Pools[bitness >> 5] ??= new InstructionPool(bitness);

    /// <summary>Appends one instruction with arbitrary operands, most of them registers or memory near what registers point to.</summary>
    public void Append(CodeWriter code, Dice dice)
    {
        var info = dice.Pick(_codes);
        var (mode, rm) = PickAddressing(info, dice);
        // A register that points somewhere, so that not every access faults.
        if (mode != 3 && dice.OneIn(2))
            code.Load(_bitness == 16 ? dice.Pick<int>([CodeWriter.Ebx, CodeWriter.Esi, CodeWriter.Edi]) : rm == 4 ? CodeWriter.Ebx : rm,
                (uint)((_bitness == 16 ? 0 : Layout.Data) + dice.Below(0x7000)));
        if (dice.OneIn(12))
            code.Emit(dice.Pick<byte>([0xF0, 0xF2, 0xF3, 0x2E, 0x36, 0x26, 0x64, 0x65, 0x66, 0x67]));
        if (info.Encoding == EncodingKind.VEX)
            AppendVex(code, info, dice);
        else
            AppendLegacy(code, info, dice);
        AppendOperands(code, info, mode, rm, dice);
    }

    private bool IsEncodable(OpCodeInfo info) => info.IsInstruction
        && info.Encoding is EncodingKind.Legacy or EncodingKind.VEX && (int)info.Table <= (int)OpCodeTableKind.T0F3A
        && (_bitness switch { 16 => info.Mode16, 32 => info.Mode32, _ => info.Mode64 });

    private void AppendLegacy(CodeWriter code, OpCodeInfo info, Dice dice)
    {
        if (info.OperandSize == 16 != (_bitness == 16) && info.OperandSize is 16 or 32 && (info.OperandSize == 16 || _bitness == 16))
            code.Emit(0x66);
        switch (info.MandatoryPrefix)
        {
            case MandatoryPrefix.P66:
                code.Emit(0x66);
                break;
            case MandatoryPrefix.PF3:
                code.Emit(0xF3);
                break;
            case MandatoryPrefix.PF2:
                code.Emit(0xF2);
                break;
        }
        if (_bitness == 64 && (info.OperandSize == 64 || dice.OneIn(4)))
            code.Emit((byte)(0x40 | (info.OperandSize == 64 ? 8 : 0) | dice.Below(8)));
        switch (info.Table)
        {
            case OpCodeTableKind.T0F:
                code.Emit(0x0F);
                break;
            case OpCodeTableKind.T0F38:
                code.Emit(0x0F, 0x38);
                break;
            case OpCodeTableKind.T0F3A:
                code.Emit(0x0F, 0x3A);
                break;
        }
        if (info.OpCodeLength == 2)
            code.Emit((byte)(info.OpCode >> 8));
        code.Emit((byte)info.OpCode);
    }

    private void AppendVex(CodeWriter code, OpCodeInfo info, Dice dice)
    {
        var map = info.Table switch { OpCodeTableKind.T0F => 1, OpCodeTableKind.T0F38 => 2, _ => 3 };
        var prefix = info.MandatoryPrefix switch { MandatoryPrefix.P66 => 1, MandatoryPrefix.PF3 => 2, MandatoryPrefix.PF2 => 3, _ => 0 };
        var extension = _bitness == 64 ? dice.Below(8) : 7;
        var vvvv = dice.OneIn(3) ? 15 : _bitness == 64 ? dice.Below(16) : 8 | dice.Below(8);
        code.Emit(0xC4, (byte)(extension << 5 | map), (byte)((int)info.W << 7 | vvvv << 3 | (int)(info.L & 1) << 2 | prefix), (byte)info.OpCode);
    }

    private (int Mode, int Rm) PickAddressing(OpCodeInfo info, Dice dice)
    {
        if (info.IsRmGroup)
            return (3, info.RmGroupIndex);
        var mode = dice.Pick<int>([0, 0, 0, 0, 1, 1, 2, 3, 3, 3, 3]);
        var rm = dice.Below(8);
        if (mode == 0 && rm == (_bitness == 16 ? 6 : 5) && !dice.OneIn(8))
            rm = 3;
        return (mode, rm);
    }

    private void AppendOperands(CodeWriter code, OpCodeInfo info, int mode, int rm, Dice dice)
    {
        var reg = info.IsGroup ? info.GroupIndex : dice.Below(8);
        if (info.OpCodeLength == 1)
            code.Emit((byte)(mode << 6 | reg << 3 | rm));
        // A scaled index would leave the data: only now and then.
        if (_bitness != 16 && mode != 3 && rm == 4)
            code.Emit(dice.OneIn(4) ? dice.Byte() : (byte)(0x20 | CodeWriter.Ebx));
        if (mode == 1)
            code.Emit(dice.Byte());
        else if (mode == 2)
            code.Emit(_bitness == 16 ? [dice.Byte(), (byte)dice.Below(16)] : [dice.Byte(), (byte)dice.Below(16), 0, 0]);
        // What may be an immediate of one or four bytes.
        var rest = dice.Below(6);
        for (var i = 0; i < rest; i++)
            code.Emit(i >= 2 ? (byte)0 : dice.Byte());
    }
}
