using NUnit.Framework;

namespace AccelGen.Isa.Tests;

/// <summary>Which paths no other one excels, and which of them a host chooses among.</summary>
public sealed class HostTableTests
{
    [Test]
    public void Of_paths_alike_all_are_on_the_front_and_the_first_is_in_the_table()
    {
        (long Cycles, double Worth)[] paths = [(10, 2), (5, 1), (5, 1), (7, 1), (10, 1.5), (12, 2), (3, 0.5)];
        Assert.That(ParetoFront.Of(paths), Is.EqualTo(new[] { 0, 1, 2, 6 }));
        HostTable table = HostTable.Create([
            .. paths.Select((p, i) => new HostCandidate($"{i}", p.Cycles, p.Worth, null, new PathRow(0, []))),
        ]);
        Assert.That(table.Entries.Select(e => (e.Candidate, e.Row)), Is.EqualTo(new[] { (6, 0), (1, 1), (0, 2) }));
    }
}
