using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Config.Tests;

/// <summary>One fixture per diagnostic: each code is given, with the field, the legal range and the cure.</summary>
public sealed class ConfigDiagnosticTests
{
    private static readonly (string Code, string Preset, string[] Overrides)[] ByOverride =
    [
        (ConfigCodes.NotFound, "no-such-preset", []),
        (ConfigCodes.MalformedOverride, "tiny", ["array.lanes"]),
        (ConfigCodes.UnknownOverride, "tiny", ["array.wings=2"]),
        (ConfigCodes.WrongType, "tiny", ["array.lanes=many"]),
        (ConfigCodes.OutOfRange, "tiny", ["array.pes=9999"]),
        (ConfigCodes.NotAllowed, "tiny", ["axi.dataBits=100"]),
        (ConfigCodes.IllegalName, "tiny", ["name=a b"]),
        (ConfigCodes.LanesDoNotDivide, "base", ["array.lanes=12"]),
        (ConfigCodes.RaggedWeightTile, "tiny", ["axi.dataBits=512"]),
        (ConfigCodes.BufferDepth, "tiny", ["buffers.inputKibibytes=4096"]),
        (ConfigCodes.WeightDepth, "base", ["buffers.weightKibibytes=1"]),
        (ConfigCodes.BurstTooLong, "base", ["axi.maxBurstBeats=256"]),
        (ConfigCodes.UnitNeedsUnit, "base", ["units.laneWise=false"]),
        (ConfigCodes.IdTooWide, "base", ["axi.idBits=2", "axi.id=4"]),
        (ConfigCodes.LongWeightTile, "base", ["array.vectorWidth=48", "array.lanes=48", "axi.dataBits=64"]),
        (ConfigCodes.UnitNeedsUnit, "base", ["units.residual=false"]),
        (ConfigCodes.UnitNeedsUnit, "base", ["array.vectorWidth=4", "array.lanes=4"]),
    ];

    private static readonly (string Code, Func<string, string> Damage)[] ByFile =
    [
        (ConfigCodes.NotJson, text => text[..(text.Length / 2)]),
        (ConfigCodes.UnknownField, text => text.Replace("\"pes\": 2", "\"pes\": 2, \"wings\": 3", StringComparison.Ordinal)),
        (ConfigCodes.MissingField, text => text.Replace("\"pes\": 2,", string.Empty, StringComparison.Ordinal)),
        (ConfigCodes.WrongType, _ => "[]"),
    ];

    private static IEnumerable<TestCaseData> Overrides() =>
        ByOverride.Select(f => new TestCaseData(f.Code, f.Preset, f.Overrides).SetArgDisplayNames(f.Code, string.Join(' ', f.Overrides)));

    private static IEnumerable<TestCaseData> Files() => ByFile.Select(f => new TestCaseData(f.Code, f.Damage).SetArgDisplayNames(f.Code));

    [TestCaseSource(nameof(Overrides))]
    public void An_override_gives_its_code_with_range_and_cure(string code, string preset, string[] overrides)
    {
        ConfigResult result = ConfigLoader.TryLoad(preset, overrides);
        Assert.That(result.Config, Is.Null);
        ConfigDiagnostic d = result.Diagnostics.First(x => x.Code == code);
        Assert.That(d.Legal, Is.Not.Empty);
        Assert.That(d.Cure, Is.Not.Empty);
        Assert.That(d.ToString(), Does.StartWith(code));
    }

    [TestCaseSource(nameof(Files))]
    public void A_damaged_file_gives_its_code_and_is_named(string code, Func<string, string> damage)
    {
        string path = Path.Combine(Path.GetTempPath(), $"accelgen-config-{Guid.NewGuid():N}.json");
        try
        {
            File.WriteAllText(
                path,
                damage(File.ReadAllText(Path.Combine(Repository.Root, "generator", "AccelGen.Config", "presets", "tiny.json")))
            );
            ConfigDiagnostic d = ConfigLoader.TryLoad(path).Diagnostics.First(x => x.Code == code);
            Assert.That(d.File, Is.EqualTo(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Test]
    public void Any_number_in_any_field_is_legal_or_gives_its_field_range_and_cure()
    {
        foreach (ConfigField field in ConfigField.Values.Values.Where(f => f.Kind == ConfigFieldKind.Integer))
        {
            foreach (int value in new[] { int.MinValue, -8, -1, 0, 1, 2, 3, 5, 65, 1 << 20, int.MaxValue })
            {
                ConfigResult result = ConfigLoader.TryLoad("tiny", $"{field.Path}={value}");
                Assert.That(
                    result.Config is not null || result.Diagnostics.All(d => d.Legal.Length > 0 && d.Cure.Length > 0),
                    $"{field.Path}={value}"
                );
            }
        }
    }

    [Test]
    public void What_show_computes_is_to_be_removed_from_a_file()
    {
        string text = ConfigLoader
            .PresetText("tiny")
            .Replace("{\n  \"$schema\"", "{\n  \"configHash\": \"0\", \"derived\": {},\n  \"$schema\"", StringComparison.Ordinal);
        ConfigDiagnostic[] found = [.. ConfigLoader.Parse(text).Diagnostics];
        Assert.That(found.Select(d => d.Path), Is.EquivalentTo(new[] { "configHash", "derived" }));
        Assert.That(found.Select(d => d.Cure), Is.All.Contains("'config show' computes it"));
    }

    [Test]
    public void Every_code_has_a_fixture() =>
        Assert.That(ByOverride.Select(f => f.Code).Concat(ByFile.Select(f => f.Code)).Distinct(), Is.EquivalentTo(ConfigCodes.All.Keys));

    [Test]
    public void The_committed_schema_is_current() =>
        Assert.That(
            File.ReadAllText(Path.Combine(Repository.Root, "generator", "AccelGen.Config", "accelerator.schema.json")),
            Is.EqualTo(ConfigSchema.Text),
            "write it again: scripts/accelgen config schema"
        );
}
