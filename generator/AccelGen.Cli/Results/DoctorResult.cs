namespace AccelGen.Cli.Results;

/// <summary>Result of <c>doctor</c>.</summary>
/// <param name="Tools">Tools that were looked for.</param>
/// <param name="Complete">All that are required are there.</param>
internal sealed record DoctorResult(IReadOnlyList<ToolState> Tools, bool Complete) : IResult;

/// <summary>A tool.</summary>
/// <param name="Tool">Its name.</param>
/// <param name="Version">Version line, or null: it is missing.</param>
/// <param name="Required">Commands do not run without it.</param>
internal sealed record ToolState(string Tool, string? Version, bool Required);
