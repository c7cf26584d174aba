using System.Diagnostics;
using AccelGen.Network.Data;
using AccelGen.Network.Float;
using AccelGen.Network.Onnx;
using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Network.Tests.Onnx;

/// <summary>Whole vision transformers against ONNX Runtime.</summary>
public sealed class VisionTransformerTests
{
    [Test]
    public void A_plain_vision_transformer_gives_what_ONNX_Runtime_gives()
    {
        string path = ThirdPartyModels.Require("vit4mnist/vit4mnist_opset17.onnx");
        byte[] model = File.ReadAllBytes(path);
        ImportResult import = OnnxImporter.Import(path);
        double worst = 0;
        foreach (string image in Directory.GetFiles(ThirdPartyModels.Require("images/mnist"), "*.png").Order())
            worst = Math.Max(worst, Oracle.Compare(import, model, ImageSet.Decode(image, 28, 28, 1, new Normalization([0.1307f], [0.3081f])), Path.GetFileName(image)));
        Describe(import, worst);
        Assert.That(import.Network.Blocks, Has.Count.EqualTo(12), "attention and MLP of six encoder blocks");
        Assert.That(import.Network.Blocks.Select(b => b.Name), Does.Contain("blocks.3#1").And.Contain("blocks.3#2"));
        Assert.That(import.Network.Layers.Count(l => l is FloatConv { IsDataMovement: true }), Is.EqualTo(1), "only the patches move: behind the class token");
        Assert.That(import.Nodes.Select(n => n.Outcome), Has.None.EqualTo("not needed"));
        string Outcome(string node) => import.Nodes.Single(n => n.Node == node).Outcome;
        Assert.That(Outcome("/blocks.0/Mul_2"), Does.Contain("fused into /blocks.0/f1/MatMul"));
        Assert.That(Outcome("/blocks.0/Erf"), Is.EqualTo("part of an activation"));
        Assert.That(Outcome("/blocks.0/Add"), Does.Contain("fused into /blocks.0/out/MatMul"));
        Assert.That(Outcome("/blocks.0/MatMul"), Does.Contain("matrix product, output 8x1x17x17"));
    }

    [Test]
    public void Skipping_any_of_the_later_encoder_blocks_of_the_vision_transformer_keeps_every_digit()
    {
        ImportResult import = OnnxImporter.Import(ThirdPartyModels.Require("vit4mnist/vit4mnist_opset17.onnx"));
        Dictionary<string, int> labels = File.ReadLines(ThirdPartyModels.Require("images/mnist/labels.csv")).Select(l => l.Split(',')).Where(p => int.TryParse(p[^1], out _)).ToDictionary(p => p[0], p => int.Parse(p[^1], System.Globalization.CultureInfo.InvariantCulture));
        (float[] Image, int Label)[] digits = [.. labels.Select(l => (ImageSet.Decode(Path.Combine(ThirdPartyModels.Require("images/mnist"), l.Key), 28, 28, 1, new Normalization([0.1307f], [0.3081f])), l.Value))];
        foreach (string skip in new[] { "none", "blocks.0", "blocks.1", "blocks.2", "blocks.3", "blocks.4", "blocks.5" })
        {
            ExecutionPath path = BlockList.Parse(ResidualBlocks.Expand(skip, import.Network.Blocks), import.Network.Blocks);
            int right = digits.Count(d => Oracle.Run(import, d.Image, path) is var scores && Array.IndexOf(scores, scores.Max()) == d.Label);
            Assert.That(right, Is.EqualTo(skip == "blocks.0" ? 23 : 25), $"right of 25 without {skip}");
        }
    }

    [TestCase(256)]
    [TestCase(512)]
    public void EfficientViT_gives_what_ONNX_Runtime_gives(int size)
    {
        string path = ThirdPartyModels.Require($"efficientvit_seg_b0/efficientvit_seg_b0_cityscapes_{size}_folded.onnx");
        ImportResult import = OnnxImporter.Import(path);
        string image = Directory.GetFiles(ThirdPartyModels.Require("images/cityscapes")).Order().First(f => !f.Contains("mask", StringComparison.Ordinal));
        float[] nhwc = ImageSet.Decode(image, size, size, 3, Normalization.Default(3));
        var clock = Stopwatch.StartNew();
        Oracle.Run(import, nhwc);
        TestContext.Out.WriteLine($"float execution {clock.ElapsedMilliseconds} ms");
        Describe(import, Oracle.Compare(import, File.ReadAllBytes(path), nhwc, $"{size}"));
        Assert.That(import.Network.Layers.OfType<FloatNormalizedMatMul>().Count(), Is.EqualTo(4), "linear attention");
        Assert.That(import.Network.Layers.OfType<FloatResize>().Count(), Is.EqualTo(2));
    }

    private static void Describe(ImportResult import, double worst)
    {
        TestContext.Out.WriteLine($"largest difference {worst:G3}, {import.Network.Layers.Count} layers, {import.Network.Macs} MACs, {import.Network.Parameters} parameters, blocks {string.Join(" ", import.Network.Blocks.Select(b => b.Name))}");
        foreach (FloatLayer l in import.Network.Layers)
        {
            TestContext.Out.WriteLine($"{l.Name,-60} {l.GetType().Name,-20} {string.Join(" ", l.Reads.Select(t => $"{t}:{import.Network.Tensors[t].Shape}"))} -> {l.Output}:{import.Network.Tensors[l.Output].Shape}"
                + $"{(l.TransposeOutput ? " T" : "")}{(l.Residual is not null ? " +" : "")} {l.Activation.Kind} {(l is FloatConv c ? $"k{c.Kernel} s{c.Stride} p{c.Padding} g{c.Groups} {(c.IsDataMovement ? "move" : "")}" : "")} {l.Block}");
        }
    }
}
