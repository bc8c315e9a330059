namespace Emu.Xen.Hypercalls;

/// <summary>console_io(cmd, count, buffer): Xen's emergency console (xen/include/public/xen.h, CONSOLEIO_*).</summary>
internal static class ConsoleTransfer
{
    public const uint Number = 18;

    public const uint WriteCommand = 0;
    private const int PieceLength = 256;
    private const int PieceWork = 4;

    public static long Execute(in GuestCall call)
    {
        // A domain that is not privileged may write, to a Xen that was built for debugging; and nothing else.
        if ((uint)call.Argument(0) != WriteCommand)
            return XenError.NotPermitted;
        var count = (int)call.Argument(1);
        return count < 0 ? XenError.Invalid : Write(call, count, call.Argument(2));
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
            if (!call.Work.Spend(PieceWork) && done < count)
                return call.Work.Interrupt(WriteCommand, (ulong)(count - done), address + (ulong)done);
        }

        return 0;
    }
}
