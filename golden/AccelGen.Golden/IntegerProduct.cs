using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace AccelGen.Golden;

/// <summary>
/// Matrix of int8 weights, packed for products with rows of int8 activations. Sums are exact: activations are taken as
/// x + 128 (unsigned), and 128 + zero point times the sum of a row's weights is subtracted.
/// </summary>
internal sealed class IntegerProduct
{
    // Columns of a tile: two vectors of eight 32-bit sums. Rows of a block: 6 x 2 sums, 2 weights and a broadcast fill 16 registers.
    private const int TileColumns = 16, BlockRows = 6;

    private readonly int columns;
    private readonly int steps;
    private readonly sbyte[] packed;
    private readonly int[] start;

    /// <summary>Packs weights.</summary>
    /// <param name="columns">Rows of weights: columns of the product.</param>
    /// <param name="depth">Weights per row.</param>
    /// <param name="zeroPoint">Zero point of the activations.</param>
    /// <param name="fill">Writes the weights of one row.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public IntegerProduct(int columns, int depth, int zeroPoint, FillRow fill)
    {
        this.columns = columns;
        steps = (depth + 3) / 4;
        int tiles = (columns + TileColumns - 1) / TileColumns;
        // [tile][step][column of the tile][4 weights]
        packed = new sbyte[(long)tiles * steps * TileColumns * 4];
        start = new int[tiles * TileColumns];
        Span<sbyte> row = new sbyte[steps * 4];
        Span<int> fours = MemoryMarshal.Cast<sbyte, int>(row), target = MemoryMarshal.Cast<sbyte, int>(packed.AsSpan());
        for (int k = 0; k < columns; k++)
        {
            fill(k, row[..depth]);
            int at = (k / TileColumns * steps * TileColumns) + (k % TileColumns), sum = 0;
            for (int i = 0; i < fours.Length; i++, at += TileColumns)
            {
                int four = target[at] = fours[i];
                sum += (sbyte)four + (sbyte)(four >> 8) + (sbyte)(four >> 16) + (four >> 24);
            }

            start[k] = -(zeroPoint + 128) * sum;
        }
    }

    /// <summary>Writes the weights of one row.</summary>
    public delegate void FillRow(int index, Span<sbyte> row);

    /// <summary>Bytes of one row of activations: the depth in whole steps of four.</summary>
    public int RowBytes => steps * 4;

    /// <summary>Multiplies rows of activations.</summary>
    /// <param name="rows">Rows of <see cref="RowBytes"/> activations, each plus 128; what exceeds the depth does not matter.</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="sums">Receives the sums.</param>
    /// <param name="stride">Distance of the sums of neighbouring rows.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public unsafe void Multiply(ReadOnlySpan<byte> rows, int count, Span<int> sums, int stride)
    {
        int bytes = RowBytes;
        Span<int> partial = stackalloc int[TileColumns];
        fixed (byte* x = rows)
        fixed (sbyte* w = packed)
        fixed (int* y = sums)
        fixed (int* first = start)
        fixed (int* edge = partial)
        {
            for (int tile = 0; tile * TileColumns < columns; tile++)
            {
                sbyte* panel = w + ((long)tile * steps * TileColumns * 4);
                int width = Math.Min(TileColumns, columns - (tile * TileColumns));
                int row = 0;
                for (; width == TileColumns && row + BlockRows <= count; row += BlockRows)
                    Block(x + ((long)row * bytes), bytes, panel, first + (tile * TileColumns), y + ((long)row * stride) + (tile * TileColumns), stride);
                for (; row < count; row++)
                {
                    int* to = width == TileColumns ? y + ((long)row * stride) + (tile * TileColumns) : edge;
                    Single(x + ((long)row * bytes), panel, first + (tile * TileColumns), to);
                    if (width < TileColumns)
                        partial[..width].CopyTo(sums[((row * stride) + (tile * TileColumns))..]);
                }
            }
        }
    }

    // Compiled once, with all optimisation: a run of one network is over before the tiers have settled.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private unsafe void Block(byte* x, int bytes, sbyte* w, int* first, int* y, int stride)
    {
        Vector256<int> a0 = Vector256.Load(first), b0 = Vector256.Load(first + 8), a1 = a0, b1 = b0, a2 = a0, b2 = b0, a3 = a0, b3 = b0, a4 = a0, b4 = b0, a5 = a0, b5 = b0;
        byte* x3 = x + (3L * bytes);
        for (int i = 0; i < steps; i++, x += 4, x3 += 4, w += 64)
        {
            Vector256<sbyte> p = Vector256.Load(w), q = Vector256.Load(w + 32);
            Vector256<byte> v = Four(x);
            (a0, b0) = (MultiplyAdd(a0, v, p), MultiplyAdd(b0, v, q));
            v = Four(x + bytes);
            (a1, b1) = (MultiplyAdd(a1, v, p), MultiplyAdd(b1, v, q));
            v = Four(x + (2L * bytes));
            (a2, b2) = (MultiplyAdd(a2, v, p), MultiplyAdd(b2, v, q));
            v = Four(x3);
            (a3, b3) = (MultiplyAdd(a3, v, p), MultiplyAdd(b3, v, q));
            v = Four(x3 + bytes);
            (a4, b4) = (MultiplyAdd(a4, v, p), MultiplyAdd(b4, v, q));
            v = Four(x3 + (2L * bytes));
            (a5, b5) = (MultiplyAdd(a5, v, p), MultiplyAdd(b5, v, q));
        }

        Store(y, a0, b0);
        Store(y + stride, a1, b1);
        Store(y + (2L * stride), a2, b2);
        Store(y + (3L * stride), a3, b3);
        Store(y + (4L * stride), a4, b4);
        Store(y + (5L * stride), a5, b5);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private unsafe void Single(byte* x, sbyte* w, int* first, int* y)
    {
        Vector256<int> a = Vector256.Load(first), b = Vector256.Load(first + 8);
        for (int i = 0; i < steps; i++, x += 4, w += 64)
        {
            Vector256<byte> v = Four(x);
            a = MultiplyAdd(a, v, Vector256.Load(w));
            b = MultiplyAdd(b, v, Vector256.Load(w + 32));
        }

        Store(y, a, b);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe Vector256<byte> Four(byte* x) => Vector256.Create(*(int*)x).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Store(int* y, Vector256<int> a, Vector256<int> b)
    {
        a.Store(y);
        b.Store(y + 8);
    }

    // Eight sums of four products each.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> MultiplyAdd(Vector256<int> sum, Vector256<byte> x, Vector256<sbyte> w)
    {
        if (AvxVnni.IsSupported)
            return AvxVnni.MultiplyWideningAndAdd(sum, x, w);
        if (Avx2.IsSupported)
        {
            // Sums of two products saturate at 16 bits: the upper bit of x on its own keeps them below.
            Vector256<short> low = Avx2.MultiplyAddAdjacent(x & Vector256.Create((byte)127), w), high = Avx2.MultiplyAddAdjacent(Vector256.ShiftRightLogical(x.AsUInt16(), 7).AsByte() & Vector256.Create((byte)1), w);
            return sum + Avx2.MultiplyAddAdjacent(low, Vector256.Create((short)1)) + Avx2.MultiplyAddAdjacent(high, Vector256.Create((short)128));
        }

        return Software(sum, x, w);
    }

    private static Vector256<int> Software(Vector256<int> sum, Vector256<byte> x, Vector256<sbyte> w)
    {
        Span<int> result = stackalloc int[8];
        for (int i = 0; i < 32; i++)
            result[i / 4] += x[i] * w[i];
        return sum + Vector256.Create<int>(result);
    }

    /// <summary>Copies activations as <see cref="Multiply"/> reads them: plus 128.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Offset(ReadOnlySpan<sbyte> source, Span<byte> target)
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(source);
        ref byte from = ref MemoryMarshal.GetReference(bytes), to = ref MemoryMarshal.GetReference(target);
        int i = 0;
        for (; i + 32 <= bytes.Length; i += 32)
            (Vector256.LoadUnsafe(ref from, (nuint)i) ^ Vector256.Create((byte)128)).StoreUnsafe(ref to, (nuint)i);
        for (; i < bytes.Length; i++)
            target[i] = (byte)(bytes[i] ^ 128);
    }
}
