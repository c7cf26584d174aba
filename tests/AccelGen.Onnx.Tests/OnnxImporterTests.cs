using AccelGen.Data;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Onnx.Tests;

/// <summary>The importer and the float executor against ONNX Runtime; and what the importer refuses.</summary>
public sealed class OnnxImporterTests
{
    [Test]
    public void Twenty_thousand_nodes_are_imported_in_time_that_grows_with_their_number()
    {
        var m = new ModelSketch(new Random(1));
        string x = m.Input(1, 4, 4, 4);
        for (int i = 0; i < 10_000; i++)
            x = m.Node("Relu", [m.Conv(x, 4, 4)]);
        byte[] model = m.Finish(x, OnnxModelWriter.Float);
        TimeSpan before = Environment.CpuUsage.TotalTime;
        ImportResult import = Oracle.Import(model);
        // Processor time, whatever else the machine does: 2 s; a new index of all layers for each join took a minute.
        Assert.That((Environment.CpuUsage.TotalTime - before).TotalSeconds, Is.LessThan(15));
        Assert.That(import.Network.Layers, Has.Count.EqualTo(10_000));
    }

    [Test]
    public void Nodes_that_no_output_needs_are_left_out_whatever_they_are()
    {
        var m = new ModelSketch(new Random(1));
        string x = m.Input(1, 4, 4, 4),
            y = m.Node("Relu", [x]);
        m.Node("Relu", [m.Node("Einsum", [m.Conv(x, 4, 4)], ("equation", "abcd->abdc"))]);
        ImportResult import = Oracle.Import(m.Finish(y, OnnxModelWriter.Float));
        Assert.That(import.Network.Layers, Has.Count.EqualTo(1));
        Assert.That(
            import.Nodes.Where(n => n.Outcome == "not needed").Select(n => n.Operator),
            Is.EquivalentTo(new[] { "Conv", "Einsum", "Relu" })
        );
    }

    private static int Seed => Setting.Seed(2300);

    [Test]
    public void Random_networks_give_what_ONNX_Runtime_gives([Seeds(2300, 60)] int seed)
    {
        RandomNetwork random = RandomNetworks.Residual(seed);
        FloatNetwork network = Import(random.Model);
        float[] image = RandomNetworks.Values(new Random(seed), random.Channels * random.Size * random.Size, 1);
        AssertClose(Run(network, image, null), Reference(random.Model, image, random.Channels, random.Size, random.Size), $"seed {seed}");
    }

    [Test]
    public void A_skipped_block_gives_what_ONNX_Runtime_gives_without_the_block()
    {
        int skipped = 0;
        for (int seed = Seed; seed < Seed + 40; seed++)
        {
            RandomNetwork random = RandomNetworks.Residual(seed);
            FloatNetwork network = Import(random.Model);
            float[] image = RandomNetworks.Values(new Random(seed), random.Channels * random.Size * random.Size, 1);
            foreach (SkippableBlock block in network.Blocks)
            {
                int index = int.Parse(block.Name["block".Length..], System.Globalization.CultureInfo.InvariantCulture);
                byte[] without = RandomNetworks.Residual(seed, new HashSet<int> { index }).Model;
                var path = new ExecutionPath(block.Name, new HashSet<int> { block.Index }, new Dictionary<int, int>());
                AssertClose(
                    Run(network, image, path),
                    Reference(without, image, random.Channels, random.Size, random.Size),
                    $"seed {seed}, block {block.Name}"
                );
                skipped++;
            }

            Assert.That(
                network.Blocks,
                Has.Count.EqualTo(random.Blocks),
                $"seed {seed}: every residual block of the generator can be skipped"
            );
        }

        TestContext.Out.WriteLine($"{skipped} blocks skipped");
    }

    [Test]
    public void ResNet56_gives_what_ONNX_Runtime_gives_and_has_27_skippable_blocks()
    {
        string model = ThirdPartyModels.Require("resnet56_cifar10/resnet56_cifar10.onnx");
        ImageSet images = ImageSet.Load(ThirdPartyModels.Require("images/cifar10")).Sample(10, Seed);
        ImportResult import = OnnxImporter.Import(model);
        Assert.That(import.Network.Blocks, Has.Count.EqualTo(27));
        Assert.That(import.Network.Macs, Is.EqualTo(125_485_696));
        byte[] file = File.ReadAllBytes(model);
        foreach (ImageFile image in images.Images)
        {
            float[] nhwc = ImageSet.Decode(image.Path, 32, 32, 3, Normalization.Default(3));
            AssertClose(Run(import.Network, nhwc, null), Reference(file, nhwc, 3, 32, 32), image.Path);
        }
    }

    [Test]
    public void Every_unsupported_node_is_named_at_once()
    {
        byte[] model = Small(m =>
            m.Node("Einsum", ["c"], "s", name: "head/einsum").Node("LSTM", ["c"], "r", name: "head/lstm").Node("Add", ["s", "r"], "y")
        );
        ImportException e = Refused(model);
        Assert.That(e.Problems, Has.Count.EqualTo(2));
        Assert.That(e.Problems[0], Does.Contain("model.onnx").And.Contain("head/einsum (Einsum)").And.Contain("not supported"));
        Assert.That(e.Problems[1], Does.Contain("head/lstm (LSTM)"));
    }

    [Test]
    public void A_cycle_is_named() =>
        Assert.That(
            Refused(
                Small(m => m.Node("Add", ["c", "b"], "a", name: "first").Node("Relu", ["a"], "b", name: "second").Node("Relu", ["b"], "y"))
            ).Message,
            Does.Contain("cycle").And.Contain("first").And.Contain("second")
        );

    [Test]
    public void A_missing_initialiser_is_named() =>
        Assert.That(
            Refused(Small(m => m.Node("Conv", ["c", "absent.weight"], "y", name: "head"))).Message,
            Does.Contain("node head (Conv) reads absent.weight")
        );

    [Test]
    public void Weights_that_are_not_finite_are_named() =>
        Assert.That(
            Refused(Small(m => m.Initializer("nan", [1, float.NaN], 2, 1, 1, 1).Node("Conv", ["c", "nan"], "y"), channels: 1)).Message,
            Does.Contain("node Conv_y (Conv): input 1 (nan)").And.Contain("finite")
        );

    [Test]
    public void Weights_that_do_not_fit_the_input_are_explained() =>
        Assert.That(
            Refused(Small(m => m.Initializer("w5", new float[5], 1, 5, 1, 1).Node("Conv", ["c", "w5"], "y", name: "head"))).Message,
            Does.Contain("head (Conv)").And.Contain("do not fit 2 input channels")
        );

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(40)]
    public void A_truncated_file_is_refused(int kept)
    {
        byte[] model = Small(m => m.Node("Relu", ["c"], "y"));
        Assert.That(Refused(model[..(model.Length * kept / 100)]).Message, Does.Contain("model.onnx"));
    }

    [Test]
    public void Any_damaged_byte_gives_a_network_or_a_refusal_and_nothing_else()
    {
        byte[] model = RandomNetworks.Residual(Seed).Model;
        var random = new Random(Seed);
        int refused = 0;
        for (int round = 0; round < 400; round++)
        {
            byte[] damaged = [.. model];
            damaged[random.Next(Math.Min(damaged.Length, round % 2 == 0 ? damaged.Length : 600))] = (byte)random.Next(256);
            try
            {
                Import(damaged);
            }
            catch (ImportException)
            {
                refused++;
            }
        }

        Assert.That(refused, Is.GreaterThan(10));
    }

    [Test]
    public void An_old_operator_set_is_refused()
    {
        var m = new OnnxModelWriter { OpsetVersion = 8 };
        m.Input("image", OnnxModelWriter.Float, 1, 1, 4, 4).Node("Relu", ["image"], "y");
        Assert.That(
            Refused(m.Build("y", OnnxModelWriter.Float, 1, 1, 4, 4)).Message,
            Does.Contain("operator set 8").And.Contain("9 to 21")
        );
    }

    [Test]
    public void An_open_input_size_is_asked_for_and_taken()
    {
        byte[] model = Small(m => m.Node("Relu", ["c"], "y"), size: -1);
        Assert.That(Refused(model).Message, Does.Contain("--input-size"));
        Assert.That(Import(model, (6, 7)).Tensors[0].Shape, Is.EqualTo(new TensorShape(1, 6, 7, 2)));
    }

    private static byte[] Small(Action<OnnxModelWriter> rest, int channels = 2, int size = 4)
    {
        var m = new OnnxModelWriter();
        m.Input("image", OnnxModelWriter.Float, 1, channels, size, size)
            .Initializer("w", [.. Enumerable.Repeat(0.5f, channels * channels)], channels, channels, 1, 1)
            .Node("Conv", ["image", "w"], "c", name: "stem");
        rest(m);
        return m.Build("y", OnnxModelWriter.Float, 1, channels, size, size);
    }

    private static ImportException Refused(byte[] model) => Oracle.Refused(model);

    private static FloatNetwork Import(byte[] model, (int, int)? size = null) => Oracle.Import(model, size).Network;

    private static float[] Run(FloatNetwork network, float[] nhwc, ExecutionPath? path) =>
        FloatExecutor.Run(network, new Dictionary<int, float[]> { [network.Inputs[0]] = nhwc }, path)[network.Outputs[0]];

    private static float[] Reference(byte[] model, float[] nhwc, int channels, int rows, int columns) =>
        Oracle.Reference(model, nhwc, new TensorShape(1, rows, columns, channels));

    private static void AssertClose(float[] mine, float[] theirs, string place) => Oracle.AssertClose(mine, theirs, place);
}
