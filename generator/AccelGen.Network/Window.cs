namespace AccelGen.Network;

/// <summary>A window that goes over an image in steps, of a convolution or a pooling.</summary>
/// <param name="Kernel">Taps.</param>
/// <param name="Stride">Pixels from one window to the next, 1 or more.</param>
/// <param name="Dilation">Pixels from one tap to the next, 1 or more.</param>
/// <param name="Padding">Padding of the image.</param>
public readonly record struct Window(Size Kernel, Size Stride, Size Dilation, Padding Padding)
{
    /// <summary>A window without dilation.</summary>
    /// <param name="kernel">Taps.</param>
    /// <param name="stride">Pixels from one window to the next, 1 or more.</param>
    /// <param name="padding">Padding of the image.</param>
    public Window(Size kernel, Size stride, Padding padding)
        : this(kernel, stride, Size.One, padding) { }

    /// <summary>One tap on each pixel: the image keeps its size.</summary>
    public bool KeepsPixels => Kernel == Size.One && Stride == Size.One && Padding == default;

    /// <summary>Windows over an image: the size of the result. 0 where the kernel is larger than the padded image.</summary>
    /// <param name="image">Size of the image, without padding.</param>
    /// <param name="ceiling">A last window may reach beyond the padding, if it begins before its end (ceil_mode of ONNX).</param>
    public Size Over(Size image, bool ceiling = false) =>
        new(
            Count(image.Rows, Kernel.Rows, Stride.Rows, Dilation.Rows, Padding.Top, Padding.Bottom, ceiling),
            Count(image.Columns, Kernel.Columns, Stride.Columns, Dilation.Columns, Padding.Left, Padding.Right, ceiling)
        );

    /// <summary>The window with as much padding below and to the right as its last windows by <c>ceiling</c> reach.</summary>
    /// <param name="image">Size of the image, without padding.</param>
    public Window Ceiling(Size image)
    {
        Size steps = Over(image, ceiling: true),
            reach = Reach(image, steps);
        return this with
        {
            Padding = Padding with
            {
                Bottom = steps.Rows > 0 ? Math.Max(Padding.Bottom, reach.Rows) : Padding.Bottom,
                Right = steps.Columns > 0 ? Math.Max(Padding.Right, reach.Columns) : Padding.Right,
            },
        };
    }

    /// <summary>The window without the padding, below and to the right, that none of its windows reach.</summary>
    /// <param name="image">Size of the image, without padding.</param>
    /// <param name="steps">Windows.</param>
    public Window Trimmed(Size image, Size steps)
    {
        Size reach = Reach(image, steps);
        return this with
        {
            Padding = Padding with
            {
                Bottom = Math.Min(Padding.Bottom, Math.Max(0, reach.Rows)),
                Right = Math.Min(Padding.Right, Math.Max(0, reach.Columns)),
            },
        };
    }

    /// <summary>Size of an image that is resampled: whole output pixels only.</summary>
    /// <param name="image">Size of the image.</param>
    /// <param name="up">Output pixels per period.</param>
    /// <param name="down">Input pixels per period.</param>
    public static Size Resampled(Size image, Size up, Size down) =>
        new((int)((long)image.Rows * up.Rows / down.Rows), (int)((long)image.Columns * up.Columns / down.Columns));

    // Pixels behind the image that the last window covers; negative where it ends before the image does.
    private Size Reach(Size image, Size steps) =>
        new(
            ((steps.Rows - 1) * Stride.Rows) + ((Kernel.Rows - 1) * Dilation.Rows) + 1 - Padding.Top - image.Rows,
            ((steps.Columns - 1) * Stride.Columns) + ((Kernel.Columns - 1) * Dilation.Columns) + 1 - Padding.Left - image.Columns
        );

    private static int Count(int size, int kernel, int stride, int dilation, int before, int after, bool ceiling)
    {
        long free = (long)size + before + after - (((long)kernel - 1) * dilation) - 1;
        if (free < 0)
            return 0;
        long count = (free / stride) + 1;
        if (ceiling && free % stride > 0 && count * stride < (long)size + before)
            count++;
        return (int)count;
    }
}
