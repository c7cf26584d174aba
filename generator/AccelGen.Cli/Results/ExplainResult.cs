using AccelGen.Sim;

namespace AccelGen.Cli.Results;

/// <summary>Result of <c>explain</c>.</summary>
/// <param name="Network">Name of the network.</param>
/// <param name="Config">Name of the configuration.</param>
/// <param name="ConfigHash">Its hash, in hexadecimal digits.</param>
/// <param name="Layers">Layers that were asked for, in order.</param>
/// <param name="Cycles">Cycles of a frame by class of layer, or null: only some layers were asked for.</param>
internal sealed record ExplainResult(
    string Network,
    string Config,
    string ConfigHash,
    IReadOnlyList<ExplainedLayer> Layers,
    CycleBreakdown? Cycles
) : IResult;

/// <summary>How a layer runs.</summary>
/// <param name="Name">Name.</param>
/// <param name="Op">Operator.</param>
/// <param name="Joined">Other layers that the same commands compute.</param>
/// <param name="ComputedBy">Layer whose commands compute this one, or null.</param>
/// <param name="AlternatesWith">Layers whose commands alternate with this one's, strip by strip.</param>
/// <param name="CountedWith">Layer that the cycles count with, or null.</param>
/// <param name="Shapes">Shapes of the tensors read and of those written.</param>
/// <param name="Commands">Commands.</param>
/// <param name="Cycles">Cycles from the end of the layer before to the end of this one; 0 when they count with another.</param>
/// <param name="FirstCycle">Cycle in which the first command starts.</param>
/// <param name="LastCycle">Cycle in which the last command is done.</param>
/// <param name="LoopNests">Loop nests; none for a layer without commands.</param>
/// <param name="RowOperator">The row operator that follows the sums, or null.</param>
/// <param name="Buffers">What the buffers hold.</param>
/// <param name="Bytes">Bytes moved.</param>
/// <param name="Bounds">Cycles that each resource alone would take.</param>
/// <param name="Limit">Resource that takes longest.</param>
/// <param name="LimitCycles">Its cycles; where the reads are what limits, those of all reads.</param>
/// <param name="LimitTogether">The same for this layer and those that alternate with it, together, or null.</param>
/// <param name="ArrayUse">Useful multiply-accumulates over what the array could do in the compute cycles, 0 to 1.</param>
internal sealed record ExplainedLayer(
    string Name,
    string Op,
    IReadOnlyList<string> Joined,
    string? ComputedBy,
    IReadOnlyList<string> AlternatesWith,
    string? CountedWith,
    string Shapes,
    int Commands,
    long Cycles,
    long FirstCycle,
    long LastCycle,
    IReadOnlyList<LoopNest> LoopNests,
    string? RowOperator,
    IReadOnlyList<BufferUse> Buffers,
    Traffic Bytes,
    IReadOnlyList<Bound> Bounds,
    string Limit,
    long LimitCycles,
    Bound? LimitTogether,
    double ArrayUse
)
{
    /// <summary>An explanation as a result.</summary>
    public static ExplainedLayer Of(LayerExplanation e) =>
        new(
            e.Name,
            e.Op,
            e.Joined,
            e.ComputedBy,
            e.AlternatesWith,
            e.CountedWith,
            e.Shapes,
            e.Commands,
            e.Cycles,
            e.Span.First,
            e.Span.Last,
            e.Nests,
            e.RowOperator,
            e.Buffers,
            e.Bytes,
            e.Bounds,
            e.Limit.Resource,
            e.Limit.Cycles,
            e.LimitTogether,
            e.ArrayUse
        );
}
