using System.Text;
using Emu.Host.Symbols;

namespace Emu.Host.Tracing;

/// <summary>What begins or ends a trace: a place in the guest's code that is about to be executed, or a text that the guest has written to its console.</summary>
/// <param name="Place">The place; null for a text.</param>
/// <param name="ConsoleText">The text, not empty; null for a place.</param>
/// <param name="Words">The option with what the user said, for sentences.</param>
public sealed record TraceTrigger(TracePlace? Place, ReadOnlyMemory<byte>? ConsoleText, string Words)
{
    private const string OnText = "on:";

    /// <summary>Reads a trigger. "on:" begins a text, always: no compiler makes symbols with a colon, and one called "on" is another word.</summary>
    /// <param name="option">The option that it stands behind.</param>
    /// <param name="text">What was given.</param>
    /// <returns>The trigger; whether the guest has such a place is not known yet.</returns>
    /// <exception cref="UsageException">The text is empty.</exception>
    public static TraceTrigger Parse(string option, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string words = $"{option} {text}";
        if (!text.StartsWith(OnText, StringComparison.Ordinal))
            return new TraceTrigger(new TracePlace(option, text), null, words);
        return text.Length > OnText.Length
            ? new TraceTrigger(null, Encoding.UTF8.GetBytes(text[OnText.Length..]), words)
            : throw new UsageException($"{option} {OnText} needs the text that it waits for, such as '{OnText}login:'.");
    }

    /// <summary>Makes sure that the guest has the place.</summary>
    /// <param name="symbols">The guest's names.</param>
    /// <exception cref="UsageException">It has not.</exception>
    public void Check(SymbolTable symbols) => Place?.Resolve(symbols);
}
