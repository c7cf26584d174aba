using AccelGen.Isa;
using AccelGen.Sim;

namespace AccelGen.Cli.Results;

/// <summary>Result of <c>run</c>.</summary>
/// <param name="Layers">Layers of the first path: cycles of one image, mismatches of all.</param>
/// <param name="Total">The first path, and what the run is of.</param>
/// <param name="Paths">What each path, or each budget, showed.</param>
/// <param name="Budget">How the program chooses its path, or null: it ran without a budget.</param>
/// <param name="Cycles">Cycles of a frame by class of layer, a breakdown per path.</param>
internal sealed record NetworkResult(
    IReadOnlyList<LayerResult> Layers,
    NetworkTotal Total,
    IReadOnlyList<RunPath> Paths,
    BudgetResult? Budget,
    IReadOnlyList<CycleBreakdown> Cycles
) : IResult;

/// <summary>The first path of a run, and what the run is of.</summary>
/// <param name="Name">"total".</param>
/// <param name="Op">"total".</param>
/// <param name="Path">Name of the first path.</param>
/// <param name="Images">Images that ran on every path.</param>
/// <param name="Macs">Multiply-accumulates of the whole network, one image.</param>
/// <param name="MacsSkipped">Those that the path skips, one image.</param>
/// <param name="CyclesRtl">Cycles of one image by the RTL.</param>
/// <param name="CyclesModel">Cycles of one image by the model.</param>
/// <param name="Mismatches">Elements that differ from the golden model, over all paths and images.</param>
/// <param name="Utilization">Useful multiply-accumulates per cycle over the peak of the array, 0 to 1.</param>
/// <param name="BytesRead">Bytes read from memory, one image.</param>
/// <param name="BytesWritten">Bytes written to memory, one image.</param>
/// <param name="Accuracy">Accuracy by the RTL, 0 to 1, or null: nothing is known of the images.</param>
/// <param name="FloatAccuracy">Accuracy of the float network, 0 to 1, or null: there is none, or nothing is known of the images.</param>
/// <param name="Metric">Name of the accuracy.</param>
/// <param name="ImagesWithTruth">Images of which something is known.</param>
/// <param name="Quantization">How the network was quantised, or null: it was already.</param>
/// <param name="Config">Name of the configuration.</param>
/// <param name="ConfigHash">Its hash, in hexadecimal digits.</param>
/// <param name="Seed">Seed of what is drawn.</param>
/// <param name="WallSeconds">Seconds of the command.</param>
/// <param name="BuildSeconds">Seconds until the simulation model was there.</param>
/// <param name="SimulationSeconds">Seconds of the simulation alone, summed over the copies of the design.</param>
/// <param name="MacsPerSecond">Useful multiply-accumulates that one copy simulates in a second.</param>
/// <param name="Tools">Versions.</param>
internal sealed record NetworkTotal(
    string Name,
    string Op,
    string Path,
    int Images,
    long Macs,
    long MacsSkipped,
    long CyclesRtl,
    long CyclesModel,
    long Mismatches,
    double Utilization,
    long BytesRead,
    long BytesWritten,
    double? Accuracy,
    double? FloatAccuracy,
    string Metric,
    int ImagesWithTruth,
    Quantization? Quantization,
    string Config,
    string ConfigHash,
    int Seed,
    double WallSeconds,
    double BuildSeconds,
    double SimulationSeconds,
    double MacsPerSecond,
    ToolVersions Tools
);

/// <summary>A path, or a budget, of a run.</summary>
/// <param name="Name">Name of the path; of a budget, of the path that was chosen.</param>
/// <param name="BlocksSkipped">Indices of the blocks that it skips.</param>
/// <param name="Registers">Channels kept, by dynamic register.</param>
/// <param name="Variant">Variant of the biases.</param>
/// <param name="Accuracy">Accuracy by the RTL, 0 to 1, or null: nothing is known of the images.</param>
/// <param name="FloatAccuracy">Accuracy of the float network on the path, 0 to 1, or null.</param>
/// <param name="Macs">Multiply-accumulates of the whole network, one image.</param>
/// <param name="MacsSkipped">Those that the path skips, one image.</param>
/// <param name="CyclesRtl">Cycles of one image by the RTL.</param>
/// <param name="CyclesModel">Cycles of one image by the model.</param>
/// <param name="Mismatches">Elements that differ from the golden model, over all images.</param>
/// <param name="MacsSaved">Share of the multiply-accumulates that is skipped, 0 to 1; null for a network without any.</param>
/// <param name="CyclesSaved">Share of the whole network's cycles that is saved.</param>
/// <param name="Utilization">Useful multiply-accumulates per cycle over the peak of the array, 0 to 1.</param>
/// <param name="Differences">What differs from the models: elements, counters, cycles of layers and commands.</param>
/// <param name="Budget">Cycles that a frame was allowed, or null: it ran without a budget.</param>
/// <param name="Met">The frame took no more than the budget, or null: there was none.</param>
/// <param name="Decisions">Choices of the checkpoints on the first image; before and after are rows of the path table.</param>
internal sealed record RunPath(
    string Name,
    IReadOnlyList<int> BlocksSkipped,
    IReadOnlyDictionary<int, int> Registers,
    int Variant,
    double? Accuracy,
    double? FloatAccuracy,
    long Macs,
    long MacsSkipped,
    long CyclesRtl,
    long CyclesModel,
    long Mismatches,
    double? MacsSaved,
    double CyclesSaved,
    double Utilization,
    int Differences,
    uint? Budget,
    bool? Met,
    IReadOnlyList<Decision> Decisions
);
