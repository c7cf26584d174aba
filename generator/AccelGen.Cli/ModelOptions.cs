using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using AccelGen.Data;
using AccelGen.Files;
using AccelGen.Network.Architectures;
using AccelGen.Network.Dynamic;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Onnx;
using AccelGen.Quantization;
using Microsoft.Extensions.Logging;

namespace AccelGen.Cli;

/// <summary>A network ready to compile.</summary>
/// <param name="Float">Float network, or null when a quantised one was given.</param>
/// <param name="Ranges">Calibrated range per tensor, or null.</param>
/// <param name="Quantized">Quantised network.</param>
/// <param name="Normalization">How pixels become inputs.</param>
/// <param name="Calibration">Calibration inputs, NHWC; empty when a quantised network was given.</param>
/// <param name="Quantization">How the network was quantised, for reports; null when a quantised one was given.</param>
internal sealed record LoadedModel(
    FloatNetwork? Float,
    ValueRange[]? Ranges,
    QuantizedNetwork Quantized,
    Normalization Normalization,
    float[][] Calibration,
    Quantization? Quantization
)
{
    /// <summary>The network with its subnets, or null where there are none.</summary>
    public SubnetFamily? Family { get; init; }

    /// <summary>Shape of the single input.</summary>
    public TensorShape InputShape => Quantized.Tensors[Quantized.Inputs[0]].Shape;

    /// <summary>Decodes an image for the network.</summary>
    public float[] Decode(ImageFile image) =>
        ImageSet.Decode(image.Path, InputShape.Height, InputShape.Width, InputShape.Channels, Normalization);

    /// <summary>Draws an image for the network.</summary>
    public float[] Draw(int seed, int index) =>
        SyntheticImages.Create(InputShape.Height, InputShape.Width, InputShape.Channels, Normalization, seed, index);
}

/// <summary>How a network was quantised.</summary>
/// <param name="Images">Calibration images.</param>
/// <param name="Synthetic">They are drawn from the seed.</param>
/// <param name="Method">How the ranges were chosen.</param>
/// <param name="BiasCorrected">Biases are corrected.</param>
/// <param name="Equalized">Channels are equalised before.</param>
internal sealed record Quantization(int Images, bool Synthetic, string Method, bool BiasCorrected, bool Equalized);

/// <summary>Options that say which network, how its images are prepared and how it is quantised.</summary>
internal sealed class ModelOptions
{
    /// <summary>Calibration images drawn for an architecture.</summary>
    private const int SyntheticCalibration = 2;

    private readonly Argument<string> model;
    private readonly Option<string?> inputSize = SizeOption();
    private readonly Option<string?> calibrate = new("--calibrate")
    {
        Description =
            "Folder of calibration images (directly or in folders of classes; masks do not count). An architecture "
            + "without one is calibrated on images drawn by --seed.",
    };
    private readonly Option<int> calibrateLimit = new("--calibrate-limit")
    {
        Description = "Most calibration images used, a sample drawn by --seed.",
        DefaultValueFactory = _ => 128,
    };
    private readonly Option<string> method = new("--method")
    {
        Description = "How activation ranges are chosen: minmax, percentile or mse (least mean squared error).",
        DefaultValueFactory = _ => DefaultMethod,
    };
    private readonly Option<double> percentile = new("--percentile")
    {
        Description = "Percentage of the values kept on each side, above 50 and at most 100.",
        DefaultValueFactory = _ => 99.99,
    };
    private readonly Option<bool> biasCorrection = new("--bias-correction")
    {
        Description =
            $"Corrects biases by what rounding does to the means, on up to {QuantizationOptions.FewInputs} "
            + $"calibration images; 'false' leaves them.",
        DefaultValueFactory = _ => true,
    };
    private readonly Option<bool> equalize = new("--equalize")
    {
        Description =
            $"Evens out the channels of tensors before quantisation by what up to {QuantizationOptions.FewInputs} calibration "
            + $"images show: scales them between convolutions, and splits layers whose channels need scales of their "
            + $"own (name#0, name#1); 'false' leaves the network as it is.",
        DefaultValueFactory = _ => true,
    };
    private readonly Option<string?> mean = new("--mean")
    {
        Description = "Mean per channel, e.g. 0.485,0.456,0.406 (the default for three channels; 0 for one).",
    };
    private readonly Option<string?> std = new("--std")
    {
        Description = "Standard deviation per channel, e.g. 0.229,0.224,0.225 (the default for three channels; 1 for one).",
    };
    private readonly Option<int> seed = SeedOption();

    /// <summary>Adds the options to a command.</summary>
    public ModelOptions(Command command, string modelDescription)
    {
        model = new Argument<string>("model") { Description = modelDescription };
        command.Add(model);
        foreach (Option option in All)
            command.Add(option);
    }

    /// <summary>What the model argument takes, with what else a command takes.</summary>
    public static string Takes(string more = "") =>
        $"ONNX file (opset 9 to 21, float){more}, or an architecture: {Architecture.Names}, with weights drawn by --seed.";

    private const string DefaultMethod = "mse";

    private IEnumerable<Option> All =>
        [inputSize, calibrate, calibrateLimit, method, percentile, biasCorrection, equalize, mean, std, seed];

    /// <summary>Option of the input's size.</summary>
    public static Option<string?> SizeOption() =>
        new("--input-size")
        {
            Description =
                "Rows x columns of the input where the file leaves them open, e.g. 224x224; of an architecture, "
                + "512x512 without it, or 224x224 where that is usual.",
        };

    /// <summary>Option of the seed.</summary>
    public static Option<int> SeedOption() =>
        new("--seed")
        {
            Description = "Seed of the samples drawn by limits, of the weights of an architecture and of images drawn.",
            DefaultValueFactory = _ => 1,
        };

    /// <summary>Seed given by the user.</summary>
    public int Seed(ParseResult result) => result.GetValue(seed);

    /// <summary>The model and its options as the user gave them, to repeat a run.</summary>
    public string Arguments(ParseResult result) =>
        string.Join(
            ' ',
            new[] { Model(result) }.Concat(
                All.Where(o => result.GetResult(o) is { Implicit: false })
                    .Select(o => $"{o.Name} {string.Join(' ', result.GetResult(o)!.Tokens.Select(t => t.Value))}".TrimEnd())
            )
        );

    /// <summary>Path or architecture.</summary>
    public string Model(ParseResult result) => result.GetValue(model)!;

    /// <summary>The model is an architecture, not a file.</summary>
    public bool IsArchitecture(ParseResult result) => IsArchitecture(Model(result));

    /// <summary>A name is an architecture's.</summary>
    public static bool IsArchitecture(string name) => Architecture.IsKnown(name);

    /// <summary>Calibration images are given.</summary>
    public bool HasCalibration(ParseResult result) => result.GetValue(calibrate) is not null;

    /// <summary>Builds an architecture.</summary>
    public static FloatNetwork Build(string name, (int Height, int Width)? size, int seed) => Architecture.Build(name, size, seed);

    /// <summary>Refuses a name that is neither a file nor an architecture.</summary>
    /// <exception cref="InputException">There is no such file.</exception>
    public static void RequireFile(string path)
    {
        if (Directory.Exists(path))
            throw new InputException(FaultCodes.NotAFile, path, "is a folder", "name a file");
        if (path.Length == 0)
            throw new InputException(
                FaultCodes.EmptyName,
                string.Empty,
                "the name of the model is empty",
                "name a file or an architecture"
            );
        if (!File.Exists(path))
        {
            string known = Path.HasExtension(path)
                ? string.Empty
                : $", and no such architecture; the architectures are {Architecture.Names}";
            throw new InputException(FaultCodes.NoSuchFile, path, $"there is no such file{known}");
        }
    }

    /// <summary>Reads "HxW".</summary>
    /// <exception cref="InputException">The text is not two sizes.</exception>
    public static (int Height, int Width)? Size(string? text)
    {
        if (text is null)
            return null;
        string[] parts = text.Split('x');
        return
            parts.Length == 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int h)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int w)
            && h is > 0 and <= 16384
            && w is > 0 and <= 16384
            ? (h, w)
            : throw new InputException(
                FaultCodes.IllegalOption,
                string.Empty,
                $"--input-size is '{text}'",
                "write rows x columns of 1 to 16384, e.g. 224x224"
            );
    }

    /// <summary>Loads a quantised network, or the float network of a file or an architecture.</summary>
    /// <exception cref="InputException">There is no such model, or it has not one input.</exception>
    public (QuantizedNetwork? Quantized, FloatNetwork? Float) Open(ParseResult result)
    {
        string path = Model(result);
        if (IsArchitecture(path))
            return (null, Build(path, Size(result.GetValue(inputSize)), Seed(result)));
        RequireFile(path);
        if (Path.GetExtension(path).Equals(".json", StringComparison.OrdinalIgnoreCase))
        {
            QuantizedNetwork quantized = QuantizedNetworkFile.Load(path);
            OneInput(path, quantized.Inputs.Count);
            return (quantized, null);
        }

        ImportResult import = OnnxImporter.Import(path, Size(result.GetValue(inputSize)));
        OneInput(path, import.Network.Inputs.Count);
        // A file that says how to quantise needs no calibration.
        return import.Quantized is { } prescribed ? (prescribed, null) : (null, import.Network);
    }

    /// <summary>Loads a quantised network, or imports, calibrates and quantises a float one.</summary>
    /// <param name="result">Command line.</param>
    /// <param name="log">Progress.</param>
    /// <param name="cancellation">Stops the calibration.</param>
    /// <param name="subnets">Files or architectures of subnets that are quantised with it.</param>
    public LoadedModel Load(ParseResult result, ILogger log, CancellationToken cancellation, IReadOnlyList<string>? subnets = null)
    {
        CalibrationMethod chosen = Method(result);
        double kept = result.GetValue(percentile);
        if (!(kept > 50 && kept <= 100))
            throw new InputException(
                FaultCodes.IllegalOption,
                string.Create(CultureInfo.InvariantCulture, $"--percentile is {kept}; legal are above 50 to 100")
            );
        int most = Cli.Range("--calibrate-limit", result.GetValue(calibrateLimit), 1, 100_000);
        (QuantizedNetwork? ready, FloatNetwork? network) = Open(result);
        SubnetMatch[] matches = subnets is { Count: > 0 } ? Match(result, network, subnets) : [];
        if (network is null)
        {
            RequireNoFloat(result);
            return new LoadedModel(null, null, ready!, Normalize(result, ready!.Tensors[ready.Inputs[0]].Shape.Channels), [], null);
        }

        TensorShape shape = network.Tensors[network.Inputs[0]].Shape;
        Normalization normalization = Normalize(result, shape.Channels);
        bool synthetic = !HasCalibration(result);
        float[][] inputs = Calibration(result, shape, normalization, most);
        if (synthetic)
            Console.WriteLine($"calibration: {inputs.Length} synthetic images of seed {Seed(result)}; --calibrate DIR takes real ones");
        var pipeline = new QuantizationPipeline(
            network,
            matches,
            inputs,
            new QuantizationOptions
            {
                Equalize = result.GetValue(equalize),
                Method = chosen,
                Percentile = kept,
                CorrectBiases = result.GetValue(biasCorrection),
            }
        );
        Progress? progress = null;
        QuantizationResult made = pipeline.Run(
            step => progress = step == QuantizationStep.Calibrate ? new(log, "calibration", "images", pipeline.CalibrationRuns) : progress,
            () => progress!.Add(1),
            cancellation
        );
        return new LoadedModel(
            made.Float,
            made.Ranges,
            made.Quantized,
            normalization,
            inputs,
            new Quantization(
                inputs.Length,
                synthetic,
                result.GetValue(method)!.ToLowerInvariant(),
                pipeline.Steps.Contains(QuantizationStep.Correct),
                pipeline.Steps.Contains(QuantizationStep.Equalize)
            )
        )
        {
            Family = made.Family,
        };
    }

    private CalibrationMethod Method(ParseResult result) =>
        result.GetValue(method)!.ToLowerInvariant() switch
        {
            "minmax" => CalibrationMethod.MinMax,
            "percentile" => CalibrationMethod.Percentile,
            "mse" => CalibrationMethod.MeanSquaredError,
            var other => throw new InputException(
                FaultCodes.IllegalOption,
                string.Empty,
                $"--method is '{other}'",
                "legal are minmax, percentile and mse"
            ),
        };

    // Steps that the user asked for and that a network that is quantised already cannot take.
    private void RequireNoFloat(ParseResult result)
    {
        foreach (Option<bool> option in new[] { biasCorrection, equalize })
        {
            if (result.GetResult(option) is { Implicit: false } && result.GetValue(option))
                throw new InputException(
                    FaultCodes.QuantisedAlready,
                    string.Empty,
                    $"{Model(result)} is quantised already: {option.Name} needs the float network",
                    "give the ONNX file"
                );
        }
    }

    // Images that the ranges are taken from: those of the folder, or of an architecture some that are drawn.
    private float[][] Calibration(ParseResult result, TensorShape shape, Normalization normalization, int most)
    {
        if (HasCalibration(result))
            return
            [
                .. ImageSet
                    .Load(result.GetValue(calibrate)!)
                    .Sample(most, Seed(result))
                    .Images.Select(i => ImageSet.Decode(i.Path, shape.Height, shape.Width, shape.Channels, normalization)),
            ];
        if (!IsArchitecture(result))
            throw new InputException(
                FaultCodes.MissingOption,
                $"{Model(result)} is a float network: --calibrate names the folder of images that its int8 ranges are taken from"
            );
        int drawn = result.GetResult(calibrateLimit) is { Implicit: false } ? most : SyntheticCalibration;
        return
        [
            .. Enumerable
                .Range(1, drawn)
                .Select(i => SyntheticImages.Create(shape.Height, shape.Width, shape.Channels, normalization, Seed(result), -i)),
        ];
    }

    // Finds every subnet in the network; whatever is wrong with any of them is said at once.
    private SubnetMatch[] Match(ParseResult result, FloatNetwork? whole, IReadOnlyList<string> subnets)
    {
        const string Refused = "--subnet",
            Quantised =
                "its activations are quantised already, and scales must be found that hold for all subnets: give the "
                + "float file, or one whose weights alone are int8";
        if (result.GetResult(equalize) is { Implicit: false } && result.GetValue(equalize))
            throw new InputException(
                FaultCodes.OptionsExclude,
                string.Empty,
                $"{equalize.Name} changes the weights by which subnets are recognised",
                $"leave it out with {Refused}"
            );
        if (whole is null)
            throw new InputException(FaultCodes.QuantisedAlready, Model(result), Quantised);
        var problems = new List<Fault>();
        var found = new List<SubnetMatch>();
        var names = new HashSet<string> { ExecutionPath.Whole.Name };
        foreach (string file in subnets)
        {
            try
            {
                FloatNetwork subnet;
                string name = IsArchitecture(file) ? file : Path.GetFileNameWithoutExtension(file);
                if (IsArchitecture(file))
                {
                    subnet = Build(file, Size(result.GetValue(inputSize)), Seed(result));
                }
                else
                {
                    RequireFile(file);
                    ImportResult import = OnnxImporter.Import(file, Size(result.GetValue(inputSize)));
                    if (import.Quantized is not null)
                        throw new InputException(FaultCodes.QuantisedAlready, file, Quantised);
                    subnet = import.Network;
                }

                if (!names.Add(name))
                    throw new InputException(FaultCodes.PathName, file, $"'{name}' is the name of two paths", "rename the file");
                found.Add(SubnetMatch.Find(whole, subnet, file) with { Name = name });
            }
            catch (InputException e)
            {
                problems.AddRange(e.Faults.Select(f => f with { Place = $"{Refused} {f.Place}".TrimEnd() }));
            }
        }

        return problems.Count == 0 ? [.. found] : throw new InputException(problems);
    }

    /// <summary>
    /// A network whose program is to be looked at, not run: without calibration images a float network gets ranges by name
    /// only, each another, since commands do not depend on them.
    /// </summary>
    public QuantizedNetwork LoadForSchedule(ParseResult result, ILogger log, CancellationToken cancellation)
    {
        if (HasCalibration(result))
            return Load(result, log, cancellation).Quantized;
        (QuantizedNetwork? ready, FloatNetwork? network) = Open(result);
        if (network is null)
            return ready!;
        int ranges = network.Tensors.Count + network.Layers.Count(l => l.Activation.Kind != ActivationKind.None);
        return Quantizer.Quantize(network, [.. Enumerable.Range(0, ranges).Select(i => new ValueRange(-4 - (i / 4096f), 4 + (i / 4096f)))]);
    }

    private static void OneInput(string path, int count)
    {
        if (count != 1)
            throw new InputException(FaultCodes.NetworkInput, path, $"the network has {count} inputs", "images go to networks with 1");
    }

    private Normalization Normalize(ParseResult result, int channels)
    {
        Normalization standard = Normalization.Default(channels);
        return new Normalization(
            Numbers("--mean", result.GetValue(mean), channels, positive: false) ?? standard.Mean,
            Numbers("--std", result.GetValue(std), channels, positive: true) ?? standard.Std
        );
    }

    // Pixels are 0 to 1: beyond these, what the network gets is no image any more.
    private const float Least = 1e-6f,
        Most = 1e6f;

    private static float[]? Numbers(string name, string? text, int channels, bool positive)
    {
        if (text is null)
            return null;
        string[] parts = text.Split(',', StringSplitOptions.TrimEntries);
        var values = new float[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (
                !float.TryParse(parts[i], NumberStyles.Float, CultureInfo.InvariantCulture, out values[i])
                || !float.IsFinite(values[i])
                || (positive ? values[i] is < Least or > Most : Math.Abs(values[i]) > Most)
            )
                throw new InputException(
                    FaultCodes.IllegalOption,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{name} is '{text}'; it takes numbers from {(positive ? Least : -Most)} to {Most}, one per "
                            + $"channel, separated by commas"
                    )
                );
        }

        return values.Length == channels
            ? values
            : throw new InputException(
                FaultCodes.IllegalOption,
                string.Empty,
                $"{name} has {values.Length} values",
                $"the network input has {channels} channels"
            );
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
            log.LogInformation(
                "{Step}: {Done} of {All} {Unit}, {Rate:F1} per second, about {Remaining:F0} s left",
                step,
                done,
                all,
                unit,
                done / now,
                now * (all - done) / done
            );
        }
    }
}
