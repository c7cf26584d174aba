using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using AccelGen.Network.Quantized;

namespace AccelGen.Golden;

/// <summary>
/// Sums of the operators that multiply matrices. They are 32-bit; the largest that a layer can reach is
/// |x - z| * |w| * taps = 255 * 128 * taps, below 2^31 up to 65,793 taps; 255 * 255 * taps where both operands have a zero point, up to
/// 33,025. They do not depend on the order of addition, so
/// that rows of pixels may be shared out to threads.
/// </summary>
public static class MatrixOperators
{
    // Pixels of one share, and bytes of their patches and sums, which stay in the first two levels of cache. Products below which one
    // thread does it all.
    private const int SharePixels = 48,
        SharePatches = 24 << 10,
        ShareSums = 96 << 10;
    private const long SmallWork = 1 << 20;

    /// <summary>Receives sums of pixels, with all their channels, on any thread.</summary>
    /// <param name="first">First pixel, counted over batches.</param>
    /// <param name="count">Number of pixels.</param>
    /// <param name="sums">Sums of these pixels.</param>
    internal delegate void Receive(int first, int count, ReadOnlySpan<int> sums);

    private delegate void ShareOf(int first, int count, Span<byte> patches, Span<int> sums);

    /// <summary>Sums of a convolution, without bias: what ConvInteger computes. Heads are groups of channels, head-major.</summary>
    /// <param name="layer">Weights and attributes.</param>
    /// <param name="x">Input.</param>
    /// <param name="shape">Shape of the output.</param>
    /// <param name="keepInputChannels">Input channels from here on contribute nothing; null keeps all.</param>
    /// <exception cref="ArgumentException">Input channels are dropped from a grouped convolution.</exception>
    public static int[] Convolution(ConvLayer layer, Operand x, TensorShape shape, int? keepInputChannels = null)
    {
        int[] sums = new int[shape.Elements];
        int channels = shape.Batch * shape.Channels;
        Convolution(
            layer,
            x,
            shape,
            keepInputChannels,
            (first, count, part) => part.CopyTo(sums.AsSpan(first * channels, count * channels))
        );
        return Regroup(sums, shape.Height * shape.Width, shape.Batch, shape.Channels, merge: false);
    }

    /// <summary>The same, a few pixels at a time; the channels of all heads are those of one pixel.</summary>
    internal static void Convolution(ConvLayer layer, Operand x, TensorShape shape, int? keepInputChannels, Receive receive)
    {
        if (keepInputChannels is not null && layer.Groups != 1)
            throw new ArgumentException(
                $"layer {layer.Name}: input channels cannot be dropped from a convolution with {layer.Groups} groups",
                nameof(keepInputChannels)
            );
        TensorShape from = Merged(x.Shape),
            to = Merged(shape);
        sbyte[] input = Regroup(x.Values, x.Shape.Height * x.Shape.Width, x.Shape.Batch, x.Shape.Channels, merge: true);
        if (layer.Groups == from.Channels && layer.Groups == to.Channels)
            Depthwise(layer, from, x.ZeroPoint, input, to, receive);
        else
            Grouped(layer, from, x.ZeroPoint, input, to, keepInputChannels, receive);
    }

    /// <summary>Sums of a matrix product, <c>[B, M, K] x [B, N, K]^T</c>: what MatMulInteger computes.</summary>
    /// <param name="x">Left operand.</param>
    /// <param name="right">Right operand, transposed.</param>
    /// <param name="shape">Shape of the output, [B, 1, M, N].</param>
    public static int[] MatMul(Operand x, Operand right, TensorShape shape)
    {
        int[] sums = new int[shape.Elements];
        MatMul(x, right, shape, (first, count, part) => part.CopyTo(sums.AsSpan(first * shape.Channels, count * shape.Channels)));
        return sums;
    }

    /// <summary>The same, a few rows at a time.</summary>
    internal static void MatMul(Operand x, Operand right, TensorShape shape, Receive receive)
    {
        int depth = x.Shape.Channels,
            rows = x.Shape.Height * x.Shape.Width,
            columns = shape.Channels;
        for (int b = 0; b < x.Shape.Batch; b++)
        {
            int batch = b;
            var product = new IntegerProduct(
                columns,
                depth,
                x.ZeroPoint,
                (n, row) => right.Values.AsSpan(((batch * columns) + n) * depth, depth).CopyTo(row)
            );
            Share(
                rows,
                product.RowBytes,
                columns,
                (long)rows * columns * depth,
                (first, count, patches, sums) =>
                {
                    Rows(x.Values.AsSpan(((batch * rows) + first) * depth, count * depth), depth, patches, product.RowBytes);
                    product.Multiply(patches, count, sums, columns);
                    // sum (x - zx) (r - zr) = sum (x - zx) r - zr sum (x - zx)
                    for (int m = 0; m < count && right.ZeroPoint != 0; m++)
                    {
                        int total = 0;
                        foreach (sbyte value in x.Values.AsSpan(((batch * rows) + first + m) * depth, depth))
                            total += value - x.ZeroPoint;
                        Subtract(sums.Slice(m * columns, columns), right.ZeroPoint * total);
                    }

                    receive((batch * rows) + first, count, sums[..(count * columns)]);
                }
            );
        }
    }

    private static void Grouped(
        ConvLayer layer,
        TensorShape from,
        int zeroPoint,
        sbyte[] input,
        TensorShape to,
        int? keepInputChannels,
        Receive receive
    )
    {
        int perGroup = from.Channels / layer.Groups,
            outputs = to.Channels / layer.Groups,
            used = Math.Min(keepInputChannels ?? perGroup, perGroup);
        int taps = layer.Kernel.Rows * layer.Kernel.Columns,
            depth = taps * used;
        IntegerProduct[] products =
        [
            .. Enumerable
                .Range(0, layer.Groups)
                .Select(group => new IntegerProduct(
                    outputs,
                    depth,
                    zeroPoint,
                    (k, row) =>
                    {
                        Span<sbyte> weights = layer.Weights.AsSpan(((group * outputs) + k) * taps * perGroup, taps * perGroup);
                        if (used == perGroup)
                            weights.CopyTo(row);
                        for (int t = 0; t < taps && used < perGroup; t++)
                            weights.Slice(t * perGroup, used).CopyTo(row[(t * used)..]);
                    }
                )),
        ];
        // A 1x1 convolution reads its input as it lies.
        bool direct =
            layer is { Kernel: (1, 1), Stride: (1, 1), Padding: (0, 0, 0, 0) }
            && layer.Groups == 1
            && used == from.Channels
            && (from.Height, from.Width) == (to.Height, to.Width);
        Share(
            to.Height * to.Width,
            products[0].RowBytes,
            to.Channels,
            to.Elements * depth,
            (first, count, patches, sums) =>
            {
                for (int group = 0; group < layer.Groups; group++)
                {
                    if (direct)
                        Rows(input.AsSpan(first * used, count * used), used, patches, products[group].RowBytes);
                    for (int p = 0; p < count && !direct; p++)
                        FillPatch(
                            layer,
                            from,
                            (byte)(zeroPoint + 128),
                            input,
                            patches[(p * products[group].RowBytes)..],
                            (first + p) / to.Width,
                            (first + p) % to.Width,
                            group * perGroup,
                            used
                        );
                    products[group].Multiply(patches, count, sums[(group * outputs)..], to.Channels);
                }

                receive(first, count, sums[..(count * to.Channels)]);
            }
        );
    }

    private static void Depthwise(ConvLayer layer, TensorShape from, int zeroPoint, sbyte[] input, TensorShape to, Receive receive)
    {
        int channels = to.Channels,
            taps = layer.Kernel.Rows * layer.Kernel.Columns;
        DepthwiseProduct? product = DepthwiseProduct.Supports(channels)
            ? new DepthwiseProduct(layer.Weights, channels, taps, zeroPoint)
            : null;
        // [tap][channel], of 16 bits: a product of 9 and 8 bits fits.
        var weights = new short[product is null ? taps * channels : 0];
        for (int i = 0; i < layer.Weights.Length && product is null; i++)
            weights[(i % taps * channels) + (i / taps)] = layer.Weights[i];
        Share(
            to.Height * to.Width,
            0,
            channels,
            to.Elements * taps,
            (first, count, _, sums) =>
            {
                Span<int> sources = stackalloc int[taps],
                    rows = stackalloc int[taps];
                for (int p = first; p < first + count; p++)
                {
                    int used = 0,
                        top = (p / to.Width * layer.Stride.Rows) - layer.Padding.Top,
                        left = (p % to.Width * layer.Stride.Columns) - layer.Padding.Left;
                    for (int ky = 0; ky < layer.Kernel.Rows; ky++)
                    {
                        int y = top + (ky * layer.Dilation.Rows);
                        for (int kx = 0; kx < layer.Kernel.Columns; kx++)
                        {
                            int x = left + (kx * layer.Dilation.Columns);
                            bool inside = (uint)y < (uint)from.Height && (uint)x < (uint)from.Width;
                            if (product is not null)
                                sources[used++] = inside ? from.Index(0, y, x, 0) : DepthwiseProduct.Outside;
                            else if (inside)
                                (sources[used], rows[used++]) = (from.Index(0, y, x, 0), ((ky * layer.Kernel.Columns) + kx) * channels);
                        }
                    }

                    Span<int> pixel = sums.Slice((p - first) * channels, channels);
                    if (product is null)
                        DepthwisePixel(input, weights, zeroPoint, sources[..used], rows, pixel);
                    else
                        product.Pixel(input, sources, pixel);
                }

                receive(first, count, sums[..(count * channels)]);
            }
        );
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DepthwisePixel(
        sbyte[] input,
        short[] weights,
        int zeroPoint,
        ReadOnlySpan<int> sources,
        ReadOnlySpan<int> rows,
        Span<int> sums
    )
    {
        ref sbyte x = ref MemoryMarshal.GetArrayDataReference(input);
        ref short w = ref MemoryMarshal.GetArrayDataReference(weights);
        ref int y = ref MemoryMarshal.GetReference(sums);
        var zero = Vector256.Create((short)zeroPoint);
        int c = 0;
        for (; c + 16 <= sums.Length; c += 16)
        {
            Vector256<int> low = default,
                high = default;
            for (int t = 0; t < sources.Length; t++)
            {
                Vector128<sbyte> v = Vector128.LoadUnsafe(ref x, (nuint)(sources[t] + c));
                Vector256<short> product =
                    (Vector256.Create(Vector128.WidenLower(v), Vector128.WidenUpper(v)) - zero)
                    * Vector256.LoadUnsafe(ref w, (nuint)(rows[t] + c));
                low += Vector256.WidenLower(product);
                high += Vector256.WidenUpper(product);
            }

            low.StoreUnsafe(ref y, (nuint)c);
            high.StoreUnsafe(ref y, (nuint)(c + 8));
        }

        for (; c < sums.Length; c++)
        {
            int sum = 0;
            for (int t = 0; t < sources.Length; t++)
                sum += (input[sources[t] + c] - zeroPoint) * weights[rows[t] + c];
            sums[c] = sum;
        }
    }

    // Rows that lie side by side, as products read them.
    private static void Rows(ReadOnlySpan<sbyte> source, int depth, Span<byte> target, int rowBytes)
    {
        if (depth == rowBytes)
            IntegerProduct.Offset(source, target);
        for (int from = 0, to = 0; depth != rowBytes && from < source.Length; from += depth, to += rowBytes)
            IntegerProduct.Offset(source.Slice(from, depth), target[to..]);
    }

    private static void Subtract(Span<int> sums, int value)
    {
        foreach (ref Vector<int> vector in MemoryMarshal.Cast<int, Vector<int>>(sums))
            vector -= new Vector<int>(value);
        foreach (ref int sum in sums[(sums.Length / Vector<int>.Count * Vector<int>.Count)..])
            sum -= value;
    }

    // Calls share for all pixels, on several threads where it pays; each has room for the patches and sums of its pixels.
    private static void Share(int pixels, int rowBytes, int rowSums, long work, ShareOf share)
    {
        // Whole blocks of rows.
        int size = Math.Clamp(
            Math.Min(SharePatches / Math.Max(1, rowBytes), ShareSums / sizeof(int) / rowSums)
                / IntegerProduct.BlockRows
                * IntegerProduct.BlockRows,
            IntegerProduct.BlockRows,
            SharePixels
        );
        int shares = (pixels + size - 1) / size;
        if (work < SmallWork || shares == 1)
        {
            (byte[] patches, int[] sums) = Room();
            for (int s = 0; s < shares; s++)
                share(s * size, Math.Min(size, pixels - (s * size)), patches, sums);
            return;
        }

        Parallel.For(
            0,
            shares,
            Room,
            (s, _, room) =>
            {
                share(s * size, Math.Min(size, pixels - (s * size)), room.Patches, room.Sums);
                return room;
            },
            _ => { }
        );

        (byte[] Patches, int[] Sums) Room() =>
            (GC.AllocateUninitializedArray<byte>(size * rowBytes), GC.AllocateUninitializedArray<int>(size * rowSums));
    }

    private static TensorShape Merged(TensorShape s) => new(1, s.Height, s.Width, s.Batch * s.Channels);

    // [heads, pixels, channels] to [pixels, heads * channels], or back.
    private static T[] Regroup<T>(T[] values, int pixels, int heads, int channels, bool merge)
    {
        if (heads == 1)
            return values;
        var result = new T[values.Length];
        for (int h = 0; h < heads; h++)
        {
            for (int p = 0; p < pixels; p++)
            {
                int split = ((h * pixels) + p) * channels,
                    merged = ((p * heads) + h) * channels;
                Array.Copy(values, merge ? split : merged, result, merge ? merged : split, channels);
            }
        }

        return result;
    }

    // The taps of one output pixel side by side; those outside the image are zero points.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FillPatch(
        ConvLayer layer,
        TensorShape shape,
        byte zero,
        sbyte[] input,
        Span<byte> patch,
        int oy,
        int ox,
        int firstChannel,
        int channels
    )
    {
        int left = (ox * layer.Stride.Columns) - layer.Padding.Left,
            row = layer.Kernel.Columns * channels;
        // Neighbouring taps with all their channels lie side by side in the input as well.
        bool whole = channels == shape.Channels && layer.Dilation.Columns == 1 && left >= 0 && left + layer.Kernel.Columns <= shape.Width;
        for (int ky = 0; ky < layer.Kernel.Rows; ky++)
        {
            int y = (oy * layer.Stride.Rows) - layer.Padding.Top + (ky * layer.Dilation.Rows);
            Span<byte> target = patch.Slice(ky * row, row);
            if (y < 0 || y >= shape.Height)
            {
                target.Fill(zero);
            }
            else if (whole)
            {
                IntegerProduct.Offset(input.AsSpan(shape.Index(0, y, left, 0), row), target);
            }
            else
            {
                for (int kx = 0; kx < layer.Kernel.Columns; kx++)
                {
                    int x = left + (kx * layer.Dilation.Columns);
                    if (x < 0 || x >= shape.Width)
                        target.Slice(kx * channels, channels).Fill(zero);
                    else
                        IntegerProduct.Offset(input.AsSpan(shape.Index(0, y, x, firstChannel), channels), target[(kx * channels)..]);
                }
            }
        }
    }
}
