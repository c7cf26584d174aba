using AccelGen.Network.Quantized;

namespace AccelGen.Network.Dynamic;

/// <summary>Mean and spread of each input channel of a cut's reader, over pixels and images, in counts less the zero point.</summary>
/// <param name="Mean">Mean per channel.</param>
/// <param name="Deviation">Standard deviation per channel.</param>
public sealed record ChannelStatistics(double[] Mean, double[] Deviation);

/// <summary>
/// The order in which the channels of a cut are kept: the most important first, so that what a path keeps, a path that keeps
/// more keeps too. Between producers whole vectors are ordered, within one its channels.
/// </summary>
public static class ChannelOrder
{
    /// <summary>The order of the file.</summary>
    /// <param name="cut">Cut.</param>
    /// <returns>Place to channel of the reader's input.</returns>
    public static int[] OfFile(ChannelCut cut) => [.. Enumerable.Range(0, cut.Channels)];

    /// <summary>
    /// Importance of each channel: the norm of its weights, as they reach the reader's output, times its standard deviation.
    /// </summary>
    /// <param name="reader">Layer that reads the channels.</param>
    /// <param name="statistics">Statistics of its input.</param>
    public static double[] Importance(ConvLayer reader, ChannelStatistics statistics)
    {
        int channels = statistics.Mean.Length,
            outputs = reader.Bias.Length,
            taps = reader.Weights.Length / (channels * outputs);
        double[] squares = new double[channels];
        for (int k = 0; k < outputs; k++)
        {
            double scale = reader.Scales[k].ToReal();
            for (int t = 0; t < taps; t++)
            {
                for (int c = 0; c < channels; c++)
                {
                    double w = reader.Weights[(((k * taps) + t) * channels) + c] * scale;
                    squares[c] += w * w;
                }
            }
        }

        return [.. squares.Select((s, c) => Math.Sqrt(s) * statistics.Deviation[c])];
    }

    /// <summary>Order by importance; of attention heads, each with its channels as they are.</summary>
    /// <param name="cut">Cut.</param>
    /// <param name="importance">Importance of each input channel of the reader.</param>
    /// <param name="vectorWidth">Channels of a vector.</param>
    /// <returns>Place to channel of the reader's input.</returns>
    public static int[] ByImportance(ChannelCut cut, IReadOnlyList<double> importance, int vectorWidth)
    {
        if (cut.Unit > 1)
            return
            [
                .. Enumerable
                    .Range(0, cut.Channels)
                    .Chunk(cut.Unit)
                    .OrderByDescending(head => head.Sum(c => importance[c] * importance[c]))
                    .SelectMany(c => c),
            ];
        var vectors = new List<(double Square, int Part, int[] Channels)>();
        int first = 0;
        for (int p = 0; p < cut.Parts.Count; first += cut.Parts[p].Channels, p++)
        {
            int[] own = [.. Enumerable.Range(first, cut.Parts[p].Channels).OrderByDescending(c => importance[c])];
            vectors.AddRange(own.Chunk(vectorWidth).Select(c => (c.Sum(i => importance[i] * importance[i]), p, c)));
        }

        // Those of one part stay in their order: they fall in it, and equal ones do not change places.
        return [.. vectors.OrderByDescending(v => v.Square).SelectMany(v => v.Channels)];
    }
}
