using AccelGen.Data;
using AccelGen.Files;
using AccelGen.Report;
using AccelGen.Sim;

namespace AccelGen.Cli;

/// <summary>Puts together what a page tells of paths.</summary>
internal static class PathPageWriter
{
    private const int ShownImages = 4;

    // Loss of accuracy up to which the cheapest path is shown, beside the best one.
    private static readonly double[] Losses = [0.02, 0.08];

    /// <summary>Builds the report.</summary>
    /// <param name="study">Paths.</param>
    /// <param name="sample">Images, or null.</param>
    /// <param name="floatAccuracy">Of the float network, or null.</param>
    /// <param name="network">Name of the network.</param>
    /// <param name="command">Command line.</param>
    /// <param name="seed">Seed of drawn images.</param>
    /// <param name="first">Grey value of class 0 in masks, or null: 0.</param>
    public static PathReport Build(
        PathStudy study,
        Sample? sample,
        double? floatAccuracy,
        string network,
        string command,
        int seed,
        int? first
    )
    {
        (IReadOnlyList<PathCost> costs, Evaluation? evaluation) = (study.Costs, study.Evaluation);
        int[] points = Points(costs);
        ImageFile[] images =
        [
            .. sample?.Images.Where(i => i.Mask is not null || evaluation?.IsSegmentation == false).Take(ShownImages) ?? [],
        ];
        return new PathReport
        {
            Network = network,
            Configuration = $"{study.Program.Config.Name} ({study.Program.Config.Hash.Hex})",
            Command = command,
            Metric = study.Metric ?? "accuracy",
            Images = costs[0].Images,
            FloatAccuracy = floatAccuracy,
            Paths =
            [
                .. costs.Select(
                    (c, i) =>
                        new ReportedPath(
                            c.Path.Name,
                            c.Cycles,
                            c.Rtl?.CyclesRtl,
                            c.Rtl?.Mismatches,
                            c.Macs,
                            c.Accuracy,
                            c.IsPareto,
                            points.Contains(i) ? Classes(study, c) : []
                        )
                ),
            ],
            Shown = evaluation is { IsSegmentation: true } ? [.. images.Select(i => Image(i, points))] : [],
            Classes = evaluation is { IsSegmentation: true } ? ClassNames(sample!.Folder, evaluation.Classes) : [],
            Points = [.. points.Select(p => costs[p].Path.Name)],
        };

        ReportedImage Image(ImageFile image, int[] shown)
        {
            SegmentationMask mask = SegmentationMask.Read(image.Mask!, evaluation!.Classes, first ?? 0);
            float[] pixels = sample!.Pixels(study.Model, image, seed);
            string type = Path.GetExtension(image.Path).ToLowerInvariant() switch
            {
                ".png" => "image/png",
                ".bmp" => "image/bmp",
                ".webp" => "image/webp",
                ".gif" => "image/gif",
                _ => "image/jpeg",
            };
            return new ReportedImage(
                sample.Name(image),
                File.ReadAllBytes(image.Path),
                type,
                new Segmentation(mask.Width, mask.Height, mask.Classes),
                [
                    .. shown.Select(p =>
                        (
                            costs[p].Path.Name,
                            new Segmentation(mask.Width, mask.Height, evaluation.Segment(p, pixels, mask.Height, mask.Width))
                        )
                    ),
                ]
            );
        }
    }

    // The best path, and the cheapest that lose little.
    private static int[] Points(IReadOnlyList<PathCost> costs)
    {
        if (costs.Any(c => c.Accuracy is null))
            return PathCost.Spread(costs, 1 + Losses.Length);
        double best = costs.Max(c => c.Accuracy!.Value);
        int Cheapest(double least) => Enumerable.Range(0, costs.Count).Where(i => costs[i].Accuracy >= least).MinBy(i => costs[i].Cycles);
        return [.. Losses.Prepend(0).Select(loss => Cheapest(best - loss)).Distinct()];
    }

    /// <summary>Writes the page.</summary>
    public static void Write(string file, PathReport report) => OutputFile.Write(file, PathPage.Render(report));

    private static ClassShare[] Classes(PathStudy study, PathCost cost) =>
        [
            .. CycleBreakdown
                .Of(study.Program, study.Timing, cost.Path)
                .Classes.Select(c => new ClassShare(c.Name, c.Array, c.Cycles - c.Array)),
        ];

    // A line per class, in a file beside the images.
    private static string[] ClassNames(string? folder, int classes)
    {
        string[] numbers = [.. Enumerable.Range(0, classes).Select(c => $"{c}")];
        string file = Path.Combine(folder ?? ".", "classes.txt");
        if (!File.Exists(file))
            return numbers;
        string[] names = [.. File.ReadLines(file).Where(l => l.Trim().Length > 0).Take(classes)];
        return names.Length == classes ? names : numbers;
    }
}
