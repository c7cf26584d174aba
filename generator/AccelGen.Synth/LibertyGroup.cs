using AccelGen.Files;

namespace AccelGen.Synth;

/// <summary>A group of a Liberty file, such as a library, a cell or a pin: <c>name (argument) { attributes and groups }</c>.</summary>
/// <param name="Name">Kind of the group.</param>
/// <param name="Argument">What is between the parentheses, without quotes.</param>
internal sealed record LibertyGroup(string Name, string Argument)
{
    /// <summary>Simple attributes; of several with one name the last.</summary>
    public Dictionary<string, string> Attributes { get; } = new(StringComparer.Ordinal);

    /// <summary>Groups within it, in order.</summary>
    public List<LibertyGroup> Groups { get; } = [];

    /// <summary>Reads the outermost group of a text.</summary>
    /// <param name="path">Where it comes from, for messages.</param>
    /// <param name="text">Text.</param>
    /// <exception cref="InputException">The text is no such group.</exception>
    public static LibertyGroup Read(string path, string text)
    {
        var reader = new Reader(path, text);
        return reader.Outermost();
    }

    // Tokens are words, quoted texts and single signs. A semicolon that is missing at the end of a line is forgiven: files of
    // predictive libraries leave some out, and the tools read them.
    private sealed class Reader(string path, string text)
    {
        private int at;
        private int line = 1;

        public LibertyGroup Outermost()
        {
            if (Next() is not { Length: > 0 } name)
                throw Bad("is empty");
            if (Next() != "(")
                throw Bad($"'{name}' is not followed by (...)");
            return Group(name, Argument());
        }

        // After the argument: the group's content.
        private LibertyGroup Group(string name, string argument)
        {
            var group = new LibertyGroup(name, argument);
            int opened = line;
            if (Next() != "{")
                throw Bad($"{name} ({argument}) has no {{ }}");
            while (true)
            {
                string? token = Next();
                switch (token)
                {
                    case null:
                        throw Bad($"ends within {name} ({argument}) of line {opened}");
                    case "}":
                        return group;
                    case ";":
                        continue;
                }

                string? sign = Next();
                if (sign == ":")
                    group.Attributes[token] = Value();
                else if (sign == "(")
                    Complex(group, token);
                else
                    throw Bad($"'{token}' is followed by '{sign}', neither by ':' nor by '('");
            }
        }

        // A complex attribute, name (values), or a group.
        private void Complex(LibertyGroup group, string name)
        {
            string argument = Argument();
            int before = at,
                lineBefore = line;
            string? next = Next();
            (at, line) = (before, lineBefore);
            if (next == "{")
                group.Groups.Add(Group(name, argument));
            else
                group.Attributes[name] = argument;
        }

        private string Argument()
        {
            var parts = new List<string>();
            while (Next() is { } token)
            {
                if (token == ")")
                    return string.Join(string.Empty, parts);
                parts.Add(token);
            }

            throw Bad("ends within parentheses");
        }

        // Up to the semicolon, or the end of the line.
        private string Value()
        {
            int from = line;
            var parts = new List<string>();
            while (true)
            {
                int before = at,
                    lineBefore = line;
                string? token = Next();
                if (token == ";" || token is null)
                    return string.Join(' ', parts);
                if (token == "}" || (parts.Count > 0 && line > from))
                {
                    (at, line) = (before, lineBefore);
                    return string.Join(' ', parts);
                }

                parts.Add(token);
            }
        }

        private string? Next()
        {
            Skip();
            if (at >= text.Length)
                return null;
            char c = text[at];
            int start = at;
            if (c == '"')
            {
                at++;
                while (at < text.Length && text[at] != '"')
                    line += text[at++] == '\n' ? 1 : 0;
                if (at >= text.Length)
                    throw Bad("ends within a quoted text");
                return text[(start + 1)..at++];
            }

            if (c is '(' or ')' or '{' or '}' or ':' or ';' or ',')
            {
                at++;
                return c.ToString();
            }

            while (
                at < text.Length && !char.IsWhiteSpace(text[at]) && text[at] is not ('(' or ')' or '{' or '}' or ':' or ';' or ',' or '"')
            )
                at++;
            return text[start..at];
        }

        private void Skip()
        {
            while (at < text.Length)
            {
                if (text[at] == '\n')
                {
                    line++;
                    at++;
                }
                else if (char.IsWhiteSpace(text[at]) || text[at] == '\\')
                {
                    at++;
                }
                else if (text.AsSpan(at).StartsWith("/*"))
                {
                    int end = text.IndexOf("*/", at + 2, StringComparison.Ordinal);
                    if (end < 0)
                        throw Bad("ends within a comment");
                    line += text.AsSpan(at, end - at).Count('\n');
                    at = end + 2;
                }
                else if (text.AsSpan(at).StartsWith("//"))
                {
                    int end = text.IndexOf('\n', at);
                    at = end < 0 ? text.Length : end;
                }
                else
                {
                    return;
                }
            }
        }

        private InputException Bad(string problem) => new(FaultCodes.NotALibrary, $"{path}: line {line}", $"not a Liberty file: {problem}");
    }
}
