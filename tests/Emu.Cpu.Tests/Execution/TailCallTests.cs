using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions;
using Emu.Cpu.State;
using Iced.Intel;
using Xunit;

namespace Emu.Cpu.Tests.Execution;

/// <summary>
/// A handler hands over to the next by a tail call. RyuJIT makes one only if nothing stands in its way, and says nothing where
/// something does: the host's stack would then grow with every guest instruction until it overflows. So we look at the stack.
/// </summary>
public sealed unsafe class TailCallTests
{
    private const int Seed = 20_260_714;
    private const int Samples = 400_000;
    private const int Copies = 24;
    private const int CopiesWithinOneFrame = 512;

    private static nint _stackAtEnd;

    [Theory]
    [InlineData(CodeMode.Code64 | CodeMode.Flat)]
    [InlineData(CodeMode.Code32 | CodeMode.Flat | CodeMode.Stack32)]
    [InlineData(CodeMode.Code16)]
    public void Every_handler_hands_over_without_growing_the_stack(CodeMode mode)
    {
        using var fixture = new FlatVcpu(mode);
        var table = new InstructionTable();
        var decoder = new BlockDecoder(table);
        var random = new Random(Seed);
        var seen = new HashSet<(Code, OpKind, OpKind)>();
        var growing = new SortedSet<string>();
        var measured = 0;
        Span<byte> bytes = stackalloc byte[15];
        for (var sample = 0; sample < Samples; sample++)
        {
            Instructions(random, bytes);
            var instruction = Iced.Intel.Decoder.Create(Bitness(mode), bytes.ToArray()).Decode();
            if (instruction.IsInvalid || !table.Implements(instruction.Code) || instruction.FlowControl != FlowControl.Next
                || instruction.IsPrivileged || !seen.Add((instruction.Code, instruction.Op0Kind, instruction.Op1Kind)))
            {
                continue;
            }
            var code = bytes[..instruction.Length].ToArray();
            if (Depth(fixture, decoder, mode, code, 1) is not { } one || Depth(fixture, decoder, mode, code, Copies) is not { } many)
            {
                seen.Remove((instruction.Code, instruction.Op0Kind, instruction.Op1Kind));
                continue;
            }
            measured++;
            if (one - many > CopiesWithinOneFrame)
                growing.Add($"{instruction.Code}: {(one - many) / (Copies - 1)} bytes a step");
        }
        Assert.True(measured > 300, $"only {measured} forms ran to the end of their block");
        Assert.True(growing.Count == 0, string.Join(Environment.NewLine, growing));
    }

    // An opcode map is chosen at random, then an opcode, then what follows it.
    private static void Instructions(Random random, Span<byte> bytes)
    {
        random.NextBytes(bytes);
        var at = 0;
        if (random.Next(4) == 0)
            bytes[at++] = (byte)(random.Next(2) == 0 ? 0x66 : random.Next(2) == 0 ? 0xF3 : 0xF2);
        if (random.Next(3) == 0)
            bytes[at++] = 0x48;
        if (random.Next(2) == 0)
            bytes[at++] = 0x0F;
    }

    private static int Bitness(CodeMode mode) => 16 << (int)(mode & CodeMode.CodeSize);

    // Where the stack is when the block's end is reached; null where the instruction left before (a fault, a device, a branch).
    private static nint? Depth(FlatVcpu fixture, BlockDecoder decoder, CodeMode mode, byte[] code, int copies)
    {
        var block = fixture.Scratch;
        block->PhysicalAddress = 0;
        var program = Enumerable.Repeat(code, copies).SelectMany(static bytes => bytes).Concat(new byte[16]).ToArray();
        fixture.Prepare();
        fixed (byte* start = program)
        {
            decoder.Decode(block, mode, start, program.Length, null, copies, fixture.NoBlock, out var ops);
            if (block->Count != copies)
                return null;
            Block.Ops(block)[ops - 1].Handler = &AtEnd;
        }
        _stackAtEnd = 0;
        Block.Ops(block)->Handler(fixture.Vcpu, fixture.Vcpu.State, Block.Ops(block));
        return _stackAtEnd == 0 ? null : _stackAtEnd;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AtEnd(Vcpu vcpu, CpuState* s, Op* op)
    {
        byte here;
        _stackAtEnd = (nint)(&here);
    }
}
