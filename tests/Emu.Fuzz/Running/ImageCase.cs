using Emu.Fuzz.Generation;
using Emu.Machine;
using Emu.Pvh;

namespace Emu.Fuzz.Running;

/// <summary>A kernel image with arbitrary changes goes through the loader: it is loaded, or refused with a sentence.</summary>
internal static class ImageCase
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
                TranslationCacheSize = 1 << 20,
            });
            machine.Load(KernelImage.Read(image, new KernelImageOptions { MaximumSize = 16 << 20 }), [], null);
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

    private static byte[] Make(Dice dice)
    {
        var image = (byte[])dice.Pick(RealCode.Files.ToArray()).Clone();
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
