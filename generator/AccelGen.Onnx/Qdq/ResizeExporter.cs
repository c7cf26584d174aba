using System.Runtime.InteropServices;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Onnx.Proto;
using AccelGen.Quantization;

namespace AccelGen.Onnx.Qdq;

/// <summary>The Resize that has the layer's weights, or the taps of each pixel gathered and averaged.</summary>
internal sealed class ResizeExporter : OperatorExporter<ResizeLayer>
{
    /// <inheritdoc/>
    protected override Held Sum(ResizeLayer layer, QdqCall call)
    {
        (QdqGraph graph, QuantizedTensor x, QuantizedTensor y) = (call.Graph, call.X, call.Y);
        (int height, int width) = (call.Computed.Height, call.Computed.Width);
        TensorShape shape = x.Shape with { Height = height, Width = width };
        string image = graph.Read(layer.Input, true);
        if (Known(layer, x, y, height, width) is var (mode, coordinates, nearest))
        {
            string resized = graph.Unique(layer.Name);
            NodeProto node = graph.Node(
                "Resize",
                [
                    image,
                    string.Empty,
                    string.Empty,
                    graph.Initializer($"{resized}_sizes", QdqGraph.Int64Type, MemoryMarshal.AsBytes<long>(QdqGraph.Dims(shape, true)), 4),
                ],
                resized
            );
            node.Attribute.Add(QdqGraph.Text("mode", mode));
            node.Attribute.Add(QdqGraph.Text("coordinate_transformation_mode", coordinates));
            node.Attribute.Add(QdqGraph.Text("nearest_mode", nearest));
            return new Held(resized, shape, true);
        }

        // The taps of each pixel side by side, times their weights, and the average of each group.
        (int rows, int columns) = layer.Taps;
        string taps = Gather(
            graph,
            Gather(graph, image, 2, height, layer.Up.Rows, layer.Down.Rows, layer.FirstRow, rows, x.Shape.Height),
            3,
            width,
            layer.Up.Columns,
            layer.Down.Columns,
            layer.FirstColumn,
            columns,
            x.Shape.Width
        );
        var weights = new sbyte[height * rows * width * columns];
        var factors = new float[height * width];
        for (int i = 0; i < factors.Length; i++)
        {
            int phase = (i / width % layer.Up.Rows * layer.Up.Columns) + (i % width % layer.Up.Columns);
            factors[i] = QdqGraph.Exact(layer.Scales[phase], f => f / (rows * columns) * call.From / call.To);
            for (int t = 0; t < rows * columns; t++)
                weights[(((i / width * rows) + (t / columns)) * width * columns) + (i % width * columns) + (t % columns)] = layer.Weights[
                    (phase * rows * columns) + t
                ];
        }

        string w = graph.Unique($"{layer.Name}_weights"),
            average = graph.Unique(layer.Name);
        graph.Node(
            "DequantizeLinear",
            [
                graph.Counts($"{w}_quantized", weights, [1, 1, height * rows, width * columns]),
                graph.Real(1),
                graph.Counts($"{w}_zero_point", [0], []),
            ],
            w
        );
        QdqGraph.Window(graph.Node("AveragePool", [graph.Add("Mul", taps, w)], average), layer.Taps, layer.Taps, default);
        return new Held(graph.Add("Mul", average, graph.Reals($"{layer.Name}_factors", factors, 1, 1, height, width)), shape, true);
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
                    var same = (ResizeLayer)
                        LayerQuantizer.Quantize(real, [x with { Scale = QdqGraph.Scale(x) }], y with { Scale = QdqGraph.Scale(y) });
                    if (
                        same.Weights.AsSpan().SequenceEqual(r.Weights)
                        && same.Scales.AsSpan().SequenceEqual(r.Scales)
                        && IsExact(real, same, QdqGraph.Scale(x) / QdqGraph.Scale(y))
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

    private static string Gather(QdqGraph graph, string input, int axis, int size, int up, int down, int[] first, int taps, int from)
    {
        string result = graph.Unique("resize");
        var at = new long[size * taps];
        for (int i = 0; i < at.Length; i++)
            at[i] = Math.Clamp((i / taps / up * down) + first[i / taps % up] + (i % taps), 0, from - 1);
        graph.Node(
            "Gather",
            [input, graph.Initializer("resize_indices", QdqGraph.Int64Type, MemoryMarshal.AsBytes<long>(at), at.Length)],
            result,
            ("axis", axis)
        );
        return result;
    }
}
