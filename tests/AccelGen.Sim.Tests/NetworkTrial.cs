using System.Diagnostics;
using System.Text.RegularExpressions;
using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Files;
using AccelGen.Golden;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Onnx;
using AccelGen.Quantization;
using AccelGen.Tests.Shared;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace AccelGen.Sim.Tests;

/// <summary>What became of a network.</summary>
internal enum Outcome
{
    /// <summary>It ran, and everything was equal.</summary>
    Exact,

    /// <summary>It was refused by name before it was imported.</summary>
    RefusedByImport,

    /// <summary>It was refused by name when it was quantised.</summary>
    RefusedByQuantizer,

    /// <summary>It was refused by name for every configuration.</summary>
    RefusedByCompiler,

    /// <summary>ONNX Runtime does not run it: there is nothing to compare with.</summary>
    NoReference,

    /// <summary>Something else happened.</summary>
    Failed,
}

/// <summary>Outcome of a trial.</summary>
/// <param name="Outcome">What became of the network.</param>
/// <param name="Kind">What failures, or refusals, of one kind have in common.</param>
/// <param name="Message">The whole story.</param>
internal sealed record TrialResult(Outcome Outcome, string Kind, string Message);

/// <summary>A configuration to try a network on.</summary>
/// <param name="Config">The configuration.</param>
/// <param name="Library">Its simulation model, or null: then everything but the co-simulation.</param>
internal sealed record TrialTarget(AcceleratorConfig Config, string? Library);

/// <summary>
/// Takes a network from its file to the RTL: the float network against ONNX Runtime, each quantised layer against the float
/// one, memory against a second look, RTL against golden operators and cycle model.
/// </summary>
internal sealed partial class NetworkTrial
{
    private const int Images = 2;

    // Steps that a layer without a table may be off the float layer on the same operands: rounding of weights, operands and result.
    private const double MostSteps = 4;

    // What the compiler may refuse: a configuration is too small or lacks a unit.
    private static readonly string[] Capacity = ["no tiling fits", "-bit accumulator", "needs units.", "bytes of memory"];

    private readonly RandomModel model;
    private readonly Random random;
    private readonly IReadOnlyList<TrialTarget> targets;
    private readonly long mostCycles;

    private NetworkTrial(RandomModel model, int seed, IReadOnlyList<TrialTarget> targets, long mostCycles) =>
        (this.model, random, this.targets, this.mostCycles) = (model, new Random(seed), targets, mostCycles);

    /// <summary>Something is wrong with a network; the kind is what shrinking keeps.</summary>
    private sealed class TrialException(string kind, string message) : Exception(message)
    {
        public string Kind => kind;
    }

    /// <summary>Tries a network.</summary>
    /// <param name="model">The network.</param>
    /// <param name="seed">Seed of images, choices of the quantiser and timings.</param>
    /// <param name="targets">Configurations.</param>
    /// <param name="mostCycles">Cycles up to which a program goes through the RTL.</param>
    /// <param name="limit">Time after which it hangs.</param>
    public static TrialResult Run(RandomModel model, int seed, IReadOnlyList<TrialTarget> targets, long mostCycles, TimeSpan limit)
    {
        TrialResult? result = null;
        // A thread can be left behind where it hangs.
        var thread = new Thread(() => result = new NetworkTrial(model, seed, targets, mostCycles).Run(), 16 << 20) { IsBackground = true };
        thread.Start();
        return thread.Join(limit) && result is not null
            ? result
            : new TrialResult(Outcome.Failed, "hangs", $"not done after {limit.TotalSeconds} s");
    }

    private TrialResult Run()
    {
        string stage = "import";
        string folder = Directory.CreateTempSubdirectory("accelgen-random").FullName;
        try
        {
            string path = Path.Combine(folder, "network.onnx");
            File.WriteAllBytes(path, model.File);
            (int, int)? size = model.OpenSize ? ((int)model.Input[2], (int)model.Input[3]) : null;
            float[][] images =
            [
                .. Enumerable
                    .Range(0, Images)
                    .Select(_ => RandomNetworks.Values(random, (int)model.Input.Aggregate(1L, (p, d) => p * d), 2)),
            ];
            IReadOnlyDictionary<string, float[]>[]? reference = Reference(images);
            ImportResult import;
            try
            {
                import = OnnxImporter.Import(path, size);
            }
            catch (ImportException e)
                when (e.Problems.Count > 0
                    && e.Problems.All(p => p.StartsWith(path, StringComparison.Ordinal) && p.Length > path.Length + 2)
                )
            {
                return new TrialResult(
                    Outcome.RefusedByImport,
                    Kind(e.Message.Replace(path, string.Empty, StringComparison.Ordinal)),
                    e.Message
                );
            }

            if (model.Broken)
                throw new TrialException("accepted what lacks something", "import accepts a file that names what it does not hold");
            // Where a Transpose says that the input is [N, H, W, C], the image is what the reference was fed, in its own order.
            TensorShape read = import.Network.Tensors[import.Network.Inputs[0]].Shape;
            if ((read.Channels, read.Height, read.Width) != (model.Input[1], model.Input[2], model.Input[3]))
                images = [.. images.Select(Fed)];
            stage = "float";
            CompareFloat(import, images, reference!);
            stage = "quantize";
            FloatNetwork network = import.Network;
            QuantizedNetwork quantized;
            try
            {
                (network, quantized) = Quantize(network, images);
            }
            catch (InputException e) when (e.Message.Length > 0)
            {
                return new TrialResult(Outcome.RefusedByQuantizer, Kind(e.Message), e.Message);
            }

            stage = "golden";
            CompareGolden(network, quantized, images[0]);
            stage = "compile";
            return Compile(quantized, images);
        }
        catch (TrialException e)
        {
            return new TrialResult(Outcome.Failed, e.Kind, e.Message);
        }
        catch (OnnxRuntimeException e)
        {
            return new TrialResult(Outcome.NoReference, Kind(e.Message), e.Message);
        }
        catch (Exception e)
        {
            string frame = new StackTrace(e)
                .GetFrames()
                .Select(f => f.GetMethod())
                .FirstOrDefault(f => f?.DeclaringType?.FullName?.StartsWith("AccelGen", StringComparison.Ordinal) == true)
                is { } m
                ? $"{m.DeclaringType!.Name}.{m.Name}"
                : "outside";
            return new TrialResult(Outcome.Failed, $"{stage}: {e.GetType().Name} in {frame}", e.ToString());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // The elements of an image in the order of the file's input.
    private float[] Fed(float[] image)
    {
        (int channels, int pixels) = ((int)model.Input[1], (int)(model.Input[2] * model.Input[3]));
        float[] nchw = new float[image.Length];
        for (int i = 0; i < image.Length; i++)
            nchw[(i % channels * pixels) + (i / channels)] = image[i];
        return nchw;
    }

    // What ONNX Runtime computes; null where it refuses a file that lacks something.
    private IReadOnlyDictionary<string, float[]>[]? Reference(float[][] images)
    {
        try
        {
            using InferenceSession session = ExactSession.Open(model.File, optimise: false, alone: true);
            return
            [
                .. images.Select(image =>
                {
                    var nchw = new DenseTensor<float>(Fed(image), [.. model.Input.Select(d => (int)d)]);
                    string input = session.InputNames.Except(session.OverridableInitializerMetadata.Keys).Single();
                    using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> outputs = session.Run([
                        NamedOnnxValue.CreateFromTensor(input, nchw),
                    ]);
                    return (IReadOnlyDictionary<string, float[]>)
                        outputs
                            .DistinctBy(o => o.Name)
                            .ToDictionary(
                                o => o.Name,
                                o =>
                                    o.ElementType == TensorElementType.Int64
                                        ? [.. o.AsTensor<long>().Select(v => (float)v)]
                                        : o.AsTensor<float>().ToArray()
                            );
                }),
            ];
        }
        catch (OnnxRuntimeException) when (model.Broken)
        {
            return null;
        }
    }

    private void CompareFloat(ImportResult import, float[][] images, IReadOnlyDictionary<string, float[]>[] reference)
    {
        for (int n = 0; n < images.Length; n++)
        {
            IReadOnlyDictionary<int, float[]> mine = FloatExecutor.Run(
                import.Network,
                new Dictionary<int, float[]> { [import.Network.Inputs[0]] = images[n] }
            );
            foreach (ImportedOutput output in import.Outputs)
            {
                float[] wanted = reference[n][output.Name],
                    got = output.Order(mine[output.Tensor]);
                if (got.Length != wanted.Length)
                    throw new TrialException(
                        "float: sizes of an output",
                        $"output {output.Name} has {got.Length} elements, ONNX Runtime gives {wanted.Length}"
                    );
                if (wanted.Any(v => !float.IsFinite(v)))
                    continue;
                // The largest of several that are nearly equal may be another one; sums of values of about 1 may cancel out.
                double tolerance = model.Discrete.Contains(output.Name) ? 0.5 : 1e-4 * Math.Max(1e-2, wanted.Max(Math.Abs));
                int[] off = [.. Enumerable.Range(0, wanted.Length).Where(i => !(Math.Abs(got[i] - wanted[i]) <= tolerance))];
                if (off.Length > (model.Discrete.Contains(output.Name) ? wanted.Length / 50 : 0))
                    throw new TrialException(
                        "float: another result",
                        $"output {output.Name}, image {n}: {off.Length} of {wanted.Length} elements differ; "
                            + $"element {off[0]} is {got[off[0]]}, ONNX Runtime {wanted[off[0]]}"
                    );
            }
        }
    }

    private (FloatNetwork Network, QuantizedNetwork Quantized) Quantize(FloatNetwork network, float[][] images)
    {
        var method = (CalibrationMethod)random.Next(3);
        bool equalize = random.Next(3) == 0,
            correct = random.Next(3) == 0;
        if (equalize)
            network = ChannelEqualization.Apply(network, images);
        QuantizedNetwork quantized = Quantizer.Quantize(network, Quantizer.Calibrate(network, images, method));
        return (network, correct ? BiasCorrection.Apply(network, quantized, images) : quantized);
    }

    // Each layer of whole numbers on the operands of the float layer. Where a table follows, its slope decides how far apart they are.
    private static void CompareGolden(FloatNetwork network, QuantizedNetwork quantized, float[] image)
    {
        var values = network.Tensors.Where(t => t.Constant is not null).ToDictionary(t => network.Home(t.Id), t => t.Constant!);
        values[network.Home(network.Inputs[0])] = image;
        for (int i = 0; i < network.Layers.Count; i++)
        {
            (FloatLayer layer, QuantizedLayer whole) = (network.Layers[i], quantized.Layers[i]);
            QuantizedTensor output = quantized.Tensors[layer.Output];
            int[] reads = [.. layer.Reads.Distinct()];
            sbyte[][] counts = [.. whole.Reads.Select(t => Quantizer.QuantizeValues(quantized.Tensors[t], values[network.Home(t)]))];
            sbyte[] got = GoldenOperators.Execute(
                whole,
                [.. whole.Reads.Select((t, k) => new Operand(quantized.Tensors[t].Shape, quantized.Tensors[t].ZeroPoint, counts[k]))],
                output.Shape,
                output.ZeroPoint
            );
            // The float layer on what the counts stand for.
            float[] Evaluate(FloatLayer of, Func<int, float[]> operand)
            {
                FloatNetwork one = network with
                {
                    Layers = [of],
                    Inputs = reads,
                    Outputs = [layer.Output],
                    Tensors = [.. network.Tensors.Select(t => t with { Constant = null })],
                };
                var given = new Dictionary<int, float[]>();
                foreach (int t in reads)
                    given[network.Home(t)] = operand(t);
                return FloatExecutor.Run(one, given)[layer.Output];
            }

            if (
                layer.Activation.Kind == ActivationKind.None
                && whole is not (ArgMaxLayer or NormalizedMatMulLayer or SoftmaxLayer or LayerNormLayer)
            )
            {
                FloatLayer exact =
                    layer is FloatConv real && whole is ConvLayer rounded
                        ? OfWholeWeights(real, rounded, quantized.Tensors[whole.Input].Scale, output.Scale)
                        : layer;
                float[] wanted = Evaluate(
                    exact,
                    t =>
                        [
                            .. counts[whole.Reads.ToList().IndexOf(t)]
                                .Select(q => (float)((q - quantized.Tensors[t].ZeroPoint) * quantized.Tensors[t].Scale)),
                        ]
                );
                // Sums of floats are off by their own roundings, many counts where products cancel out.
                float[]? reach = exact is FloatConv { Residual: null } sums
                    ? Evaluate(
                        sums with
                        {
                            Weights = [.. sums.Weights.Select(Math.Abs)],
                            Bias = [.. sums.Bias.Select(Math.Abs)],
                            Range = OutputRange.Unbounded,
                        },
                        t =>
                            [
                                .. counts[whole.Reads.ToList().IndexOf(t)]
                                    .Select(q => (float)Math.Abs((q - quantized.Tensors[t].ZeroPoint) * quantized.Tensors[t].Scale)),
                            ]
                    )
                    : null;
                for (int k = 0; k < got.Length; k++)
                {
                    double count = Math.Clamp((wanted[k] / output.Scale) + output.ZeroPoint, -128, 127);
                    if (Math.Abs(count - got[k]) > MostSteps + (Math.ScaleB(reach?[k] ?? 0, -20) / output.Scale))
                        throw new TrialException(
                            $"golden: {whole.GetType().Name} far from the float layer",
                            $"layer {layer.Name}, element {k}: {got[k]}, the float layer gives {count:F2} counts"
                        );
                }
            }

            values[network.Home(layer.Output)] = Evaluate(layer, t => values[network.Home(t)]);
        }
    }

    // A convolution whose weights and biases are what the whole numbers stand for: rounded weights may be any number of counts
    // off where products cancel out, so what rounds them is checked apart, a half step each.
    private static FloatConv OfWholeWeights(FloatConv real, ConvLayer whole, double inputScale, double outputScale)
    {
        // What is zero on all images is a constant: nothing stands for its weights.
        if (whole.Scales.Any(s => s.Multiplier == 0))
            return real;
        int each = whole.Weights.Length / whole.Bias.Length;
        double Factor(int channel) => whole.Scales[channel].ToReal() * outputScale;
        float[] weights = [.. whole.Weights.Select((w, i) => (float)(w * Factor(i / each) / inputScale))];
        int off = Enumerable
            .Range(0, weights.Length)
            .FirstOrDefault(i => Math.Abs(weights[i] - real.Weights[i]) > 0.501 * Factor(i / each) / inputScale, -1);
        return off < 0
            ? real with
            {
                Weights = weights,
                Bias = [.. whole.Bias.Select((b, c) => (float)(b * Factor(c)))],
                Fixed = null,
            }
            : throw new TrialException(
                "quantize: a weight is more than half a step off",
                $"layer {whole.Name}, weight {off}: {real.Weights[off]}, {whole.Weights[off]} stands for {weights[off]}"
            );
    }

    private TrialResult Compile(QuantizedNetwork network, float[][] images)
    {
        string? refusal = null;
        int compiled = 0;
        foreach (TrialTarget target in targets)
        {
            var timing = new MemoryTiming(random.Next(1, 120), random.Next(1, 5), random.Next(1, 40), random.Next(1, 4));
            var compiler = new NetworkCompiler(target.Config, timing, random.Next(1, 4))
            {
                AnyTiling = random.Next(3) == 0 ? new Random(random.Next()) : null,
                Fusion = random.Next(8) != 0,
            };
            CompiledProgram program;
            try
            {
                program = compiler.Compile(network);
            }
            catch (CompileException e)
                when (e.Problems.All(p => Named().IsMatch(p) && Capacity.Any(c => p.Contains(c, StringComparison.Ordinal))))
            {
                refusal = e.Problems[0];
                continue;
            }
            catch (CompileException e)
            {
                throw new TrialException(
                    $"compile: {Kind(e.Problems[0])}",
                    $"{target.Config.Name}: the compiler refuses what neither import nor quantiser did: {e.Message}"
                );
            }

            string place = $"{target.Config.Name}, {timing}";
            if (MemoryCheck.Problems(program) is [var overlap, ..])
                throw new TrialException("memory", $"{place}: {overlap}");
            ExecutionPath path =
                network.Blocks.Count > 0 && random.Next(2) == 0
                    ? new ExecutionPath(
                        "random",
                        network.Blocks.Where(_ => random.Next(2) == 0).Select(b => b.Index).ToHashSet(),
                        new Dictionary<int, int>()
                    )
                    : ExecutionPath.Whole;
            long cycles = new CycleModel(target.Config, timing)
                .Predict(program.Commands, program.ProgramAddress, program.Row(path))
                .TotalCycles;
            if (target.Library is not null && cycles <= mostCycles)
                Simulate(program, target.Library, timing, path, images, place);
            compiled++;
            // One configuration with a model and one without are enough.
            if (compiled == 2)
                break;
        }

        return compiled > 0
            ? new TrialResult(Outcome.Exact, string.Empty, string.Empty)
            : new TrialResult(Outcome.RefusedByCompiler, Kind(refusal!), refusal!);
    }

    private static void Simulate(
        CompiledProgram program,
        string library,
        MemoryTiming timing,
        ExecutionPath path,
        float[][] images,
        string place
    )
    {
        QuantizedNetwork network = program.Network;
        int input = network.Inputs[0];
        using var workload = new Workload(program, library, timing);
        foreach ((float[] image, ExecutionPath taken) in images.Zip([ExecutionPath.Whole, path]))
        {
            WorkloadResult result = workload.Run(
                new Dictionary<int, sbyte[]> { [input] = Quantizer.QuantizeValues(network.Tensors[input], image) },
                taken
            );
            if (result.FirstMismatch is not null)
                throw new TrialException("RTL: another result", $"{place}: {result.Mismatches} elements differ; {result.FirstMismatch}");
            if (result.CounterDifferences.Count > 0 || result.CommandDifferences > 0)
                throw new TrialException(
                    "RTL: other cycles",
                    $"{place}: {result.CommandDifferences} commands; {string.Join("; ", result.CounterDifferences)}"
                );
        }
    }

    // A text without names and numbers.
    private static string Kind(string message)
    {
        string text = Numbers().Replace(Names().Replace(message.Split('\n')[0], "NAME"), "N");
        return text.Length > 160 ? text[..160] : text;
    }

    [GeneratedRegex(@"^(layer|tensor) [^:]")]
    private static partial Regex Named();

    [GeneratedRegex(@"(?<=\b(node|layer|tensor|output|input|reads|of|and) ).+?(?=[:,;] | \(|\)|$)|'[^']*'")]
    private static partial Regex Names();

    [GeneratedRegex(@"-?\d[\d.eE+x-]*")]
    private static partial Regex Numbers();
}
