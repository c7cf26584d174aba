using System.Reflection;

namespace AccelGen.Cli.Results;

/// <summary>
/// The JSON schema of what <c>--json</c> writes, <c>results.schema.json</c>: any result is valid by it, and that of a command by the
/// definition of its name. It is recorded from the records and their documentation.
/// </summary>
internal static class ResultSchema
{
    /// <summary>The schema.</summary>
    public static string Text { get; } = Read();

    private static string Read()
    {
        const string Name = "results.schema.json";
        using Stream stream =
            Assembly.GetExecutingAssembly().GetManifestResourceStream(Name)
            ?? throw new InvalidOperationException($"{Name} is not part of this build");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
