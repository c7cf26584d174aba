using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using AccelGen.Network.Quantized;

namespace AccelGen.Golden;

/// <summary>What follows the sums: bias, requantisation, residual, zero point and clamp.</summary>
internal sealed class PostProcessing
{
    // Bound of scaled sums and scaled residuals, so that both and a zero point stay within 32 bits.
    private const double Within32 = 1 << 29;

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
    private readonly double steepest;

    /// <summary>Prepares a layer.</summary>
    /// <param name="layer">Clamp and residual.</param>
    /// <param name="shape">Shape of the sums.</param>
    /// <param name="zero">Zero point of the result.</param>
    /// <param name="residual">Residual operand, or null.</param>
    /// <param name="scales">One factor for all, one per phase, or one per channel, of one head or of all.</param>
    /// <param name="bias">Bias per channel, counted over all heads, or null.</param>
    /// <param name="phase">Index of the factor by row and column; null where there are no phases.</param>
    /// <param name="keep">Channels, counted over all heads, from here on are left at 0; null computes all.</param>
    public PostProcessing(
        QuantizedLayer layer,
        TensorShape shape,
        int zero,
        Operand? residual,
        FixedPointScale[] scales,
        int[]? bias = null,
        Func<int, int, int>? phase = null,
        int? keep = null
    )
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
            :
            [
                .. Enumerable
                    .Range(0, shape.Batch)
                    .Select(b => new Factors(
                        channels,
                        c => scales.Length == 1 ? scales[0] : scales[scales.Length == channels ? c : (b * channels) + c],
                        bias?.AsSpan(b * channels, channels).ToArray()
                    )),
            ];
        largestBias = bias is null ? 0 : Largest(bias);
        steepest = factors.Max(f => f.Steepest);
        // 9 bits of a residual may leave 32 under a large factor.
        if (residual is not null && Math.ScaleB(layer.Residual!.Scale.Multiplier, -layer.Residual.Scale.Shift) * 255 >= Within32)
            steepest = double.PositiveInfinity;
        // Every element is written but those that a path drops.
        Result = keep is null ? GC.AllocateUninitializedArray<sbyte>(checked((int)shape.Elements)) : new sbyte[shape.Elements];
    }

    /// <summary>What <see cref="Finish"/> has finished.</summary>
    public sbyte[] Result { get; }

    /// <summary>Finishes all sums, on several threads where it pays.</summary>
    public sbyte[] FinishAll(int[] sums)
    {
        int pixels = shape.Batch * shape.Height * shape.Width,
            share = Math.Max(1, ShareElements / shape.Channels);
        if (sums.Length <= ShareElements)
            Finish(0, pixels, sums);
        else
            Parallel.For(
                0,
                (pixels + share - 1) / share,
                s =>
                    Finish(
                        s * share,
                        Math.Min(share, pixels - (s * share)),
                        sums.AsSpan(s * share * shape.Channels, Math.Min(share, pixels - (s * share)) * shape.Channels)
                    )
            );
        return Result;
    }

    /// <summary>Finishes pixels; calls for different pixels may come from different threads.</summary>
    /// <param name="first">First pixel, counted over batches.</param>
    /// <param name="count">Number of pixels.</param>
    /// <param name="sums">Their sums.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Finish(int first, int count, ReadOnlySpan<int> sums)
    {
        int channels = shape.Channels,
            perHead = shape.Height * shape.Width;
        // The vectors multiply 32 bits: sums and biases that could leave them go one by one. Small factors need no look at the sums.
        bool wide = Instructions.Use(InstructionSets.Avx512) && channels >= 16 && steepest * (int.MaxValue + 1.0 + largestBias) < Within32;
        long largest = !wide && Instructions.Use(InstructionSets.Avx2) && channels >= 8 ? Largest(sums) + largestBias : long.MaxValue;
        wide |= Instructions.Use(InstructionSets.Avx512) && channels >= 16 && steepest * largest < Within32;
        bool narrow = largest <= int.MaxValue;
        for (int p = first; p < first + count; )
        {
            // Pixels of one head have the same factors, but for phases.
            int b = p / perHead,
                run = phase is null ? Math.Min(first + count, (b + 1) * perHead) - p : 1;
            Factors f = factors[phase is null ? b : phase(p % perHead / shape.Width, p % shape.Width)];
            Second second = residual is null
                ? default
                : layer.Residual!.Broadcast switch
                {
                    Broadcast.Pixels => new Second(b * channels, 0, 1),
                    Broadcast.Channels => new Second(p, 1, 0),
                    _ => new Second(p * channels, channels, 1),
                };
            Pixels(
                f,
                run,
                sums.Slice((p - first) * channels, run * channels),
                Result.AsSpan(p * channels, run * channels),
                Math.Clamp(keep - (b * channels), 0, channels),
                second,
                wide,
                narrow
            );
            p += run;
        }
    }

    // Where the residual's elements are: index at pixel 0 and channel 0, and steps from pixel to pixel and channel to channel.
    private readonly record struct Second(int At, int PixelStep, int ChannelStep);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Pixels(
        Factors factors,
        int count,
        ReadOnlySpan<int> sums,
        Span<sbyte> result,
        int kept,
        Second second,
        bool wide,
        bool narrow
    )
    {
        int channels = shape.Channels,
            done = 0;
        for (; wide && done + 16 <= kept; done += 16)
            Sixteen(factors, done, count, sums, result, second);
        // The last vector goes over channels of the one before.
        if (wide && done > 0 && done < kept)
            Sixteen(factors, (done = kept) - 16, count, sums, result, second);
        for (; narrow && done + 8 <= kept; done += 8)
            Eight(factors, done, count, sums, result, second);

        for (int p = 0; p < count && done < kept; p++)
        {
            for (int c = done; c < kept; c++)
            {
                long y = zero + GoldenOperators.Requantize((long)sums[(p * channels) + c] + factors.Bias[c], factors.Scales[c]);
                if (residual is { } r)
                {
                    long term = GoldenOperators.Requantize(
                        r.Values[second.At + (p * second.PixelStep) + (c * second.ChannelStep)] - r.ZeroPoint,
                        layer.Residual!.Scale
                    );
                    y += layer.Residual.Subtract ? -term : term;
                }

                result[(p * channels) + c] = (sbyte)Math.Clamp(y, layer.ClampLow, layer.ClampHigh);
            }
        }
    }

    // Sixteen channels of all pixels: their factors stay in registers. Even and odd channels are multiplied apart, to 64 bits.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Sixteen(Factors factors, int channel, int count, ReadOnlySpan<int> sums, Span<sbyte> result, Second second)
    {
        nuint channels = (nuint)shape.Channels,
            at = (nuint)channel;
        ref int sum = ref MemoryMarshal.GetReference(sums);
        ref sbyte to = ref MemoryMarshal.GetReference(result);
        (Vector512<long> multiplier, Vector512<long> multiplierOdd) = EvenAndOdd(ref factors.Multipliers[channel]);
        (Vector512<long> half, Vector512<long> halfOdd) = EvenAndOdd(ref factors.BiasedHalves[channel]);
        (Vector512<long> shift, Vector512<long> shiftOdd) = EvenAndOdd(ref factors.Shifts[channel]);
        Vector512<int> low = Vector512.Create(layer.ClampLow),
            high = Vector512.Create(layer.ClampHigh),
            offset = Vector512.Create(zero);
        if (residual is not { } r)
        {
            for (int p = 0; p < count; p++, at += channels)
            {
                Vector512<int> y =
                    Scaled(Vector512.LoadUnsafe(ref sum, at), multiplier, multiplierOdd, half, halfOdd, shift, shiftOdd) + offset;
                Avx512F.ConvertToVector128SByte(Avx512F.Min(Avx512F.Max(y, low), high)).StoreUnsafe(ref to, at);
            }

            return;
        }

        (long m, long h, int s) = Factors.Parts(layer.Residual!.Scale);
        Vector512<long> multiplier2 = Vector512.Create(m),
            half2 = Vector512.Create(h),
            shift2 = Vector512.Create((long)s);
        Vector512<int> zero2 = Vector512.Create(r.ZeroPoint);
        ref sbyte other = ref r.Values[second.At + (channel * second.ChannelStep)];
        for (int p = 0; p < count; p++, at += channels)
        {
            ref sbyte u = ref Unsafe.Add(ref other, p * second.PixelStep);
            Vector512<int> v =
                second.ChannelStep == 0 ? Vector512.Create((int)u) : Avx512F.ConvertToVector512Int32(Vector128.LoadUnsafe(ref u));
            Vector512<int> term = Scaled(v - zero2, multiplier2, multiplier2, half2, half2, shift2, shift2);
            Vector512<int> y =
                Scaled(Vector512.LoadUnsafe(ref sum, at), multiplier, multiplierOdd, half, halfOdd, shift, shiftOdd) + offset;
            y = layer.Residual.Subtract ? y - term : y + term;
            Avx512F.ConvertToVector128SByte(Avx512F.Min(Avx512F.Max(y, low), high)).StoreUnsafe(ref to, at);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<long> Even, Vector512<long> Odd) EvenAndOdd(ref long sixteen)
    {
        Vector512<long> first = Vector512.LoadUnsafe(ref sixteen),
            last = Vector512.LoadUnsafe(ref sixteen, 8);
        return (
            Avx512F.PermuteVar8x64x2(first, Vector512.Create(0L, 2, 4, 6, 8, 10, 12, 14), last),
            Avx512F.PermuteVar8x64x2(first, Vector512.Create(1L, 3, 5, 7, 9, 11, 13, 15), last)
        );
    }

    // Results fit 32 bits: the caller has bounded them.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Scaled(
        Vector512<int> v,
        Vector512<long> multiplier,
        Vector512<long> multiplierOdd,
        Vector512<long> half,
        Vector512<long> halfOdd,
        Vector512<long> shift,
        Vector512<long> shiftOdd
    )
    {
        Vector512<long> even = Avx512F.ShiftRightArithmeticVariable(Avx512F.Multiply(v, multiplier.AsInt32()) + half, shift.AsUInt64());
        Vector512<long> odd = Avx512F.ShiftRightArithmeticVariable(
            Avx512F.Multiply((v.AsInt64() >>> 32).AsInt32(), multiplierOdd.AsInt32()) + halfOdd,
            shiftOdd.AsUInt64()
        );
        return Avx512F.PermuteVar16x32x2(
            even.AsInt32(),
            Vector512.Create(0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30),
            odd.AsInt32()
        );
    }

    // Eight channels of all pixels.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Eight(Factors factors, int channel, int count, ReadOnlySpan<int> sums, Span<sbyte> result, Second second)
    {
        Vector256<long> low = Vector256.Create((long)layer.ClampLow),
            high = Vector256.Create((long)layer.ClampHigh),
            offset = Vector256.Create((long)zero);
        bool subtract = layer.Residual is { Subtract: true };
        (long m, long h, int s) = Factors.Parts(layer.Residual?.Scale ?? default);
        int at = channel;
        for (int p = 0; p < count; p++, at += shape.Channels)
        {
            Vector256<int> v = Vector256.Create(sums.Slice(at, 8)) + Vector256.LoadUnsafe(ref factors.Bias[channel]);
            Vector256<long> first = factors.Apply(v, channel, 0) + offset,
                last = factors.Apply(v, channel, 4) + offset;
            if (residual is { } r)
            {
                ReadOnlySpan<sbyte> other = r.Values.AsSpan(second.At + (p * second.PixelStep) + (channel * second.ChannelStep));
                Vector256<int> u =
                    (
                        second.ChannelStep == 0
                            ? Vector256.Create((int)other[0])
                            : Avx2.ConvertToVector256Int32(
                                Vector128.CreateScalar(MemoryMarshal.Read<long>(MemoryMarshal.AsBytes(other))).AsSByte()
                            )
                    ) - Vector256.Create(r.ZeroPoint);
                Vector256<long> e = Factors.Apply(u.GetLower(), Vector256.Create(m), Vector256.Create(h), Vector256.Create((ulong)s)),
                    o = Factors.Apply(u.GetUpper(), Vector256.Create(m), Vector256.Create(h), Vector256.Create((ulong)s));
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
        Vector256<int> low = default,
            high = default;
        int i = 0;
        for (; i + 8 <= values.Length; i += 8)
            (low, high) = (
                Vector256.Min(low, Vector256.LoadUnsafe(ref v, (nuint)i)),
                Vector256.Max(high, Vector256.LoadUnsafe(ref v, (nuint)i))
            );
        int smallest = 0,
            largest = 0;
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
            (Multipliers, Halves, BiasedHalves, Shifts) = (new long[padded], new long[padded], new long[padded], new long[padded]);
            for (int c = 0; c < channels; c++)
            {
                Scales[c] = scale(c);
                (Multipliers[c], Halves[c], int shift) = Parts(Scales[c]);
                Shifts[c] = shift;
                BiasedHalves[c] = (Bias[c] * Multipliers[c]) + Halves[c];
                Steepest = Math.Max(Steepest, Math.ScaleB(Multipliers[c], -shift));
            }
        }

        public int[] Bias { get; }

        public FixedPointScale[] Scales { get; }

        public long[] Multipliers { get; }

        public long[] Halves { get; }

        // (v + bias) * multiplier + half is v * multiplier + this.
        public long[] BiasedHalves { get; }

        public long[] Shifts { get; }

        // The largest factor.
        public double Steepest { get; }

        // Multiplier, half and shift; a shift of 58 or more leaves 0 of any 32-bit value.
        public static (long Multiplier, long Half, int Shift) Parts(FixedPointScale scale)
        {
            (long m, int s) = scale.Shift is 0 or >= 58 ? (0, 1) : (scale.Multiplier, scale.Shift);
            return (m, 1L << (s - 1), s);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector256<long> Apply(Vector256<int> v, int channel, int part) =>
            Apply(
                part == 0 ? v.GetLower() : v.GetUpper(),
                Vector256.LoadUnsafe(ref Multipliers[channel + part]),
                Vector256.LoadUnsafe(ref Halves[channel + part]),
                Vector256.LoadUnsafe(ref Shifts[channel + part]).AsUInt64()
            );

        // floor((v * multiplier + half) / 2^shift): 2^62 makes the sum positive, so that a logical shift rounds down.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<long> Apply(Vector128<int> v, Vector256<long> multiplier, Vector256<long> half, Vector256<ulong> shift)
        {
            Vector256<long> above = Vector256.Create(1L << 62),
                sum = Avx2.Multiply(Avx2.ConvertToVector256Int64(v).AsInt32(), multiplier.AsInt32()) + half + above;
            return Avx2.ShiftRightLogicalVariable(sum, shift) - Avx2.ShiftRightLogicalVariable(above, shift);
        }
    }
}
