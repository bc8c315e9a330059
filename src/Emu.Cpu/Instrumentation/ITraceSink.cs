namespace Emu.Cpu.Instrumentation;

/// <summary>Takes what a <see cref="BlockTracer"/> has noted, on a thread of its own.</summary>
public interface ITraceSink
{
    /// <summary>Takes the next words; a record never lies in two calls.</summary>
    /// <param name="words">The words, good until the call returns: see <see cref="TraceWord"/>.</param>
    void Take(ReadOnlySpan<ulong> words);
}

/// <summary>The words that a <see cref="BlockTracer"/> notes.</summary>
/// <remarks>
/// <code>
///  63                            32 31                             0
/// +--------------------------------+--------------------------------+
/// | instructions retired, low half | trace id of a block, not 0     |  a block is entered
/// +------------------------+-------+--------------------------------+
/// | argument (24 bits)     | kind  | 0                              |  anything else; its words follow
/// +------------------------+-------+--------------------------------+
/// </code>
/// Counts are those of the vCPU that executes. How many instructions of a block were executed is the difference to the count in the next
/// record, whatever that is.
/// </remarks>
public static class TraceWord
{
    /// <summary>
    /// A block is given a trace id. Argument: how many instructions it has, at least 1. Words: the id, with the block's length in bytes above it;
    /// the linear address; the <see cref="Execution.CodeMode"/> with the privilege level above it; then the lengths of the instructions, one byte
    /// each, filled up to whole words; then the bytes of code, filled up likewise.
    /// </summary>
    public const int Define = 1;

    /// <summary>A vCPU begins to run. Argument: its number. Word: its count.</summary>
    public const int Enter = 2;

    /// <summary>It has run. Argument: its number. Word: its count.</summary>
    public const int Leave = 3;

    /// <summary>
    /// An exception or interrupt is about to be delivered, which counts as one instruction. Words: the count before it; vector (bits 0–7),
    /// <see cref="EventKind"/> (8–15), whether there is an error code (16), the privilege level before it (24–25), the error code (32–63); the
    /// RIP that is pushed; CR2.
    /// </summary>
    public const int Event = 4;

    /// <summary>The instruction that was executing, a repeated string instruction, is executed for a further piece. Word: the count before that.</summary>
    public const int Repeat = 5;

    /// <summary>
    /// Registers have changed since the record of this kind before, for the same vCPU. Argument: which, a bit for each of
    /// <see cref="TracedRegister"/>. Words: their values, lowest bit first.
    /// </summary>
    public const int Registers = 6;

    /// <summary>
    /// The instruction that has been executed accessed memory. Argument: size in bytes (bits 0–15), a write (16), the value is known (17).
    /// Words: the linear address; the value where it is known, filled up to whole words.
    /// </summary>
    public const int Access = 7;

    /// <summary>Bit of <see cref="Access"/>'s argument: a write.</summary>
    public const uint IsWrite = 1 << 16;

    /// <summary>Bit of <see cref="Access"/>'s argument: the value follows.</summary>
    public const uint HasValue = 1 << 17;

    /// <summary>The first word of a record that is no block.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="argument">Its argument, 24 bits.</param>
    public static ulong Of(int kind, uint argument = 0) => ((ulong)kind << 32) | ((ulong)argument << 40);

    /// <summary>The kind of a record that is no block.</summary>
    /// <param name="word">Its first word.</param>
    public static int Kind(ulong word) => (byte)(word >> 32);

    /// <summary>The argument of a record that is no block.</summary>
    /// <param name="word">Its first word.</param>
    public static uint Argument(ulong word) => (uint)(word >> 40);

    /// <summary>Words that so many bytes take.</summary>
    /// <param name="bytes">Bytes.</param>
    public static int WordsFor(int bytes) => (bytes + 7) / 8;
}
