using System.Globalization;
using System.Numerics;
using System.Reflection;
using AccelGen.Config;
using AccelGen.Isa;
using Scriban;
using Scriban.Runtime;

namespace AccelGen.Emit;

/// <summary>A file of the output, with a path relative to the output folder and forward slashes.</summary>
public sealed record EmittedFile(string Path, string Text);

/// <summary>Renders the templates for one configuration. The result depends on nothing else, byte for byte.</summary>
public static class RtlEmitter
{
    /// <summary>Name of the top module.</summary>
    public const string TopModule = "acc_top";

    private static readonly Assembly Source = typeof(RtlEmitter).Assembly;

    /// <summary>Names of the module templates, without folder and extension, in ordinal order.</summary>
    public static IReadOnlyList<string> Modules { get; } = TemplateNames("templates/rtl/", ".sv.sbn");

    /// <summary>Renders the package and every module, in compilation order.</summary>
    /// <exception cref="TemplateException">A template is wrong; the message names template, line and column.</exception>
    public static IReadOnlyList<EmittedFile> EmitRtl(AcceleratorConfig config)
    {
        var files = new List<EmittedFile> { Render(config, "templates/pkg/acc_pkg.sv.sbn", "pkg/acc_pkg.sv") };
        files.AddRange(Modules.Select(module => Render(config, $"templates/rtl/{module}.sv.sbn", $"rtl/{module}.sv")));
        return files;
    }

    /// <summary>Renders everything: RTL, file list, lint waivers, C header, ISA manual.</summary>
    /// <exception cref="TemplateException">A template is wrong; the message names template, line and column.</exception>
    public static IReadOnlyList<EmittedFile> EmitAll(AcceleratorConfig config)
    {
        var files = new List<EmittedFile>(EmitRtl(config));
        // Paths from the list's own folder, as -F takes them; -f takes them from where the tool runs, and from the folder above
        // Verilator then finds them by the search path in the first line.
        string list = "+incdir+flow\n" + string.Concat(files.Select(f => $"../{f.Path}\n"));
        files.Add(Render(config, "templates/flow/lint.vlt.sbn", "flow/lint.vlt"));
        files.Add(Render(config, "templates/sw/acc_isa.h.sbn", "sw/acc_isa.h"));
        files.Add(Render(config, "templates/doc/isa.md.sbn", "doc/isa.md"));
        files.Add(new EmittedFile("flow/files.f", list));
        return files;
    }

    private static EmittedFile Render(AcceleratorConfig config, string templateName, string path) =>
        new(path, Render(templateName, BuildModel(config, templateName)));

    /// <summary>Renders a template with what it names.</summary>
    /// <exception cref="TemplateException">The template is wrong; the message names template, line and column.</exception>
    internal static string Render(string templateName, ScriptObject model)
    {
        Template template = Template.Parse(ReadTemplate(templateName), templateName);
        if (template.HasErrors)
            throw new TemplateException(string.Join(Environment.NewLine, template.Messages.Select(m => m.ToString())));
        var context = new TemplateContext
        {
            StrictVariables = true,
            EnableRelaxedMemberAccess = false,
            EnableRelaxedIndexerAccess = false,
            LoopLimit = 0,
            MemberRenamer = m => m.Name,
            NewLine = "\n",
        };
        context.PushCulture(CultureInfo.InvariantCulture);
        context.PushGlobal(model);
        try
        {
            return template.Render(context).TrimStart('\n');
        }
        catch (Scriban.Syntax.ScriptRuntimeException e)
        {
            throw new TemplateException(e.Message, e);
        }
    }

    private static ScriptObject BuildModel(AcceleratorConfig config, string templateName)
    {
        DerivedConfig d = config.Derived;
        var c = new ScriptObject
        {
            ["name"] = config.Name,
            ["c0"] = config.Array.VectorWidth,
            ["k0"] = config.Array.Lanes,
            ["lanes_pow2"] = BitOperations.RoundUpToPowerOf2((uint)config.Array.Lanes),
            ["pes"] = config.Array.Pes,
            ["pe_bits"] = Bits(config.Array.Pes),
            ["acc_bits"] = config.Array.AccumulatorBits,
            ["acc_entries"] = config.Buffers.AccumulatorEntries,
            ["entry_bits"] = Bits(config.Buffers.AccumulatorEntries),
            ["maxima"] = 2 << Bits(config.Buffers.AccumulatorEntries), // two sets of the row operators
            ["pitch"] = d.VectorPitchBytes,
            ["beat_bytes"] = d.BeatBytes,
            ["beat_bits"] = d.BeatBytes * 8,
            ["beat_shift"] = BitOperations.Log2((uint)d.BeatBytes),
            ["word_bits"] = d.WordBytes * 8,
            ["vectors_per_word"] = d.VectorsPerWord,
            ["vector_shift"] = BitOperations.Log2((uint)d.VectorsPerWord),
            ["beats_per_word"] = d.BeatsPerWord,
            ["segments"] = d.LaneSegments,
            ["tile_beats"] = d.BeatsPerWeightTile,
            ["scalars"] = d.ScalarsPerWeightTile,
            ["scalar_shift"] = BitOperations.Log2((uint)d.ScalarsPerWeightTile),
            ["param_beats"] = d.ParameterTileBytes / d.BeatBytes,
            ["command_beats"] = d.BeatsPerCommand,
            ["command_block"] = config.Control.CommandBlock,
            ["input_words"] = d.InputWords,
            ["output_words"] = d.OutputWords,
            ["input_bank_words"] = (d.InputWords / 2 + 1) / 2,
            ["row_taps"] = d.RowTaps,
            ["row_tap_scalars"] = d.RowTapScalars,
            ["row_tap_shift"] = BitOperations.Log2((uint)d.RowTapScalars),
            ["row_taps_pow2"] = BitOperations.RoundUpToPowerOf2((uint)(d.RowTaps * config.Array.Lanes)),
            ["residual_words"] = d.ResidualWords,
            ["weight_tiles"] = d.WeightTiles,
            ["param_entries"] = config.Buffers.ParameterEntries,
            ["queue_depth"] = config.Control.QueueDepth,
            ["paths"] = config.Control.Paths,
            ["dynamic_registers"] = config.Control.DynamicRegisters,
            ["path_bits"] = Bits(config.Control.Paths),
            ["outstanding_reads"] = config.Axi.OutstandingReads,
            ["outstanding_writes"] = config.Axi.OutstandingWrites,
            ["max_burst"] = config.Axi.MaxBurstBeats,
            ["address_bits"] = config.Axi.AddressBits,
            ["id_bits"] = config.Axi.IdBits,
            ["id"] = config.Axi.Id,
            ["prot"] = config.Axi.Prot,
            ["cache"] = config.Axi.Cache,
            ["hash"] = config.Hash.Hex,
            ["unit_lane_wise"] = config.Units.LaneWise,
            ["unit_residual"] = config.Units.Residual,
            ["unit_multiply"] = config.Units.Multiply,
            ["unit_table"] = config.Units.ActivationTable,
            ["unit_row"] = config.Units.RowOperators,
            ["unit_quotient"] = config.Units.Quotient,
            ["unit_factors"] = config.Units.RowOperators || config.Units.Quotient,
            ["unit_resize"] = config.Units.Resize,
            ["unit_row_taps"] = config.Units.RowTaps,
            ["unit_transpose"] = config.Units.Transpose,
        };
        var tables = new ScriptObject
        {
            // Steps of the interpolated functions: docs/operators.md.
            ["power"] = Table(64, x => Math.ScaleB(Math.Pow(2, -x), 23)),
            ["reciprocal"] = Table(64, x => Math.ScaleB(1 / (1 + x), 17)),
            ["root_reciprocal"] = Table(192, x => Math.ScaleB(1 / Math.Sqrt(1 + x), 17)),
        };
        var model = new ScriptObject
        {
            ["c"] = c,
            ["tables"] = tables,
            ["isa_version"] = IsaDefinition.Version,
            ["counter_base"] = IsaDefinition.CounterBase.ToString("X4", CultureInfo.InvariantCulture),
            ["path_base"] = IsaDefinition.PathTableBase.ToString("X", CultureInfo.InvariantCulture),
            ["path_row_bytes"] = IsaDefinition.PathRowBytes.ToString("X", CultureInfo.InvariantCulture),
            ["path_variant"] = IsaDefinition.PathVariantOffset.ToString("X2", CultureInfo.InvariantCulture),
            ["path_withdrawn"] = IsaDefinition.PathWithdrawnOffset.ToString("X2", CultureInfo.InvariantCulture),
            ["path_extents"] = IsaDefinition.PathExtentOffset.ToString("X2", CultureInfo.InvariantCulture),
            ["decision_page"] = (IsaDefinition.DecisionBase >> 7).ToString("X3", CultureInfo.InvariantCulture),
            ["decision_base"] = IsaDefinition.DecisionBase.ToString("X3", CultureInfo.InvariantCulture),
            ["decision_entries"] = IsaDefinition.DecisionEntries,
            ["checkpoint_candidates"] = IsaDefinition.CheckpointCandidates,
            ["decision_fields"] = Fields(IsaDefinition.DecisionFields),
            ["categories"] = new ScriptArray(IsaDefinition.CycleCategories),
            ["commands"] = new ScriptArray(
                IsaDefinition.Commands.Select(k => new ScriptObject
                {
                    ["name"] = k.Name,
                    ["camel"] = k.Name[0] + k.Name[1..].ToLowerInvariant(),
                    ["opcode"] = k.Opcode,
                    ["queue"] = k.Queue?.ToString() ?? "command processor",
                    ["doc"] = k.Doc,
                    ["fields"] = Fields(k.Fields),
                })
            ),
            ["header"] = Fields(Header.Fields),
            ["extent_fields"] = Fields(IsaDefinition.ExtentFields),
            ["enums"] = new ScriptArray(
                IsaDefinition.Enums.Select(e => new ScriptObject
                {
                    ["name"] = e.Name,
                    ["width"] = e.Width,
                    ["doc"] = e.Doc,
                    ["values"] = new ScriptArray(
                        e.Values.Select(v => new ScriptObject
                        {
                            ["name"] = v.Name,
                            ["value"] = v.Value,
                            ["doc"] = v.Doc,
                        })
                    ),
                })
            ),
            ["registers"] = new ScriptArray(
                IsaDefinition.Registers.Select(r => new ScriptObject
                {
                    ["name"] = r.Name,
                    ["offset"] = r.Offset.ToString("X3", CultureInfo.InvariantCulture),
                    ["access"] = r.Access switch
                    {
                        Access.ReadOnly => "RO",
                        Access.ReadWrite => "RW",
                        Access.WriteOneToClear => "W1C",
                        _ => "WO",
                    },
                    ["reset"] = r.Reset.ToString("X8", CultureInfo.InvariantCulture),
                    ["doc"] = r.Doc,
                })
            ),
            ["counters"] = new ScriptArray(
                IsaDefinition.Counters.Select(k => new ScriptObject
                {
                    ["name"] = k.Name,
                    ["index"] = k.Index,
                    ["offset"] = (IsaDefinition.CounterBase + (8 * k.Index)).ToString("X3", CultureInfo.InvariantCulture),
                    ["doc"] = k.Doc,
                })
            ),
        };
        model.Import("banner", (string name, string doc) => Banner(config, templateName, name, doc));
        model.Import("lsb", (string command, string field) => Find(command, field).Lsb);
        model.Import(
            "range",
            (string command, string field) =>
            {
                Field f = Find(command, field);
                return f.Width == 1 ? $"{f.Lsb}" : $"{f.Msb}:{f.Lsb}";
            }
        );
        model.Import(
            "reg",
            (string register) => IsaDefinition.Registers.Single(r => r.Name == register).Offset.ToString("X4", CultureInfo.InvariantCulture)
        );
        return model;
    }

    // Values of a function at 0, 1/64, 2/64, ...
    private static ScriptArray Table(int steps, Func<double, double> function) =>
        new(Enumerable.Range(0, steps + 1).Select(i => (long)Math.Round(function(i / 64.0))));

    private static ScriptArray Fields(IEnumerable<Field> fields) =>
        new(
            fields.Select(f => new ScriptObject
            {
                ["name"] = f.Name,
                ["lsb"] = f.Lsb,
                ["msb"] = f.Msb,
                ["width"] = f.Width,
                ["signed"] = f.Signed,
                ["reserved"] = f.Name.StartsWith("Reserved", StringComparison.Ordinal),
                ["doc"] = f.Doc,
            })
        );

    private static string Banner(AcceleratorConfig config, string templateName, string name, string doc)
    {
        var lines = new List<string>
        {
            $"// {name}: generated by AccelGen for configuration {config.Name} ({config.Hash.Hex}) from {templateName};",
            "// edit the template, not this file.",
            "//",
        };
        string line = "//";
        foreach (string word in doc.Split(' '))
        {
            if (line.Length + word.Length + 1 > 118)
            {
                lines.Add(line);
                line = "//";
            }

            line += " " + word;
        }

        lines.Add(line);
        return string.Join("\n", lines);
    }

    private static Field Find(string command, string field)
    {
        IReadOnlyList<Field> fields = command == "Header" ? Header.Fields : IsaDefinition.Commands.Single(k => k.Name == command).Fields;
        return fields.FirstOrDefault(f => f.Name == field) ?? throw new ArgumentException($"{command} has no field {field}", nameof(field));
    }

    private static int Bits(int count) => Math.Max(1, BitOperations.Log2((uint)(count - 1)) + (count > 1 ? 1 : 0));

    private static string ReadTemplate(string name)
    {
        using Stream stream =
            Source.GetManifestResourceStream(name) ?? throw new TemplateException($"{name}: the template is not part of this build");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Replace("\r\n", "\n", StringComparison.Ordinal);
    }

    private static List<string> TemplateNames(string prefix, string suffix) =>
        [
            .. Source
                .GetManifestResourceNames()
                .Where(n => n.StartsWith(prefix, StringComparison.Ordinal) && n.EndsWith(suffix, StringComparison.Ordinal))
                .Select(n => n[prefix.Length..^suffix.Length])
                .Order(StringComparer.Ordinal),
        ];
}

/// <summary>A template cannot be rendered: a defect of the project, not of the user's input.</summary>
public sealed class TemplateException : Exception
{
    /// <summary>An error with its message.</summary>
    public TemplateException(string message)
        : base(message) { }

    /// <summary>An error with its message and cause.</summary>
    public TemplateException(string message, Exception inner)
        : base(message, inner) { }
}
