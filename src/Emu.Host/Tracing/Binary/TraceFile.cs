using Emu.Host.Symbols;
using Emu.Host.Terminals;
using Emu.Machine.Tracing;

namespace Emu.Host.Tracing.Binary;

/// <summary>A binary trace that the user named, with the names for its addresses.</summary>
internal sealed class TraceFile : IDisposable
{
    private TraceFile(string path, TraceReader reader, SymbolTable symbols)
    {
        Path = path;
        Reader = reader;
        Symbols = symbols;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The trace.</summary>
    public TraceReader Reader { get; }

    /// <summary>The names that it carries, and those that the user has added.</summary>
    public SymbolTable Symbols { get; }

    /// <summary>What the process returns that has used the trace: where it lacks its end, what is there was used, but it was not all.</summary>
    public int ExitCode => Reader.IsComplete ? Host.ExitCode.Success : Host.ExitCode.Usage;

    /// <summary>Opens a trace.</summary>
    /// <param name="path">The file.</param>
    /// <param name="added">Further names.</param>
    /// <returns>It.</returns>
    /// <exception cref="UsageException">It is none, is damaged, or cannot be read.</exception>
    public static TraceFile Open(string path, SymbolTable added) => Guard(path, () =>
    {
        TraceReader reader = TraceReader.Open(path);
        try
        {
            // As far as it goes it is good; that it was to go further, who reads it has to know.
            if (!reader.IsComplete)
                Warn($"The trace '{path}' lacks its end: whatever wrote it was killed, or the file was cut off.");
            SymbolTable own = new(reader.ReadSymbols().Select(static symbol => new Symbol(symbol.Address, symbol.Size, symbol.Name)));
            return new TraceFile(path, reader, own.With(added));
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    });

    /// <summary>Whether a file begins as binary traces do.</summary>
    /// <param name="path">The file.</param>
    /// <returns>Whether it does; false where it cannot be read.</returns>
    public static bool IsOne(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            byte[] start = new byte[8];
            return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && TraceReader.IsSignature(start);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            return false;
        }
    }

    /// <summary>Does something with the trace, whose damage becomes a sentence for the user.</summary>
    public T Use<T>(Func<TraceReader, T> use) => Guard(Path, () => use(Reader));

    /// <summary>The hash of all elements before a point.</summary>
    /// <param name="count">The count of retired instructions there.</param>
    /// <returns>Their hash, and how many they are.</returns>
    /// <exception cref="UsageException">The trace is damaged.</exception>
    public TraceHash HashAt(ulong count) => Use(reader => reader.HashAt(count));

    /// <summary>Checks that every part of the file is as it was written.</summary>
    /// <exception cref="UsageException">One is not.</exception>
    public void Verify() => Use(static reader =>
    {
        reader.VerifyChecksums();
        return true;
    });

    /// <summary>What is at an address.</summary>
    /// <param name="address">The linear address.</param>
    /// <returns>For instance " start_kernel+0x1f", or nothing.</returns>
    public string Describe(ulong address) => Symbols.Describe(address) is { } name ? " " + name : "";

    /// <inheritdoc/>
    public void Dispose() => Reader.Dispose();

    private static void Warn(string sentence)
    {
        using StreamWriter error = new(StandardStreams.OpenError());
        error.Write($"emu: {sentence}\n");
    }

    /// <summary>Says what is wrong with a trace as a sentence for the user.</summary>
    public static T Guard<T>(string path, Func<T> use)
    {
        try
        {
            return use();
        }
        catch (TraceFileException e)
        {
            throw new UsageException($"The trace '{path}' cannot be used: {e.Message}", e);
        }
    }
}
