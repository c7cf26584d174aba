namespace AccelGen.Cli.Results;

/// <summary>Result of <c>evaluate</c>.</summary>
/// <param name="Metric">Name of the accuracy.</param>
/// <param name="Config">Name of the configuration.</param>
/// <param name="ConfigHash">Its hash, in hexadecimal digits.</param>
/// <param name="Paths">Paths, in their order.</param>
internal sealed record EvaluateResult(string Metric, string Config, string ConfigHash, IReadOnlyList<EvaluatedPath> Paths) : IResult;

/// <summary>What a path is worth; its cycles are what <c>paths</c> finds out, and null here.</summary>
/// <param name="Name">Name.</param>
/// <param name="Macs">Multiply-accumulates of a frame.</param>
/// <param name="MacsWhole">Those of the whole network.</param>
/// <param name="CyclesModel">Null.</param>
/// <param name="CyclesRtl">Null.</param>
/// <param name="Mismatches">Null.</param>
/// <param name="CycleDifferences">Null.</param>
/// <param name="Accuracy">Accuracy by the golden model, 0 to 1.</param>
/// <param name="FloatAccuracy">Accuracy of the float network on the path, 0 to 1, or null: not asked for.</param>
/// <param name="PixelAccuracy">Share of the pixels that are right, 0 to 1, or null: images are classified.</param>
/// <param name="Iou">Intersection over union by class, 0 to 1, null for a class that does not occur; or null: images are
/// classified.</param>
/// <param name="Images">Images of the accuracy.</param>
internal sealed record EvaluatedPath(
    string Name,
    long Macs,
    long MacsWhole,
    long? CyclesModel,
    long? CyclesRtl,
    long? Mismatches,
    long? CycleDifferences,
    double? Accuracy,
    double? FloatAccuracy,
    double? PixelAccuracy,
    IReadOnlyList<double?>? Iou,
    int Images
);
