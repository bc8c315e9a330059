using System.Globalization;
using System.Text;
using Emu.Cpu.State;

namespace Emu.Cpu.Tests.Vector;

/// <summary>Executes an instruction on random states both here and on the host, and tells the first difference.</summary>
public sealed unsafe class HostComparison : IDisposable
{
    private const int OperandBytes = 5120;
    private const int RandomBytes = 256;
    private const ulong ArithmeticFlags = 0x8D5;

    private static readonly ulong[] Special64 =
    [
        0, 0x8000_0000_0000_0000, 0x3FF0_0000_0000_0000, 0xBFF0_0000_0000_0000, 0x7FF0_0000_0000_0000, 0xFFF0_0000_0000_0000,
        0x7FF8_0000_0000_0001, 0xFFF8_0000_0000_0000, 0x7FF0_0000_0000_0001, 0xFFF4_0000_0000_1234, 1, 0x800F_FFFF_FFFF_FFFF, 0x0010_0000_0000_0000,
        0x7FEF_FFFF_FFFF_FFFF, 0x41DF_FFFF_FFC0_0000, 0xC1E0_0000_0000_0000, 0x43E0_0000_0000_0000, 0xC3E0_0000_0000_0000, 0x3FE0_0000_0000_0000,
        0x380F_FFFF_FFFF_FFFF, 0x36A0_0000_0000_0000, 0x47EF_FFFF_F000_0000, 0x4059_0000_0000_0000, 0x3FB9_9999_9999_999A,
        0x7FFF_7FFF_8000_8000, 0x0102_0304_0506_0708, 0xFFFF_FFFF_FFFF_FFFF,
    ];

    private static readonly uint[] Special32 =
    [
        0, 0x8000_0000, 0x3F80_0000, 0xBF80_0000, 0x7F80_0000, 0xFF80_0000, 0x7FC0_0001, 0xFFC0_0000, 0x7F80_0001, 0xFFA0_1234, 1, 0x807F_FFFF,
        0x0080_0000, 0x7F7F_FFFF, 0x4EFF_FFFF, 0xCF00_0000, 0x5F00_0000, 0xDF00_0000, 0x3F00_0000, 0x4040_0000, 0x3DCC_CCCD, 0x8000_7FFF, 0xFF00_FF00,
    ];

    private static readonly ushort[] Exponents80 = [0, 1, 0x3FFE, 0x3FFF, 0x4000, 0x403E, 0x7FFE, 0x7FFF, 0x43FE, 0x43FF, 0x3C00, 0x3C01, 0x407E, 0x3F81, 0x3F6A, 0x3FC0];

    private static readonly ulong[] Significands80 =
        [0, 0x8000_0000_0000_0000, 0xFFFF_FFFF_FFFF_FFFF, 0xC000_0000_0000_0000, 1, 0x8000_0000_0000_0001, 0xA000_0000_0000_0000, 0x4000_0000_0000_0000];

    private readonly HostProcessor _host = new();
    private readonly SingleInstruction _machine = new();

    public SingleInstruction Machine => _machine;

    /// <summary>Compares upper lanes of YMM too.</summary>
    public bool WithUpper { get; set; }

    /// <summary>Some control words unmask exceptions.</summary>
    public bool Unmasks { get; set; } = true;

    /// <summary>Displaces the memory operand, to make it unaligned.</summary>
    public int Displacement { get; set; }

    /// <summary>Status bits of the x87 FPU that do not count.</summary>
    public ushort IgnoredStatus { get; set; }

    /// <summary>x87 registers hold ordinary numbers, and stacks are mostly full.</summary>
    public bool SetsNumbers { get; set; }

    public static ulong Random64(Random random) => random.Next(4) switch
    {
        0 => (ulong)random.NextInt64(long.MinValue, long.MaxValue),
        1 => Special64[random.Next(Special64.Length)],
        2 => Special32[random.Next(Special32.Length)] | ((ulong)Special32[random.Next(Special32.Length)] << 32),
        _ => random.Next(2) == 0
            ? BitConverter.DoubleToUInt64Bits((random.NextDouble() - 0.5) * Math.Pow(2, random.Next(-70, 70)))
            : BitConverter.SingleToUInt32Bits((float)((random.NextDouble() - 0.5) * Math.Pow(2, random.Next(-40, 40))))
                | ((ulong)BitConverter.SingleToUInt32Bits((float)((random.NextDouble() - 0.5) * Math.Pow(2, random.Next(-40, 40)))) << 32),
    };

    /// <summary>Fills a register state in the layout of FXSAVE64.</summary>
    public void Randomize(Random random)
    {
        var state = _host.State;
        var fx = state->Before;
        new Span<byte>(fx, HostState.FxBytes).Clear();
        var unmask = Unmasks && random.Next(3) == 0;
        var control = (ushort)(0x40 | random.Next(4) << 10 | (random.Next(3) == 0 ? random.Next(4) : 3) << 8 | (unmask ? random.Next(64) : 63));
        var status = (ushort)(random.Next(8) << 11 | random.Next(16) << 8 & 0x4700 | (random.Next(2) == 0 ? random.Next(64) : 0));
        if ((status & ~control & 63) != 0)
            status &= 0xFFC0;
        *(ushort*)fx = control;
        *(ushort*)(fx + 2) = status;
        fx[4] = random.Next(SetsNumbers ? 8 : 3) == 0 ? (byte)random.Next(256) : (byte)255;
        var mxcsr = (uint)(random.Next(2) == 0 ? 0x1FA0 : random.Next(1 << 16));
        if (!unmask)
            mxcsr |= 0x1F80;
        *(uint*)(fx + 24) = mxcsr & ~(uint)(unmask ? 63 & ~(mxcsr >> 7) : 0);
        *(uint*)(fx + 28) = 0xFFFF;
        for (var i = 0; i < 8; i++)
        {
            var register = fx + 32 + i * 16;
            *(ulong*)register = random.Next(3) == 0 ? Significands80[random.Next(Significands80.Length)] : Random64(random) | (random.Next(6) == 0 ? 0 : 1UL << 63);
            *(ushort*)(register + 8) = (ushort)(random.Next(3) == 0 ? Exponents80[random.Next(Exponents80.Length)] : random.Next(0x3FC0, 0x4041));
            if (SetsNumbers && random.Next(10) != 0)
            {
                *(ulong*)register |= 1UL << 63;
                *(ushort*)(register + 8) = (ushort)random.Next(0x3FE0, 0x4030);
            }
            if (random.Next(2) == 0)
                *(ushort*)(register + 8) |= 0x8000;
        }
        for (var i = 0; i < 32; i++)
            *(ulong*)(fx + 160 + i * 8) = Random64(random);
        for (var i = 0; i < 32; i++)
            *(ulong*)(state->UpperBefore + i * 8) = Random64(random);
        for (var i = 0; i < 5; i++)
            state->GeneralBefore[i] = Random64(random);
        state->GeneralBefore[6] = ((ulong)random.Next(1 << 12) & ArithmeticFlags) | 0x202;
        var around = Math.Max(Displacement - 64, 0) & ~7;
        for (var i = 0; i < RandomBytes; i += 8)
            *(ulong*)(_machine.Operand + around + i) = Random64(random);
    }

    /// <summary>Replaces the memory operand.</summary>
    public void SetOperand(ReadOnlySpan<byte> bytes) => bytes.CopyTo(new Span<byte>(_machine.Operand + Displacement, OperandBytes));

    /// <summary>The host's copy of the memory operand.</summary>
    public Span<byte> HostOperand(int length) => new(_host.Operand, length);

    /// <summary>The state that the host starts from, to change it.</summary>
    public HostState* State => _host.State;

    /// <summary>Runs the instruction on the state of <see cref="Randomize"/>.</summary>
    /// <returns>Null, or what differs.</returns>
    public string? Run(ReadOnlySpan<byte> instruction)
    {
        var host = _host.State;
        var s = _machine.State;
        LoadMachine();
        new ReadOnlySpan<byte>(_machine.Operand, OperandBytes).CopyTo(new Span<byte>(_host.Operand, OperandBytes));
        host->GeneralBefore[5] = (ulong)(_host.Operand + Displacement);
        s->Registers[7] = SingleInstruction.OperandAddress + (ulong)Displacement;

        var expected = _host.Execute(instruction);
        var actual = _machine.Execute(instruction);
        var text = new StringBuilder();
        if (expected != actual)
            text.Append(CultureInfo.InvariantCulture, $"vector {actual}, host {expected}; ");
        Compare(text, "status", s->X87.Status & ~IgnoredStatus, *(ushort*)(host->After + 2) & ~IgnoredStatus);
        Compare(text, "control", s->X87.Control, *(ushort*)host->After);
        Compare(text, "tags", s->X87.Valid, host->After[4]);
        Compare(text, "MXCSR", s->Mxcsr, *(uint*)(host->After + 24));
        Compare(text, "flags", s->Flags.ToRflags() & ArithmeticFlags, host->GeneralAfter[6] & ArithmeticFlags);
        ReadOnlySpan<int> general = [0, 1, 2, 3, 6];
        for (var i = 0; i < 5; i++)
            Compare(text, $"GPR{general[i]}", s->Registers[general[i]], host->GeneralAfter[i]);
        var top = s->X87.Status >> 11 & 7;
        for (var i = 0; i < 8; i++)
        {
            var register = (top + i) & 7;
            Compare(text, $"ST{i}", s->X87.Registers[register * 2], *(ulong*)(host->After + 32 + i * 16));
            Compare(text, $"ST{i} exponent", s->X87.Registers[register * 2 + 1] & 0xFFFF, *(ushort*)(host->After + 40 + i * 16));
        }
        for (var i = 0; i < 16; i++)
        {
            Compare(text, $"XMM{i}", s->Vectors[i * 4], *(ulong*)(host->After + 160 + i * 16));
            Compare(text, $"XMM{i} high", s->Vectors[i * 4 + 1], *(ulong*)(host->After + 168 + i * 16));
            if (WithUpper)
            {
                Compare(text, $"YMM{i} high", s->Vectors[i * 4 + 2], *(ulong*)(host->UpperAfter + i * 16));
                Compare(text, $"YMM{i} highest", s->Vectors[i * 4 + 3], *(ulong*)(host->UpperAfter + i * 16 + 8));
            }
        }
        var same = Machine.OperandBytes(OperandBytes).SequenceEqual(HostOperand(OperandBytes));
        for (var i = 0; !same && i < OperandBytes; i += 8)
            Compare(text, $"[rdi+{i}]", *(ulong*)(_machine.Operand + i), *(ulong*)(_host.Operand + i));
        return text.Length == 0 ? null : Describe(instruction) + ": " + text;
    }

    public void Dispose()
    {
        _host.Dispose();
        _machine.Dispose();
    }

    private void LoadMachine()
    {
        var host = _host.State;
        var s = _machine.State;
        var fx = host->Before;
        s->X87 = default;
        s->X87.Control = *(ushort*)fx;
        s->X87.Status = *(ushort*)(fx + 2);
        s->X87.Valid = fx[4];
        var top = s->X87.Status >> 11 & 7;
        for (var i = 0; i < 8; i++)
        {
            var register = (top + i) & 7;
            s->X87.Registers[register * 2] = *(ulong*)(fx + 32 + i * 16);
            s->X87.Registers[register * 2 + 1] = *(ushort*)(fx + 40 + i * 16);
        }
        s->Sse = default;
        s->Mxcsr = *(uint*)(fx + 24);
        for (var i = 0; i < 16; i++)
        {
            s->Vectors[i * 4] = *(ulong*)(fx + 160 + i * 16);
            s->Vectors[i * 4 + 1] = *(ulong*)(fx + 168 + i * 16);
            s->Vectors[i * 4 + 2] = *(ulong*)(host->UpperBefore + i * 16);
            s->Vectors[i * 4 + 3] = *(ulong*)(host->UpperBefore + i * 16 + 8);
        }
        ReadOnlySpan<int> general = [0, 1, 2, 3, 6];
        for (var i = 0; i < 5; i++)
            s->Registers[general[i]] = host->GeneralBefore[i];
        s->Flags.SetFrom(host->GeneralBefore[6]);
    }

    private string Describe(ReadOnlySpan<byte> instruction)
    {
        var decoder = Iced.Intel.Decoder.Create(64, instruction.ToArray());
        var fx = _host.State->Before;
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{decoder.Decode()} [mxcsr={*(uint*)(fx + 24):X} fcw={*(ushort*)fx:X} fsw={*(ushort*)(fx + 2):X} tags={fx[4]:X2} ");
        for (var i = 0; i < 8; i++)
            text.Append(CultureInfo.InvariantCulture, $"st{i}={*(ushort*)(fx + 40 + i * 16):X4}:{*(ulong*)(fx + 32 + i * 16):X16} ");
        for (var i = 0; i < 16; i++)
            text.Append(CultureInfo.InvariantCulture, $"x{i}={*(ulong*)(fx + 168 + i * 16):X16}{*(ulong*)(fx + 160 + i * 16):X16} ");
        return text.Append(']').ToString();
    }

    private static void Compare(StringBuilder text, string what, long actual, long expected) => Compare(text, what, (ulong)actual, (ulong)expected);

    private static void Compare(StringBuilder text, string what, ulong actual, ulong expected)
    {
        if (actual != expected)
            text.Append(CultureInfo.InvariantCulture, $"{what} {actual:X}, host {expected:X}; ");
    }
}
