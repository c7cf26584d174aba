using AccelGen.Network;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Tests.Shared;

/// <summary>Executes a float network in double precision, each operator as its definition says, without any care for speed.</summary>
internal static class FloatReference
{
    /// <summary>Runs a network.</summary>
    /// <param name="network">Network.</param>
    /// <param name="inputs">NHWC values per network input.</param>
    /// <param name="layerDone">Called after each layer with the values before its activation, as computed, and the output.</param>
    /// <returns>Content of every tensor at the end.</returns>
    public static Dictionary<int, double[]> Run(
        FloatNetwork network,
        IReadOnlyDictionary<int, float[]> inputs,
        Action<FloatLayer, double[], double[]>? layerDone = null
    )
    {
        var storage = new Dictionary<int, double[]>();
        foreach (FloatTensor t in network.Tensors.Where(t => t.Constant is not null))
            storage[t.Id] = [.. t.Constant!.Select(v => (double)v)];
        foreach ((int tensor, float[] values) in inputs)
            storage[network.Home(tensor)] = [.. values.Select(v => (double)v)];
        foreach (FloatLayer layer in network.Layers)
        {
            TensorShape from = network.Tensors[layer.Input].Shape,
                to = network.Tensors[layer.Output].Shape;
            double[] Read(int tensor) => storage[network.Home(tensor)];
            TensorShape shape = to;
            if (layer.TransposeOutput)
            {
                int rows = layer is FloatConv c
                    ? (from.Height + c.Padding.Top + c.Padding.Bottom - (c.Dilation.Rows * (c.Kernel.Rows - 1)) - 1) / c.Stride.Rows + 1
                    : from.Height;
                shape = new TensorShape(to.Batch, rows, to.Channels / rows, to.Width);
            }

            double[] x = Read(layer.Input),
                before = new double[shape.Elements];
            for (int b = 0; b < shape.Batch; b++)
            {
                for (int i = 0; i < shape.Height; i++)
                {
                    for (int j = 0; j < shape.Width; j++)
                    {
                        for (int k = 0; k < shape.Channels; k++)
                        {
                            int at = shape.Index(b, i, j, k);
                            double v = Value(network, layer, from, x, Read, shape, b, i, j, k);
                            if (layer.Residual is int r)
                                v += (layer.ResidualSubtract ? -1 : 1) * Read(r)[Second(layer.ResidualBroadcast, shape, b, i, j, k)];
                            before[at] = Math.Clamp(v, layer.Range.Low, layer.Range.High);
                        }
                    }
                }
            }

            double[] y = [.. before.Select(v => ActivationFunction.Evaluate(layer.Activation, v))];
            if (layer.TransposeOutput)
            {
                double[] computed = y;
                y = new double[computed.Length];
                for (int n = 0; n < y.Length; n++)
                {
                    int pixels = shape.Height * shape.Width,
                        b = n / (pixels * shape.Channels),
                        p = n / shape.Channels % pixels,
                        k = n % shape.Channels;
                    y[(((b * shape.Channels) + k) * pixels) + p] = computed[n];
                }
            }

            storage[network.Home(layer.Output)] = y;
            layerDone?.Invoke(layer, before, y);
        }

        return network
            .Tensors.Where(t => storage.ContainsKey(network.Home(t.Id)))
            .ToDictionary(t => t.Id, t => storage[network.Home(t.Id)]);
    }

    private static int Second(Broadcast broadcast, TensorShape s, int b, int i, int j, int k) =>
        broadcast switch
        {
            Broadcast.Pixels => (b * s.Channels) + k,
            Broadcast.Channels => (((b * s.Height) + i) * s.Width) + j,
            _ => s.Index(b, i, j, k),
        };

    private static double Value(
        FloatNetwork network,
        FloatLayer layer,
        TensorShape from,
        double[] x,
        Func<int, double[]> read,
        TensorShape shape,
        int b,
        int i,
        int j,
        int k
    )
    {
        int n = from.Channels,
            pixel = (i * shape.Width) + j;
        double[] Row() => x[(((b * from.Height * from.Width) + pixel) * n)..((((b * from.Height * from.Width) + pixel) * n) + n)];
        double Dot(double[] right, int row) => Row().Select((v, c) => v * right[(row * n) + c]).Sum();
        IEnumerable<double> Window(Size kernel, Size stride, Padding padding)
        {
            for (int u = 0; u < kernel.Rows; u++)
            {
                for (int v = 0; v < kernel.Columns; v++)
                {
                    (int row, int column) = ((i * stride.Rows) - padding.Top + u, (j * stride.Columns) - padding.Left + v);
                    if (row >= 0 && row < from.Height && column >= 0 && column < from.Width)
                        yield return x[from.Index(b, row, column, k)];
                }
            }
        }

        switch (layer)
        {
            case FloatConv c:
                int inputs = from.Batch * from.Channels,
                    perGroup = inputs / c.Groups,
                    output = (b * shape.Channels) + k,
                    group = output / (shape.Batch * shape.Channels / c.Groups);
                double sum = c.Bias[output];
                for (int u = 0; u < c.Kernel.Rows; u++)
                {
                    for (int v = 0; v < c.Kernel.Columns; v++)
                    {
                        (int row, int column) = (
                            (i * c.Stride.Rows) - c.Padding.Top + (u * c.Dilation.Rows),
                            (j * c.Stride.Columns) - c.Padding.Left + (v * c.Dilation.Columns)
                        );
                        for (int g = 0; g < perGroup && row >= 0 && row < from.Height && column >= 0 && column < from.Width; g++)
                        {
                            int channel = (group * perGroup) + g;
                            sum +=
                                x[from.Index(channel / n, row, column, channel % n)]
                                * c.Weights[(((((output * c.Kernel.Rows) + u) * c.Kernel.Columns) + v) * perGroup) + g];
                        }
                    }
                }

                return sum;
            case FloatAveragePool p:
                return Window(p.Kernel, p.Stride, p.Padding).Sum() / (p.Kernel.Rows * p.Kernel.Columns);
            case FloatMaxPool p:
                return Window(p.Kernel, p.Stride, p.Padding).Max();
            case FloatAdd or FloatCopy:
                return x[shape.Index(b, i, j, k)];
            case FloatMultiply m:
                return x[shape.Index(b, i, j, k)] * read(m.Right)[Second(m.Broadcast, shape, b, i, j, k)];
            case FloatMatMul m:
                return m.Factor * Dot(read(m.Right), (b * shape.Channels) + k);
            case FloatNormalizedMatMul m:
                return Dot(read(m.Right), (b * shape.Channels) + k) / (Dot(read(m.Denominator), b) + m.Epsilon);
            case FloatSoftmax:
                double[] e = [.. Row().Select(v => Math.Exp(v - Row().Max()))];
                return e[k] / e.Sum();
            case FloatLayerNorm l:
                double mean = Row().Average(),
                    variance = Row().Sum(v => (v - mean) * (v - mean)) / n;
                return ((Row()[k] - mean) / Math.Sqrt(variance + l.Epsilon) * l.Gamma[k]) + l.Beta[k];
            case FloatArgMax:
                return Array.IndexOf(Row(), Row().Max());
            case FloatConcat c:
                foreach (int input in c.Inputs)
                {
                    TensorShape part = network.Tensors[input].Shape;
                    if (k < part.Channels)
                        return read(input)[part.Index(b, i, j, k)];
                    k -= part.Channels;
                }

                break;
            case FloatResize r:
                double total = 0;
                for (int t = 0; t < r.Taps.Rows * r.Taps.Columns; t++)
                {
                    (int u, int v) = Math.DivRem(t, r.Taps.Columns);
                    int row = Math.Clamp((i / r.Up.Rows * r.Down.Rows) + r.FirstRow[i % r.Up.Rows] + u, 0, from.Height - 1),
                        column = Math.Clamp((j / r.Up.Columns * r.Down.Columns) + r.FirstColumn[j % r.Up.Columns] + v, 0, from.Width - 1);
                    total +=
                        x[from.Index(b, row, column, k)]
                        * r.RowWeights[(i % r.Up.Rows * r.Taps.Rows) + u]
                        * r.ColumnWeights[(j % r.Up.Columns * r.Taps.Columns) + v];
                }

                return total;
        }

        throw new ArgumentException($"no reference for {layer.GetType().Name}", nameof(layer));
    }
}
