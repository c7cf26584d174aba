using AccelGen.Files;
using AccelGen.Golden;
using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Network.Tests.Quantized;

/// <summary>The file format and the rules, on every kind of layer.</summary>
public sealed class QuantizedNetworkFileTests
{
    private static readonly FixedPointScale One = FixedPointScale.FromReal(1);
    private string folder = string.Empty;

    private static int Seed => Setting.Seed(2300);

    [SetUp]
    public void CreateFolder() => folder = Directory.CreateTempSubdirectory("accelgen-file").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(folder, recursive: true);

    [Test]
    public void Every_kind_of_layer_is_read_back_the_same()
    {
        var kinds = new HashSet<Type>();
        foreach (QuantizedNetwork network in QuantizedSamples.All(Seed))
        {
            kinds.Add(network.Layers[0].GetType());
            string path = Path.Combine(folder, "q.json"),
                again = Path.Combine(folder, "again.json");
            QuantizedNetworkFile.Save(path, network);
            QuantizedNetwork read = QuantizedNetworkFile.Load(path);
            QuantizedNetworkFile.Save(again, read);
            Assert.That(File.ReadAllText(again), Is.EqualTo(File.ReadAllText(path)), network.Name);
            Assert.That(read.Layers[0].GetType(), Is.EqualTo(network.Layers[0].GetType()));
            Assert.That(read.Layers[0].Reads, Is.EqualTo(network.Layers[0].Reads));
            Dictionary<int, sbyte[]> inputs = QuantizedSamples.Inputs(network, new Random(Seed));
            Assert.That(
                GoldenExecutor.Run(read, ExecutionPath.Whole, inputs)[read.Outputs[0]],
                Is.EqualTo(GoldenExecutor.Run(network, ExecutionPath.Whole, inputs)[network.Outputs[0]]),
                network.Name
            );
        }

        Type[] all = [.. typeof(QuantizedLayer).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(QuantizedLayer)))];
        Assert.That(kinds, Is.EquivalentTo(all));
    }

    [Test]
    public void Any_missing_or_null_part_of_a_file_is_a_message_and_not_a_crash()
    {
        int refused = 0;
        foreach (QuantizedNetwork network in QuantizedSamples.All(Seed))
        {
            string path = Path.Combine(folder, "q.json");
            QuantizedNetworkFile.Save(path, network);
            var whole = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(path))!;
            // Each property in turn is removed, and set to null.
            foreach (string at in Paths(whole, string.Empty).ToArray())
            {
                foreach (bool remove in new[] { true, false })
                {
                    var copy = whole.DeepClone();
                    System.Text.Json.Nodes.JsonNode node = copy;
                    string[] steps = at.Split('/', StringSplitOptions.RemoveEmptyEntries);
                    foreach (string step in steps[..^1])
                        node = (
                            node is System.Text.Json.Nodes.JsonArray array
                                ? array[int.Parse(step, System.Globalization.CultureInfo.InvariantCulture)]
                                : node[step]
                        )!;
                    if (node is System.Text.Json.Nodes.JsonArray list)
                    {
                        int index = int.Parse(steps[^1], System.Globalization.CultureInfo.InvariantCulture);
                        if (remove)
                            list.RemoveAt(index);
                        else
                            list[index] = null;
                    }
                    else if (remove)
                    {
                        node.AsObject().Remove(steps[^1]);
                    }
                    else
                    {
                        node[steps[^1]] = null;
                    }

                    File.WriteAllText(path, copy.ToJsonString());
                    try
                    {
                        QuantizedNetworkFile.Load(path);
                    }
                    catch (Exception e) when (e is not InputException)
                    {
                        Assert.Fail($"{network.Name}: {(remove ? "without" : "null")} {at}: {e.GetType().Name}: {e.Message}");
                    }
                    catch (InputException e)
                    {
                        Assert.That(e.Message, Does.Contain("q.json"));
                        refused++;
                    }
                }
            }
        }

        TestContext.Out.WriteLine($"{refused} files refused");
        Assert.That(refused, Is.GreaterThan(1000));

        static IEnumerable<string> Paths(System.Text.Json.Nodes.JsonNode? node, string at) =>
            node switch
            {
                System.Text.Json.Nodes.JsonObject o => o.SelectMany(p => Paths(p.Value, $"{at}/{p.Key}").Prepend($"{at}/{p.Key}")),
                System.Text.Json.Nodes.JsonArray a => a.SelectMany((v, i) => Paths(v, $"{at}/{i}").Prepend($"{at}/{i}")),
                _ => [],
            };
    }

    [TestCaseSource(nameof(Faults))]
    public void A_network_that_does_not_fit_together_is_named(string sample, Func<QuantizedNetwork, QuantizedNetwork> fault, string says)
    {
        QuantizedNetwork network = QuantizedSamples.All(Seed).Single(n => n.Name == sample);
        Assert.That(QuantizedNetworkRules.Obstacles(network), Is.Empty);
        Assert.That(QuantizedNetworkRules.Obstacles(fault(network)).Select(f => f.ToString()), Has.Some.Contains(says));
    }

    [Test]
    public void Outputs_are_listed_once()
    {
        QuantizedNetwork network = QuantizedSamples.All(Seed).First();
        Assert.That(Lines(network with { Outputs = [1, 1] }), Has.Some.Contains("tensor 1 is listed 2 times"));
    }

    [Test]
    public void What_only_a_block_writes_is_read_within_that_block_alone()
    {
        QuantizedNetwork network = QuantizedSamples.All(Seed).First(n => n.Layers.Count == 1);
        network = network with { Blocks = [new SkippableBlock(0, "b")], Layers = [network.Layers[0] with { Block = 0 }] };
        Assert.That(Lines(network), Has.Some.Contains("nothing writes it where block b is skipped"));
        int output = network.Layers[0].Output;
        var after = new AddLayer("after", output, output, -128, 127, One) { Block = null };
        Assert.That(
            Lines(network with { Layers = [.. network.Layers, after] }),
            Has.Some.Contains("layer after: reads").And.Contains("where block b is skipped")
        );
    }

    [TestCase("\"clampLow\":-128", "\"clampLow\":\"a\"", "$.network.layers[0].clampLow", "a whole number from -2147483648")]
    [TestCase("\"kernel\":[", "\"kernel\":[1.5,", "$.network.layers[0].kernel", "what 'quantize' writes there")]
    [TestCase("\"name\":\"conv\"", "\"name\":5", "$.network.", "a text is needed")]
    public void A_value_of_another_type_is_named_with_what_is_needed(string from, string to, string place, string needed)
    {
        string path = Path.GetTempFileName();
        try
        {
            QuantizedNetwork network = QuantizedSamples.All(Seed).First(n => n.Layers[0] is ConvLayer { ClampLow: -128 });
            network = network with { Layers = [network.Layers[0] with { Name = "conv" }] };
            QuantizedNetworkFile.Save(path, network);
            string text = File.ReadAllText(path);
            Assert.That(text, Does.Contain(from));
            File.WriteAllText(path, text.Replace(from, to, StringComparison.Ordinal));
            Assert.That(
                () => QuantizedNetworkFile.Load(path),
                Throws.InstanceOf<InputException>().With.Message.Contains(place).And.Message.Contains(needed)
            );
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Test]
    public void An_output_that_no_layer_writes_is_refused()
    {
        QuantizedNetwork network = QuantizedSamples.All(Seed).First();
        Assert.That(Lines(network with { Layers = [] }), Has.Some.Contains("no layer writes it"));
    }

    private static IEnumerable<string> Lines(QuantizedNetwork network) => QuantizedNetworkRules.Problems(network).Select(f => f.ToString());

    private static IEnumerable<TestCaseData> Faults()
    {
        yield return Layer<ConvLayer>("conv with table", l => l with { Table = new sbyte[255] }, "255 entries");
        yield return Layer<ConvLayer>("conv with table", l => l with { TableZeroPoint = 200 }, "table zero point");
        yield return Layer<ConvLayer>("conv", l => l with { Padding = (1 << 21, 0, 0, 0) }, "padding");
        yield return Layer<ConvLayer>("conv", l => l with { Groups = 1000 }, "groups");
        yield return Layer<ConvLayer>("conv into heads", l => l with { Bias = [1] }, "1 biases");
        yield return Layer<ConvLayer>("conv transposed", l => l with { Stride = (2, 2) }, "transposed output");
        yield return Layer<ConvLayer>(
            "conv minus residual, Pixels",
            l => l with { Residual = l.Residual! with { Broadcast = Broadcast.Channels } },
            "the residual has shape"
        );
        yield return Layer<ConvLayer>(
            "conv minus residual, None",
            l => l with { Residual = l.Residual! with { Scale = new FixedPointScale(1, 0) } },
            "scale is not of 24 bits"
        );
        yield return Layer<MultiplyLayer>(
            "multiply, None",
            l => l with { Residual = new ResidualAdd(0, One) },
            "a product cannot take a residual as well"
        );
        yield return Layer<ConcatLayer>(
            "copy",
            l => l with { Residual = new ResidualAdd(0, One) },
            "a concatenation cannot take a residual as well"
        );
        yield return Turned("copy", "cannot be stored with pixels and channels exchanged");
        yield return Turned("conv", "which only a layer of 1x1 kernels can give");
        yield return Layer<SoftmaxLayer>("softmax", l => l with { ExponentMultiplier = 1 << 24 }, "below 2^24");
        yield return Layer<SoftmaxLayer>("softmax", l => l with { OutputScale = new FixedPointScale(1 << 23, 25) }, "shift of 1 to 24");
        yield return Layer<SoftmaxLayer>("softmax", l => l with { Residual = new ResidualAdd(0, One) }, "no residual");
        yield return Layer<LayerNormLayer>("layer norm", l => l with { Gamma = [.. l.Gamma[..^1], 1 << 23] }, "24 bits");
        yield return Layer<LayerNormLayer>("layer norm", l => l with { Shift = [.. l.Shift[..^1], 0] }, "shift");
        yield return Layer<LayerNormLayer>("layer norm", l => l with { Beta = l.Beta[..^1] }, "addends");
        yield return Layer<LayerNormLayer>("layer norm", l => l with { Epsilon = 1L << 47 }, "epsilon");
        yield return Layer<ArgMaxLayer>("arg max", l => l with { ClampHigh = 5 }, "does not clamp");
        yield return Tensor("arg max", 0, t => t with { Shape = t.Shape with { Channels = 257 } }, "at most 256");
        yield return Layer<MaxPoolLayer>("max pool", l => l with { Padding = (2, 0, 0, 0) }, "smaller than the kernel");
        yield return Tensor("max pool", 1, t => t with { Shape = t.Shape with { Height = 40 } }, "no tap in the image");
        yield return Tensor("normalized matmul", 2, t => t with { ZeroPoint = 1 }, "must be 0");
        yield return Tensor("normalized matmul", 2, t => t with { Shape = t.Shape with { Width = 2 } }, "times");
        yield return Layer<ResizeLayer>("resize", l => l with { FirstRow = [0] }, "first rows");
        yield return Layer<ResizeLayer>("resize", l => l with { Weights = [.. l.Weights[1..], -128] }, "-128");
        yield return Layer<ResizeLayer>("resize", l => l with { Taps = (0, 2) }, "positive");
        yield return Layer<ConcatLayer>("concat", l => l with { Scales = [One] }, "as many scales");
        yield return Tensor("concat", 2, t => t with { Shape = t.Shape with { Channels = 1 } }, "side by side");
        yield return Layer<MultiplyLayer>("multiply, None", l => l with { Broadcast = Broadcast.Channels }, "operands");
        yield return Layer<AveragePoolLayer>("average pool", l => l with { Scale = new FixedPointScale(1 << 24, 3) }, "24 bits");
        yield return Tensor("add constant, None", 1, t => t with { Constant = [1, 2] }, "constant");
        yield return Tensor("add constant, None", 1, t => t with { Constant = null }, "before anything wrote it");
        yield return Layer<AddLayer>("add constant, None", l => l with { Output = 1 }, "writes the constant");
        yield return Tensor("conv", 1, t => t with { SharesStorageWith = 0, Shape = t.Shape with { Channels = 1000 } }, "shares storage");

        static TestCaseData Turned(string sample, string says) =>
            new TestCaseData(
                sample,
                (QuantizedNetwork n) =>
                    n with
                    {
                        Layers = [n.Layers[0] with { TransposeOutput = true }],
                        Tensors =
                        [
                            n.Tensors[0],
                            n.Tensors[1] with
                            {
                                Shape = n.Tensors[1].Shape is var t ? new TensorShape(1, 1, t.Channels, t.Height * t.Width) : default,
                            },
                        ],
                    },
                says
            ).SetArgDisplayNames(sample, says);
        static TestCaseData Layer<T>(string sample, Func<T, T> change, string says)
            where T : QuantizedLayer =>
            new TestCaseData(sample, (QuantizedNetwork n) => n with { Layers = [change((T)n.Layers[0])] }, says).SetArgDisplayNames(
                sample,
                says
            );
        static TestCaseData Tensor(string sample, int tensor, Func<QuantizedTensor, QuantizedTensor> change, string says) =>
            new TestCaseData(
                sample,
                (QuantizedNetwork n) => n with { Tensors = [.. n.Tensors.Select(t => t.Id == tensor ? change(t) : t)] },
                says
            ).SetArgDisplayNames(sample, $"tensor {tensor}: {says}");
    }
}
