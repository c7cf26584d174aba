using System.Globalization;
using AccelGen.Golden;
using AccelGen.Network.Quantized;
using AccelGen.Sim;
using AccelGen.Tests.Shared;
using Microsoft.ML.OnnxRuntime;

namespace AccelGen.Bench;

/// <summary>
/// The golden model beside ONNX Runtime's int8 kernels on the layers of SegFormer. Both take turns on one thread; a figure is
/// the least processor time of the rounds, since what else the machine does only adds to it. ONNX Runtime has what suits it:
/// unsigned activations, channels last, weights packed when the session opens. Its results come from a second session, of
/// unsigned weights: those of signed ones are wrong on some processors.
/// </summary>
internal static class GoldenSpeed
{
    /// <summary>Measures all layers in this process; prints name, how often the network has it, multiply-accumulates, and seconds of the
    /// golden model and of ONNX Runtime per layer.</summary>
    public static int Measure(string set, int rounds)
    {
        foreach (LayerSpec spec in SegFormerLayers.Layers(set).DistinctBy(l => l.Text))
        {
            int times = SegFormerLayers.Layers(set).Count(l => l.Text == spec.Text);
            (QuantizedNetwork network, Dictionary<int, sbyte[]> inputs, _) = spec.Build(1);
            QuantizedLayer layer = network.Layers[0];
            QuantizedTensor output = network.Tensors[1];
            Operand[] operands =
            [
                .. layer.Reads.Select(t => new Operand(network.Tensors[t].Shape, network.Tensors[t].ZeroPoint, inputs[t])),
            ];
            using InferenceSession session = ExactSession.OpenForTiming(Model(spec, network, OnnxModelWriter.Int8));
            using var run = new RunOptions();
            byte[] result = new byte[spec.Output.Elements];
            OrtValue[] values = Values(OnnxModelWriter.Int8);
            string[] names = [.. layer.Reads.Select(t => t == 2 ? "w" : "x")];
            sbyte[] mine = [];
            var (golden, theirs) = (new List<double>(), new List<double>());
            // The first round warms up.
            for (int round = -1; round < rounds; round++)
            {
                TimeSpan started = Environment.CpuUsage.TotalTime;
                mine = GoldenOperators.Execute(layer, operands, spec.Output, output.ZeroPoint);
                TimeSpan between = Environment.CpuUsage.TotalTime;
                session.Run(run, names, values[..^1], ["y"], values[^1..]);
                TimeSpan ended = Environment.CpuUsage.TotalTime;
                if (round < 0)
                    continue;
                golden.Add((between - started).TotalSeconds);
                theirs.Add((ended - between).TotalSeconds);
            }

            Array.ForEach(values, v => v.Dispose());
            using (InferenceSession exact = ExactSession.Open(Model(spec, network, OnnxModelWriter.UInt8)))
            {
                values = Values(OnnxModelWriter.UInt8);
                exact.Run(run, names, values[..^1], ["y"], values[^1..]);
                Array.ForEach(values, v => v.Dispose());
            }

            // Rounding differs by at most one step: they computed the same layer.
            for (int i = 0; i < mine.Length; i++)
            {
                if (Math.Abs(mine[i] + 128 - Math.Max(result[i], layer.ClampLow + 128)) > 1)
                    throw new InvalidOperationException(
                        $"{spec.Name}: element {i} is {mine[i]} in the golden model and {result[i] - 128} in ONNX Runtime"
                    );
            }

            long macs =
                spec.Kind == "matmul"
                    ? spec.Output.Elements * spec.Input.Channels
                    : spec.Output.Elements * (spec.Input.Channels / spec.Groups * spec.Kernel.Rows * spec.Kernel.Columns);
            Console.WriteLine(
                string.Create(CultureInfo.InvariantCulture, $"{spec.Name} {times} {macs} {golden.Min():F6} {theirs.Min():F6}")
            );

            OrtValue[] Values(int weights) =>
                [
                    .. layer.Reads.Select(t => Value(inputs[t], network.Tensors[t].Shape, t == 2, weights)),
                    OrtValue.CreateTensorValueFromMemory(result, Shape(spec.Output)),
                ];
        }

        return 0;
    }

    private static OrtValue Value(sbyte[] values, TensorShape shape, bool right, int type)
    {
        if (!right)
            return OrtValue.CreateTensorValueFromMemory(Unsigned(values), Shape(shape));
        var transposed = new sbyte[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            int c = i % shape.Channels,
                n = i / shape.Channels % shape.Width,
                b = i / shape.Channels / shape.Width;
            transposed[(((b * shape.Channels) + c) * shape.Width) + n] = values[i];
        }

        return type == OnnxModelWriter.Int8
            ? OrtValue.CreateTensorValueFromMemory(transposed, Transposed(shape))
            : OrtValue.CreateTensorValueFromMemory(Unsigned(transposed), Transposed(shape));
    }

    // Images keep their rows; tokens are a matrix, or several.
    private static long[] Shape(TensorShape s) =>
        s.Height > 1 ? [s.Batch, s.Height, s.Width, s.Channels]
        : s.Batch > 1 ? [s.Batch, s.Width, s.Channels]
        : [s.Width, s.Channels];

    private static long[] Transposed(TensorShape s) => s.Batch > 1 ? [s.Batch, s.Channels, s.Width] : [s.Channels, s.Width];

    private static byte[] Unsigned(sbyte[] values) => [.. values.Select(v => (byte)(v + 128))];

    private static byte[] Model(LayerSpec spec, QuantizedNetwork network, int weightType)
    {
        byte zero = (byte)(weightType == OnnxModelWriter.UInt8 ? 128 : 0);
        QuantizedTensor x = network.Tensors[0],
            y = network.Tensors[1];
        // The golden factor is scale of x by scale of w by 1 / scale of y.
        const float InputScale = 0.05f,
            OutputScale = 0.1f;
        OnnxModelWriter writer = spec.Kind switch
        {
            "conv" => new OnnxModelWriter("QLinearConv", ["x", "sx", "zx", "w", "sw", "zw", "sy", "zy", "b"], "y", "com.microsoft")
                .Int("channels_last", 1)
                .Ints("kernel_shape", spec.Kernel.Rows, spec.Kernel.Columns)
                .Ints("strides", spec.Stride, spec.Stride)
                .Ints("pads", spec.Padding.Rows, spec.Padding.Columns, spec.Padding.Rows, spec.Padding.Columns)
                .Int("group", spec.Groups),
            "linear" => new OnnxModelWriter("QGemm", ["x", "sx", "zx", "w", "sw", "zw", "b", "sy", "zy"], "y", "com.microsoft"),
            _ => new OnnxModelWriter("QLinearMatMul", ["x", "sx", "zx", "w", "sw", "zw", "sy", "zy"], "y"),
        };

        if (network.Layers[0] is ConvLayer conv)
        {
            float[] scales = [.. conv.Scales.Select(s => (float)(s.Multiplier / Math.Pow(2, s.Shift) * OutputScale / InputScale))];
            int inputs = spec.Input.Channels / spec.Groups,
                taps = spec.Kernel.Rows * spec.Kernel.Columns;
            var weights = new byte[conv.Weights.Length];
            for (int i = 0; i < weights.Length; i++)
            {
                int c = i % inputs,
                    t = i / inputs % taps,
                    k = i / inputs / taps;
                weights[spec.Kind == "conv" ? (((k * inputs) + c) * taps) + t : (c * spec.OutputChannels) + k] = (byte)(
                    conv.Weights[i] + zero
                );
            }

            long[] shape =
                spec.Kind == "conv" ? [spec.OutputChannels, inputs, spec.Kernel.Rows, spec.Kernel.Columns] : [inputs, spec.OutputChannels];
            writer
                .Initializer("w", weightType, weights, shape)
                .Initializer("sw", scales, scales.Length)
                .Initializer("zw", weightType, [.. Enumerable.Repeat(zero, scales.Length)], scales.Length)
                .Initializer(
                    "b",
                    OnnxModelWriter.Int32,
                    System.Runtime.InteropServices.MemoryMarshal.AsBytes<int>(conv.Bias).ToArray(),
                    conv.Bias.Length
                );
        }
        else
        {
            FixedPointScale scale = ((MatMulLayer)network.Layers[0]).Scale;
            writer
                .Input("w", weightType, Transposed(network.Tensors[2].Shape))
                .Initializer("sw", [(float)(scale.Multiplier / Math.Pow(2, scale.Shift) * OutputScale / InputScale)])
                .Initializer("zw", weightType, [zero]);
        }

        return writer
            .Initializer("sx", [InputScale])
            .Initializer("zx", OnnxModelWriter.UInt8, [(byte)(x.ZeroPoint + 128)])
            .Initializer("sy", [OutputScale])
            .Initializer("zy", OnnxModelWriter.UInt8, [(byte)(y.ZeroPoint + 128)])
            .Input("x", OnnxModelWriter.UInt8, Shape(spec.Input))
            .Build("y", OnnxModelWriter.UInt8, Shape(spec.Output));
    }
}
