using NUnit.Framework;

namespace AccelGen.Config.Tests;

public sealed class ConfigLoaderTests
{
    [TestCaseSource(nameof(Presets))]
    public void Every_preset_is_valid(string preset) => Assert.That(ConfigLoader.TryLoad(preset).Diagnostics, Is.Empty);

    [Test]
    public void Three_faults_give_three_diagnostics_at_once()
    {
        ConfigResult result = ConfigLoader.TryLoad("base", "array.pes=99", "axi.dataBits=100", "buffers.accumulatorEntries=2");
        Assert.That(result.Config, Is.Null);
        Assert.That(
            result.Diagnostics.Select(d => d.Path),
            Is.SupersetOf(new[] { "array.pes", "axi.dataBits", "buffers.accumulatorEntries" })
        );
        Assert.That(result.Diagnostics[0].ToString(), Does.Contain("legal is"));
    }

    [Test]
    public void Lanes_that_do_not_divide_the_vector_are_refused() =>
        Assert.That(
            ConfigLoader.TryLoad("base", "array.lanes=12").Diagnostics.Select(d => d.Code),
            Does.Contain(ConfigCodes.LanesDoNotDivide)
        );

    [Test]
    public void An_unknown_override_is_refused() =>
        Assert.That(
            ConfigLoader.TryLoad("base", "array.wings=2").Diagnostics.Select(d => d.Code),
            Does.Contain(ConfigCodes.UnknownOverride)
        );

    [Test]
    public void An_unknown_preset_is_refused() =>
        Assert.That(ConfigLoader.TryLoad("enormous").Diagnostics.Select(d => d.Code), Does.Contain(ConfigCodes.NotFound));

    [Test]
    public void The_hash_ignores_the_name_and_sees_everything_else()
    {
        AcceleratorConfig c = ConfigLoader.Load("base");
        Assert.That((c with { Name = "other" }).Hash, Is.EqualTo(c.Hash));
        Assert.That(ConfigLoader.Load("base", "control.queueDepth=8").Hash, Is.Not.EqualTo(c.Hash));
    }

    [Test]
    public void Sizes_that_are_not_powers_of_two_are_padded_to_a_power_of_two_pitch()
    {
        AcceleratorConfig c = ConfigLoader.Load("tiny", "array.vectorWidth=12", "array.lanes=6");
        Assert.That(c.Derived.VectorPitchBytes, Is.EqualTo(16));
    }

    private static IEnumerable<string> Presets() => ConfigLoader.Presets;
}
