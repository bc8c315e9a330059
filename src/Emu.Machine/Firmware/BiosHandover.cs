using System.Buffers.Binary;
using Emu.Machine.Interrupts;
using Emu.Machine.Memory;
using Emu.Machine.Timers;

namespace Emu.Machine.Firmware;

/// <summary>
/// What a PC's BIOS has set up when a Multiboot kernel begins. The specification (0.6.96, §3.2) lets a kernel rely on it: the interrupt
/// vectors of real mode, the interrupt controllers with the BIOS's vectors, and the timer's tick. BIOS services are not among it: their
/// vectors return at once.
/// </summary>
internal static class BiosHandover
{
    private const ushort Segment = 0xF000;
    private const ulong SegmentBase = (ulong)Segment << 4;

    // Where BIOSes have had them since the first PC/AT: the timer's interrupt, and the return for those that nobody serves.
    private const ushort TimerEntry = 0xFEA5;
    private const ushort MasterEntry = 0xFEC0;
    private const ushort SlaveEntry = 0xFED0;
    private const ushort ReturnEntry = 0xFF53;

    private const byte MasterVectors = 0x08;
    private const byte SlaveVectors = 0x70;
    private const byte InputsOfEach = 8;
    private const int VectorCount = 256;

    private const ulong DataArea = 0x400;
    private const int DataAreaMemorySize = 0x13;
    private const ushort ConventionalKib = 640;

    /// <summary>push ds; push ax; mov ax, 40h; mov ds, ax; inc dword [6Ch]; mov al, 20h; out 20h, al; pop ax; pop ds; iret</summary>
    private static ReadOnlySpan<byte> TimerCode =>
        [0x1E, 0x50, 0xB8, 0x40, 0x00, 0x8E, 0xD8, 0x66, 0xFF, 0x06, 0x6C, 0x00, 0xB0, 0x20, 0xE6, 0x20, 0x58, 0x1F, 0xCF];

    /// <summary>push ax; mov al, 20h; out 20h, al; pop ax; iret</summary>
    private static ReadOnlySpan<byte> MasterCode => [0x50, 0xB0, 0x20, 0xE6, 0x20, 0x58, 0xCF];

    /// <summary>push ax; mov al, 20h; out A0h, al; out 20h, al; pop ax; iret</summary>
    private static ReadOnlySpan<byte> SlaveCode => [0x50, 0xB0, 0x20, 0xE6, 0xA0, 0xE6, 0x20, 0x58, 0xCF];

    /// <summary>iret</summary>
    private static ReadOnlySpan<byte> ReturnCode => [0xCF];

    /// <summary>Writes vectors, data area and handlers; what the kernel itself loads there comes later and wins.</summary>
    public static void Write(GuestRam ram)
    {
        ram.Write(SegmentBase + TimerEntry, TimerCode);
        ram.Write(SegmentBase + MasterEntry, MasterCode);
        ram.Write(SegmentBase + SlaveEntry, SlaveCode);
        ram.Write(SegmentBase + ReturnEntry, ReturnCode);

        var vectors = new byte[VectorCount * 4];
        for (var i = 0; i < VectorCount; i++)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(vectors.AsSpan(i * 4), EntryOf(i));
            BinaryPrimitives.WriteUInt16LittleEndian(vectors.AsSpan((i * 4) + 2), Segment);
        }

        ram.Write(0, vectors);
        var data = new byte[DataAreaMemorySize + 2];
        BinaryPrimitives.WriteUInt16LittleEndian(data, AddressMap.Com1);
        BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(DataAreaMemorySize), ConventionalKib);
        ram.Write(DataArea, data);
    }

    /// <summary>Programs interrupt controllers and timer: all inputs masked but the tick and the cascade, the tick at 18.2 Hz.</summary>
    public static void Program(Pic8259Pair controllers, Pit8254 timer)
    {
        Initialize(controllers, AddressMap.MasterPic, MasterVectors, wiring: 1 << 2, mask: 0xFA);
        Initialize(controllers, AddressMap.SlavePic, SlaveVectors, wiring: 2, mask: 0xFF);
        controllers.Write(AddressMap.EdgeLevelControl + 1, 1 << (AddressMap.SystemControlIrq - InputsOfEach));
        // Counter 0, low byte then high byte, rate generator, from 65536.
        timer.Write(AddressMap.IntervalTimer + 3, 0x34);
        timer.Write(AddressMap.IntervalTimer, 0);
        timer.Write(AddressMap.IntervalTimer, 0);
    }

    private static void Initialize(Pic8259Pair controllers, ushort port, byte vectors, byte wiring, byte mask)
    {
        // ICW1 with ICW4, cascaded, edge triggered; ICW4: 8086 mode.
        controllers.Write(port, 0x11);
        controllers.Write((ushort)(port + 1), vectors);
        controllers.Write((ushort)(port + 1), wiring);
        controllers.Write((ushort)(port + 1), 0x01);
        controllers.Write((ushort)(port + 1), mask);
    }

    private static ushort EntryOf(int vector) => vector switch
    {
        MasterVectors => TimerEntry,
        > MasterVectors and < MasterVectors + InputsOfEach => MasterEntry,
        >= SlaveVectors and < SlaveVectors + InputsOfEach => SlaveEntry,
        _ => ReturnEntry,
    };
}
