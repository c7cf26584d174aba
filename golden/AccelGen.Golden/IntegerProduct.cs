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
    private const int TileColumns = 16;

    /// <summary>Rows that are multiplied at once.</summary>
    public const int BlockRows = 6;

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
        packed = GC.AllocateUninitializedArray<sbyte>(checked(tiles * steps * TileColumns * 4));
        start = new int[tiles * TileColumns];
        // Rows of a tile, in twos of steps.
        int rowBytes = (steps + 1) / 2 * 8;
        var rows = new sbyte[TileColumns * rowBytes];
        for (int tile = 0; tile < tiles; tile++)
        {
            int width = Math.Min(TileColumns, columns - (tile * TileColumns));
            for (int k = 0; k < width; k++)
                fill((tile * TileColumns) + k, rows.AsSpan(k * rowBytes, depth));
            rows.AsSpan(width * rowBytes).Clear();
            ref long source = ref Unsafe.As<sbyte, long>(ref MemoryMarshal.GetArrayDataReference(rows));
            ref int target = ref Unsafe.As<sbyte, int>(ref packed[(long)tile * steps * TileColumns * 4]);
            for (int i = 0; i < steps; i += 2, target = ref Unsafe.Add(ref target, 2 * TileColumns), source = ref Unsafe.Add(ref source, 1))
            {
                for (int k = 0; k < TileColumns; k++)
                {
                    long two = Unsafe.Add(ref source, k * rowBytes / 8);
                    Unsafe.Add(ref target, k) = (int)two;
                    if (i + 1 < steps)
                        Unsafe.Add(ref target, k + TileColumns) = (int)(two >> 32);
                }
            }
        }

        // Sums of weights are products with ones.
        var ones = new byte[RowBytes];
        Array.Fill(ones, (byte)1);
        Multiply(ones, 1, start, 0);
        foreach (ref int sum in start.AsSpan())
            sum *= -(zeroPoint + 128);
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
    public void Multiply(ReadOnlySpan<byte> rows, int count, Span<int> sums, int stride)
    {
        if (Instructions.Use(InstructionSets.AvxVnni))
            Multiply<FourProducts>(rows, count, sums, stride);
        else if (Instructions.Use(InstructionSets.Avx2))
            Multiply<PairsOfProducts>(rows, count, sums, stride);
        else
            Multiply<SingleProducts>(rows, count, sums, stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private unsafe void Multiply<T>(ReadOnlySpan<byte> rows, int count, Span<int> sums, int stride)
        where T : struct, IMultiplyAdd
    {
        int bytes = RowBytes;
        Span<int> partial = stackalloc int[BlockRows * TileColumns];
        fixed (byte* x = rows)
        fixed (sbyte* w = packed)
        fixed (int* y = sums)
        fixed (int* first = start)
        fixed (int* edge = partial)
        {
            for (int column = 0; column < columns; column += TileColumns)
            {
                sbyte* panel = w + ((long)column * steps * 4);
                int width = Math.Min(TileColumns, columns - column),
                    done = 0;
                while (done < count)
                {
                    // The last block goes over rows of the one before rather than row by row.
                    int row = count < BlockRows ? done : Math.Min(done, count - BlockRows),
                        height = count < BlockRows ? 1 : BlockRows;
                    int* to = width == TileColumns ? y + ((long)row * stride) + column : edge;
                    if (height == 1)
                        Single<T>(x + ((long)row * bytes), panel, first + column, to);
                    else
                        Block<T>(x + ((long)row * bytes), bytes, panel, first + column, to, width == TileColumns ? stride : TileColumns);
                    for (int i = 0; width < TileColumns && i < height; i++)
                        partial.Slice(i * TileColumns, width).CopyTo(sums[(((row + i) * stride) + column)..]);
                    done = row + height;
                }
            }
        }
    }

    // Compiled once, with all optimisation: a run of one network is over before the tiers have settled.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private unsafe void Block<T>(byte* x, int bytes, sbyte* w, int* first, int* y, int stride)
        where T : struct, IMultiplyAdd
    {
        Vector256<int> a0 = Vector256.Load(first),
            b0 = Vector256.Load(first + 8),
            a1 = a0,
            b1 = b0,
            a2 = a0,
            b2 = b0,
            a3 = a0,
            b3 = b0,
            a4 = a0,
            b4 = b0,
            a5 = a0,
            b5 = b0;
        byte* x3 = x + (3L * bytes);
        for (int i = 0; i < steps; i++, x += 4, x3 += 4, w += 64)
        {
            Vector256<sbyte> p = Vector256.Load(w),
                q = Vector256.Load(w + 32);
            Vector256<byte> v = Four(x);
            (a0, b0) = (T.MultiplyAdd(a0, v, p), T.MultiplyAdd(b0, v, q));
            v = Four(x + bytes);
            (a1, b1) = (T.MultiplyAdd(a1, v, p), T.MultiplyAdd(b1, v, q));
            v = Four(x + (2L * bytes));
            (a2, b2) = (T.MultiplyAdd(a2, v, p), T.MultiplyAdd(b2, v, q));
            v = Four(x3);
            (a3, b3) = (T.MultiplyAdd(a3, v, p), T.MultiplyAdd(b3, v, q));
            v = Four(x3 + bytes);
            (a4, b4) = (T.MultiplyAdd(a4, v, p), T.MultiplyAdd(b4, v, q));
            v = Four(x3 + (2L * bytes));
            (a5, b5) = (T.MultiplyAdd(a5, v, p), T.MultiplyAdd(b5, v, q));
        }

        Store(y, a0, b0);
        Store(y + stride, a1, b1);
        Store(y + (2L * stride), a2, b2);
        Store(y + (3L * stride), a3, b3);
        Store(y + (4L * stride), a4, b4);
        Store(y + (5L * stride), a5, b5);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private unsafe void Single<T>(byte* x, sbyte* w, int* first, int* y)
        where T : struct, IMultiplyAdd
    {
        Vector256<int> a = Vector256.Load(first),
            b = Vector256.Load(first + 8);
        for (int i = 0; i < steps; i++, x += 4, w += 64)
        {
            Vector256<byte> v = Four(x);
            a = T.MultiplyAdd(a, v, Vector256.Load(w));
            b = T.MultiplyAdd(b, v, Vector256.Load(w + 32));
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

    // Eight sums of four products each, added to others. A type per way, so that each loop is compiled for its own.
    private interface IMultiplyAdd
    {
        static abstract Vector256<int> MultiplyAdd(Vector256<int> sum, Vector256<byte> x, Vector256<sbyte> w);
    }

    private readonly struct FourProducts : IMultiplyAdd
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<int> MultiplyAdd(Vector256<int> sum, Vector256<byte> x, Vector256<sbyte> w) =>
            AvxVnni.MultiplyWideningAndAdd(sum, x, w);
    }

    private readonly struct PairsOfProducts : IMultiplyAdd
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<int> MultiplyAdd(Vector256<int> sum, Vector256<byte> x, Vector256<sbyte> w)
        {
            // Sums of two products saturate at 16 bits: the upper bit of x on its own keeps them below.
            Vector256<short> low = Avx2.MultiplyAddAdjacent(x & Vector256.Create((byte)127), w),
                high = Avx2.MultiplyAddAdjacent(Vector256.ShiftRightLogical(x.AsUInt16(), 7).AsByte() & Vector256.Create((byte)1), w);
            return sum
                + Avx2.MultiplyAddAdjacent(low, Vector256.Create((short)1))
                + Avx2.MultiplyAddAdjacent(high, Vector256.Create((short)128));
        }
    }

    private readonly struct SingleProducts : IMultiplyAdd
    {
        public static Vector256<int> MultiplyAdd(Vector256<int> sum, Vector256<byte> x, Vector256<sbyte> w)
        {
            Span<int> result = stackalloc int[8];
            for (int i = 0; i < 32; i++)
                result[i / 4] += x[i] * w[i];
            return sum + Vector256.Create<int>(result);
        }
    }

    /// <summary>Copies activations as <see cref="Multiply"/> reads them: plus 128.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Offset(ReadOnlySpan<sbyte> source, Span<byte> target)
    {
        int n = source.Length;
        ref byte from = ref Unsafe.As<sbyte, byte>(ref MemoryMarshal.GetReference(source)),
            to = ref MemoryMarshal.GetReference(target[..n]);
        // The last vector goes over bytes of the one before.
        if (n >= 32)
        {
            for (int i = 0; i < n - 32; i += 32)
                (Vector256.LoadUnsafe(ref from, (nuint)i) ^ Vector256.Create((byte)128)).StoreUnsafe(ref to, (nuint)i);
            (Vector256.LoadUnsafe(ref from, (nuint)(n - 32)) ^ Vector256.Create((byte)128)).StoreUnsafe(ref to, (nuint)(n - 32));
        }
        else if (n >= 16)
        {
            Vector128<byte> first = Vector128.LoadUnsafe(ref from),
                last = Vector128.LoadUnsafe(ref from, (nuint)(n - 16));
            (first ^ Vector128.Create((byte)128)).StoreUnsafe(ref to);
            (last ^ Vector128.Create((byte)128)).StoreUnsafe(ref to, (nuint)(n - 16));
        }
        else
        {
            for (int i = 0; i < n; i++)
                Unsafe.Add(ref to, i) = (byte)(Unsafe.Add(ref from, i) ^ 128);
        }
    }
}
