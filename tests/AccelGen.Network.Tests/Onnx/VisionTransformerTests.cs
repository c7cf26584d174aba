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
    }

    [TestCase(256)]
    [TestCase(512)]
    public void EfficientViT_gives_what_ONNX_Runtime_gives(int size)
    {
        string path = ThirdPartyModels.Require($"efficientvit_seg_b0/efficientvit_seg_b0_cityscapes_{size}_folded.onnx");
        ImportResult import = OnnxImporter.Import(path);
        string image = Directory.GetFiles(ThirdPartyModels.Require("images/cityscapes")).Order().First(f => !f.Contains("mask", StringComparison.Ordinal));
        float[] nhwc = ImageSet.Decode(image, size, size, 3, Normalization.Default(3));
        Describe(import, Oracle.Compare(import, File.ReadAllBytes(path), nhwc, $"{size}"));
    }

    [Test]
    public void ZZ() => Describe(OnnxImporter.Import(ThirdPartyModels.Require("resnet56_cifar10/resnet56_cifar10.onnx")), 0);

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
