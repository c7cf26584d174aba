namespace AccelGen.Cli.Results;

/// <summary>Result of <c>scenes</c>.</summary>
/// <param name="Folder">Folder, as it was named.</param>
/// <param name="Seed">Seed of the set.</param>
/// <param name="Scenes">Number of scenes.</param>
/// <param name="Size">Rows and columns of each, in pixels.</param>
/// <param name="Classes">Names of the classes, in the order of their numbers.</param>
internal sealed record ScenesResult(string Folder, int Seed, int Scenes, int Size, IReadOnlyList<string> Classes) : IResult;
