using AccelGen.Files;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Quantization.Operators;

namespace AccelGen.Quantization;

/// <summary>Choices of the quantiser.</summary>
public sealed record QuantizerOptions
{
    /// <summary>The inputs and the output of a concatenation share scale and zero point: it is then an exact copy.</summary>
    public bool EqualizeConcats { get; init; } = true;

    /// <summary>The two inputs of an addition share scale and zero point.</summary>
    public bool EqualizeAdds { get; init; }

    /// <summary>The output of a softmax has the range seen in calibration instead of 0 to 255/256.</summary>
    public bool CalibratedSoftmax { get; init; }
}

/// <summary>
/// Post-training quantisation to int8: weights symmetric per output channel (-127 to 127), activations per tensor with a
/// zero point. Tensors of one residual stream share scale and zero point, so that a skipped block leaves valid counts; so do
/// the two sides of what only moves or selects values. Right operands of matrix products have zero point 0. A layer whose
/// result is 0 on every calibration input becomes that constant.
/// </summary>
public static class Quantizer
{
    /// <summary>Finds the range of every tensor by running the network on calibration inputs.</summary>
    /// <param name="network">Network.</param>
    /// <param name="inputs">NHWC values of the single network input, one array per sample.</param>
    /// <param name="method">How the range is chosen.</param>
    /// <param name="percentile">For <see cref="CalibrationMethod.Percentile"/>: percentage kept on each side, above 50, at most
    /// 100.</param>
    /// <param name="sampleDone">Called after each sample of a pass; every method but <see cref="CalibrationMethod.MinMax"/> takes
    /// two.</param>
    /// <param name="cancellation">Stops the calibration.</param>
    /// <returns>Range per tensor id, then, in layer order, the range before the activation of each layer that has one.</returns>
    /// <exception cref="InputException">A value is not finite, or there is no sample.</exception>
    public static ValueRange[] Calibrate(
        FloatNetwork network,
        IReadOnlyList<float[]> inputs,
        CalibrationMethod method,
        double percentile = 99.99,
        Action? sampleDone = null,
        CancellationToken cancellation = default
    ) => Calibration.Run(network, inputs, method, percentile, sampleDone, cancellation);

    /// <summary>Quantises a network.</summary>
    /// <param name="network">Float network.</param>
    /// <param name="ranges">Ranges from <see cref="Calibrate"/>.</param>
    /// <param name="options">Choices, or null for the defaults.</param>
    /// <exception cref="InputException">A layer cannot be quantised.</exception>
    public static QuantizedNetwork Quantize(FloatNetwork network, IReadOnlyList<ValueRange> ranges, QuantizerOptions? options = null)
    {
        int active = network.Layers.Count(l => l.Activation.Kind != ActivationKind.None);
        if (ranges.Count != network.Tensors.Count + active)
            throw new ArgumentException(
                $"{ranges.Count} ranges; {network.Tensors.Count} tensors and {active} activations need {network.Tensors.Count + active}",
                nameof(ranges)
            );
        return Layers(network, Tensors(network, ranges, options ?? new QuantizerOptions()), ranges);
    }

    /// <summary>Quantises a network whose file prescribes scale and zero point of every activation; only constants may be free.</summary>
    /// <param name="network">Float network whose tensors have <see cref="FloatTensor.Fixed"/>.</param>
    /// <exception cref="InputException">An activation has no prescribed quantisation, or a layer cannot be quantised.</exception>
    public static QuantizedNetwork QuantizeAsPrescribed(FloatNetwork network)
    {
        Fault[] free =
        [
            .. network
                .Tensors.Where(t => network.Tensors[network.Home(t.Id)] is { Fixed: null, Constant: null })
                .Select(t => new Fault(FaultCodes.NotPrescribed, $"tensor {t.Name}", "no scale and zero point are prescribed")),
        ];
        if (free.Length > 0)
            throw new InputException(free);
        QuantizedTensor[] tensors =
        [
            .. network.Tensors.Select(t =>
            {
                QuantizationParameters q = network.Tensors[network.Home(t.Id)] switch
                {
                    { Fixed: { } known } => known,
                    var constant => Parameters(
                        new ValueRange(Math.Min(0, constant.Constant!.Min()), Math.Max(0, constant.Constant!.Max())),
                        symmetric: false
                    )
                        is var (s, z)
                        ? new QuantizationParameters(s, z)
                        : default,
                };
                var tensor = new QuantizedTensor(t.Id, t.Name, t.Shape, q.Scale, q.ZeroPoint, t.SharesStorageWith);
                return t.Constant is null ? tensor : tensor with { Constant = QuantizeValues(tensor, t.Constant) };
            }),
        ];
        return Layers(network, tensors, []);
    }

    /// <summary>
    /// What would be wrong with the quantised form of a network whatever its values are: shapes and combinations that no layer can
    /// have. Empty when nothing is.
    /// </summary>
    /// <param name="network">Float network.</param>
    /// <param name="name">How a layer is called in a message.</param>
    public static IReadOnlyList<Fault> StructureProblems(FloatNetwork network, Func<string, string> name)
    {
        QuantizedTensor[] tensors =
        [
            .. network.Tensors.Select(t => new QuantizedTensor(
                t.Id,
                t.Name,
                t.Shape,
                1,
                0,
                t.SharesStorageWith,
                t.Constant is null ? null : new sbyte[t.Constant.Length]
            )),
        ];
        QuantizedLayer[] layers =
        [
            .. network.Layers.Select(l =>
                LayerQuantizer.Quantize(l.WithoutValues(), tensors, tensors[l.Output]) with
                {
                    Block = l.Block,
                    TransposeOutput = l.TransposeOutput,
                }
            ),
        ];
        return QuantizedNetworkRules.Obstacles(
            new QuantizedNetwork(network.Name, tensors, layers, network.Blocks, network.Inputs, network.Outputs),
            l => name(l.Name)
        );
    }

    // Every layer that cannot be quantised is named.
    private static QuantizedNetwork Layers(FloatNetwork network, QuantizedTensor[] tensors, IReadOnlyList<ValueRange> ranges)
    {
        var layers = new List<QuantizedLayer>();
        var faults = new List<Fault>();
        int next = network.Tensors.Count;
        foreach (FloatLayer layer in network.Layers)
        {
            // Range of an activation's argument.
            ValueRange? argument =
                layer is { Table: null, Activation.Kind: not ActivationKind.None } && ranges.Count > 0 ? ranges[next++] : null;
            try
            {
                layers.Add(Quantized(layer, tensors, ranges, argument));
            }
            catch (InputException e)
            {
                faults.AddRange(e.Faults);
            }
        }

        if (faults.Count > 0)
            throw new InputException(faults);
        var quantized = new QuantizedNetwork(network.Name, tensors, layers, network.Blocks, network.Inputs, network.Outputs);
        IReadOnlyList<Fault> problems = QuantizedNetworkRules.Obstacles(quantized);
        return problems.Count == 0 ? quantized : throw new InputException(problems);
    }

    private static QuantizedLayer Quantized(
        FloatLayer layer,
        QuantizedTensor[] tensors,
        IReadOnlyList<ValueRange> ranges,
        ValueRange? argument
    )
    {
        if (layer is { TransposeOutput: true, Residual: not null })
            throw new InputException(
                FaultCodes.Combination,
                $"layer {layer.Name}",
                "a residual is added before the output is transposed",
                "give it to a layer of its own"
            );
        // A table sits between what the layer computes and what it writes; without one they are the same.
        QuantizedTensor output = tensors[layer.Output],
            computed = output;
        sbyte[]? table = null;
        if (layer.Table is { } given)
        {
            computed = output with { Scale = given.Argument.Scale, ZeroPoint = given.Argument.ZeroPoint };
            table = given.Counts;
        }
        else if (layer.Activation.Kind != ActivationKind.None)
        {
            if (argument is not { } found)
                throw new InputException(
                    FaultCodes.NotPrescribed,
                    $"layer {layer.Name}",
                    $"no scale and zero point are prescribed for the argument of {layer.Activation.Kind}"
                );
            ValueRange useful = ActivationTable.Useful(layer.Activation, found, output);
            (double scale, int zero) = Parameters(useful, symmetric: false, LayerQuantizer.LeastScale(layer, t => tensors[t].Scale));
            computed = output with { Scale = scale, ZeroPoint = zero };
            table = ActivationTable.Build(layer.Activation, scale, zero, output);
        }

        bool never = argument is { } before ? IsZero(before) : ranges.Count > 0 && IsZero(ranges[layer.Output]) && layer.Table is null;
        QuantizedLayer q = LayerQuantizer.Quantize(
            layer,
            tensors,
            never ? computed with { Scale = double.PositiveInfinity } : computed
        ) with
        {
            Block = layer.Block,
            TransposeOutput = layer.TransposeOutput,
        };
        bool clamps = OperatorQuantizerRegistry.Of(layer).Clamps;
        // A table that only clamps counts is a clamp.
        (int low, int high) = table is null ? (-128, 127) : (table[0], table[^1]);
        if (
            table is not null
            && !(
                layer.Table is not null && (clamps ? computed.ZeroPoint == output.ZeroPoint : (low, high) == (-128, 127)) && IsClamp(table)
            )
        )
            return q with { Table = table, TableZeroPoint = computed.ZeroPoint, TableScale = computed.Scale };
        return clamps ? q with { ClampLow = Math.Clamp(q.ClampLow, low, high), ClampHigh = Math.Clamp(q.ClampHigh, low, high) } : q;
    }

    private static bool IsClamp(sbyte[] table) =>
        table[0] <= table[^1] && !table.Where((t, i) => t != Math.Clamp(i - 128, table[0], table[^1])).Any();

    /// <summary>Quantises values: round half to even, then the zero point, then saturation, as ONNX QuantizeLinear.</summary>
    public static sbyte[] QuantizeValues(QuantizedTensor tensor, ReadOnlySpan<float> values)
    {
        var result = new sbyte[values.Length];
        for (int i = 0; i < values.Length; i++)
            result[i] = (sbyte)Math.Clamp(Math.Round(values[i] / tensor.Scale, MidpointRounding.ToEven) + tensor.ZeroPoint, -128, 127);
        return result;
    }

    /// <summary>Scale and zero point of a range. Scales are numbers of single precision, as files have them; that of nothing but 0 is
    /// 1.</summary>
    /// <param name="range">Range.</param>
    /// <param name="symmetric">The zero point is 0.</param>
    /// <param name="least">Smallest scale; what is smaller than a step is 0.</param>
    internal static (double Scale, int ZeroPoint) Parameters(ValueRange range, bool symmetric, double least = 0)
    {
        double extent = symmetric ? Math.Max(-(double)range.Low, range.High) / 127 : ((double)range.High - range.Low) / 255;
        double scale = extent == 0 ? 1 : (float)Math.Max(extent, 1e-12);
        // A number of single precision that is not below the least.
        if (scale < least)
            scale = (float)least < least ? MathF.BitIncrement((float)least) : (float)least;
        return (scale, symmetric ? 0 : (int)Math.Clamp(Math.Round(-128 - (range.Low / scale), MidpointRounding.ToEven), -128, 127));
    }

    /// <summary>The value was 0 whenever it was seen.</summary>
    internal static bool IsZero(ValueRange range) => range is { Low: 0, High: 0 };

    /// <summary>Tensors whose zero point must be 0: right operands of matrix products.</summary>
    internal static IEnumerable<int> SymmetricTensors(FloatNetwork network) => network.Layers.SelectMany(l => l.SymmetricOperands);

    // Scale and zero point of each group of tensors. One that is far finer than what a layer can resolve, because hardly anything
    // is left of its sums, is made as coarse as needed: what is lost is below the rounding of the sums.
    private static Dictionary<int, (double Scale, int ZeroPoint)> Coarsened(
        FloatNetwork network,
        int[] leader,
        Dictionary<int, ValueRange> ranges,
        HashSet<int> symmetric
    )
    {
        var parameters = ranges.ToDictionary(g => g.Key, g => Parameters(g.Value, symmetric.Contains(g.Key)));
        bool moved = true;
        // A coarser tensor makes those after it coarser; more rounds than layers would go round in a circle.
        for (int round = 0; moved && round <= network.Layers.Count; round++)
        {
            moved = false;
            foreach (FloatLayer layer in network.Layers)
            {
                if (layer.Activation.Kind == ActivationKind.None && !IsZero(ranges[leader[layer.Output]]))
                    Raise(leader[layer.Output], LayerQuantizer.LeastScale(layer, t => parameters[leader[t]].Scale));
                Raise(leader[layer.Input], LayerQuantizer.LeastInputScale(layer));
            }
        }

        return parameters;

        void Raise(int group, double least)
        {
            if (parameters[group].Scale >= least || !float.IsFinite((float)least))
                return;
            parameters[group] = Parameters(ranges[group], symmetric.Contains(group), least);
            moved = true;
        }
    }

    private static QuantizedTensor[] Tensors(FloatNetwork network, IReadOnlyList<ValueRange> ranges, QuantizerOptions options)
    {
        // Tensors that share scale and zero point: first those of one storage, whoever writes it.
        int[] leader = [.. network.Tensors.Select(t => network.Home(t.Id))];
        foreach (FloatLayer layer in network.Layers)
        {
            bool plain = layer.Activation.Kind == ActivationKind.None && layer.Residual is null && layer.Range == OutputRange.Unbounded;
            if (plain && layer.SelectsElements)
                Join(layer.Input, layer.Output);
            if (plain && options.EqualizeConcats && layer is FloatConcat concat)
            {
                foreach (int input in concat.Inputs)
                    Join(input, layer.Output);
            }

            if (options.EqualizeAdds && layer is FloatAdd { Residual: int residual })
                Join(layer.Input, residual);
        }

        HashSet<int> symmetric = [.. SymmetricTensors(network).Select(t => leader[t])];
        Dictionary<int, ValueRange> whole = network
            .Tensors.GroupBy(t => leader[t.Id])
            .ToDictionary(g => g.Key, g => new ValueRange(g.Min(t => ranges[t.Id].Low), g.Max(t => ranges[t.Id].High)));
        Dictionary<int, (double Scale, int ZeroPoint)> parameters = Coarsened(network, leader, whole, symmetric);
        foreach (FloatLayer layer in network.Layers.Where(l => l.Activation.Kind == ActivationKind.None))
        {
            int group = leader[layer.Output];
            bool free = !symmetric.Contains(group) && leader.Count(l => l == group) == 1;
            if (OperatorQuantizerRegistry.Of(layer).Natural(options, free) is { } natural)
                parameters[group] = natural;
        }

        return
        [
            .. network.Tensors.Select(t =>
            {
                (double scale, int zero) = parameters[leader[t.Id]];
                var tensor = new QuantizedTensor(t.Id, t.Name, t.Shape, scale, zero, t.SharesStorageWith);
                return t.Constant is null ? tensor : tensor with { Constant = QuantizeValues(tensor, t.Constant) };
            }),
        ];

        void Join(int a, int b)
        {
            (int keep, int drop) = (leader[a], leader[b]);
            for (int t = 0; t < leader.Length && keep != drop; t++)
                leader[t] = leader[t] == drop ? keep : leader[t];
        }
    }
}
