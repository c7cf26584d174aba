using System.Text;
using Microsoft.ML.OnnxRuntime;

namespace AccelGen.Tests.Shared;

/// <summary>Sessions of ONNX Runtime whose results may be compared: the same on every processor.</summary>
/// <remarks>
/// Its fast kernels for products of bytes add pairs of products in 16 bits where the processor has no instruction for four at
/// once. On x64 with AVX2 or AVX-512 but without VNNI, sums of unsigned activations by signed weights saturate, and an
/// optimised session makes such products of int8 activations too; on Arm without dot products, two products of -128 by -128
/// wrap. Unsigned by unsigned is exact everywhere. So a model with products has no signed bytes here; if it must, it is in QDQ
/// form and not optimised, which computes in float. The way to see the difference on a processor with VNNI: a copy of the
/// runtime's library whose CPUID instructions are replaced by an illegal one, and a preloaded handler of that signal that
/// answers without the feature bits.
/// </remarks>
internal static class ExactSession
{
    private const int Int8 = 3;

    // Parts of the names of operators that add products.
    private static readonly string[] Products = ["Conv", "MatMul", "Gemm", "Einsum", "Attention", "LSTM", "GRU"];

    // In float unless an optimiser joins them with the quantisation around them.
    private static readonly HashSet<string> FloatProducts = ["Conv", "ConvTranspose", "MatMul", "Gemm", "Einsum"];

    /// <summary>Opens a model whose results are compared with others.</summary>
    /// <param name="model">The file's bytes.</param>
    /// <param name="optimise">Lets the runtime rewrite the graph: QDQ pairs become integer operators.</param>
    /// <param name="alone">On one thread and without a word of its own: one of many at once, whose refusals are looked at.</param>
    /// <exception cref="ArgumentException">Results would depend on the processor.</exception>
    public static InferenceSession Open(byte[] model, bool optimise = true, bool alone = false)
    {
        Contents contents = Contents.Of(model);
        string? product = contents.Operators.FirstOrDefault(op => IsProduct(op) && (optimise || !FloatProducts.Contains(op)));
        if (contents.SignedBytes is string tensor && product is not null)
        {
            throw new ArgumentException(
                $"{tensor} is int8 and the model has {product}: on some processors the runtime's sums saturate; write "
                    + $"uint8, zero points 128 higher",
                nameof(model)
            );
        }

        using var options = new SessionOptions
        {
            GraphOptimizationLevel = optimise ? GraphOptimizationLevel.ORT_ENABLE_ALL : GraphOptimizationLevel.ORT_DISABLE_ALL,
            LogSeverityLevel = alone ? OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL : OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };
        if (alone)
            (options.IntraOpNumThreads, options.InterOpNumThreads) = (1, 1);
        return new InferenceSession(model, options);
    }

    /// <summary>Opens a model of any bytes on one thread, to take its time only: its results may be wrong.</summary>
    public static InferenceSession OpenForTiming(byte[] model)
    {
        using var options = new SessionOptions
        {
            IntraOpNumThreads = 1,
            InterOpNumThreads = 1,
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
        };
        return new InferenceSession(model, options);
    }

    private static bool IsProduct(string op) => Products.Any(p => op.Contains(p, StringComparison.Ordinal));

    /// <summary>
    /// What of a file decides: operators, and something of type int8. Read from the wire format of protocol buffers, with no
    /// code of ours.
    /// </summary>
    private sealed class Contents
    {
        // Field numbers of ONNX.
        private const int Graph = 7,
            Node = 1,
            Initializer = 5,
            GraphInput = 11,
            GraphOutput = 12;
        private const int OperatorType = 4,
            Attribute = 5,
            AttributeInteger = 3,
            AttributeTensor = 5,
            AttributeGraph = 6;
        private const int DataType = 2,
            TensorName = 8,
            ValueType = 2,
            TensorType = 1,
            ElementType = 1,
            Name = 1;

        public List<string> Operators { get; } = [];

        public string? SignedBytes { get; private set; }

        public static Contents Of(byte[] model)
        {
            var contents = new Contents();
            foreach (Field f in Field.Of(model).Where(f => f.Number == Graph))
                contents.ReadGraph(f.Bytes);
            return contents;
        }

        private void ReadGraph(ReadOnlyMemory<byte> graph)
        {
            foreach (Field f in Field.Of(graph))
            {
                if (f.Number == Node)
                    ReadNode(f.Bytes);
                else if (f.Number == Initializer)
                    ReadTensor(f.Bytes, "a constant");
                else if (f.Number is GraphInput or GraphOutput)
                    See(
                        f.Inside(ValueType).SelectMany(v => v.Inside(TensorType)).SelectMany(t => t.Inside(ElementType)),
                        f.Inside(Name),
                        "a value"
                    );
            }
        }

        private void ReadNode(ReadOnlyMemory<byte> node)
        {
            foreach (Field f in Field.Of(node))
            {
                if (f.Number == OperatorType)
                    Operators.Add(f.Text);
                if (f.Number != Attribute)
                    continue;
                if (f.Inside(Name).Any(n => n.Text == "output_dtype"))
                    See(f.Inside(AttributeInteger), [], "the result of QuantizeLinear");
                foreach (Field t in f.Inside(AttributeTensor))
                    ReadTensor(t.Bytes, "a constant");
                foreach (Field g in f.Inside(AttributeGraph))
                    ReadGraph(g.Bytes);
            }
        }

        private void ReadTensor(ReadOnlyMemory<byte> tensor, string otherwise)
        {
            Field[] fields = [.. Field.Of(tensor)];
            See(fields.Where(f => f.Number == DataType), fields.Where(f => f.Number == TensorName), otherwise);
        }

        private void See(IEnumerable<Field> type, IEnumerable<Field> name, string otherwise)
        {
            if (type.Any(t => t.Value == Int8))
                SignedBytes ??= name.Select(n => n.Text).FirstOrDefault(otherwise);
        }
    }

    /// <summary>A field of a message: a number, or bytes.</summary>
    private readonly record struct Field(int Number, ulong Value, ReadOnlyMemory<byte> Bytes)
    {
        public string Text => Encoding.UTF8.GetString(Bytes.Span);

        public IEnumerable<Field> Inside(int number) => Of(Bytes).Where(f => f.Number == number);

        public static IEnumerable<Field> Of(ReadOnlyMemory<byte> message)
        {
            int at = 0;
            while (at < message.Length)
            {
                ulong key = Varint(message.Span, ref at);
                (int number, int kind) = ((int)(key >> 3), (int)(key & 7));
                ulong value = kind is 0 or 2 ? Varint(message.Span, ref at) : 0;
                int length = kind switch
                {
                    0 => 0,
                    1 => 8,
                    2 => checked((int)value),
                    5 => 4,
                    _ => throw new InvalidDataException($"field {number} has wire type {kind}"),
                };
                yield return new Field(number, value, message.Slice(at, length));
                at += length;
            }
        }

        private static ulong Varint(ReadOnlySpan<byte> bytes, ref int at)
        {
            ulong value = 0;
            for (int shift = 0; ; shift += 7)
            {
                byte b = bytes[at++];
                value |= (ulong)(b & 0x7F) << shift;
                if (b < 0x80)
                    return value;
            }
        }
    }
}
