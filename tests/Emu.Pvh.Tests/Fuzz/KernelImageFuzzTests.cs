using System.Buffers.Binary;
using Emu.Pvh.Compression;
using Emu.Pvh.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace Emu.Pvh.Tests.Fuzz;

/// <summary>
/// Mutated images from fixed seeds. Each one must load or be refused with a <see cref="KernelImageException"/> (or, where only its layout
/// is impossible, a <see cref="BootLayoutException"/>), must touch nothing but RAM, and may not allocate much more than its size justifies.
/// </summary>
public sealed class KernelImageFuzzTests(ITestOutputHelper output)
{
    private const int PlainImages = 150_000;
    private const int CompressedImages = 150_000;
    private const int MultibootImages = 100_000;
    private const int LargeStreams = 3_000;
    private const int UnpackLimit = 1 << 20;

    // Decoders bring fixed tables (lzma's largest model is 6 MiB, bzip2's block 9 × 500 kB); the rest grows with the output.
    private const long AllocationBound = (16 << 20) + (4L * UnpackLimit);
    private static readonly uint[] Interesting =
    [
        0, 1, 3, 4, 7, 8, 0xF, 0x10, 0x7F, 0x80, 0xFF, 0x100, 0xFFF, 0x1000, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x100000, 0x103000, 0x7FFFFFFF, 0x80000000,
        0xFFFFF000, 0xFFFFFFF0, 0xFFFFFFFC, 0xFFFFFFFF,
    ];

    [Fact]
    public void Plain_images_load_or_are_refused()
    {
        byte[][] seeds =
        [
            ElfBuilder.Bootable().Build(),
            ElfBuilder.Bootable(wide: false).Build(),
            ElfBuilder.Bootable(wide: false, descriptorSize: 4).NoteSection(ElfBuilder.Note("Xen", 18, ElfBuilder.Number(0x100010, 4))).Build(),
            Rich(wide: true),
            Rich(wide: false),
            BzImageBuilder.Build(ElfBuilder.Bootable().Build()),
        ];
        Run(PlainImages, seed: 1, index => seeds[index % seeds.Length]);
    }

    [Fact]
    public void Multiboot_images_load_or_are_refused()
    {
        byte[][] seeds =
        [
            MultibootBuilder.Flat(),
            MultibootBuilder.Flat(header: 0x200000, load: 0x200000, loadEnd: 0, bssEnd: 0, entry: 0x200020),
            MultibootBuilder.Elf().Section(3, new byte[40]).Build(),
            MultibootBuilder.Elf(wide: true).Section(2, new byte[48]).Section(3, new byte[40]).Build(),
            MultibootBuilder.Elf(flags: 7).Build(),
        ];
        Run(MultibootImages, seed: 4, index => seeds[index % seeds.Length]);
    }

    [Fact]
    public void Multiboot_2_images_load_or_are_refused()
    {
        byte[][] tags = [Multiboot2Builder.Tag(1, 4, 6), Multiboot2Builder.Optional(5, 0, 0, 0), Multiboot2Builder.Relocatable(0, uint.MaxValue, 0x1000, 2)];
        byte[][] seeds =
        [
            Multiboot2Builder.Flat(),
            Multiboot2Builder.Flat(header: 0x200040, load: uint.MaxValue, loadEnd: 0, bssEnd: 0, entry: 0x200020, more: tags),
            Multiboot2Builder.Elf(tags: tags).Section(3, new byte[40]).Build(),
            Multiboot2Builder.Elf(wide: true, tags: Multiboot2Builder.Tag(3, 0x100020)).Section(2, new byte[48]).Section(3, new byte[40]).Build(),
            Multiboot2Builder.Elf(tags: Multiboot2Builder.Relocatable(0x300000, 0x30FFFF, 0x1000, 1)).Build(),
        ];
        Run(MultibootImages, seed: 5, index => seeds[index % seeds.Length]);
    }

    [Fact]
    public void Compressed_images_load_or_are_refused()
    {
        byte[] elf = ElfBuilder.Bootable().Build();
        List<byte[]> seeds = [];
        foreach (string form in Fixture.Forms)
        {
            byte[] packed = Fixture.Read("bootable.elf." + form);
            // bzip2 brings megabytes of tables for each stream, so it takes fewer turns.
            int turns = form == "bz2" ? 1 : 8;
            for (int i = 0; i < turns; i++)
                seeds.Add(i % 2 == 0 ? packed : BzImageBuilder.Build(packed, (uint)elf.Length));
        }

        Run(CompressedImages, seed: 2, index => seeds[index % seeds.Count]);
    }

    /// <summary>Streams with many blocks, tables and match kinds; what they hold is no kernel, so none of them loads.</summary>
    [Fact]
    public void Large_streams_are_refused()
    {
        byte[][] seeds = [.. Fixture.Forms.Where(form => form != "bz2").Select(form => Fixture.Read("sample." + form))];
        Run(LargeStreams, seed: 3, index => seeds[index % seeds.Length], minimumLoaded: 0);
    }

    private void Run(int count, int seed, Func<int, byte[]> choose, int? minimumLoaded = null)
    {
        int loaded = 0;
        int refused = 0;
        Dictionary<Type, int> causes = [];
        Parallel.For(0, count, index =>
        {
            Random random = new((seed * 1_000_003) + index);
            byte[] image = Mutate(choose(index), random);
            Exception? refusal = Try(image, index);
            lock (causes)
            {
                if (refusal is null)
                {
                    loaded++;
                    return;
                }

                refused++;
                causes[refusal.GetType()] = causes.GetValueOrDefault(refusal.GetType()) + 1;
            }
        });

        output.WriteLine($"{loaded} loaded, {refused} refused");
        foreach ((Type cause, int times) in causes.OrderByDescending(pair => pair.Value))
            output.WriteLine($"{times,8} {cause.Name}");
        Assert.Equal(count, loaded + refused);
        // Both ways must really be taken, by several different causes.
        Assert.InRange(loaded, minimumLoaded ?? count / 100, count);
        Assert.InRange(causes.Count, 2, int.MaxValue);
    }

    private static PvhBootException? Try(byte[] image, int index)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            KernelImage kernel = KernelImage.Read(image, new KernelImageOptions { MaximumSize = UnpackLimit });
            SparseGuestMemory memory = SparseGuestMemory.OfSize(64 << 20);
            KernelInspection inspection = KernelInspection.Inspect(kernel, memory.RamRegions);
            InspectionRenderer.Render(inspection, "fuzz");
            if (kernel.PreferredProtocol == BootProtocol.Multiboot2)
            {
                Multiboot2BootResult multiboot = Multiboot2Loader.Load(kernel, memory, new Multiboot2BootOptions { Modules = [new BootModule(new byte[16])] });
                Assert.True(multiboot.Kernel.Range.Contains(multiboot.EntryPoint));
                return null;
            }

            if (kernel.PreferredProtocol == BootProtocol.Multiboot)
            {
                MultibootBootResult multiboot = MultibootLoader.Load(kernel, memory, new MultibootBootOptions { Modules = [new BootModule(new byte[16])] });
                Assert.True(multiboot.Kernel.Range.Contains(multiboot.EntryPoint));
                return null;
            }

            PvhBootResult result = PvhLoader.Load(kernel, memory, new PvhBootOptions { Modules = [new BootModule(new byte[16])] });
            Assert.Empty(HvmStartInfoReader.Read(memory, result.StartInfoAddress).Violations);
            return null;
        }
        catch (Exception e) when (e is KernelImageException or BootLayoutException)
        {
            return (PvhBootException)e;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Image {index} ended with {e.GetType().Name}: {Convert.ToHexString(image)}", e);
        }
        finally
        {
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, AllocationBound + (8L * image.Length));
        }
    }

    private static byte[] Mutate(byte[] seed, Random random)
    {
        byte[] image = [.. seed];
        int steps = 1 + random.Next(4);
        for (int i = 0; i < steps && image.Length > 8; i++)
        {
            int at = Position(image, random);
            switch (random.Next(8))
            {
                case 0:
                    image[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    image[at] = (byte)random.Next(256);
                    break;
                case 2:
                    BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(Math.Min(at, image.Length - 2)), (ushort)Interesting[random.Next(Interesting.Length)]);
                    break;
                case 3 or 4:
                    BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(Math.Min(at, image.Length - 4)), Interesting[random.Next(Interesting.Length)]);
                    break;
                case 5:
                    ulong wide = Interesting[random.Next(Interesting.Length)] | ((ulong)Interesting[random.Next(Interesting.Length)] << 32);
                    BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(Math.Min(at, image.Length - 8)), wide);
                    break;
                case 6:
                    int length = random.Next(1, Math.Min(32, image.Length));
                    int from = random.Next(image.Length - length + 1);
                    image.AsSpan(from, length).CopyTo(image.AsSpan(Math.Min(at, image.Length - length)));
                    break;
                default:
                    image = random.Next(4) == 0 ? image[..random.Next(image.Length)] : [.. image[..at], .. image[Math.Min(at + random.Next(8), image.Length)..]];
                    break;
            }
        }

        return image;
    }

    /// <summary>Half of the mutations hit headers, where they matter.</summary>
    private static int Position(byte[] image, Random random)
    {
        int header = image[0] == 0x7F ? 256 : 32;
        if (image.Length > 0x700 && random.Next(3) == 0)
            return 0x600 + random.Next(Math.Min(image.Length, 0x700) - 0x600);
        return random.Next(2) == 0 ? random.Next(Math.Min(header, image.Length)) : random.Next(image.Length);
    }

    /// <summary>Several segments, all kinds of notes, a relocation note, sections and Multiboot headers.</summary>
    private static byte[] Rich(bool wide) => new ElfBuilder { Wide = wide, Machine = (ushort)(wide ? 62 : 3) }
        .Load(0x100000, [.. ElfBuilder.Numbers(0x1BADB002, 0, unchecked(0u - 0x1BADB002)), .. ElfBuilder.Code(100)], memorySize: 0x1000)
        .Load(0x200000, ElfBuilder.Code(300), memorySize: 0x5000)
        .Load(0x300000, [], memorySize: 0x100000)
        .Notes(ElfBuilder.Note("Xen", 6, ElfBuilder.Text("linux")), ElfBuilder.Note("Xen", 10, ElfBuilder.Text("!dom0|x")), ElfBuilder.Note("Xen", 17, ElfBuilder.Number(0x8801, 4)))
        .Notes(ElfBuilder.Note("Xen", 18, ElfBuilder.Number(0x100010, wide ? 8 : 4)), ElfBuilder.Note("Xen", 19, ElfBuilder.Numbers(0x1000, 0, 0xFFFFFFFF)))
        .NoteSection(ElfBuilder.Note("GNU", 3, new byte[20]))
        .Build();
}
