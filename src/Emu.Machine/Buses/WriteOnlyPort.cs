namespace Emu.Machine.Buses;

/// <summary>A port that software writes to for a delay or a status light: nothing happens, and nothing is logged.</summary>
internal sealed class WriteOnlyPort : BytePortDevice
{
    public override byte Read(ushort port) => 0xFF;

    public override void Write(ushort port, byte value)
    {
    }
}
