using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using AccelGen.Network.Quantized;

namespace AccelGen.Golden;

/// <summary>
/// Int8 operators by their definition: no tiling, no buffers, no fixed-point tricks shared with the RTL. Tensors are
/// NHWC. Sums are 32-bit; the largest that a layer can reach is |x - z| * |w| * taps = 255 * 128 * taps, below 2^31 up to
/// 65,793 taps.
/// </summary>
public static class GoldenOperators
{
    /// <summary>Requantises by exact division: <c>floor(value * multiplier / 2^shift + 1/2)</c>.</summary>
    /// <param name="value">Sum with its bias, in accumulator counts.</param>
    /// <param name="scale">Factor.</param>
    public static long Requantize(long value, FixedPointScale scale)
    {
        // floor(n / d + 1/2) = floor((2 n + d) / (2 d)), with a division that rounds down.
        Int128 denominator = Int128.One << scale.Shift;
        Int128 numerator = (2 * (Int128)value * scale.Multiplier) + denominator;
        (Int128 quotient, Int128 remainder) = Int128.DivRem(numerator, 2 * denominator);
        return (long)(remainder < 0 ? quotient - 1 : quotient);
    }

    /// <summary>Convolution with bias, requantisation, optional residual and clamp.</summary>
    /// <param name="layer">Weights and attributes.</param>
    /// <param name="inShape">Shape of the input.</param>
    /// <param name="inZeroPoint">Zero point of the input.</param>
    /// <param name="input">Input elements.</param>
    /// <param name="outShape">Shape of the output.</param>
    /// <param name="outZeroPoint">Zero point of the output.</param>
    /// <param name="residual">Operand added, of the output's shape, or null.</param>
    /// <param name="residualZeroPoint">Zero point of the residual operand.</param>
    /// <param name="keepInputChannels">Input channels from here on contribute nothing; null keeps all.</param>
    /// <param name="keepOutputChannels">Output channels from here on are left at 0; null computes all.</param>
    /// <exception cref="ArgumentException">Input channels are dropped from a grouped convolution.</exception>
    public static sbyte[] Convolution(ConvLayer layer, TensorShape inShape, int inZeroPoint, sbyte[] input, TensorShape outShape, int outZeroPoint, sbyte[]? residual, int residualZeroPoint, int? keepInputChannels = null, int? keepOutputChannels = null)
    {
        int[] sums = ConvolutionAccumulators(layer, inShape, inZeroPoint, input, outShape, keepInputChannels, keepOutputChannels);
        return Finish(sums, outShape.Channels, keepOutputChannels, k => layer.Bias[k], k => layer.Scales[k], layer, outZeroPoint, residual, residualZeroPoint);
    }

    /// <summary>Raw sums of a convolution, without bias: what ConvInteger computes.</summary>
    /// <exception cref="ArgumentException">Input channels are dropped from a grouped convolution.</exception>
    public static int[] ConvolutionAccumulators(ConvLayer layer, TensorShape inShape, int inZeroPoint, sbyte[] input, TensorShape outShape, int? keepInputChannels = null, int? keepOutputChannels = null)
    {
        if (keepInputChannels is not null && layer.Groups != 1)
            throw new ArgumentException($"layer {layer.Name}: input channels cannot be dropped from a convolution with {layer.Groups} groups", nameof(keepInputChannels));
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
        for (int b = 0; b < outShape.Batch; b++)
        {
            for (int oy = 0; oy < outShape.Height; oy++)
            {
                for (int ox = 0; ox < outShape.Width; ox++)
                {
                    int at = outShape.Index(b, oy, ox, 0);
                    for (int group = 0; group < layer.Groups; group++)
                    {
                        FillPatch(layer, inShape, inZeroPoint, input, patch, b, oy, ox, group * perGroup, used);
                        int first = group * outPerGroup;
                        int last = Math.Min(first + outPerGroup, outChannels);
                        Dots(weights, patch, stride, first, last, sums.AsSpan(at));
                    }
                }
            }
        }

        return sums;
    }

    /// <summary>Product of two activations, <c>[B, M, K] x [B, N, K]^T</c>; the right operand has zero point 0.</summary>
    /// <param name="layer">Scale, clamp and names.</param>
    /// <param name="inShape">Shape of the left operand, [B, 1, M, K].</param>
    /// <param name="inZeroPoint">Zero point of the left operand.</param>
    /// <param name="left">Left operand.</param>
    /// <param name="right">Right operand, [B, 1, N, K].</param>
    /// <param name="outShape">Shape of the output, [B, 1, M, N].</param>
    /// <param name="outZeroPoint">Zero point of the output.</param>
    public static sbyte[] MatMul(MatMulLayer layer, TensorShape inShape, int inZeroPoint, sbyte[] left, sbyte[] right, TensorShape outShape, int outZeroPoint)
    {
        int[] sums = MatMulAccumulators(inShape, inZeroPoint, left, right, outShape);
        return Finish(sums, outShape.Channels, null, _ => 0, _ => layer.Scale, layer, outZeroPoint, null, 0);
    }

    /// <summary>Raw sums of a matrix product: what MatMulInteger computes.</summary>
    public static int[] MatMulAccumulators(TensorShape inShape, int inZeroPoint, sbyte[] left, sbyte[] right, TensorShape outShape)
    {
        int depth = inShape.Channels, stride = (depth + 15) / 16 * 16, rows = inShape.Height * inShape.Width, columns = outShape.Channels;
        int[] sums = new int[outShape.Elements];
        short[] weights = new short[(columns + 3) / 4 * 4 * stride];
        short[] patch = new short[stride];
        for (int b = 0; b < inShape.Batch; b++)
        {
            for (int n = 0; n < columns; n++)
            {
                for (int c = 0; c < depth; c++)
                    weights[(n * stride) + c] = right[(((b * columns) + n) * depth) + c];
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

    /// <summary>Average pooling: the sum of <c>x - zero point</c> over the window, requantised; padding adds nothing to the sum.</summary>
    public static sbyte[] AveragePool(AveragePoolLayer layer, TensorShape inShape, int inZeroPoint, sbyte[] input, TensorShape outShape, int outZeroPoint)
    {
        int[] sums = new int[outShape.Elements];
        for (int b = 0; b < outShape.Batch; b++)
        {
            for (int oy = 0; oy < outShape.Height; oy++)
            {
                for (int ox = 0; ox < outShape.Width; ox++)
                {
                    for (int c = 0; c < outShape.Channels; c++)
                    {
                        int sum = 0;
                        for (int ky = 0; ky < layer.Kernel.Rows; ky++)
                        {
                            int y = (oy * layer.Stride.Rows) - layer.Padding.Top + ky;
                            for (int kx = 0; kx < layer.Kernel.Columns; kx++)
                            {
                                int x = (ox * layer.Stride.Columns) - layer.Padding.Left + kx;
                                if (y >= 0 && y < inShape.Height && x >= 0 && x < inShape.Width)
                                    sum += input[inShape.Index(b, y, x, c)] - inZeroPoint;
                            }
                        }

                        sums[outShape.Index(b, oy, ox, c)] = sum;
                    }
                }
            }
        }

        return Finish(sums, outShape.Channels, null, _ => 0, _ => layer.Scale, layer, outZeroPoint, null, 0);
    }

    /// <summary>Sum of two tensors of one shape, each with its own factor.</summary>
    public static sbyte[] Add(AddLayer layer, TensorShape shape, int inZeroPoint, sbyte[] input, int outZeroPoint, sbyte[] residual, int residualZeroPoint)
    {
        int[] sums = new int[shape.Elements];
        for (int i = 0; i < sums.Length; i++)
            sums[i] = input[i] - inZeroPoint;
        return Finish(sums, shape.Channels, null, _ => 0, _ => layer.Scale, layer, outZeroPoint, residual, residualZeroPoint);
    }

    private static sbyte[] Finish(int[] sums, int channels, int? keep, Func<int, int> bias, Func<int, FixedPointScale> scale, QuantizedLayer layer, int outZeroPoint, sbyte[]? residual, int residualZeroPoint)
    {
        var result = new sbyte[sums.Length];
        int kept = Math.Min(keep ?? channels, channels);
        FixedPointScale[] scales = [.. Enumerable.Range(0, channels).Select(scale)];
        int[] biases = [.. Enumerable.Range(0, channels).Select(bias)];
        for (int pixel = 0; pixel < sums.Length; pixel += channels)
        {
            for (int k = 0; k < kept; k++)
            {
                long y = outZeroPoint + Requantize((long)sums[pixel + k] + biases[k], scales[k]);
                if (residual is not null)
                    y += Requantize(residual[pixel + k] - residualZeroPoint, layer.Residual!.Scale);
                result[pixel + k] = (sbyte)Math.Clamp(y, layer.ClampLow, layer.ClampHigh);
            }
        }

        return result;
    }

    private static void FillPatch(ConvLayer layer, TensorShape shape, int zeroPoint, sbyte[] input, short[] patch, int batch, int oy, int ox, int firstChannel, int channels)
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

                ReadOnlySpan<sbyte> source = input.AsSpan(shape.Index(batch, y, x, firstChannel), channels);
                for (int c = 0; c < channels; c++)
                    patch[at + c] = (short)(source[c] - zeroPoint);
            }
        }
    }

    // Dot products of the patch with the weight rows [first, last). |x| <= 255 and |w| <= 128, so that a sum of two
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
