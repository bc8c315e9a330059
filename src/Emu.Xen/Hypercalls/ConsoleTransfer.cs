namespace Emu.Xen.Hypercalls;

/// <summary>console_io(cmd, count, buffer): Xen's emergency console (xen/include/public/xen.h, CONSOLEIO_*).</summary>
internal static class ConsoleTransfer
{
    public const uint Number = 18;

    private const uint WriteCommand = 0;
    private const uint ReadCommand = 1;
    private const int PieceLength = 256;

    public static long Execute(in GuestCall call)
    {
        var count = (int)call.Argument(1);
        var address = call.Argument(2);
        if (count < 0)
            return XenError.Invalid;
        switch ((uint)call.Argument(0))
        {
            case WriteCommand:
                return Write(call, count, address);
            // What is typed at Xen's own console is not a domain's to read.
            case ReadCommand:
                return XenError.NotPermitted;
            default:
                return call.Unsupported((uint)call.Argument(0));
        }
    }

    private static long Write(in GuestCall call, int count, ulong address)
    {
        Span<byte> piece = stackalloc byte[PieceLength];
        for (var done = 0; done < count;)
        {
            var part = piece[..Math.Min(PieceLength, count - done)];
            if (!call.TryRead(address + (ulong)done, part))
                return XenError.BadAddress;
            call.Domain.Host.WriteLog(part);
            done += part.Length;
        }

        return 0;
    }
}
