using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;
using NUnit.Framework;
using static AccelGen.Golden.Tests.Oracle;

namespace AccelGen.Golden.Tests;

/// <summary>What surrounds the operators: heads, transposed outputs, tables, constants and shared storage.</summary>
public sealed class GoldenExecutorTests
{
    [Test]
    public void Every_kind_of_layer_runs_and_fills_its_output([Seeds(4711, 10)] int seed)
    {
        foreach (QuantizedNetwork network in QuantizedSamples.All(seed))
        {
            Assert.That(QuantizedNetworkRules.Problems(network), Is.Empty, network.Name);
            sbyte[] y = Output(network, seed);
            Assert.That(y, Has.Length.EqualTo(network.Tensors[network.Outputs[0]].Shape.Elements), network.Name);
        }
    }

    [Test]
    [CancelAfter(60_000)]
    public void A_window_far_larger_than_its_image_takes_all_of_it()
    {
        foreach (QuantizedNetwork network in QuantizedSamples.All(Seed).Where(n => n.Layers[0] is MaxPoolLayer))
        {
            TensorShape image = network.Tensors[0].Shape,
                one = image with { Height = 1, Width = 1 };
            QuantizedNetwork wide = network with
            {
                Layers =
                [
                    ((MaxPoolLayer)network.Layers[0]) with
                    {
                        Kernel = (1 << 30, 1 << 29),
                        Padding = (0, 0, (1 << 30) - image.Height, (1 << 29) - image.Width),
                        Scale = FixedPointScale.FromReal(1),
                    },
                ],
                Tensors = [network.Tensors[0], network.Tensors[1] with { Shape = one, ZeroPoint = network.Tensors[0].ZeroPoint }],
            };
            Assert.That(QuantizedNetworkRules.Problems(wide), Is.Empty);
            sbyte[] x = QuantizedSamples.Inputs(wide, new Random(Seed))[0];
            Assert.That(
                GoldenExecutor.Run(wide, ExecutionPath.Whole, new Dictionary<int, sbyte[]> { [0] = x })[1],
                Is.EqualTo(
                    Enumerable
                        .Range(0, image.Channels)
                        .Select(c => x.Where((_, i) => i % image.Channels == c).Max())
                        .Select(v => Math.Clamp(v, (sbyte)-128, (sbyte)127))
                )
            );
        }
    }

    [Test]
    public void A_transposed_output_exchanges_pixels_and_channels_of_every_head_and_a_table_comes_before()
    {
        int transposed = 0;
        for (int seed = Seed; seed < Seed + 10; seed++)
        {
            foreach (QuantizedNetwork network in QuantizedSamples.All(seed).Where(n => n.Layers[0].TransposeOutput))
            {
                transposed++;
                QuantizedLayer layer = network.Layers[0];
                TensorShape written = network.Tensors[layer.Output].Shape,
                    computed = layer.Computed(network.Tensors[layer.Input].Shape, written);
                QuantizedTensor[] tensors =
                [
                    .. network.Tensors.Select(t =>
                        t.Id == layer.Output
                            ? t with
                            {
                                Shape = computed,
                                ZeroPoint = layer.Table is null ? t.ZeroPoint : layer.TableZeroPoint,
                            }
                            : t
                    ),
                ];
                sbyte[] plain = Output(
                        network with
                        {
                            Tensors = tensors,
                            Layers = [layer with { TransposeOutput = false, Table = null }],
                        },
                        seed
                    ),
                    y = Output(network, seed);
                for (int b = 0; b < computed.Batch; b++)
                {
                    for (int p = 0; p < computed.Height * computed.Width; p++)
                    {
                        for (int c = 0; c < computed.Channels; c++)
                        {
                            sbyte count = plain[computed.Index(b, p / computed.Width, p % computed.Width, c)];
                            Assert.That(
                                y[written.Index(b, 0, c, p)],
                                Is.EqualTo(layer.Table is { } table ? table[count + 128] : count),
                                $"{network.Name}, seed {seed}"
                            );
                        }
                    }
                }
            }
        }

        Assert.That(transposed, Is.EqualTo(40));
    }

    [Test]
    public void A_convolution_over_heads_equals_QLinearConv_over_head_major_channels()
    {
        for (int round = 0; round < 30; round++)
        {
            var random = new Random(Seed + round);
            (ConvLayer conv, TensorShape i, TensorShape o, int zero, sbyte[] x) = RandomConv(random);
            int headsIn = Divisor(random, i.Channels),
                headsOut = Divisor(random, o.Channels);
            TensorShape source = i with { Batch = headsIn, Channels = i.Channels / headsIn },
                to = o with { Batch = headsOut, Channels = o.Channels / headsOut };
            // ConvInteger on channels in the order of the head-major planes: what NCHW memory of [heads, C, H, W] already is.
            sbyte[] nchw =
            [
                .. Enumerable
                    .Range(0, headsIn)
                    .SelectMany(b =>
                        ToNchw(
                            x[(int)(b * source.Elements / headsIn)..(int)((b + 1) * source.Elements / headsIn)],
                            source with
                            {
                                Batch = 1,
                            }
                        )
                    ),
            ];
            int[] theirs = ConvolutionSums(conv, i, o, nchw, zero);
            int[] mine = MatrixOperators.Convolution(conv, new Operand(source, zero, x), to);
            int[] back =
            [
                .. Enumerable
                    .Range(0, headsOut)
                    .SelectMany(b =>
                        ToNchw(mine[(int)(b * to.Elements / headsOut)..(int)((b + 1) * to.Elements / headsOut)], to with { Batch = 1 })
                    ),
            ];
            Assert.That(back, Is.EqualTo(theirs), $"seed {Seed + round}: {source} -> {to}");
            // The factors and biases follow the same order of channels.
            sbyte[] y = GoldenOperators.Execute(conv, [new Operand(source, zero, x)], to, 3);
            for (int n = 0; n < y.Length; n++)
            {
                int k = (n / (to.Height * to.Width * to.Channels) * to.Channels) + (n % to.Channels);
                Assert.That(
                    y[n],
                    Is.EqualTo(Math.Clamp(3 + GoldenOperators.Requantize(mine[n] + conv.Bias[k], conv.Scales[k]), -128, 127))
                );
            }
        }
    }

    [Test]
    public void A_product_over_heads_broadcasts_each_heads_own_pixel_or_channel()
    {
        var random = new Random(Seed);
        TensorShape shape = new(3, 2, 4, 5);
        sbyte[] x = [.. Values(random, (int)shape.Elements).Select(v => (sbyte)(v / 12))];
        foreach (Broadcast broadcast in Enum.GetValues<Broadcast>())
        {
            TensorShape other = broadcast switch
            {
                Broadcast.Pixels => shape with { Height = 1, Width = 1 },
                Broadcast.Channels => shape with { Channels = 1 },
                _ => shape,
            };
            sbyte[] r = [.. Values(random, (int)other.Elements).Select(v => (sbyte)(v / 12))];
            sbyte[] y = GoldenOperators.Execute(
                new MultiplyLayer("m", 0, 1, 2, -128, 127, FixedPointScale.FromReal(1)) { Broadcast = broadcast },
                [new Operand(shape, 1, x), new Operand(other, -2, r)],
                shape,
                4
            );
            for (int i = 0; i < y.Length; i++)
            {
                int at = broadcast switch
                {
                    Broadcast.Pixels => (i / 40 * 5) + (i % 5),
                    Broadcast.Channels => i / 5,
                    _ => i,
                };
                Assert.That(y[i], Is.EqualTo(Math.Clamp(4 + ((x[i] - 1) * (r[at] + 2)), -128, 127)), $"{broadcast}, element {i}");
            }
        }
    }

    [Test]
    public void A_tensor_may_be_read_as_other_rows_and_columns_and_a_constant_needs_no_writer()
    {
        var random = new Random(Seed);
        TensorShape image = new(1, 3, 4, 5),
            tokens = new(1, 1, 12, 5);
        QuantizedTensor[] tensors =
        [
            new(0, "x", image, 0.1, 3),
            new(1, "sum", image, 0.1, -2),
            new(2, "as tokens", tokens, 0.1, -2, SharesStorageWith: 1),
            new(3, "embedding", tokens, 0.1, 7, Constant: Values(random, 60)),
            new(4, "y", tokens, 0.1, 0),
        ];
        FixedPointScale one = FixedPointScale.FromReal(1);
        QuantizedLayer[] layers =
        [
            new ConcatLayer("copy", [0], 1, -128, 127, [one]),
            new AddLayer("add", 2, 4, -128, 127, one) { Residual = new ResidualAdd(3, one) },
        ];
        var network = new QuantizedNetwork("n", tensors, layers, [], [0], [4]);
        Assert.That(QuantizedNetworkRules.Problems(network), Is.Empty);
        sbyte[] x = [.. Values(random, 60).Select(v => (sbyte)(v / 4))];
        sbyte[] y = GoldenExecutor.Run(network, ExecutionPath.Whole, new Dictionary<int, sbyte[]> { [0] = x })[4];
        Assert.That(y, Is.EqualTo(x.Select((v, i) => (sbyte)Math.Clamp(v - 3 + tensors[3].Constant![i] - 7, -128, 127))));
    }

    private static sbyte[] Output(QuantizedNetwork network, int seed) =>
        GoldenExecutor.Run(network, ExecutionPath.Whole, QuantizedSamples.Inputs(network, new Random(seed)))[network.Outputs[0]];

    private static int Divisor(Random random, int n)
    {
        int[] divisors = [.. Enumerable.Range(1, n).Where(d => n % d == 0)];
        return divisors[random.Next(divisors.Length)];
    }
}
