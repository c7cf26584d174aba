using AccelGen.Files;

namespace AccelGen.Golden;

/// <summary>How often each class was taken for each class: what accuracy and intersections over unions are made of.</summary>
/// <param name="classes">Number of classes.</param>
public sealed class Confusion(int classes)
{
    private readonly long[] counts = new long[(long)classes * classes];

    /// <summary>Number of classes.</summary>
    public int Classes => classes;

    /// <summary>Samples counted.</summary>
    public long Samples => counts.Sum();

    /// <summary>Part of the samples that are right, or null when there is none.</summary>
    public double? Accuracy => Samples is > 0 and long all ? (double)Enumerable.Range(0, classes).Sum(c => this[c, c]) / all : null;

    /// <summary>Mean of the intersections over unions of the classes that occur, or null when none does.</summary>
    public double? MeanIntersectionOverUnion =>
        Enumerable.Range(0, classes).Select(IntersectionOverUnion).OfType<double>().ToArray() is { Length: > 0 } all ? all.Average() : null;

    /// <summary>Samples of a class that were taken for another, or the same.</summary>
    /// <param name="truth">Class that they are.</param>
    /// <param name="predicted">Class that they were taken for.</param>
    public long this[int truth, int predicted]
    {
        get => counts[(truth * classes) + predicted];
        set => counts[(truth * classes) + predicted] = value;
    }

    /// <summary>Intersection over union of a class: samples that are it and were taken for it, of those that are either; null when there is
    /// none.</summary>
    /// <param name="of">Class.</param>
    public double? IntersectionOverUnion(int of)
    {
        long both = this[of, of],
            union = -both;
        for (int c = 0; c < classes; c++)
            union += this[of, c] + this[c, of];
        return union == 0 ? null : (double)both / union;
    }

    /// <summary>Adds what another one counted.</summary>
    /// <param name="other">Of as many classes.</param>
    public void Add(Confusion other)
    {
        for (int i = 0; i < counts.Length; i++)
            counts[i] += other.counts[i];
    }

    /// <summary>Pairs that occur: index truth x classes + predicted, then how often.</summary>
    public long[] Sparse() => [.. Enumerable.Range(0, counts.Length).Where(i => counts[i] != 0).SelectMany(i => new[] { i, counts[i] })];

    /// <summary>From pairs that occur.</summary>
    /// <param name="classes">Number of classes.</param>
    /// <param name="pairs">What <see cref="Sparse"/> gave.</param>
    /// <exception cref="InputException">They are none.</exception>
    public static Confusion FromSparse(int classes, long[] pairs)
    {
        var confusion = new Confusion(classes);
        for (int i = 0; i < pairs.Length; i += 2)
        {
            if (i + 1 >= pairs.Length || pairs[i] < 0 || pairs[i] >= confusion.counts.Length || pairs[i + 1] < 0)
                throw new InputException(FaultCodes.Labels, "no pairs of classes and numbers");
            confusion.counts[pairs[i]] = pairs[i + 1];
        }

        return confusion;
    }

    /// <summary>Compares logits with a mask, by <see cref="Segment"/>.</summary>
    /// <param name="logits">[Height][Width][Channels], in any unit that all channels share.</param>
    /// <param name="height">Rows of the logits.</param>
    /// <param name="width">Columns of the logits.</param>
    /// <param name="mask">Class per pixel of the mask, row by row.</param>
    /// <param name="maskHeight">Rows of the mask.</param>
    /// <param name="maskWidth">Columns of the mask.</param>
    /// <param name="ignored">Mark of pixels that do not count.</param>
    public void AddSegmentation(
        ReadOnlySpan<float> logits,
        int height,
        int width,
        ReadOnlySpan<byte> mask,
        int maskHeight,
        int maskWidth,
        byte ignored
    )
    {
        byte[] found = Segment(logits, height, width, classes, maskHeight, maskWidth);
        for (int i = 0; i < found.Length; i++)
        {
            if (mask[i] != ignored)
                this[mask[i], found[i]]++;
        }
    }

    /// <summary>
    /// Classes of pixels from logits: they are resized bilinearly, pixel centres at half (as PyTorch with align_corners false
    /// does), and the class of the largest one is taken, the lowest where several are.
    /// </summary>
    /// <param name="logits">[Height][Width][Channels], in any unit that all channels share.</param>
    /// <param name="height">Rows of the logits.</param>
    /// <param name="width">Columns of the logits.</param>
    /// <param name="classes">Channels, at most 256.</param>
    /// <param name="rowsOut">Rows of the result.</param>
    /// <param name="columnsOut">Columns of the result.</param>
    public static byte[] Segment(ReadOnlySpan<float> logits, int height, int width, int classes, int rowsOut, int columnsOut)
    {
        byte[] result = new byte[rowsOut * columnsOut];
        Span<float> rows = new float[width * classes];
        for (int y = 0; y < rowsOut; y++)
        {
            (int top, int bottom, float down) = Between(y, rowsOut, height);
            ReadOnlySpan<float> a = logits.Slice(top * width * classes, width * classes),
                b = logits.Slice(bottom * width * classes, width * classes);
            for (int i = 0; i < rows.Length; i++)
                rows[i] = a[i] + (down * (b[i] - a[i]));
            for (int x = 0; x < columnsOut; x++)
            {
                (int left, int right, float across) = Between(x, columnsOut, width);
                ReadOnlySpan<float> l = rows.Slice(left * classes, classes),
                    r = rows.Slice(right * classes, classes);
                int best = 0;
                float most = float.NegativeInfinity;
                for (int c = 0; c < classes; c++)
                {
                    float value = l[c] + (across * (r[c] - l[c]));
                    if (value > most)
                        (best, most) = (c, value);
                }

                result[(y * columnsOut) + x] = (byte)best;
            }
        }

        return result;
    }

    private static (int Low, int High, float Part) Between(int at, int size, int of)
    {
        float place = Math.Max(0, ((at + 0.5f) * of / size) - 0.5f);
        int low = Math.Min((int)place, of - 1);
        return (low, Math.Min(low + 1, of - 1), place - low);
    }
}
