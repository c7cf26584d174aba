namespace AccelGen.Tests.Shared;

/// <summary>A random residual convolutional network as an ONNX model.</summary>
/// <param name="Model">The file.</param>
/// <param name="Channels">Channels of the input.</param>
/// <param name="Size">Rows and columns of the input.</param>
/// <param name="Classes">Outputs.</param>
/// <param name="Blocks">Residual blocks that keep the stream's meaning when skipped.</param>
internal sealed record RandomNetwork(byte[] Model, int Channels, int Size, int Classes, int Blocks);

/// <summary>Builds random networks out of the operators that exporters write.</summary>
internal static class RandomNetworks
{
    /// <summary>Builds one.</summary>
    /// <param name="seed">Seed; weights do not depend on <paramref name="omitted"/>.</param>
    /// <param name="omitted">Residual blocks left out: the stream passes them by.</param>
    public static RandomNetwork Residual(int seed, IReadOnlySet<int>? omitted = null)
    {
        var random = new Random(seed);
        var m = new OnnxModelWriter { OpsetVersion = random.Next(13, 18) };
        int channels = random.Next(2) == 0 ? 3 : 1,
            size = random.Next(8, 14),
            names = 0,
            blocks = 0;
        string x = "image";
        int width = random.Next(4, 12),
            h = size;
        m.Input("image", OnnxModelWriter.Float, -1, channels, size, size);
        (x, h) = Conv(x, channels, width, h, random.Next(1, 3), bias: random.Next(2) == 0);
        if (random.Next(2) == 0)
            x = Normalise(x, width);
        x = Relu(x);
        for (int block = random.Next(2, 5); block > 0; block--)
        {
            bool down = random.Next(3) == 0 && h >= 4;
            int next = down ? width + (2 * random.Next(0, 3)) : width;
            string shortcut = x,
                branch = x;
            int size1 = h;
            if (down)
                (shortcut, size1) = Shortcut(x, width, next, h);
            int index = blocks++;
            (branch, int h1) = Conv(branch, width, next, h, down ? 2 : 1, bias: true, same: true);
            branch = random.Next(2) == 0 ? Relu(branch) : Clip(branch, 6);
            (branch, h1) = Conv(branch, next, next, h1, 1, bias: false, same: true);
            branch = Normalise(branch, next);
            string sum = $"sum{names++}",
                output = $"out{names++}";
            bool swapped = random.Next(2) == 0;
            if (omitted?.Contains(index) == true)
            {
                x = shortcut;
            }
            else
            {
                m.Node("Add", swapped ? [branch, shortcut] : [shortcut, branch], sum, name: $"/block{index}/Add");
                m.Node("Relu", [sum], output, name: $"/block{index}/Relu");
                x = output;
            }

            (width, h) = (next, size1);
        }

        int classes = random.Next(3, 11);
        int flat = width;
        switch (random.Next(4))
        {
            case 0:
                m.Node("GlobalAveragePool", [x], "pooled");
                break;
            case 1:
                m.Node("ReduceMean", [x], "pooled").Ints("axes", 2, 3).Int("keepdims", 1);
                break;
            case 2:
                m.Node("AveragePool", [x], "pooled").Ints("kernel_shape", 2, 2).Ints("strides", 2, 2);
                flat = width * (h / 2) * (h / 2);
                break;
            default:
                m.Node("Identity", [x], "pooled");
                flat = width * h * h;
                break;
        }

        if (random.Next(2) == 0)
        {
            m.Node("Flatten", ["pooled"], "flat").Int("axis", 1);
        }
        else
        {
            // As exporters write x.view(x.size(0), -1).
            m.Initializer("zero", [0L], []).Initializer("axis0", [0L], 1).Initializer("rest", [-1L], 1);
            m.Node("Shape", ["pooled"], "shape")
                .Node("Gather", ["shape", "zero"], "batch")
                .Int("axis", 0)
                .Node("Unsqueeze", ["batch", "axis0"], "batch1")
                .Node("Concat", ["batch1", "rest"], "target")
                .Int("axis", 0)
                .Node("Reshape", ["pooled", "target"], "flat");
        }

        if (random.Next(2) == 0)
        {
            m.Initializer("fc.w", Values(random, classes * flat, 1 / Math.Sqrt(flat)), classes, flat)
                .Initializer("fc.b", Values(random, classes, 0.1), classes);
            m.Node("Gemm", ["flat", "fc.w", "fc.b"], "scores").Int("transB", 1).Real("alpha", 0.75f).Real("beta", 1.5f);
        }
        else
        {
            m.Initializer("fc.w", Values(random, classes * flat, 1 / Math.Sqrt(flat)), flat, classes)
                .Initializer("fc.b", Values(random, classes, 0.1), classes);
            m.Node("MatMul", ["flat", "fc.w"], "product").Node("Add", ["product", "fc.b"], "scores");
        }

        return new RandomNetwork(m.Build("scores", OnnxModelWriter.Float, -1, classes), channels, size, classes, blocks);

        (string Output, int Size) Conv(string input, int from, int to, int extent, int stride, bool bias, bool same = false)
        {
            int kernel = same ? 3 : Math.Min(random.Next(1, 5), extent),
                dilation = same || kernel == 1 || (2 * (kernel - 1)) + 1 > extent ? 1 : random.Next(1, 3);
            int groups = !same && random.Next(3) == 0 ? Enumerable.Range(1, from).Last(g => from % g == 0 && to % g == 0 && g < 4) : 1;
            int before = same ? 1 : random.Next(0, kernel),
                after = same ? 1 : random.Next(0, kernel);
            string name = $"conv{names++}";
            m.Initializer(
                name + ".w",
                Values(random, to * (from / groups) * kernel * kernel, 1.4 / Math.Sqrt(from / groups * kernel * kernel)),
                to,
                from / groups,
                kernel,
                kernel
            );
            float[] offsets = Values(random, to, 0.2);
            if (bias)
                m.Initializer(name + ".b", offsets, to);
            m.Node(
                    "Conv",
                    bias ? [input, name + ".w", name + ".b"] : [input, name + ".w"],
                    name,
                    name: same ? $"/block{blocks - 1}/{name}/Conv" : $"/{name}/Conv"
                )
                .Ints("kernel_shape", kernel, kernel)
                .Ints("strides", stride, stride)
                .Ints("dilations", dilation, dilation)
                .Ints("pads", before, before, after, after)
                .Int("group", groups);
            return (name, (extent + before + after - (dilation * (kernel - 1)) - 1) / stride is var steps ? steps + 1 : 0);
        }

        string Normalise(string input, int count)
        {
            string name = $"bn{names++}";
            m.Initializer(name + ".s", [.. Values(random, count, 0.5).Select(v => v + 1)], count)
                .Initializer(name + ".b", Values(random, count, 0.2), count)
                .Initializer(name + ".m", Values(random, count, 0.2), count)
                .Initializer(name + ".v", [.. Values(random, count, 0.4).Select(v => v + 1)], count);
            m.Node("BatchNormalization", [input, name + ".s", name + ".b", name + ".m", name + ".v"], name).Real("epsilon", 1e-4f);
            return name;
        }

        string Relu(string input)
        {
            string name = $"relu{names++}";
            m.Node("Relu", [input], name);
            return name;
        }

        string Clip(string input, float high)
        {
            string name = $"clip{names++}";
            m.Initializer(name + ".low", [0f], []).Initializer(name + ".high", [high], []);
            m.Node("Clip", [input, name + ".low", name + ".high"], name);
            return name;
        }

        // Every second pixel, and zeros for the channels that are new.
        (string Output, int Size) Shortcut(string input, int from, int to, int extent)
        {
            string name = $"short{names++}";
            m.Initializer(name + ".0", [0L, 0L], 2)
                .Initializer(name + ".end", [(long)int.MaxValue, long.MaxValue], 2)
                .Initializer(name + ".axes", [2L, 3L], 2)
                .Initializer(name + ".step", [2L, 2L], 2);
            m.Node("Slice", [input, name + ".0", name + ".end", name + ".axes", name + ".step"], name + ".sliced");
            long before = (to - from) / 2,
                after = to - from - before;
            m.Initializer(name + ".pads", [0, before, 0, 0, 0, after, 0, 0], 8).Initializer(name + ".fill", [0f], []);
            m.Node("Pad", [name + ".sliced", name + ".pads", name + ".fill"], name).String("mode", "constant");
            return (name, (extent + 1) / 2);
        }
    }

    /// <summary>Uniform values from -scale to scale.</summary>
    public static float[] Values(Random random, int count, double scale)
    {
        var values = new float[count];
        for (int i = 0; i < count; i++)
            values[i] = (float)(((random.NextDouble() * 2) - 1) * scale);
        return values;
    }
}
