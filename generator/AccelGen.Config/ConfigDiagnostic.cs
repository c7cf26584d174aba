using System.Collections.Immutable;
using AccelGen.Files;

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
    /// <summary>The same in the form of all mistakes.</summary>
    public Fault Fault =>
        new(Code, Path, $"{Value} {ConfigCodes.All[Code].Says}", $"legal is {Legal}; {Cure}{(File is null ? "" : $" ({File})")}");

    /// <inheritdoc/>
    public override string ToString() => $"{Code} {Fault}";
}

/// <summary>The codes of configuration diagnostics; the others are in <see cref="FaultCodes"/>.</summary>
public static class ConfigCodes
{
    /// <summary>Neither a preset nor a file.</summary>
    public const string NotFound = "AG1001";

    /// <summary>A file that is no JSON.</summary>
    public const string NotJson = "AG1002";

    /// <summary>A field that does not exist.</summary>
    public const string UnknownField = "AG1003";

    /// <summary>A field that is missing.</summary>
    public const string MissingField = "AG1004";

    /// <summary>A value of another type.</summary>
    public const string WrongType = "AG1005";

    /// <summary>An override that is not of the form path=value.</summary>
    public const string MalformedOverride = "AG1006";

    /// <summary>An override of a field that does not exist.</summary>
    public const string UnknownOverride = "AG1007";

    /// <summary>A value below or above its range.</summary>
    public const string OutOfRange = "AG1101";

    /// <summary>A value that is not one of the legal ones.</summary>
    public const string NotAllowed = "AG1102";

    /// <summary>A name that cannot be used for folders.</summary>
    public const string IllegalName = "AG1103";

    /// <summary>Lanes that do not divide the vector width.</summary>
    public const string LanesDoNotDivide = "AG1201";

    /// <summary>A weight tile that is not a whole number of beats.</summary>
    public const string RaggedWeightTile = "AG1202";

    /// <summary>A buffer of a depth that the RTL does not support.</summary>
    public const string BufferDepth = "AG1203";

    /// <summary>A weight buffer of a depth that the RTL does not support.</summary>
    public const string WeightDepth = "AG1204";

    /// <summary>A burst that is too long.</summary>
    public const string BurstTooLong = "AG1205";

    /// <summary>A unit without another that it needs.</summary>
    public const string UnitNeedsUnit = "AG1206";

    /// <summary>A value that does not fit the identifier.</summary>
    public const string IdTooWide = "AG1207";

    /// <summary>A weight tile of too many beats.</summary>
    public const string LongWeightTile = "AG1208";

    /// <summary>Each code with the words that follow the value in a diagnostic, and what helps in general.</summary>
    public static ImmutableSortedDictionary<string, FaultKind> All { get; } =
        new Dictionary<string, FaultKind>
        {
            [NotFound] = new("is neither a preset nor a file", "name a preset, or check the path"),
            [NotJson] = new("cannot be read as JSON", "write JSON without comments or repeated fields"),
            [UnknownField] = new("sets a field that does not exist", "remove it, or correct its name"),
            [MissingField] = new("is missing", "add it"),
            [WrongType] = new("has the wrong type", "write a value of the type that is named"),
            [MalformedOverride] = new("is not of the form path=value", "write --set path=value, as in array.lanes=8"),
            [UnknownOverride] = new("overrides a field that does not exist", "correct the path"),
            [OutOfRange] = new("is out of range", "choose a value of the range"),
            [NotAllowed] = new("is not one of the legal values", "choose one of them"),
            [IllegalName] = new("is not a usable name", "use the name that the message gives"),
            [LanesDoNotDivide] = new("does not divide array.vectorWidth", "choose lanes that divide array.vectorWidth"),
            [RaggedWeightTile] = new(
                "makes a weight tile that is not a whole number of beats",
                "change array.lanes, array.vectorWidth or axi.dataBits"
            ),
            [BufferDepth] = new("KiB makes a buffer of unsupported depth", "choose a size that the message names"),
            [WeightDepth] = new("KiB makes a weight buffer of unsupported depth", "choose a size that the message names"),
            [BurstTooLong] = new("beats make a burst that is too long", "shorten axi.maxBurstBeats"),
            [UnitNeedsUnit] = new("needs what this configuration does not have", "turn the other unit on as well"),
            [IdTooWide] = new("does not fit the identifier's bits", "use a smaller one or raise axi.idBits"),
            [LongWeightTile] = new("makes a weight tile of too many beats", "change array.lanes, array.vectorWidth or axi.dataBits"),
        }.ToImmutableSortedDictionary(StringComparer.Ordinal);
}

/// <summary>A configuration could not be used; all the reasons at once.</summary>
public sealed class ConfigException(ImmutableArray<ConfigDiagnostic> diagnostics) : InputException(diagnostics.Select(d => d.Fault))
{
    /// <summary>Every reason.</summary>
    public ImmutableArray<ConfigDiagnostic> Diagnostics { get; } = diagnostics;
}
