// A machine with a device of the program's own, and a ROM of 16 bytes that prints what it says.
using Emu.Cpu.Snapshots;
using Emu.Machine;
using Emu.Machine.Buses;
using Emu.Machine.Consoles;
using Emu.Machine.Firmware;

var rom = new byte[FirmwareImage.Unit];
ReadOnlySpan<byte> code =
[
    0xBA, 0x00, 0x05, // mov dx, 500h
    0xEC, // next: in al, dx
    0x84, 0xC0, // test al, al
    0x74, 0x04, // jz done
    0xE6, 0xE9, // out 0E9h, al
    0xEB, 0xF7, // jmp next
    0xE6, 0xF4, // done: out 0F4h, al
];
code.CopyTo(rom);
// The processor starts at the last 16 bytes: jmp to the beginning of the segment.
new byte[] { 0xE9, 0x0D, 0x00 }.CopyTo(rom, 0xFFF0);

var console = new ConsoleText();
using var machine = new PvhMachine(new MachineOptions
{
    MemorySize = 2UL << 20,
    Firmware = FirmwareImage.FromBytes(rom),
    DebugConsoleOutput = console,
});
machine.AddDevice(new Speaker("Hello from a device of one's own!\n"), 0x500, 1);

machine.RunUntil(console, "Hello");
var snapshot = machine.TakeSnapshot();
machine.Run();
Console.Write(console.Text);

// The device is part of the snapshot: it goes on in the middle of its sentence.
machine.Restore(snapshot);
machine.Run();
Console.Write(console.Text[(console.Text.IndexOf('\n', StringComparison.Ordinal) + 1)..].TrimStart());

/// <summary>Says a sentence, a byte at a time, then zeros.</summary>
internal sealed class Speaker(string sentence) : BytePortDevice, IStateful
{
    private int _said;

    public override byte Read(ushort port) => _said < sentence.Length ? (byte)sentence[_said++] : (byte)0;

    public override void Write(ushort port, byte value) => _said = 0;

    public void Transfer(StateStream stream)
    {
        stream.Transfer(ref _said);
        stream.Require(_said >= 0, "nothing was said");
    }
}
