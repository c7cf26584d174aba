using System.Buffers.Binary;
using System.Runtime.InteropServices;
using AccelGen.Files;
using AccelGen.Network.Float;
using AccelGen.Onnx.Proto;

namespace AccelGen.Onnx;

/// <summary>A constant tensor of an ONNX graph: floats, or integers of any width as 64 bits.</summary>
internal sealed class OnnxTensor
{
    /// <summary>Elements a constant may have; a file that asks for more is refused, not obeyed.</summary>
    public const long MaxElements = 1L << 28;

    private OnnxTensor(long[] dims, float[]? floats, long[]? integers)
    {
        Dims = dims;
        Floats = floats;
        Integers = integers;
    }

    public long[] Dims { get; }

    /// <summary>Values of a float tensor, else null.</summary>
    public float[]? Floats { get; }

    /// <summary>Values of an integer tensor, else null.</summary>
    public long[]? Integers { get; }

    /// <summary>ONNX element type of the file; 1 or 7 for what was computed.</summary>
    public int Type { get; init; }

    /// <summary>Where the values are dequantised integers, the scale of each element, or one for all.</summary>
    public float[]? Scales { get; init; }

    /// <summary>Scale and zero point in int8 counts of dequantised bytes with one step, else null.</summary>
    public QuantizationParameters? Grid { get; init; }

    /// <summary>The integers that were dequantised, each as its distance from the zero point; null where one does not fit 32
    /// bits.</summary>
    public int[]? Counts { get; init; }

    public int Count => Floats?.Length ?? Integers!.Length;

    public static OnnxTensor Of(long[] dims, float[] values) => new(dims, values, null) { Type = 1 };

    public static OnnxTensor Of(long[] dims, long[] values, int type = 7) => new(dims, null, values) { Type = type };

    /// <summary>Dequantised integers: counts from the zero point times scales.</summary>
    /// <param name="dims">Sizes.</param>
    /// <param name="counts">Distance of each integer from its zero point.</param>
    /// <param name="scales">Scale of each, or one for all.</param>
    /// <param name="grid">Scale and zero point where one holds for all, or null.</param>
    public static OnnxTensor OfIntegers(long[] dims, long[] counts, float[] scales, QuantizationParameters? grid)
    {
        var floats = new float[counts.Length];
        var integers = new int[counts.Length];
        bool fit = true;
        for (int i = 0; i < counts.Length; i++)
        {
            floats[i] = counts[i] * scales[scales.Length == 1 ? 0 : i];
            integers[i] = (int)counts[i];
            fit &= integers[i] == counts[i];
        }

        return new OnnxTensor(dims, floats, null)
        {
            Type = 1,
            Scales = scales,
            Grid = grid,
            Counts = fit ? integers : null,
        };
    }

    /// <summary>Floats that are to be quantised so.</summary>
    public static OnnxTensor WithGrid(long[] dims, float[] values, QuantizationParameters? grid) =>
        new(dims, values, null) { Type = 1, Grid = grid };

    public OnnxTensor WithDims(long[] dims) =>
        new(dims, Floats, Integers)
        {
            Type = Type,
            Scales = Scales,
            Grid = Grid,
            Counts = Counts,
        };

    /// <summary>A tensor of some elements of this one.</summary>
    /// <param name="dims">Its sizes.</param>
    /// <param name="from">Index here of each of its elements.</param>
    public OnnxTensor Take(long[] dims, int[] from) =>
        new(dims, Floats is { } f ? [.. from.Select(i => f[i])] : null, Integers is { } n ? [.. from.Select(i => n[i])] : null)
        {
            Type = Type,
            Scales = Scales is { Length: > 1 } s ? [.. from.Select(i => s[i])] : Scales,
            Grid = Grid,
            Counts = Counts is { } c ? [.. from.Select(i => c[i])] : null,
        };

    /// <summary>Elements of a shape.</summary>
    /// <exception cref="InputException">A size is negative or the product too large.</exception>
    public static int CountOf(IEnumerable<long> dims)
    {
        long count = 1;
        foreach (long d in dims)
        {
            if (d < 0)
                throw new InputException(FaultCodes.Tensor, $"a size of [{string.Join(", ", dims)}] is negative");
            count = d == 0 ? 0 : checked(count * Math.Min(d, MaxElements + 1));
            if (count > MaxElements)
                throw new InputException(FaultCodes.Tensor, $"shape [{string.Join(", ", dims)}] has more than {MaxElements} elements");
        }

        return (int)count;
    }

    /// <summary>Reads a tensor of the file.</summary>
    /// <exception cref="InputException">The type is not supported, or the data do not match the shape.</exception>
    public static OnnxTensor Read(TensorProto t)
    {
        int count = CountOf(t.Dims);
        long[] dims = [.. t.Dims];
        if (t.DataLocation == 1 || t.ExternalData.Count > 0)
        {
            string location = t.ExternalData.FirstOrDefault(e => e.Key == "location")?.Value ?? "?";
            throw new InputException(
                FaultCodes.Tensor,
                string.Empty,
                $"the data are in the external file {location}",
                "store them inside the model"
            );
        }

        bool raw = !t.RawData.IsEmpty;
        ReadOnlySpan<byte> bytes = t.RawData.Span;
        int width = t.DataType switch
        {
            1 or 6 => 4,
            2 or 3 or 9 => 1,
            4 or 5 => 2,
            7 or 11 => 8,
            _ => throw new InputException(
                FaultCodes.Tensor,
                string.Empty,
                $"element type {TypeName(t.DataType)} is not supported",
                "supported are float, double, bool and integers: convert the model to float32"
            ),
        };
        int have = raw
            ? bytes.Length / width
            : t.DataType switch
            {
                1 => t.FloatData.Count,
                7 => t.Int64Data.Count,
                11 => t.DoubleData.Count,
                _ => t.Int32Data.Count,
            };
        if (have != count || (raw && bytes.Length % width != 0))
            throw new InputException(
                FaultCodes.Tensor,
                $"shape [{string.Join(", ", dims)}] needs {count} elements, the file holds "
                    + $"{(raw ? $"{bytes.Length} bytes" : $"{have}")}"
            );
        switch (t.DataType)
        {
            case 1:
                return Of(dims, raw ? MemoryMarshal.Cast<byte, float>(bytes).ToArray() : [.. t.FloatData]);
            case 11:
                var doubles = new float[count];
                for (int i = 0; i < count; i++)
                    doubles[i] = (float)(raw ? BinaryPrimitives.ReadDoubleLittleEndian(bytes[(i * 8)..]) : t.DoubleData[i]);
                return Of(dims, doubles);
            default:
                var integers = new long[count];
                for (int i = 0; i < count; i++)
                {
                    integers[i] = (raw, t.DataType) switch
                    {
                        (true, 2 or 9) => bytes[i],
                        (true, 3) => (sbyte)bytes[i],
                        (true, 4) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[(i * 2)..]),
                        (true, 5) => BinaryPrimitives.ReadInt16LittleEndian(bytes[(i * 2)..]),
                        (true, 6) => BinaryPrimitives.ReadInt32LittleEndian(bytes[(i * 4)..]),
                        (true, _) => BinaryPrimitives.ReadInt64LittleEndian(bytes[(i * 8)..]),
                        (false, 7) => t.Int64Data[i],
                        _ => t.Int32Data[i],
                    };
                }

                return Of(dims, integers, t.DataType);
        }
    }

    /// <summary>Name of an ONNX element type.</summary>
    public static string TypeName(int type) =>
        type switch
        {
            1 => "float",
            2 => "uint8",
            3 => "int8",
            4 => "uint16",
            5 => "int16",
            6 => "int32",
            7 => "int64",
            8 => "string",
            9 => "bool",
            10 => "float16",
            11 => "double",
            12 => "uint32",
            13 => "uint64",
            16 => "bfloat16",
            17 => "float8e4m3fn",
            18 => "float8e4m3fnuz",
            19 => "float8e5m2",
            20 => "float8e5m2fnuz",
            23 => "float4e2m1",
            21 => "uint4",
            22 => "int4",
            _ => $"number {type}",
        };
}
