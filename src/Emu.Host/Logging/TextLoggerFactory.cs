using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Emu.Host.Logging;

/// <summary>Writes log messages as lines of text: <c>warning: PvhMachine: …</c>. Several threads may log at once.</summary>
/// <remarks>
/// A factory of our own, because the library's brings a dependency container and options binding: 37 ms of start-up, more than the
/// tour kernel takes to run.
/// </remarks>
public sealed class TextLoggerFactory : ILoggerFactory
{
    private readonly TextWriter _writer;
    private readonly LogLevel _minimum;
    private readonly bool _colour;
    private readonly Action? _beforeLine;
    private readonly Lock _lock = new();

    /// <summary>Creates the factory.</summary>
    /// <param name="writer">Where lines go; it is flushed after each and not closed here.</param>
    /// <param name="minimum">The least severe level that is written.</param>
    /// <param name="colour">Whether severities are coloured with ANSI sequences.</param>
    /// <param name="beforeLine">Is called before each line, for instance to flush a console whose output shares the screen; null for nothing.</param>
    public TextLoggerFactory(TextWriter writer, LogLevel minimum, bool colour, Action? beforeLine = null)
    {
        _writer = writer;
        _minimum = minimum;
        _colour = colour;
        _beforeLine = beforeLine;
    }

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName)
    {
        ArgumentNullException.ThrowIfNull(categoryName);
        // The class's name says enough without its namespace.
        return new TextLogger(this, categoryName[(categoryName.LastIndexOf('.') + 1)..]);
    }

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("Log lines have one destination.");

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private void Write(LogLevel level, string category, string message, Exception? exception)
    {
        (string name, string colour) = level switch
        {
            LogLevel.Trace => ("trace", "\e[2m"),
            LogLevel.Debug => ("debug", "\e[2m"),
            LogLevel.Information => ("info", "\e[36m"),
            LogLevel.Warning => ("warning", "\e[33m"),
            _ => ("error", "\e[31m"),
        };
        string severity = _colour ? $"{colour}{name}\e[0m" : name;
        lock (_lock)
        {
            _beforeLine?.Invoke();
            _writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{severity}: {category}: {message}"));
            if (exception is not null)
                _writer.WriteLine(exception);
            _writer.Flush();
        }
    }

    private sealed class TextLogger(TextLoggerFactory factory, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= factory._minimum && logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            ArgumentNullException.ThrowIfNull(formatter);
            if (IsEnabled(logLevel))
                factory.Write(logLevel, category, formatter(state, exception), exception);
        }
    }
}
