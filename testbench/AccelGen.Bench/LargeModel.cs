using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using AccelGen.Tests.Shared;
using CliWrap;
using CliWrap.Buffered;

namespace AccelGen.Bench;

/// <summary>
/// Time and memory that the command line takes for a large file: a vision transformer of random weights, its operators as
/// exporters write them.
/// </summary>
internal static class LargeModel
{
    private const int Size = 224, Patch = 16, Width = 512, Heads = 8, Depth = 9, Classes = 1000;

    // Tokens per image.
    private const int Tokens = Size / Patch * (Size / Patch);

    /// <summary>Bytes of the file are about four times this.</summary>
    public static long Parameters => (3L * Patch * Patch * Width) + (12L * Depth * Width * Width) + ((long)Width * Classes);

    /// <summary>Writes the file.</summary>
    public static int Write(string path)
    {
        var random = new Random(1);
        var writer = new OnnxModelWriter { OpsetVersion = 17 };
        int names = 0;
        writer.Input("image", OnnxModelWriter.Float, 1, 3, Size, Size);
        string x = Node("Conv", "image", Weights(1.0 / Patch, Width, 3, Patch, Patch), Weights(0.1, Width));
        writer.Ints("strides", Patch, Patch);
        x = Transpose(Reshape(x, 1, Width, Tokens), 0, 2, 1);
        x = Node("Add", x, Weights(0.5, 1, Tokens, Width));
        for (int block = 0; block < Depth; block++)
        {
            string y = Norm(x);
            string scores = Node("MatMul", Head(Linear(y, Width, Width), 0, 2, 1, 3), Head(Linear(y, Width, Width), 0, 2, 3, 1));
            scores = Node("Softmax", Node("Div", scores, Number(MathF.Sqrt(Width / Heads))));
            writer.Int("axis", -1);
            string context = Transpose(Node("MatMul", scores, Head(Linear(y, Width, Width), 0, 2, 1, 3)), 0, 2, 1, 3);
            x = Node("Add", Linear(Reshape(context, 1, Tokens, Width), Width, Width), x);
            string h = Linear(Norm(x), Width, 4 * Width);
            string gelu = Node("Mul", Node("Mul", h, Node("Add", Node("Erf", Node("Div", h, Number(MathF.Sqrt(2)))), Number(1))), Number(0.5f));
            x = Node("Add", Linear(gelu, 4 * Width, Width), x);
        }

        File.WriteAllBytes(path, writer.Build(Linear(Norm(x), Width, Classes)));
        return 0;

        string Node(string op, params string[] inputs)
        {
            string output = $"{op.ToLowerInvariant()}{names++}";
            writer.Node(op, inputs, output);
            return output;
        }

        string Weights(double scale, params long[] dims)
        {
            var values = new float[dims.Aggregate(1L, (p, d) => p * d)];
            foreach (ref float value in values.AsSpan())
                value = (float)(scale * ((2 * random.NextDouble()) - 1));
            string name = $"w{names++}";
            writer.Initializer(name, values, dims);
            return name;
        }

        string Number(float value)
        {
            string name = $"n{names++}";
            writer.Initializer(name, [value]);
            return name;
        }

        string Reshape(string t, params long[] dims)
        {
            string name = $"s{names++}";
            writer.Initializer(name, dims, dims.Length);
            return Node("Reshape", t, name);
        }

        string Transpose(string t, params long[] order)
        {
            string y = Node("Transpose", t);
            writer.Ints("perm", order);
            return y;
        }

        string Head(string t, params long[] order) => Transpose(Reshape(t, 1, Tokens, Heads, Width / Heads), order);
        string Linear(string t, int from, int to) => Node("Add", Node("MatMul", t, Weights(1.7 / Math.Sqrt(from), from, to)), Weights(0.1, to));
        string Norm(string t) => Node("LayerNormalization", t, Node("Add", Weights(0.3, Width), Number(1)), Weights(0.3, Width));
    }
}
