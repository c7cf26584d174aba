using AccelGen.Cycles;
using AccelGen.Sim;
using NUnit.Framework;

namespace AccelGen.Cli.Tests;

/// <summary>What a run differs in from the models always has a line of its own.</summary>
public sealed class DifferencesTests
{
    private static WorkloadResult Run(long rtl, long model) =>
        new(
            [],
            new RunResult([rtl], [], 0, 0),
            new CyclePrediction(model, [model], [], [], []),
            new Dictionary<int, sbyte[]>(),
            null,
            [],
            0,
            1
        );

    [Test]
    public void A_run_that_is_as_the_models_say_has_no_line()
    {
        Assert.That(Differences.Of(Run(9, 9), "a", false, "again"), Is.Empty);
        Assert.That(Differences.Of(Run(12, 9), "a", true, "again"), Is.Empty);
    }

    [Test]
    public void Each_difference_has_a_line_that_names_the_layer_and_the_replay()
    {
        WorkloadResult run = Run(9, 9);
        string[][] lines =
        [
            [.. Differences.Of(run with { CounterDifferences = ["TotalCycles: RTL 1, model 2"] }, "a with all channels", false, "again")],
            [.. Differences.Of(run with { CommandDifferences = 3 }, "a with all channels", false, "again")],
            [.. Differences.Of(Run(8, 9), "a with all channels", true, "again")],
        ];
        Assert.That(lines, Has.All.Length.EqualTo(1));
        Assert.That(lines.Select(l => l[0]), Has.All.StartWith("layer a with all channels: ").And.All.EndWith("replay: again"));
    }

    [Test]
    public void A_mismatch_is_told_as_it_is() =>
        Assert.That(
            Differences.Of(Run(9, 9) with { FirstMismatch = "layer a, tile 0" }, "a", false, "x"),
            Is.EqualTo(new[] { "layer a, tile 0" })
        );
}
