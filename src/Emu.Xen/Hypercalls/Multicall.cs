using System.Buffers.Binary;

namespace Emu.Xen.Hypercalls;

/// <summary>multicall(list, count): many hypercalls in one (xen/include/public/xen.h, multicall_entry).</summary>
internal static class Multicall
{
    public const uint Number = 13;

    private const int WordsInEntry = 8;
    private const int ResultWord = 1;
    private const int FirstArgumentWord = 2;
    private const int ArgumentCount = 6;

    public static long Execute(in GuestCall call)
    {
        var list = call.Argument(0);
        var count = (uint)call.Argument(1);
        var width = call.WordLength;
        Span<byte> bytes = stackalloc byte[WordsInEntry * 8];
        Span<ulong> arguments = stackalloc ulong[ArgumentCount];
        for (uint i = 0; i < count; i++)
        {
            var entry = list + (i * (ulong)(WordsInEntry * width));
            if (!call.TryRead(entry, bytes[..(WordsInEntry * width)]))
                return XenError.BadAddress;
            for (var argument = 0; argument < ArgumentCount; argument++)
                arguments[argument] = Word(bytes, FirstArgumentWord + argument, width);
            // One in another could nest without end.
            var number = Word(bytes, 0, width);
            var result = number == Number ? XenError.Invalid : HypercallTable.Execute(new GuestCall(call, number, arguments));
            if (call.Work.IsInterrupted)
            {
                // The entry says what is left of it, as registers do elsewhere.
                call.Work.Resume();
                var left = call.Work.Arguments;
                for (var argument = 0; argument < left.Length; argument++)
                    SetWord(bytes, FirstArgumentWord + argument, width, left[argument]);
                return call.TryWrite(entry, bytes[..(WordsInEntry * width)]) ? call.Work.Interrupt(entry, count - i) : XenError.BadAddress;
            }

            BinaryPrimitives.WriteInt64LittleEndian(bytes, result);
            if (!call.TryWrite(entry + (ulong)(ResultWord * width), bytes[..width]))
                return XenError.BadAddress;
            if (call.Domain.HasShutDown is not null)
                return 0;
            if (!call.Work.Spend(1) && i + 1 < count)
                return call.Work.Interrupt(entry + (ulong)(WordsInEntry * width), count - i - 1);
        }

        return 0;
    }

    private static void SetWord(Span<byte> bytes, int index, int width, ulong value)
    {
        if (width == 8)
            BinaryPrimitives.WriteUInt64LittleEndian(bytes[(index * 8)..], value);
        else
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[(index * 4)..], (uint)value);
    }

    private static ulong Word(ReadOnlySpan<byte> bytes, int index, int width) =>
        width == 8 ? BinaryPrimitives.ReadUInt64LittleEndian(bytes[(index * 8)..]) : BinaryPrimitives.ReadUInt32LittleEndian(bytes[(index * 4)..]);
}
