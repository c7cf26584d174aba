using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using AccelGen.Network.Data;
using AccelGen.Network.Float;
using AccelGen.Network.Onnx;
using AccelGen.Network.Quantized;
using Microsoft.Extensions.Logging;

namespace AccelGen.Cli;

/// <summary>A network ready to compile.</summary>
/// <param name="Float">Float network, or null when a quantised one was given.</param>
/// <param name="Ranges">Calibrated range per tensor, or null.</param>
/// <param name="Quantized">Quantised network.</param>
/// <param name="Normalization">How pixels become inputs.</param>
internal sealed record LoadedModel(FloatNetwork? Float, ValueRange[]? Ranges, QuantizedNetwork Quantized, Normalization Normalization)
{
    /// <summary>Shape of the single input.</summary>
    public TensorShape InputShape => Quantized.Tensors[Quantized.Inputs[0]].Shape;

    /// <summary>Decodes an image for the network.</summary>
    public float[] Decode(ImageFile image) => ImageSet.Decode(image.Path, InputShape.Height, InputShape.Width, InputShape.Channels, Normalization);
}

/// <summary>Options that say which network, how its images are prepared and how it is quantised.</summary>
internal sealed class ModelOptions
{
    private readonly Argument<string> model;
    private readonly Option<string?> inputSize = new("--input-size") { Description = "Rows x columns of the input where the file leaves them open, e.g. 224x224." };
    private readonly Option<string?> calibrate = new("--calibrate") { Description = "Folder of calibration images (directly or in folders of classes)." };
    private readonly Option<int> calibrateLimit = new("--calibrate-limit") { Description = "Most calibration images used, a sample drawn by --seed.", DefaultValueFactory = _ => 128 };
    private readonly Option<string> method = new("--method") { Description = "How activation ranges are chosen: minmax or percentile.", DefaultValueFactory = _ => "percentile" };
    private readonly Option<double> percentile = new("--percentile") { Description = "Percentage of the values kept on each side, above 50 and at most 100.", DefaultValueFactory = _ => 99.99 };
    private readonly Option<string?> mean = new("--mean") { Description = "Mean per channel, e.g. 0.485,0.456,0.406 (the default for three channels; 0 for one)." };
    private readonly Option<string?> std = new("--std") { Description = "Standard deviation per channel, e.g. 0.229,0.224,0.225 (the default for three channels; 1 for one)." };
    private readonly Option<int> seed = new("--seed") { Description = "Seed of the samples drawn by limits.", DefaultValueFactory = _ => 1 };

    /// <summary>Adds the options to a command.</summary>
    public ModelOptions(Command command, string modelDescription)
    {
        model = new Argument<string>("model") { Description = modelDescription };
        command.Add(model);
        foreach (Option option in new Option[] { inputSize, calibrate, calibrateLimit, method, percentile, mean, std, seed })
            command.Add(option);
    }

    /// <summary>Seed given by the user.</summary>
    public int Seed(ParseResult result) => result.GetValue(seed);

    /// <summary>The model and its options as the user gave them, to repeat a run.</summary>
    public string Arguments(ParseResult result) => string.Join(' ', new[] { Model(result) }
        .Concat(new Option[] { inputSize, calibrate, calibrateLimit, method, percentile, mean, std, seed }
            .Where(o => result.GetResult(o) is { Implicit: false })
            .Select(o => $"{o.Name} {string.Join(' ', result.GetResult(o)!.Tokens.Select(t => t.Value))}")));

    /// <summary>Path of the model.</summary>
    public string Model(ParseResult result) => result.GetValue(model)!;

    /// <summary>Reads "HxW".</summary>
    /// <exception cref="FormatException">The text is not two sizes.</exception>
    public static (int Height, int Width)? Size(string? text)
    {
        if (text is null)
            return null;
        string[] parts = text.Split('x');
        return parts.Length == 2 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int h) && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int w) && h is > 0 and <= 16384 && w is > 0 and <= 16384
            ? (h, w)
            : throw new FormatException($"--input-size is '{text}'; write rows x columns of 1 to 16384, e.g. 224x224");
    }

    /// <summary>Loads a quantised network, or imports, calibrates and quantises a float one.</summary>
    public LoadedModel Load(ParseResult result, ILogger log, CancellationToken cancellation)
    {
        string path = Model(result);
        if (!File.Exists(path))
            throw new FormatException($"{path}: there is no such file");
        if (Path.GetExtension(path).Equals(".json", StringComparison.OrdinalIgnoreCase))
        {
            QuantizedNetwork quantized = QuantizedNetworkFile.Load(path);
            OneInput(path, quantized.Inputs.Count);
            return new LoadedModel(null, null, quantized, Normalize(result, quantized.Tensors[quantized.Inputs[0]].Shape.Channels));
        }

        ImportResult import = OnnxImporter.Import(path, Size(result.GetValue(inputSize)));
        FloatNetwork network = import.Network;
        OneInput(path, network.Inputs.Count);
        // A file that says how to quantise needs no calibration.
        if (import.Quantized is { } prescribed)
            return new LoadedModel(null, null, prescribed, Normalize(result, prescribed.Tensors[prescribed.Inputs[0]].Shape.Channels));
        CalibrationMethod chosen = result.GetValue(method)!.ToLowerInvariant() switch
        {
            "minmax" => CalibrationMethod.MinMax,
            "percentile" => CalibrationMethod.Percentile,
            var other => throw new FormatException($"--method is '{other}'; legal are minmax and percentile"),
        };
        double kept = result.GetValue(percentile);
        if (!(kept > 50 && kept <= 100))
            throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"--percentile is {kept}; legal are above 50 to 100"));
        string folder = result.GetValue(calibrate) ?? throw new FormatException($"{path} is a float network: --calibrate names the folder of images that its int8 ranges are taken from");
        TensorShape shape = network.Tensors[network.Inputs[0]].Shape;
        Normalization normalization = Normalize(result, shape.Channels);
        ImageSet set = ImageSet.Load(folder).Sample(Cli.Range("--calibrate-limit", result.GetValue(calibrateLimit), 1, 100_000), Seed(result));
        float[][] inputs = [.. set.Images.Select(i => ImageSet.Decode(i.Path, shape.Height, shape.Width, shape.Channels, normalization))];
        int passes = chosen == CalibrationMethod.Percentile ? 2 : 1;
        var progress = new Progress(log, "calibration", "images", (long)inputs.Length * passes);
        ValueRange[] ranges = Quantizer.Calibrate(network, inputs, chosen, kept, () => progress.Add(1), cancellation);
        return new LoadedModel(network, ranges, Quantizer.Quantize(network, ranges), normalization);
    }

    private static void OneInput(string path, int count)
    {
        if (count != 1)
            throw new FormatException($"{path}: the network has {count} inputs; images go to networks with 1");
    }

    private Normalization Normalize(ParseResult result, int channels)
    {
        Normalization standard = Normalization.Default(channels);
        return new Normalization(Numbers("--mean", result.GetValue(mean), channels, positive: false) ?? standard.Mean, Numbers("--std", result.GetValue(std), channels, positive: true) ?? standard.Std);
    }

    private static float[]? Numbers(string name, string? text, int channels, bool positive)
    {
        if (text is null)
            return null;
        string[] parts = text.Split(',', StringSplitOptions.TrimEntries);
        var values = new float[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (!float.TryParse(parts[i], NumberStyles.Float, CultureInfo.InvariantCulture, out values[i]) || !float.IsFinite(values[i]) || (positive && values[i] <= 0))
                throw new FormatException($"{name} is '{text}'; it takes {(positive ? "positive " : string.Empty)}numbers separated by commas");
        }

        return values.Length == channels ? values : throw new FormatException($"{name} has {values.Length} values; the network input has {channels} channels");
    }
}

/// <summary>Progress of a long step: rate and remaining time, about every two seconds, nothing in the first two.</summary>
/// <param name="log">Where it goes; quiet when the error stream is piped.</param>
/// <param name="step">What is being done.</param>
/// <param name="unit">What is counted.</param>
/// <param name="all">How many there are.</param>
internal sealed class Progress(ILogger log, string step, string unit, long all)
{
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private readonly Lock gate = new();
    private long done;
    private double last;

    /// <summary>Counts finished items.</summary>
    public void Add(long items)
    {
        lock (gate)
        {
            done += items;
            double now = clock.Elapsed.TotalSeconds;
            if (now - last < 2 || done >= all)
                return;
            last = now;
            log.LogInformation("{Step}: {Done} of {All} {Unit}, {Rate:F1} per second, about {Remaining:F0} s left", step, done, all, unit, done / now, now * (all - done) / done);
        }
    }
}
