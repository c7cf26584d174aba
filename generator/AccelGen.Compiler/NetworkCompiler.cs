using System.Buffers.Binary;
using System.Numerics;
using AccelGen.Compiler.Operators;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Files;
using AccelGen.Isa;
using AccelGen.Network.Quantized;

namespace AccelGen.Compiler;

/// <summary>Turns a quantised network into a program for one configuration.</summary>
/// <param name="config">Configuration.</param>
/// <param name="memory">Memory for which tilings are chosen.</param>
/// <param name="tilingCandidates">Tilings tried per layer on the cycle model.</param>
public sealed partial class NetworkCompiler(AcceleratorConfig config, MemoryTiming memory, int tilingCandidates = 12)
{
    private const long Page = 4096;
    private const long Provisional = 1L << 36; // beyond all weights
    private readonly List<(long Address, byte[] Data)> regions = [];
    private readonly List<Fault> problems = [];

    // Layers of one shape have one tiling; networks repeat their layers.
    private readonly Dictionary<LayerShape, Tiling?> chosenTilings = [];
    private long next;

    /// <summary>Takes any legal tiling instead of the fastest: tests reach what the search would not choose.</summary>
    internal Random? AnyTiling { get; init; }

    /// <summary>Compiles a network.</summary>
    /// <exception cref="CompileException">A layer does not fit; all such layers are named.</exception>
    public CompiledProgram Compile(QuantizedNetwork network)
    {
        regions.Clear();
        problems.Clear();
        conditions.Clear();
        ones = null;
        Dictionary<int, InputFolding> folded = FindFoldedInputs(network);

        // Weights first. Tensors have provisional addresses until it is known which of them need memory, and when; the
        // program comes last because its length is known last.
        next = Page;
        provisional = Provisional;
        copies.Clear();
        var layouts = new TensorLayout[network.Tensors.Count];
        foreach (QuantizedTensor tensor in network.Tensors)
        {
            if (tensor.SharesStorageWith is int other)
            {
                TensorLayout home = layouts[other];
                // A view whose pixels lie otherwise is copied by each layer that takes it; the tensor itself is that which is there.
                layouts[tensor.Id] =
                    SameArrangement(tensor.Shape, home.Shape) && tensor.Shape != home.Shape
                        ? TensorLayout.Create(config, tensor.Shape, home.Address)
                        : home;
                continue;
            }

            layouts[tensor.Id] = Allocate(
                folded.TryGetValue(tensor.Id, out InputFolding? f) ? f.Shape : tensor.Shape,
                $"tensor {tensor.Name}"
            );
        }

        long[] homes = [.. network.Tensors.Select(t => layouts[network.Home(t.Id)].Address)];

        if (problems.Count > 0)
            throw new CompileException(problems);
        PlaceConcatenated(network, layouts, folded);

        var jobs = new List<List<LayerJob>>();
        for (int i = 0; i < network.Layers.Count; i++)
            jobs.Add([.. Lower(network, i, layouts, folded).Select(SingleSteps)]);
        if (problems.Count > 0)
            throw new CompileException(problems);

        var emitter = new LayerEmitter(config);
        var builder = new ProgramBuilder(config);
        var layers = new List<CompiledLayer>();
        var whole = new CompiledProgram
        {
            Config = config,
            Network = network,
            Commands = [],
            ProgramAddress = 0,
            Image = [],
            MemoryBytes = 0,
            Layers = [],
            Tensors = layouts,
            Folded = folded,
        }.Row(ExecutionPath.Whole);
        (int? Into, bool InMemory)[] fused = Fuse(network, jobs, layouts, whole);
        Dictionary<int, StripPlan> strips = FindStrips(network, jobs, layouts, fused, whole);
        MemoryPlan plan = Settle(network, jobs, layouts, homes, fused);
        if (
            new StorageAudit(
                network,
                layouts,
                config.Array.VectorWidth,
                [.. fused.Select((f, i) => f.Into ?? i)],
                [.. fused.Select(f => f.InMemory)]
            ).Problems()
            is [var misplaced, ..]
        )
            throw new InvalidOperationException(misplaced);
        for (int index = 0; index < jobs.Count; index++)
        {
            QuantizedLayer layer = network.Layers[index];
            List<LayerJob> layerJobs = jobs[index];
            int first = emitter.Commands.Count;
            Tiling? chosen = null;
            StripPlan? strip = strips.GetValueOrDefault(index),
                part = fused[index].Into is int into ? strips.GetValueOrDefault(into) : null;
            if (strip is not null)
            {
                chosen = strip.Consumer;
                emitter.EmitStrips(layerJobs[0], chosen, [.. strip.Producers.Select(p => (jobs[p.Layer][0], p.Tiling))], strip.StripWords);
            }
            else if (part is not null && part.Producers.Any(p => p.Layer == index))
            {
                chosen = part.Producers.Single(p => p.Layer == index).Tiling;
            }

            foreach (LayerJob job in strip is null && chosen is null ? layerJobs.SelectMany(j => Parts(j, whole)) : [])
            {
                if (Choose(job, whole) is not { } tiling)
                {
                    problems.Add(NoTiling(job, WhyNone(job)));
                    break;
                }

                emitter.Emit(
                    job,
                    tiling,
                    layer.HeadExtent is int register && job is { Batch: > 0, Rearranges: false }
                        ? new HeadExtent(config, register, layer.HeadChannels, job.Batch)
                        : null
                );
                chosen = job.Rearranges ? chosen : tiling;
            }

            // A concatenation whose parts are in place has no commands.
            LayerJob? sample = layerJobs.Find(j => !j.Rearranges);
            bool flat = sample is { Output.Shape.Height: 1 } && network.Tensors[layer.Output].Shape.Height > 1,
                apart = layerJobs.Exists(j => j.Rearranges);
            layers.Add(
                new CompiledLayer(
                    layer,
                    first,
                    emitter.Commands.Count,
                    chosen,
                    !flat ? 0
                        : apart ? network.Tensors[layer.Output].Shape.Width
                        : layouts[layer.Output].RowWords * config.Derived.VectorsPerWord
                )
                {
                    FusedInto = fused[index].Into,
                    InMemory = fused[index].InMemory,
                }
            );
        }

        if (problems.Count > 0)
            throw new CompileException(problems);
        long programAddress = plan.End;
        (List<Command> commands, int[] positions) = builder.Build(emitter.Commands, programAddress);
        long imageBytes = programAddress + (commands.Count * (long)IsaDefinition.CommandBytes);
        CheckMemory(imageBytes, $"the network: weights, tensors and {commands.Count:N0} commands");
        if (problems.Count > 0)
            throw new CompileException(problems);
        byte[] image = new byte[imageBytes];
        foreach ((long address, byte[] data) in regions)
            data.CopyTo(image.AsSpan((int)address));
        foreach (QuantizedTensor constant in network.Tensors.Where(t => t.Constant is not null))
            layouts[constant.Id].Pack(config, constant.Constant, image);
        for (int i = 0; i < commands.Count; i++)
            commands[i].Encode(image.AsSpan((int)programAddress + (i * IsaDefinition.CommandBytes)));
        return new CompiledProgram
        {
            Config = config,
            Network = network,
            Commands = commands,
            ProgramAddress = programAddress,
            Image = image,
            MemoryBytes = Align(image.Length),
            Layers =
            [
                .. layers.Select(l =>
                    l.EndCommand == l.FirstCommand
                        ? l with
                        {
                            FirstCommand = 0,
                            EndCommand = 0,
                        }
                        : l with
                        {
                            FirstCommand = positions[l.FirstCommand],
                            EndCommand = positions[l.EndCommand - 1] + 1,
                        }
                ),
            ],
            Tensors = layouts,
            Folded = folded,
            Memory = plan,
            Conditions = [.. conditions],
        };
    }

    /// <summary>Bytes of memory that a program may use with all that it reads and writes: what one array of the host holds.</summary>
    internal const long MostMemoryBytes = int.MaxValue / Page * Page;

    private bool CheckMemory(long bytes, string what)
    {
        if (bytes <= MostMemoryBytes)
            return true;
        problems.Add(
            new Fault(
                FaultCodes.Memory,
                what,
                $"{bytes:N0} bytes of memory, {MostMemoryBytes:N0} are the most",
                "make the input or the channels smaller"
            )
        );
        return false;
    }

    // A layer whose channels do not depend on each other, in as many parts as the buffers ask for.
    private IEnumerable<LayerJob> Parts(LayerJob job, PathRow path)
    {
        int c0 = config.Array.VectorWidth,
            planes = Geometry.Ceil(job.Input.Shape.Channels, c0),
            channels = job.Input.Shape.Channels;
        if (
            !job.Depthwise
            || job.Row is not null
            || job.Consumer is not null
            || job.SecondResult is not null
            || job.Transposed is not null
            || planes < 2
            || Choose(job, path) is not null
        )
        {
            yield return job;
            yield break;
        }

        int half = planes / 2;
        foreach ((int from, int count) in new[] { (0, half), (half, planes - half) })
        {
            TensorLayout Part(TensorLayout t) =>
                t with
                {
                    Address = t.Address + (from * t.PlaneBytes),
                    Shape = t.Shape with { Channels = Math.Min(count * c0, channels - (from * c0)) },
                };
            int laneTiles = from * config.Derived.LaneSegments;
            int taps = job.WeightPerTap ? job.Kernel.Rows * job.Kernel.Columns : 1;
            LayerJob part = job with
            {
                ExtentStart = job.ExtentStart + from,
                Input = Part(job.Input),
                Output = Part(job.Output),
                Residual = job.Residual is { } r && job.ResidualBroadcast != Broadcast.Channels ? Part(r) : job.Residual,
                WeightAddress = job.WeightAddress + (job.WeightScalar ? 0 : (long)laneTiles * taps * config.Derived.WeightTileBytes),
                ParameterAddress = job.ParameterAddress + (job.ParameterShared ? 0 : (long)laneTiles * config.Derived.ParameterTileBytes),
            };
            foreach (LayerJob smaller in Parts(part, path))
                yield return smaller;
        }
    }

    // Tensors that only serve a concatenation are written where it wants them, when nothing has to change. The outermost
    // concatenation comes first: a part of a part then lies in it as well.
    private void PlaceConcatenated(QuantizedNetwork network, TensorLayout[] layouts, Dictionary<int, InputFolding> folded)
    {
        int[] container = new int[layouts.Length];
        Array.Fill(container, -1);
        foreach (ConcatLayer concat in network.Layers.OfType<ConcatLayer>().Reverse())
        {
            QuantizedTensor whole = network.Tensors[concat.Output];
            if (concat.Inputs.SkipLast(1).Any(t => network.Tensors[t].Shape.Channels % config.Array.VectorWidth != 0))
                continue;
            int first = 0;
            foreach (int id in concat.Inputs)
            {
                QuantizedTensor part = network.Tensors[id];
                int at = first;
                first += part.Shape.Channels;
                if (
                    !LiesInConcatenation(network, concat, part, folded)
                    || !SameArrangement(part.Shape, whole.Shape)
                    || ReadBesideChange(network, concat, id, container)
                )
                    continue;
                container[id] = whole.Id;
                layouts[id] = layouts[id] with
                {
                    Address = layouts[whole.Id].Address + (at / config.Array.VectorWidth * layouts[whole.Id].PlaneBytes),
                };
            }
        }
    }

    // Whether a part can be the same memory as what a concatenation makes of it: nothing else wants it elsewhere, and its
    // values stay as they are.
    private static bool LiesInConcatenation(
        QuantizedNetwork network,
        ConcatLayer concat,
        QuantizedTensor part,
        Dictionary<int, InputFolding> folded
    )
    {
        QuantizedTensor whole = network.Tensors[concat.Output];
        int id = part.Id;
        return concat is { Table: null, Residual: null, TransposeOutput: false, Block: null, ClampLow: -128, ClampHigh: 127 }
            && part.Constant is null
            && part.SharesStorageWith is null
            && whole.SharesStorageWith is null
            && !network.Inputs.Contains(id)
            && !folded.ContainsKey(id)
            && concat.Inputs.Count(t => t == id) == 1
            && !network.Tensors.Any(t => t.SharesStorageWith == id)
            && network.Layers.OfType<ConcatLayer>().Count(c => c.Inputs.Contains(id)) == 1
            && network.Layers.Any(l => l.Output == id)
            && part.Scale == whole.Scale
            && part.ZeroPoint == whole.ZeroPoint
            && part.Shape.Batch == 1
            && whole.Shape.Batch == 1;
    }

    // Whether somebody reads a part by itself while the memory of a concatenation around it, at any depth, is overwritten in
    // place. When that happens is not asked: layers that run as one read later than they stand in the network.
    private static bool ReadBesideChange(QuantizedNetwork network, ConcatLayer concat, int part, int[] container)
    {
        if (!network.Outputs.Contains(part) && network.Layers.Count(l => l.Reads.Contains(part)) == 1)
            return false;
        for (int around = concat.Output; around >= 0; around = container[around])
        {
            if (network.Layers.Any(l => l.Output != around && network.Home(l.Output) == around))
                return true;
        }

        return false;
    }

    // Field, value and legal range of what made the commands of a layer impossible to write, by shape.
    private readonly Dictionary<LayerShape, string> tooLarge = [];

    // What keeps a layer from running: its smallest tile, or a command field that no tile changes.
    private string WhyNone(LayerJob job) =>
        TilingSearch.WhyNone(config, job)?.ToString()
        ?? (
            tooLarge.TryGetValue(job.Shape(), out string? field)
                ? $"{field}; make the layer smaller, or the array larger (array.vectorWidth, array.lanes, array.pes)"
                : "no tile's windows start at whole words; take another stride, or a bus whose word is one vector (axi.dataBits)"
        );

    private Fault NoTiling(LayerJob job, string why) =>
        new(
            FaultCodes.NoTiling,
            $"layer {job.Name}",
            $"no tiling fits {config.Name}: input {job.Input.Shape}, kernel {job.Kernel.Rows}x{job.Kernel.Columns}, output "
                + $"{job.Output.Shape}: {why}"
        );

    private Tiling? Choose(LayerJob job, PathRow path)
    {
        LayerShape shape = job.Shape();
        if (!chosenTilings.TryGetValue(shape, out Tiling? tiling))
            chosenTilings[shape] = tiling = Search(job, path);
        return tiling;
    }

    private Tiling? Search(LayerJob job, PathRow path)
    {
        if (AnyTiling is not null)
        {
            List<Tiling> legal = [.. TilingSearch.Candidates(config, job, int.MaxValue)];
            while (legal.Count > 0)
            {
                int at = AnyTiling.Next(legal.Count);
                List<Tiling> variants = [legal[at], .. TilingSearch.Refinements(config, job, legal[at])];
                variants.AddRange(variants.SelectMany(v => TilingSearch.Schedules(config, job, v)).ToList());
                Tiling any = variants[AnyTiling.Next(variants.Count)];
                if (Cycles(job, any, path, null) is not null)
                    return any;
                legal.RemoveAt(at);
            }

            return null;
        }

        // First the cut of the image, then the steps within a tile, each on the exact model.
        var tried = new Dictionary<Tiling, long>();
        PathRow? half = HalfKept([job], path);
        foreach (Tiling candidate in TilingSearch.Candidates(config, job, tilingCandidates))
            Try(candidate);
        foreach (Tiling good in tried.OrderBy(t => t.Value).Take(2).Select(t => t.Key).ToList())
        {
            foreach (Tiling variant in TilingSearch.Refinements(config, job, good))
                Try(variant);
        }

        // With run-time extents several: what is skipped holds up the one more than the other.
        foreach (Tiling good in tried.OrderBy(t => t.Value).Take(half is null ? 1 : 4).Select(t => t.Key).ToList())
        {
            foreach (Tiling variant in TilingSearch.Schedules(config, job, good))
                Try(variant);
        }

        return tried.Count == 0 ? null : tried.MinBy(t => t.Value).Key;

        void Try(Tiling tiling)
        {
            if (!tried.ContainsKey(tiling) && Cycles(job, tiling, path, half) is long cycles)
                tried[tiling] = cycles;
        }
    }

    // Cycles of a layer under a tiling; with a second path twice its cycles count as well. Null when a value of its commands
    // does not fit its field.
    private long? Cycles(LayerJob job, Tiling tiling, PathRow path, PathRow? half) =>
        Cycles(
            job,
            path,
            half,
            trial =>
            {
                // The matrices of a batch follow each other without a gap: three show the steady state.
                for (int batch = 0; batch < Math.Min(3, job.Input.Shape.Batch); batch++)
                    trial.Emit(
                        job with
                        {
                            Batch = batch,
                            Consumer = job.Consumer is null ? null : job.Consumer with { Batch = batch },
                        },
                        tiling
                    );
            }
        );

    // Cycles of commands on their own. The ranges of their fields are checked here, where the layer is planned: what does
    // not fit is no candidate.
    private long? Cycles(LayerJob job, PathRow path, PathRow? half, Action<LayerEmitter> emit)
    {
        var trial = new LayerEmitter(config);
        try
        {
            emit(trial);
        }
        catch (FieldRangeException e)
        {
            tooLarge[job.Shape()] = e.Reason;
            return null;
        }

        (List<Command> commands, _) = new ProgramBuilder(config).Build(trial.Commands, 0);
        var model = new CycleModel(config, memory);
        long cycles = model.Predict(commands, 0, path).TotalCycles;
        // A layer with run-time extents is to be as good with half of its channels: twice that counts as much.
        return half is null ? cycles : cycles + (2 * model.Predict(commands, 0, half).TotalCycles);
    }

    // The path that keeps half of the channels of each run-time extent of some layers, or null when they have none.
    private PathRow? HalfKept(IEnumerable<LayerJob> jobs, PathRow whole)
    {
        uint[]? extents = null;
        foreach (LayerJob part in jobs.SelectMany(j => new[] { j.Producer, j, j.Consumer }).OfType<LayerJob>())
        {
            if (part.InputExtent is int input)
                (extents ??= [.. whole.Extents])[input] = Half(part.Input.Shape.Channels);
            if (part.OutputExtent is int output)
                (extents ??= [.. whole.Extents])[output] = Half(
                    (2 * part.ExtentStart * config.Array.VectorWidth) + part.Output.Shape.Channels
                );
        }

        return extents is null ? null : whole with { Extents = extents };

        uint Half(int channels) => PathRow.EncodeExtent(Math.Max(1, channels / 2), config.Array.VectorWidth, config.Array.Lanes);
    }

    // Inputs whose few channels would leave most of the vector idle.
    private Dictionary<int, InputFolding> FindFoldedInputs(QuantizedNetwork network)
    {
        var result = new Dictionary<int, InputFolding>();
        foreach (int input in network.Inputs)
        {
            QuantizedTensor tensor = network.Tensors[input];
            var users = network.Layers.Where(l => l.Reads.Contains(input)).ToList();
            if (
                !network.Tensors.Any(t => t.SharesStorageWith == input)
                && users is [ConvLayer { Groups: 1, InputExtent: null } conv]
                && conv.Input == input
                && conv.Residual?.Tensor != input
                && conv.Kernel.Columns > 1
                && tensor.Shape.Batch == 1
                && Foldings(conv, tensor, conv.Computed(tensor.Shape, network.Tensors[conv.Output].Shape))
                    .OrderBy(f => AnyTiling?.Next() ?? f.Cycles)
                    .Select(f => f.Folding)
                    .FirstOrDefault()
                    is { } best
            )
                result[input] = best;
        }

        return result;
    }

    // Ways to fold the input of a convolution, with the cycles that bus or array need for it.
    private IEnumerable<(InputFolding Folding, long Cycles)> Foldings(ConvLayer conv, QuantizedTensor input, TensorShape computed)
    {
        int channels = input.Shape.Channels,
            width = config.Array.VectorWidth,
            laneTiles = Geometry.Ceil(computed.Channels, config.Array.Lanes);
        long pixels = (long)computed.Height * computed.Width;
        long Cycles(InputFolding f, int taps) =>
            Math.Max(
                (long)f.Size.Rows * f.Size.Columns * config.Derived.VectorPitchBytes / config.Derived.BeatBytes,
                pixels * taps * laneTiles / config.Array.Pes
            );
        if (conv.Kernel.Columns * channels <= width)
        {
            var columns = new InputFolding(
                input.Shape,
                (1, conv.Kernel.Columns),
                (1, conv.Stride.Columns),
                conv.Dilation.Columns,
                (0, -conv.Padding.Left),
                (input.Shape.Height, computed.Width),
                input.ZeroPoint,
                Blocks: false
            );
            yield return (columns, Cycles(columns, conv.Kernel.Rows));
        }

        for (int rows = 1; rows <= conv.Stride.Rows && conv.Dilation == (1, 1); rows++)
        {
            if (conv.Stride.Rows % rows != 0 || rows * conv.Stride.Columns * channels > width || rows * conv.Stride.Columns == 1)
                continue;
            (int kernelRows, int kernelColumns) = BlockKernel(conv, (rows, conv.Stride.Columns));
            var blocks = new InputFolding(
                input.Shape,
                (rows, conv.Stride.Columns),
                (rows, conv.Stride.Columns),
                1,
                (-conv.Padding.Top, -conv.Padding.Left),
                (((computed.Height - 1) * conv.Stride.Rows / rows) + kernelRows, computed.Width - 1 + kernelColumns),
                input.ZeroPoint,
                Blocks: true
            );
            yield return (blocks, Cycles(blocks, kernelRows * kernelColumns));
        }
    }

    // Blocks that a kernel reaches over.
    private static (int Rows, int Columns) BlockKernel(ConvLayer conv, (int Rows, int Columns) block) =>
        (Geometry.Ceil(conv.Kernel.Rows, block.Rows), Geometry.Ceil(conv.Kernel.Columns, block.Columns));

    private List<LayerJob> Lower(QuantizedNetwork network, int index, TensorLayout[] layouts, Dictionary<int, InputFolding> folded)
    {
        var rows = new Rearrangement(this, network.Layers[index], index);
        List<LayerJob> jobs = Lower(network, index, rows.Views(network, layouts), folded, rows);
        return [.. rows.Before, .. jobs, .. rows.After];
    }

    private List<LayerJob> Lower(
        QuantizedNetwork network,
        int index,
        TensorLayout[] layouts,
        Dictionary<int, InputFolding> folded,
        Rearrangement rows
    )
    {
        QuantizedLayer layer = network.Layers[index];
        QuantizedTensor input = network.Tensors[layer.Input],
            output = network.Tensors[layer.Output];
        string place = rows.Place;
        if (OperatorLoweringRegistry.Of(layer) is not { } lowering)
        {
            problems.Add(new Fault(FaultCodes.Unsupported, place, $"{layer.GetType().Name} is not supported"));
            return [];
        }

        TensorShape computed = layer.Computed(input.Shape, output.Shape);
        // To convolutions heads are groups of channels, each in whole vectors; other layers take one head after the other.
        bool perHead = layer.IsHeadByHead;
        TensorLayout target = layer.TransposeOutput ? TensorLayout.Create(config, computed, 0) : layouts[layer.Output];
        var job = new LayerJob
        {
            Name = layer.Name,
            LayerIndex = index,
            Input = perHead ? layouts[layer.Input] : Channels(layouts[layer.Input]),
            InputZeroPoint = input.ZeroPoint,
            Output = perHead ? target : Channels(target),
            OutputZeroPoint = layer.Table is null ? output.ZeroPoint : layer.TableZeroPoint,
            ClampLow = layer.ClampLow,
            ClampHigh = layer.ClampHigh,
            ParameterAddress = 0,
            TableAddress = layer.Table is { } table ? AddTable(table) : null,
            Transposed = layer.TransposeOutput ? layouts[layer.Output] : null,
            InputExtent = layer.InputExtent,
            OutputExtent = layer.OutputExtent,
            Block = layer.Block,
            Padded = lowering.Padding(layer) != default,
        };
        if (layer.Residual is { } residual)
        {
            job = job with
            {
                Residual = perHead ? layouts[residual.Tensor] : Channels(layouts[residual.Tensor]),
                ResidualZeroPoint = network.Tensors[residual.Tensor].ZeroPoint,
                ResidualScale = residual.Scale,
                ResidualSubtract = residual.Subtract,
                ResidualBroadcast = residual.Broadcast,
            };
        }

        if (layer.InputExtent is int e1 && e1 >= config.Control.DynamicRegisters)
            problems.Add(
                new Fault(
                    FaultCodes.Registers,
                    place,
                    $"dynamic register {e1} does not exist",
                    $"control.dynamicRegisters is {config.Control.DynamicRegisters}"
                )
            );
        foreach ((bool needed, bool there, string unit) in Units(layer, lowering.Needs(layer), config.Units))
        {
            if (needed && !there)
                problems.Add(
                    new Fault(
                        FaultCodes.UnitMissing,
                        place,
                        $"needs units.{unit}, which {config.Name} leaves out",
                        $"set units.{unit} to true"
                    )
                );
        }

        problems.AddRange(QuantizedNetworkRules.Refusals(network, layer).Select(p => p.At(place)));
        return problems.Count > 0 ? [] : lowering.Lower(new LoweringCall(this, network, layer, job, layouts, folded, rows));
    }

    // The factor 1.
    internal static FixedPointScale One { get; } = new(1 << (FixedPointScale.MultiplierBits - 1), FixedPointScale.MultiplierBits - 1);

    private static IEnumerable<(bool Needed, bool There, string Unit)> Units(QuantizedLayer layer, OperatorUnits needs, UnitsConfig units)
    {
        yield return (needs.HasFlag(OperatorUnits.LaneWise), units.LaneWise, "laneWise");
        yield return (layer.Residual is not null, units.Residual, "residual");
        yield return (needs.HasFlag(OperatorUnits.Multiply), units.Multiply, "multiply");
        yield return (layer.Table is not null, units.ActivationTable, "activationTable");
        yield return (needs.HasFlag(OperatorUnits.Row), units.RowOperators, "rowOperators");
        yield return (needs.HasFlag(OperatorUnits.Quotient), units.Quotient, "quotient");
        yield return (needs.HasFlag(OperatorUnits.Resize), units.Resize, "resize");
        yield return (layer.TransposeOutput, units.Transpose, "transpose");
    }

    private LayerJob Convolution(
        ConvLayer conv,
        LayerJob job,
        QuantizedTensor input,
        QuantizedTensor output,
        TensorShape computed,
        Dictionary<int, InputFolding> folded
    )
    {
        // Channels of several heads lie in whole vectors: those in between have no weights.
        int inputs = job.Input.Shape.Channels,
            outputs = job.Output.Shape.Channels,
            channelsIn = input.Shape.Batch * input.Shape.Channels;
        Func<int, int> from = Unpadded(input.Shape),
            to = Unpadded(computed);
        job = job with
        {
            Kernel = conv.Kernel,
            Stride = conv.Stride,
            Dilation = conv.Dilation,
            PadTop = conv.Padding.Top,
            PadLeft = conv.Padding.Left,
        };
        IReadOnlyList<ConvParameters> variants = conv.Variants ?? [new ConvParameters(conv.Bias, conv.Scales)];
        byte[][] parameters =
        [
            .. variants.Select(v =>
                Parameters(
                    outputs,
                    k => to(k) is >= 0 and int o ? v.Bias[o] : 0,
                    k => to(k) is >= 0 and int o ? v.Scales[o] : new FixedPointScale(0, 1)
                )
            ),
        ];
        // A power of two apart, so that the hardware adds without multiplying, and bursts are cut at the same places in each.
        int apart = BitOperations.Log2(BitOperations.RoundUpToPowerOf2((uint)parameters[0].Length));
        byte[] all = new byte[((parameters.Length - 1) << apart) + parameters[0].Length];
        for (int v = 0; v < parameters.Length; v++)
            parameters[v].CopyTo(all, v << apart);
        job = job with { ParameterAddress = AddRegion(all), ParameterVariantShift = conv.Variants is null ? 0 : apart };
        foreach (ConvParameters variant in variants)
            CheckAccumulator(conv with { Bias = variant.Bias }, input.ZeroPoint);
        sbyte Padded(int k, int ky, int kx, int c) =>
            to(k) is >= 0 and int o && from(c) is >= 0 and int i ? Weight(conv, channelsIn, o, ky, kx, i) : (sbyte)0;
        if (folded.TryGetValue(conv.Input, out InputFolding? fold))
        {
            job = job with
            {
                Kernel = fold.Blocks ? BlockKernel(conv, fold.Block) : (conv.Kernel.Rows, 1),
                Stride = (conv.Stride.Rows / fold.Step.Rows, 1),
                Dilation = (conv.Dilation.Rows, 1),
                PadTop = fold.Blocks ? 0 : conv.Padding.Top,
                PadLeft = 0,
                Padded = !fold.Blocks && (conv.Padding.Top != 0 || conv.Padding.Bottom != 0),
            };
            return job with
            {
                WeightAddress = AddWeights(
                    job,
                    fold.Shape.Channels,
                    outputs,
                    (k, by, bx, c) =>
                    {
                        (int row, int column, int channel) = fold.Place(c);
                        int ky = (by * fold.Block.Rows) + row,
                            kx = (bx * fold.Block.Columns) + column;
                        return to(k) is >= 0 and int o && ky < conv.Kernel.Rows && kx < conv.Kernel.Columns
                            ? Weight(conv, channelsIn, o, ky, kx, channel)
                            : (sbyte)0;
                    }
                ),
            };
        }

        if (
            conv.Groups == channelsIn
            && conv.Groups == conv.Bias.Length
            && conv.Groups > 1
            && inputs == outputs
            && input.Shape.Batch == computed.Batch
        )
        {
            job = job with { Depthwise = true };
            job = InRowTaps(job);
            return job with
            {
                WeightAddress = AddWeights(
                    job,
                    inputs,
                    outputs,
                    (k, ky, kx, _) => kx < conv.Kernel.Columns ? Padded(k, ky, kx, k) : (sbyte)0
                ),
            };
        }

        return job with
        {
            WeightAddress = AddWeights(job, inputs, outputs, Padded),
        };
    }

    private LayerJob Resampling(ResizeLayer resize, LayerJob job)
    {
        var rows = new ValueList(resize.FirstRow);
        var columns = new ValueList(resize.FirstColumn);
        var phased = new ResizeJob(
            resize.Up,
            rows,
            columns,
            ResizeJob.Window(rows, resize.Taps.Rows, resize.Down.Rows),
            ResizeJob.Window(columns, resize.Taps.Columns, resize.Down.Columns)
        );
        job = job with
        {
            Depthwise = true,
            Kernel = resize.Taps,
            Stride = resize.Down,
            PadTop = -phased.Rows.First,
            PadLeft = -phased.Columns.First,
            Resize = phased,
            ParameterShared = true,
            ParameterAddress = AddSharedParameters(resize.Scales),
        };
        if (InRowTaps(job) is not { RowTaps: true } together)
            return job with { WeightAddress = AddScalars(resize.Weights) };
        return together with
        {
            WeightAddress = AddRowTaps(
                together,
                resize.Taps.Columns,
                (phase, ky, kx) => resize.Weights[(((phase * resize.Taps.Rows) + ky) * resize.Taps.Columns) + kx]
            ),
        };
    }

    // Neighbouring taps of a kernel row as one step, where the configuration and the layer allow it.
    private LayerJob InRowTaps(LayerJob job)
    {
        int taps = config.Derived.RowTaps,
            columns = job.Kernel.Columns,
            steps = Geometry.Ceil(columns, taps);
        if (!config.Units.RowTaps || columns == 1 || job.Dilation.Columns != 1)
            return job;
        LayerJob together = job with
        {
            RowTaps = true,
            Kernel = (job.Kernel.Rows, steps),
            Dilation = (job.Dilation.Rows, taps),
            RowTapReach = columns - ((steps - 1) * taps) - 1,
        };
        return together.WeightScalar && !TilingSearch.ScalarsFit(config, together) ? job : together;
    }

    // Weights that all lanes share, [phase][kernel row][step][tap]; those of taps beyond the last column are 0.
    private long AddRowTaps(LayerJob job, int columns, Func<int, int, int, sbyte> weight)
    {
        int taps = config.Derived.RowTaps,
            pitch = config.Derived.RowTapScalars,
            steps = job.Kernel.Columns;
        var weights = new sbyte[TilingSearch.PhaseScalars(config, job) * (job.Resize?.Phases ?? 1)];
        for (int i = 0; i < weights.Length; i++)
        {
            (int row, int kx) = (i / pitch / steps, (i / pitch % steps * taps) + (i % pitch));
            if (i % pitch < taps && kx < columns)
                weights[i] = weight(row / job.Kernel.Rows, row % job.Kernel.Rows, kx);
        }

        return AddScalars(weights);
    }

    // A tensor that shares its producer's memory costs nothing; others are copied, those that start within a vector onto
    // what the tensors before have left.
    private List<LayerJob> Concatenation(
        ConcatLayer concat,
        LayerJob job,
        QuantizedNetwork network,
        TensorLayout[] layouts,
        Rearrangement rows
    )
    {
        var jobs = new List<LayerJob>();
        int first = 0,
            c0 = config.Array.VectorWidth;
        bool aligned =
            concat.Inputs.All(t => ((first += network.Tensors[t].Shape.Channels) - network.Tensors[t].Shape.Channels) % c0 == 0)
            && job.Output.Shape == network.Tensors[concat.Output].Shape;
        first = 0;
        for (int i = 0; i < concat.Inputs.Count; i++)
        {
            QuantizedTensor part = network.Tensors[concat.Inputs[i]];
            TensorLayout source = layouts[part.Id];
            int channels = part.Shape.Channels,
                at = first;
            first += channels;
            if (
                aligned
                && source.Address == job.Output.Address + (at / c0 * job.Output.PlaneBytes)
                && source.PlaneBytes == job.Output.PlaneBytes
            )
                continue;
            // What a path does not compute of a part is not copied.
            LayerJob copy = job with
            {
                OutputExtent = network.Layers.LastOrDefault(l => network.Home(l.Output) == network.Home(part.Id))?.OutputExtent,
                Input = rows.Read(Channels(source), job.Output.Shape.Height, job.Output.Shape.Width),
                InputZeroPoint = part.ZeroPoint,
            };
            if (part.Shape.Batch != 1 || network.Tensors[concat.Output].Shape.Batch != 1)
            {
                problems.Add(
                    new Fault(FaultCodes.Combination, rows.Place, $"heads cannot be concatenated: {part.Name} has shape {part.Shape}")
                );
                continue;
            }

            if (aligned)
            {
                TensorLayout whole = job.Output;
                copy = copy with
                {
                    Output = whole with
                    {
                        Address = whole.Address + (at / c0 * whole.PlaneBytes),
                        Shape = whole.Shape with { Channels = channels },
                    },
                    Depthwise = true,
                    WeightPerTap = false,
                    ParameterShared = true,
                    ParameterAddress = AddSharedParameters(concat.Scales[i]),
                    WeightAddress = AddOnes(),
                };
            }
            else
            {
                copy = copy with
                {
                    ParameterShared = true,
                    ParameterAddress = AddSharedParameters(concat.Scales[i]),
                    Residual = i == 0 ? null : job.Output,
                    ResidualZeroPoint = job.OutputZeroPoint,
                    ResidualScale = One,
                    // The zero point stands for channels yet to come: it must not be clamped before the last part.
                    ClampLow = i == concat.Inputs.Count - 1 ? job.ClampLow : -128,
                    ClampHigh = i == concat.Inputs.Count - 1 ? job.ClampHigh : 127,
                    // The last part is added to all that is there, and looked up with it.
                    TableAddress = i == concat.Inputs.Count - 1 ? job.TableAddress : null,
                };
                copy = copy with
                {
                    WeightAddress = AddWeights(
                        copy,
                        channels,
                        job.Output.Shape.Channels,
                        (k, _, _, c) => k == at + c ? (sbyte)1 : (sbyte)0
                    ),
                };
            }

            jobs.Add(Flatten(copy, rows));
        }

        return jobs;
    }

    // Heads as groups of channels.
    private TensorLayout Channels(TensorLayout t) =>
        t.Shape.Batch == 1
            ? t
            : t with
            {
                Shape = t.Shape with
                {
                    Batch = 1,
                    Channels = t.Shape.Batch * Geometry.Ceil(t.Shape.Channels, config.Array.VectorWidth) * config.Array.VectorWidth,
                },
                BatchBytes = t.Bytes,
            };

    // Channel of a tensor for each channel of its heads in whole vectors; -1 in between.
    private Func<int, int> Unpadded(TensorShape shape)
    {
        int pitch = Geometry.Ceil(shape.Channels, config.Array.VectorWidth) * config.Array.VectorWidth,
            channels = shape.Channels;
        return shape.Batch == 1 ? k => k : k => k % pitch < channels ? (k / pitch * channels) + (k % pitch) : -1;
    }

    private static sbyte Weight(ConvLayer conv, int inputChannels, int k, int ky, int kx, int c)
    {
        int perGroup = inputChannels / conv.Groups,
            group = k / (conv.Bias.Length / conv.Groups);
        int local = c - (group * perGroup);
        return local < 0 || local >= perGroup
            ? (sbyte)0
            : conv.Weights[(((((k * conv.Kernel.Rows) + ky) * conv.Kernel.Columns) + kx) * perGroup) + local];
    }

    // No sum may leave the accumulator: the bound uses the layer's own weights.
    private void CheckAccumulator(ConvLayer conv, int zeroPoint)
    {
        int perChannel = conv.Weights.Length / conv.Bias.Length;
        long reach = Math.Max(127 - zeroPoint, zeroPoint + 128);
        long limit = (1L << (config.Array.AccumulatorBits - 1)) - 1;
        for (int k = 0; k < conv.Bias.Length; k++)
        {
            long sum = 0;
            foreach (sbyte w in conv.Weights.AsSpan(k * perChannel, perChannel))
                sum += Math.Abs((int)w);
            if (sum * reach > limit)
            {
                problems.Add(
                    new Fault(
                        FaultCodes.Accumulator,
                        $"layer {conv.Name}",
                        $"a sum of output channel {k} can reach {sum * reach}, beyond the {config.Array.AccumulatorBits}-bit "
                            + "accumulator",
                        "raise array.accumulatorBits"
                    )
                );
                return;
            }
        }
    }

    private void CheckMatrixAccumulator(string name, QuantizedTensor left, int rightZeroPoint)
    {
        long largest = (long)left.Shape.Channels * Math.Max(127 - left.ZeroPoint, left.ZeroPoint + 128) * (128 + Math.Abs(rightZeroPoint));
        if (largest > (1L << (config.Array.AccumulatorBits - 1)) - 1)
            problems.Add(
                new Fault(
                    FaultCodes.Accumulator,
                    $"layer {name}",
                    $"a sum of {left.Shape.Channels} products can reach {largest}, beyond the "
                        + $"{config.Array.AccumulatorBits}-bit accumulator",
                    "raise array.accumulatorBits"
                )
            );
    }

    // A tile per input vector whose weights are all the negative zero point of the right operand, 0 beyond the last channel.
    private long AddZeroPoint(int zeroPoint, int channels)
    {
        int c0 = config.Array.VectorWidth,
            vectors = Geometry.Ceil(channels, c0),
            tileBytes = config.Derived.WeightTileBytes,
            pitch = config.Derived.VectorPitchBytes;
        byte[] data = new byte[vectors * tileBytes];
        for (int c = 0; c < channels; c++)
        {
            for (int lane = 0; lane < config.Array.Lanes; lane++)
                data[(c / c0 * tileBytes) + (lane * pitch) + (c % c0)] = (byte)(sbyte)-zeroPoint;
        }

        return AddRegion(data);
    }

    // A stride to the only output row or column there is moves nothing: without it windows are smaller, and any stride fits its field.
    private static LayerJob SingleSteps(LayerJob job) =>
        job with
        {
            Stride = (
                job.Output.Shape.Height == job.Up.Rows ? 1 : job.Stride.Rows,
                job.Output.Shape.Width == job.Up.Columns ? 1 : job.Stride.Columns
            ),
        };

    // A 1x1 layer over an image is a layer over a row of pixels: longer bursts, no ragged tiles.
    private LayerJob Flatten(LayerJob job, Rearrangement rows)
    {
        TensorLayout i = job.Input,
            o = job.Output;
        int r = config.Derived.VectorsPerWord;
        bool pointwise = job.Kernel == (1, 1) && job.Stride == (1, 1) && !job.Padded && job.Resize is null && !job.RowTaps;
        if (
            job.Transposed is not null
            || (
                pointwise
                && (i.Shape.Height, i.Shape.Width) != (o.Shape.Height, o.Shape.Width)
                && i.Shape.Height * i.Shape.Width == o.Shape.Height * o.Shape.Width
            )
        )
        {
            // Tokens: the same pixels, split into rows in another way. What is stored transposed lies nowhere as computed.
            if (job.Transposed is null || pointwise)
                job = job with
                {
                    Input = rows.ReadRow(i),
                    Residual = job.Residual is { } y && job.ResidualBroadcast != Broadcast.Pixels ? rows.ReadRow(y) : job.Residual,
                    Output = job.Transposed is null
                        ? rows.WriteRow(o)
                        : TensorLayout.Create(config, o.Shape with { Height = 1, Width = o.Shape.Height * o.Shape.Width }, o.Address),
                };
            else if (o.Shape.Height > 1)
                problems.Add(
                    new Fault(
                        FaultCodes.Combination,
                        rows.Place,
                        "its output is needed with pixels and channels exchanged, which only a layer of 1x1 kernels can give",
                        "insert a copy"
                    )
                );
            if (job.Output.Shape.Width > 32000)
                problems.Add(
                    new Fault(FaultCodes.Combination, rows.Place, $"{job.Output.Shape.Width} tokens", "at most 32000 are supported")
                );
            return job;
        }

        int pixels = i.Shape.Height * i.RowWords * r;
        if (!pointwise || i.Shape.Height == 1 || i.Shape.Height != o.Shape.Height || i.Shape.Width != o.Shape.Width || pixels > 32000)
            return job;
        TensorLayout Row(TensorLayout t) =>
            t with
            {
                Shape = t.Shape with { Height = 1, Width = pixels },
                RowWords = i.Shape.Height * i.RowWords,
            };
        return job with
        {
            Input = Row(i),
            Output = Row(o),
            Residual = job.Residual is { } x && job.ResidualBroadcast != Broadcast.Pixels ? Row(x) : job.Residual,
        };
    }

    // Weight tiles in the order in which the array reads them: lane tile, vector, kernel row, kernel column.
    private long AddWeights(LayerJob job, int inputChannels, int outputChannels, Func<int, int, int, int, sbyte> weight)
    {
        int c0 = config.Array.VectorWidth,
            k0 = config.Array.Lanes,
            pitch = config.Derived.VectorPitchBytes,
            tileBytes = config.Derived.WeightTileBytes;
        int laneTiles = Geometry.Ceil(outputChannels, k0),
            vectors = job.Depthwise ? 1 : Geometry.Ceil(inputChannels, c0);
        (int kernelRows, int kernelColumns) = job.WeightPerTap ? job.Kernel : (1, 1);
        long bytes = (long)laneTiles * vectors * kernelRows * kernelColumns * tileBytes;
        // What no input or weight buffer holds by itself, none holds together with others: refused before its weights are packed.
        if (!job.Depthwise && TilingSearch.WhyNone(config, job) is { Setting: "buffers.inputKibibytes" or "buffers.weightKibibytes" } why)
        {
            problems.Add(NoTiling(job, $"{why}"));
            return next;
        }

        if (!CheckMemory(next + bytes, $"layer {job.Name}: its weights, as tiles of {tileBytes:N0} bytes, and those of the layers before"))
            return next;
        byte[] data = new byte[bytes];
        int tile = 0;
        for (int kt = 0; kt < laneTiles; kt++)
        {
            for (int v = 0; v < vectors; v++)
            {
                for (int ky = 0; ky < kernelRows; ky++)
                {
                    for (int kx = 0; kx < kernelColumns; kx++, tile++)
                    {
                        Span<byte> place = data.AsSpan(tile * tileBytes, tileBytes);
                        for (int lane = 0; lane < k0 && (kt * k0) + lane < outputChannels; lane++)
                        {
                            int k = (kt * k0) + lane;
                            if (job.RowTaps)
                            {
                                for (int t = 0; t < config.Derived.RowTaps; t++)
                                    place[(lane * pitch) + t] = (byte)weight(k, ky, (kx * config.Derived.RowTaps) + t, k);
                                continue;
                            }

                            if (job.Depthwise)
                            {
                                place[(lane * pitch) + (k % c0)] = (byte)weight(k, ky, kx, k);
                                continue;
                            }

                            for (int i = 0; i < c0 && (v * c0) + i < inputChannels; i++)
                                place[(lane * pitch) + i] = (byte)weight(k, ky, kx, (v * c0) + i);
                        }
                    }
                }
            }
        }

        return AddRegion(data);
    }

    private long AddParameters(int outputChannels, Func<int, int> bias, Func<int, FixedPointScale> scale) =>
        AddRegion(Parameters(outputChannels, bias, scale));

    private byte[] Parameters(int outputChannels, Func<int, int> bias, Func<int, FixedPointScale> scale) =>
        Entries(outputChannels, k => scale(k) is var s ? ParameterEntry.Encode(bias(k), s.Multiplier, s.Shift) : 0);

    // Entries by lane tile; lanes beyond the last channel compute zero.
    private byte[] Entries(int channels, Func<int, ulong> entry)
    {
        int k0 = config.Array.Lanes,
            tileBytes = config.Derived.ParameterTileBytes,
            laneTiles = Geometry.Ceil(channels, k0);
        byte[] data = new byte[laneTiles * tileBytes];
        ulong zero = ParameterEntry.Encode(0, 0, 1);
        for (int k = 0; k < laneTiles * k0; k++)
        {
            Span<byte> place = data.AsSpan((k / k0 * tileBytes) + (k % k0 * ParameterEntry.Bytes), ParameterEntry.Bytes);
            BinaryPrimitives.WriteUInt64LittleEndian(place, k < channels ? entry(k) : zero);
        }

        return data;
    }

    // One entry per factor, the same for all lanes.
    private long AddSharedParameters(params ReadOnlySpan<FixedPointScale> scales)
    {
        FixedPointScale[] all = [.. scales];
        int k0 = config.Array.Lanes;
        return AddParameters(all.Length * k0, _ => 0, k => all[k / k0]);
    }

    private long AddTable(sbyte[] table) => AddRegion(System.Runtime.InteropServices.MemoryMarshal.AsBytes(table.AsSpan()).ToArray());

    // Weights that all lanes share, a byte each.
    private long AddScalars(params ReadOnlySpan<sbyte> weights)
    {
        int per = config.Derived.ScalarsPerWeightTile,
            tileBytes = config.Derived.WeightTileBytes;
        byte[] data = new byte[Geometry.Ceil(weights.Length, per) * tileBytes];
        for (int i = 0; i < weights.Length; i++)
            data[(i / per * tileBytes) + (i % per)] = (byte)weights[i];
        return AddRegion(data);
    }

    private long? ones;

    private long AddOnes() => ones ??= AddScalars(1);

    private long AddRegion(byte[] data)
    {
        long address = next;
        regions.Add((address, data));
        next = Align(next + data.Length);
        return address;
    }

    internal static long Align(long address) => (address + Page - 1) / Page * Page;
}
