using AccelGen.Files;
using AccelGen.Network.Dynamic;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Quantization;

/// <summary>Steps from a float network to a quantised one, in their order.</summary>
public enum QuantizationStep
{
    /// <summary>Channels of tensors are evened out by other weights.</summary>
    Equalize,

    /// <summary>Ranges of activations are taken from inputs.</summary>
    Calibrate,

    /// <summary>Activations, weights and biases become integers.</summary>
    Quantize,

    /// <summary>Biases take back what rounding does to the means.</summary>
    Correct,
}

/// <summary>How a float network is quantised.</summary>
public sealed record QuantizationOptions
{
    /// <summary>Most inputs for equalisation, and for the correction of biases, which holds the activations of all at once.</summary>
    public const int FewInputs = 16;

    /// <summary>Channels are evened out before calibration; never where there are subnets, whose weights would be slices no more.</summary>
    public bool Equalize { get; init; } = true;

    /// <summary>How ranges are chosen.</summary>
    public CalibrationMethod Method { get; init; } = CalibrationMethod.MeanSquaredError;

    /// <summary>Percentage of the values kept on each side by <see cref="CalibrationMethod.Percentile"/>, above 50, at most 100.</summary>
    public double Percentile { get; init; } = 99.99;

    /// <summary>Biases are corrected after quantisation.</summary>
    public bool CorrectBiases { get; init; } = true;
}

/// <summary>What the steps made of a network.</summary>
/// <param name="Float">Float network, equalised where that was asked for.</param>
/// <param name="Ranges">Calibrated range per tensor and activation.</param>
/// <param name="Quantized">Quantised network.</param>
/// <param name="Family">The network with its subnets, or null where there are none.</param>
public sealed record QuantizationResult(FloatNetwork Float, ValueRange[] Ranges, QuantizedNetwork Quantized, SubnetFamily? Family);

/// <summary>Quantises a float network, alone or with subnets of it, step after step.</summary>
/// <param name="network">Float network with a single input.</param>
/// <param name="subnets">Subnets that are quantised with it; empty where there are none.</param>
/// <param name="inputs">NHWC values of the input, one array per calibration sample.</param>
/// <param name="options">Choices.</param>
public sealed class QuantizationPipeline(
    FloatNetwork network,
    IReadOnlyList<SubnetMatch> subnets,
    IReadOnlyList<float[]> inputs,
    QuantizationOptions options
)
{
    private readonly IReadOnlyList<float[]> few = [.. inputs.Take(QuantizationOptions.FewInputs)];

    /// <summary>The steps that are taken, in order.</summary>
    public IReadOnlyList<QuantizationStep> Steps =>
        [
            .. Enum.GetValues<QuantizationStep>()
                .Where(s =>
                    s switch
                    {
                        QuantizationStep.Equalize => options.Equalize && subnets.Count == 0,
                        QuantizationStep.Correct => options.CorrectBiases,
                        _ => true,
                    }
                ),
        ];

    /// <summary>Samples that calibration runs: all inputs, once to see the ends of ranges and once for what lies between, in every
    /// network.</summary>
    public long CalibrationRuns => (long)inputs.Count * (options.Method == CalibrationMethod.MinMax ? 1 : 2) * (subnets.Count + 1);

    /// <summary>Takes the steps.</summary>
    /// <param name="begins">Called before each step, or null.</param>
    /// <param name="sampleDone">Called after each of <see cref="CalibrationRuns"/>, from any thread, or null.</param>
    /// <param name="cancellation">Stops the step.</param>
    /// <exception cref="InputException">A layer cannot be quantised, or a tensor has no finite range.</exception>
    public QuantizationResult Run(
        Action<QuantizationStep>? begins = null,
        Action? sampleDone = null,
        CancellationToken cancellation = default
    )
    {
        var state = new State(network);
        foreach (QuantizationStep step in Steps)
        {
            begins?.Invoke(step);
            state = step switch
            {
                QuantizationStep.Equalize => state with { Float = ChannelEqualization.Apply(state.Float, few, cancellation) },
                QuantizationStep.Calibrate => Calibrated(state, sampleDone, cancellation),
                QuantizationStep.Quantize => Quantized(state),
                _ => Corrected(state, cancellation),
            };
        }

        return new QuantizationResult(state.Float, state.Ranges, state.Family?.Whole ?? state.Alone!, state.Family);
    }

    private sealed record State(FloatNetwork Float)
    {
        public ValueRange[] Ranges { get; init; } = [];

        // Ranges of each subnet, which has other weights.
        public ValueRange[][] OfSubnets { get; init; } = [];

        public QuantizedNetwork? Alone { get; init; }

        public SubnetFamily? Family { get; init; }
    }

    private State Calibrated(State state, Action? sampleDone, CancellationToken cancellation)
    {
        return state with { Ranges = Ranges(state.Float), OfSubnets = [.. subnets.Select(m => Ranges(m.Subnet))] };

        ValueRange[] Ranges(FloatNetwork of) =>
            Quantizer.Calibrate(of, inputs, options.Method, options.Percentile, sampleDone, cancellation);
    }

    private State Quantized(State state) =>
        subnets.Count == 0
            ? state with
            {
                Alone = Quantizer.Quantize(state.Float, state.Ranges),
            }
            : state with
            {
                Family = SubnetFamily.Quantize(
                    state.Float,
                    state.Ranges,
                    [.. subnets.Zip(state.OfSubnets, (m, ranges) => (m, (IReadOnlyList<ValueRange>)ranges))]
                ),
            };

    private State Corrected(State state, CancellationToken cancellation)
    {
        if (state.Family is not { } family)
            return state with { Alone = BiasCorrection.Apply(state.Float, state.Alone!, few, cancellation) };
        family.Correct(null, BiasCorrection.Apply(state.Float, family.Whole, few, cancellation));
        for (int s = 0; s < subnets.Count; s++)
            family.Correct(s, BiasCorrection.Apply(subnets[s].Subnet, family.Alone(s), few, cancellation));
        return state;
    }
}
