using System.Globalization;
using System.Text;
using Spectre.Console;

namespace AccelGen.Cli;

/// <summary>Text that a terminal shows as it is. Names come from files: their control characters must not act on the terminal.</summary>
internal static class Printable
{
    /// <summary>One line: control characters as escapes, line ends as well.</summary>
    public static string Line(string text) => Escape(text, keepLines: false);

    /// <summary>Lines: control characters as escapes, but for line ends and tabs.</summary>
    public static string Lines(string text) => Escape(text, keepLines: true);

    /// <summary>One line for a cell or title of a table.</summary>
    public static string Cell(string text) => Markup.Escape(Line(text));

    private static string Escape(string text, bool keepLines)
    {
        if (!text.Any(c => Acts(c, keepLines)))
            return text;
        var escaped = new StringBuilder();
        foreach (char c in text)
        {
            if (Acts(c, keepLines))
                escaped.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else
                escaped.Append(c);
        }

        return escaped.ToString();
    }

    // Control characters, and those that break lines or turn the direction of what follows.
    private static bool Acts(char c, bool keepLines) =>
        c switch
        {
            '\n' or '\t' => !keepLines,
            '\u2028' or '\u2029' or (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069') => true,
            _ => char.IsControl(c),
        };
}

/// <summary>A stream of text that passes only what a terminal shows: whatever is printed goes through it.</summary>
/// <param name="inner">Where it goes.</param>
/// <param name="name">What it is, for the message when it cannot be written.</param>
internal sealed class PrintableWriter(TextWriter inner, string name) : TextWriter(CultureInfo.InvariantCulture)
{
    /// <inheritdoc/>
    public override Encoding Encoding => inner.Encoding;

    /// <inheritdoc/>
    public override void Write(char value) => Write($"{value}");

    /// <inheritdoc/>
    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<char> buffer) => Write(new string(buffer));

    /// <inheritdoc/>
    public override void Write(string? value)
    {
        try
        {
            inner.Write(value is null ? null : Printable.Lines(value));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"the {name} cannot be written: it is {(e is IOException ? "full or gone" : "closed")}", e);
        }
    }

    /// <inheritdoc/>
    public override void WriteLine(string? value) => Write(value + "\n");

    /// <inheritdoc/>
    public override void Flush() => inner.Flush();
}
