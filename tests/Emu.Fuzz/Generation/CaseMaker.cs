using System.Buffers.Binary;
using Emu.Cpu;
using Emu.Cpu.State;
using Emu.Fuzz.Cases;
using Emu.Machine;
using Emu.Machine.Firmware;

namespace Emu.Fuzz.Generation;

/// <summary>Makes a case out of a run's seed and a number.</summary>
public static class CaseMaker
{
    private static readonly CaseKind[] GuestKinds =
        [CaseKind.Code, CaseKind.Paging, CaseKind.Descriptors, CaseKind.Devices, CaseKind.Hypercalls];

    /// <summary>The kind of a case in a run over everything: one in thirty-two is an image, another one a snapshot.</summary>
    public static CaseKind KindOf(ulong index) => (index % 32) switch
    {
        15 => CaseKind.Snapshots,
        31 => CaseKind.Images,
        _ => GuestKinds[(int)(index % (ulong)GuestKinds.Length)],
    };

    /// <summary>Makes a case.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="index">The case's number.</param>
    /// <param name="kind">Its kind; neither <see cref="CaseKind.Images"/> nor <see cref="CaseKind.Snapshots"/>.</param>
    public static GuestCase Make(ulong seed, ulong index, CaseKind kind)
    {
        var dice = new Dice(Dice.SeedOf(seed, index * 8 + (ulong)kind));
        var guest = new GuestCase { Kind = kind, Seed = seed, Index = index };
        guest.Mode = ModeFor(kind, dice);
        guest.Cpl = CplFor(guest, dice);
        guest.Profile = kind == CaseKind.Hypercalls || dice.OneIn(8) ? MachineProfile.Xen : MachineProfile.Pc;
        guest.Vendor = dice.OneIn(3) ? CpuVendor.Amd : CpuVendor.Intel;
        guest.Heartbeat = dice.Pick<Heartbeat>([Heartbeat.None, Heartbeat.IntervalTimer, Heartbeat.LocalApic]);
        guest.Period = (ushort)(guest.Heartbeat == Heartbeat.IntervalTimer ? 1 + dice.Below(6) : 20 + dice.Below(1500));
        guest.Ram = new byte[2 << 20];
        guest.Instructions = dice.Pick<ulong>([300, 2000, 5000, 20_000]);
        guest.CutSeed = dice.Next();
        guest.Level = dice.Pick<CpuLevel>([CpuLevel.Max, CpuLevel.Max, CpuLevel.V3, CpuLevel.V2, CpuLevel.V1]);
        if (guest.Profile == MachineProfile.Pc && dice.OneIn(4))
        {
            // A turn is 20,000 instructions unless the guest waits.
            guest.Vcpus = 2 + dice.Below(2);
            guest.Instructions *= 3;
        }
        guest.TestDevices = guest.Profile == MachineProfile.Pc && dice.OneIn(2);
        if (dice.OneIn(256))
            guest.MemorySize = (3UL << 30) + (4UL << 20);
        if (dice.OneIn(4))
        {
            guest.Input = new byte[dice.Below(64)];
            dice.Fill(guest.Input);
        }
        var code = CodeMaker.Make(guest, dice);
        new Stage(guest, dice).Build(code);
        if (guest.Mode == GuestMode.Real && guest.Profile == MachineProfile.Pc && dice.OneIn(4))
            guest.Rom = MakeRom(code);
        if (kind == CaseKind.Paging)
            PageTables.Spoil(guest, dice);
        if (kind == CaseKind.Descriptors)
            SpoilDescriptors(guest, dice);
        if (kind == CaseKind.Hypercalls)
            PutStructures(guest, dice);
        return guest;
    }

    // The code at F000:0000, and the jump there at the reset vector.
    private static byte[] MakeRom(byte[] code)
    {
        var rom = new byte[FirmwareImage.Unit];
        code.CopyTo(rom, 0);
        new byte[] { 0xEA, 0x00, 0x00, 0x00, 0xF0 }.CopyTo(rom, 0xFFF0);
        return rom;
    }

    private static GuestMode ModeFor(CaseKind kind, Dice dice) => kind switch
    {
        CaseKind.Paging => dice.Pick<GuestMode>([GuestMode.Paged32, GuestMode.Pae, GuestMode.Long64, GuestMode.Long64, GuestMode.Compatibility32,
            GuestMode.Compatibility16]),
        CaseKind.Hypercalls => dice.Pick<GuestMode>([GuestMode.Long64, GuestMode.Long64, GuestMode.Paged32, GuestMode.Pae, GuestMode.Protected32,
            GuestMode.Compatibility32, GuestMode.Real, GuestMode.Protected16]),
        _ => (GuestMode)dice.Below((int)GuestMode.Compatibility16 + 1),
    };

    private static uint CplFor(GuestCase guest, Dice dice) => guest.Mode switch
    {
        GuestMode.Real => 0,
        GuestMode.Virtual8086 => 3,
        _ => guest.Kind is CaseKind.Devices or CaseKind.Hypercalls ? (dice.OneIn(5) ? 3u : 0) : dice.Pick<uint>([0, 0, 0, 3, 3, 1, 2]),
    };

    private static void SpoilDescriptors(GuestCase guest, Dice dice)
    {
        var count = dice.Pick<int>([0, 2, 8, 40]);
        for (var i = 0; i < count; i++)
        {
            var at = dice.Below(3) switch
            {
                0 => Layout.Idt + dice.Below(64) * 8,
                1 => Layout.Gdt + dice.Below(24) * 8,
                _ => Layout.Tss + dice.Below(14) * 8,
            };
            BinaryPrimitives.WriteUInt64LittleEndian(guest.Ram.AsSpan(at), DescriptorBits.Any(dice));
        }
        // Pointers for LGDT, LIDT and far transfers through memory.
        for (var at = Layout.Data; at < Layout.Data + 0x4000; at += 16)
        {
            var memory = guest.Ram.AsSpan(at);
            BinaryPrimitives.WriteUInt64LittleEndian(
                memory[2..], dice.OneIn(2) ? dice.Pick(Layout.Outside) : (ulong)dice.Pick<int>([Layout.Gdt, Layout.Idt, Layout.Ldt]));
            BinaryPrimitives.WriteUInt16LittleEndian(memory, (ushort)dice.Value());
            BinaryPrimitives.WriteUInt32LittleEndian(memory[10..], dice.Pick(Layout.Selectors));
        }
        if (dice.OneIn(4))
            guest.Gdtr = AnyTable(dice, guest.Gdtr);
        if (dice.OneIn(4))
            guest.Idtr = AnyTable(dice, guest.Idtr);
        if (dice.OneIn(4))
        {
            var name = dice.Pick<SegmentName>([SegmentName.Ldtr, SegmentName.Tr, SegmentName.Fs, SegmentName.Es]);
            guest.Segments[(int)name].Base = guest.Mode == GuestMode.Long64 && dice.OneIn(2)
                ? Canonical(dice.Value()) : (uint)dice.Pick(Layout.Outside);
            guest.Segments[(int)name].Limit = (uint)dice.Value();
        }
    }

    private static DescriptorTableRegister AnyTable(Dice dice, DescriptorTableRegister good) => new()
    {
        Base = dice.Below(3) switch { 0 => good.Base, 1 => dice.Pick(Layout.Outside), _ => Canonical(dice.Value()) },
        Limit = (ushort)dice.Value(),
    };

    private static ulong Canonical(ulong value) => (ulong)((long)(value << 16) >> 16);

    private static void PutStructures(GuestCase guest, Dice dice)
    {
        for (var at = Layout.Structures; at < Layout.Structures + 0x5000; at += 8)
        {
            var value = dice.Below(4) switch
            {
                0 => (ulong)dice.Below(16),
                1 => (ulong)(Layout.Structures + dice.Below(0x5000)),
                2 => dice.Value(),
                _ => 0x7FF0UL | (ulong)dice.Below(2) << 32,
            };
            BinaryPrimitives.WriteUInt64LittleEndian(guest.Ram.AsSpan(at), value);
        }
    }
}
