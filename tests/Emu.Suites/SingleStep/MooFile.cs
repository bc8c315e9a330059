using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Emu.Suites.SingleStep;

/// <summary>
/// A file of single-step tests in the chunked format MOO, version 1.1 and before, plain or gzip-wrapped: identifier, length and contents,
/// nested; chunks that are not known are skipped.
/// </summary>
internal sealed class MooFile
{
    private const int HeaderLength = 8;

    // The 16-bit register chunk has an order of its own.
    private static readonly MooRegister[] Order16 =
    [
        MooRegister.Eax, MooRegister.Ebx, MooRegister.Ecx, MooRegister.Edx, MooRegister.Cs, MooRegister.Ss, MooRegister.Ds, MooRegister.Es,
        MooRegister.Esp, MooRegister.Ebp, MooRegister.Esi, MooRegister.Edi, MooRegister.Eip, MooRegister.Eflags,
    ];

    private MooFile(string processor, MooRegisters? mask, IReadOnlyList<MooTest> tests)
    {
        Processor = processor;
        Mask = mask;
        Tests = tests;
    }

    /// <summary>The processor's name in the file: <c>C286</c>, <c>386E</c> and others.</summary>
    public string Processor { get; }

    /// <summary>Bits of registers that count in all tests; null for all.</summary>
    public MooRegisters? Mask { get; }

    /// <summary>The tests.</summary>
    public IReadOnlyList<MooTest> Tests { get; }

    /// <summary>Reads a file.</summary>
    /// <exception cref="SuiteException">It cannot be read, or is no such file.</exception>
    public static MooFile Read(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            using MemoryStream bytes = new();
            if (path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase))
            {
                using GZipStream unpacked = new(file, CompressionMode.Decompress);
                unpacked.CopyTo(bytes);
            }
            else
            {
                file.CopyTo(bytes);
            }

            return Parse(bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or ArgumentOutOfRangeException)
        {
            throw new SuiteException($"'{path}' cannot be read as a file of single-step tests: {e.Message}", e);
        }
    }

    private static MooFile Parse(ReadOnlySpan<byte> bytes)
    {
        string processor = "";
        MooRegisters? mask = null;
        List<MooTest> tests = [];
        for (Chunk chunk = Chunk.First(bytes); chunk.Exists; chunk = chunk.Next())
        {
            switch (chunk.Name)
            {
                case "MOO ":
                    processor = Encoding.ASCII.GetString(chunk.Data.Slice(8, 4)).TrimEnd();
                    break;
                case "RMSK":
                    mask = Registers16(chunk.Data);
                    break;
                case "RM32":
                    mask = Registers32(chunk.Data);
                    break;
                case "TEST":
                    tests.Add(Test(chunk.Data));
                    break;
            }
        }

        return processor.Length != 0 ? new MooFile(processor, mask, tests) : throw new InvalidDataException("it does not begin with 'MOO '.");
    }

    private static MooTest Test(ReadOnlySpan<byte> data)
    {
        string name = "", hash = "";
        byte[] code = [];
        MooState? before = null, after = null;
        MooRegisters? mask = null, unused = null;
        MooException? exception = null;
        for (Chunk chunk = Chunk.First(data[4..]); chunk.Exists; chunk = chunk.Next())
        {
            switch (chunk.Name)
            {
                case "NAME":
                    name = Encoding.ASCII.GetString(Counted(chunk.Data));
                    break;
                case "BYTS":
                    code = Counted(chunk.Data).ToArray();
                    break;
                case "INIT":
                    before = State(chunk.Data, ref unused);
                    break;
                case "FINA":
                    after = State(chunk.Data, ref mask);
                    break;
                case "EXCP":
                    exception = new MooException(chunk.Data[0], BinaryPrimitives.ReadUInt32LittleEndian(chunk.Data[1..]));
                    break;
                case "HASH":
                    hash = Convert.ToHexStringLower(chunk.Data);
                    break;
            }
        }

        return new MooTest
        {
            Index = BinaryPrimitives.ReadUInt32LittleEndian(data),
            Name = name,
            Bytes = code,
            Before = before ?? throw new InvalidDataException("a test has no initial state."),
            After = after ?? throw new InvalidDataException("a test has no final state."),
            Mask = mask,
            Exception = exception,
            Hash = hash,
        };
    }

    private static MooState State(ReadOnlySpan<byte> data, ref MooRegisters? mask)
    {
        MooRegisters registers = new();
        MooByte[] memory = [];
        for (Chunk chunk = Chunk.First(data); chunk.Exists; chunk = chunk.Next())
        {
            switch (chunk.Name)
            {
                case "REGS":
                    registers = Registers16(chunk.Data);
                    break;
                case "RG32":
                    registers = Registers32(chunk.Data);
                    break;
                case "RMSK":
                    mask = Registers16(chunk.Data);
                    break;
                case "RM32":
                    mask = Registers32(chunk.Data);
                    break;
                case "RAM ":
                    memory = Memory(chunk.Data);
                    break;
            }
        }

        return new MooState(registers, memory);
    }

    private static MooRegisters Registers16(ReadOnlySpan<byte> data)
    {
        MooRegisters registers = new();
        uint present = BinaryPrimitives.ReadUInt16LittleEndian(data);
        int at = 2;
        for (int i = 0; i < Order16.Length; i++)
        {
            if ((present & (1u << i)) == 0)
                continue;
            registers[Order16[i]] = BinaryPrimitives.ReadUInt16LittleEndian(data[at..]);
            at += 2;
        }

        return registers;
    }

    private static MooRegisters Registers32(ReadOnlySpan<byte> data)
    {
        MooRegisters registers = new();
        uint present = BinaryPrimitives.ReadUInt32LittleEndian(data);
        int at = 4;
        for (int i = 0; i < MooRegisters.Count; i++)
        {
            if ((present & (1u << i)) == 0)
                continue;
            registers[(MooRegister)i] = BinaryPrimitives.ReadUInt32LittleEndian(data[at..]);
            at += 4;
        }

        return registers;
    }

    private static MooByte[] Memory(ReadOnlySpan<byte> data)
    {
        const int EntryLength = 5;
        MooByte[] memory = new MooByte[data.Length / EntryLength];
        for (int i = 0; i < memory.Length; i++)
        {
            ReadOnlySpan<byte> entry = data[(4 + (i * EntryLength))..];
            memory[i] = new MooByte(BinaryPrimitives.ReadUInt32LittleEndian(entry), entry[4]);
        }

        return memory;
    }

    private static ReadOnlySpan<byte> Counted(ReadOnlySpan<byte> data) => data.Slice(4, BinaryPrimitives.ReadInt32LittleEndian(data));

    private readonly ref struct Chunk
    {
        private readonly ReadOnlySpan<byte> _rest;

        private Chunk(ReadOnlySpan<byte> rest)
        {
            Exists = rest.Length >= HeaderLength;
            if (!Exists)
                return;
            int length = BinaryPrimitives.ReadInt32LittleEndian(rest[4..]);
            Name = Encoding.ASCII.GetString(rest[..4]);
            Data = rest.Slice(HeaderLength, length);
            _rest = rest[(HeaderLength + length)..];
        }

        public bool Exists { get; }

        public string? Name { get; }

        public ReadOnlySpan<byte> Data { get; }

        public static Chunk First(ReadOnlySpan<byte> data) => new(data);

        public Chunk Next() => new(_rest);
    }
}
