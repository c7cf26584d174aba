using System.Text.Json.Nodes;
using AccelGen.Files;
using AccelGen.Network.Architectures;
using AccelGen.Network.Dynamic;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Quantization;
using AccelGen.Tests.Shared;
using NJsonSchema;
using NUnit.Framework;

namespace AccelGen.Network.Tests.Dynamic;

/// <summary>The schema of path files against what reads them.</summary>
public sealed class PathSchemaTests
{
    private const int VectorWidth = 32;

    private static readonly Lazy<QuantizedNetwork> Network = new(() =>
    {
        FloatNetwork network = SegFormer.Build(SegFormer.Variant("segformer-b0"), 64, 64, 1);
        int ranges = network.Tensors.Count + network.Layers.Count(l => l.Activation.Kind != ActivationKind.None);
        return Quantizer.Quantize(network, [.. Enumerable.Repeat(new ValueRange(-4, 4), ranges)]);
    });

    // Texts of JSON values, legal ones and others; an empty one leaves the field out.
    private static readonly string[] Others = ["null", "true", "3", "1.5", "\"x\"", "[]", "{}"];
    private static readonly string[] Skips =
    [
        "",
        "[]",
        "[0]",
        "[\"0\", \"2-3\", 5]",
        "[\"stage3.block1\"]",
        "[1.5]",
        "[null]",
        "[{}]",
        .. Others,
    ];
    private static readonly string[] Keeps =
    [
        "",
        "{}",
        .. new[]
        {
            "1",
            "256",
            "0",
            "-1",
            "0.5",
            "1.0",
            "0.0",
            "1.5",
            "-0.5",
            "1e-3",
            "\"1/2\"",
            "\"0003 / 4\"",
            "\" 1/1 \"",
            "\"0/2\"",
            "\"1/0\"",
            "\"000/4\"",
            "\"1/2/3\"",
            "\"0.5\"",
            "\"-1/2\"",
            "\"\"",
            "\"0000001/2\"",
            "\"1/1000000\"",
            "true",
            "null",
            "[]",
            "{}",
        }.Select(v => $$"""{"decoder.linear_pred": {{v}}}"""),
        "{\"decoder.*\": \"1/2\", \"stage1*\": 0.25}",
        .. Others,
    ];

    private static int Seed => Setting.Seed(12);

    [Test]
    public async Task What_the_reader_takes_the_schema_takes_and_what_one_refuses_the_other_does()
    {
        JsonSchema schema = await JsonSchema.FromJsonAsync(PathSchema.Text);
        var random = new Random(Seed);
        string Any(string[] of) => of[random.Next(of.Length)];
        var texts = new List<string>
        {
            "[]",
            "{}",
            "3",
            """{"paths": null}""",
            """{"paths": []}""",
            """{"paths": {}}""",
            """{"paths": [3]}""",
            """{"paths": [null]}""",
            """{"$schema": "paths.schema.json", "paths": [{"name": "a"}]}""",
            """{"paths": [{"name": "a"}], "more": 1}""",
        };
        texts.AddRange(Skips.Select(s => Path("\"a\"", s, "")));
        texts.AddRange(Keeps.Select(k => Path("\"a\"", "", k)));
        string[] names = ["", "\"\"", .. Others];
        texts.AddRange(names.Select(n => Path(n, "", "")));
        // Several at a time: a fault is not hidden by what stands beside it.
        for (int i = 0; i < 300; i++)
            texts.Add(
                Path(
                    random.Next(8) == 0 ? Any(Others) : "\"a\"",
                    random.Next(3) == 0 ? Any(Skips) : "[1]",
                    random.Next(3) == 0 ? Any(Keeps) : "",
                    random.Next(20) == 0 ? ", \"skipp\": []" : ""
                )
            );
        int taken = 0;
        foreach (string text in texts)
        {
            string[] said = [.. schema.Validate(text).Select(e => e.ToString())];
            string? refused = Refusal(text);
            taken += refused is null ? 1 : 0;
            Assert.That(
                said.Length == 0,
                Is.EqualTo(refused is null),
                $"{text}\nreader: {refused ?? "takes it"}\nschema: {(said.Length == 0 ? "takes it" : string.Join(", ", said))}\nseed {Seed}"
            );
        }

        Assert.That(taken, Is.GreaterThan(texts.Count / 4).And.LessThan(texts.Count));
    }

    [Test]
    public async Task A_ladder_of_the_program_is_a_file_of_the_schema()
    {
        JsonSchema schema = await JsonSchema.FromJsonAsync(PathSchema.Text);
        IReadOnlyList<ChannelCut> cuts = ChannelCuts.Find(Network.Value);
        string text = PathFile.Write(Network.Value, cuts, DefaultLadder.Create(Network.Value, cuts, VectorWidth, 16));
        Assert.That(schema.Validate(text), Is.Empty);
        Assert.That(JsonNode.Parse(text)!["paths"]!.AsArray(), Has.Count.GreaterThan(10));
    }

    [TestCase("""{"paths": [{"name": "a"}, {"name": "a"}]}""", TestName = "{m}(names)")]
    [TestCase("""{"paths": [{"name": "a", "skip": ["nowhere"]}]}""", TestName = "{m}(blocks)")]
    [TestCase("""{"paths": [{"name": "a", "keep": {"decoder.linear_pred": 257}}]}""", TestName = "{m}(channels)")]
    [TestCase("""{"paths": [{"name": "a", "keep": {"decoder.linear_pred": "5/4"}}]}""", TestName = "{m}(fractions)")]
    public async Task What_depends_on_the_network_only_the_reader_knows(string text)
    {
        JsonSchema schema = await JsonSchema.FromJsonAsync(PathSchema.Text);
        Assert.That(schema.Validate(text), Is.Empty);
        Assert.That(Refusal(text), Is.Not.Null);
    }

    private static string? Refusal(string text)
    {
        try
        {
            PathFile.Parse(text, "paths.json", Network.Value, ChannelCuts.Find(Network.Value), VectorWidth);
            return null;
        }
        catch (InputException e)
        {
            return e.Message;
        }
    }

    private static string Path(string name, string skip, string keep, string more = "")
    {
        string[] fields =
        [
            .. new[] { ("name", name), ("skip", skip), ("keep", keep) }
                .Where(f => f.Item2.Length > 0)
                .Select(f => $"\"{f.Item1}\": {f.Item2}"),
        ];
        return $$"""{"paths": [{"name": "first"}, {{{string.Join(", ", fields)}}{{more}}}]}""";
    }
}
