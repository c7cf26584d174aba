using AccelGen.Files;

namespace AccelGen.Onnx;

/// <summary>A network file cannot be used; every mistake that was found is listed.</summary>
/// <param name="faults">File, place, what is wrong, what to do.</param>
public sealed class ImportException(IEnumerable<Fault> faults) : InputException(faults.Select(Printable))
{
    /// <summary>One mistake.</summary>
    /// <param name="code">Code from <see cref="FaultCodes"/>.</param>
    /// <param name="place">File.</param>
    /// <param name="text">What is wrong with it.</param>
    /// <param name="cure">What to do.</param>
    public ImportException(string code, string place, string text, string? cure = null)
        : this([new Fault(code, place, text, cure)]) { }

    /// <summary>Every node of the file as far as it was read, with what it became or why it was refused; empty where there is no
    /// graph.</summary>
    public IReadOnlyList<ImportedNode> Nodes { get; init; } = [];

    private static Fault Printable(Fault fault) =>
        new(fault.Code, Line(fault.Place), Line(fault.Text), fault.Cure is null ? null : Line(fault.Cure));

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
