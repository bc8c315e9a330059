namespace Emu.Suites.SingleStep;

/// <summary>Where processors of today differ from those that the tests were recorded on: the only place that says so.</summary>
internal static class KnownDifference
{
    private const byte LockPrefix = 0xF0;
    private const byte DivideError = 0, UndefinedOpcode = 6, StackFault = 12, GeneralProtection = 13;
    private const int Longest286Instruction = 10;

    /// <summary>The forms that LOCK may precede where their destination is memory, by file name.</summary>
    private static readonly HashSet<string> Lockable =
    [
        "00", "01", "08", "09", "10", "11", "18", "19", "20", "21", "28", "29", "30", "31", "86", "87",
        "80.0", "80.1", "80.2", "80.3", "80.4", "80.5", "80.6", "81.0", "81.1", "81.2", "81.3", "81.4", "81.5", "81.6",
        "82.0", "82.1", "82.2", "82.3", "82.4", "82.5", "82.6", "83.0", "83.1", "83.2", "83.3", "83.4", "83.5", "83.6",
        "F6.2", "F6.3", "F7.2", "F7.3", "FE.0", "FE.1", "FF.0", "FF.1",
    ];

    private static readonly HashSet<string> Strings = ["6C", "6D", "6E", "6F", "A4", "A5", "A6", "A7", "AA", "AB", "AC", "AD", "AE", "AF"];

    /// <summary>Why a test's outcome is not that of the architecture as it is now.</summary>
    /// <param name="processor">The processor that the test was recorded on.</param>
    /// <param name="form">The form, as its file is named.</param>
    /// <param name="test">The test.</param>
    /// <param name="got">The vector that we raised, or null.</param>
    /// <param name="differences">All that differs.</param>
    /// <returns>The reason, or null where there is none.</returns>
    public static string? Of(string processor, string form, MooTest test, byte? got, IReadOnlyList<Difference> differences)
    {
        if (processor != "C286")
            return null;
        ReadOnlySpan<byte> code = SingleStepRun.Code(test);
        byte? recorded = test.Exception?.Vector;
        if (got == UndefinedOpcode && IsLocked(code) && !(Lockable.Contains(form) && HasMemoryOperand(code)))
            return "LOCK before what cannot be locked is #UD; the 80286 executed it";
        if (got == StackFault && recorded == GeneralProtection)
            return "what exceeds SS's limit in real mode is vector 12; on the 80286 it was 13";
        if (recorded == GeneralProtection && got != recorded && LengthIfValid(form, code) > Longest286Instruction)
            return "instructions have up to 15 bytes; the 80286 took 10";
        if (recorded == UndefinedOpcode && got != recorded && form is "8C" or "8E")
            return "FS and GS exist; on the 80286 MOV of them was #UD";
        if (recorded == GeneralProtection && got == recorded && Strings.Contains(form) && differences.All(IsOfStringRegisters))
            return "a string instruction that faults leaves SI, DI and CX as they were; the 80286 had moved them";
        if (form == "8F" && recorded == GeneralProtection && got == recorded)
            return "POP to memory that faults leaves SP as it was; the 80286 had moved it";
        if (form == "D8" && recorded is null && got is GeneralProtection or StackFault)
            return "an x87 instruction reads its operand; without an 80287 nothing did";
        if (recorded is null && got == DivideError && form is "F6.7" or "F7.7")
            return "IDIV whose quotient does not fit is #DE; the 80286 let some pass";
        if (form == "D4" && recorded == DivideError && got == recorded)
            return "AAM 0 faults with flags as they were; the 80286 had changed them";
        if (recorded == got && got is not null && PushesStackSegment(test))
            return "the recording has SS pushed where CS belongs";
        return null;
    }

    // A glitch of a few recordings: CS lies above IP, which lies at the final stack pointer.
    private static bool PushesStackSegment(MooTest test)
    {
        uint ss = test.Before.Registers[MooRegister.Ss] ?? 0;
        uint at = (ss << 4) + (((test.After.Registers[MooRegister.Esp] ?? 0) + 2) & 0xFFFF);
        uint pushed = 0;
        foreach (MooByte entry in test.After.Memory)
        {
            if (entry.Address - at < 2)
                pushed |= (uint)entry.Value << (int)(8 * (entry.Address - at));
        }

        return pushed == ss && test.Before.Registers[MooRegister.Cs] != ss;
    }

    // Where the opcode is invalid, the recording ends before the operands that the 80286 counted: MOV of a word and its address have four bytes.
    private static int LengthIfValid(string form, ReadOnlySpan<byte> code) => form is "C6" or "C7" ? PrefixesOf(code) + 6 : code.Length;

    private static bool IsOfStringRegisters(Difference difference) =>
        difference.Register is MooRegister.Esi or MooRegister.Edi or MooRegister.Ecx;

    private static bool IsLocked(ReadOnlySpan<byte> code) => code[..PrefixesOf(code)].Contains(LockPrefix);

    private static bool HasMemoryOperand(ReadOnlySpan<byte> code)
    {
        int modrm = PrefixesOf(code) + 1;
        return modrm < code.Length && code[modrm] < 0xC0;
    }

    private static int PrefixesOf(ReadOnlySpan<byte> code)
    {
        int count = 0;
        while (count < code.Length && code[count] is LockPrefix or 0xF2 or 0xF3 or 0x26 or 0x2E or 0x36 or 0x3E or 0x64 or 0x65 or 0x66 or 0x67)
            count++;
        return count;
    }
}
