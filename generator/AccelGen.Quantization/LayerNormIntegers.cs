namespace AccelGen.Quantization;

/// <summary>Integers of a layer normalisation.</summary>
public static class LayerNormIntegers
{
    /// <summary>Epsilon of a layer normalisation in counts.</summary>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="scale">Scale of the input.</param>
    public static double Epsilon(float epsilon, int channels, double scale) =>
        Math.Round(epsilon * (double)channels * channels / (scale * scale));

    /// <summary>Factor, addend and shift of a channel of a layer normalisation, or null where they do not fit.</summary>
    /// <param name="gamma">Factor.</param>
    /// <param name="beta">Addend.</param>
    /// <param name="scale">Scale of the output.</param>
    public static (int Gamma, int Beta, int Shift)? Normal(float gamma, float beta, double scale)
    {
        // The normalised value has 12 fraction bits.
        double g = gamma / scale / (1 << 12),
            b = beta / scale;
        int s = 40;
        while (s > 1 && (Math.Abs(Math.Round(Math.ScaleB(g, s))) >= 1 << 23 || Math.Abs(Math.Round(Math.ScaleB(b, s))) > int.MaxValue))
            s--;
        return Math.Abs(Math.ScaleB(g, s)) < 1 << 23 && Math.Abs(Math.ScaleB(b, s)) <= int.MaxValue
            ? ((int)Math.Round(Math.ScaleB(g, s)), (int)Math.Round(Math.ScaleB(b, s)), s)
            : null;
    }
}
