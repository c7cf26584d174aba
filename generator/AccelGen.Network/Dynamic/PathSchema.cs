using System.Reflection;

namespace AccelGen.Network.Dynamic;

/// <summary>
/// The JSON schema of a path file, for editors and other tools: <c>paths.schema.json</c>. It says what can be said without the
/// network; which names there are, and how many channels, only <see cref="PathFile"/> knows.
/// </summary>
public static class PathSchema
{
    /// <summary>The schema.</summary>
    public static string Text { get; } = Read();

    private static string Read()
    {
        const string Name = "paths.schema.json";
        using Stream stream =
            Assembly.GetExecutingAssembly().GetManifestResourceStream(Name)
            ?? throw new InvalidOperationException($"{Name} is not part of this build");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
