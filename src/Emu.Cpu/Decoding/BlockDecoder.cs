using Emu.Cpu.Compilation;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions;
using Emu.Cpu.Instructions.Supervisor;
using Emu.Cpu.Instructions.X87;
using Emu.Cpu.Instrumentation;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Decoding;

/// <summary>Turns guest code into blocks of predecoded ops: Iced decodes, <see cref="InstructionTable"/> binds handlers.</summary>
public sealed unsafe class BlockDecoder
{
    private readonly PageReader _reader = new();
    private readonly Decoder[] _decoders;
    private readonly InstructionTable _table;

    private readonly long _x87Flags;

    /// <summary>Makes a decoder for a CPU model.</summary>
    public BlockDecoder(InstructionTable table)
    {
        _table = table;
        _x87Flags = table.Vendor == CpuVendor.Amd ? X87Pointers.AlwaysRecorded : 0;
        var options = table.DecoderOptions;
        KnowsForcedEmulation = table.HasForcedEmulation;
        _decoders = [Decoder.Create(16, _reader, options), Decoder.Create(32, _reader, options), Decoder.Create(64, _reader, options)];
    }

    /// <summary>Where the compiler wants what it needs to know of each instruction; null for the interpreter.</summary>
    internal List<GuestInstruction>? Record { get; init; }

    /// <summary>Whether UD2 with "xen" behind it is Xen's forced emulation prefix, as the model says: see <see cref="ForcedEmulation"/>.</summary>
    internal bool KnowsForcedEmulation { get; set; }

    /// <summary>Where blocks are cut so that they begin there; null where it does not matter.</summary>
    internal CodeBreakpoints? Breakpoints { get; init; }

    private sealed class PageReader : CodeReader
    {
        private byte* _first, _second;
        private uint _firstLength, _length, _position;

        public void Start(byte* first, int firstLength, byte* second, int secondLength)
        {
            _first = first;
            _firstLength = (uint)firstLength;
            _second = second;
            _length = (uint)(firstLength + secondLength);
            _position = 0;
        }

        /// <summary>What FOP records of the x87 instruction at a position: three bits of the opcode's first byte and the second one.</summary>
        public int X87Opcode(uint position)
        {
            while ((At(position) & 0xF8) != 0xD8)
                position++;
            return (At(position) & 7) << 8 | At(position + 1);
        }

        public override int ReadByte()
        {
            var at = _position++;
            return at < _firstLength ? _first[at] : At(at);
        }

        /// <summary>Passes over bytes that have been looked at.</summary>
        public void Skip(uint bytes) => _position += bytes;

        /// <summary>A byte by its position; −1 where there is none.</summary>
        public int At(uint at) => at < _firstLength ? _first[at] : at < _length ? _second[at - _firstLength] : -1;
    }

    /// <summary>The outcome of <see cref="Decode"/>.</summary>
    public enum Result
    {
        /// <summary>The block is complete.</summary>
        Complete,

        /// <summary>The first instruction goes on past the bytes given: call again with those of the next page.</summary>
        NeedsNextPage,

        /// <summary>
        /// The first instruction is UD2, or a forced emulation prefix that goes on past the bytes given: call again with those of the next page,
        /// or, where they cannot be had, without <see cref="KnowsForcedEmulation"/>.
        /// </summary>
        MayNeedNextPage,
    }

    /// <summary>Decodes one block.</summary>
    /// <param name="block">Receives the block; its physical address is set and there is room for <see cref="RoomFor"/> ops. Count, ByteLength and Mode are filled in.</param>
    /// <param name="mode">Mode to decode for.</param>
    /// <param name="code">Bytes from the start of the block to the end of its page.</param>
    /// <param name="length">How many.</param>
    /// <param name="nextPage">The bytes of the next page, or null where they are not (yet) known.</param>
    /// <param name="maxInstructions">Stop after so many.</param>
    /// <param name="noBlock">What unlinked terminators hold.</param>
    /// <param name="ops">Ops written.</param>
    public Result Decode(Block* block, CodeMode mode, byte* code, int length, byte* nextPage, int maxInstructions, Block* noBlock, out int ops)
    {
        var decoder = _decoders[(int)(mode & CodeMode.CodeSize)];
        _reader.Start(code, length, nextPage, nextPage == null ? 0 : 15);
        decoder.IP = 0;
        var pageOffset = (uint)(block->PhysicalAddress & 0xFFF);
        var op = Block.Ops(block);
        var count = 0;
        var end = 0u;
        var terminated = false;
        ops = 0;
        while (count < maxInstructions && !terminated)
        {
            var start = (uint)decoder.IP;
            if (start >= (uint)length || (count > 0 && Breakpoints is { } breakpoints && breakpoints.MayBeAt(pageOffset + start)))
                break;
            decoder.Decode(out var instruction);
            if (decoder.LastError == DecoderError.NoMoreBytes)
            {
                if (count > 0)
                    break;
                if (nextPage == null)
                    return Result.NeedsNextPage;
            }
            var isPrefix = false;
            if (KnowsForcedEmulation && instruction is { Code: Code.Ud2, Length: 2 })
            {
                var found = FindSignature((uint)decoder.IP);
                // What the compiler is given ends with the block: what does not fit was none.
                if (found == null && Record == null)
                {
                    if (count > 0)
                        break;
                    return Result.MayNeedNextPage;
                }
                isPrefix = found == true;
                if (isPrefix)
                    instruction = TakePrefix(decoder, start);
            }
            // An instruction that crosses into the next page is a block of its own, so that the rest never depends on two pages.
            if (count > 0 && decoder.IP > (uint)length)
                break;

            *op = new Op { Offset = (ushort)start };
            var operands = new Operands(in instruction, op, mode, pageOffset, noBlock, Record != null);
            if (isPrefix)
                ForcedEmulation.Bind(ref operands);
            else
                _table.Bind(ref operands);
            Record?.Add(new GuestInstruction(in operands, (int)(op - Block.Ops(block))));
            if (X87Pointers.IsX87(instruction.Code))
                op->Immediate = _x87Flags + _reader.X87Opcode(start);
            end = (uint)decoder.IP;
            terminated = operands.EndsBlock;
            op += operands.Ops;
            count++;
        }

        // Every block ends with a fall-through, which is also where a conditional branch that is not taken keeps its link.
        *op = Terminators.MakeFallThrough(end, pageOffset, noBlock);
        op++;
        SetRemaining(block, op, count);
        block->Count = count;
        block->ByteLength = end;
        block->Mode = mode;
        block->TraceId = 0;
        block->Interpreter = Block.Ops(block)->Handler;
        ops = (int)(op - Block.Ops(block));
        return Result.Complete;
    }

    // Null where the bytes given end before that can be said.
    private bool? FindSignature(uint position)
    {
        foreach (var expected in ForcedEmulation.Signature)
        {
            var given = _reader.At(position++);
            if (given != expected)
                return given < 0 ? null : false;
        }
        return true;
    }

    private Instruction TakePrefix(Decoder decoder, uint start)
    {
        _reader.Skip((uint)ForcedEmulation.Signature.Length);
        decoder.IP += (uint)ForcedEmulation.Signature.Length;
        return new Instruction { Code = Code.Nopd, Length = ForcedEmulation.Length, IP = start };
    }

    /// <summary>Most ops that a block of so many instructions needs.</summary>
    public static int RoomFor(int instructions) => instructions * Operands.MaxOpsPerInstruction + 1;

    private static void SetRemaining(Block* block, Op* end, int count)
    {
        // An instruction's further ops (there are few such) share the offset of its first.
        var remaining = count;
        for (var op = Block.Ops(block); op < end; op++)
        {
            if (op != Block.Ops(block) && op->Offset != (op - 1)->Offset)
                remaining--;
            op->Remaining = (byte)Math.Max(remaining, 0);
        }
    }
}
