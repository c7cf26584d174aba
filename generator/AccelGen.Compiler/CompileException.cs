namespace AccelGen.Compiler;

/// <summary>A network cannot run on a configuration; the message names the layer, the limit and the cure.</summary>
public sealed class CompileException(IReadOnlyList<string> problems) : Exception(string.Join(Environment.NewLine, problems))
{
    /// <summary>All problems found.</summary>
    public IReadOnlyList<string> Problems { get; } = problems;
}
