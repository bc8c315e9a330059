using Emu.Cpu.Snapshots;
using Emu.Xen.Backends.Block;

namespace Emu.Machine.Recording;

/// <summary>A disk's image, the host's failures with which are written down: the guest sees them.</summary>
internal sealed class RecordedImage(IBlockImage image, InputRecorder recorder) : IBlockImage
{
    public ulong SectorCount => image.SectorCount;

    public bool IsReadOnly => image.IsReadOnly;

    public void Read(ulong sector, Span<byte> destination)
    {
        try
        {
            image.Read(sector, destination);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            recorder.Note(AnswerKind.DiskFailure);
            throw;
        }

        recorder.NoteNothing();
    }

    public void Write(ulong sector, ReadOnlySpan<byte> source)
    {
        try
        {
            image.Write(sector, source);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            recorder.Note(AnswerKind.DiskFailure);
            throw;
        }

        recorder.NoteNothing();
    }

    public void Flush()
    {
        try
        {
            image.Flush();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            recorder.Note(AnswerKind.DiskFailure);
            throw;
        }

        recorder.NoteNothing();
    }

    public void Dispose() => image.Dispose();

    public void Transfer(StateStream stream) => image.Transfer(stream);

    public void TransferImage(StateStream stream) => image.TransferImage(stream);
}

/// <summary>A disk's image in a replay: it fails where it did, and where it fails now, the replay does.</summary>
internal sealed class ReplayedImage(IBlockImage image, bool isShared, InputReplayer replayer) : IBlockImage
{
    public ulong SectorCount => image.SectorCount;

    public bool IsReadOnly => image.IsReadOnly;

    public void Read(ulong sector, Span<byte> destination)
    {
        FailAsThen();
        try
        {
            image.Read(sector, destination);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw FailsNow(failure);
        }
    }

    public void Write(ulong sector, ReadOnlySpan<byte> source)
    {
        FailAsThen();
        try
        {
            image.Write(sector, source);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw FailsNow(failure);
        }
    }

    public void Flush() => FailAsThen();

    public void Dispose()
    {
        if (!isShared)
            image.Dispose();
    }

    public void Transfer(StateStream stream) => image.Transfer(stream);

    public void TransferImage(StateStream stream) => image.TransferImage(stream);

    private static ReplayException FailsNow(Exception failure) =>
        new($"A disk's image that could be used in the recorded run cannot be used now: {failure.Message}", failure);

    private void FailAsThen()
    {
        if (replayer.TryTake(out _, AnswerKind.DiskFailure))
            throw new IOException("It failed in the recorded run.");
    }
}
