using Microsoft.Extensions.Logging;

namespace AccelGen.Cli;

/// <summary>Log lines on the standard error, one each.</summary>
internal sealed class ErrorStreamLog : ILoggerProvider, ILogger
{
    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => this;

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

    /// <inheritdoc/>
    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter
    ) => CommandLine.PrintError($"{(logLevel >= LogLevel.Warning ? "warning" : "info")}: {Printable.Line(formatter(state, exception))}");

    /// <inheritdoc/>
    public void Dispose() { }
}
