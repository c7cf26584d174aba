using System.Collections.Immutable;

namespace AccelGen.Config;

/// <summary>One reason why a configuration cannot be used.</summary>
/// <param name="Code">A code from <see cref="ConfigCodes"/>.</param>
/// <param name="Path">The JSON field, as in <c>array.lanes</c>; empty where the whole file is meant.</param>
/// <param name="Value">What was found.</param>
/// <param name="Legal">What would be legal.</param>
/// <param name="Cure">What to do about it.</param>
/// <param name="File">Where it was found, if known.</param>
public sealed record ConfigDiagnostic(string Code, string Path, string Value, string Legal, string Cure, string? File)
{
    public override string ToString() =>
        $"{Code} {(Path.Length == 0 ? "" : $"{Path}: ")}{Value} {ConfigCodes.All[Code]}; legal is {Legal}; {Cure}"
        + (File is null ? "" : $" ({File})");
}

/// <summary>The codes of configuration diagnostics and what each says about the value.</summary>
public static class ConfigCodes
{
    public const string NotFound = "AG1001";
    public const string NotJson = "AG1002";
    public const string UnknownField = "AG1003";
    public const string MissingField = "AG1004";
    public const string WrongType = "AG1005";
    public const string MalformedOverride = "AG1006";
    public const string UnknownOverride = "AG1007";
    public const string OutOfRange = "AG1101";
    public const string NotAllowed = "AG1102";
    public const string IllegalName = "AG1103";
    public const string LanesDoNotDivide = "AG1201";
    public const string RaggedWeightTile = "AG1202";
    public const string BufferDepth = "AG1203";
    public const string WeightDepth = "AG1204";
    public const string BurstTooLong = "AG1205";
    public const string UnitNeedsUnit = "AG1206";
    public const string IdTooWide = "AG1207";
    public const string LongWeightTile = "AG1208";

    /// <summary>Each code with the words that follow the value in a diagnostic.</summary>
    public static ImmutableSortedDictionary<string, string> All { get; } = new Dictionary<string, string>
    {
        [NotFound] = "is neither a preset nor a file",
        [NotJson] = "cannot be read as JSON",
        [UnknownField] = "sets a field that does not exist",
        [MissingField] = "is missing",
        [WrongType] = "has the wrong type",
        [MalformedOverride] = "is not of the form path=value",
        [UnknownOverride] = "overrides a field that does not exist",
        [OutOfRange] = "is out of range",
        [NotAllowed] = "is not one of the legal values",
        [IllegalName] = "is not a usable name",
        [LanesDoNotDivide] = "does not divide array.vectorWidth",
        [RaggedWeightTile] = "makes a weight tile that is not a whole number of beats",
        [BufferDepth] = "KiB makes a buffer of unsupported depth",
        [WeightDepth] = "KiB makes a weight buffer of unsupported depth",
        [BurstTooLong] = "beats make a burst that is too long",
        [UnitNeedsUnit] = "needs what this configuration does not have",
        [IdTooWide] = "does not fit the identifier's bits",
        [LongWeightTile] = "makes a weight tile of too many beats",
    }.ToImmutableSortedDictionary(StringComparer.Ordinal);
}

/// <summary>A configuration could not be used; all the reasons at once.</summary>
public sealed class ConfigException(ImmutableArray<ConfigDiagnostic> diagnostics)
    : Exception(string.Join('\n', diagnostics))
{
    public ImmutableArray<ConfigDiagnostic> Diagnostics { get; } = diagnostics;
}
