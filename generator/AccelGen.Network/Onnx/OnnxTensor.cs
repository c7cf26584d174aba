using System.Buffers.Binary;
using System.Runtime.InteropServices;
using AccelGen.Network.Onnx.Proto;

namespace AccelGen.Network.Onnx;

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

    public int Count => Floats?.Length ?? Integers!.Length;

    public static OnnxTensor Of(long[] dims, float[] values) => new(dims, values, null);

    public static OnnxTensor Of(long[] dims, long[] values) => new(dims, null, values);

    public OnnxTensor WithDims(long[] dims) => new(dims, Floats, Integers);

    /// <summary>Elements of a shape.</summary>
    /// <exception cref="FormatException">A size is negative or the product too large.</exception>
    public static int CountOf(IEnumerable<long> dims)
    {
        long count = 1;
        foreach (long d in dims)
        {
            if (d < 0)
                throw new FormatException($"a size of [{string.Join(", ", dims)}] is negative");
            count = d == 0 ? 0 : checked(count * Math.Min(d, MaxElements + 1));
            if (count > MaxElements)
                throw new FormatException($"shape [{string.Join(", ", dims)}] has more than {MaxElements} elements");
        }

        return (int)count;
    }

    /// <summary>Reads a tensor of the file.</summary>
    /// <exception cref="FormatException">The type is not supported, or the data do not match the shape.</exception>
    public static OnnxTensor Read(TensorProto t)
    {
        int count = CountOf(t.Dims);
        long[] dims = [.. t.Dims];
        if (t.DataLocation == 1 || t.ExternalData.Count > 0)
        {
            string location = t.ExternalData.FirstOrDefault(e => e.Key == "location")?.Value ?? "?";
            throw new FormatException($"the data are in the external file {location}; store them inside the model");
        }

        bool raw = !t.RawData.IsEmpty;
        ReadOnlySpan<byte> bytes = t.RawData.Span;
        int width = t.DataType switch { 1 or 6 => 4, 2 or 3 or 9 => 1, 4 or 5 => 2, 7 or 11 => 8, _ => throw new FormatException($"element type {TypeName(t.DataType)} is not supported; supported are float, double, bool and integers: convert the model to float32") };
        int have = raw ? bytes.Length / width : t.DataType switch { 1 => t.FloatData.Count, 7 => t.Int64Data.Count, 11 => t.DoubleData.Count, _ => t.Int32Data.Count };
        if (have != count || (raw && bytes.Length % width != 0))
            throw new FormatException($"shape [{string.Join(", ", dims)}] needs {count} elements, the file holds {(raw ? $"{bytes.Length} bytes" : $"{have}")}");
        switch (t.DataType)
        {
            case 1:
                return Of(dims, Finite(raw ? MemoryMarshal.Cast<byte, float>(bytes).ToArray() : [.. t.FloatData]));
            case 11:
                var doubles = new float[count];
                for (int i = 0; i < count; i++)
                    doubles[i] = (float)(raw ? BinaryPrimitives.ReadDoubleLittleEndian(bytes[(i * 8)..]) : t.DoubleData[i]);
                return Of(dims, Finite(doubles));
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

                return Of(dims, integers);
        }
    }

    /// <summary>Name of an ONNX element type.</summary>
    public static string TypeName(int type) => type switch
    {
        1 => "float", 2 => "uint8", 3 => "int8", 4 => "uint16", 5 => "int16", 6 => "int32", 7 => "int64", 8 => "string", 9 => "bool",
        10 => "float16", 11 => "double", 12 => "uint32", 13 => "uint64", 16 => "bfloat16", 21 => "uint4", 22 => "int4", _ => $"number {type}",
    };

    private static float[] Finite(float[] values)
    {
        int bad = Array.FindIndex(values, v => !float.IsFinite(v));
        return bad < 0 ? values : throw new FormatException($"element {bad} is {values[bad]}; weights must be finite");
    }
}
