using AccelGen.Isa;

namespace AccelGen.Cli;

/// <summary>Choices of checkpoints in words.</summary>
internal static class Choices
{
    /// <summary>Title of a column of them.</summary>
    public const string Column = "choices (checkpoint at cycle: path)";

    /// <summary>The choices of a frame for a cell of a table.</summary>
    /// <param name="decisions">Choices.</param>
    /// <param name="name">Name of the path in a row of the path table.</param>
    public static string Cell(IEnumerable<Decision> decisions, Func<int, string> name) =>
        Printable.Cell(
            string.Join(
                ", ",
                decisions.Select(d => $"{d.Number} at {d.Elapsed:N0}: {name(d.After)}{(d.Fits ? string.Empty : " (nothing fits)")}")
            )
        );
}
