namespace Emu.Xen.Hypercalls;

/// <summary>console_io(cmd, count, buffer): Xen's emergency console (xen/include/public/xen.h, CONSOLEIO_*).</summary>
internal static class ConsoleTransfer
{
    public const uint Number = 18;

    private const uint WriteCommand = 0;
    private const uint ReadCommand = 1;
    private const int PieceLength = 256;

    public static long Execute(in GuestCall call, IXenHost host)
    {
        var count = (int)call.Argument(1);
        var address = call.Argument(2);
        if (count < 0)
            return XenError.Invalid;
        switch ((uint)call.Argument(0))
        {
            case WriteCommand:
                return Write(call, host, count, address);
            case ReadCommand:
                return Read(call, host, count, address);
            default:
                host.Unsupported(Number, (uint)call.Argument(0));
                return XenError.NotImplemented;
        }
    }

    private static long Write(in GuestCall call, IXenHost host, int count, ulong address)
    {
        Span<byte> piece = stackalloc byte[PieceLength];
        for (var done = 0; done < count;)
        {
            var part = piece[..Math.Min(PieceLength, count - done)];
            if (!call.TryRead(address + (ulong)done, part))
                return XenError.BadAddress;
            host.WriteConsole(part);
            done += part.Length;
        }

        return 0;
    }

    private static long Read(in GuestCall call, IXenHost host, int count, ulong address)
    {
        Span<byte> piece = stackalloc byte[PieceLength];
        var length = host.ReadConsole(piece[..Math.Min(PieceLength, count)]);
        return call.TryWrite(address, piece[..length]) ? length : XenError.BadAddress;
    }
}
