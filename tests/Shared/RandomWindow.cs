namespace AccelGen.Tests.Shared;

/// <summary>One axis of a random window: any kernel, stride, dilation and padding that leave at least one step.</summary>
/// <param name="Size">Pixels of the image.</param>
/// <param name="Kernel">Taps.</param>
/// <param name="Stride">Pixels from one step to the next.</param>
/// <param name="Dilation">Pixels from one tap to the next.</param>
/// <param name="Before">Padding before the first pixel.</param>
/// <param name="After">Padding behind the last.</param>
internal sealed record RandomWindow(int Size, int Kernel, int Stride, int Dilation, int Before, int After)
{
    /// <summary>Pixels that a window reaches over.</summary>
    public int Reach => ((Kernel - 1) * Dilation) + 1;

    /// <summary>Steps of the window over the padded image.</summary>
    public int Steps => ((Size + Before + After - Reach) / Stride) + 1;

    /// <summary>Padding that a window may lie in as a whole.</summary>
    public bool PaddedByKernel => Math.Max(Before, After) >= Kernel;

    /// <summary>Draws one: mostly small, sometimes one pixel, fields beyond 31, padding as large as the window or larger.</summary>
    /// <param name="random">Source.</param>
    /// <param name="most">Largest image.</param>
    /// <param name="pooling">Padding stays below the kernel and there is no dilation, as ONNX has it for pooling.</param>
    public static RandomWindow Draw(Random random, int most, bool pooling = false)
    {
        int size = random.Next(6) == 0 ? random.Next(1, 3) : random.Next(1, most + 1);
        int kernel = random.Next(16) == 0 ? random.Next(1, 41) : random.Next(1, 6),
            stride = random.Next(16) == 0 ? random.Next(1, 41) : random.Next(1, 4);
        int dilation = pooling || random.Next(3) != 0 ? 1
            : random.Next(16) == 0 ? random.Next(1, 41)
            : random.Next(1, 4),
            reach = ((kernel - 1) * dilation) + 1;
        // Less than the taps, as large as the window, larger, beyond every field; or what keeps the size.
        int limit = random.Next(10) switch
        {
            < 4 => kernel,
            < 7 => reach + 1,
            7 => (2 * reach) + 3,
            8 when random.Next(4) == 0 => 71,
            _ => 0,
        };
        (int before, int after) = limit == 0 ? ((reach - 1) / 2, reach / 2) : (random.Next(limit), random.Next(limit));
        if (pooling)
            (before, after) = (Math.Min(before, kernel - 1), Math.Min(after, kernel - 1));
        return new RandomWindow(Math.Max(size, reach - before - after), kernel, stride, dilation, before, after);
    }

    /// <summary>Draws rows and columns of an image that are not larger together than a test wants to wait for.</summary>
    /// <param name="random">Source.</param>
    /// <param name="most">Largest number of rows and of columns, but for windows that need more.</param>
    /// <param name="work">Most pixels, before or after, times taps.</param>
    /// <param name="pooling">As in <see cref="Draw(Random, int, bool)"/>.</param>
    public static (RandomWindow Rows, RandomWindow Columns) Draw(Random random, int most, long work, bool pooling = false)
    {
        while (true)
        {
            RandomWindow rows = Draw(random, most, pooling),
                columns = random.Next(3) == 0
                    ? Draw(random, most, pooling)
                    : Draw(random, most, pooling) with
                    {
                        Kernel = rows.Kernel,
                        Dilation = rows.Dilation,
                    };
            if (
                columns.Size + columns.Before + columns.After < columns.Reach
                || (pooling && Math.Max(columns.Before, columns.After) >= columns.Kernel)
            )
                columns = columns with { Kernel = 1, Before = pooling ? 0 : columns.Before, After = pooling ? 0 : columns.After };
            if (Math.Max((long)rows.Size * columns.Size, (long)rows.Steps * columns.Steps) * rows.Kernel * columns.Kernel <= work)
                return (rows, columns);
        }
    }
}
