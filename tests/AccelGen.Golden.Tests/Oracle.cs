using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using NUnit.Framework;

namespace AccelGen.Golden.Tests;

/// <summary>Runs single operators in ONNX Runtime and compares.</summary>
internal static class Oracle
{
    /// <summary>Seed of random tests.</summary>
    public static int Seed => Setting.Seed(4711);

    public static void AssertWithinOneStep(sbyte[] mine, sbyte[] theirs, int seed)
    {
        Assert.That(mine, Has.Length.EqualTo(theirs.Length));
        for (int n = 0; n < mine.Length; n++)
            Assert.That(Math.Abs(mine[n] - theirs[n]), Is.LessThanOrEqualTo(1), $"seed {seed}, element {n}");
    }

    public static (ConvLayer Conv, TensorShape In, TensorShape Out, int Zero, sbyte[] Values) RandomConv(Random random)
    {
        int groups = random.Next(3) == 0 ? random.Next(2, 5) : 1,
            channels = groups * random.Next(1, 20),
            outputs = groups * random.Next(1, 20);
        (int kr, int kc) = (random.Next(1, 5), random.Next(1, 5));
        int d = random.Next(1, 3),
            sr = random.Next(1, 4),
            sc = random.Next(1, 4);
        (int t, int l, int b, int r) = (random.Next(3), random.Next(3), random.Next(3), random.Next(3));
        int h = random.Next(((kr - 1) * d) + 1, 18),
            w = random.Next(((kc - 1) * d) + 1, 18);
        var i = new TensorShape(1, h, w, channels);
        var o = new TensorShape(1, ((h + t + b - ((kr - 1) * d) - 1) / sr) + 1, ((w + l + r - ((kc - 1) * d) - 1) / sc) + 1, outputs);
        var conv = new ConvLayer("c", 0, 1, -128, 127)
        {
            Weights = [.. Values(random, outputs * (channels / groups) * kr * kc).Select(v => v == -128 ? (sbyte)-127 : v)],
            Bias = [.. Enumerable.Range(0, outputs).Select(_ => random.Next(-3000, 3000))],
            Scales = [.. Enumerable.Repeat(FixedPointScale.FromReal(0.01), outputs)],
            Kernel = (kr, kc),
            Stride = (sr, sc),
            Dilation = (d, d),
            Padding = (t, l, b, r),
            Groups = groups,
        };
        return (conv, i, o, random.Next(-128, 128), Values(random, (int)i.Elements));
    }

    public static OnnxModelWriter Attributes(OnnxModelWriter writer, ConvLayer c) =>
        writer
            .Ints("kernel_shape", c.Kernel.Rows, c.Kernel.Columns)
            .Ints("strides", c.Stride.Rows, c.Stride.Columns)
            .Ints("dilations", c.Dilation.Rows, c.Dilation.Columns)
            .Ints("pads", c.Padding.Top, c.Padding.Left, c.Padding.Bottom, c.Padding.Right)
            .Int("group", c.Groups);

    public static T[] ToNchw<T>(T[] nhwc, TensorShape s)
    {
        var result = new T[nhwc.Length];
        for (int y = 0; y < s.Height; y++)
        {
            for (int x = 0; x < s.Width; x++)
            {
                for (int c = 0; c < s.Channels; c++)
                    result[(((c * s.Height) + y) * s.Width) + x] = nhwc[s.Index(0, y, x, c)];
            }
        }

        return result;
    }

    public static sbyte[] WeightsOihw(ConvLayer c, int channels)
    {
        int per = channels / c.Groups,
            taps = c.Kernel.Rows * c.Kernel.Columns;
        var result = new sbyte[c.Weights.Length];
        for (int k = 0; k < c.Bias.Length; k++)
        {
            for (int t = 0; t < taps; t++)
            {
                for (int i = 0; i < per; i++)
                    result[(((k * per) + i) * taps) + t] = c.Weights[(((k * taps) + t) * per) + i];
            }
        }

        return result;
    }

    public static sbyte[] Values(Random random, int count)
    {
        var values = new sbyte[count];
        for (int i = 0; i < count; i++)
            values[i] = (sbyte)random.Next(-128, 128);
        return values;
    }

    /// <summary>Counts as unsigned bytes: values and zero points move by 128, and every processor multiplies them exactly.</summary>
    public static byte[] Unsigned(params sbyte[] counts) => [.. counts.Select(v => (byte)(v + 128))];

    /// <summary>Sums of a convolution by ConvInteger.</summary>
    public static int[] ConvolutionSums(ConvLayer conv, TensorShape i, TensorShape o, sbyte[] nchw, int zero)
    {
        int[] shape = [o.Channels, i.Channels / conv.Groups, conv.Kernel.Rows, conv.Kernel.Columns];
        byte[] model = Attributes(new OnnxModelWriter("ConvInteger", ["x", "w", "zx", "zw"], "y"), conv)
            .Input("x", OnnxModelWriter.UInt8, 1, i.Channels, i.Height, i.Width)
            .Input("zx", OnnxModelWriter.UInt8)
            .Input("w", OnnxModelWriter.UInt8, [.. shape.Select(d => (long)d)])
            .Input("zw", OnnxModelWriter.UInt8)
            .Build("y", OnnxModelWriter.Int32, 1, o.Channels, o.Height, o.Width);
        return Run<int>(
            model,
            ("x", Tensor(Unsigned(nchw), 1, i.Channels, i.Height, i.Width)),
            ("zx", Tensor(Unsigned((sbyte)zero))),
            ("w", Tensor(Unsigned(WeightsOihw(conv, i.Channels)), shape)),
            ("zw", Tensor(Unsigned(0)))
        );
    }

    public static DenseTensor<T> Tensor<T>(T[] values, params int[] shape) => new(values, shape);

    public static T[] Run<T>(byte[] model, params (string Name, object Tensor)[] inputs)
    {
        using InferenceSession session = ExactSession.Open(model);
        NamedOnnxValue[] values =
        [
            .. inputs.Select(i =>
                i.Tensor switch
                {
                    DenseTensor<byte> t => NamedOnnxValue.CreateFromTensor(i.Name, t),
                    DenseTensor<sbyte> t => NamedOnnxValue.CreateFromTensor(i.Name, t),
                    DenseTensor<float> t => NamedOnnxValue.CreateFromTensor(i.Name, t),
                    DenseTensor<int> t => NamedOnnxValue.CreateFromTensor(i.Name, t),
                    DenseTensor<long> t => NamedOnnxValue.CreateFromTensor(i.Name, t),
                    _ => throw new ArgumentException(i.Name),
                }
            ),
        ];
        using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> outputs = session.Run(values);
        return [.. outputs[0].AsTensor<T>()];
    }
}
