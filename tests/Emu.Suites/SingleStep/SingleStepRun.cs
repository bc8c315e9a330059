using System.Globalization;
using Emu.Cpu.State;

namespace Emu.Suites.SingleStep;

/// <summary>Executes one test and says where the outcome differs.</summary>
internal sealed class SingleStepRun : IDisposable
{
    private const byte Halt = 0xF4;

    // Compared: what a real-mode instruction can change. The dumps hold bits of their own in the rest.
    private const MooRegister First = MooRegister.Eax, Last = MooRegister.Eflags;

    private readonly RealModeVcpu _vcpu = new();
    private readonly bool _is16Bit;

    /// <summary>Makes a processor.</summary>
    /// <param name="processor">The file's processor: it tells the width of registers, and which flags exist.</param>
    public SingleStepRun(string processor) => _is16Bit = !processor.StartsWith("386", StringComparison.Ordinal);

    // Real mode of the 80286 has neither NT nor IOPL: they read as zeros, whatever POPF or IRET brings.
    private uint FlagsThatExist => _is16Bit ? 0x0FFFu : 0x7FFF;

    /// <summary>Executes a test.</summary>
    /// <param name="test">The test.</param>
    /// <param name="fileMask">Bits of registers that count in all tests of the file, or null.</param>
    /// <param name="flagsMask">Bits of FLAGS that count.</param>
    /// <returns>The first difference as a line of text, or null.</returns>
    public string? Execute(MooTest test, MooRegisters? fileMask, uint flagsMask)
    {
        foreach (MooByte entry in test.Before.Memory)
            Write(entry.Address, entry.Value);
        _vcpu.Load(test.Before.Registers, (test.Before.Registers[MooRegister.Eflags] ?? 0) & FlagsThatExist);
        _vcpu.Step();
        string? difference = CompareVector(test) ?? CompareRegisters(test, fileMask, flagsMask) ?? CompareMemory(test, flagsMask);
        foreach (MooByte entry in test.Before.Memory)
            Write(entry.Address, 0);
        foreach (MooByte entry in test.After.Memory)
            Write(entry.Address, 0);
        return difference;
    }

    public void Dispose() => _vcpu.Dispose();

    private string? CompareVector(MooTest test)
    {
        byte? wanted = test.Exception?.Vector;
        return _vcpu.Vector == wanted ? null : $"event {Text(_vcpu.Vector)} for {Text(wanted)}";

        static string Text(byte? vector) => vector?.ToString(CultureInfo.InvariantCulture) ?? "none";
    }

    private string? CompareRegisters(MooTest test, MooRegisters? fileMask, uint flagsMask)
    {
        for (MooRegister register = First; register <= Last; register++)
        {
            if (_is16Bit && register is MooRegister.Fs or MooRegister.Gs)
                continue;
            uint wanted = test.After.Registers[register] ?? test.Before.Registers[register] ?? 0;
            uint got = _vcpu[register];
            uint mask = (test.Mask?[register] ?? uint.MaxValue) & (fileMask?[register] ?? uint.MaxValue);
            if (_is16Bit || register is >= MooRegister.Cs and <= MooRegister.Ss)
                mask &= 0xFFFF;
            if (register == MooRegister.Eflags)
                mask &= flagsMask & FlagsThatExist;
            // The silicon went on to the HLT behind the instruction, or at the target of the jump.
            if (register == MooRegister.Eip && !_vcpu.IsHalted)
                got++;
            if (((got ^ wanted) & mask) != 0)
                return $"{register} = {got & mask:X} for {wanted & mask:X}";
        }

        return null;
    }

    private string? CompareMemory(MooTest test, uint flagsMask)
    {
        Dictionary<uint, byte> wanted = [];
        foreach (MooByte entry in test.Before.Memory)
            wanted[entry.Address] = entry.Value;
        foreach (MooByte entry in test.After.Memory)
            wanted[entry.Address] = entry.Value;
        foreach ((uint address, byte value) in wanted)
        {
            byte got = Read(address);
            uint mask = 0xFF;
            if (test.Exception is { } exception && address - exception.FlagsAddress < 2)
                mask = (flagsMask & FlagsThatExist) >> (int)(8 * (address - exception.FlagsAddress));
            if (((got ^ value) & mask & 0xFF) != 0)
                return $"[{address:X}] = {got:X2} for {value:X2}";
        }

        return null;
    }

    private void Write(uint address, byte value) => _vcpu.Memory.TryWrite(address, [value]);

    private byte Read(uint address)
    {
        Span<byte> value = stackalloc byte[1];
        return _vcpu.Memory.TryRead(address, value) ? value[0] : (byte)0xFF;
    }

    /// <summary>The test's instruction without the HLT behind it.</summary>
    public static ReadOnlySpan<byte> Code(MooTest test) => test.Bytes is [.. var code, Halt] ? code : test.Bytes;
}
