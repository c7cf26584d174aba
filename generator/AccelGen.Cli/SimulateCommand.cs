using System.CommandLine;
using System.Diagnostics;
using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Files;
using AccelGen.Network.Quantized;
using AccelGen.Sim;
using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace AccelGen.Cli;

/// <summary><c>accelgen simulate</c>: layer workloads on random data through the RTL.</summary>
internal static class SimulateCommand
{
    public static Command Create()
    {
        Option<string> config = Cli.ConfigOption();
        Option<string[]> set = Cli.SetOption();
        OutputOption json = Cli.JsonOption();
        Option<string[]> layer = new("--layer")
        {
            Description = "Layer, e.g. \"conv 128x128x3072 k1 -> 768, keep 1536\"; may be repeated.",
            DefaultValueFactory = _ => [],
        };
        Option<string[]> from = new("--layers-from")
        {
            Description =
                $"File with one layer per line ('#' starts a comment), or a named set: {string.Join(", ", SegFormerLayers.Sets)}.",
            DefaultValueFactory = _ => [],
        };
        Option<string?> pattern = new("--layers")
        {
            Description = "Patterns of layer names to run from the sets, separated by commas; * matches anything.",
        };
        Option<bool> halves = new("--halves")
        {
            Description =
                "Runs each convolution and linear layer once more with half of its input channels kept, and once with "
                + "half of its output channels: whole vectors, where there are two.",
        };
        Option<int> seed = new("--seed") { Description = "Seed of the random data.", DefaultValueFactory = _ => 1 };
        Option<int> latency = Cli.MemoryLatencyOption();
        Option<int> interval = Cli.MemoryIntervalOption();
        Option<int?> stalls = new("--random-stalls")
        {
            Description = "Seed of random memory stalls; the model's cycles are then a lower bound.",
        };
        OutputOption waveform = new("--waveform") { Description = "FST file to write; builds a slower model." };
        Option<string?> window = Cli.WaveformWindowOption();
        var command = new Command("simulate", "Runs layers through the RTL and compares outputs and cycles.")
        {
            config,
            set,
            layer,
            from,
            pattern,
            halves,
            seed,
            latency,
            interval,
            stalls,
            waveform,
            window,
            json,
        };
        command.SetAction(
            async (result, cancellation) =>
            {
                AcceleratorConfig loaded = Cli.Load(result.GetValue(config)!, result.GetValue(set)!);
                MemoryTiming timing = Cli.Timing(result.GetValue(latency), result.GetValue(interval));
                List<LayerSpec> layers = Collect(
                    result.GetValue(layer)!,
                    result.GetValue(from)!,
                    result.GetValue(pattern),
                    result.GetValue(halves) ? loaded.Array.VectorWidth : null
                );
                return await RunAsync(
                        loaded,
                        layers,
                        result.GetValue(seed),
                        timing,
                        result.GetValue(stalls),
                        Cli.Waveform(result.GetValue(waveform), result.GetValue(window)),
                        result.GetValue(json),
                        result.GetValue(config)!,
                        result.GetValue(set)!,
                        cancellation
                    )
                    .ConfigureAwait(false);
            }
        );
        return command;
    }

    private static List<LayerSpec> Collect(string[] texts, string[] sources, string? pattern, int? halves)
    {
        List<LayerSpec> layers = [.. texts.Select(t => LayerSpec.Parse(t))];
        foreach (string source in sources)
        {
            IEnumerable<LayerSpec> all;
            if (SegFormerLayers.Sets.Contains(source))
                all = SegFormerLayers.Layers(source);
            else if (File.Exists(source))
                all = LayersOf(source);
            else
                throw new FormatException(
                    $"--layers-from {source}: neither a file nor a set; the sets are {string.Join(", ", SegFormerLayers.Sets)}"
                );
            if (pattern is not null)
            {
                var regexes = pattern
                    .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                    .Select(Cli.Pattern)
                    .ToList();
                all = all.Where(l => regexes.Any(r => r.IsMatch(l.Name)));
            }

            layers.AddRange(all);
        }

        if (layers.Count == 0)
            throw new FormatException("no layer to simulate: give --layer, or --layers-from with a pattern that matches");
        return halves is int vectorWidth ? [.. layers.SelectMany(l => Halves(l, vectorWidth).Prepend(l))] : layers;
    }

    // A layer with half of its input or output channels, where that is a whole number of vectors.
    private static IEnumerable<LayerSpec> Halves(LayerSpec layer, int vectorWidth)
    {
        if (layer.Kind == "matmul" || layer.Groups > 1 || layer.Keep is not null || layer.KeepOut is not null)
            yield break;
        int inputs = layer.Input.Channels / 2,
            outputs = layer.OutputChannels / 2;
        if (inputs > 0 && inputs % vectorWidth == 0)
            yield return layer with
            {
                Name = layer.Name + " (half in)",
                Text = $"{layer.Text}, keep {inputs}",
                Keep = inputs,
            };
        if (outputs > 0 && outputs % vectorWidth == 0)
            yield return layer with
            {
                Name = layer.Name + " (half out)",
                Text = $"{layer.Text}, keepout {outputs}",
                KeepOut = outputs,
            };
    }

    // A layer per line; every wrong line is named.
    private static List<LayerSpec> LayersOf(string file)
    {
        var layers = new List<LayerSpec>();
        var problems = new List<string>();
        foreach (
            (int number, string line) in InputFile.ReadLines(file).Select(l => l.Split('#')[0].Trim()).Index().Where(l => l.Item.Length > 0)
        )
        {
            try
            {
                layers.Add(LayerSpec.Parse(line));
            }
            catch (FormatException e)
            {
                problems.Add($"{file}({number + 1}): {e.Message}");
            }
        }

        return problems.Count == 0 ? layers : throw new FormatException(string.Join(Environment.NewLine, problems));
    }

    private static async Task<int> RunAsync(
        AcceleratorConfig config,
        List<LayerSpec> layers,
        int seed,
        MemoryTiming timing,
        int? stallSeed,
        (string File, long From, long To)? waveform,
        string? json,
        string configName,
        string[] overrides,
        CancellationToken cancellation
    )
    {
        using ILoggerFactory logging = Cli.Logging();
        ILogger log = logging.CreateLogger("accelgen");
        var wall = Stopwatch.StartNew();
        BuiltModel built = await new ModelBuild(logger: log)
            .BuildAsync(config, waveform is not null, cancellation: cancellation)
            .ConfigureAwait(false);
        string verilator = await ModelBuild.VerilatorVersionAsync(cancellation).ConfigureAwait(false);
        var rows = new List<(LayerSpec Spec, LayerResult Layer, long Bound, double? SkipEfficiency)>();
        double simulated = 0;
        bool bad = false;
        long doneMacs = 0,
            wholeMacs = 0,
            allMacs = layers.Sum(l => l.Output.Elements * l.Input.Channels / l.Groups * l.Kernel.Rows * l.Kernel.Columns);
        foreach (LayerSpec spec in layers)
        {
            cancellation.ThrowIfCancellationRequested();
            (QuantizedNetwork network, Dictionary<int, sbyte[]> inputs, ExecutionPath path) = spec.Build(seed);
            CompiledProgram program = new NetworkCompiler(config, timing).Compile(network);
            using var workload = new Workload(program, built.Library, timing);
            if (waveform is { } w && rows.Count == 0)
                workload.Simulator.OpenWaveform(w.File, w.From, w.To);
            string replay =
                $"accelgen simulate --config {configName}{string.Concat(overrides.Select(o => $" --set {o}"))} "
                + $"--layer \"{spec.Text}\" --seed {seed} --memory-latency {timing.ReadLatency} --memory-interval {timing.ReadInterval}"
                + (stallSeed is int s ? $" --random-stalls {s}" : string.Empty);
            WorkloadResult run = workload.Run(inputs, path, new MemoryFaults(stallSeed), replay);
            simulated += run.WallSeconds;
            LayerResult one = run.Layers[0] with { Name = spec.Name, CyclesRtl = run.Rtl.TotalCycles, CyclesModel = run.Model.TotalCycles };
            one = one with { Utilization = (double)(one.Macs - one.MacsSkipped) / one.CyclesRtl / config.Derived.PeakMacsPerCycle };
            // What the array or the bus needs at least, whichever is more.
            long bound = Math.Max(
                (one.Macs - one.MacsSkipped) / config.Derived.PeakMacsPerCycle,
                Math.Max(one.BytesRead, one.BytesWritten) / config.Derived.BeatBytes * timing.ReadInterval
            );
            // Channels that are not kept: what they save is that of the same program with all of them.
            double? efficiency = null;
            if (one.MacsSkipped > 0)
            {
                WorkloadResult whole = workload.Run(inputs, ExecutionPath.Whole, new MemoryFaults(stallSeed));
                simulated += whole.WallSeconds;
                wholeMacs += one.Macs;
                efficiency = (double)(whole.Rtl.TotalCycles - one.CyclesRtl) / whole.Rtl.TotalCycles / ((double)one.MacsSkipped / one.Macs);
                bad |= whole.Layers[0].Mismatches > 0 || (stallSeed is null && whole.CounterDifferences.Count > 0);
            }

            rows.Add((spec, one, bound, efficiency));
            bool differs = stallSeed is null
                ? run.CounterDifferences.Count > 0 || run.CommandDifferences > 0
                : run.Rtl.TotalCycles < run.Model.TotalCycles;
            if (one.Mismatches > 0 || differs)
            {
                bad = true;
                if (run.FirstMismatch is not null)
                    Console.Error.WriteLine($"error: {run.FirstMismatch}");
                foreach (string difference in stallSeed is null ? run.CounterDifferences : [])
                    Console.Error.WriteLine($"error: layer {spec.Name}: counter {difference}; replay: {replay}");
            }

            doneMacs += one.Macs;
            if (wall.Elapsed.TotalSeconds > 2)
            {
                double remaining = wall.Elapsed.TotalSeconds * (allMacs - doneMacs) / Math.Max(1, doneMacs);
                log.LogInformation(
                    "{Done} of {Count} layers, {Rate:F2} GMAC/s, about {Remaining:F0} s left",
                    rows.Count,
                    layers.Count,
                    rows.Sum(r => r.Layer.Macs - r.Layer.MacsSkipped) / simulated / 1e9,
                    remaining
                );
            }
        }

        var table = new Table().AddColumns(
            "layer",
            "MACs",
            "skipped",
            "RTL cycles",
            "model cycles",
            "mismatches",
            "utilization",
            "of bound",
            "skip efficiency",
            "read",
            "written"
        );
        foreach (int column in Enumerable.Range(1, 10))
            table.Columns[column].RightAligned();
        foreach ((_, LayerResult r, long bound, double? efficiency) in rows)
        {
            table.AddRow(
                Printable.Cell(r.Name),
                $"{r.Macs:N0}",
                $"{r.MacsSkipped:N0}",
                $"{r.CyclesRtl:N0}",
                $"{r.CyclesModel:N0}",
                $"{r.Mismatches}",
                $"{r.Utilization:P1}",
                $"{(double)bound / r.CyclesRtl:P1}",
                efficiency is double e ? $"{e:F3}" : string.Empty,
                $"{r.BytesRead:N0}",
                $"{r.BytesWritten:N0}"
            );
        }

        Cli.Output().Write(table);
        long executed = rows.Sum(r => r.Layer.Macs - r.Layer.MacsSkipped),
            cycles = rows.Sum(r => r.Layer.CyclesRtl);
        var total = new
        {
            name = "total",
            op = "total",
            macs = rows.Sum(r => r.Layer.Macs),
            macsSkipped = rows.Sum(r => r.Layer.MacsSkipped),
            cyclesRtl = cycles,
            cyclesModel = rows.Sum(r => r.Layer.CyclesModel),
            mismatches = rows.Sum(r => r.Layer.Mismatches),
            utilization = (double)executed / cycles / config.Derived.PeakMacsPerCycle,
            bytesRead = rows.Sum(r => r.Layer.BytesRead),
            bytesWritten = rows.Sum(r => r.Layer.BytesWritten),
            config = config.Name,
            configHash = config.Hash.Hex,
            seed,
            wallSeconds = wall.Elapsed.TotalSeconds,
            buildSeconds = built.Seconds,
            simulationSeconds = simulated,
            macsPerSecond = (executed + wholeMacs) / simulated,
            tools = new
            {
                accelgen = typeof(SimulateCommand).Assembly.GetName().Version?.ToString(3),
                verilator,
                dotnet = Environment.Version.ToString(),
            },
        };
        Console.WriteLine(
            $"{config.Name} ({config.Hash.Hex}): {total.mismatches} mismatches, RTL {total.cyclesRtl:N0} cycles, "
                + $"model {total.cyclesModel:N0}; {total.macsPerSecond / 1e9:F2} GMAC/s simulated, {total.wallSeconds:F1} s"
        );
        Cli.WriteJson(
            json,
            new
            {
                layers = rows.Select(r => new
                {
                    r.Layer.Name,
                    spec = r.Spec.Text,
                    r.Layer.Op,
                    r.Layer.Macs,
                    r.Layer.MacsSkipped,
                    r.Layer.CyclesRtl,
                    r.Layer.CyclesModel,
                    r.Layer.Mismatches,
                    r.Layer.Utilization,
                    r.Layer.BytesRead,
                    r.Layer.BytesWritten,
                    boundCycles = r.Bound,
                    r.SkipEfficiency,
                    r.Layer.Tiling,
                }),
                total,
            }
        );
        return bad ? ExitCode.Mismatch : ExitCode.Success;
    }
}
