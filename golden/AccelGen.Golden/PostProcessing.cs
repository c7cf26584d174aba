using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using AccelGen.Network.Quantized;

namespace AccelGen.Golden;

/// <summary>What follows the sums: bias, requantisation, residual, zero point and clamp.</summary>
internal sealed class PostProcessing
{
    // Elements of one share, for threads.
    private const int ShareElements = 1 << 15;

    private readonly QuantizedLayer layer;
    private readonly TensorShape shape;
    private readonly int zero;
    private readonly Operand? residual;
    private readonly int keep;
    private readonly Factors[] factors;
    private readonly Func<int, int, int>? phase;
    private readonly long largestBias;

    /// <summary>Prepares a layer.</summary>
    /// <param name="layer">Clamp and residual.</param>
    /// <param name="shape">Shape of the sums.</param>
    /// <param name="zero">Zero point of the result.</param>
    /// <param name="residual">Residual operand, or null.</param>
    /// <param name="scales">One factor for all, one per phase, or one per channel, of one head or of all.</param>
    /// <param name="bias">Bias per channel, counted over all heads, or null.</param>
    /// <param name="phase">Index of the factor by row and column; null where there are no phases.</param>
    /// <param name="keep">Channels, counted over all heads, from here on are left at 0; null computes all.</param>
    public PostProcessing(QuantizedLayer layer, TensorShape shape, int zero, Operand? residual, FixedPointScale[] scales, int[]? bias = null, Func<int, int, int>? phase = null, int? keep = null)
    {
        this.layer = layer;
        this.shape = shape;
        this.zero = zero;
        this.residual = residual;
        this.keep = keep ?? int.MaxValue;
        this.phase = phase;
        int channels = shape.Channels;
        factors = phase is not null
            ? [.. scales.Select(s => new Factors(channels, _ => s, null))]
            : [.. Enumerable.Range(0, shape.Batch).Select(b => new Factors(channels, c => scales.Length == 1 ? scales[0] : scales[scales.Length == channels ? c : (b * channels) + c], bias?.AsSpan(b * channels, channels).ToArray()))];
        largestBias = bias is null ? 0 : Largest(bias);
        Result = new sbyte[shape.Elements];
    }

    /// <summary>What <see cref="Finish"/> has finished.</summary>
    public sbyte[] Result { get; }

    /// <summary>Finishes all sums, on several threads where it pays.</summary>
    public sbyte[] FinishAll(int[] sums)
    {
        int pixels = shape.Batch * shape.Height * shape.Width, share = Math.Max(1, ShareElements / shape.Channels);
        if (sums.Length <= ShareElements)
            Finish(0, pixels, sums);
        else
            Parallel.For(0, (pixels + share - 1) / share, s => Finish(s * share, Math.Min(share, pixels - (s * share)), sums.AsSpan(s * share * shape.Channels, Math.Min(share, pixels - (s * share)) * shape.Channels)));
        return Result;
    }

    /// <summary>Finishes pixels; calls for different pixels may come from different threads.</summary>
    /// <param name="first">First pixel, counted over batches.</param>
    /// <param name="count">Number of pixels.</param>
    /// <param name="sums">Their sums.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Finish(int first, int count, ReadOnlySpan<int> sums)
    {
        int channels = shape.Channels, perHead = shape.Height * shape.Width;
        // The vectors multiply 32 bits: sums and biases that could leave them go one by one.
        bool narrow = Avx2.IsSupported && channels >= 8 && Largest(sums) + largestBias <= int.MaxValue;
        for (int p = first; p < first + count;)
        {
            // Pixels of one head have the same factors, but for phases.
            int b = p / perHead, run = phase is null ? Math.Min(first + count, (b + 1) * perHead) - p : 1;
            Factors f = factors[phase is null ? b : phase(p % perHead / shape.Width, p % shape.Width)];
            Second second = residual is null ? default : layer.Residual!.Broadcast switch
            {
                Broadcast.Pixels => new Second(b * channels, 0, 1),
                Broadcast.Channels => new Second(p, 1, 0),
                _ => new Second(p * channels, channels, 1),
            };
            Pixels(f, run, sums.Slice((p - first) * channels, run * channels), Result.AsSpan(p * channels, run * channels), Math.Clamp(keep - (b * channels), 0, channels), second, narrow);
            p += run;
        }
    }

    // Where the residual's elements are: index at pixel 0 and channel 0, and steps from pixel to pixel and channel to channel.
    private readonly record struct Second(int At, int PixelStep, int ChannelStep);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Pixels(Factors factors, int count, ReadOnlySpan<int> sums, Span<sbyte> result, int kept, Second second, bool narrow)
    {
        int channels = shape.Channels, done = narrow ? kept / 8 * 8 : 0;
        for (int c = 0; c < done; c += 8)
        {
            if (Avx512F.IsSupported)
                Eight512(factors, c, count, sums, result, second);
            else
                Eight256(factors, c, count, sums, result, second);
        }

        for (int p = 0; p < count && done < kept; p++)
        {
            for (int c = done; c < kept; c++)
            {
                long y = zero + GoldenOperators.Requantize((long)sums[(p * channels) + c] + factors.Bias[c], factors.Scales[c]);
                if (residual is { } r)
                {
                    long term = GoldenOperators.Requantize(r.Values[second.At + (p * second.PixelStep) + (c * second.ChannelStep)] - r.ZeroPoint, layer.Residual!.Scale);
                    y += layer.Residual.Subtract ? -term : term;
                }

                result[(p * channels) + c] = (sbyte)Math.Clamp(y, layer.ClampLow, layer.ClampHigh);
            }
        }
    }

    // Eight channels of all pixels: their factors stay in registers.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Eight512(Factors factors, int channel, int count, ReadOnlySpan<int> sums, Span<sbyte> result, Second second)
    {
        nuint channels = (nuint)shape.Channels, at = (nuint)channel;
        ref int sum = ref MemoryMarshal.GetReference(sums);
        ref sbyte to = ref MemoryMarshal.GetReference(result);
        Vector256<int> bias = Vector256.LoadUnsafe(ref factors.Bias[channel]);
        Vector512<long> multiplier = Vector512.LoadUnsafe(ref factors.Multipliers[channel]), half = Vector512.LoadUnsafe(ref factors.Halves[channel]);
        Vector512<ulong> shift = Vector512.LoadUnsafe(ref factors.Shifts[channel]);
        Vector512<long> low = Vector512.Create((long)layer.ClampLow), high = Vector512.Create((long)layer.ClampHigh), offset = Vector512.Create((long)zero);
        if (residual is not { } r)
        {
            for (int p = 0; p < count; p++, at += channels)
                Store(ref to, at, Vector512.Min(Vector512.Max(Scaled(Vector256.LoadUnsafe(ref sum, at) + bias, multiplier, half, shift) + offset, low), high));
            return;
        }

        // -floor(v + 1/2) is floor(-v + 1/2) but on halves: the half becomes one unit less.
        (long m, long h, int s) = Factors.Parts(layer.Residual!.Scale);
        Vector512<long> multiplier2 = Vector512.Create(layer.Residual.Subtract ? -m : m), half2 = Vector512.Create(layer.Residual.Subtract ? h - 1 : h);
        Vector512<ulong> shift2 = Vector512.Create((ulong)s);
        Vector256<int> zero2 = Vector256.Create(r.ZeroPoint);
        ref sbyte other = ref r.Values[second.At + (channel * second.ChannelStep)];
        for (int p = 0; p < count; p++, at += channels)
        {
            ref sbyte u = ref Unsafe.Add(ref other, p * second.PixelStep);
            Vector256<int> v = second.ChannelStep == 0 ? Vector256.Create((int)u) : Avx2.ConvertToVector256Int32(Vector128.CreateScalar(Unsafe.ReadUnaligned<long>(ref Unsafe.As<sbyte, byte>(ref u))).AsSByte());
            Vector512<long> y = Scaled(Vector256.LoadUnsafe(ref sum, at) + bias, multiplier, half, shift) + offset + Scaled(v - zero2, multiplier2, half2, shift2);
            Store(ref to, at, Vector512.Min(Vector512.Max(y, low), high));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<long> Scaled(Vector256<int> v, Vector512<long> multiplier, Vector512<long> half, Vector512<ulong> shift) =>
        Avx512F.ShiftRightArithmeticVariable(Avx512F.Multiply(Avx512F.ConvertToVector512Int64(v).AsInt32(), multiplier.AsInt32()) + half, shift);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(ref sbyte to, nuint at, Vector512<long> y) =>
        Unsafe.WriteUnaligned(ref Unsafe.As<sbyte, byte>(ref Unsafe.Add(ref to, at)), Avx512F.ConvertToVector128SByte(y).AsInt64().ToScalar());

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Eight256(Factors factors, int channel, int count, ReadOnlySpan<int> sums, Span<sbyte> result, Second second)
    {
        Vector256<long> low = Vector256.Create((long)layer.ClampLow), high = Vector256.Create((long)layer.ClampHigh), offset = Vector256.Create((long)zero);
        bool subtract = layer.Residual is { Subtract: true };
        (long m, long h, int s) = Factors.Parts(layer.Residual?.Scale ?? default);
        int at = channel;
        for (int p = 0; p < count; p++, at += shape.Channels)
        {
            Vector256<int> v = Vector256.Create(sums.Slice(at, 8)) + Vector256.LoadUnsafe(ref factors.Bias[channel]);
            Vector256<long> first = factors.Apply(v, channel, 0) + offset, last = factors.Apply(v, channel, 4) + offset;
            if (residual is { } r)
            {
                ReadOnlySpan<sbyte> other = r.Values.AsSpan(second.At + (p * second.PixelStep) + (channel * second.ChannelStep));
                Vector256<int> u = (second.ChannelStep == 0 ? Vector256.Create((int)other[0]) : Avx2.ConvertToVector256Int32(Vector128.CreateScalar(MemoryMarshal.Read<long>(MemoryMarshal.AsBytes(other))).AsSByte())) - Vector256.Create(r.ZeroPoint);
                Vector256<long> e = Factors.Apply(u.GetLower(), Vector256.Create(m), Vector256.Create(h), Vector256.Create((ulong)s)), o = Factors.Apply(u.GetUpper(), Vector256.Create(m), Vector256.Create(h), Vector256.Create((ulong)s));
                (first, last) = subtract ? (first - e, last - o) : (first + e, last + o);
            }

            first = Vector256.Min(Vector256.Max(first, low), high);
            last = Vector256.Min(Vector256.Max(last, low), high);
            Vector256<short> halves = Vector256.Narrow(Vector256.Narrow(first, last), default);
            MemoryMarshal.Write(MemoryMarshal.AsBytes(result[at..]), Vector256.Narrow(halves, default).AsInt64().ToScalar());
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static long Largest(ReadOnlySpan<int> values)
    {
        ref int v = ref MemoryMarshal.GetReference(values);
        Vector256<int> low = default, high = default;
        int i = 0;
        for (; i + 8 <= values.Length; i += 8)
            (low, high) = (Vector256.Min(low, Vector256.LoadUnsafe(ref v, (nuint)i)), Vector256.Max(high, Vector256.LoadUnsafe(ref v, (nuint)i)));
        int smallest = 0, largest = 0;
        for (int k = 0; k < 8; k++)
            (smallest, largest) = (Math.Min(smallest, low.GetElement(k)), Math.Max(largest, high.GetElement(k)));
        for (; i < values.Length; i++)
            (smallest, largest) = (Math.Min(smallest, values[i]), Math.Max(largest, values[i]));
        return Math.Max(-(long)smallest, largest);
    }

    /// <summary>Factors and biases of a row of channels, padded to whole eights.</summary>
    private sealed class Factors
    {
        public Factors(int channels, Func<int, FixedPointScale> scale, int[]? bias)
        {
            int padded = (channels + 7) / 8 * 8;
            Bias = new int[padded];
            bias?.CopyTo(Bias, 0);
            Scales = new FixedPointScale[channels];
            (Multipliers, Halves, Shifts) = (new long[padded], new long[padded], new ulong[padded]);
            for (int c = 0; c < channels; c++)
            {
                Scales[c] = scale(c);
                (Multipliers[c], Halves[c], int shift) = Parts(Scales[c]);
                Shifts[c] = (ulong)shift;
            }
        }

        public int[] Bias { get; }

        public FixedPointScale[] Scales { get; }

        public long[] Multipliers { get; }

        public long[] Halves { get; }

        public ulong[] Shifts { get; }

        // Multiplier, half and shift; a shift of 58 or more leaves 0 of any 32-bit value.
        public static (long Multiplier, long Half, int Shift) Parts(FixedPointScale scale)
        {
            (long m, int s) = scale.Shift is 0 or >= 58 ? (0, 1) : (scale.Multiplier, scale.Shift);
            return (m, 1L << (s - 1), s);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector256<long> Apply(Vector256<int> v, int channel, int part) => Apply(part == 0 ? v.GetLower() : v.GetUpper(),
            Vector256.LoadUnsafe(ref Multipliers[channel + part]), Vector256.LoadUnsafe(ref Halves[channel + part]), Vector256.LoadUnsafe(ref Shifts[channel + part]));

        // floor((v * multiplier + half) / 2^shift): 2^62 makes the sum positive, so that a logical shift rounds down.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<long> Apply(Vector128<int> v, Vector256<long> multiplier, Vector256<long> half, Vector256<ulong> shift)
        {
            Vector256<long> above = Vector256.Create(1L << 62), sum = Avx2.Multiply(Avx2.ConvertToVector256Int64(v).AsInt32(), multiplier.AsInt32()) + half + above;
            return Avx2.ShiftRightLogicalVariable(sum, shift) - Avx2.ShiftRightLogicalVariable(above, shift);
        }
    }
}
