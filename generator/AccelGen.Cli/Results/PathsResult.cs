using System.Text.Json.Serialization;
using AccelGen.Sim;

namespace AccelGen.Cli.Results;

/// <summary>Result of <c>paths</c>.</summary>
/// <param name="Metric">Name of the accuracy, or null: there were no images.</param>
/// <param name="Config">Name of the configuration.</param>
/// <param name="ConfigHash">Its hash, in hexadecimal digits.</param>
/// <param name="Paths">Paths, in their order.</param>
/// <param name="Pareto">Names of the paths that no other one excels.</param>
/// <param name="SkipEfficiency">The least skip efficiency of all paths, or null: none skips anything.</param>
internal sealed record PathsResult(
    string? Metric,
    string Config,
    string ConfigHash,
    IReadOnlyList<CostedPath> Paths,
    IReadOnlyList<string> Pareto,
    double? SkipEfficiency
) : IResult
{
    /// <summary>Cycles of the whole network on the same program.</summary>
    [JsonIgnore]
    public long WholeCycles { get; init; }

    /// <summary>Multiply-accumulates of the whole network.</summary>
    [JsonIgnore]
    public long WholeMacs { get; init; }

    /// <summary>What is not computed where channels are dropped: the layer that reads them, and the layers.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Dropped { get; init; } = [];
}

/// <summary>What a path costs and is worth.</summary>
/// <param name="Name">Name.</param>
/// <param name="Macs">Multiply-accumulates of a frame.</param>
/// <param name="CyclesModel">Cycles of a frame by the model.</param>
/// <param name="CyclesRtl">Cycles of a frame by the RTL, or null: it was not run.</param>
/// <param name="Mismatches">Elements that differ from the golden model, or null: it was not run.</param>
/// <param name="CycleDifferences">What else differs from the models, or null: it was not run.</param>
/// <param name="Accuracy">Accuracy by the golden model, 0 to 1, or null: nothing is known of any image.</param>
/// <param name="Images">Images of the accuracy.</param>
/// <param name="Means">Biases take in the mean of what it drops, or null: it drops nothing that has one.</param>
/// <param name="SkipEfficiency">Cycles saved over those that the skipped work takes in the whole network, or null: none is.</param>
/// <param name="Layers">What each layer costs that the path changes.</param>
internal sealed record CostedPath(
    string Name,
    long Macs,
    long CyclesModel,
    long? CyclesRtl,
    long? Mismatches,
    long? CycleDifferences,
    double? Accuracy,
    int Images,
    bool? Means,
    double? SkipEfficiency,
    IReadOnlyList<LayerSkip> Layers
)
{
    /// <summary>No other path excels it.</summary>
    [JsonIgnore]
    public bool IsPareto { get; init; }
}

/// <summary>The table of a host that chooses the path of a frame by a budget, as <c>paths --table</c> writes it.</summary>
/// <param name="Metric">Name of the accuracy, or null: there were no images.</param>
/// <param name="Config">Name of the configuration.</param>
/// <param name="ConfigHash">Its hash, in hexadecimal digits.</param>
/// <param name="Entries">Paths, the cheapest first.</param>
internal sealed record HostTableResult(string? Metric, string Config, string ConfigHash, IReadOnlyList<HostTableEntry> Entries) : IResult;

/// <summary>A path that a host may choose.</summary>
/// <param name="Name">Name.</param>
/// <param name="Row">Row of the path table.</param>
/// <param name="Cycles">Cycles of a frame by the model.</param>
/// <param name="Accuracy">Accuracy, 0 to 1, or null: there were no images.</param>
/// <param name="KeepLow">Lower word of the blocks that are kept.</param>
/// <param name="KeepHigh">Upper word of the blocks that are kept.</param>
/// <param name="Variant">Variant of the biases.</param>
/// <param name="Extents">Values of the dynamic registers.</param>
internal sealed record HostTableEntry(
    string Name,
    int Row,
    long Cycles,
    double? Accuracy,
    uint KeepLow,
    uint KeepHigh,
    int Variant,
    IReadOnlyList<uint> Extents
);
