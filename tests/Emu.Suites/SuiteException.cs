namespace Emu.Suites;

/// <summary>A suite cannot be run as asked. The message is one sentence for the user.</summary>
internal sealed class SuiteException(string message, Exception? inner = null) : Exception(message, inner);
