using System.Numerics.Tensors;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Quantization.Operators;

/// <summary>Resampling: integer weights with a scale per phase.</summary>
internal sealed class ResizeQuantizer : OperatorQuantizer<FloatResize>
{
    /// <inheritdoc/>
    protected override ResizeLayer Quantize(FloatResize layer, QuantizerCall call)
    {
        (QuantizedTensor x, QuantizedTensor y) = (call.X, call.Y);
        (int rows, int columns) = layer.Taps;
        int taps = rows * columns;
        var weights = new sbyte[layer.Up.Rows * layer.Up.Columns * taps];
        var scales = new FixedPointScale[layer.Up.Rows * layer.Up.Columns];
        var real = new double[taps];
        for (int phase = 0; phase < scales.Length; phase++)
        {
            if (layer.Fixed is { } given)
            {
                given.Weights.AsSpan(phase * taps, taps).CopyTo(weights.AsSpan(phase * taps));
                scales[phase] = Factor(layer, layer.Factor * given.Scales[phase] * x.Scale / y.Scale);
                continue;
            }

            (int p, int q) = Math.DivRem(phase, layer.Up.Columns);
            for (int t = 0; t < taps; t++)
                real[t] =
                    layer.Factor
                    * ((double)layer.RowWeights[(p * rows) + (t / columns)] * layer.ColumnWeights[(q * columns) + (t % columns)]);
            (sbyte[] integers, double scale) = layer.Copies == 1 ? Integers(real) : Integers(real, columns, layer.Copies);
            integers.CopyTo(weights, phase * taps);
            scales[phase] = Factor(layer, scale * x.Scale / y.Scale);
        }

        return new ResizeLayer(layer.Name, layer.Input, layer.Output, call.Low, call.High)
        {
            Up = layer.Up,
            Down = layer.Down,
            Taps = layer.Taps,
            FirstRow = layer.FirstRow,
            FirstColumn = layer.FirstColumn,
            Weights = weights,
            Scales = scales,
        };
    }

    /// <inheritdoc/>
    protected override double Unit(FloatResize layer, Func<int, double> scale) =>
        layer.Factor * scale(layer.Input) * Largest(layer.RowWeights) * Largest(layer.ColumnWeights);

    // Taps that stand several times in neighbouring rows: the weight of all, and its parts as even as integers can be.
    private static (sbyte[] Weights, double Scale) Integers(ReadOnlySpan<double> real, int columns, int copies)
    {
        var whole = new double[real.Length / copies];
        int First(int t) => (t / columns * copies * columns) + (t % columns);
        for (int t = 0; t < whole.Length; t++)
            whole[t] = copies * real[First(t)];
        (int[] sums, double scale) = Integers(whole, 127 * copies);
        var parts = new sbyte[real.Length];
        for (int t = 0; t < sums.Length; t++)
        {
            (int each, int rest) = Math.DivRem(sums[t], copies);
            for (int c = 0; c < copies; c++)
                parts[First(t) + (c * columns)] = (sbyte)(each + (c < Math.Abs(rest) ? Math.Sign(rest) : 0));
        }

        return (parts, scale);
    }

    // Int8 weights and their scale, nearest to real weights among all divisions of the largest. The scale is such that the sum
    // is exact: a constant image stays constant.
    private static (sbyte[] Weights, double Scale) Integers(ReadOnlySpan<double> real)
    {
        (int[] weights, double scale) = Integers(real, 127);
        return ([.. weights.Select(w => (sbyte)w)], scale);
    }

    private static (int[] Weights, double Scale) Integers(ReadOnlySpan<double> real, int most)
    {
        double largest = TensorPrimitives.MaxMagnitude(real),
            sum = TensorPrimitives.Sum(real),
            least = double.PositiveInfinity;
        largest = Math.Abs(largest);
        (int[] Weights, double Scale) best = (new int[real.Length], 1);
        for (int parts = 1; parts <= most && largest > 0; parts++)
        {
            // The divisor that gives the largest weight exactly this many parts.
            double divisor = parts / largest;
            var weights = new int[real.Length];
            int total = 0;
            for (int t = 0; t < weights.Length; t++)
                total += weights[t] = (int)Math.Round(real[t] * divisor, MidpointRounding.AwayFromZero);
            double scale = total != 0 && Math.Abs(sum) > 1e-6 * largest ? sum / total : 1 / divisor,
                error = 0;
            for (int t = 0; t < weights.Length; t++)
                error += Math.Pow((weights[t] * scale) - real[t], 2);
            if (scale > 0 && error < least - (1e-14 * largest * largest))
                (least, best) = (error, (weights, scale));
        }

        return best;
    }
}
