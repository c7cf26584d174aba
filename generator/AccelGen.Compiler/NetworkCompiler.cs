using System.Buffers.Binary;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Isa;
using AccelGen.Network.Quantized;

namespace AccelGen.Compiler;

/// <summary>Turns a quantised network into a program for one configuration.</summary>
/// <param name="config">Configuration.</param>
/// <param name="memory">Memory for which tilings are chosen.</param>
/// <param name="tilingCandidates">Tilings tried per layer on the cycle model.</param>
public sealed class NetworkCompiler(AcceleratorConfig config, MemoryTiming memory, int tilingCandidates = 12)
{
    private const long Page = 4096;
    private readonly List<(long Address, byte[] Data)> regions = [];
    private readonly List<string> problems = [];

    // Layers of one shape have one tiling; networks repeat their layers.
    private readonly Dictionary<LayerJob, Tiling?> chosenTilings = [];
    private long next;

    /// <summary>Takes any legal tiling instead of the fastest: tests reach what the search would not choose.</summary>
    internal Random? AnyTiling { get; init; }

    /// <summary>Compiles a network.</summary>
    /// <exception cref="CompileException">A layer does not fit; all such layers are named.</exception>
    public CompiledProgram Compile(QuantizedNetwork network)
    {
        regions.Clear();
        problems.Clear();
        Dictionary<int, InputFolding> folded = FindFoldedInputs(network);

        // Tensors first, then weights; the program comes last because its length is known last.
        next = Page;
        var layouts = new TensorLayout[network.Tensors.Count];
        foreach (QuantizedTensor tensor in network.Tensors)
        {
            if (tensor.SharesStorageWith is int other)
            {
                layouts[tensor.Id] = layouts[other];
                continue;
            }

            TensorShape shape = folded.TryGetValue(tensor.Id, out InputFolding? f) ? f.Shape : tensor.Shape;
            layouts[tensor.Id] = TensorLayout.Create(config, shape, next);
            // A right operand's last lane tile may reach past its rows.
            next = Align(next + layouts[tensor.Id].Bytes + config.Derived.WeightTileBytes);
        }

        var jobs = new List<List<LayerJob>>();
        for (int i = 0; i < network.Layers.Count; i++)
            jobs.Add(Lower(network, i, layouts, folded));
        if (problems.Count > 0)
            throw new CompileException(problems);

        var emitter = new LayerEmitter(config);
        var builder = new ProgramBuilder(config);
        var layers = new List<CompiledLayer>();
        var whole = new CompiledProgram { Config = config, Network = network, Commands = [], ProgramAddress = 0, Image = [], MemoryBytes = 0, Layers = [], Tensors = layouts, Folded = folded }.Row(ExecutionPath.Whole);
        foreach ((QuantizedLayer layer, List<LayerJob> layerJobs) in network.Layers.Zip(jobs))
        {
            int first = emitter.Commands.Count;
            Tiling? chosen = null;
            foreach (LayerJob job in layerJobs)
            {
                chosen ??= Choose(job, whole);
                if (chosen is null)
                {
                    problems.Add($"layer {layer.Name}: no tiling fits {config.Name}: input {job.Input.Shape}, kernel {job.Kernel.Rows}x{job.Kernel.Columns}, output {job.Output.Shape}; raise buffers.inputKibibytes, buffers.outputKibibytes or buffers.weightKibibytes");
                    break;
                }

                emitter.Emit(job, chosen);
            }

            if (chosen is not null)
            {
                LayerJob sample = layerJobs[0];
                bool flat = sample.Output.Shape.Height == 1 && network.Tensors[layer.Output].Shape.Height > 1;
                layers.Add(new CompiledLayer(layer, first, emitter.Commands.Count, chosen, flat ? layouts[layer.Output].RowWords * config.Derived.VectorsPerWord : 0));
            }
        }

        if (problems.Count > 0)
            throw new CompileException(problems);
        long programAddress = next;
        (List<Command> commands, int[] positions) = builder.Build(emitter.Commands, programAddress);
        byte[] image = new byte[programAddress + (commands.Count * (long)IsaDefinition.CommandBytes)];
        foreach ((long address, byte[] data) in regions)
            data.CopyTo(image.AsSpan((int)address));
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
            Layers = [.. layers.Select(l => l with { FirstCommand = positions[l.FirstCommand], EndCommand = positions[l.EndCommand - 1] + 1 })],
            Tensors = layouts,
            Folded = folded,
        };
    }

    private Tiling? Choose(LayerJob job, PathRow path)
    {
        LayerJob shape = job.ShapeOnly();
        if (!chosenTilings.TryGetValue(shape, out Tiling? tiling))
            chosenTilings[shape] = tiling = Search(job, path);
        return tiling;
    }

    private Tiling? Search(LayerJob job, PathRow path)
    {
        if (AnyTiling is not null)
        {
            List<Tiling> legal = [.. TilingSearch.Candidates(config, job, int.MaxValue)];
            Tiling? any = legal.Count == 0 ? null : legal[AnyTiling.Next(legal.Count)];
            List<Tiling> variants = any is null ? [] : [any, .. TilingSearch.Refinements(config, job, any)];
            return any is null ? null : variants[AnyTiling.Next(variants.Count)];
        }

        // First the cut of the image, then the steps within a tile, each on the exact model.
        var tried = new Dictionary<Tiling, long>();
        PathRow? half = HalfKept(job, path);
        foreach (Tiling candidate in TilingSearch.Candidates(config, job, tilingCandidates))
            tried[candidate] = Cost(candidate);
        foreach (Tiling good in tried.OrderBy(t => t.Value).Take(2).Select(t => t.Key).ToList())
        {
            foreach (Tiling variant in TilingSearch.Refinements(config, job, good))
                tried.TryAdd(variant, Cost(variant));
        }

        return tried.Count == 0 ? null : tried.MinBy(t => t.Value).Key;

        long Cost(Tiling tiling)
        {
            var trial = new LayerEmitter(config);
            // The matrices of a batch follow each other without a gap: three show the steady state.
            for (int batch = 0; batch < Math.Min(3, job.Input.Shape.Batch); batch++)
                trial.Emit(job with { Batch = batch }, tiling);
            (List<Command> commands, _) = new ProgramBuilder(config).Build(trial.Commands, 0);
            var model = new CycleModel(config, memory);
            long cycles = model.Predict(commands, 0, path).TotalCycles;
            // A layer with run-time extents is to be as good with half of its channels: twice that counts as much.
            return half is null ? cycles : cycles + (2 * model.Predict(commands, 0, half).TotalCycles);
        }
    }

    // The path that keeps half of the channels of each run-time extent of a layer, or null when it has none.
    private PathRow? HalfKept(LayerJob job, PathRow whole)
    {
        if (job.InputExtent is null && job.OutputExtent is null)
            return null;
        uint[] extents = [.. whole.Extents];
        if (job.InputExtent is int input)
            extents[input] = Half(job.Input.Shape.Channels);
        if (job.OutputExtent is int output)
            extents[output] = Half(job.Output.Shape.Channels);
        return whole with { Extents = extents };

        uint Half(int channels) => PathRow.EncodeExtent(Math.Max(1, channels / 2), config.Array.VectorWidth, config.Array.Lanes);
    }

    // Inputs whose few channels would leave most of the vector idle.
    private Dictionary<int, InputFolding> FindFoldedInputs(QuantizedNetwork network)
    {
        var result = new Dictionary<int, InputFolding>();
        foreach (int input in network.Inputs)
        {
            QuantizedTensor tensor = network.Tensors[input];
            var users = network.Layers.Where(l => l.Input == input || l.Residual?.Tensor == input || (l is MatMulLayer m && m.Right == input)).ToList();
            if (users is [ConvLayer { Groups: 1, InputExtent: null } conv] && conv.Input == input && conv.Residual?.Tensor != input
                && conv.Kernel.Columns > 1 && conv.Kernel.Columns * tensor.Shape.Channels <= config.Array.VectorWidth && tensor.Shape.Batch == 1)
            {
                result[input] = new InputFolding(tensor.Shape, conv.Kernel.Columns, conv.Stride.Columns, conv.Dilation.Columns, conv.Padding.Left,
                    network.Tensors[conv.Output].Shape.Width, tensor.ZeroPoint);
            }
        }

        return result;
    }

    private List<LayerJob> Lower(QuantizedNetwork network, int index, TensorLayout[] layouts, Dictionary<int, InputFolding> folded)
    {
        QuantizedLayer layer = network.Layers[index];
        QuantizedTensor input = network.Tensors[layer.Input], output = network.Tensors[layer.Output];
        int outputChannels = output.Shape.Channels;
        var job = new LayerJob
        {
            Name = layer.Name,
            LayerIndex = index,
            Input = layouts[layer.Input],
            InputZeroPoint = input.ZeroPoint,
            Output = layouts[layer.Output],
            OutputZeroPoint = output.ZeroPoint,
            ClampLow = layer.ClampLow,
            ClampHigh = layer.ClampHigh,
            ParameterAddress = 0,
            Residual = layer.Residual is { } residual ? layouts[residual.Tensor] : null,
            ResidualZeroPoint = layer.Residual is { } r ? network.Tensors[r.Tensor].ZeroPoint : 0,
            ResidualScale = layer.Residual?.Scale ?? new FixedPointScale(0, 1),
            InputExtent = layer.InputExtent,
            OutputExtent = layer.OutputExtent,
            Block = layer.Block,
        };
        if (layer.InputExtent is int e1 && e1 >= config.Control.DynamicRegisters)
            problems.Add($"layer {layer.Name}: dynamic register {e1} does not exist; control.dynamicRegisters is {config.Control.DynamicRegisters}");
        switch (layer)
        {
            case ConvLayer conv:
                job = job with
                {
                    Kernel = conv.Kernel, Stride = conv.Stride, Dilation = conv.Dilation, PadTop = conv.Padding.Top, PadLeft = conv.Padding.Left,
                    ParameterAddress = AddParameters(outputChannels, k => conv.Bias[k], k => conv.Scales[k]),
                };
                CheckAccumulator(conv, input.ZeroPoint);
                if (folded.TryGetValue(layer.Input, out InputFolding? fold))
                {
                    job = job with { Kernel = (conv.Kernel.Rows, 1), Stride = (conv.Stride.Rows, 1), Dilation = (conv.Dilation.Rows, 1), PadLeft = 0 };
                    job = job with { WeightAddress = AddWeights(job, fold.Shape.Channels, outputChannels, (k, ky, _, c) => Weight(conv, input.Shape.Channels, k, ky, c / input.Shape.Channels, c % input.Shape.Channels)) };
                }
                else if (conv.Groups == input.Shape.Channels && conv.Groups == outputChannels && conv.Groups > 1)
                {
                    job = job with { Diagonal = true };
                    job = job with { WeightAddress = AddWeights(job, input.Shape.Channels, outputChannels, (k, ky, kx, _) => Weight(conv, input.Shape.Channels, k, ky, kx, k)) };
                }
                else
                {
                    job = job with { WeightAddress = AddWeights(job, input.Shape.Channels, outputChannels, (k, ky, kx, c) => Weight(conv, input.Shape.Channels, k, ky, kx, c)) };
                }

                return [Flatten(job)];
            case AveragePoolLayer pool:
                job = job with
                {
                    Kernel = pool.Kernel, Stride = pool.Stride, PadTop = pool.Padding.Top, PadLeft = pool.Padding.Left, Diagonal = true, WeightPerTap = false,
                    ParameterAddress = AddParameters(outputChannels, _ => 0, _ => pool.Scale),
                };
                job = job with { WeightAddress = AddWeights(job, outputChannels, outputChannels, (_, _, _, _) => 1) };
                return [Flatten(job)];
            case AddLayer add:
                job = job with { Diagonal = true, WeightPerTap = false, ParameterAddress = AddParameters(outputChannels, _ => 0, _ => add.Scale) };
                job = job with { WeightAddress = AddWeights(job, outputChannels, outputChannels, (_, _, _, _) => 1) };
                return [Flatten(job)];
            case MatMulLayer matmul:
                QuantizedTensor right = network.Tensors[matmul.Right];
                if (right.ZeroPoint != 0)
                    problems.Add($"layer {layer.Name}: the right operand {right.Name} has zero point {right.ZeroPoint}; only 0 is supported: quantise it symmetrically");
                job = job with { ParameterAddress = AddParameters(outputChannels, _ => 0, _ => matmul.Scale), RightOperand = layouts[matmul.Right] };
                return [.. Enumerable.Range(0, input.Shape.Batch).Select(b => Flatten(job with { Batch = b }))];
            default:
                problems.Add($"layer {layer.Name}: {layer.GetType().Name} is not supported");
                return [];
        }
    }

    private static sbyte Weight(ConvLayer conv, int inputChannels, int k, int ky, int kx, int c)
    {
        int perGroup = inputChannels / conv.Groups, group = k / (conv.Bias.Length / conv.Groups);
        int local = c - (group * perGroup);
        return local < 0 || local >= perGroup ? (sbyte)0 : conv.Weights[(((((k * conv.Kernel.Rows) + ky) * conv.Kernel.Columns) + kx) * perGroup) + local];
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
                problems.Add($"layer {conv.Name}: a sum of output channel {k} can reach {sum * reach}, beyond the {config.Array.AccumulatorBits}-bit accumulator; raise array.accumulatorBits");
                return;
            }
        }
    }

    // A 1x1 layer over an image is a layer over a row of pixels: longer bursts, no ragged tiles.
    private LayerJob Flatten(LayerJob job)
    {
        TensorLayout i = job.Input, o = job.Output;
        int r = config.Derived.VectorsPerWord;
        int pixels = i.Shape.Height * i.RowWords * r;
        if (job.Kernel != (1, 1) || job.Stride != (1, 1) || job.PadTop != 0 || job.PadLeft != 0 || i.Shape.Height == 1
            || i.Shape.Height != o.Shape.Height || i.Shape.Width != o.Shape.Width || pixels > 32000)
            return job;
        TensorLayout Row(TensorLayout t) => t with { Shape = t.Shape with { Height = 1, Width = pixels }, RowWords = i.Shape.Height * i.RowWords };
        return job with { Input = Row(i), Output = Row(o), Residual = job.Residual is { } x ? Row(x) : null };
    }

    // Weight tiles in the order in which the array reads them: lane tile, vector, kernel row, kernel column.
    private long AddWeights(LayerJob job, int inputChannels, int outputChannels, Func<int, int, int, int, sbyte> weight)
    {
        int c0 = config.Array.VectorWidth, k0 = config.Array.Lanes, pitch = config.Derived.VectorPitchBytes, tileBytes = config.Derived.WeightTileBytes;
        int laneTiles = Geometry.Ceil(outputChannels, k0), vectors = job.Diagonal ? 1 : Geometry.Ceil(inputChannels, c0);
        (int kernelRows, int kernelColumns) = job.WeightPerTap ? job.Kernel : (1, 1);
        byte[] data = new byte[(long)laneTiles * vectors * kernelRows * kernelColumns * tileBytes];
        int tile = 0;
        for (int kt = 0; kt < laneTiles; kt++)
        {
            for (int v = 0; v < vectors; v++)
            {
                for (int ky = 0; ky < kernelRows; ky++)
                {
                    for (int kx = 0; kx < kernelColumns; kx++, tile++)
                    {
                        Span<byte> bytes = data.AsSpan(tile * tileBytes, tileBytes);
                        for (int lane = 0; lane < k0 && (kt * k0) + lane < outputChannels; lane++)
                        {
                            int k = (kt * k0) + lane;
                            if (job.Diagonal)
                            {
                                bytes[(lane * pitch) + (k % c0)] = (byte)weight(k, ky, kx, k);
                                continue;
                            }

                            for (int i = 0; i < c0 && (v * c0) + i < inputChannels; i++)
                                bytes[(lane * pitch) + i] = (byte)weight(k, ky, kx, (v * c0) + i);
                        }
                    }
                }
            }
        }

        return AddRegion(data);
    }

    private long AddParameters(int outputChannels, Func<int, int> bias, Func<int, FixedPointScale> scale)
    {
        int k0 = config.Array.Lanes, entryBytes = config.Derived.ParameterTileBytes, laneTiles = Geometry.Ceil(outputChannels, k0);
        byte[] data = new byte[laneTiles * entryBytes];
        for (int k = 0; k < laneTiles * k0; k++)
        {
            Span<byte> entry = data.AsSpan((k / k0 * entryBytes) + (k % k0 * 8), 8);
            FixedPointScale s = k < outputChannels ? scale(k) : new FixedPointScale(0, 1);
            BinaryPrimitives.WriteInt32LittleEndian(entry, k < outputChannels ? bias(k) : 0);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], s.Multiplier | ((uint)s.Shift << 24));
        }

        return AddRegion(data);
    }

    private long AddRegion(byte[] data)
    {
        long address = next;
        regions.Add((address, data));
        next = Align(next + data.Length);
        return address;
    }

    private static long Align(long address) => (address + Page - 1) / Page * Page;
}
