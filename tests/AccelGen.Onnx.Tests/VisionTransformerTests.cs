using System.Diagnostics;
using AccelGen.Data;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Onnx.Tests;

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
            worst = Math.Max(
                worst,
                Oracle.Compare(
                    import,
                    model,
                    ImageSet.Decode(image, 28, 28, 1, new Normalization([0.1307f], [0.3081f])),
                    Path.GetFileName(image)
                )
            );
        Describe(import, worst);
        Assert.That(import.Network.Blocks, Has.Count.EqualTo(12), "attention and MLP of six encoder blocks");
        Assert.That(import.Network.Blocks.Select(b => b.Name), Does.Contain("blocks.3#1").And.Contain("blocks.3#2"));
        Assert.That(
            import.Network.Layers.Count(l => l is FloatConv { IsDataMovement: true }),
            Is.EqualTo(1),
            "only the patches move: behind the class token"
        );
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
        Dictionary<string, int> labels = File.ReadLines(ThirdPartyModels.Require("images/mnist/labels.csv"))
            .Select(l => l.Split(','))
            .Where(p => int.TryParse(p[^1], out _))
            .ToDictionary(p => p[0], p => int.Parse(p[^1], System.Globalization.CultureInfo.InvariantCulture));
        (float[] Image, int Label)[] digits =
        [
            .. labels.Select(l =>
                (
                    ImageSet.Decode(
                        Path.Combine(ThirdPartyModels.Require("images/mnist"), l.Key),
                        28,
                        28,
                        1,
                        new Normalization([0.1307f], [0.3081f])
                    ),
                    l.Value
                )
            ),
        ];
        foreach (string skip in new[] { "none", "blocks.0", "blocks.1", "blocks.2", "blocks.3", "blocks.4", "blocks.5" })
        {
            ExecutionPath path = BlockList.Parse(ResidualBlocks.Expand(skip, import.Network.Blocks), import.Network.Blocks);
            int right = digits.Count(d =>
                Oracle.Run(import, d.Image, path) is var scores && Array.IndexOf(scores, scores.Max()) == d.Label
            );
            Assert.That(right, Is.EqualTo(skip == "blocks.0" ? 23 : 25), $"right of 25 without {skip}");
        }
    }

    [TestCase(256)]
    [TestCase(512)]
    public void EfficientViT_gives_what_ONNX_Runtime_gives(int size)
    {
        string path = ThirdPartyModels.Require($"efficientvit_seg_b0/efficientvit_seg_b0_cityscapes_{size}_folded.onnx");
        ImportResult import = OnnxImporter.Import(path);
        string image = Directory
            .GetFiles(ThirdPartyModels.Require("images/cityscapes"))
            .Order()
            .First(f => !f.Contains("mask", StringComparison.Ordinal));
        float[] nhwc = ImageSet.Decode(image, size, size, 3, Normalization.Default(3));
        var clock = Stopwatch.StartNew();
        Oracle.Run(import, nhwc);
        TestContext.Out.WriteLine($"float execution {clock.ElapsedMilliseconds} ms");
        Describe(import, Oracle.Compare(import, File.ReadAllBytes(path), nhwc, $"{size}"));
        Assert.That(import.Network.Layers.OfType<FloatNormalizedMatMul>().Count(), Is.EqualTo(4), "linear attention");
        Assert.That(
            import.Network.Layers.OfType<FloatResize>().Count(),
            Is.EqualTo(4),
            "two of cubic weights, each behind a repetition of rows"
        );
    }

    [TestCase(32, new[] { 4, 8, 12, 16 }, new[] { 1, 2, 3, 4 }, 1)]
    [TestCase(64, new[] { 8, 16, 24, 32 }, new[] { 1, 2, 3, 4 }, 2)]
    public void A_SegFormer_of_random_weights_gives_what_ONNX_Runtime_gives_without_moving_data(
        int size,
        int[] widths,
        int[] heads,
        int depth
    )
    {
        var m = new ModelSketch(new Random(size));
        string logits = SegFormer(m, size, widths, heads, [8, 4, 2, 1], depth, decoder: 16, labels: 11);
        byte[] model = m.Finish(logits, OnnxModelWriter.Float);
        ImportResult import = Oracle.Import(model);
        Describe(import, Oracle.Compare(import, model, RandomNetworks.Values(new Random(1), size * size * 3, 1), $"size {size}"));
        Assert.That(
            import.Network.Layers.Where(l => l is FloatConv { IsDataMovement: true } or FloatCopy or FloatAdd),
            Is.Empty,
            "every movement, activation and addition is part of a layer"
        );
        Assert.That(import.Network.Blocks, Has.Count.EqualTo(2 * 4 * depth), "attention and feed-forward of every block");
    }

    // The hierarchical encoder with overlapping patches and sequence reduction, and the decoder of linear layers.
    private static string SegFormer(
        ModelSketch m,
        int size,
        int[] widths,
        int[] heads,
        int[] reductions,
        int depth,
        int decoder,
        int labels
    )
    {
        string image = m.Input(1, 3, size, size);
        var features = new List<string>();
        for (int stage = 0, from = 3, side = size; stage < 4; from = widths[stage++])
        {
            int kernel = stage == 0 ? 7 : 3,
                stride = stage == 0 ? 4 : 2,
                width = widths[stage],
                reduction = reductions[stage];
            side /= stride;
            int tokens = side * side;
            m.Scope = $"stage{stage}/patch";
            string x = Norm(
                m.Tokens(
                    m.Node(
                        "Conv",
                        [image, m.Random(2.0 / kernel, 0, width, from, kernel, kernel), m.Random(0.2, 0, width)],
                        ("strides", new long[] { stride, stride }),
                        ("pads", Enumerable.Repeat((long)kernel / 2, 4).ToArray())
                    ),
                    width,
                    tokens
                ),
                width
            );
            for (int b = 0; b < depth; b++)
            {
                m.Scope = $"stage{stage}/block{b}/attention";
                string y = Norm(x, width),
                    kv = y;
                int kept = tokens;
                if (reduction > 1)
                {
                    kept = tokens / reduction / reduction;
                    kv = Norm(
                        m.Tokens(
                            m.Node(
                                "Conv",
                                [
                                    m.Reshape(m.Transpose(y, 0, 2, 1), 1, width, side, side),
                                    m.Random(1.0 / reduction, 0, width, width, reduction, reduction),
                                    m.Random(0.2, 0, width),
                                ],
                                ("strides", new long[] { reduction, reduction })
                            ),
                            width,
                            kept
                        ),
                        width
                    );
                }

                string Head(string t, int n) => m.Transpose(m.Reshape(t, 1, n, heads[stage], width / heads[stage]), 0, 2, 1, 3);
                string scores = m.Node(
                    "Div",
                    [
                        m.Node(
                            "MatMul",
                            [Head(m.Linear(y, width, width), tokens), m.Transpose(Head(m.Linear(kv, width, width), kept), 0, 1, 3, 2)]
                        ),
                        m.Number(MathF.Sqrt(width / heads[stage])),
                    ]
                );
                string context = m.Node("MatMul", [m.Node("Softmax", [scores], ("axis", -1)), Head(m.Linear(kv, width, width), kept)]);
                x = m.Node("Add", [m.Linear(m.Reshape(m.Transpose(context, 0, 2, 1, 3), 1, tokens, width), width, width), x]);
                m.Scope = $"stage{stage}/block{b}/feedforward";
                string h = m.Reshape(m.Transpose(m.Linear(Norm(x, width), width, 4 * width), 0, 2, 1), 1, 4 * width, side, side);
                h = m.Tokens(
                    m.Node(
                        "Conv",
                        [h, m.Random(0.5, 0, 4 * width, 1, 3, 3), m.Random(0.2, 0, 4 * width)],
                        ("group", 4 * width),
                        ("pads", new long[] { 1, 1, 1, 1 })
                    ),
                    4 * width,
                    tokens
                );
                string gelu = m.Node(
                    "Mul",
                    [
                        m.Node("Mul", [h, m.Node("Add", [m.Node("Erf", [m.Node("Div", [h, m.Number(1.41421354f)])]), m.Number(1)])]),
                        m.Number(0.5f),
                    ]
                );
                x = m.Node("Add", [m.Linear(gelu, 4 * width, width), x]);
            }

            m.Scope = $"stage{stage}";
            image = m.Reshape(m.Transpose(Norm(x, width), 0, 2, 1), 1, width, side, side);
            features.Add(image);
        }

        m.Scope = "decoder";
        int wanted = size / 4;
        string[] parts =
        [
            .. features.Select(
                (f, i) =>
                {
                    int side = wanted >> i;
                    string part = m.Reshape(
                        m.Transpose(m.Linear(m.Tokens(f, widths[i], side * side), widths[i], decoder), 0, 2, 1),
                        1,
                        decoder,
                        side,
                        side
                    );
                    return i == 0
                        ? part
                        : m.Node(
                            "Resize",
                            [part, string.Empty, string.Empty, m.Integers(1, decoder, wanted, wanted)],
                            ("mode", "linear"),
                            ("coordinate_transformation_mode", "half_pixel")
                        );
                }
            ),
        ];
        string fused = m.Node("Conv", [m.Node("Concat", [.. parts.Reverse()], ("axis", 1)), m.Random(0.3, 0, decoder, 4 * decoder, 1, 1)]);
        fused = m.Node(
            "Relu",
            [
                m.Node(
                    "BatchNormalization",
                    [fused, m.Random(0.3, 1, decoder), m.Random(0.3, 0, decoder), m.Random(0.3, 0, decoder), m.Random(0.3, 1, decoder)]
                ),
            ]
        );
        return m.Conv(fused, decoder, labels);

        string Norm(string t, int width) => m.Node("LayerNormalization", [t, m.Random(0.3, 1, width), m.Random(0.3, 0, width)]);
    }

    private static void Describe(ImportResult import, double worst)
    {
        TestContext.Out.WriteLine(
            $"largest difference {worst:G3}, {import.Network.Layers.Count} layers, {import.Network.Macs} MACs, "
                + $"{import.Network.Parameters} parameters, blocks {string.Join(" ", import.Network.Blocks.Select(b => b.Name))}"
        );
        foreach (FloatLayer l in import.Network.Layers)
        {
            TestContext.Out.WriteLine(
                $"{l.Name, -60} {l.GetType().Name, -20} "
                    + $"{string.Join(" ", l.Reads.Select(t => $"{t}:{import.Network.Tensors[t].Shape}"))} -> "
                    + $"{l.Output}:{import.Network.Tensors[l.Output].Shape}"
                    + $"{(l.TransposeOutput ? " T" : "")}{(l.Residual is not null ? " +" : "")} {l.Activation.Kind} "
                    + $"{(l is FloatConv c ? $"k{c.Kernel} s{c.Stride} p{c.Padding} g{c.Groups} {(c.IsDataMovement ? "move" : "")}" : "")} "
                    + $"{l.Block}"
            );
        }
    }
}
