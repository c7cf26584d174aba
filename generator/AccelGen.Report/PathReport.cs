namespace AccelGen.Report;

/// <summary>What a page tells of the paths of a network.</summary>
public sealed record PathReport
{
    /// <summary>Network.</summary>
    public required string Network { get; init; }

    /// <summary>Configuration, and its hash.</summary>
    public required string Configuration { get; init; }

    /// <summary>Command that makes the page.</summary>
    public required string Command { get; init; }

    /// <summary>Name of the accuracy.</summary>
    public required string Metric { get; init; }

    /// <summary>Images that the accuracy is of.</summary>
    public required int Images { get; init; }

    /// <summary>Accuracy of the float network on the same images, 0 to 1, or null.</summary>
    public double? FloatAccuracy { get; init; }

    /// <summary>Paths in their order.</summary>
    public required IReadOnlyList<ReportedPath> Paths { get; init; }

    /// <summary>Names of the paths whose cycles are shown by class of layer.</summary>
    public IReadOnlyList<string> Points { get; init; } = [];

    /// <summary>Images with what those paths make of them.</summary>
    public IReadOnlyList<ReportedImage> Shown { get; init; } = [];

    /// <summary>Names of the classes, or their numbers.</summary>
    public IReadOnlyList<string> Classes { get; init; } = [];
}

/// <summary>A path in a report.</summary>
/// <param name="Name">Name.</param>
/// <param name="Cycles">Cycles of a frame by the model.</param>
/// <param name="CyclesRtl">By the RTL, or null where it was not run.</param>
/// <param name="Mismatches">Elements in which RTL and golden model differ, or null.</param>
/// <param name="Macs">Multiply-accumulates.</param>
/// <param name="Accuracy">Accuracy, 0 to 1, or null where it is not known.</param>
/// <param name="IsPareto">No other path is better and as cheap.</param>
/// <param name="Classes">Cycles by class of layer: those of the array, and those in which it stands still.</param>
public sealed record ReportedPath(
    string Name,
    long Cycles,
    long? CyclesRtl,
    long? Mismatches,
    long Macs,
    double? Accuracy,
    bool IsPareto,
    IReadOnlyList<ClassShare> Classes
);

/// <summary>Cycles of a class of layers.</summary>
/// <param name="Name">Class.</param>
/// <param name="Array">Cycles in which the array works for it.</param>
/// <param name="Exposed">Its other cycles.</param>
public sealed record ClassShare(string Name, long Array, long Exposed);

/// <summary>An image and what paths make of it.</summary>
/// <param name="Name">Name.</param>
/// <param name="File">Bytes of the image file.</param>
/// <param name="MediaType">Media type of the file.</param>
/// <param name="Truth">Its mask, or null.</param>
/// <param name="Results">Segmentations by path name.</param>
public sealed record ReportedImage(
    string Name,
    byte[] File,
    string MediaType,
    Segmentation? Truth,
    IReadOnlyList<(string Path, Segmentation Result)> Results
);

/// <summary>A class per pixel.</summary>
/// <param name="Width">Columns.</param>
/// <param name="Height">Rows.</param>
/// <param name="Classes">Class per pixel, row by row; 255: not known.</param>
public sealed record Segmentation(int Width, int Height, byte[] Classes);
