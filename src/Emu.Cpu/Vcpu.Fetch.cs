using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu;

// Code that has no block yet: where its bytes lie, and their decoding.
public sealed unsafe partial class Vcpu
{
    private const int MaxInstructionLength = 15;

    private Block* Decode(ulong linear, byte* host, ulong physical)
    {
        if (host == null)
            return DecodeOutsideRam(linear, physical);
        var block = _blocks.Reserve(BlockDecoder.RoomFor(Block.MaxInstructions));
        block->PhysicalAddress = physical;
        block->LastPage = physical & ~0xFFFUL;
        var length = (int)(PhysicalMemory.PageSize - (physical & 0xFFF));
        var outcome = _decoder.Decode(block, _codeMode, host, length, null, Block.MaxInstructions, _blocks.NoBlock, out var ops);
        // What the bytes of the next page decide, or their absence, holds for this time only.
        if (outcome == BlockDecoder.Result.MayNeedNextPage)
            return DecodeOutsideRam(linear, physical);
        if (outcome == BlockDecoder.Result.NeedsNextPage)
        {
            if (!TryTranslateFetch(WrapLinear(NextPage(linear)), out var next, out var nextPhysical))
                return null;
            if (next == null)
                return DecodeOutsideRam(linear, physical);
            _decoder.Decode(block, _codeMode, host, length, next, Block.MaxInstructions, _blocks.NoBlock, out ops);
            if (block->ByteLength > (uint)length)
                block->LastPage = nextPhysical & ~0xFFFUL;
        }
        var kept = _blocks.Add(block, ops);
        // The terminator that waits for its successor may be one of those that have just been written over.
        if (kept != block)
            State->LinkRequest = null;
        return kept;
    }

    // Code in a ROM or a device, and a forced emulation prefix across pages: fetched byte by byte, one instruction at a time, and not kept.
    // Fifteen bytes always decide.
    private Block* DecodeOutsideRam(ulong linear, ulong physical) =>
        TryDecodeBytes(linear, physical, MaxInstructionLength, out _) ? _uncached : null;

    // The last instruction before the code segment's limit: it must end there too.
    private Block* DecodeWithinLimit(ulong linear, ulong physical, uint left)
    {
        if (!TryDecodeBytes(linear, physical, (int)Math.Min(left, MaxInstructionLength), out var complete))
            return null;
        if (complete)
            return _uncached;
        RaiseFetchFault(ExceptionVector.GeneralProtection, 0);
        return null;
    }

    private bool CanFetchQuietly(ulong linear) => TryTranslateQuietly(linear, PageAccess.Fetch, out _);

    // UD2 whose next bytes cannot be had is no forced emulation prefix.
    private void DecodeUndefined(byte* bytes)
    {
        const int length = 2;
        _decoder.KnowsForcedEmulation = false;
        _decoder.Decode(_uncached, _codeMode, bytes, length, null, 1, _blocks.NoBlock, out _);
        _decoder.KnowsForcedEmulation = true;
    }

    private bool TryDecodeBytes(ulong linear, ulong physical, int count, out bool complete)
    {
        _uncached->PhysicalAddress = physical;
        _uncached->LastPage = physical & ~0xFFFUL;
        var bytes = stackalloc byte[16];
        var fetched = 0;
        // The next page is looked at only by an instruction that reaches it: it need not be there.
        for (var end = Math.Min(count, (int)(PhysicalMemory.PageSize - (linear & 0xFFF))); ; end = count)
        {
            for (; fetched < end; fetched++)
            {
                complete = false;
                if (!TryTranslateFetch(WrapLinear(linear + (ulong)fetched), out var host, out var at))
                    return false;
                bytes[fetched] = host != null ? *host : (byte)_mmio.Read(at, 1);
                _uncachedCode[fetched] = bytes[fetched];
            }
            var outcome = _decoder.Decode(_uncached, _codeMode, bytes, end, null, 1, _blocks.NoBlock, out _);
            complete = outcome == BlockDecoder.Result.Complete;
            if (outcome == BlockDecoder.Result.MayNeedNextPage && (end == count || !CanFetchQuietly(WrapLinear(linear + (ulong)end))))
            {
                DecodeUndefined(bytes);
                complete = true;
            }
            if (complete || end == count)
                return true;
        }
    }
}
