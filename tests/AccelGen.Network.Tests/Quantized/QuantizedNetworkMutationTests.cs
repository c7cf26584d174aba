using System.Diagnostics;
using System.Text.Json.Nodes;
using AccelGen.Files;
using AccelGen.Golden;
using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Network.Tests.Quantized;

/// <summary>
/// Files of quantised networks changed in one to three places: each is read and executed, or refused by name. ACCELGEN_MUTATIONS
/// sets their number, ACCELGEN_SEED the first seed; each copy has a seed of its own, which a failure prints.
/// </summary>
public sealed class QuantizedNetworkMutationTests
{
    // Networks of more elements are read, but not executed.
    private const long MaxElements = 1 << 18;

    private static readonly string[] Numbers =
    [
        "0",
        "-1",
        "1",
        "2",
        "127",
        "-128",
        "128",
        "255",
        "1.5",
        "-0.0",
        "1e-300",
        "1e300",
        "16777215",
        "16777216",
        "2147483647",
        "-2147483648",
        "4294967296",
        "9223372036854775807",
        "1e999",
    ];

    [TestCase(500)]
    [TestCase(6_000, Category = "Deep")]
    [CancelAfter(3_600_000)]
    public void A_changed_file_is_executed_or_refused_by_name(int count)
    {
        int first = Setting.Seed(8100),
            all = Setting.Number("ACCELGEN_MUTATIONS") ?? count,
            refused = 0;
        string path = Path.Combine(Directory.CreateTempSubdirectory("accelgen-changed").FullName, "q.json");
        string[] samples =
        [
            .. QuantizedSamples
                .All(first)
                .Select(n =>
                {
                    QuantizedNetworkFile.Save(path, n);
                    return File.ReadAllText(path);
                }),
        ];
        TimeSpan longest = default;
        TestContext.Out.WriteLine($"{all} copies, seeds {first} to {first + all - 1}");
        for (int seed = first; seed < first + all; seed++)
        {
            var random = new Random(seed);
            string text = samples[random.Next(samples.Length)],
                place = $"ACCELGEN_SEED={seed} ACCELGEN_MUTATIONS=1";
            if (random.Next(5) == 0)
            {
                text = Damaged(random, text);
            }
            else
            {
                JsonNode whole = JsonNode.Parse(text)!;
                for (int changes = random.Next(3) == 0 ? 2 : 1; changes > 0; changes--)
                    Change(random, whole);
                text = whole.ToJsonString();
            }

            File.WriteAllText(path, text);
            long start = Stopwatch.GetTimestamp();
            try
            {
                QuantizedNetwork network = QuantizedNetworkFile.Load(path);
                if (
                    network.Tensors.Sum(t => t.Shape.Elements) <= MaxElements
                    && network.Layers.Sum(l => l is ConvLayer c ? c.Weights.LongLength : 0) <= MaxElements
                )
                    GoldenExecutor.Run(network, ExecutionPath.Whole, QuantizedSamples.Inputs(network, random));
            }
            catch (InputException e)
            {
                refused++;
                Assert.That(e.Message, Does.StartWith(path), place);
            }
            catch (Exception e)
            {
                Assert.Fail($"{place}: {e}\n{text}");
            }

            TimeSpan time = Stopwatch.GetElapsedTime(start);
            longest = time > longest ? time : longest;
        }

        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        TestContext.Out.WriteLine($"{refused} of {all} refused, the longest took {longest.TotalMilliseconds:F0} ms");
        Assert.That(refused, Is.InRange(all / 10, all - (all / 20)));
        Assert.That(longest, Is.LessThan(TimeSpan.FromSeconds(20)));
    }

    private static string Damaged(Random random, string text)
    {
        int at = random.Next(text.Length),
            length = Math.Min(random.Next(1, 12), text.Length - at);
        return random.Next(3) switch
        {
            0 => text.Remove(at, length),
            1 => text.Insert(at, text.Substring(at, length)),
            _ => text[..at],
        };
    }

    // One value becomes another, goes, or comes twice.
    private static void Change(Random random, JsonNode whole)
    {
        (JsonNode Parent, object Key)[] places = [.. Places(whole)];
        (JsonNode parent, object key) = places[random.Next(places.Length)];
        JsonNode? value = parent is JsonArray list ? list[(int)key] : parent[(string)key];
        JsonNode? other = random.Next(16) switch
        {
            > 8 when value is JsonValue number && number.TryGetValue(out long near) => JsonValue.Create(near + random.Next(-2, 3)),
            0 => null,
            1 => JsonValue.Create("other"),
            2 => new JsonArray(),
            3 => new JsonObject(),
            4 => places[random.Next(places.Length)] is var (p, k) ? (p is JsonArray l ? l[(int)k] : p[(string)k])?.DeepClone() : null,
            _ => JsonNode.Parse(Numbers[random.Next(Numbers.Length)]),
        };
        if (value is JsonValue texts && texts.TryGetValue(out string? old) && old.Length > 8 && random.Next(2) == 0)
            other = JsonValue.Create(old[..(random.Next(old.Length / 4) * 4)]);
        if (parent is JsonArray array)
        {
            if (random.Next(4) == 0)
                array.RemoveAt((int)key);
            else if (random.Next(4) == 0)
                array.Insert((int)key, value?.DeepClone());
            else
                array[(int)key] = other;
        }
        else if (random.Next(6) == 0)
        {
            parent.AsObject().Remove((string)key);
        }
        else
        {
            parent[(string)key] = other;
        }
    }

    private static IEnumerable<(JsonNode Parent, object Key)> Places(JsonNode? node) =>
        node switch
        {
            JsonObject o => o.SelectMany(p => Places(p.Value).Prepend((o, p.Key))),
            JsonArray a => a.SelectMany((v, i) => Places(v).Prepend((a, i))),
            _ => [],
        };
}
