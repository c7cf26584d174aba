using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Golden;
using AccelGen.Network.Dynamic;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Quantization;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Sim.Tests.Dynamic;

/// <summary>Attention of any size whose heads are dropped, through the RTL; also where the scores of a head take more lanes than it has
/// channels.</summary>
public sealed class AttentionHeadTests
{
    private const int Seed = 20261127;

    [TestCase(0, 3)]
    [TestCase(6, 3)]
    [TestCase(7, 3)]
    [TestCase(0, 40, Category = "Deep")]
    [TestCase(6, 40, Category = "Deep")]
    [TestCase(7, 40, Category = "Deep")]
    [CancelAfter(3_600_000)]
    public async Task Any_number_of_heads_is_exact_under_any_tiling_joined_or_not(int built, int networks)
    {
        (string preset, string[] overrides) = RandomConfigs.Built[built];
        AcceleratorConfig config = ConfigLoader.Load(preset, overrides);
        var timing = new MemoryTiming();
        BuiltModel model = await new ModelBuild().BuildAsync(config);
        for (int i = 0; i < networks; i++)
        {
            int seed = Seed + (1000 * built) + i;
            var random = new Random(seed);
            (FloatNetwork network, int heads, int perHead) = Attention(random, config.Array.VectorWidth);
            float[][] inputs = [RandomNetworks.Values(random, (int)network.Tensors[network.Inputs[0]].Shape.Elements, 1)];
            QuantizedNetwork quantized = Quantizer.Quantize(network, Quantizer.Calibrate(network, inputs, CalibrationMethod.MinMax));
            sbyte[][] counts = [Quantizer.QuantizeValues(quantized.Tensors[quantized.Inputs[0]], inputs[0])];
            ChannelCut cut = ChannelCuts.Find(quantized).Single(c => c.Unit > 1);
            ChannelStatistics statistics = PathStatistics.Collect(quantized, [cut], counts)[0];
            int[] order = ChannelOrder.ByImportance(
                cut,
                ChannelOrder.Importance((ConvLayer)quantized.Layers[cut.Reader], statistics),
                config.Array.VectorWidth
            );
            PathPlan[] plans =
            [
                .. Enumerable
                    .Range(0, heads)
                    .Select(dropped => new PathPlan(
                        $"{heads - dropped} heads",
                        new HashSet<int>(),
                        new Dictionary<int, int> { [cut.Reader] = (heads - dropped) * perHead }
                    )),
            ];
            DynamicNetwork prepared = DynamicNetwork.Prepare(
                quantized,
                [new OrderedCut(cut, order, statistics.Mean)],
                plans,
                config.Array.VectorWidth,
                config.Control.DynamicRegisters
            );
            CompiledProgram program = new NetworkCompiler(config, timing)
            {
                AnyTiling = i % 3 == 2 ? random : null,
                Fusion = i % 3 != 1,
            }.Compile(prepared.Network);
            IReadOnlyList<PathRun> runs = NetworkRun.Run(program, model.Library, timing, prepared.Paths, counts, 1);
            TestContext.Out.WriteLine(
                $"seed {seed}: {heads} heads of {perHead}, {network.Tensors[network.Inputs[0]].Shape}: "
                    + $"{string.Join(", ", runs.Select(r => r.CyclesRtl))}"
            );
            Assert.That(runs.SelectMany(r => r.Differences), Is.Empty, $"seed {seed}");
            Assert.That(runs.Select(r => r.CyclesRtl), Is.Ordered.Descending, $"seed {seed}");
        }
    }

    // Queries of an image, keys and values of that or of a smaller one; as many tokens as fill any number of vectors, in part too.
    private static (FloatNetwork Network, int Heads, int PerHead) Attention(Random random, int vectorWidth)
    {
        var tensors = new List<FloatTensor>();
        var layers = new List<FloatLayer>();
        int heads = random.Next(2, 5),
            d = vectorWidth * random.Next(1, 3),
            channels = heads * d,
            colours = random.Next(4, 12),
            h = random.Next(2, 9),
            w = 4 * random.Next(1, 5),
            reduced = random.Next(2) == 0 ? 1 : 2;
        h *= reduced;
        w *= reduced;
        int tokens = h * w,
            keys = tokens / reduced / reduced;
        int image = Tensor(new TensorShape(1, h, w, colours));
        int source = reduced == 1 ? image : Conv(image, new TensorShape(1, h / 2, w / 2, colours), colours, kernel: 2, stride: 2);
        int q = Conv(View(image, new TensorShape(1, 1, tokens, colours)), new TensorShape(heads, 1, tokens, d), channels);
        int at = View(source, new TensorShape(1, 1, keys, colours));
        int k = Conv(at, new TensorShape(heads, 1, keys, d), channels),
            v = Conv(at, new TensorShape(heads, 1, d, keys), channels, transpose: true);
        int scores = Add(
            new FloatMatMul("scores", q, k, Tensor(new TensorShape(heads, 1, tokens, keys))) { Factor = (float)(1 / Math.Sqrt(d)) }
        );
        int weights = Add(new FloatSoftmax("softmax", scores, Tensor(new TensorShape(heads, 1, tokens, keys))));
        int mixed = Add(new FloatMatMul("mix", weights, v, Tensor(new TensorShape(heads, 1, tokens, d))));
        int output = Conv(mixed, new TensorShape(1, 1, tokens, colours), colours);
        return (new FloatNetwork("attention", tensors, layers, [], [image], [output]), heads, d);

        int Tensor(TensorShape shape, int? shares = null)
        {
            tensors.Add(new FloatTensor(tensors.Count, $"t{tensors.Count}", shape, shares, null));
            return tensors.Count - 1;
        }

        int View(int tensor, TensorShape shape) => Tensor(shape, tensor);

        int Add(FloatLayer layer)
        {
            layers.Add(layer);
            return layer.Output;
        }

        int Conv(int input, TensorShape to, int outputs, int kernel = 1, int stride = 1, bool transpose = false)
        {
            TensorShape from = tensors[input].Shape;
            int depth = kernel * kernel * from.Batch * from.Channels;
            return Add(
                new FloatConv($"conv{layers.Count}", input, Tensor(to))
                {
                    Weights = RandomNetworks.Values(random, outputs * depth, 1.7 / Math.Sqrt(depth)),
                    Bias = RandomNetworks.Values(random, outputs, 0.3),
                    Kernel = (kernel, kernel),
                    Stride = (stride, stride),
                    TransposeOutput = transpose,
                }
            );
        }
    }
}
