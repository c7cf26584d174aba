using AccelGen.Cycles;
using AccelGen.Files;
using AccelGen.Sim.Traces;
using NUnit.Framework;

namespace AccelGen.Sim.Tests.Traces;

/// <summary>Traces of budgets: files, what is said of wrong ones, and drawn traces.</summary>
public sealed class BudgetTraceTests
{
    private static readonly MemoryTiming Nominal = new(ReadLatency: 30);

    [Test]
    public void Columns_are_taken_by_place_or_by_name_and_an_empty_cell_is_the_memory_of_the_table()
    {
        MemoryTiming slow = Nominal with { ReadInterval = 3, WriteInterval = 3 };
        FrameDemand[] expected = [new(100, Nominal), new(200, slow), new(4294967295, slow with { ReadLatency = 80 })];
        Assert.That(BudgetTrace.Parse("100\n 200 , 3\r\n\n4294967295,3,80\n", "t.csv", Nominal), Is.EqualTo(expected));
        Assert.That(BudgetTrace.Parse("interval,budget,latency\n,100\n3,200,\n3,4294967295,80", "t.csv", Nominal), Is.EqualTo(expected));
        Assert.That(BudgetTrace.Parse(BudgetTrace.Write(expected), "t.csv", Nominal), Is.EqualTo(expected));
    }

    [TestCase("", "has no frames")]
    [TestCase("budget,interval\n", "has no frames")]
    [TestCase("0", "line 1: budget is '0'; legal is a whole number from 1 to 4294967295")]
    [TestCase("4294967296", "line 1: budget is '4294967296'")]
    [TestCase("1\n-5", "line 2: budget is '-5'")]
    [TestCase("1,1001", "line 1: interval is '1001'; legal is a whole number from 1 to 1000")]
    [TestCase("1,1,0", "line 1: latency is '0'; legal is a whole number from 1 to 100000")]
    [TestCase("1,1,1,1", "line 1: has 4 columns; the columns are budget, interval, latency")]
    [TestCase("interval\n2", "line 1: columns are 'interval'; legal are budget, interval, latency, each once, budget among them")]
    [TestCase("budget,budget\n2,2", "each once")]
    [TestCase("budget,cycles\n2,2", "columns are 'budget,cycles'")]
    [TestCase("interval,budget\n2", "line 2: budget is ''")]
    public void A_wrong_file_is_explained(string text, string says) =>
        Assert.That(
            () => BudgetTrace.Parse(text, "t.csv", Nominal),
            Throws.InstanceOf<InputException>().With.Message.StartsWith("t.csv: ").And.Message.Contains(says)
        );

    [Test]
    public void All_problems_are_named_at_once_up_to_what_can_be_read()
    {
        string message = Assert
            .Throws<InputException>(() =>
                BudgetTrace.Parse("x1,0\n5,0\n" + string.Concat(Enumerable.Repeat("7,8,0\n", 30)), "t.csv", Nominal)
            )!
            .Message;
        Assert.That(message, Does.Contain("columns are 'x1,0'"));
        message = Assert
            .Throws<InputException>(() =>
                BudgetTrace.Parse("5,0\n0\n" + string.Concat(Enumerable.Repeat("7,8,0\n", 30)), "t.csv", Nominal)
            )!
            .Message;
        Assert.That(
            message,
            Does.Contain("line 1: interval")
                .And.Contain("line 2: budget")
                .And.Contain("line 3: latency")
                .And.Contain("and 12 further problems")
        );
    }

    [Test]
    public void A_trace_of_too_many_frames_is_refused_with_their_number() =>
        Assert.That(
            () => BudgetTrace.Parse(string.Concat(Enumerable.Repeat("7\n", BudgetTrace.MostFrames + 1)), "t.csv", Nominal),
            Throws.InstanceOf<InputException>().With.Message.Contains("has 100001 frames; legal are 1 to 100000")
        );

    [TestCase(BudgetTrace.Bursts)]
    [TestCase(BudgetTrace.Ramp)]
    [TestCase(BudgetTrace.Contention)]
    public void A_drawn_trace_is_the_same_for_its_seed_and_never_below_the_cheapest_path(string kind)
    {
        IReadOnlyList<FrameDemand> Draw(int seed) =>
            BudgetTrace.Generate(kind, 500, seed, timing => timing == Nominal ? (1000, 3000) : (2500, 4500), Nominal);
        IReadOnlyList<FrameDemand> frames = Draw(4);
        Assert.That(frames, Has.Count.EqualTo(500).And.EqualTo(Draw(4)).And.Not.EqualTo(Draw(5)));
        Assert.That(frames.Select(f => (long)f.Budget), Has.All.InRange(1000, 3700));
        int slow = frames.Count(f => f.Timing != Nominal),
            tight = frames.Count(f => f.Budget < 3000);
        if (kind == BudgetTrace.Contention)
        {
            Assert.That(slow, Is.InRange(50, 300));
            Assert.That(
                frames.Select(f => f.Budget).Distinct(),
                Is.EqualTo(new[] { 3500u }),
                "half way between the paths on the contended memory"
            );
            Assert.That(frames.Select(f => f.Timing.ReadInterval).Distinct(), Is.EquivalentTo(new[] { 1, 2 }));
        }
        else
        {
            Assert.That(slow, Is.Zero);
            Assert.That(tight, Is.InRange(50, 480));
        }
    }
}
