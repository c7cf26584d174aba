namespace AccelGen.Cli.Results;

/// <summary>Result of <c>simulate</c>.</summary>
/// <param name="Layers">Layers, in the order in which they ran.</param>
/// <param name="Total">All together.</param>
internal sealed record SimulateResult(IReadOnlyList<SimulatedLayer> Layers, SimulateTotal Total) : IResult;

/// <summary>A layer that ran by itself.</summary>
/// <param name="Name">Name.</param>
/// <param name="Spec">The layer as <c>--layer</c> takes it.</param>
/// <param name="Op">Operator.</param>
/// <param name="Macs">Multiply-accumulates of the whole layer.</param>
/// <param name="MacsSkipped">Those of channels that are not kept.</param>
/// <param name="CyclesRtl">Cycles by the RTL.</param>
/// <param name="CyclesModel">Cycles by the model; with random stalls a lower bound.</param>
/// <param name="Mismatches">Output elements that differ from the golden model.</param>
/// <param name="Utilization">Useful multiply-accumulates per cycle over the peak of the array, 0 to 1.</param>
/// <param name="BytesRead">Bytes read from memory.</param>
/// <param name="BytesWritten">Bytes written to memory.</param>
/// <param name="BoundCycles">Cycles that the array or the bus needs at least, whichever is more.</param>
/// <param name="SkipEfficiency">Share of the cycles that is saved over the share of the work that is skipped, or null: none is.</param>
/// <param name="Tiling">Tiling, in words.</param>
internal sealed record SimulatedLayer(
    string Name,
    string Spec,
    string Op,
    long Macs,
    long MacsSkipped,
    long CyclesRtl,
    long CyclesModel,
    long Mismatches,
    double Utilization,
    long BytesRead,
    long BytesWritten,
    long BoundCycles,
    double? SkipEfficiency,
    string Tiling
);

/// <summary>All layers of a simulation.</summary>
/// <param name="Name">"total".</param>
/// <param name="Op">"total".</param>
/// <param name="Macs">Multiply-accumulates of the whole layers.</param>
/// <param name="MacsSkipped">Those of channels that are not kept.</param>
/// <param name="CyclesRtl">Cycles by the RTL.</param>
/// <param name="CyclesModel">Cycles by the model.</param>
/// <param name="Mismatches">Output elements that differ from the golden model.</param>
/// <param name="Utilization">Useful multiply-accumulates per cycle over the peak of the array, 0 to 1.</param>
/// <param name="BytesRead">Bytes read from memory.</param>
/// <param name="BytesWritten">Bytes written to memory.</param>
/// <param name="Config">Name of the configuration.</param>
/// <param name="ConfigHash">Its hash, in hexadecimal digits.</param>
/// <param name="Seed">Seed of the random data.</param>
/// <param name="WallSeconds">Seconds of the command.</param>
/// <param name="BuildSeconds">Seconds until the simulation model was there.</param>
/// <param name="SimulationSeconds">Seconds of the simulation alone.</param>
/// <param name="MacsPerSecond">Useful multiply-accumulates simulated in a second.</param>
/// <param name="Tools">Versions.</param>
internal sealed record SimulateTotal(
    string Name,
    string Op,
    long Macs,
    long MacsSkipped,
    long CyclesRtl,
    long CyclesModel,
    long Mismatches,
    double Utilization,
    long BytesRead,
    long BytesWritten,
    string Config,
    string ConfigHash,
    int Seed,
    double WallSeconds,
    double BuildSeconds,
    double SimulationSeconds,
    double MacsPerSecond,
    ToolVersions Tools
);
