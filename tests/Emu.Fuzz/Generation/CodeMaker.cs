using Emu.Fuzz.Cases;

namespace Emu.Fuzz.Generation;

/// <summary>Makes a case's code: a mixture of instructions and snippets, whose weights the kind of the case decides.</summary>
internal static class CodeMaker
{
    // Opcodes that random bytes seldom make: a prefix or escape, to be followed by arbitrary bytes.
    private static readonly byte[][] Openings =
    [
        [0x0F], [0x0F, 0x38], [0x0F, 0x3A], [0x66, 0x0F], [0xF3, 0x0F], [0xF2, 0x0F], [0x48], [0x4C], [0x41], [0xF3, 0xA4], [0xF3, 0xAB],
        [0xF3, 0xA6], [0xF2, 0xAE], [0xF3, 0x48, 0xAB], [0xC5, 0xFC], [0xC5, 0xF9], [0xC4, 0xE2, 0x7D], [0xC4, 0xE3, 0x7D],
        [0xC4, 0xE2, 0xF9], [0xD8], [0xD9], [0xDB], [0xDD], [0xDF], [0x67], [0x66], [0x0F, 0xAE], [0x0F, 0xC7], [0x0F, 0x01],
        [0xFF], [0xF7], [0xF6], [0x89], [0x8B], [0x01], [0xEB], [0xE8], [0x74], [0x75], [0xE2], [0xC3], [0x50], [0x58],
        [0xC6, 0x05], [0x80, 0x05], [0x9D], [0xFB], [0xFA], [0x8E], [0xCF], [0x9C], [0xFC], [0xFD],
    ];

    public static byte[] Make(GuestCase guest, Dice dice)
    {
        var code = new CodeWriter(guest.Mode.Bitness(), Layout.CodeLength);
        var snippets = new Snippets(code, dice, guest);
        var pool = InstructionPool.For(code.Bitness);
        // Some cases are of one cloth, so that what needs many instructions in a row has its chance.
        var density = dice.Pick<int>([2, 10, 30, 60]);
        while (!code.IsFull)
        {
            if (dice.Below(100) < density)
                AppendSnippet(guest.Kind, snippets, dice);
            else
                AppendOrdinary(code, pool, dice);
        }
        return code.ToArray();
    }

    private static void AppendOrdinary(CodeWriter code, InstructionPool pool, Dice dice)
    {
        switch (dice.Below(10))
        {
            case 0:
                AppendRandom(code, dice, dice.Below(9) + 1);
                break;
            case 1:
                code.Emit(dice.Pick(Openings));
                AppendRandom(code, dice, dice.Below(6));
                break;
            case 2:
                var real = RealCode.Piece(dice);
                code.Emit(real);
                break;
            case 3:
                // Ordinary arithmetic in between keeps blocks long and flags alive.
                code.Emit(dice.Pick<byte>([0x01, 0x03, 0x29, 0x31, 0x85, 0x09, 0x21, 0x39]), (byte)(0xC0 | dice.Below(64) & ~0x24));
                break;
            case 4:
                code.Emit(dice.Pick<byte>([0x70, 0x72, 0x74, 0x75, 0x78, 0x7C, 0xEB, 0xE2, 0xE0]), (byte)(dice.Below(40) - 12));
                break;
            default:
                pool.Append(code, dice);
                break;
        }
    }

    private static void AppendRandom(CodeWriter code, Dice dice, int count)
    {
        for (var i = 0; i < count; i++)
            code.Emit(dice.Byte());
    }

    private static void AppendSnippet(CaseKind kind, Snippets snippets, Dice dice)
    {
        // One in eight comes from another kind's store.
        if (dice.OneIn(8))
            kind = dice.Pick<CaseKind>([CaseKind.Code, CaseKind.Paging, CaseKind.Descriptors, CaseKind.Devices, CaseKind.Hypercalls]);
        switch (kind)
        {
            case CaseKind.Code:
                snippets.AppendMemory();
                break;
            case CaseKind.Paging:
                snippets.AppendPaging();
                break;
            case CaseKind.Descriptors:
                snippets.AppendSystem();
                break;
            case CaseKind.Devices:
                snippets.AppendDevice();
                break;
            default:
                snippets.AppendHypercall();
                break;
        }
    }
}
