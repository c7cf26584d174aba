namespace AccelGen.Onnx;

/// <summary>A network file cannot be used; every problem that was found is listed.</summary>
/// <param name="problems">One line each: file, place, what is wrong, what to do.</param>
public sealed class ImportException(IReadOnlyList<string> problems) : Exception(string.Join(Environment.NewLine, problems.Select(Line)))
{
    /// <summary>One line per problem.</summary>
    public IReadOnlyList<string> Problems { get; } = [.. problems.Select(Line)];

    /// <summary>Every node of the file as far as it was read, with what it became or why it was refused; empty where there is no
    /// graph.</summary>
    public IReadOnlyList<ImportedNode> Nodes { get; init; } = [];

    // Names come from the file and may hold anything.
    private static string Line(string text) =>
        string.Create(
            text.Length,
            text,
            (line, from) =>
            {
                for (int i = 0; i < line.Length; i++)
                    line[i] = char.IsControl(from[i]) ? '?' : from[i];
            }
        );
}
