using System.Text;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Config.Tests;

/// <summary>Damaged configuration files are read, or refused with diagnostics; nothing else.</summary>
public sealed class DamagedFileTests
{
    [TestCase(300)]
    [TestCase(6_000, Category = "Deep")]
    [CancelAfter(600_000)]
    public void A_damaged_configuration_is_a_configuration_or_gives_diagnostics(int count)
    {
        string file = Path.GetTempFileName();
        try
        {
            Assert.That(
                Mutations.Run(
                    Mutations.Texts([.. ConfigLoader.Presets.Select(ConfigLoader.PresetText)]),
                    count,
                    damaged =>
                    {
                        File.WriteAllBytes(file, damaged);
                        ConfigResult result = ConfigLoader.TryLoad(file);
                        if (result.Config is { } config)
                            return config.Derived.PeakMacsPerCycle > 0 && ConfigRules.Validate(config).IsEmpty
                                ? null
                                : $"accepted, but not legal: {Encoding.UTF8.GetString(damaged)}";
                        return
                            result.Diagnostics.Length > 0
                            && result.Diagnostics.All(d =>
                                d.ToString().Contains(file, StringComparison.Ordinal) && d.Legal.Length > 0 && d.Cure.Length > 0
                            )
                            ? null
                            : $"diagnostics: {string.Join("; ", result.Diagnostics)}";
                    }
                ),
                Is.Empty
            );
        }
        finally
        {
            File.Delete(file);
        }
    }
}
