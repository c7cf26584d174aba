namespace AccelGen.Data;

/// <summary>
/// Images drawn from a seed, for networks that come without data: slow waves of brightness, shapes with edges, and a little
/// noise, so that the spectrum is nearer to a photograph's than that of noise alone.
/// </summary>
public static class SyntheticImages
{
    private const int Waves = 5,
        Shapes = 24;

    /// <summary>An image as network input, NHWC.</summary>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="normalization">Mean and deviation per channel.</param>
    /// <param name="seed">Seed.</param>
    /// <param name="index">Number of the image; each is another.</param>
    public static float[] Create(int height, int width, int channels, Normalization normalization, int seed, int index)
    {
        var random = new Random(unchecked((seed * 1_000_003) + index));
        var values = new float[height * width * channels];
        for (int c = 0; c < channels; c++)
        {
            float middle = 64 + (random.NextSingle() * 128);
            (float Y, float X, float Phase, float Amplitude)[] waves =
            [
                .. Enumerable
                    .Range(0, Waves)
                    .Select(i =>
                        ((random.NextSingle() - 0.5f) * 8, (random.NextSingle() - 0.5f) * 8, random.NextSingle() * MathF.Tau, 50f / (i + 1))
                    ),
            ];
            for (int i = 0; i < height * width; i++)
            {
                float y = (float)(i / width) / height,
                    x = (float)(i % width) / width;
                values[(i * channels) + c] =
                    middle + waves.Sum(w => w.Amplitude * MathF.Cos((MathF.Tau * ((w.Y * y) + (w.X * x))) + w.Phase));
            }
        }

        for (int shape = 0; shape < Shapes; shape++)
        {
            (float cy, float cx) = (random.NextSingle() * height, random.NextSingle() * width);
            (float ry, float rx) = (Math.Max(1, random.NextSingle() * height / 5), Math.Max(1, random.NextSingle() * width / 5));
            bool ellipse = random.Next(2) == 0;
            float[] colour = [.. Enumerable.Range(0, channels).Select(_ => random.NextSingle() * 255)];
            for (int y = Math.Max(0, (int)(cy - ry)); y < Math.Min(height, cy + ry); y++)
            {
                for (int x = Math.Max(0, (int)(cx - rx)); x < Math.Min(width, cx + rx); x++)
                {
                    (float dy, float dx) = ((y - cy) / ry, (x - cx) / rx);
                    if (!ellipse || (dy * dy) + (dx * dx) <= 1)
                        colour.CopyTo(values, ((y * width) + x) * channels);
                }
            }
        }

        for (int i = 0; i < values.Length; i++)
        {
            float raw = MathF.Round(Math.Clamp(values[i] + ((random.NextSingle() - 0.5f) * 16), 0, 255));
            values[i] = ((raw / 255f) - normalization.Mean[i % channels]) / normalization.Std[i % channels];
        }

        return values;
    }
}
