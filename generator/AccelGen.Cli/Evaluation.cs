using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AccelGen.Data;
using AccelGen.Files;
using AccelGen.Golden;
using AccelGen.Network.Dynamic;
using AccelGen.Network.Quantized;
using AccelGen.Quantization;
using AccelGen.Sim;
using Microsoft.Extensions.Logging;

namespace AccelGen.Cli;

/// <summary>What a path showed on the images of which something is known.</summary>
/// <param name="Whole">By the network of whole numbers.</param>
/// <param name="Float">By the float network, or null where there is none.</param>
/// <param name="Images">Images.</param>
internal sealed record PathScore(Confusion Whole, Confusion? Float, int Images);

/// <summary>
/// Accuracy of paths by the golden model alone, which the RTL equals bit for bit. What has been found of an image is kept in a
/// file of the cache as soon as it is known: a run that was killed, or has other images as well, repeats none.
/// </summary>
internal sealed class Evaluation
{
    private readonly DynamicNetwork prepared;
    private readonly LoadedModel model;
    private readonly bool floats,
        index;
    private readonly int? firstClass;
    private readonly int classes;
    private readonly TensorShape output;
    private readonly string store;
    private readonly Dictionary<string, long[]> known = [];
    private readonly Lock gate = new();

    /// <summary>Prepares an evaluation.</summary>
    /// <param name="model">Network.</param>
    /// <param name="prepared">It, made ready for its paths.</param>
    /// <param name="floats">Runs the float network too.</param>
    /// <param name="firstClass">Grey value of class 0 in masks.</param>
    /// <exception cref="InputException">The network's output is no class, per image or pixel.</exception>
    public Evaluation(LoadedModel model, DynamicNetwork prepared, bool floats, int? firstClass)
    {
        (this.model, this.prepared, this.floats, this.firstClass) = (model, prepared, floats && model.Float is not null, firstClass);
        QuantizedNetwork network = prepared.Network;
        OutputClasses of = OutputClasses.Of(network);
        (output, classes, index, IsSegmentation) = (of.Shape, of.Count, of.IsIndex, of.IsSegmentation);
        if (output.Batch != 1)
            throw new InputException(
                FaultCodes.NotClasses,
                string.Empty,
                $"the network's output is {output}",
                "evaluated are classes, of images or of their pixels"
            );
        string folder = Path.Combine(UserCache.Folder, "evaluations");
        store = Path.Combine(folder, $"{QuantizedNetworkFile.Hash(network)[..32]}.jsonl");
        UserCache.Prepare(folder, "results", Recall);
    }

    /// <summary>Pixels are classified, not images.</summary>
    public bool IsSegmentation { get; }

    /// <summary>Name of the accuracy.</summary>
    public string Metric => IsSegmentation ? "mIoU" : "top-1";

    /// <summary>The accuracy of the metric.</summary>
    public double? Accuracy(Confusion of) => IsSegmentation ? of.MeanIntersectionOverUnion : of.Accuracy;

    /// <summary>Evaluates all paths.</summary>
    /// <param name="sample">Images; those of which nothing is known have no part.</param>
    /// <param name="seed">Seed of drawn images.</param>
    /// <param name="log">Progress with the time left.</param>
    /// <param name="cancellation">Stops after the images at work.</param>
    /// <returns>Scores by path, in order.</returns>
    public IReadOnlyList<PathScore> Run(Sample sample, int seed, ILogger log, CancellationToken cancellation)
    {
        ImageFile[] images = [.. sample.Images.Where(i => IsSegmentation ? i.Mask is not null : i.Label is not null)];
        if (images.Length == 0)
        {
            string cure = IsSegmentation
                ? "put masks beside them, or name their folder with --masks"
                : "put labels.csv beside them, or them into folders of classes";
            throw new InputException(
                FaultCodes.NoImages,
                sample.Folder ?? string.Empty,
                $"nothing is known of the {sample.Images.Count} images",
                cure
            );
        }

        var progress = new Progress(log, "evaluation", "images", images.Length);
        PathScore[] scores =
        [
            .. prepared.Paths.Select(_ => new PathScore(new Confusion(classes), floats ? new Confusion(classes) : null, images.Length)),
        ];
        Parallel.ForEach(
            images,
            new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount },
            image =>
            {
                Score(image, new Lazy<float[]>(() => sample.Pixels(model, image, seed)), scores, cancellation);
                progress.Add(1);
            }
        );
        return scores;
    }

    // Adds what every path makes of an image.
    private void Score(ImageFile image, Lazy<float[]> pixels, PathScore[] scores, CancellationToken cancellation)
    {
        string content = ContentOf(image);
        var mask = new Lazy<SegmentationMask>(() => SegmentationMask.Read(image.Mask!, classes, firstClass ?? 0));
        for (int p = 0; p < scores.Length; p++)
        {
            cancellation.ThrowIfCancellationRequested();
            int path = p;
            Confusion whole = Find($"int8 {Kept(path)} {content}", () => Compare(Logits(path, pixels.Value), image, mask));
            Confusion? real = floats
                ? Find(
                    $"float {Kept(path)} {content}",
                    () => Compare(FloatPaths.Run(model.Float!, prepared, path, pixels.Value), image, mask)
                )
                : null;
            lock (gate)
            {
                scores[p].Whole.Add(whole);
                scores[p].Float?.Add(real!);
            }
        }
    }

    // What is known, or is found out now and kept.
    private Confusion Find(string key, Func<Confusion> compute)
    {
        lock (gate)
        {
            if (known.TryGetValue(key, out long[]? pairs))
                return Confusion.FromSparse(classes, pairs);
        }

        Confusion found = compute();
        Remember(key, found.Sparse());
        return found;
    }

    private Confusion Compare(float[] values, ImageFile image, Lazy<SegmentationMask> mask)
    {
        var confusion = new Confusion(classes);
        if (IsSegmentation)
        {
            SegmentationMask truth = mask.Value;
            confusion.AddSegmentation(
                Spread(values),
                output.Height,
                output.Width,
                truth.Classes,
                truth.Height,
                truth.Width,
                SegmentationMask.Ignored
            );
        }
        else
        {
            int found = index ? (int)values[0] : System.Numerics.Tensors.TensorPrimitives.IndexOfMax<float>(values);
            confusion[image.Label!.Value, found]++;
        }

        return confusion;
    }

    /// <summary>What a path makes of an image: a class per pixel of it.</summary>
    /// <param name="path">Index of the path.</param>
    /// <param name="pixels">Network input.</param>
    /// <param name="height">Rows wanted.</param>
    /// <param name="width">Columns wanted.</param>
    public byte[] Segment(int path, float[] pixels, int height, int width) =>
        Confusion.Segment(Spread(Logits(path, pixels)), output.Height, output.Width, classes, height, width);

    /// <summary>Classes of the network.</summary>
    public int Classes => classes;

    // The network's output by the golden model, indices of classes as they are.
    private float[] Logits(int path, float[] pixels)
    {
        QuantizedNetwork network = prepared.Network;
        int input = network.Inputs[0];
        sbyte[] y = GoldenExecutor.Run(
            network,
            prepared.Paths[path],
            new Dictionary<int, sbyte[]> { [input] = Quantizer.QuantizeValues(network.Tensors[input], pixels) }
        )[network.Outputs[0]];
        return [.. y.Select(v => index ? v + 128f : v)];
    }

    // Indices of classes cannot be interpolated: they are spread over logits first.
    private float[] Spread(float[] values) =>
        index ? [.. values.SelectMany(v => Enumerable.Range(0, classes).Select(c => c == (int)v ? 1f : 0f))] : values;

    // What a path of this network computes, whatever its name.
    private string Kept(int path)
    {
        ExecutionPath of = prepared.Paths[path];
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{string.Join(',', of.SkippedBlocks.Order())};{string.Join(',', of.Extents.OrderBy(e => e.Key).Select(e => e.Value))};"
                + $"{of.Variant}"
        );
    }

    private string ContentOf(ImageFile image)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(File.Exists(image.Path) ? File.ReadAllBytes(image.Path) : Encoding.UTF8.GetBytes(image.Path));
        hash.AppendData(image.Mask is null ? Encoding.UTF8.GetBytes($"{image.Label}") : File.ReadAllBytes(image.Mask));
        hash.AppendData(
            Encoding.UTF8.GetBytes(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{firstClass} {string.Join(' ', model.Normalization.Mean)} {string.Join(' ', model.Normalization.Std)}"
                )
            )
        );
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..32];
    }

    // A line that was cut off by the end of a run is left out.
    private void Recall()
    {
        if (!File.Exists(store))
            return;
        foreach (string line in File.ReadLines(store))
        {
            try
            {
                if (
                    JsonSerializer.Deserialize<Line>(line) is { Key: not null, Pairs: not null } found
                    && Confusion.FromSparse(classes, found.Pairs) is not null
                )
                    known[found.Key] = found.Pairs;
            }
            catch (Exception e) when (e is JsonException or FormatException)
            {
                // Only this line's image is run again.
            }
        }
    }

    private void Remember(string key, long[] pairs)
    {
        byte[] line = Encoding.UTF8.GetBytes("\n" + JsonSerializer.Serialize(new Line(key, pairs)));
        lock (gate)
        {
            known[key] = pairs;
            using var file = new FileStream(store, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
            file.Write(line);
        }
    }

    private sealed record Line(string Key, long[] Pairs);
}
