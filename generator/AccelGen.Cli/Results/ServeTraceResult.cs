using System.Text.Json.Serialization;
using AccelGen.Isa;

namespace AccelGen.Cli.Results;

/// <summary>Result of <c>serve-trace</c>.</summary>
/// <param name="Metric">Name of the accuracy, or null: there were no images.</param>
/// <param name="Config">Name of the configuration.</param>
/// <param name="ConfigHash">Its hash, in hexadecimal digits.</param>
/// <param name="Images">Images of the accuracy.</param>
/// <param name="Slack">Share by which the cycles that a path needs are taken to be more.</param>
/// <param name="Trace">Where the frames are from.</param>
/// <param name="Checkpoints">All frames by the checkpoints of the program.</param>
/// <param name="HostTable">All frames by the table of a host.</param>
/// <param name="Hindsight">All frames on the path that is best for each, known afterwards.</param>
/// <param name="BestStatic">Of the single paths that miss no more than the checkpoints the best, or null: all miss more.</param>
/// <param name="Statics">One path for all frames.</param>
/// <param name="Paths">Paths, in their order.</param>
/// <param name="Budget">How the program chooses its path.</param>
/// <param name="Frames">Frames, in their order.</param>
/// <param name="Rtl">Frames that ran through the RTL as well.</param>
/// <param name="Mismatches">Elements of those that differ from the golden model, or null: none ran.</param>
/// <param name="Differences">What else differs of those, or null: none ran.</param>
/// <param name="WallSeconds">Seconds of the command.</param>
internal sealed record ServeTraceResult(
    string? Metric,
    string Config,
    string ConfigHash,
    int Images,
    double Slack,
    TraceOrigin Trace,
    PolicyResult Checkpoints,
    PolicyResult HostTable,
    PolicyResult Hindsight,
    StaticResult? BestStatic,
    IReadOnlyList<StaticResult> Statics,
    IReadOnlyList<TracePath> Paths,
    BudgetResult? Budget,
    IReadOnlyList<TraceFrame> Frames,
    IReadOnlyList<RtlFrameResult> Rtl,
    long? Mismatches,
    int? Differences,
    double WallSeconds
) : IResult;

/// <summary>Where the frames of a trace are from.</summary>
/// <param name="File">File, as it was named, or null: they were drawn.</param>
/// <param name="Generated">Kind of the trace that was drawn, or null.</param>
/// <param name="Seed">Seed of what is drawn.</param>
/// <param name="Frames">Number of frames.</param>
internal sealed record TraceOrigin(string? File, string? Generated, int Seed, int Frames);

/// <summary>What a way of choosing paths made of a trace.</summary>
/// <param name="Misses">Frames that were late.</param>
/// <param name="Delivered">Mean accuracy of what was there in time, 0 to 1: a frame that was late counts as nothing. Null: there were no
/// images.</param>
/// <param name="DeliveredLate">The same where a frame that was late counts as well.</param>
/// <param name="MeanCycles">Cycles of a frame on average.</param>
/// <param name="MeanMacs">Multiply-accumulates of a frame on average.</param>
internal sealed record PolicyResult(int Misses, double? Delivered, double? DeliveredLate, double MeanCycles, double MeanMacs)
{
    /// <summary>Paths that frames ended on.</summary>
    [JsonIgnore]
    public int PathsUsed { get; init; }

    /// <summary>What was delivered: accuracy, or multiply-accumulates without images.</summary>
    [JsonIgnore]
    public double Worth { get; init; }

    /// <summary>The same where a frame that was late counts as well.</summary>
    [JsonIgnore]
    public double WorthLate { get; init; }
}

/// <summary>One path for all frames.</summary>
/// <param name="Name">Name for reports.</param>
/// <param name="Path">Name of the path.</param>
/// <param name="CyclesModel">Cycles of a frame by the model, on the memory that the options name.</param>
/// <param name="Accuracy">Accuracy, 0 to 1, or null: there were no images.</param>
/// <param name="Outcome">What became of the trace.</param>
internal sealed record StaticResult(string Name, string Path, long CyclesModel, double? Accuracy, PolicyResult Outcome)
{
    /// <summary>Frames that ended on the path by checkpoints and by the host's table, or null: it is the whole network, compiled
    /// alone.</summary>
    [JsonIgnore]
    public (int Checkpoints, int HostTable)? Ended { get; init; }
}

/// <summary>A path of a trace.</summary>
/// <param name="Name">Name.</param>
/// <param name="Macs">Multiply-accumulates of a frame.</param>
/// <param name="Accuracy">Accuracy, 0 to 1, or null: there were no images.</param>
/// <param name="Row">Row of the path table, or null: the checkpoints do not choose it.</param>
internal sealed record TracePath(string Name, long Macs, double? Accuracy, int? Row);

/// <summary>A frame of a trace.</summary>
/// <param name="Budget">Cycles that it may take.</param>
/// <param name="Interval">Cycles per beat of the memory.</param>
/// <param name="Latency">Cycles from a read address to its first beat.</param>
/// <param name="Path">Path that it ended on by the checkpoints.</param>
/// <param name="Cycles">Cycles that it took.</param>
/// <param name="Met">They are no more than its budget.</param>
/// <param name="Decisions">Choices of the checkpoints; before and after are rows of the path table.</param>
/// <param name="HostPath">Path by the table of the host.</param>
/// <param name="HostCycles">Cycles that it took then.</param>
/// <param name="HostMet">They are no more than its budget.</param>
internal sealed record TraceFrame(
    uint Budget,
    int Interval,
    int Latency,
    string Path,
    long Cycles,
    bool Met,
    IReadOnlyList<Decision> Decisions,
    string HostPath,
    long HostCycles,
    bool HostMet
);

/// <summary>A frame that ran through the RTL.</summary>
/// <param name="Frame">Its place in the trace.</param>
/// <param name="Image">Image that it ran on.</param>
/// <param name="CyclesRtl">Cycles by the RTL.</param>
/// <param name="CyclesModel">Cycles by the model.</param>
/// <param name="Mismatches">Elements that differ from the golden model.</param>
/// <param name="Decisions">Choices that the RTL recorded.</param>
/// <param name="Differences">What differs from the models and from the trace.</param>
internal sealed record RtlFrameResult(
    int Frame,
    string Image,
    long CyclesRtl,
    long CyclesModel,
    long Mismatches,
    IReadOnlyList<Decision> Decisions,
    IReadOnlyList<string> Differences
);
