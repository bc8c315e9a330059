using Emu.Fuzz.Generation;
using Emu.Machine;
using Emu.Pvh;

namespace Emu.Fuzz.Running;

/// <summary>A kernel image with arbitrary changes goes through the loader: it is loaded, or refused with a sentence.</summary>
public static class ImageCase
{
    private const ulong Memory = 4UL << 20;

    /// <summary>Makes and tries an image.</summary>
    /// <returns>A finding, or null.</returns>
    public static Finding? Check(ulong seed, ulong index)
    {
        var dice = new Dice(Dice.SeedOf(seed, index * 8 + 7));
        var image = Make(dice);
        try
        {
            using var machine = new PvhMachine(new MachineOptions
            {
                MemorySize = Memory,
                Profile = dice.OneIn(2) ? MachineProfile.Xen : MachineProfile.Pc,
                Protocol = dice.Pick<BootProtocol>([BootProtocol.Auto, BootProtocol.Auto, BootProtocol.Pvh, BootProtocol.Multiboot]),
                TranslationCacheSize = 1 << 20,
            });
            BootModule[] modules = dice.OneIn(4) ? [new BootModule(image)] : [];
            ReadOnlyMemory<byte>? commandLine = dice.OneIn(4) ? new byte[dice.Below(0x3000)] : null;
            machine.Load(KernelImage.Read(image, new KernelImageOptions { MaximumSize = 16 << 20 }), modules, commandLine);
            machine.Run(new RunLimits { MaxInstructions = 20_000, MaxVirtualTime = 1_000_000 });
            return null;
        }
        catch (PvhBootException)
        {
            return null;
        }
        catch (Exception e)
        {
            return new Finding(Invariant.NoHostException, e.ToString(), Cutting.Whole);
        }
    }

    // A flat image whose header says where it goes (Multiboot 0.6.96, 3.1): in it, elsewhere, or nowhere sane.
    private static byte[] MakeMultiboot(Dice dice)
    {
        var image = new byte[0x40 + dice.Below(0x4000)];
        dice.Fill(image);
        var at = dice.Below(Math.Min(image.Length - 0x30, 0x1FE0)) & ~3;
        uint Address() => dice.Below(4) switch { 0 => (uint)dice.Value(), 1 => 0x10_0000 + (uint)at, _ => 0x10_0000 + (uint)dice.Below(0x8000) };
        var flags = dice.OneIn(4) ? dice.UInt32() & 0x1_000F : 0x1_0000u | (uint)dice.Below(4);
        uint[] header = [0x1BAD_B002, flags, unchecked(0u - 0x1BAD_B002u - flags), Address(), Address(), Address(), Address(), Address()];
        Buffer.BlockCopy(header, 0, image, at, header.Length * 4);
        return image;
    }

    private static byte[] Make(Dice dice)
    {
        var image = dice.OneIn(4) ? MakeMultiboot(dice) : (byte[])dice.Pick(RealCode.Files.ToArray()).Clone();
        var changes = dice.Pick<int>([1, 3, 10, 50]);
        for (var i = 0; i < changes; i++)
        {
            // The headers and notes, most of the time.
            var at = dice.Below(dice.OneIn(3) ? image.Length : Math.Min(0x200, image.Length));
            switch (dice.Below(3))
            {
                case 0:
                    image[at] = dice.Byte();
                    break;
                case 1:
                    image[at] ^= (byte)(1 << dice.Below(8));
                    break;
                default:
                    BitConverter.GetBytes(dice.Value()).AsSpan(0, Math.Min(dice.Pick<int>([2, 4, 8]), image.Length - at)).CopyTo(image.AsSpan(at));
                    break;
            }
        }
        return dice.OneIn(6) ? image[..dice.Below(image.Length)] : image;
    }
}
