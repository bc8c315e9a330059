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

    /// <summary>The vector of the event that the last test led to, or null.</summary>
    public byte? Vector => _vcpu.Vector;

    /// <summary>Executes a test.</summary>
    /// <param name="test">The test.</param>
    /// <param name="fileMask">Bits of registers that count in all tests of the file, or null.</param>
    /// <param name="flagsMask">Bits of FLAGS that count.</param>
    /// <returns>All that differs.</returns>
    public IReadOnlyList<Difference> Execute(MooTest test, MooRegisters? fileMask, uint flagsMask)
    {
        foreach (MooByte entry in test.Before.Memory)
            Write(entry.Address, entry.Value);
        _vcpu.Load(test.Before.Registers, (test.Before.Registers[MooRegister.Eflags] ?? 0) & FlagsThatExist);
        _vcpu.Step();
        List<Difference> differences = [];
        if (_vcpu.Vector != test.Exception?.Vector)
            differences.Add(new Difference(null, $"vector {Text(_vcpu.Vector)} for {Text(test.Exception?.Vector)}"));
        CompareRegisters(test, fileMask, flagsMask, differences);
        CompareMemory(test, flagsMask, differences);
        foreach (MooByte entry in test.Before.Memory)
            Write(entry.Address, 0);
        foreach (MooByte entry in test.After.Memory)
            Write(entry.Address, 0);
        return differences;

        static string Text(byte? vector) => vector?.ToString(CultureInfo.InvariantCulture) ?? "none";
    }

    public void Dispose() => _vcpu.Dispose();

    private void CompareRegisters(MooTest test, MooRegisters? fileMask, uint flagsMask, List<Difference> differences)
    {
        for (MooRegister register = First; register <= Last; register++)
        {
            if (_is16Bit && register is MooRegister.Fs or MooRegister.Gs)
                continue;
            uint wanted = After(test, register);
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
                differences.Add(new Difference(register, $"{register} = {got & mask:X} for {wanted & mask:X}"));
        }
    }

    private void CompareMemory(MooTest test, uint flagsMask, List<Difference> differences)
    {
        Dictionary<uint, byte> memory = [];
        foreach (MooByte entry in test.Before.Memory)
            memory[entry.Address] = entry.Value;
        foreach (MooByte entry in test.After.Memory)
            memory[entry.Address] = entry.Value;
        // FLAGS lies above IP and CS. The test's own note of the address has the lowest bit cleared.
        uint flags = (After(test, MooRegister.Ss) << 4) + ((After(test, MooRegister.Esp) + 4) & 0xFFFF);
        foreach ((uint address, byte wanted) in memory)
        {
            byte got = Read(address);
            uint mask = 0xFF;
            if (test.Exception is not null && address - flags < 2)
                mask &= (flagsMask & FlagsThatExist) >> (int)(8 * (address - flags));
            if (((got ^ wanted) & mask) != 0)
                differences.Add(new Difference(null, $"[{address:X}] = {got:X2} for {wanted:X2}"));
        }
    }

    private static uint After(MooTest test, MooRegister register) => test.After.Registers[register] ?? test.Before.Registers[register] ?? 0;

    private void Write(uint address, byte value) => _vcpu.Memory.TryWrite(address, [value]);

    private byte Read(uint address)
    {
        Span<byte> value = stackalloc byte[1];
        return _vcpu.Memory.TryRead(address, value) ? value[0] : (byte)0xFF;
    }

    /// <summary>The test's instruction without the HLT behind it.</summary>
    public static ReadOnlySpan<byte> Code(MooTest test) => test.Bytes is [.. var code, Halt] ? code : test.Bytes;
}
