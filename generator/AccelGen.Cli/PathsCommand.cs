using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Emit;
using AccelGen.Files;
using AccelGen.Isa;
using AccelGen.Network.Dynamic;
using AccelGen.Network.Quantized;
using AccelGen.Sim;
using Microsoft.Extensions.Logging;
using Spectre.Console;
using Command = System.CommandLine.Command;

namespace AccelGen.Cli;

/// <summary><c>accelgen paths</c>: what the paths of a network cost, exactly, and what they are worth.</summary>
internal static class PathsCommand
{
    private sealed record Row(ExecutionPath Path, long Macs, long Cycles, double? Accuracy, int Images)
    {
        public bool IsPareto { get; set; }
    }

    public static Command Create()
    {
        Option<string> config = Cli.ConfigOption();
        Option<string[]> set = Cli.SetOption();
        Option<int> latency = Cli.MemoryLatencyOption();
        Option<int> interval = Cli.MemoryIntervalOption();
        OutputOption output = new("--out") { Description = "Writes the paths as a file for --paths." };
        OutputOption table = new("--table") { Description = "Writes the table of a host that chooses the path of a frame by a budget: the Pareto set with what is written to the path table, as JSON." };
        OutputOption header = new("--header") { Description = "Writes the same table as a C header with a function that looks up a budget." };
        Option<bool> only = new("--default") { Description = "Only makes the default ladder, for --out or the standard output." };
        Option<bool> search = new("--search") { Description = "Searches for paths on the calibration images instead of taking the default ladder: each part alone, then combined greedily." };
        Option<int> searchImages = new("--search-images") { Description = "Calibration images that the search uses.", DefaultValueFactory = _ => 4 };
        Option<int> count = new("--count") { Description = "Most paths that the search proposes.", DefaultValueFactory = _ => 16 };
        OutputOption json = Cli.JsonOption();
        var command = new Command("paths", "What the paths of a network cost by the exact model, and how well they do by the golden model; without --paths those of a default ladder.");
        var options = new ModelOptions(command, ModelOptions.Takes(", a file that 'quantize' wrote"));
        var imageOptions = new ImageOptions(command);
        var pathOptions = new PathOptions(command);
        foreach (Option option in new Option[] { config, set, latency, interval, only, search, searchImages, count, output, table, header, json })
            command.Add(option);
        command.SetAction((result, cancellation) =>
        {
            var wall = Stopwatch.StartNew();
            using ILoggerFactory logging = Cli.Logging();
            ILogger log = logging.CreateLogger("accelgen");
            AcceleratorConfig loaded = Cli.Load(result.GetValue(config)!, result.GetValue(set)!);
            MemoryTiming timing = Cli.Timing(result.GetValue(latency), result.GetValue(interval));
            if (result.GetValue(only))
            {
                foreach (OutputOption costs in new[] { table, header, json }.Where(o => result.GetValue(o) is not null))
                    throw new FormatException($"{costs.Name} takes what the paths cost, which --default does not find out; leave out --default");
                QuantizedNetwork shape = options.LoadForSchedule(result, log, cancellation);
                WriteLadder(shape, loaded, result.GetValue(output));
                return Task.FromResult(ExitCode.Success);
            }

            int? first = imageOptions.FirstClass(result);
            Sample? sample = imageOptions.Given(result) ? imageOptions.Load(result, options, drawn: false) : null;
            LoadedModel model = options.Load(result, log, cancellation);
            IReadOnlyList<ChannelCut> cuts = ChannelCuts.Find(model.Quantized);
            IReadOnlyList<PathPlan> ladder = result.GetValue(search)
                ? pathOptions.Search(result, model, loaded, Cli.Range("--count", result.GetValue(count), 2, DynamicNetwork.MostVariants), Cli.Range("--search-images", result.GetValue(searchImages), 1, 1024), log, cancellation)
                : DefaultLadder.Create(model.Quantized, cuts, loaded.Array.VectorWidth);
            DynamicNetwork prepared = pathOptions.Prepare(result, model, loaded, log, cancellation, ladder);
            if (sample is not null)
                _ = Truth.Of(model.Quantized, sample.Images, imageOptions.Masks(result), first);
            CompiledProgram program = new NetworkCompiler(loaded, timing).Compile(prepared.Network);
            var cycles = new CycleModel(loaded, timing);
            Evaluation? evaluation = sample is null ? null : new Evaluation(model, prepared, floats: false, first);
            IReadOnlyList<PathScore>? scores = evaluation?.Run(sample!, options.Seed(result), log, cancellation);
            Row[] rows = [.. prepared.Paths.Select((p, i) => new Row(
                p, Workload.Macs(prepared.Network, p).Executed, cycles.Predict(program.Commands, program.ProgramAddress, program.Row(p)).TotalCycles,
                scores is null ? null : evaluation!.Accuracy(scores[i].Whole), scores?[i].Images ?? 0))];
            foreach (Row row in rows)
                row.IsPareto = !rows.Any(o => o != row && o.Cycles <= row.Cycles && (o.Accuracy ?? o.Macs) >= (row.Accuracy ?? row.Macs) && (o.Cycles < row.Cycles || (o.Accuracy ?? o.Macs) > (row.Accuracy ?? row.Macs)));
            WriteTable(program, rows, evaluation?.Metric, result.GetValue(table), result.GetValue(header));
            if (result.GetValue(output) is string file)
                OutputFile.Write(file, PathFile.Write(model.Quantized, cuts, prepared.Plans));
            Report(prepared, program, cycles, rows, evaluation?.Metric, wall, result.GetValue(json));
            return Task.FromResult(ExitCode.Success);
        });
        return command;
    }

    private static void WriteLadder(QuantizedNetwork network, AcceleratorConfig config, string? output)
    {
        IReadOnlyList<ChannelCut> cuts = ChannelCuts.Find(network);
        IReadOnlyList<PathPlan> ladder = DefaultLadder.Create(network, cuts, config.Array.VectorWidth);
        string text = PathFile.Write(network, cuts, ladder);
        if (output is null)
        {
            Console.Write(text);
            return;
        }

        OutputFile.Write(output, text);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{output}: {ladder.Count} paths of {cuts.Count} layers that can read fewer channels and {network.Blocks.Count} skippable blocks, in vectors of {config.Array.VectorWidth}"));
    }

    private static void WriteTable(CompiledProgram program, Row[] rows, string? metric, string? json, string? header)
    {
        if (json is null && header is null)
            return;
        var table = HostTable.Create([.. rows.Select(r => new HostCandidate(r.Path.Name, r.Cycles, r.Accuracy ?? r.Macs, r.Accuracy, program.Row(r.Path)))]);
        AcceleratorConfig config = program.Config;
        if (table.Entries.Count > config.Control.Paths)
            throw new FormatException($"the table of a host has {table.Entries.Count} paths; the path table of {config.Name} has {config.Control.Paths} rows (control.paths, at most 32): name fewer paths in a file for --paths, or take more rows");
        if (header is not null)
            OutputFile.Write(header, HostTableHeader.Render(config, metric, table));
        Cli.WriteJson(json, new
        {
            metric, config = config.Name, configHash = config.Hash.Hex,
            entries = table.Entries.Select(e => new { e.Name, e.Row, e.Cycles, e.Accuracy, keepLow = (uint)e.Words.Keep, keepHigh = (uint)(e.Words.Keep >> 32), e.Words.Variant, e.Words.Extents }),
        });
    }

    private static void Report(DynamicNetwork prepared, CompiledProgram program, CycleModel cycles, Row[] rows, string? metric, Stopwatch wall, string? json)
    {
        QuantizedNetwork network = prepared.Network;
        long wholeMacs = Workload.Macs(network, ExecutionPath.Whole).Whole;
        long wholeCycles = cycles.Predict(program.Commands, program.ProgramAddress, program.Row(ExecutionPath.Whole)).TotalCycles;
        double? Efficiency(Row r) => r.Macs == wholeMacs || wholeMacs == 0 ? null : (1 - ((double)r.Cycles / wholeCycles)) / (1 - ((double)r.Macs / wholeMacs));
        var table = new Table().AddColumns("path", "cycles", "saved", "MACs", "saved", "saved cycles/MACs", metric ?? "accuracy", "Pareto");
        foreach (int column in Enumerable.Range(1, 6))
            table.Columns[column].RightAligned();
        foreach (Row r in rows)
        {
            table.AddRow(Printable.Cell(r.Path.Name), $"{r.Cycles:N0}", $"{1 - ((double)r.Cycles / wholeCycles):P1}", $"{r.Macs:N0}", wholeMacs == 0 ? string.Empty : $"{1 - ((double)r.Macs / wholeMacs):P1}", $"{Efficiency(r):F3}", $"{r.Accuracy:P2}", r.IsPareto ? "*" : string.Empty);
        }

        Cli.Output().Write(table);
        // What a path left out beyond its own channels.
        if (prepared.Cuts.Count > 0)
            Console.WriteLine($"not computed where channels are dropped: {string.Join("; ", prepared.Cuts.Select(c => $"{PathFile.NameOf(network, c.Cut)}: {string.Join(", ", c.Cut.Parts.SelectMany(p => p.Layers).Select(l => network.Layers[l].Name))}"))}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{program.Config.Name} ({program.Config.Hash.Hex}): {rows.Length} paths of one program, {wall.Elapsed.TotalSeconds:F1} s"));
        Cli.WriteJson(json, new
        {
            metric, config = program.Config.Name, configHash = program.Config.Hash.Hex,
            paths = rows.Select(r => new { r.Path.Name, r.Macs, cyclesModel = r.Cycles, cyclesRtl = (long?)null, mismatches = (long?)null, cycleDifferences = (long?)null, r.Accuracy, r.Images, skipEfficiency = Efficiency(r) }),
            pareto = rows.Where(r => r.IsPareto).Select(r => r.Path.Name),
            skipEfficiency = rows.Select(Efficiency).OfType<double>().DefaultIfEmpty(double.NaN).Min() is var least && double.IsNaN(least) ? (double?)null : least,
        });
    }
}
