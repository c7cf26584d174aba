using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace AccelGen.Golden;

/// <summary>
/// Weights of a depthwise convolution, packed for AVX-512: two taps of a channel are multiplied and added at once, in 16 by 16
/// to 32 bits. The zero point times the sum of a channel's weights is subtracted.
/// </summary>
internal sealed class DepthwiseProduct
{
    /// <summary>Stands for the place of a tap outside the image.</summary>
    public const int Outside = -1;

    // Channels of a block: two vectors of sixteen 32-bit sums.
    private const int BlockChannels = 32;

    private readonly int channels;
    private readonly int taps;
    private readonly short[] packed;
    private readonly int[] start;
    private readonly sbyte[] zeros;

    /// <summary>Packs weights.</summary>
    /// <param name="weights">Weights, taps of a channel side by side.</param>
    /// <param name="channels">Channels; <see cref="Supports"/> holds for them.</param>
    /// <param name="taps">Taps.</param>
    /// <param name="zeroPoint">Zero point of the activations.</param>
    public DepthwiseProduct(sbyte[] weights, int channels, int taps, int zeroPoint)
    {
        (this.channels, this.taps) = (channels, taps);
        int blocks = (channels + BlockChannels - 1) / BlockChannels,
            pairs = (taps + 1) / 2;
        // [block][pair of taps][channel in the order of the vectors][2 weights]
        packed = new short[blocks * pairs * BlockChannels * 2];
        start = new int[blocks * BlockChannels];
        zeros = new sbyte[channels];
        Array.Fill(zeros, (sbyte)zeroPoint);
        for (int i = 0; i < start.Length; i++)
        {
            int block = i / BlockChannels,
                channel = First(block) + Channel(i % BlockChannels);
            for (int t = 0; t < taps; t++)
            {
                sbyte w = weights[(channel * taps) + t];
                packed[(((((block * pairs) + (t / 2)) * BlockChannels) + (i % BlockChannels)) * 2) + (t % 2)] = w;
                start[i] -= zeroPoint * w;
            }
        }
    }

    /// <summary>Whether the instructions are in use, and the channels fill a block.</summary>
    public static bool Supports(int channels) => channels >= BlockChannels && Instructions.Use(InstructionSets.Avx512);

    /// <summary>Sums of a pixel.</summary>
    /// <param name="input">Activations.</param>
    /// <param name="sources">Index of the first channel for each tap, or <see cref="Outside"/>.</param>
    /// <param name="sums">Receives the sums.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public unsafe void Pixel(sbyte[] input, ReadOnlySpan<int> sources, Span<int> sums)
    {
        int pairs = (taps + 1) / 2;
        sbyte** at = stackalloc sbyte*[pairs * 2];
        fixed (
            sbyte* x = input,
                z = zeros
        )
        fixed (short* weights = packed)
        fixed (
            int* first = start,
                y = sums
        )
        {
            // A last tap on its own meets a weight of 0.
            at[(pairs * 2) - 1] = z;
            for (int t = 0; t < taps; t++)
                at[t] = sources[t] == Outside ? z : x + sources[t];
            short* w = weights;
            // Vectors hold channels 0-3, 8-11, 16-19, 24-27 and 4-7, 12-15, 20-23, 28-31, as unpacking leaves them.
            Vector512<int> lower = Vector512.Create(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23),
                upper = lower + Vector512.Create(8);
            for (int block = 0; block < start.Length / BlockChannels; block++)
            {
                int channel = First(block);
                Vector512<int> a = Vector512.Load(first + (block * BlockChannels)),
                    b = Vector512.Load(first + (block * BlockChannels) + 16);
                for (int t = 0; t < pairs * 2; t += 2, w += 2 * BlockChannels)
                {
                    Vector512<short> even = Avx512BW.ConvertToVector512Int16(Vector256.Load(at[t] + channel)),
                        odd = Avx512BW.ConvertToVector512Int16(Vector256.Load(at[t + 1] + channel));
                    a += Avx512BW.MultiplyAddAdjacent(Avx512BW.UnpackLow(even, odd), Vector512.Load(w));
                    b += Avx512BW.MultiplyAddAdjacent(Avx512BW.UnpackHigh(even, odd), Vector512.Load(w + BlockChannels));
                }

                Avx512F.PermuteVar16x32x2(a, lower, b).Store(y + channel);
                Avx512F.PermuteVar16x32x2(a, upper, b).Store(y + channel + 16);
            }
        }
    }

    // The last block goes over channels of the one before.
    private int First(int block) => Math.Min(block * BlockChannels, channels - BlockChannels);

    // Channel of a block at a place in its two vectors.
    private static int Channel(int place) => (place % 16 / 4 * 8) + (place % 4) + (place / 16 * 4);
}
