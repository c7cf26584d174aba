namespace AccelGen.Cli.Results;

/// <summary>Result of <c>generate</c>.</summary>
/// <param name="Config">Name of the configuration.</param>
/// <param name="ConfigHash">Its hash, in hexadecimal digits.</param>
/// <param name="Folder">Folder, as it was named.</param>
/// <param name="Files">Files within it, in the order in which they are written.</param>
internal sealed record GenerateResult(string Config, string ConfigHash, string Folder, IReadOnlyList<string> Files) : IResult;
