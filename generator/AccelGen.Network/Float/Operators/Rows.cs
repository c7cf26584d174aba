using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace AccelGen.Network.Float.Operators;

/// <summary>Work on rows, and the dot products of rows.</summary>
internal static class Rows
{
    // Work below which rows are not spread over threads.
    private const long ParallelWork = 1 << 17;

    /// <summary>Calls a body for runs of rows, on several threads where there is enough to do.</summary>
    /// <param name="count">Rows.</param>
    /// <param name="workPerRow">Operations per row.</param>
    /// <param name="run">Rows per call.</param>
    /// <param name="body">Called with the first row and the one after the last.</param>
    public static void Each(int count, long workPerRow, int run, Action<int, int> body)
    {
        int runs = (count + run - 1) / run;
        if (runs > 1 && count * workPerRow > ParallelWork)
            Parallel.For(0, runs, r => body(r * run, Math.Min(count, (r + 1) * run)));
        else
            body(0, count);
    }

    /// <summary>Dot products of every row of one matrix with every row of another, written to y[start + row * pitch + column].</summary>
    /// <param name="a">Matrix of the rows.</param>
    /// <param name="length">Elements of a row.</param>
    /// <param name="b">Matrix of the columns.</param>
    /// <param name="columns">Rows of <paramref name="b"/>.</param>
    /// <param name="y">Written.</param>
    /// <param name="start">Place of the first product.</param>
    /// <param name="pitch">Distance of the products of two rows.</param>
    public static void Products(ReadOnlySpan<float> a, int length, ReadOnlySpan<float> b, int columns, float[] y, int start, int pitch)
    {
        int rows = a.Length / length,
            wide = Vector<float>.Count,
            vectors = length / wide * wide;
        for (int column = 0; column < columns; column++)
        {
            ReadOnlySpan<float> w = b.Slice(column * length, length);
            ref float rw = ref MemoryMarshal.GetReference(w);
            int row = 0;
            // Four rows at a time share the loads of the weights.
            for (; row + 4 <= rows; row += 4)
            {
                ref float r0 = ref MemoryMarshal.GetReference(a[(row * length)..]);
                ref float r1 = ref MemoryMarshal.GetReference(a[((row + 1) * length)..]);
                ref float r2 = ref MemoryMarshal.GetReference(a[((row + 2) * length)..]);
                ref float r3 = ref MemoryMarshal.GetReference(a[((row + 3) * length)..]);
                Vector<float> s0 = default,
                    s1 = default,
                    s2 = default,
                    s3 = default;
                for (int i = 0; i < vectors; i += wide)
                {
                    Vector<float> v = Vector.LoadUnsafe(ref rw, (nuint)i);
                    s0 += v * Vector.LoadUnsafe(ref r0, (nuint)i);
                    s1 += v * Vector.LoadUnsafe(ref r1, (nuint)i);
                    s2 += v * Vector.LoadUnsafe(ref r2, (nuint)i);
                    s3 += v * Vector.LoadUnsafe(ref r3, (nuint)i);
                }

                float t0 = Vector.Sum(s0),
                    t1 = Vector.Sum(s1),
                    t2 = Vector.Sum(s2),
                    t3 = Vector.Sum(s3);
                for (int i = vectors; i < length; i++)
                {
                    float v = w[i];
                    t0 += v * a[(row * length) + i];
                    t1 += v * a[((row + 1) * length) + i];
                    t2 += v * a[((row + 2) * length) + i];
                    t3 += v * a[((row + 3) * length) + i];
                }

                int to = start + (row * pitch) + column;
                y[to] = t0;
                y[to + pitch] = t1;
                y[to + (2 * pitch)] = t2;
                y[to + (3 * pitch)] = t3;
            }

            for (; row < rows; row++)
                y[start + (row * pitch) + column] = TensorPrimitives.Dot(a.Slice(row * length, length), w);
        }
    }
}
