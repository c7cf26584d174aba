using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Onnx.Tests;

/// <summary>Random transformers: what a path skips is what ONNX Runtime computes without it.</summary>
public sealed class TransformerBlockTests
{
    private static int Seed => Setting.Seed(7400);

    [Test]
    public void A_skipped_branch_gives_what_ONNX_Runtime_gives_without_the_branch()
    {
        int skipped = 0;
        for (int seed = Seed; seed < Seed + 12; seed++)
        {
            (byte[] model, int blocks) = Transformer(seed, new HashSet<(int, int)>());
            ImportResult import = Oracle.Import(model);
            Oracle.Sound(import.Network, $"seed {seed}");
            TensorShape shape = import.Network.Tensors[import.Network.Inputs[0]].Shape;
            float[] image = RandomNetworks.Values(new Random(seed), (int)shape.Elements, 2);
            Assert.That(
                import.Network.Blocks.Select(b => b.Name),
                Is.EqualTo(Enumerable.Range(0, blocks).SelectMany(i => new[] { $"block{i}#1", $"block{i}#2" })),
                $"seed {seed}"
            );
            for (int i = 0; i < blocks; i++)
            {
                Check(import, $"block{i}#1", new HashSet<(int, int)> { (i, 0) });
                Check(import, $"block{i}#2", new HashSet<(int, int)> { (i, 1) });
                Check(import, $"block{i}", new HashSet<(int, int)> { (i, 0), (i, 1) });
            }

            void Check(ImportResult whole, string skip, HashSet<(int, int)> omitted)
            {
                ExecutionPath path = BlockList.Parse(ResidualBlocks.Expand(skip, whole.Network.Blocks), whole.Network.Blocks);
                Assert.That(path.SkippedBlocks, Has.Count.EqualTo(omitted.Count), $"seed {seed}: {skip}");
                Oracle.AssertClose(
                    Oracle.Run(whole, image, path),
                    Oracle.Reference(Transformer(seed, omitted).Model, image, shape),
                    $"seed {seed}, without {skip}"
                );
                skipped++;
            }
        }

        TestContext.Out.WriteLine($"{skipped} paths");
    }

    [Test]
    public void A_module_name_stands_for_its_branches_and_other_names_stay()
    {
        SkippableBlock[] blocks = [new(0, "a#1"), new(1, "a#2"), new(2, "b"), new(3, "ab#1"), new(4, "ab#2")];
        Assert.That(ResidualBlocks.Expand("a, b,ab#2,0-1,none", blocks), Is.EqualTo("a#1,a#2,b,ab#2,0-1,none"));
    }

    // An encoder as exporters write it; some branches (block, 0 attention or 1 MLP) are left out.
    private static (byte[] Model, int Blocks) Transformer(int seed, HashSet<(int, int)> omitted)
    {
        var random = new Random(seed);
        var m = new ModelSketch(random);
        int heads = random.Next(1, 4),
            width = heads * random.Next(2, 5),
            size = 2 * random.Next(2, 4),
            tokens = (size / 2 * size / 2) + 1,
            blocks = random.Next(1, 4);
        bool joint = random.Next(2) == 0,
            node = random.Next(2) == 0;
        string image = m.Input(1, 2, size, size);
        string x = m.Tokens(
            m.Node("Conv", [image, m.Random(0.4, 0, width, 2, 2, 2), m.Random(0.4, 0, width)], ("strides", new long[] { 2, 2 })),
            width,
            tokens - 1
        );
        x = m.Node("Add", [m.Node("Concat", [m.Random(1, 0, 1, 1, width), x], ("axis", 1)), m.Random(1, 0, 1, tokens, width)]);
        for (int b = 0; b < blocks; b++)
        {
            m.Scope = $"block{b}";
            string attention = Attention(Norm(x));
            if (!omitted.Contains((b, 0)))
                x = m.Node("Add", [x, attention]);
            string h = m.Linear(Norm(x), width, 2 * width);
            string mlp = m.Linear(
                m.Node(
                    "Mul",
                    [
                        m.Node("Mul", [h, m.Node("Add", [m.Node("Erf", [m.Node("Div", [h, m.Number(1.41421354f)])]), m.Number(1)])]),
                        m.Number(0.5f),
                    ]
                ),
                2 * width,
                width
            );
            if (!omitted.Contains((b, 1)))
                x = m.Node("Add", [mlp, x]);
        }

        m.Scope = "head";
        string token = m.Node("Gather", [x, m.Index(0)], ("axis", 1));
        return (
            m.Finish(m.Node("Gemm", [token, m.Random(0.5, 0, 5, width), m.Random(0.5, 0, 5)], ("transB", 1)), OnnxModelWriter.Float),
            blocks
        );

        string Norm(string y)
        {
            if (node)
                return m.Node("LayerNormalization", [y, m.Random(0.5, 1, width), m.Random(0.5, 0, width)]);
            string d = m.Node("Sub", [y, m.Node("ReduceMean", [y], ("axes", new long[] { -1 }))]);
            string v = m.Node(
                "Sqrt",
                [m.Node("Add", [m.Node("ReduceMean", [m.Node("Pow", [d, m.Number(2)])], ("axes", new long[] { -1 })), m.Number(1e-5f)])]
            );
            return m.Node("Add", [m.Node("Mul", [m.Node("Div", [d, v]), m.Random(0.5, 1, width)]), m.Random(0.5, 0, width)]);
        }

        string Attention(string y)
        {
            string q,
                k,
                v;
            if (joint)
            {
                string qkv = m.Transpose(m.Reshape(m.Linear(y, width, 3 * width), 1, tokens, 3, heads, width / heads), 2, 0, 3, 1, 4);
                q = m.Node("Gather", [qkv, m.Index(0)], ("axis", 0));
                k = m.Node("Gather", [qkv, m.Index(1)], ("axis", 0));
                v = m.Node("Gather", [qkv, m.Index(2)], ("axis", 0));
            }
            else
            {
                q = Head(m.Linear(y, width, width));
                k = Head(m.Linear(y, width, width));
                v = Head(m.Linear(y, width, width));
            }

            string s = m.Node(
                "Softmax",
                [m.Node("Mul", [m.Node("MatMul", [q, m.Transpose(k, 0, 1, 3, 2)]), m.Number(0.4f)])],
                ("axis", -1)
            );
            return m.Linear(m.Reshape(m.Transpose(m.Node("MatMul", [s, v]), 0, 2, 1, 3), 1, tokens, width), width, width);
        }

        string Head(string y) => m.Transpose(m.Reshape(y, 1, tokens, heads, width / heads), 0, 2, 1, 3);
    }
}
