using AccelGen.Data;
using AccelGen.Files;
using AccelGen.Network.Quantized;

namespace AccelGen.Cli;

/// <summary>
/// What the first output of a network is compared with: a class per image, or a mask of classes per pixel. A mask is taken at
/// the centre of each output pixel; its pixels that do not count, and images without one, have no part in the accuracy.
/// </summary>
internal sealed class Truth
{
    private const int Unknown = -1;

    // Class per output pixel, or null where nothing is known, per image.
    private readonly int[]?[] classes;
    private readonly int channels;
    private readonly bool isIndex;

    private Truth(string metric, int?[]?[] classes, int channels, bool isIndex)
    {
        (Metric, this.channels, this.isIndex) = (metric, channels, isIndex);
        this.classes = [.. classes.Select(c => c is null || c.All(k => k is null) ? null : c.Select(k => k ?? Unknown).ToArray())];
    }

    /// <summary>Name of the accuracy.</summary>
    public string Metric { get; }

    /// <summary>Images of which something is known.</summary>
    public int Images => classes.Count(c => c is not null);

    /// <summary>Reads what is known of images.</summary>
    /// <param name="network">Network.</param>
    /// <param name="images">Images.</param>
    /// <param name="masks">Folder of masks that the user named, or null.</param>
    /// <param name="first">Grey value of class 0 that the user named, or null.</param>
    /// <exception cref="InputException">A label or a mask does not go with the network.</exception>
    public static Truth Of(QuantizedNetwork network, IReadOnlyList<ImageFile> images, string? masks, int? first)
    {
        OutputClasses output = OutputClasses.Of(network);
        (TensorShape shape, int count) = (output.Shape, output.Count);
        if (output.IsSegmentation)
        {
            if (masks is not null && images.All(i => i.Mask is null))
                throw new InputException(
                    FaultCodes.NoImages,
                    $"--masks {masks}",
                    $"holds no mask of the {images.Count} images, such as "
                        + $"{Path.GetFileNameWithoutExtension(images[0].Path)}.png or "
                        + $"{Path.GetFileNameWithoutExtension(images[0].Path)}_mask.bmp"
                );
            return new Truth(
                "pixel accuracy",
                [
                    .. images.Select(i =>
                        i.Mask is null
                            ? null
                            : SegmentationMask
                                .Read(i.Mask, count, first ?? 0)
                                .Resample(shape.Height, shape.Width)
                                .Classes.Select(k => k == SegmentationMask.Ignored ? null : (int?)k)
                                .ToArray()
                    ),
                ],
                shape.Channels,
                output.IsIndex
            );
        }

        if (masks is not null || first is not null)
            throw new InputException(
                FaultCodes.NotClasses,
                string.Empty,
                $"{(masks is null ? "--mask-first" : "--masks")} goes with networks that have an output per pixel",
                $"the output of this one is {shape}"
            );
        bool classifier = shape.Elements == shape.Channels;
        Fault[] beyond =
        [
            .. images
                .Where(i => classifier && i.Label >= count)
                .Select(i => new Fault(FaultCodes.Labels, i.Path, $"class {i.Label}", $"the network has the classes 0 to {count - 1}")),
        ];
        if (beyond.Length > 0)
            throw new InputException(beyond);
        return new Truth(
            "top-1",
            [.. images.Select(i => classifier && i.Label is int ? new[] { i.Label } : null)],
            shape.Channels,
            output.IsIndex
        );
    }

    /// <summary>Right and counted classes in the network's own output.</summary>
    /// <param name="image">Index of the image.</param>
    /// <param name="counts">NHWC counts of the output.</param>
    public (long Right, long All) Score(int image, sbyte[] counts) => Score(image, counts, v => v + 128);

    /// <summary>Right and counted classes in the float network's output.</summary>
    /// <param name="image">Index of the image.</param>
    /// <param name="values">NHWC values of the output.</param>
    public (long Right, long All) Score(int image, float[] values) => Score(image, values, v => (int)v);

    /// <summary>Part of the counted classes that are right, or null when none counts.</summary>
    public static double? Accuracy(IEnumerable<(long Right, long All)> scores)
    {
        (long right, long all) = scores.Aggregate((Right: 0L, All: 0L), (a, b) => (a.Right + b.Right, a.All + b.All));
        return all == 0 ? null : (double)right / all;
    }

    private (long Right, long All) Score<T>(int image, T[] output, Func<T, int> index)
        where T : IComparable<T>
    {
        if (classes[image] is not { } truth)
            return (0, 0);
        long right = 0,
            all = 0;
        for (int pixel = 0; pixel < truth.Length; pixel++)
        {
            if (truth[pixel] == Unknown)
                continue;
            int at = pixel * channels,
                best = 0;
            for (int c = 1; c < channels; c++)
                best = output[at + c].CompareTo(output[at + best]) > 0 ? c : best;
            all++;
            right += (isIndex ? index(output[at]) : best) == truth[pixel] ? 1 : 0;
        }

        return (right, all);
    }
}
