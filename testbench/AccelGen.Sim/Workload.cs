using System.Diagnostics;
using AccelGen.Compiler;
using AccelGen.Cycles;
using AccelGen.Golden;
using AccelGen.Isa;
using AccelGen.Network.Quantized;

namespace AccelGen.Sim;

/// <summary>What a layer showed in a run.</summary>
public sealed record LayerResult
{
    /// <summary>Name of the layer.</summary>
    public required string Name { get; init; }

    /// <summary>Name of the operator.</summary>
    public required string Op { get; init; }

    /// <summary>Multiply-accumulates of the whole layer.</summary>
    public required long Macs { get; init; }

    /// <summary>Multiply-accumulates that the path skips.</summary>
    public required long MacsSkipped { get; init; }

    /// <summary>Cycles by the RTL, from the end of the layer before to the end of this one.</summary>
    public required long CyclesRtl { get; init; }

    /// <summary>Cycles by the model.</summary>
    public required long CyclesModel { get; init; }

    /// <summary>Output elements that differ from the golden model.</summary>
    public required long Mismatches { get; init; }

    /// <summary>Useful multiply-accumulates per cycle over the peak of the array.</summary>
    public required double Utilization { get; init; }

    /// <summary>Bytes read from memory by the layer's commands.</summary>
    public required long BytesRead { get; init; }

    /// <summary>Bytes written to memory by the layer's commands.</summary>
    public required long BytesWritten { get; init; }

    /// <summary>Tiling, in words.</summary>
    public required string Tiling { get; init; }
}

/// <summary>What a run showed.</summary>
/// <param name="Layers">Layers in order; skipped layers included.</param>
/// <param name="Rtl">Counters and command timings of the RTL.</param>
/// <param name="Model">The same by the cycle model; with random stalls a lower bound.</param>
/// <param name="Outputs">Network outputs by the RTL.</param>
/// <param name="FirstMismatch">Report of the first differing element, or null.</param>
/// <param name="CounterDifferences">Counters in which RTL and model differ.</param>
/// <param name="CommandDifferences">Commands whose start or end differs.</param>
/// <param name="WallSeconds">Time of the co-simulation alone.</param>
public sealed record WorkloadResult(
    IReadOnlyList<LayerResult> Layers,
    RunResult Rtl,
    CyclePrediction Model,
    IReadOnlyDictionary<int, sbyte[]> Outputs,
    string? FirstMismatch,
    IReadOnlyList<string> CounterDifferences,
    int CommandDifferences,
    double WallSeconds
)
{
    /// <summary>Differing elements over all layers.</summary>
    public long Mismatches => Layers.Sum(l => l.Mismatches);

    /// <summary>Choices of CHECKPOINT commands that differ from what they should be; empty without a budget.</summary>
    public IReadOnlyList<string> DecisionDifferences { get; init; } = [];
}

/// <summary>Runs a compiled network through the RTL and compares it with the golden operators and the cycle model.</summary>
public sealed class Workload : IDisposable
{
    private readonly CompiledProgram program;
    private readonly Simulator simulator;
    private readonly MemoryTiming timing;

    // Rows of the path table that were written, with what the model says of the path: later runs only select the row.
    private readonly List<(PathRow Row, CyclePrediction Model)> table = [];
    private int nextRow;
    private bool tableWritten; // the rows of the paths that a budget chooses among

    /// <summary>Loads the model and the program.</summary>
    /// <param name="program">Program.</param>
    /// <param name="library">Shared library of the model.</param>
    /// <param name="timing">Timing of the memory.</param>
    /// <exception cref="SimulationException">The model belongs to another configuration.</exception>
    public Workload(CompiledProgram program, string library, MemoryTiming timing)
    {
        this.program = program;
        this.timing = timing;
        simulator = new Simulator(program.Config, library);
        simulator.LoadMemory(program.MemoryBytes, program.Image);
    }

    /// <summary>The simulated design.</summary>
    public Simulator Simulator => simulator;

    /// <summary>Runs one input on one path.</summary>
    /// <param name="inputs">NHWC elements per network input.</param>
    /// <param name="path">Execution path.</param>
    /// <param name="faults">Misbehaviour of the memory, or null.</param>
    /// <param name="replay">Command that replays the run, for the mismatch report.</param>
    /// <exception cref="SimulationException">The design hangs, fails an assertion or reports an error.</exception>
    public WorkloadResult Run(
        IReadOnlyDictionary<int, sbyte[]> inputs,
        ExecutionPath path,
        MemoryFaults? faults = null,
        string? replay = null
    )
    {
        (int row, CyclePrediction model) = Select(path);
        return Execute(inputs, new Frame(row, 0, model, path), faults, replay);
    }

    /// <summary>Runs one input with a budget: CHECKPOINT commands choose the path.</summary>
    /// <param name="inputs">NHWC elements per network input.</param>
    /// <param name="selected">Row of the path table that the program starts on.</param>
    /// <param name="budget">Cycles that the program may take; 0: it stays on its path.</param>
    /// <param name="faults">Misbehaviour of the memory, or null.</param>
    /// <param name="replay">Command that replays the run, for the mismatch report.</param>
    /// <returns>The run. With random stalls the golden model follows what the RTL has chosen, and what it chose is held against its own
    /// record of elapsed cycles.</returns>
    /// <exception cref="SimulationException">The design hangs, fails an assertion or reports an error.</exception>
    /// <exception cref="ArgumentException">The program has no CHECKPOINT commands.</exception>
    public WorkloadResult RunBudget(
        IReadOnlyDictionary<int, sbyte[]> inputs,
        int selected,
        uint budget,
        MemoryFaults? faults = null,
        string? replay = null
    )
    {
        BudgetTable choices = program.Budget ?? throw new ArgumentException("the program has no checkpoints", nameof(program));
        IReadOnlyList<PathRow> rows = choices.Rows(program);
        if (!tableWritten)
        {
            for (int i = 0; i < rows.Count; i++)
                simulator.WritePath(i, rows[i]);
            // The rows of single paths are written again when one is run.
            table.Clear();
            (tableWritten, nextRow) = (true, 0);
        }

        var control = new FrameControl(rows, selected, budget);
        CyclePrediction model = new CycleModel(program.Config, timing).Predict(program.Commands, program.ProgramAddress, control);
        WorkloadResult result = Execute(
            inputs,
            new Frame(selected, budget, model, faults?.StallSeed is null ? choices.Paths[model.Row].Path : null),
            faults,
            replay
        );
        // By the table and the cycles that the RTL itself recorded, whatever the memory did.
        return result with
        {
            DecisionDifferences =
            [
                .. BudgetCheck.Differences(program, control, result.Rtl),
                .. faults?.StallSeed is null ? BudgetCheck.Differences(model, result.Rtl) : [],
            ],
        };
    }

    // What a run is started with: a row of the path table, a budget, what the model says, and the path where it is known beforehand.
    private sealed record Frame(int Row, uint Budget, CyclePrediction Model, ExecutionPath? Path);

    private WorkloadResult Execute(IReadOnlyDictionary<int, sbyte[]> inputs, Frame frame, MemoryFaults? faults, string? replay)
    {
        Dictionary<int, sbyte[]>? expected = frame.Path is { } known ? Golden(inputs, known) : null;
        simulator.RequireWaveformBefore(faults?.StallSeed is null ? frame.Model.TotalCycles : long.MaxValue);
        foreach ((int tensor, sbyte[] values) in inputs)
            program.WriteInput(tensor, values, simulator.Memory);
        simulator.WriteRegister("PathSelect", (uint)frame.Row);
        simulator.WriteRegister("Budget", frame.Budget);

        (int[] order, int[] completed) = Completion();
        var seen = new List<(int Layer, sbyte[] Values, long Cycle)>();
        long[] mismatches = new long[program.Layers.Count];
        string? report = null;
        int next = 0;
        var clock = Stopwatch.StartNew();
        var comparing = new Stopwatch();
        RunResult rtl = simulator.Run(
            program.Commands,
            program.ProgramAddress,
            program.Config.Hash.Value,
            timing,
            faults,
            storeDone: count =>
            {
                comparing.Start();
                for (; next < order.Length && count >= completed[order[next]]; next++)
                {
                    int layer = order[next];
                    if (!program.Layers[layer].InMemory || expected?.ContainsKey(layer) == false)
                        continue;
                    sbyte[] got = program.ReadTensor(program.Network.Tensors[program.Layers[layer].Layer.Output].Id, simulator.Memory);
                    if (expected is null)
                        seen.Add((layer, got, simulator.RunCycle));
                    else
                        mismatches[layer] = Compare(layer, got, expected[layer], frame.Path!, simulator.RunCycle, replay, ref report);
                }

                comparing.Stop();
            }
        );
        double seconds = (clock.Elapsed - comparing.Elapsed).TotalSeconds;
        if (rtl.ErrorCode != 0)
        {
            string name =
                IsaDefinition.Enums.Single(e => e.Name == "ErrorCode").Values.FirstOrDefault(v => v.Value == rtl.ErrorCode)?.Name
                ?? "unknown";
            throw new SimulationException(
                $"the accelerator stopped with error {name} (register 0x{rtl.Error:X8}, layer {rtl.Error >> 16})"
            );
        }

        ExecutionPath path = frame.Path ?? program.Budget!.Paths[rtl.Row].Path;
        expected ??= Golden(inputs, path);
        foreach ((int layer, sbyte[] got, long cycle) in seen)
        {
            if (expected.TryGetValue(layer, out sbyte[]? want))
                mismatches[layer] = Compare(layer, got, want, path, cycle, replay, ref report);
        }

        return Summarise(rtl, frame.Model, path, mismatches, report, seconds);
    }

    private Dictionary<int, sbyte[]> Golden(IReadOnlyDictionary<int, sbyte[]> inputs, ExecutionPath path)
    {
        var expected = new Dictionary<int, sbyte[]>();
        GoldenExecutor.Run(program.Network, path, inputs, (layer, values) => expected[layer] = values);
        return expected;
    }

    // Layers in the order in which their outputs are complete, and after how many STORE commands each is. A layer's output is
    // compared when its last store has completed: a later layer may overwrite it.
    private (int[] Order, int[] Completed) Completion()
    {
        int[] lastStore = new int[program.Layers.Count];
        int stores = 0;
        for (int i = 0; i < program.Layers.Count; i++)
        {
            for (int c = program.Layers[i].FirstCommand; c < program.Layers[i].EndCommand; c++)
                stores += program.Commands[c].Definition.Queue == Queue.Store ? 1 : 0;
            lastStore[i] = stores;
        }

        // Layers computed at the place of a later one are complete when that one is, concatenations in place when their parts are.
        int[] completed = new int[lastStore.Length];
        for (int i = 0; i < completed.Length; i++)
        {
            completed[i] = lastStore[Math.Max(i, program.Layers[i].FusedInto ?? i)];
            if (program.Layers[i].Layer is ConcatLayer concat)
                completed[i] = Enumerable
                    .Range(0, i)
                    .Where(p => concat.Inputs.Contains(program.Layers[p].Layer.Output))
                    .Select(p => completed[p])
                    .Append(completed[i])
                    .Max();
        }

        return ([.. Enumerable.Range(0, lastStore.Length).OrderBy(i => completed[i])], completed);
    }

    /// <inheritdoc/>
    public void Dispose() => simulator.Dispose();

    // A known path costs one register write; a new one takes the next row of the table, the oldest when it is full.
    private (int Row, CyclePrediction Model) Select(ExecutionPath path)
    {
        PathRow wanted = program.Row(path);
        int known = table.FindIndex(t =>
            t.Row.Keep == wanted.Keep && t.Row.Variant == wanted.Variant && t.Row.Extents.SequenceEqual(wanted.Extents)
        );
        if (known >= 0)
            return (known, table[known].Model);
        CyclePrediction model = new CycleModel(program.Config, timing).Predict(program.Commands, program.ProgramAddress, wanted);
        tableWritten = false;
        int row = nextRow;
        nextRow = (nextRow + 1) % program.Config.Control.Paths;
        simulator.WritePath(row, wanted);
        if (row == table.Count)
            table.Add((wanted, model));
        else
            table[row] = (wanted, model);
        return (row, model);
    }

    private long Compare(int index, sbyte[] got, sbyte[] want, ExecutionPath path, long cycle, string? replay, ref string? report)
    {
        CompiledLayer layer = program.Layers[index];
        QuantizedTensor tensor = program.Network.Tensors[layer.Layer.Output];
        int channels = tensor.Shape.Channels;
        bool[]? kept = Kept(layer.Layer, channels, path);
        if (kept is null && got.AsSpan().SequenceEqual(want))
            return 0;
        long count = 0;
        int compared = KeptHeads(layer.Layer, tensor.Shape, path) is int heads ? want.Length / tensor.Shape.Batch * heads : want.Length;
        for (int i = 0; i < compared; i++)
        {
            if (want[i] == got[i] || kept?[i % channels] == false)
                continue;
            if (count++ == 0 && report is null)
            {
                int channel = i % channels,
                    pixel = i / channels,
                    column = pixel % tensor.Shape.Width,
                    rowIndex = pixel / tensor.Shape.Width % tensor.Shape.Height;
                CompiledLayer place = program.Place(layer, program.Row(path));
                (int tile, int pe, int lane) = place.Locate(
                    program.Config,
                    tensor.Shape,
                    layer.Layer.Computed(program.Network.Tensors[layer.Layer.Input].Shape, tensor.Shape),
                    rowIndex,
                    column,
                    channel
                );
                report =
                    $"layer {layer.Layer.Name}, tile {tile}, element "
                    + $"[{pixel / tensor.Shape.Width / tensor.Shape.Height},{rowIndex},{column},{channel}], PE {pe}, lane {lane}, "
                    + $"seen at cycle {cycle} of the run: expected {want[i]} (0x{(byte)want[i]:X2}), RTL {got[i]} "
                    + $"(0x{(byte)got[i]:X2}); tiling {place.Tiling}"
                    + (
                        replay is null
                            ? string.Empty
                            : $"{Environment.NewLine}replay: {replay} --waveform mismatch.fst --waveform-window "
                                + $"{Math.Max(0, cycle - 2000)}:{cycle}"
                    );
            }
        }

        return count;
    }

    // Channels that a path computes of a layer's output, or null: all of them. Of a concatenation those of its parts.
    private bool[]? Kept(QuantizedLayer layer, int channels, ExecutionPath path)
    {
        QuantizedNetwork network = program.Network;
        if (layer is ConcatLayer concat)
        {
            bool[] all =
            [
                .. concat.Inputs.SelectMany(t =>
                {
                    int part = network.Tensors[t].Shape.Channels;
                    return
                        network.Layers.LastOrDefault(l => network.Home(l.Output) == network.Home(t)) is { } writer
                        && Kept(writer, part, path) is { } some
                        ? some
                        : Enumerable.Repeat(true, part);
                }),
            ];
            return all.Contains(false) ? all : null;
        }

        return
            layer.OutputExtent is int e
            && network.Tensors[layer.Output].Shape.Batch == 1
            && path.Extents.TryGetValue(e, out int n)
            && n < channels
            ? [.. Enumerable.Range(0, channels).Select(c => c < n)]
            : null;
    }

    // Heads that a path computes of a layer's output, which lie one after the other; a convolution counts their channels.
    private static int? KeptHeads(QuantizedLayer layer, TensorShape shape, ExecutionPath path)
    {
        if (layer.HeadExtent is not null)
            return layer.Heads(shape, path);
        int channels = layer.TransposeOutput ? shape.Width : shape.Channels;
        return shape.Batch > 1 && layer.OutputExtent is int e && path.Extents.TryGetValue(e, out int n)
            ? Math.Min(shape.Batch, n / channels)
            : null;
    }

    private WorkloadResult Summarise(
        RunResult rtl,
        CyclePrediction model,
        ExecutionPath path,
        long[] mismatches,
        string? report,
        double seconds
    )
    {
        var layers = new List<LayerResult>();
        long[] cyclesRtl = LayerCycles.Of(program, rtl.Commands),
            cyclesModel = LayerCycles.Of(program, model.Commands);
        int beat = program.Config.Derived.BeatBytes;
        for (int i = 0; i < program.Layers.Count; i++)
        {
            CompiledLayer layer = program.Layers[i];
            long read = 0,
                written = 0;
            foreach (int c in program.CommandsOf(i))
            {
                if (program.Commands[c].Definition.Queue == Queue.Load)
                    read += model.Beats[c] * beat;
                if (program.Commands[c].Definition.Queue == Queue.Store)
                    written += model.Beats[c] * beat;
            }

            (long whole, long executed) = program.Network.LayerMacs(layer.Layer, path);
            long cycles = cyclesRtl[i];
            layers.Add(
                new LayerResult
                {
                    Name = layer.Layer.Name,
                    Op = layer.Layer.Operator,
                    Macs = whole,
                    MacsSkipped = whole - executed,
                    CyclesRtl = cycles,
                    CyclesModel = cyclesModel[i],
                    Mismatches = mismatches[i],
                    Utilization = cycles == 0 ? 0 : (double)executed / cycles / program.Config.Derived.PeakMacsPerCycle,
                    BytesRead = read,
                    BytesWritten = written,
                    Tiling = layer.Tiling?.ToString() ?? "no commands",
                }
            );
        }

        var differences = new List<string>();
        for (int i = 0; i < rtl.Counters.Length; i++)
        {
            if (rtl.Counters[i] != model.Counters[i])
                differences.Add($"{IsaDefinition.Counters[i].Name}: RTL {rtl.Counters[i]}, model {model.Counters[i]}");
        }

        int commands = 0;
        for (int i = 0; i < rtl.Commands.Length; i++)
        {
            if (rtl.Commands[i] != model.Commands[i] && program.Commands[i].Definition.Queue is not null && Executed(i))
                commands++;
        }

        return new WorkloadResult(
            layers,
            rtl,
            model,
            program.Network.Outputs.ToDictionary(o => o, o => program.ReadTensor(o, simulator.Memory)),
            report,
            differences,
            commands,
            seconds
        );

        bool Executed(int command) => model.Commands[command] != default;
    }
}
