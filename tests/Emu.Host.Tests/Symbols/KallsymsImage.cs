using System.Buffers.Binary;
using System.Text;

namespace Emu.Host.Tests.Symbols;

/// <summary>Where the addresses lie in the tables, and how they are written.</summary>
public enum AddressForm
{
    /// <summary>Full addresses.</summary>
    Address,

    /// <summary>Negative offsets from a base, and absolute values.</summary>
    OffsetOrAbsolute,

    /// <summary>Offsets from a base.</summary>
    Offset,

    /// <summary>Offsets from the offset's own place.</summary>
    OffsetFromItself,
}

/// <summary>An ELF image with kallsyms tables as each generation of Linux lays them out.</summary>
internal sealed class KallsymsImage
{
    public const ulong VirtualAddress = 0xFFFF_FFFF_8100_0000;

    private readonly MemoryStream _bytes = new();
    private readonly int _pointer;

    /// <summary>Where the parts lie in the file, for tests that break them.</summary>
    public int Names { get; private set; }

    public int Markers { get; private set; }

    public int TokenIndex { get; private set; }

    public int Addresses { get; private set; }

    private KallsymsImage(int pointer) => _pointer = pointer;

    /// <summary>The whole file.</summary>
    public byte[] File { get; private set; } = [];

    /// <summary>Makes an image.</summary>
    /// <param name="symbols">Type and name, and the address; ascending.</param>
    /// <param name="form">How addresses are written.</param>
    /// <param name="addressesLast">Whether they follow the names, as since Linux 6.4.</param>
    /// <param name="isWide">ELF64.</param>
    /// <param name="markerWidth">Bytes of a marker.</param>
    /// <param name="hasSequences">Whether the order by name is there too.</param>
    public static KallsymsImage Create(
        IReadOnlyList<(string Text, ulong Address)> symbols, AddressForm form, bool addressesLast, bool isWide = true, int markerWidth = 4, bool hasSequences = false)
    {
        KallsymsImage image = new(isWide ? 8 : 4);
        ulong start = isWide ? VirtualAddress : (uint)(VirtualAddress & uint.MaxValue);
        image.WriteElf(start, isWide);
        image._bytes.Write(Encoding.ASCII.GetBytes("text 0\u00001\u00002\u00003\u00004\u00005\u00006\u00007\u00008\u00009\0 that looks like the beginning of tokens"));
        if (!addressesLast)
            image.WriteAddresses(symbols, form, start);

        // Two letters become one token here and there, and one token is never used.
        Dictionary<string, byte> pairs = new() { ["__"] = 1, ["st"] = 2, ["ab"] = 0xFE };
        image.Align();
        image.Number((ulong)symbols.Count, markerWidth == 8 ? 8 : 4);
        image.Align();
        image.Names = (int)image._bytes.Position;
        List<long> markers = [];
        foreach ((string text, _) in symbols)
        {
            if ((markers.Count * 256) + 1 <= symbols.Count && image._written++ % 256 == 0)
                markers.Add(image._bytes.Position - image.Names);
            List<byte> tokens = [];
            for (int i = 0; i < text.Length; i++)
            {
                bool isPair = i + 1 < text.Length && pairs.ContainsKey(text.Substring(i, 2));
                tokens.Add(isPair ? pairs[text.Substring(i++, 2)] : (byte)text[i]);
            }

            if (tokens.Count < 0x80)
                image._bytes.WriteByte((byte)tokens.Count);
            else
                image._bytes.Write([(byte)(0x80 | (tokens.Count & 0x7F)), (byte)(tokens.Count >> 7)]);
            image._bytes.Write([.. tokens]);
        }

        image.Align();
        image.Markers = (int)image._bytes.Position;
        foreach (long marker in markers)
            image.Number((ulong)marker, markerWidth);
        if (hasSequences && !addressesLast)
            image.WriteSequences(symbols.Count);
        image.WriteTokens(pairs);
        if (addressesLast)
            image.WriteAddresses(symbols, form, start);
        if (hasSequences && addressesLast)
            image.WriteSequences(symbols.Count);
        image._bytes.Write(new byte[64]);
        image.File = image._bytes.ToArray();
        int size = isWide ? 64 + 32 : 52 + 16;
        Put(image.File, size, (ulong)image.File.Length, image._pointer);
        Put(image.File, size + image._pointer, (ulong)image.File.Length, image._pointer);
        return image;
    }

    private int _written;

    private void WriteElf(ulong start, bool isWide)
    {
        byte[] headers = new byte[0x200];
        ((byte[])[0x7F, (byte)'E', (byte)'L', (byte)'F', (byte)(isWide ? 2 : 1), 1, 1]).CopyTo(headers, 0);
        Put(headers, 16, 2, 2);
        Put(headers, 18, isWide ? 62u : 3u, 2);
        Put(headers, isWide ? 32 : 28, isWide ? 64u : 52u, _pointer);
        Put(headers, isWide ? 54 : 42, isWide ? 56u : 32u, 2);
        Put(headers, isWide ? 56 : 44, 1, 2);
        int segment = isWide ? 64 : 52;
        Put(headers, segment, 1, 4);
        Put(headers, segment + (isWide ? 16 : 8), start, _pointer);
        Put(headers, segment + (isWide ? 24 : 12), 0x100_0000, _pointer);
        _bytes.Write(headers);
    }

    private void WriteAddresses(IReadOnlyList<(string Text, ulong Address)> symbols, AddressForm form, ulong start)
    {
        Align();
        Addresses = (int)_bytes.Position;
        foreach ((_, ulong address) in symbols)
        {
            ulong number = form switch
            {
                AddressForm.Address => address,
                AddressForm.OffsetOrAbsolute => address < start ? address : start - 1 - address,
                AddressForm.Offset => address - start,
                _ => address - (start + (ulong)_bytes.Position),
            };
            Number(number, form == AddressForm.Address ? _pointer : 4);
        }

        Align();
        if (form is AddressForm.Offset or AddressForm.OffsetOrAbsolute)
            Number(start, _pointer);
    }

    private void WriteSequences(int count)
    {
        Align();
        for (int i = 0; i < count; i++)
            _bytes.Write([(byte)(i >> 16), (byte)(i >> 8), (byte)i]);
    }

    private void WriteTokens(Dictionary<string, byte> pairs)
    {
        Align();
        long start = _bytes.Position;
        List<ushort> index = [];
        for (int i = 0; i < 256; i++)
        {
            index.Add((ushort)(_bytes.Position - start));
            string text = pairs.FirstOrDefault(pair => pair.Value == i).Key ?? (i is > 0x20 and < 0x7F ? ((char)i).ToString() : i == 0xFF ? "" : "xyz");
            _bytes.Write(Encoding.ASCII.GetBytes(text + "\0"));
        }

        Align();
        TokenIndex = (int)_bytes.Position;
        foreach (ushort place in index)
            Number(place, 2);
    }

    private void Align()
    {
        while (_bytes.Position % _pointer != 0)
            _bytes.WriteByte(0);
    }

    private void Number(ulong value, int size)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        _bytes.Write(bytes[..size]);
    }

    private static void Put(byte[] file, int at, ulong value, int size)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        bytes[..size].CopyTo(file.AsSpan(at));
    }
}
