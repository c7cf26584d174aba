using System.CommandLine;
using System.Diagnostics;
using AccelGen.Cli.Results;
using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Network.Quantized;
using AccelGen.Sim;
using Microsoft.Extensions.Logging;

namespace AccelGen.Cli;

/// <summary><c>accelgen simulate</c>: layer workloads on random data through the RTL.</summary>
internal sealed class SimulateCommand
{
    // Seconds of work after which progress is told.
    private const double Patience = 2;

    private readonly Option<string> config = Cli.ConfigOption();
    private readonly Option<string[]> set = Cli.SetOption();
    private readonly Option<string[]> layer = new("--layer")
    {
        Description = "Layer, e.g. \"conv 128x128x3072 k1 -> 768, keep 1536\"; may be repeated.",
        DefaultValueFactory = _ => [],
    };
    private readonly Option<string[]> from = new("--layers-from")
    {
        Description = $"File with one layer per line ('#' starts a comment), or a named set: {string.Join(", ", SegFormerLayers.Sets)}.",
        DefaultValueFactory = _ => [],
    };
    private readonly Option<string?> pattern = new("--layers")
    {
        Description = "Patterns of layer names to run from the sets, separated by commas; * matches anything.",
    };
    private readonly Option<bool> halves = new("--halves")
    {
        Description =
            "Runs each convolution and linear layer once more with half of its input channels kept, and once with "
            + "half of its output channels: whole vectors, where there are two.",
    };
    private readonly Option<int> seed = new("--seed") { Description = "Seed of the random data.", DefaultValueFactory = _ => 1 };
    private readonly Option<int> latency = Cli.MemoryLatencyOption();
    private readonly Option<int> interval = Cli.MemoryIntervalOption();
    private readonly Option<int?> stalls = new("--random-stalls")
    {
        Description = "Seed of random memory stalls; the model's cycles are then a lower bound.",
    };
    private readonly OutputOption waveform = new("--waveform") { Description = "FST file to write; builds a slower model." };
    private readonly Option<string?> window = Cli.WaveformWindowOption();
    private readonly OutputOption json = Cli.JsonOption();

    private SimulateCommand() { }

    // What all layers run on.
    private sealed record Setup(
        AcceleratorConfig Config,
        MemoryTiming Timing,
        int Seed,
        int? StallSeed,
        (string File, long From, long To)? Waveform,
        BuiltModel Built,
        string Line
    )
    {
        public string Replay(LayerSpec spec) =>
            $"{Line} --layer \"{spec.Text}\" --seed {Seed} --memory-latency {Timing.ReadLatency} --memory-interval {Timing.ReadInterval}"
            + (StallSeed is int s ? $" --random-stalls {s}" : string.Empty);
    }

    // A layer that has run, with all of its channels too where some are not kept; what differs, a line each.
    private sealed record Done(SimulatedLayer Layer, IReadOnlyList<string> Differences, double Seconds, long WholeMacs);

    public static Command Create()
    {
        var c = new SimulateCommand();
        var command = new Command("simulate", "Runs layers through the RTL and compares outputs and cycles.")
        {
            c.config,
            c.set,
            c.layer,
            c.from,
            c.pattern,
            c.halves,
            c.seed,
            c.latency,
            c.interval,
            c.stalls,
            c.waveform,
            c.window,
            c.json,
        };
        command.SetAction(c.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancellation)
    {
        AcceleratorConfig loaded = Cli.Load(result.GetValue(config)!, result.GetValue(set)!);
        MemoryTiming timing = Cli.Timing(result.GetValue(latency), result.GetValue(interval));
        List<LayerSpec> layers = LayerSelection.Collect(
            result.GetValue(layer)!,
            result.GetValue(from)!,
            result.GetValue(pattern),
            result.GetValue(halves) ? loaded.Array.VectorWidth : null
        );
        (string File, long From, long To)? wave = Cli.Waveform(result.GetValue(waveform), result.GetValue(window));
        using ILoggerFactory logging = Cli.Logging();
        ILogger log = logging.CreateLogger("accelgen");
        var wall = Stopwatch.StartNew();
        BuiltModel built = await new ModelBuild(logger: log)
            .BuildAsync(loaded, wave is not null, cancellation: cancellation)
            .ConfigureAwait(false);
        string verilator = await ModelBuild.VerilatorVersionAsync(cancellation).ConfigureAwait(false);
        string line =
            $"accelgen simulate --config {result.GetValue(config)}" + string.Concat(result.GetValue(set)!.Select(o => $" --set {o}"));
        var setup = new Setup(loaded, timing, result.GetValue(seed), result.GetValue(stalls), wave, built, line);
        var done = new List<Done>();
        foreach (LayerSpec spec in layers)
        {
            cancellation.ThrowIfCancellationRequested();
            done.Add(Run(setup, spec, first: done.Count == 0));
            foreach (string difference in done[^1].Differences)
                Console.Error.WriteLine($"error: {difference}");
            if (wall.Elapsed.TotalSeconds > Patience)
                Tell(log, layers, done, wall.Elapsed.TotalSeconds);
        }

        SimulatedLayer[] rows = [.. done.Select(d => d.Layer)];
        var found = new SimulateResult(rows, Total(setup, done, wall, verilator));
        SimulateTable.Print(found);
        Cli.WriteJson(result.GetValue(json), found);
        return done.Any(d => d.Differences.Count > 0) ? ExitCode.Mismatch : ExitCode.Success;
    }

    private static Done Run(Setup setup, LayerSpec spec, bool first)
    {
        (AcceleratorConfig config, MemoryTiming timing) = (setup.Config, setup.Timing);
        (QuantizedNetwork network, Dictionary<int, sbyte[]> inputs, ExecutionPath path) = spec.Build(setup.Seed);
        CompiledProgram program = new NetworkCompiler(config, timing).Compile(network);
        using var workload = new Workload(program, setup.Built.Library, timing);
        if (setup.Waveform is { } w && first)
            workload.Simulator.OpenWaveform(w.File, w.From, w.To);
        string replay = setup.Replay(spec);
        WorkloadResult run = workload.Run(inputs, path, new MemoryFaults(setup.StallSeed), replay);
        LayerResult one = run.Layers[0];
        (long cyclesRtl, long executed) = (run.Rtl.TotalCycles, one.Macs - one.MacsSkipped);
        // What the array or the bus needs at least, whichever is more.
        long bound = Math.Max(
            executed / config.Derived.PeakMacsPerCycle,
            Math.Max(one.BytesRead, one.BytesWritten) / config.Derived.BeatBytes * timing.ReadInterval
        );
        // Channels that are not kept: what they save is that of the same program with all of them.
        WorkloadResult? whole =
            one.MacsSkipped > 0 ? workload.Run(inputs, ExecutionPath.Whole, new MemoryFaults(setup.StallSeed), replay) : null;
        double? efficiency = whole is null
            ? null
            : (double)(whole.Rtl.TotalCycles - cyclesRtl) / whole.Rtl.TotalCycles / ((double)one.MacsSkipped / one.Macs);
        var row = new SimulatedLayer(
            spec.Name,
            spec.Text,
            one.Op,
            one.Macs,
            one.MacsSkipped,
            cyclesRtl,
            run.Model.TotalCycles,
            one.Mismatches,
            (double)executed / cyclesRtl / config.Derived.PeakMacsPerCycle,
            one.BytesRead,
            one.BytesWritten,
            bound,
            efficiency,
            one.Tiling
        );
        bool stalled = setup.StallSeed is not null;
        string[] lines =
        [
            .. whole is null ? [] : Differences.Of(whole, $"{spec.Name} with all channels", stalled, replay),
            .. Differences.Of(run, spec.Name, stalled, replay),
        ];
        return new Done(row, lines, run.WallSeconds + (whole?.WallSeconds ?? 0), whole is null ? 0 : one.Macs);
    }

    private static void Tell(ILogger log, List<LayerSpec> layers, List<Done> done, double seconds)
    {
        long all = layers.Sum(l => l.Output.Elements * l.Input.Channels / l.Groups * l.Kernel.Rows * l.Kernel.Columns),
            macs = done.Sum(d => d.Layer.Macs);
        log.LogInformation(
            "{Done} of {Count} layers, {Rate:F2} GMAC/s, about {Remaining:F0} s left",
            done.Count,
            layers.Count,
            done.Sum(d => d.Layer.Macs - d.Layer.MacsSkipped) / done.Sum(d => d.Seconds) / 1e9,
            seconds * (all - macs) / Math.Max(1, macs)
        );
    }

    private static SimulateTotal Total(Setup setup, List<Done> done, Stopwatch wall, string verilator)
    {
        SimulatedLayer[] rows = [.. done.Select(d => d.Layer)];
        long executed = rows.Sum(r => r.Macs - r.MacsSkipped),
            cycles = rows.Sum(r => r.CyclesRtl);
        double simulated = done.Sum(d => d.Seconds);
        return new SimulateTotal(
            "total",
            "total",
            rows.Sum(r => r.Macs),
            rows.Sum(r => r.MacsSkipped),
            cycles,
            rows.Sum(r => r.CyclesModel),
            rows.Sum(r => r.Mismatches),
            (double)executed / cycles / setup.Config.Derived.PeakMacsPerCycle,
            rows.Sum(r => r.BytesRead),
            rows.Sum(r => r.BytesWritten),
            setup.Config.Name,
            setup.Config.Hash.Hex,
            setup.Seed,
            wall.Elapsed.TotalSeconds,
            setup.Built.Seconds,
            simulated,
            (executed + done.Sum(d => d.WholeMacs)) / simulated,
            ToolVersions.With(verilator)
        );
    }
}
