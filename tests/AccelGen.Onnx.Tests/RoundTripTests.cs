using AccelGen.Files;
using AccelGen.Golden;
using AccelGen.Network.Architectures;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Quantization;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Onnx.Tests;

/// <summary>What the exporter writes, the importer reads: the network that comes back computes the same counts.</summary>
public sealed class RoundTripTests
{
    private static int Seed => Setting.Seed(7900);

    private static IEnumerable<string> Kinds =>
        RandomQuantizedLayers.Kinds.Except(["matmul", "add", "multiply", "concat", "normalizedmatmul"]);

    [Test]
    public void Convolutional_networks_come_back_bit_for_bit([Seeds(7900, 20)] int seed)
    {
        RandomNetwork model = RandomNetworks.Residual(seed);
        FloatNetwork network = Oracle.Import(model.Model).Network;
        Same(Quantise(network, seed, out float[][] images), images, $"seed {seed}");
    }

    [Test]
    public void Networks_with_every_kind_of_layer_come_back_bit_for_bit([Values] bool classMap, [Seeds(7900, 12)] int seed)
    {
        Same(Quantise(FloatSamples.Vision(seed, classMap), seed, out float[][] images), images, $"seed {seed}");
    }

    [Test]
    public void SegFormer_comes_back_bit_for_bit()
    {
        FloatNetwork network = SegFormer.Build(SegFormer.Variant("segformer-b0"), 64, 96, Seed);
        Same(Quantise(network, Seed, out float[][] images, 1), images, $"seed {Seed}");
    }

    [Test]
    public void Imported_operators_come_back_bit_for_bit()
    {
        int layers = 0,
            skipped = 0;
        foreach (OperatorCase test in OperatorCases.All())
        {
            string place = $"{test.Name}, seed {Seed}";
            FloatNetwork network = Oracle.Import(QuantizedModels.Build(test, "float", Seed)).Network;
            QuantizedNetwork quantized;
            float[][] images;
            try
            {
                quantized = Quantise(network, Seed, out images);
            }
            catch (InputException)
            {
                // Some functions have no useful range on random inputs.
                skipped++;
                continue;
            }

            layers += quantized.Layers.Count;
            Same(quantized, images, place);
        }

        TestContext.Out.WriteLine($"{layers} layers, {skipped} models have no int8 form");
        Assert.That(skipped, Is.LessThan(15));
    }

    [TestCase("resnet56_cifar10/resnet56_cifar10.onnx", 32)]
    [TestCase("vit4mnist/vit4mnist_opset17.onnx", 28)]
    [TestCase("efficientvit_seg_b0/efficientvit_seg_b0_cityscapes_256_folded.onnx", 256)]
    public void A_network_of_others_comes_back_bit_for_bit(string file, int size)
    {
        FloatNetwork network = OnnxImporter.Import(ThirdPartyModels.Require(file), (size, size)).Network;
        ImportResult back = Same(Quantise(network, Seed, out float[][] images, 1), images, file);
        TestContext.Out.WriteLine(
            $"{file}: {network.Layers.Count} layers and {network.Blocks.Count} blocks, {back.Network.Layers.Count} "
                + $"and {back.Network.Blocks.Count} back"
        );
    }

    [TestCaseSource(nameof(Kinds))]
    public void Random_layers_of_one_operand_come_back_within_one_step(string kind)
    {
        int different = 0;
        long elements = 0;
        for (int round = 0; round < 60; round++)
        {
            (QuantizedNetwork network, Dictionary<int, sbyte[]> inputs) = RandomQuantizedLayers.Build(kind, Seed + round);
            // One image comes in.
            if (network.Inputs.Count > 1 || network.Tensors[network.Inputs[0]].Shape.Batch > 1)
                continue;
            ImportResult back = Oracle.Import(QdqExporter.Export(network));
            sbyte[] mine = ChannelsFirst(Run(network, inputs[network.Inputs[0]]), network.Tensors[network.Outputs[0]].Shape),
                theirs = Ordered(back, inputs[network.Inputs[0]]);
            Assert.That(theirs, Has.Length.EqualTo(mine.Length));
            elements += mine.Length;
            different += mine.Zip(theirs).Count(p => p.First != p.Second);
            Assert.That(mine.Zip(theirs).Max(p => Math.Abs(p.First - p.Second)), Is.LessThanOrEqualTo(1), $"{kind}, seed {Seed + round}");
        }

        TestContext.Out.WriteLine($"{kind}: {different} of {elements} elements differ by one step");
        Assert.That(elements, Is.Positive);
        Assert.That(different, Is.LessThanOrEqualTo(elements / 1000));
    }

    // Quantised with the ranges of some random images.
    private static QuantizedNetwork Quantise(FloatNetwork network, int seed, out float[][] images, int count = 3)
    {
        images =
        [
            .. Enumerable
                .Range(0, count)
                .Select(i => RandomNetworks.Values(new Random(seed + i), (int)network.Tensors[network.Inputs[0]].Shape.Elements, 1)),
        ];
        return Quantizer.Quantize(network, Quantizer.Calibrate(network, images, CalibrationMethod.MinMax));
    }

    // In both types of counts.
    private static ImportResult Same(QuantizedNetwork network, float[][] images, string place)
    {
        Same(network, images, $"{place}, int8", QdqType.Int8);
        return Same(network, images, place, QdqType.UInt8);
    }

    private static ImportResult Same(QuantizedNetwork network, float[][] images, string place, QdqType type)
    {
        ImportResult import = Oracle.Import(QdqExporter.Export(network, type: type));
        Assert.That(import.Quantized, Is.Not.Null, place);
        Assert.That(import.Nodes.Select(n => n.Outcome), Has.None.StartsWith("refused"), place);
        QuantizedTensor input = network.Tensors[network.Inputs[0]],
            theirs = import.Quantized!.Tensors[import.Quantized.Inputs[0]];
        Assert.That((theirs.Scale, theirs.ZeroPoint), Is.EqualTo((input.Scale, input.ZeroPoint)), place);
        foreach (float[] image in images)
        {
            sbyte[] counts = Quantizer.QuantizeValues(input, image);
            QuantizedTensor last = network.Tensors[network.Outputs[0]];
            Assert.That(Ordered(import, counts), Is.EqualTo(ChannelsFirst(Run(network, counts), last.Shape)), place);
        }

        return import;
    }

    private static sbyte[] Run(QuantizedNetwork network, sbyte[] input) =>
        GoldenExecutor.Run(network, ExecutionPath.Whole, new Dictionary<int, sbyte[]> { [network.Inputs[0]] = input })[network.Outputs[0]];

    // The counts of the output in the order of the file.
    private static sbyte[] Ordered(ImportResult import, sbyte[] input)
    {
        sbyte[] counts = Run(import.Quantized!, input);
        return [.. import.Outputs[0].Elements.Select(e => counts[e])];
    }

    private static sbyte[] ChannelsFirst(sbyte[] nhwc, TensorShape s)
    {
        var result = new sbyte[nhwc.Length];
        int pixels = s.Height * s.Width;
        for (int i = 0; i < nhwc.Length; i++)
            result[(((i / s.Channels / pixels * s.Channels) + (i % s.Channels)) * pixels) + (i / s.Channels % pixels)] = nhwc[i];
        return result;
    }
}
