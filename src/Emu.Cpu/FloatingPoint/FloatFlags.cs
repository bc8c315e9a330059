namespace Emu.Cpu.FloatingPoint;

/// <summary>
/// The six floating-point exception flags at the bit positions that the x87 status word and MXCSR share
/// (SDM Vol. 1, 4.9.1, 8.1.3 and 10.2.3). The mask bits of the x87 control word have the same positions;
/// those of MXCSR lie seven bits higher.
/// </summary>
public static class FloatFlags
{
    /// <summary>IE: invalid operation.</summary>
    public const uint Invalid = 1;

    /// <summary>DE: denormal operand.</summary>
    public const uint Denormal = 2;

    /// <summary>ZE: division of a finite number by zero.</summary>
    public const uint DivideByZero = 4;

    /// <summary>OE: numeric overflow.</summary>
    public const uint Overflow = 8;

    /// <summary>UE: numeric underflow.</summary>
    public const uint Underflow = 16;

    /// <summary>PE: inexact result.</summary>
    public const uint Precision = 32;

    /// <summary>The exceptions that are found before the result is computed; unmasked, they suppress it (SDM Vol. 1, 4.9.2).</summary>
    public const uint PreComputation = Invalid | Denormal | DivideByZero;

    /// <summary>All six flags.</summary>
    public const uint All = 63;
}

/// <summary>The encodings of the rounding-control field RC (SDM Vol. 1, table 4-8).</summary>
public enum RoundingMode
{
    /// <summary>To nearest, ties to even.</summary>
    Nearest = 0,

    /// <summary>Toward minus infinity.</summary>
    Down = 1,

    /// <summary>Toward plus infinity.</summary>
    Up = 2,

    /// <summary>Toward zero.</summary>
    TowardZero = 3,
}
