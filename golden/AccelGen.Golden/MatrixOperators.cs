using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using AccelGen.Network.Quantized;

namespace AccelGen.Golden;

/// <summary>
/// Sums of the operators that multiply matrices. They are 32-bit; the largest that a layer can reach is
/// |x - z| * |w| * taps = 255 * 128 * taps, below 2^31 up to 65,793 taps; 255 * 255 * taps where both operands have a zero
/// point, up to 33,025 taps.
/// </summary>
public static class MatrixOperators
{
    /// <summary>Sums of a convolution, without bias: what ConvInteger computes. Heads are groups of channels, head-major.</summary>
    /// <param name="layer">Weights and attributes.</param>
    /// <param name="x">Input.</param>
    /// <param name="shape">Shape of the output.</param>
    /// <param name="keepInputChannels">Input channels from here on contribute nothing; null keeps all.</param>
    /// <param name="keepOutputChannels">Output channels from here on are left at 0; null computes all.</param>
    /// <exception cref="ArgumentException">Input channels are dropped from a grouped convolution.</exception>
    public static int[] Convolution(ConvLayer layer, Operand x, TensorShape shape, int? keepInputChannels = null, int? keepOutputChannels = null)
    {
        if (keepInputChannels is not null && layer.Groups != 1)
            throw new ArgumentException($"layer {layer.Name}: input channels cannot be dropped from a convolution with {layer.Groups} groups", nameof(keepInputChannels));
        TensorShape inShape = Merged(x.Shape), outShape = Merged(shape);
        sbyte[] input = Regroup(x.Values, x.Shape.Height * x.Shape.Width, x.Shape.Batch, x.Shape.Channels, merge: true);
        int inZeroPoint = x.ZeroPoint;
        int perGroup = inShape.Channels / layer.Groups, outPerGroup = outShape.Channels / layer.Groups;
        int used = Math.Min(keepInputChannels ?? perGroup, perGroup);
        int taps = layer.Kernel.Rows * layer.Kernel.Columns, depth = taps * used;
        int stride = (depth + 15) / 16 * 16;
        int outChannels = Math.Min(keepOutputChannels ?? outShape.Channels, outShape.Channels);

        // Weights as 16-bit rows of one output channel, in the order of the patch.
        short[] weights = new short[(outShape.Channels + 3) / 4 * 4 * stride];
        for (int k = 0; k < outShape.Channels; k++)
        {
            for (int t = 0; t < taps; t++)
            {
                for (int c = 0; c < used; c++)
                    weights[(k * stride) + (t * used) + c] = layer.Weights[(((k * taps) + t) * perGroup) + c];
            }
        }

        int[] sums = new int[outShape.Elements];
        short[] patch = new short[stride];
        for (int oy = 0; oy < outShape.Height; oy++)
        {
            for (int ox = 0; ox < outShape.Width; ox++)
            {
                int at = outShape.Index(0, oy, ox, 0);
                for (int group = 0; group < layer.Groups; group++)
                {
                    FillPatch(layer, inShape, inZeroPoint, input, patch, oy, ox, group * perGroup, used);
                    int first = group * outPerGroup;
                    int last = Math.Min(first + outPerGroup, outChannels);
                    Dots(weights, patch, stride, first, last, sums.AsSpan(at));
                }
            }
        }

        return Regroup(sums, shape.Height * shape.Width, shape.Batch, shape.Channels, merge: false);
    }

    /// <summary>Sums of a matrix product, <c>[B, M, K] x [B, N, K]^T</c>: what MatMulInteger computes.</summary>
    /// <param name="x">Left operand.</param>
    /// <param name="y">Right operand, transposed.</param>
    /// <param name="outShape">Shape of the output, [B, 1, M, N].</param>
    public static int[] MatMul(Operand x, Operand y, TensorShape outShape)
    {
        TensorShape inShape = x.Shape;
        int inZeroPoint = x.ZeroPoint;
        sbyte[] left = x.Values, right = y.Values;
        int depth = inShape.Channels, stride = (depth + 15) / 16 * 16, rows = inShape.Height * inShape.Width, columns = outShape.Channels;
        int[] sums = new int[outShape.Elements];
        short[] weights = new short[(columns + 3) / 4 * 4 * stride];
        short[] patch = new short[stride];
        for (int b = 0; b < inShape.Batch; b++)
        {
            for (int n = 0; n < columns; n++)
            {
                for (int c = 0; c < depth; c++)
                    weights[(n * stride) + c] = (short)(right[(((b * columns) + n) * depth) + c] - y.ZeroPoint);
            }

            for (int m = 0; m < rows; m++)
            {
                for (int c = 0; c < depth; c++)
                    patch[c] = (short)(left[(((b * rows) + m) * depth) + c] - inZeroPoint);
                Dots(weights, patch, stride, 0, columns, sums.AsSpan(((b * rows) + m) * columns));
            }
        }

        return sums;
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
                int split = ((h * pixels) + p) * channels, merged = ((p * heads) + h) * channels;
                Array.Copy(values, merge ? split : merged, result, merge ? merged : split, channels);
            }
        }

        return result;
    }

    private static void FillPatch(ConvLayer layer, TensorShape shape, int zeroPoint, sbyte[] input, short[] patch, int oy, int ox, int firstChannel, int channels)
    {
        int at = 0;
        for (int ky = 0; ky < layer.Kernel.Rows; ky++)
        {
            int y = (oy * layer.Stride.Rows) - layer.Padding.Top + (ky * layer.Dilation.Rows);
            for (int kx = 0; kx < layer.Kernel.Columns; kx++, at += channels)
            {
                int x = (ox * layer.Stride.Columns) - layer.Padding.Left + (kx * layer.Dilation.Columns);
                if (y < 0 || y >= shape.Height || x < 0 || x >= shape.Width)
                {
                    patch.AsSpan(at, channels).Clear();
                    continue;
                }

                ReadOnlySpan<sbyte> source = input.AsSpan(shape.Index(0, y, x, firstChannel), channels);
                for (int c = 0; c < channels; c++)
                    patch[at + c] = (short)(source[c] - zeroPoint);
            }
        }
    }

    // Dot products of the patch with the weight rows [first, last). |x| <= 255 and |w| <= 255, so that a sum of two
    // products fits 32 bits with room.
    private static void Dots(short[] weights, short[] patch, int stride, int first, int last, Span<int> sums)
    {
        if (!Avx2.IsSupported)
        {
            for (int k = first; k < last; k++)
            {
                int sum = 0;
                for (int i = 0; i < stride; i++)
                    sum += weights[(k * stride) + i] * patch[i];
                sums[k] = sum;
            }

            return;
        }

        ref short w = ref MemoryMarshal.GetArrayDataReference(weights);
        ref short x = ref MemoryMarshal.GetArrayDataReference(patch);
        int at = first;
        for (; at + 4 <= last; at += 4)
        {
            Vector256<int> s0 = default, s1 = default, s2 = default, s3 = default;
            nuint row = (nuint)(at * stride);
            for (nuint i = 0; i < (nuint)stride; i += 16)
            {
                Vector256<short> v = Vector256.LoadUnsafe(ref x, i);
                s0 += Avx2.MultiplyAddAdjacent(v, Vector256.LoadUnsafe(ref w, row + i));
                s1 += Avx2.MultiplyAddAdjacent(v, Vector256.LoadUnsafe(ref w, row + (nuint)stride + i));
                s2 += Avx2.MultiplyAddAdjacent(v, Vector256.LoadUnsafe(ref w, row + (nuint)(2 * stride) + i));
                s3 += Avx2.MultiplyAddAdjacent(v, Vector256.LoadUnsafe(ref w, row + (nuint)(3 * stride) + i));
            }

            sums[at] = Vector256.Sum(s0);
            sums[at + 1] = Vector256.Sum(s1);
            sums[at + 2] = Vector256.Sum(s2);
            sums[at + 3] = Vector256.Sum(s3);
        }

        for (; at < last; at++)
        {
            Vector256<int> s = default;
            for (nuint i = 0; i < (nuint)stride; i += 16)
                s += Avx2.MultiplyAddAdjacent(Vector256.LoadUnsafe(ref x, i), Vector256.LoadUnsafe(ref w, (nuint)(at * stride) + i));
            sums[at] = Vector256.Sum(s);
        }
    }
}
