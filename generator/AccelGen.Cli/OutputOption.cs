using System.CommandLine;

namespace AccelGen.Cli;

/// <summary>An option that names an output: it is checked before the command runs, so that no work is lost.</summary>
/// <param name="name">Name with its dashes.</param>
internal sealed class OutputOption(string name) : Option<string?>(name)
{
    /// <summary>The output is a folder of files, not a file.</summary>
    public bool IsFolder { get; init; }
}
