using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using AccelGen.Tests.Shared;

namespace AccelGen.Bench;

/// <summary>
/// Time and memory that the command line takes for a large file: a vision transformer of random weights, its operators as
/// exporters write them.
/// </summary>
internal static class LargeModel
{
    private const int Size = 224,
        Patch = 4,
        Stem = 64,
        Width = 512,
        Heads = 8,
        Depth = 9,
        Classes = 1000;

    // Tokens per image: two convolutions make them.
    private const int Tokens = Size / Patch / Patch * (Size / Patch / Patch);

    /// <summary>Runs the steps of the command line, each a process; memory is the largest that was seen in it.</summary>
    /// <param name="folder">Folder for the files.</param>
    /// <returns>Name of the step, seconds and bytes.</returns>
    public static IEnumerable<(string Step, double Seconds, long Bytes)> Steps(string folder)
    {
        string model = Path.Combine(folder, "large.onnx"),
            images = Path.Combine(folder, "images"),
            network = Path.Combine(folder, "large.json");
        Write(model);
        Directory.CreateDirectory(images);
        for (int i = 0; i < 2; i++)
            File.WriteAllBytes(Path.Combine(images, $"{i}.bmp"), Noise(new Random(i)));
        string size = $"float ONNX file of {new FileInfo(model).Length / 1e6:F0} MB";
        yield return Step($"import of a {size}", "import", model);
        yield return Step("quantisation of it by 2 images", "quantize", model, "--calibrate", images, "--out", network);
        yield return Step("compilation of it for base", "explain", network);
    }

    private static (string Step, double Seconds, long Bytes) Step(string step, params string[] arguments)
    {
        string program = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../AccelGen.Cli/release/accelgen.dll"));
        long started = Stopwatch.GetTimestamp(),
            peak = 0;
        using Process process = Process.Start(new ProcessStartInfo("dotnet", [program, .. arguments]) { RedirectStandardOutput = true })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        // The kernel keeps the peak; only one of the last moments can be missed.
        while (!process.WaitForExit(10))
            peak = Math.Max(peak, Peak(process.Id));
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        return process.ExitCode == 0
            ? (step, seconds, peak)
            : throw new InvalidOperationException($"accelgen {string.Join(' ', arguments)} ends with {process.ExitCode}: {output.Result}");
    }

    private static long Peak(int process)
    {
        try
        {
            string? line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null
                ? 0
                : 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            // It has ended.
            return 0;
        }
    }

    // A bitmap of 24 bits per pixel.
    private static byte[] Noise(Random random)
    {
        byte[] file = new byte[54 + (Size * Size * 3)];
        random.NextBytes(file.AsSpan(54));
        "BM"u8.CopyTo(file);
        foreach (
            (int at, int value) in new[]
            {
                (2, file.Length),
                (10, 54),
                (14, 40),
                (18, Size),
                (22, Size),
                (26, 1 | (24 << 16)),
                (34, file.Length - 54),
            }
        )
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at), value);
        return file;
    }

    private static void Write(string path)
    {
        var random = new Random(1);
        var writer = new OnnxModelWriter { OpsetVersion = 17 };
        int names = 0;
        writer.Input("image", OnnxModelWriter.Float, 1, 3, Size, Size);
        string x = Node("Conv", "image", Weights(1.0 / Patch, Stem, 3, Patch, Patch), Weights(0.1, Stem));
        writer.Ints("strides", Patch, Patch);
        x = Node("Conv", Node("Relu", x), Weights(0.25 / Patch, Width, Stem, Patch, Patch), Weights(0.1, Width));
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
            string gelu = Node(
                "Mul",
                Node("Mul", h, Node("Add", Node("Erf", Node("Div", h, Number(MathF.Sqrt(2)))), Number(1))),
                Number(0.5f)
            );
            x = Node("Add", Linear(gelu, 4 * Width, Width), x);
        }

        File.WriteAllBytes(path, writer.Build(Linear(Norm(x), Width, Classes)));

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
        string Linear(string t, int from, int to) =>
            Node("Add", Node("MatMul", t, Weights(1.7 / Math.Sqrt(from), from, to)), Weights(0.1, to));
        string Norm(string t) => Node("LayerNormalization", t, Node("Add", Weights(0.3, Width), Number(1)), Weights(0.3, Width));
    }
}
