namespace AccelGen.Network.Float.Operators;

/// <summary>What makes the channels of a pixel of those of the input.</summary>
/// <param name="row">Channels of the input.</param>
/// <param name="result">Channels of the output.</param>
internal delegate void PixelFunction(ReadOnlySpan<float> row, Span<float> result);

/// <summary>Operators over the channels of each pixel.</summary>
internal static class Pixels
{
    /// <summary>Calls a function for each pixel.</summary>
    /// <param name="x">NHWC values.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="function">Function.</param>
    public static float[] Each(float[] x, int channels, PixelFunction function)
    {
        var y = new float[x.Length];
        Rows.Each(
            x.Length / channels,
            channels * 8L,
            64,
            (first, last) =>
            {
                for (int p = first; p < last; p++)
                    function(x.AsSpan(p * channels, channels), y.AsSpan(p * channels, channels));
            }
        );
        return y;
    }
}
