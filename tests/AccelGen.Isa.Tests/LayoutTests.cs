using NUnit.Framework;

namespace AccelGen.Isa.Tests;

public sealed class LayoutTests
{
    [Test]
    public void The_table_has_no_overlap_and_no_gap() => Assert.That(LayoutChecks.CheckAll(), Is.Empty);

    [Test]
    public void An_overlap_is_found() =>
        Assert.That(LayoutChecks.CheckFields("X", [new("A", 0, 8, ""), new("B", 7, 9, "")], 0, 16), Has.One.Contains("overlaps"));

    [Test]
    public void A_gap_is_found() =>
        Assert.That(LayoutChecks.CheckFields("X", [new("A", 0, 8, ""), new("B", 9, 7, "")], 0, 16), Has.One.Contains("belong to no field"));

    [Test]
    public void A_short_table_is_found() =>
        Assert.That(LayoutChecks.CheckFields("X", [new("A", 0, 8, "")], 0, 16), Has.One.Contains("end at bit 7"));

    [Test]
    public void A_name_used_twice_is_found() =>
        Assert.That(LayoutChecks.CheckFields("X", [new("A", 0, 8, ""), new("A", 8, 8, "")], 0, 16), Has.One.Contains("used 2 times"));
}
