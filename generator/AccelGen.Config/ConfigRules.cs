using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace AccelGen.Config;

/// <summary>The rules that a configuration's values must keep.</summary>
public static class ConfigRules
{
    /// <summary>AXI forbids a burst from crossing a 4096-byte boundary, so none may be longer.</summary>
    public const int MaxBurstBytes = 4096;

    private const int MinDepth = 2;
    private const int MinWeightTiles = 4;
    private const int MaxDepth = 65536;

    // Eight bits count the beats of a weight tile.
    private const int MaxTileBeats = 256;

    /// <summary>Every rule that the configuration breaks; empty where it is usable.</summary>
    public static ImmutableArray<ConfigDiagnostic> Validate(AcceleratorConfig config, string? file = null) => Validate(config, file, []);

    /// <summary>As above, leaving out the rules about the fields of the given paths.</summary>
    internal static ImmutableArray<ConfigDiagnostic> Validate(AcceleratorConfig config, string? file, IEnumerable<string> except)
    {
        var node = ConfigJson.ToNode(config);
        var found = ImmutableArray.CreateBuilder<ConfigDiagnostic>();
        var illegal = new HashSet<string>(except, StringComparer.Ordinal);
        foreach (var field in ConfigField.Values.Values)
        {
            var value = (field.Section is null ? node : node[field.Section.Name]!)[field.Name]!;
            if (field.Allows(value) || !illegal.Add(field.Path))
                continue;
            var code =
                field.Kind == ConfigFieldKind.Text ? ConfigCodes.IllegalName
                : field.Allowed.IsEmpty ? ConfigCodes.OutOfRange
                : ConfigCodes.NotAllowed;
            found.Add(new(code, field.Path, Show(value), field.Legal, $"use {field.Nearest(value)}", file));
        }

        found.AddRange(
            from rule in Relations(config)
            where !rule.Reads.Any(illegal.Contains)
            let broken = rule.Check()
            where broken is not null
            select broken with
            {
                File = file,
            }
        );
        return found.ToImmutable();
    }

    /// <summary>How a diagnostic prints a value.</summary>
    internal static string Show(JsonNode? node) => node?.ToJsonString() ?? "null";

    // A relation is checked only where every field that it reads is legal by itself: one fault, one diagnostic.
    private sealed record Relation(ImmutableArray<string> Reads, Func<ConfigDiagnostic?> Check);

    private static IEnumerable<Relation> Relations(AcceleratorConfig config)
    {
        const string Width = "array.vectorWidth",
            Lanes = "array.lanes",
            DataBits = "axi.dataBits";
        // Nothing can be derived while one of these is illegal.
        string[] sizes = [Width, Lanes, DataBits];
        yield return new([Width, Lanes], () => Divides(config.Array));
        yield return new([.. sizes], () => WholeBeats(config));
        yield return new([.. sizes], () => TileBeats(config));
        foreach (
            var (name, kibibytes) in new[]
            {
                ("input", config.Buffers.InputKibibytes),
                ("output", config.Buffers.OutputKibibytes),
                ("residual", config.Buffers.ResidualKibibytes),
            }
        )
        {
            var path = $"buffers.{name}Kibibytes";
            yield return new(
                [.. sizes, path],
                () => Depth(ConfigCodes.BufferDepth, path, kibibytes, config.Derived.WordBytes, MinDepth, "words")
            );
        }

        yield return new(
            [.. sizes, "buffers.weightKibibytes"],
            () =>
                Depth(
                    ConfigCodes.WeightDepth,
                    "buffers.weightKibibytes",
                    config.Buffers.WeightKibibytes,
                    config.Derived.WeightTileBytes,
                    MinWeightTiles,
                    "tiles"
                )
        );
        yield return new([.. sizes, "axi.maxBurstBeats"], () => Burst(config));
        yield return new(["axi.id", "axi.idBits"], () => Identifier(config.Axi));
        yield return new([.. sizes, "units.transpose"], () => Turns(config));
        yield return new(
            ["units.multiply", "units.residual"],
            () => Needs("multiply", config.Units.Multiply, "residual", config.Units.Residual)
        );
        yield return new(
            ["units.rowTaps", "units.laneWise"],
            () => Needs("rowTaps", config.Units.RowTaps, "laneWise", config.Units.LaneWise)
        );
        yield return new([.. sizes, "units.rowTaps"], () => Taps(config));
        yield return new(["units.resize", "units.laneWise"], () => Needs("resize", config.Units.Resize, "laneWise", config.Units.LaneWise));
    }

    private static ConfigDiagnostic? Divides(ArrayConfig array)
    {
        if (array.VectorWidth % array.Lanes == 0)
            return null;
        var divisors = Enumerable.Range(4, array.VectorWidth - 3).Where(lanes => array.VectorWidth % lanes == 0).ToArray();
        return new(
            ConfigCodes.LanesDoNotDivide,
            "array.lanes",
            $"{array.Lanes}",
            $"a divisor of {array.VectorWidth} ({string.Join(", ", divisors)})",
            $"use {divisors.MinBy(lanes => Math.Abs(lanes - array.Lanes))} or change array.vectorWidth",
            null
        );
    }

    private static ConfigDiagnostic? WholeBeats(AcceleratorConfig config)
    {
        var derived = config.Derived;
        return derived.WeightTileBytes % derived.BeatBytes == 0
            ? null
            : new(
                ConfigCodes.RaggedWeightTile,
                "array.lanes",
                $"{config.Array.Lanes}",
                $"lanes × {derived.VectorPitchBytes} bytes divisible by {derived.BeatBytes}",
                $"use a multiple of {Math.Max(1, derived.BeatBytes / derived.VectorPitchBytes)} lanes or a narrower axi.dataBits",
                null
            );
    }

    private static ConfigDiagnostic? TileBeats(AcceleratorConfig config)
    {
        var derived = config.Derived;
        return derived.BeatsPerWeightTile <= MaxTileBeats
            ? null
            : new(
                ConfigCodes.LongWeightTile,
                "array.lanes",
                $"{config.Array.Lanes}",
                $"lanes × {derived.VectorPitchBytes} bytes of at most {MaxTileBeats} beats of {derived.BeatBytes} bytes",
                $"use at most {MaxTileBeats * derived.BeatBytes / derived.VectorPitchBytes} lanes or a wider axi.dataBits",
                null
            );
    }

    private static ConfigDiagnostic? Depth(string code, string path, int kibibytes, int entryBytes, int minEntries, string entries)
    {
        var depth = kibibytes * 1024 / entryBytes;
        if (depth >= minEntries && depth <= MaxDepth)
            return null;
        var least = (minEntries * entryBytes + 1023) / 1024;
        var most = MaxDepth / 1024 * entryBytes;
        return new(
            code,
            path,
            $"{kibibytes}",
            $"{minEntries}..{MaxDepth} {entries} of {entryBytes} bytes, so {least}..{most} KiB",
            $"use {Math.Clamp(kibibytes, least, most)}",
            null
        );
    }

    private static ConfigDiagnostic? Turns(AcceleratorConfig config)
    {
        int perWord = config.Derived.VectorsPerWord;
        return !config.Units.Transpose || config.Array.VectorWidth % perWord == 0
            ? null
            : new(
                ConfigCodes.UnitNeedsUnit,
                "units.transpose",
                "true",
                $"false while array.vectorWidth is no multiple of the {perWord} vectors of an axi.dataBits word",
                $"set units.transpose to false, make array.vectorWidth a multiple of {perWord} or axi.dataBits narrower",
                null
            );
    }

    private static ConfigDiagnostic? Taps(AcceleratorConfig config)
    {
        int width = config.Array.VectorWidth,
            taps = config.Derived.RowTaps;
        return !config.Units.RowTaps || taps <= width
            ? null
            : new(
                ConfigCodes.UnitNeedsUnit,
                "units.rowTaps",
                "true",
                $"false while the {taps} taps of an axi.dataBits word exceed array.vectorWidth",
                "set units.rowTaps to false, or make array.vectorWidth larger or axi.dataBits narrower",
                null
            );
    }

    private static ConfigDiagnostic? Needs(string unit, bool on, string other, bool otherOn) =>
        !on || otherOn
            ? null
            : new(
                ConfigCodes.UnitNeedsUnit,
                $"units.{unit}",
                "true",
                $"false while units.{other} is false",
                $"set units.{other} to true or units.{unit} to false",
                null
            );

    private static ConfigDiagnostic? Identifier(AxiConfig axi) =>
        axi.Id < 1 << axi.IdBits
            ? null
            : new(
                ConfigCodes.IdTooWide,
                "axi.id",
                $"{axi.Id}",
                $"0..{(1 << axi.IdBits) - 1} in axi.idBits {axi.IdBits}",
                "use a smaller one or raise axi.idBits",
                null
            );

    private static ConfigDiagnostic? Burst(AcceleratorConfig config)
    {
        var most = MaxBurstBytes / config.Derived.BeatBytes;
        return config.Axi.MaxBurstBeats <= most
            ? null
            : new(
                ConfigCodes.BurstTooLong,
                "axi.maxBurstBeats",
                $"{config.Axi.MaxBurstBeats}",
                $"1..{most} beats of {config.Derived.BeatBytes} bytes, as AXI bursts hold at most {MaxBurstBytes}",
                $"use {most}",
                null
            );
    }
}
