using System.Runtime.InteropServices;
using AccelGen.Files;
using AccelGen.Network;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Onnx.Proto;
using AccelGen.Quantization;
using Google.Protobuf;

namespace AccelGen.Onnx;

/// <summary>Type of the counts in a QDQ file: activations, weights, constants and tables.</summary>
public enum QdqType
{
    /// <summary>
    /// Unsigned: counts and zero points are 128 higher, so weights have zero point 128. ONNX Runtime multiplies such bytes
    /// exactly on every processor.
    /// </summary>
    UInt8,

    /// <summary>
    /// Signed: weights have zero point 0. On x64 processors without VNNI ONNX Runtime adds products of unsigned activations
    /// (it makes int8 ones unsigned) by signed weights in 16 bits that saturate: results up to 100 steps off. On Arm
    /// processors without dot products, two products of -128 by -128 wrap.
    /// </summary>
    Int8,
}

/// <summary>
/// Writes a quantised network as an ONNX model in QDQ form, for checks by any ONNX runtime: float operators between pairs of
/// QuantizeLinear and DequantizeLinear, weights of 8 bits with a scale per output channel, int32 biases.
/// </summary>
/// <remarks>
/// Inputs and outputs are real numbers [Batch, Channels, Height, Width]. A factor of the network becomes the scale of its
/// weights, or a multiplication where it is not the quotient of the tensors' scales. A table becomes a Gather over the counts.
/// A resize whose weights are those of an ONNX Resize becomes one; any other gathers the taps of each pixel side by side and
/// averages them with the network's own weights. Numbers in single precision are chosen such that an import gives the
/// network's fixed-point factors back wherever one does.
/// </remarks>
public static class QdqExporter
{
    /// <summary>Operator set of the models.</summary>
    public const int OpsetVersion = 17;

    /// <summary>Version of the file format that goes with the operator set.</summary>
    private const int IrVersion = 8;

    /// <summary>Writes a model, as <see cref="OutputFile"/> does.</summary>
    /// <param name="path">File.</param>
    /// <param name="network">Network.</param>
    /// <param name="execution">Path whose skipped blocks are left out; all blocks when null.</param>
    /// <param name="type">Type of the counts.</param>
    /// <exception cref="InputException">The network has something that ONNX cannot express.</exception>
    /// <exception cref="IOException">The file cannot be written; it is as it was.</exception>
    public static void Save(string path, QuantizedNetwork network, ExecutionPath? execution = null, QdqType type = QdqType.UInt8)
    {
        ModelProto model = Model(network, execution, type);
        OutputFile.Write(path, stream => model.WriteTo(stream));
    }

    /// <summary>The bytes of a model.</summary>
    /// <param name="network">Network.</param>
    /// <param name="execution">Path whose skipped blocks are left out; all blocks when null.</param>
    /// <param name="type">Type of the counts.</param>
    /// <exception cref="InputException">The network has something that ONNX cannot express.</exception>
    public static byte[] Export(QuantizedNetwork network, ExecutionPath? execution = null, QdqType type = QdqType.UInt8) =>
        Model(network, execution, type).ToByteArray();

    /// <summary>A network of one layer of another: its inputs are the tensors that the layer reads, in the order of
    /// <see cref="QuantizedLayer.Reads"/>.</summary>
    public static QuantizedNetwork SingleLayer(QuantizedNetwork network, int layer)
    {
        QuantizedLayer l = network.Layers[layer];
        int[] reads = [.. l.Reads.Distinct()];
        int Place(int tensor) => Array.IndexOf(reads, tensor);
        QuantizedTensor[] tensors =
        [
            .. reads.Append(l.Output).Select((t, i) => network.Tensors[t] with { Id = i, SharesStorageWith = null }),
        ];
        // A layer that writes over its input under the same identity still has two values.
        l = l.Reading([.. l.Reads.Select(Place)]) with
        {
            Output = reads.Length,
            Block = null,
        };
        return new QuantizedNetwork(
            l.Name,
            tensors,
            [l],
            [],
            [.. Enumerable.Range(0, reads.Length).Where(i => tensors[i].Constant is null)],
            [reads.Length]
        );
    }

    private static ModelProto Model(QuantizedNetwork network, ExecutionPath? execution, QdqType type)
    {
        if (execution?.Extents.Count > 0)
            throw new InputException(
                $"{network.Name}: path '{execution.Name}' keeps part of the channels; only whole blocks can be left out of an ONNX file"
            );
        return new Writer(network, type).Write(execution?.SkippedBlocks ?? new HashSet<int>());
    }

    /// <summary>A float value of the graph and how its axes are ordered.</summary>
    private readonly record struct Held(string Value, TensorShape Shape, bool ChannelsFirst);

    private sealed class Writer(QuantizedNetwork network, QdqType type)
    {
        private const int FloatType = 1,
            UInt8Type = 2,
            Int8Type = 3,
            Int32Type = 6,
            Int64Type = 7;

        private readonly GraphProto graph = new() { Name = network.Name.Length > 0 ? network.Name : "network" };
        private readonly Dictionary<int, Held> held = [];
        private readonly Dictionary<(string Value, TensorShape Shape, bool ChannelsFirst), string> views = [];
        private readonly HashSet<string> names = [];

        public ModelProto Write(IReadOnlySet<int> skipped)
        {
            foreach (int input in network.Inputs)
            {
                QuantizedTensor t = network.Tensors[input];
                string name = Unique(t.Name);
                graph.Input.Add(Value(name, t.Shape));
                held[network.Home(input)] = new Held(Dequantize(Quantize(name, t), t, Unique($"{t.Name}_real")), t.Shape, true);
            }

            foreach (QuantizedTensor t in network.Tensors.Where(t => t.Constant is not null))
                held[network.Home(t.Id)] = new Held(
                    Dequantize(Counts($"{t.Name}_quantized", t.Constant!, Dims(t.Shape, false)), t, Unique(t.Name)),
                    t.Shape,
                    false
                );
            foreach (QuantizedLayer layer in network.Layers)
            {
                if (layer.Block is not int block || !skipped.Contains(block))
                    Layer(layer);
            }

            foreach (int output in network.Outputs)
            {
                string name = Unique($"{network.Tensors[output].Name}_output");
                Node("Identity", [Read(output, true)], name);
                graph.Output.Add(Value(name, network.Tensors[output].Shape));
            }

            var model = new ModelProto
            {
                IrVersion = IrVersion,
                ProducerName = "AccelGen",
                Graph = graph,
            };
            model.OpsetImport.Add(new OperatorSetIdProto { Version = OpsetVersion });
            return model;
        }

        private void Layer(QuantizedLayer layer)
        {
            QuantizedTensor x = network.Tensors[layer.Input],
                y = network.Tensors[layer.Output];
            // What the layer computes: before a table, counts of another scale.
            QuantizedTensor made = layer.Table is null
                ? y
                : y with
                {
                    Scale = (float)(layer.TableScale > 0 ? layer.TableScale : TableScale(layer, x)),
                    ZeroPoint = layer.TableZeroPoint,
                };
            TensorShape computed = layer.Computed(x.Shape, y.Shape);
            Held sum = Sum(layer, x, made, computed);
            string value = sum.Shape == computed ? sum.Value : Reshape(sum.Value, Dims(computed, sum.ChannelsFirst));
            if (layer.Residual is { } residual)
            {
                double step = Scale(network.Tensors[residual.Tensor]);
                string operand = Times(Read(residual.Tensor, sum.ChannelsFirst), Exact(residual.Scale, f => f * step / Scale(made)));
                // The network rounds the operand by itself, which may move the sum by one step; a table would magnify that.
                if (layer.Table is not null)
                    operand = Add("Mul", Add("Round", Add("Div", operand, Real(made.Scale))), Real(made.Scale));
                value = Add(residual.Subtract ? "Sub" : "Add", value, operand);
            }

            if (layer.ClampLow == made.ZeroPoint && layer.ClampHigh == 127)
                value = Add("Relu", value);
            else if (layer.ClampLow > -128 || layer.ClampHigh < 127)
                value = Add(
                    "Clip",
                    value,
                    Real((layer.ClampLow - made.ZeroPoint) * made.Scale),
                    Real((layer.ClampHigh - made.ZeroPoint) * made.Scale)
                );
            string counts = layer.Table is null ? Quantize(value, y) : LookUp(value, made, layer.Table);
            Held result = new(Dequantize(counts, y, Unique(y.Name)), computed, sum.ChannelsFirst);
            if (layer.TransposeOutput)
                result = new Held(Reshape(InOrder(result, true), Dims(y.Shape, false)), y.Shape, false);
            held[network.Home(layer.Output)] = result;
        }

        // Any scale will do for counts that only a table reads; one that leaves the factors of the operands at 1 is best.
        private double TableScale(QuantizedLayer layer, QuantizedTensor x)
        {
            double scale = (layer, layer.Residual) switch
            {
                (_, { } r) when r.Scale.Multiplier > 0 => Scale(network.Tensors[r.Tensor]) / r.Scale.ToReal(),
                (AddLayer { Scale.Multiplier: > 0 } a, _) => Scale(x) / a.Scale.ToReal(),
                (MaxPoolLayer { Scale.Multiplier: > 0 } p, _) => Scale(x) / p.Scale.ToReal(),
                (ConcatLayer c, _) when c.Scales[0].Multiplier > 0 => Scale(x) / c.Scales[0].ToReal(),
                (SoftmaxLayer { OutputScale.Multiplier: > 0 } m, _) => 1 / m.OutputScale.ToReal(),
                _ => Scale(x),
            };
            return double.IsFinite((float)scale) && (float)scale > 0 ? scale : 1;
        }

        // What the layer computes before the residual operand, in real units of the output.
        private Held Sum(QuantizedLayer layer, QuantizedTensor x, QuantizedTensor y, TensorShape computed)
        {
            double from = Scale(x),
                to = Scale(y);
            switch (layer)
            {
                case ConvLayer conv:
                    return Convolution(conv, x, y, computed);
                case MatMulLayer m:
                    double right = Scale(network.Tensors[m.Right]);
                    return new Held(
                        Times(Add("MatMul", Read(m.Input, false), Transposed(m.Right)), Exact(m.Scale, f => f * from * right / to)),
                        x.Shape with
                        {
                            Channels = computed.Channels,
                        },
                        false
                    );
                case NormalizedMatMulLayer m:
                    double sr = Scale(network.Tensors[m.Right]),
                        sd = Scale(network.Tensors[m.Denominator]);
                    string numerator = Add("MatMul", Read(m.Input, false), Transposed(m.Right));
                    // A denominator of less than one count is one count.
                    string denominator = Add("Max", Add("MatMul", Read(m.Input, false), Transposed(m.Denominator)), Real(from * sd));
                    return new Held(
                        Times(Add("Div", numerator, denominator), Exact(m.Scale, f => f * sr / sd / to)),
                        x.Shape with
                        {
                            Channels = computed.Channels,
                        },
                        false
                    );
                case AveragePoolLayer p:
                    string average = Pool("AveragePool", p.Input, p.Kernel, p.Stride, p.Padding, ("count_include_pad", 1));
                    return new Held(
                        Times(average, Exact(p.Scale, f => f * from / ((double)p.Kernel.Rows * p.Kernel.Columns) / to)),
                        computed,
                        true
                    );
                case MaxPoolLayer p:
                    return new Held(
                        Times(Pool("MaxPool", p.Input, p.Kernel, p.Stride, p.Padding), Exact(p.Scale, f => f * from / to)),
                        computed,
                        true
                    );
                case AddLayer a:
                    bool first = held[network.Home(a.Input)].ChannelsFirst;
                    return new Held(Times(Read(a.Input, first), Exact(a.Scale, f => f * from / to)), x.Shape, first);
                case MultiplyLayer m:
                    first = held[network.Home(m.Input)].ChannelsFirst;
                    double second = Scale(network.Tensors[m.Right]);
                    return new Held(
                        Times(Add("Mul", Read(m.Input, first), Read(m.Right, first)), Exact(m.Scale, f => f * from * second / to)),
                        x.Shape,
                        first
                    );
                case ConcatLayer c:
                    first = held[network.Home(c.Input)].ChannelsFirst;
                    string[] parts =
                    [
                        .. c.Inputs.Select((t, i) => Times(Read(t, first), Exact(c.Scales[i], f => f * Scale(network.Tensors[t]) / to))),
                    ];
                    string all = Unique(layer.Name);
                    Node("Concat", parts, all, ("axis", first ? 1 : 3));
                    TensorShape shape = x.Shape with { Channels = c.Inputs.Sum(t => network.Tensors[t].Shape.Channels) };
                    return new Held(all, shape, first);
                case SoftmaxLayer s:
                    string softmax = Unique(layer.Name);
                    float slope = Nearest(
                        s.ExponentMultiplier / (from * Math.Log2(Math.E) * (1 << 20)),
                        f => Math.Round(f * from * Math.Log2(Math.E) * (1 << 20)) == s.ExponentMultiplier
                    );
                    Node("Softmax", [Times(Read(s.Input, false), slope)], softmax, ("axis", -1));
                    return new Held(Times(softmax, Exact(s.OutputScale, f => f / to)), x.Shape, false);
                case LayerNormLayer n:
                    return Normalisation(n, x, y);
                case ArgMaxLayer a:
                    string index = Unique(layer.Name);
                    Node("ArgMax", [Read(a.Input, false)], index, ("axis", -1), ("keepdims", 1));
                    string label = Cast(index, FloatType);
                    // The count is index - 128, whatever scale and zero point say.
                    if (y.ZeroPoint != -128)
                        label = Add("Sub", label, Real(128 + y.ZeroPoint));
                    return new Held(Times(label, (float)y.Scale), x.Shape with { Channels = 1 }, false);
                case ResizeLayer r:
                    return Resize(r, x, y, computed.Height, computed.Width);
                default:
                    throw new InputException($"layer {layer.Name}: {layer.GetType().Name} has no ONNX form");
            }
        }

        private Held Convolution(ConvLayer conv, QuantizedTensor x, QuantizedTensor y, TensorShape computed)
        {
            int channels = conv.Bias.Length,
                taps = conv.Kernel.Rows * conv.Kernel.Columns,
                inputs = x.Shape.Batch * x.Shape.Channels,
                depth = inputs / conv.Groups;
            var weights = new sbyte[conv.Weights.Length];
            int[] bias = (int[])conv.Bias.Clone();
            var steps = new float[channels];
            var biasSteps = new float[channels];
            for (int k = 0; k < channels; k++)
            {
                // A factor of 0 has no scale: the channel is 0.
                bool zero = conv.Scales[k].Multiplier == 0;
                steps[k] = zero ? 1 : WeightScale(conv, k, Scale(x), Scale(y));
                biasSteps[k] = (float)(steps[k] * Scale(x));
                if (zero)
                    bias[k] = 0;
                for (int i = 0; !zero && i < taps * depth; i++)
                    weights[(((k * depth) + (i % depth)) * taps) + (i / depth)] = conv.Weights[(k * taps * depth) + i];
            }

            string w = Unique($"{conv.Name}_weights"),
                b = Unique($"{conv.Name}_bias"),
                sums = Unique(conv.Name);
            Node(
                "DequantizeLinear",
                [
                    Counts($"{w}_quantized", weights, [channels, depth, conv.Kernel.Rows, conv.Kernel.Columns]),
                    Reals($"{w}_scale", steps),
                    Counts($"{w}_zero_point", new sbyte[channels], [channels]),
                ],
                w,
                ("axis", 0)
            );
            Node("DequantizeLinear", [Int32s($"{b}_quantized", bias), Reals($"{b}_scale", biasSteps)], b, ("axis", 0));
            string image = Read(conv.Input, true);
            if (x.Shape.Batch > 1)
                image = Reshape(image, [1, inputs, x.Shape.Height, x.Shape.Width]);
            (int top, int left, int bottom, int right) = conv.Padding;
            if (Math.Min(Math.Min(top, left), Math.Min(bottom, right)) < 0)
                image = Crop(
                    image,
                    Math.Max(0, -top),
                    Math.Max(0, -left),
                    x.Shape.Height - Math.Max(0, -bottom),
                    x.Shape.Width - Math.Max(0, -right)
                );
            NodeProto node = Node("Conv", [image, w, b], sums, ("group", conv.Groups));
            Window(node, conv.Kernel, conv.Stride, (Math.Max(0, top), Math.Max(0, left), Math.Max(0, bottom), Math.Max(0, right)));
            node.Attribute.Add(Ints("dilations", conv.Dilation.Rows, conv.Dilation.Columns));
            return new Held(computed.Batch > 1 ? Reshape(sums, Dims(computed, true)) : sums, computed, true);
        }

        private Held Normalisation(LayerNormLayer n, QuantizedTensor x, QuantizedTensor y)
        {
            string normal = Unique(n.Name);
            var gamma = new float[n.Gamma.Length];
            var beta = new float[n.Gamma.Length];
            for (int c = 0; c < gamma.Length; c++)
            {
                gamma[c] = Nearest(
                    Math.ScaleB(n.Gamma[c], 12 - n.Shift[c]) * Scale(y),
                    g =>
                        LayerNormIntegers.Normal(g, 0, Scale(y)) is var (v, _, s)
                        && Math.ScaleB(v, -s) == Math.ScaleB(n.Gamma[c], -n.Shift[c])
                );
                beta[c] = Nearest(
                    Math.ScaleB(n.Beta[c], -n.Shift[c]) * Scale(y),
                    b => LayerNormIntegers.Normal(gamma[c], b, Scale(y)) == (n.Gamma[c], n.Beta[c], n.Shift[c])
                );
            }

            NodeProto node = Node(
                "LayerNormalization",
                [Read(n.Input, false), Reals($"{normal}_scale", gamma), Reals($"{normal}_bias", beta)],
                normal,
                ("axis", -1)
            );
            // The variance is at least 1 in the network's units; a little keeps it from 0 here.
            double unit = Math.Pow(Scale(x) / x.Shape.Channels, 2);
            float epsilon = Nearest(
                Math.Max(0.25, n.Epsilon) * unit,
                e => LayerNormIntegers.Epsilon(e, x.Shape.Channels, Scale(x)) == n.Epsilon
            );
            node.Attribute.Add(
                new AttributeProto
                {
                    Name = "epsilon",
                    Type = 1,
                    F = epsilon,
                }
            );
            return new Held(normal, x.Shape, false);
        }

        private Held Resize(ResizeLayer r, QuantizedTensor x, QuantizedTensor y, int height, int width)
        {
            TensorShape shape = x.Shape with { Height = height, Width = width };
            string image = Read(r.Input, true);
            if (Known(r, x, y, height, width) is var (mode, coordinates, nearest))
            {
                string resized = Unique(r.Name);
                NodeProto node = Node(
                    "Resize",
                    [
                        image,
                        string.Empty,
                        string.Empty,
                        Initializer($"{resized}_sizes", Int64Type, MemoryMarshal.AsBytes<long>(Dims(shape, true)), 4),
                    ],
                    resized
                );
                node.Attribute.Add(Text("mode", mode));
                node.Attribute.Add(Text("coordinate_transformation_mode", coordinates));
                node.Attribute.Add(Text("nearest_mode", nearest));
                return new Held(resized, shape, true);
            }

            // The taps of each pixel side by side, times their weights, and the average of each group.
            (int rows, int columns) = r.Taps;
            string taps = Gather(
                Gather(image, 2, height, r.Up.Rows, r.Down.Rows, r.FirstRow, rows, x.Shape.Height),
                3,
                width,
                r.Up.Columns,
                r.Down.Columns,
                r.FirstColumn,
                columns,
                x.Shape.Width
            );
            var weights = new sbyte[height * rows * width * columns];
            var factors = new float[height * width];
            for (int i = 0; i < factors.Length; i++)
            {
                int phase = (i / width % r.Up.Rows * r.Up.Columns) + (i % width % r.Up.Columns);
                factors[i] = Exact(r.Scales[phase], f => f / (rows * columns) * Scale(x) / Scale(y));
                for (int t = 0; t < rows * columns; t++)
                    weights[(((i / width * rows) + (t / columns)) * width * columns) + (i % width * columns) + (t % columns)] = r.Weights[
                        (phase * rows * columns) + t
                    ];
            }

            string w = Unique($"{r.Name}_weights"),
                average = Unique(r.Name);
            Node(
                "DequantizeLinear",
                [Counts($"{w}_quantized", weights, [1, 1, height * rows, width * columns]), Real(1), Counts($"{w}_zero_point", [0], [])],
                w
            );
            Window(Node("AveragePool", [Add("Mul", taps, w)], average), r.Taps, r.Taps, default);
            return new Held(Add("Mul", average, Reals($"{r.Name}_factors", factors, 1, 1, height, width)), shape, true);
        }

        // The Resize that has exactly these weights, or null.
        private static (string Mode, string Coordinates, string Nearest)? Known(
            ResizeLayer r,
            QuantizedTensor x,
            QuantizedTensor y,
            int height,
            int width
        )
        {
            foreach (
                string mode in r.Taps == (1, 1) ? new[] { "nearest" }
                : r.Taps == (4, 4) ? ["cubic"]
                : ["linear", "cubic"]
            )
            {
                foreach (string coordinates in new[] { "half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel" })
                {
                    foreach (
                        string nearest in mode == "nearest"
                            ? new[] { "round_prefer_floor", "floor", "ceil", "round_prefer_ceil" }
                            : ["round_prefer_floor"]
                    )
                    {
                        Resampling rows = Resampling.Of(x.Shape.Height, null, height, mode, coordinates, nearest, -0.75),
                            columns = Resampling.Of(x.Shape.Width, null, width, mode, coordinates, nearest, -0.75);
                        if (
                            (rows.Up, columns.Up) != r.Up
                            || (rows.Down, columns.Down) != r.Down
                            || (rows.Taps, columns.Taps) != r.Taps
                            || !rows.First.AsSpan().SequenceEqual(r.FirstRow)
                            || !columns.First.AsSpan().SequenceEqual(r.FirstColumn)
                        )
                            continue;
                        var real = new FloatResize(r.Name, 0, 1)
                        {
                            Up = r.Up,
                            Down = r.Down,
                            Taps = r.Taps,
                            FirstRow = r.FirstRow,
                            FirstColumn = r.FirstColumn,
                            RowWeights = rows.Weights,
                            ColumnWeights = columns.Weights,
                        };
                        var same = (ResizeLayer)LayerQuantizer.Quantize(real, [x with { Scale = Scale(x) }], y with { Scale = Scale(y) });
                        if (
                            same.Weights.AsSpan().SequenceEqual(r.Weights)
                            && same.Scales.AsSpan().SequenceEqual(r.Scales)
                            && IsExact(real, same, Scale(x) / Scale(y))
                        )
                            return (mode, coordinates, nearest);
                    }
                }
            }

            return null;
        }

        // The integer weights are the real ones, not only near them.
        private static bool IsExact(FloatResize real, ResizeLayer integer, double factor)
        {
            int taps = real.Taps.Rows * real.Taps.Columns;
            for (int i = 0; i < integer.Weights.Length; i++)
            {
                (int phase, int tap) = Math.DivRem(i, taps);
                (int p, int q) = Math.DivRem(phase, real.Up.Columns);
                double wanted =
                    (double)real.RowWeights[(p * real.Taps.Rows) + (tap / real.Taps.Columns)]
                    * real.ColumnWeights[(q * real.Taps.Columns) + (tap % real.Taps.Columns)]
                    * factor;
                if (Math.Abs((integer.Weights[i] * integer.Scales[phase].ToReal()) - wanted) > 1e-6 * factor)
                    return false;
            }

            return true;
        }

        private string Gather(string input, int axis, int size, int up, int down, int[] first, int taps, int from)
        {
            string result = Unique("resize");
            var at = new long[size * taps];
            for (int i = 0; i < at.Length; i++)
                at[i] = Math.Clamp((i / taps / up * down) + first[i / taps % up] + (i % taps), 0, from - 1);
            Node(
                "Gather",
                [input, Initializer("resize_indices", Int64Type, MemoryMarshal.AsBytes<long>(at), at.Length)],
                result,
                ("axis", axis)
            );
            return result;
        }

        private string Pool(string op, int input, Size kernel, Size stride, Padding padding, params (string Name, int Value)[] attributes)
        {
            string result = Unique(op);
            Window(Node(op, [Read(input, true)], result, attributes), kernel, stride, padding);
            return result;
        }

        private static void Window(NodeProto node, Size kernel, Size stride, Padding padding)
        {
            node.Attribute.Add(Ints("kernel_shape", kernel.Rows, kernel.Columns));
            node.Attribute.Add(Ints("strides", stride.Rows, stride.Columns));
            node.Attribute.Add(Ints("pads", padding.Top, padding.Left, padding.Bottom, padding.Right));
        }

        // Counts + 128 are the index: an unsigned quantisation gives it directly.
        private string LookUp(string value, QuantizedTensor t, sbyte[] table)
        {
            string index = Unique($"{t.Name}_index"),
                result = Unique($"{t.Name}_quantized");
            Node(
                "QuantizeLinear",
                [value, Real(t.Scale), Initializer($"{index}_zero_point", UInt8Type, [(byte)(t.ZeroPoint + 128)])],
                index
            );
            Node("Gather", [Counts($"{index}_table", table, [table.Length]), Cast(index, Int32Type)], result, ("axis", 0));
            return result;
        }

        private string Quantize(string value, QuantizedTensor t)
        {
            string result = Unique($"{t.Name}_quantized");
            Node("QuantizeLinear", [value, Real(t.Scale), Counts($"{result}_zero_point", [(sbyte)t.ZeroPoint], [])], result);
            return result;
        }

        private string Dequantize(string counts, QuantizedTensor t, string result)
        {
            Node("DequantizeLinear", [counts, Real(t.Scale), Counts($"{t.Name}_zero_point", [(sbyte)t.ZeroPoint], [])], result);
            return result;
        }

        private string Times(string value, float factor) => factor == 1 ? value : Add("Mul", value, Real(factor));

        // Scale as the file has it.
        private static double Scale(QuantizedTensor t) => (float)t.Scale;

        // The scale that the weights were rounded with, unless the factor is not made of it: it saturates, or it is another path's.
        private static float WeightScale(ConvLayer conv, int channel, double from, double to)
        {
            FixedPointScale wanted = conv.Scales[channel];
            return conv.WeightScales is { } scales && (float)scales[channel] is var own && Fits(own)
                ? own
                : Exact(wanted, f => from * f / to);

            bool Fits(float scale) =>
                scale > 0 && float.IsFinite(scale) && from * scale / to is var f and < 1 << 22 && FixedPointScale.FromReal(f) == wanted;
        }

        // A factor that an import makes the wanted fixed-point factor of.
        private static float Exact(FixedPointScale wanted, Func<double, double> scaled)
        {
            double unit = scaled(1);
            return Nearest(
                unit > 0 ? wanted.ToReal() / unit : 0,
                f => scaled(f) is >= 0 and < 1 << 22 and var factor && FixedPointScale.FromReal(factor) == wanted
            );
        }

        // The number in single precision nearest to another that fits, 1 where that does, or simply the nearest.
        private static float Nearest(double value, Func<float, bool> fits)
        {
            float nearest = (float)value,
                above = nearest,
                below = nearest;
            if (Math.Abs(value - 1) < 1e-6 && fits(1))
                return 1;
            for (int i = 0; i < 8; i++)
            {
                if (fits(above))
                    return above;
                if (fits(below))
                    return below;
                (above, below) = (MathF.BitIncrement(above), MathF.BitDecrement(below));
            }

            return nearest;
        }

        private string Transposed(int tensor)
        {
            TensorShape shape = network.Tensors[tensor].Shape;
            string value = Read(tensor, false);
            if (shape.Height > 1)
                value = Reshape(value, shape.Batch, 1, shape.Height * shape.Width, shape.Channels);
            return Transpose(value, 0, 1, 3, 2);
        }

        // A tensor as the layer sees it: the rows may be split differently than where it was written.
        private string Read(int tensor, bool channelsFirst)
        {
            if (!held.TryGetValue(network.Home(tensor), out Held h))
                throw new InputException($"tensor {network.Tensors[tensor].Name} is read before anything wrote it");
            TensorShape shape = network.Tensors[tensor].Shape;
            if (h.Shape.Batch != shape.Batch || h.Shape.Channels != shape.Channels || h.Shape.Elements != shape.Elements)
                throw new InputException(
                    $"tensor {network.Tensors[tensor].Name} {shape} shares the storage of a tensor {h.Shape}; heads "
                        + $"and channels must be the same"
                );
            if (h.Shape == shape)
                return InOrder(h, channelsFirst);
            if (!views.TryGetValue((h.Value, shape, h.ChannelsFirst), out string? view))
                views[(h.Value, shape, h.ChannelsFirst)] = view = Reshape(h.Value, Dims(shape, h.ChannelsFirst));
            return InOrder(new Held(view, shape, h.ChannelsFirst), channelsFirst);
        }

        private string InOrder(Held h, bool channelsFirst)
        {
            if (h.ChannelsFirst == channelsFirst)
                return h.Value;
            if (!views.TryGetValue((h.Value, h.Shape, channelsFirst), out string? view))
                views[(h.Value, h.Shape, channelsFirst)] = view = channelsFirst
                    ? Transpose(h.Value, 0, 3, 1, 2)
                    : Transpose(h.Value, 0, 2, 3, 1);
            return view;
        }

        private string Transpose(string value, params long[] order)
        {
            string result = Unique("transpose");
            Node("Transpose", [value], result).Attribute.Add(Ints("perm", order));
            return result;
        }

        private string Reshape(string value, params long[] dims)
        {
            string result = Unique("reshape");
            Node("Reshape", [value, Initializer($"{result}_shape", Int64Type, MemoryMarshal.AsBytes<long>(dims), dims.Length)], result);
            return result;
        }

        // Rows and columns of an image from the first two to before the last two.
        private string Crop(string image, long top, long left, long bottom, long right)
        {
            string result = Unique("crop");
            string Pair(string what, long rows, long columns) =>
                Initializer($"{result}_{what}", Int64Type, MemoryMarshal.AsBytes<long>(new[] { rows, columns }), 2);
            Node("Slice", [image, Pair("starts", top, left), Pair("ends", bottom, right), Pair("axes", 2, 3)], result);
            return result;
        }

        private string Cast(string value, int type)
        {
            string result = Unique("cast");
            Node("Cast", [value], result, ("to", type));
            return result;
        }

        private string Add(string op, params string[] inputs)
        {
            string result = Unique(op);
            Node(op, inputs, result);
            return result;
        }

        private NodeProto Node(string op, string[] inputs, string output, params (string Name, int Value)[] attributes)
        {
            var node = new NodeProto
            {
                OpType = op,
                Name = $"{output}/{op}",
                Input = { inputs },
                Output = { output },
            };
            node.Attribute.Add(
                attributes.Select(a => new AttributeProto
                {
                    Name = a.Name,
                    Type = 2,
                    I = a.Value,
                })
            );
            graph.Node.Add(node);
            return node;
        }

        private static AttributeProto Text(string name, string value) =>
            new()
            {
                Name = name,
                Type = 3,
                S = ByteString.CopyFromUtf8(value),
            };

        private static AttributeProto Ints(string name, params long[] values) =>
            new()
            {
                Name = name,
                Type = 7,
                Ints = { values },
            };

        private string Real(double value) => Reals("constant", [(float)value], []);

        private string Reals(string name, float[] values) => Reals(name, values, values.Length);

        private string Reals(string name, float[] values, params long[] dims) =>
            Initializer(name, FloatType, MemoryMarshal.AsBytes<float>(values), dims);

        // Counts in the type of the file: as unsigned bytes they, and the zero points among them, are 128 higher.
        private string Counts(string name, sbyte[] values, long[] dims) =>
            type == QdqType.Int8
                ? Initializer(name, Int8Type, MemoryMarshal.AsBytes<sbyte>(values), dims)
                : Initializer(name, UInt8Type, [.. values.Select(v => (byte)(v + 128))], dims);

        private string Int32s(string name, int[] values) => Initializer(name, Int32Type, MemoryMarshal.AsBytes<int>(values), values.Length);

        private string Initializer(string name, int type, ReadOnlySpan<byte> data, params long[] dims)
        {
            string unique = Unique(name);
            graph.Initializer.Add(
                new TensorProto
                {
                    Name = unique,
                    DataType = type,
                    RawData = ByteString.CopyFrom(data),
                    Dims = { dims },
                }
            );
            return unique;
        }

        private static ValueInfoProto Value(string name, TensorShape shape)
        {
            var dims = new TensorShapeProto();
            dims.Dim.Add(Dims(shape, true).Select(d => new TensorShapeProto.Types.Dimension { DimValue = d }));
            return new ValueInfoProto
            {
                Name = name,
                Type = new TypeProto
                {
                    TensorType = new TypeProto.Types.Tensor { ElemType = FloatType, Shape = dims },
                },
            };
        }

        private static long[] Dims(TensorShape s, bool channelsFirst) =>
            channelsFirst ? [s.Batch, s.Channels, s.Height, s.Width] : [s.Batch, s.Height, s.Width, s.Channels];

        private string Unique(string name)
        {
            string unique = name.Length > 0 ? name : "value";
            for (int i = 1; !names.Add(unique); i++)
                unique = $"{name}#{i}";
            return unique;
        }
    }
}
