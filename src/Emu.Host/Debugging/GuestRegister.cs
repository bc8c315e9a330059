using Emu.Cpu;

namespace Emu.Host.Debugging;

/// <summary>A register as gdb sees it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Bits">Its width, a multiple of 8.</param>
/// <param name="Type">Its type: one of gdb's, or one that the description defines.</param>
/// <param name="Group">Its group in 'info registers GROUP'; null for gdb's own idea.</param>
/// <param name="Read">Fills its bytes, the lowest first.</param>
/// <param name="Write">Takes its bytes; false where it cannot have that value. Null where it is read only.</param>
internal sealed record GuestRegister(
    string Name, int Bits, string Type, string? Group, GuestRegister.Reader Read, GuestRegister.Writer? Write)
{
    /// <summary>Reads a register.</summary>
    /// <param name="vcpu">A processor between two runs.</param>
    /// <param name="bytes">Where its bytes go.</param>
    public delegate void Reader(Vcpu vcpu, Span<byte> bytes);

    /// <summary>Writes a register.</summary>
    /// <param name="vcpu">A processor between two runs.</param>
    /// <param name="bytes">The bytes.</param>
    /// <returns>Whether it can have that value.</returns>
    public delegate bool Writer(Vcpu vcpu, ReadOnlySpan<byte> bytes);

    /// <summary>Bytes.</summary>
    public int Length => Bits / 8;
}
