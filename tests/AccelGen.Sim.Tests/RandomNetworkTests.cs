using System.Diagnostics;
using System.Globalization;
using AccelGen.Config;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>Random networks on random configurations: each runs exactly or is refused by name.</summary>
public sealed class RandomNetworkTests
{
    private const int Everyday = 100,
        Deep = 5000,
        DeepConfigs = 6,
        KindsShrunk = 6;

    // Cycles up to which a program goes through the RTL; longer ones end before it.
    private const long EverydayCycles = 40_000,
        DeepCycles = 400_000;

    private static readonly TimeSpan Hanging = TimeSpan.FromSeconds(60),
        Shrinking = TimeSpan.FromSeconds(20);

    private static int Seed => Setting.Seed(20261127);

    [Test]
    [CancelAfter(600_000)]
    public Task Random_networks_run_exactly_or_are_refused_by_name() => TryAsync(Setting.Iterations(Everyday), 0, EverydayCycles);

    [Test]
    [Category("Deep")]
    [CancelAfter(14_400_000)]
    public Task Many_random_networks_run_exactly_or_are_refused_by_name() => TryAsync(Setting.Iterations(Deep), DeepConfigs, DeepCycles);

    [Test]
    public void A_plan_makes_the_same_network_again_and_every_part_of_it_makes_one([Seeds(20261127, 40)] int seed)
    {
        var plan = NetworkPlan.Create(seed);
        byte[] file = plan.Build().File;
        Assert.That(NetworkPlan.Create(seed).Build().File, Is.EqualTo(file), $"seed {seed}");
        Assert.That(plan.Least().ToString(), Is.EqualTo(plan.ToString()), $"seed {seed}");
        foreach (NetworkPlan smaller in plan.Smaller().Take(60))
            Assert.That(smaller.Build().File, Is.Not.Empty, $"seed {seed}");
    }

    [Test]
    public void Every_operator_is_drawn()
    {
        var drawn = new HashSet<string>();
        for (int seed = 0; seed < 12_000 && drawn.Count < OperatorDraws.All.Count; seed++)
            drawn.UnionWith(NetworkPlan.Create(seed).Steps.Select(s => s.Operator));
        Assert.That(OperatorDraws.All.Select(o => o.Name).Except(drawn), Is.Empty);
    }

    [Test]
    public void Networks_with_a_concatenation_of_whole_vectors_within_another_are_drawn()
    {
        int nested = 0;
        for (int seed = Seed; seed < Seed + 1000; seed++)
            nested += NetworkPlan.Create(seed).Build().Nodes.Count(n => n.Contains(" Concat(", StringComparison.Ordinal)) > 1 ? 1 : 0;
        TestContext.Out.WriteLine($"{nested} of 1,000 random networks have more than one concatenation");
        Assert.That(nested, Is.GreaterThan(50));
    }

    private static async Task TryAsync(int count, int configs, long mostCycles)
    {
        TestContext.Out.WriteLine($"seed {Seed}, {count} networks");
        var built = new List<TrialTarget>();
        IEnumerable<AcceleratorConfig> known = RandomConfigs.Built.Select(c => ConfigLoader.Load(c.Preset, c.Overrides));
        foreach (
            AcceleratorConfig config in known.Concat(Enumerable.Range(0, configs).Select(i => RandomConfigs.Legal(new Random(Seed + i))))
        )
        {
            built.Add(new TrialTarget(config with { Name = $"random{built.Count}" }, (await new ModelBuild().BuildAsync(config)).Library));
        }

        var results = new TrialResult[count];
        var clock = Stopwatch.StartNew();
        Parallel.For(
            0,
            count,
            new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount },
            i => results[i] = Try(NetworkPlan.Create(Seed + i), Seed + i, built, mostCycles)
        );
        TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{clock.Elapsed.TotalSeconds:F0} s"));
        foreach (IGrouping<Outcome, TrialResult> outcome in results.GroupBy(r => r.Outcome).OrderBy(g => g.Key))
        {
            TestContext.Out.WriteLine($"{outcome.Key}: {outcome.Count()}");
            foreach (
                IGrouping<string, TrialResult> kind in outcome
                    .Where(r => r.Kind.Length > 0)
                    .GroupBy(r => r.Kind)
                    .OrderByDescending(g => g.Count())
            )
                TestContext.Out.WriteLine($"  {kind.Count()} x {kind.Key}");
        }

        // Wrong results and faults before what is refused late.
        string[] failures =
        [
            .. results
                .Select((r, i) => (Result: r, Seed: Seed + i))
                .Where(r => r.Result.Outcome == Outcome.Failed)
                .GroupBy(r => r.Result.Kind)
                .OrderBy(g =>
                    g.Key.StartsWith("compile: layer", StringComparison.Ordinal)
                    || g.Key.StartsWith("compile: tensor", StringComparison.Ordinal)
                )
                .Take(KindsShrunk)
                .Select(g => Shrink(g.First().Seed, g.First().Result, built, mostCycles)),
        ];
        Assert.That(failures, Is.Empty, string.Join(Environment.NewLine + Environment.NewLine, failures));
        // Of a kind that its own inference of shapes gets wrong, such as windows that start behind the image.
        Assert.That(
            results.Count(r => r.Outcome == Outcome.NoReference),
            Is.LessThanOrEqualTo(1 + (count / 200)),
            "too many networks that ONNX Runtime refuses"
        );
        Assert.That(results.Count(r => r.Outcome == Outcome.Exact), Is.GreaterThanOrEqualTo(count / 5), "too few networks run");
    }

    // One configuration with a model after the other until one takes the network, then any legal one.
    private static TrialResult Try(NetworkPlan plan, int seed, IReadOnlyList<TrialTarget> built, long mostCycles)
    {
        var random = new Random(seed);
        int first = random.Next(built.Count);
        TrialTarget[] targets =
        [
            built[first],
            new TrialTarget(RandomConfigs.Legal(random), null),
            .. built.Skip(first + 1),
            .. built.Take(first),
        ];
        return NetworkTrial.Run(plan.Build(), seed, targets, mostCycles, Hanging);
    }

    private static string Shrink(int seed, TrialResult failure, IReadOnlyList<TrialTarget> built, long mostCycles)
    {
        var last = failure;
        NetworkPlan plan =
            failure.Kind == "hangs"
                ? NetworkPlan.Create(seed)
                : PlanShrinker.Shrink(
                    NetworkPlan.Create(seed),
                    candidate =>
                    {
                        TrialResult result = Try(candidate, seed, built, mostCycles);
                        if (result.Outcome != Outcome.Failed || result.Kind != failure.Kind)
                            return false;
                        last = result;
                        return true;
                    },
                    Shrinking
                );
        RandomModel model = plan.Build();
        string file = Path.Combine(Artifacts(), $"random_network_{seed}.onnx");
        File.WriteAllBytes(file, model.File);
        File.WriteAllText(
            Path.ChangeExtension(file, ".txt"),
            $"{plan}{Environment.NewLine}{string.Join(Environment.NewLine, model.Nodes)}{Environment.NewLine}"
        );
        return string.Create(
            CultureInfo.InvariantCulture,
            $"""
            seed {seed}: {last.Kind}
            {last.Message}
            shrunk to input [{string.Join(", ", model.Input)}] and {string.Join("; ", model.Nodes)}
            written to {file}
            replay: ACCELGEN_SEED={seed} ACCELGEN_ITER=1 dotnet test tests/AccelGen.Sim.Tests -c Release --filter Name~Random_networks
            """
        );
    }

    private static string Artifacts() => Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts", "random-networks")).FullName;
}
