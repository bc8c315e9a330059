using System.Runtime.InteropServices;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instrumentation;

// Trace ids: one for each block of certain bytes at a linear address, in a mode and at a privilege level.
public sealed unsafe partial class BlockTracer
{
    private const int LongestCode = Block.MaxInstructions * 15;

    private readonly record struct PlaceKey(ulong Linear, CodeMode Mode, uint Cpl);

    private readonly record struct KnownPlace(uint Id, byte[] Code, byte[] Lengths);

    private uint Resolve(Vcpu vcpu, Block* block)
    {
        Span<byte> lengths = stackalloc byte[Block.MaxInstructions];
        lengths = lengths[..LengthsOf(block, lengths)];
        // Where instructions are executed one by one, a block begins at each of them.
        if (Steps)
            lengths = lengths[..1];
        var code = new Span<byte>(_code, Steps ? lengths[0] : (int)block->ByteLength);
        vcpu.CopyCode(block, code);
        var key = new PlaceKey(LinearOf(vcpu, block), block->Mode, vcpu.State->Cpl);
        if (!_known.TryGetValue(key, out var places))
            _known.Add(key, places = []);
        foreach (var place in places)
        {
            if (code.SequenceEqual(place.Code) && lengths.SequenceEqual(place.Lengths))
                return place.Id;
        }
        var id = _places++;
        places.Add(new KnownPlace(id, code.ToArray(), lengths.ToArray()));
        if (id == _room)
        {
            _room *= 2;
            _state->Places = (TracedPlace*)NativeMemory.Realloc(_state->Places, _room * (nuint)sizeof(TracedPlace));
        }
        _state->Places[id] = new TracedPlace { Linear = key.Linear, Cpl = key.Cpl };
        Define(id, in key, code, lengths);
        return id;
    }

    private void Define(uint id, in PlaceKey key, ReadOnlySpan<byte> code, ReadOnlySpan<byte> lengths)
    {
        EnsureRoom();
        Append(TraceWord.Of(TraceWord.Define, (uint)lengths.Length));
        Append(id | ((ulong)code.Length << 32));
        Append(key.Linear);
        Append((ulong)key.Mode | ((ulong)key.Cpl << 32));
        Append(lengths);
        Append(code);
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        var words = TraceWord.WordsFor(bytes.Length);
        if (words == 0)
            return;
        _state->Next[words - 1] = 0;
        bytes.CopyTo(new Span<byte>(_state->Next, words * 8));
        _state->Next += words;
    }

    // An instruction's further ops share the offset of its first; the fall-through has no length.
    private static int LengthsOf(Block* block, Span<byte> lengths)
    {
        var count = 0;
        for (var op = Block.Ops(block); count < block->Count; op++)
        {
            if (op == Block.Ops(block) || op->Offset != (op - 1)->Offset)
                lengths[count++] = (byte)op->Length;
        }
        return count;
    }
}
