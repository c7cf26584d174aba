using System.Numerics;
using AccelGen.Files;
using AccelGen.Network;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Onnx;

/// <summary>
/// Movement of elements as a convolution with weights 0 and 1: output channel k is tap <c>Taps[k]</c>, index
/// [kernel row][kernel column][input channel], or 0 where it is -1.
/// </summary>
internal sealed record MoveLayer(string Name, int Input, int Output, int[] Taps) : FloatLayer(Name, Input, Output)
{
    public Size Kernel { get; init; } = (1, 1);

    public Size Stride { get; init; } = (1, 1);

    public Size Dilation { get; init; } = (1, 1);

    public Padding Padding { get; init; }

    /// <summary>Each output pixel is the input pixel of the same place.</summary>
    public bool KeepsPixels => new Window(Kernel, Stride, Padding).KeepsPixels;

    /// <summary>Each output channel is the input channel of the same number.</summary>
    public bool KeepsChannels(int channels) => Kernel == (1, 1) && Taps.Length == channels && !Taps.Where((t, i) => t != i).Any();

    /// <summary>Some output is 0 whatever the input.</summary>
    public bool HasZeros => Array.IndexOf(Taps, -1) >= 0 || Padding.Top > 0 || Padding.Left > 0 || Padding.Bottom > 0 || Padding.Right > 0;
}

/// <summary>A factor and an addend per channel.</summary>
internal sealed record ScaleLayer(string Name, int Input, int Output, float[] Factors, float[] Addends) : FloatLayer(Name, Input, Output);

/// <summary>A tensor as it is, rounded to the quantisation that its output has: QuantizeLinear on a value that has none yet.</summary>
internal sealed record RoundLayer(string Name, int Input, int Output) : FloatLayer(Name, Input, Output);

/// <summary>The layers that an import builds: first one by one, then joined where one layer can do the work of two.</summary>
internal sealed class LayerGraph
{
    /// <summary>Most weights of a convolution that only moves elements: more take minutes to lay out, and longer to load than a host to
    /// move.</summary>
    public const int MostMovedWeights = 1 << 24;

    private readonly List<FloatTensor> tensors = [];
    private readonly List<FloatLayer?> layers = [];
    private readonly HashSet<int> outputs = [];
    private readonly HashSet<string> names = [];
    private readonly Dictionary<string, string> joined = [];
    private readonly Dictionary<string, string> notes = [];
    private readonly Dictionary<string, int> arranged = [];
    private readonly Dictionary<(int, QuantizationParameters), (int Tensor, string Layer)> rounded = [];

    // Tensors that share the memory of another, by that and their shape.
    private readonly Dictionary<(int Home, TensorShape Shape), int> aliases = [];
    private Dictionary<string, FloatLayer>? named;
    private Dictionary<int, int> producers = [];
    private Dictionary<int, List<int>> readers = [];

    /// <summary>The file prescribes how activations are quantised.</summary>
    public bool Quantized { get; init; }

    public TensorShape Shape(int tensor) => tensors[tensor].Shape;

    public IEnumerable<FloatLayer> Layers => layers.OfType<FloatLayer>();

    /// <summary>Quantisation that the file prescribes for a tensor, or null.</summary>
    public QuantizationParameters? Fixed(int tensor) => tensors[Home(tensor)].Fixed;

    /// <summary>Prescribes the quantisation of a tensor.</summary>
    public void Fix(int tensor, QuantizationParameters quantization) =>
        tensors[Home(tensor)] = tensors[Home(tensor)] with { Fixed = quantization };

    /// <summary>A tensor rounded to a quantisation: a tensor of its own.</summary>
    public int Round(int tensor, QuantizationParameters quantization, string name, out string layer)
    {
        if (!rounded.TryGetValue((tensor, quantization), out (int Tensor, string Layer) result))
        {
            string unique = Unique(name);
            rounded[(tensor, quantization)] = result = (AddTensor(unique, Shape(tensor)), unique);
            Fix(result.Tensor, quantization);
            Add(new RoundLayer(unique, tensor, result.Tensor));
        }

        layer = result.Layer;
        return result.Tensor;
    }

    /// <summary>Adds a tensor.</summary>
    /// <exception cref="InputException">The shape is not usable.</exception>
    public int AddTensor(string name, TensorShape shape, float[]? constant = null)
    {
        if (shape.Batch < 1 || shape.Height < 1 || shape.Width < 1 || shape.Channels < 1 || shape.Elements > OnnxTensor.MaxElements)
            throw new InputException(
                FaultCodes.TooLarge,
                string.Empty,
                $"the result has shape {shape}",
                $"sizes must be positive, the elements at most {OnnxTensor.MaxElements}"
            );
        tensors.Add(new FloatTensor(tensors.Count, name, shape, null, constant));
        return tensors.Count - 1;
    }

    /// <summary>Adds a layer.</summary>
    /// <returns>Its output.</returns>
    public int Add(FloatLayer layer)
    {
        layers.Add(layer);
        // Moved counts stay counts.
        if (layer is MoveLayer && Fixed(layer.Input) is { } quantization)
            Fix(layer.Output, quantization);
        return layer.Output;
    }

    /// <summary>A name for a layer that no other has.</summary>
    public string Unique(string name)
    {
        string unique = name;
        for (int i = 1; !names.Add(unique); i++)
            unique = $"{name}#{i}";
        return unique;
    }

    /// <summary>The tensor that owns the memory of another.</summary>
    public int Home(int tensor)
    {
        while (tensors[tensor].SharesStorageWith is int other)
            tensor = other;
        return tensor;
    }

    /// <summary>The same elements in the same order under other rows and columns; heads and channels lie in memory as they are.</summary>
    public int Alias(int tensor, TensorShape shape)
    {
        int home = Home(tensor);
        if (tensors[home].Shape == shape)
            return home;
        if (aliases.TryGetValue((home, shape), out int known))
            return known;
        tensors.Add(new FloatTensor(tensors.Count, $"{tensors[home].Name}:{shape}", shape, home));
        return aliases[(home, shape)] = tensors.Count - 1;
    }

    public float[]? Constant(int tensor) => tensors[Home(tensor)].Constant;

    /// <summary>A view of a whole tensor under a layout.</summary>
    /// <param name="tensor">Tensor.</param>
    /// <param name="sizes">Sizes of the view's dimensions.</param>
    /// <param name="layout">Which dimension is what.</param>
    public View Whole(int tensor, IReadOnlyList<long> sizes, Layout layout)
    {
        var dims = new Atom[sizes.Count][];
        Array.Fill(dims, []);
        Assign(TensorAxis.Channels, [.. layout.Batch, .. layout.Channels]);
        Assign(TensorAxis.Pixels, [.. layout.Rows, .. layout.Columns]);
        return new View(tensor, dims);

        void Assign(TensorAxis axis, int[] order)
        {
            int stride = 1;
            foreach (int d in order.Reverse())
            {
                dims[d] = sizes[d] > 1 ? [new Atom((int)sizes[d], axis, stride)] : [];
                stride *= (int)sizes[d];
            }
        }
    }

    /// <summary>Brings a view into a layout: the tensor itself where it already is, else a movement.</summary>
    /// <param name="view">View.</param>
    /// <param name="layout">Layout; dimensions that are in no list must have size 1 or be repeated.</param>
    /// <param name="anyHeads">The reader counts channels over all heads: the heads may stay as they are.</param>
    /// <param name="name">Name of the node that needs it.</param>
    /// <exception cref="InputException">No movement gives this arrangement.</exception>
    public int Arrange(View view, Layout layout, bool anyHeads, string name)
    {
        Atom[] Atoms(int[] dims) => [.. dims.SelectMany(d => view.Dims[d])];
        Atom[] batch = Atoms(layout.Batch),
            rows = Atoms(layout.Rows),
            columns = Atoms(layout.Columns),
            channels = Atoms(layout.Channels);
        int nb = View.Product(batch),
            nh = View.Product(rows),
            nw = View.Product(columns),
            nc = View.Product(channels);
        Atom[] pixels = View.Merge([.. rows, .. columns]);
        if (pixels.Any(a => a.Axis == TensorAxis.None))
            throw new InputException(FaultCodes.Arrangement, string.Empty, "repeats pixels", "only channels can be repeated here");
        string key =
            $"{view.Key}>{string.Join(',', layout.Batch)}|{string.Join(',', layout.Rows)}|"
            + $"{string.Join(',', layout.Columns)}|{string.Join(',', layout.Channels)}|{anyHeads}";
        if (arranged.TryGetValue(key, out int known))
            return known;
        if (pixels.Any(a => a.Axis == TensorAxis.Channels))
        {
            // Channels that come first are heads: the channels of each become the pixels.
            int lead = channels.TakeWhile(a => a.Axis == TensorAxis.Channels).Count();
            Atom[] heads = [.. batch, .. channels[..lead]],
                rest = channels[lead..];
            if (pixels.Any(a => a.Axis == TensorAxis.Pixels) || rest.Any(a => a.Axis == TensorAxis.Channels))
                throw new InputException(
                    FaultCodes.Arrangement,
                    string.Empty,
                    $"[{string.Join(", ", view.Sizes)}] mixes channels and pixels of {tensors[view.Tensor].Name} in a way "
                        + "that one movement cannot, as a pixel shuffle does, or windows of pixels put back into an image",
                    "give the axes to be exchanged whole"
                );
            var turned = new TensorShape(View.Product(heads), nh, nw, View.Product(rest));
            int tensor = Alias(Gather(view, heads, View.Merge(rest), pixels, true, false, name), turned);
            if (lead > 0 && !anyHeads)
            {
                Atom[] All(TensorAxis axis, int size) => size > 1 ? [new Atom(size, axis, 1)] : [];
                var whole = new View(tensor, []);
                tensor = Alias(
                    Gather(
                        whole,
                        nb > 1 ? [new Atom(nb, TensorAxis.Channels, nc)] : [],
                        All(TensorAxis.Pixels, nh * nw),
                        All(TensorAxis.Channels, nc),
                        false,
                        false,
                        name
                    ),
                    new TensorShape(nb, nh, nw, nc)
                );
            }

            return arranged[key] = tensor;
        }

        int moved = Gather(view, batch, pixels, channels, false, anyHeads, name);
        return arranged[key] = Alias(moved, Shape(moved) with { Height = nh, Width = nw });
    }

    private int Gather(View view, Atom[] batch, Atom[] pixels, Atom[] channels, bool transpose, bool anyHeads, string name)
    {
        TensorShape s = Shape(view.Tensor);
        int area = s.Height * s.Width,
            nb = View.Product(batch),
            nc = View.Product(channels),
            np = View.Product(pixels);
        (int Channel, int Pixel)[] sources = [.. Offsets([.. batch, .. channels])];
        bool keepsPixels = view.Pixel == 0 && pixels is [] or [{ Stride: 1 }] && np == area && sources.All(o => o.Pixel == 0);
        bool keepsChannels = view.Channel == 0 && sources.Length == s.Batch * s.Channels && !sources.Where((o, i) => o.Channel != i).Any();
        // Heads lie in memory otherwise than channels: one as the other is a movement.
        if (!transpose && keepsPixels && keepsChannels && (anyHeads || nb == s.Batch))
            return Alias(view.Tensor, anyHeads ? s : new TensorShape(nb, s.Height, s.Width, nc));
        foreach (int width in new[] { s.Width, area }.Distinct())
        {
            if (Grid(width) is not { } move)
                continue;
            if (!transpose || CanTranspose(move, Shape(move.Output).Height))
                return Add(
                    move with
                    {
                        TransposeOutput = transpose,
                        Output = transpose ? AddTensor(move.Name, new TensorShape(nb, 1, nc, np)) : move.Output,
                    }
                );
            // Only a layer of 1x1 kernels exchanges the pixels of several rows with channels.
            string unique = Unique($"{name}/copy");
            return Add(
                new MoveLayer(unique, Add(move), AddTensor(unique, new TensorShape(nb, 1, nc, np)), [.. Enumerable.Range(0, nb * nc)])
                {
                    TransposeOutput = true,
                }
            );
        }

        throw new InputException(
            FaultCodes.Arrangement,
            $"[{string.Join(", ", view.Sizes)}] takes pixels of {tensors[view.Tensor].Name} ({s}) in an order "
                + "that is no grid of rows and columns"
        );

        MoveLayer? Grid(int width)
        {
            int height = area / width,
                top = view.Pixel / width,
                left = view.Pixel % width;
            bool Row(Atom a) => width < area && a.Stride % width == 0;

            // Rows and columns behind the last window that no stride reaches need not be cropped.
            static int Last(int padding, int stride) => padding > -stride ? 0 : padding;
            if (pixels.Concat(channels).Concat(batch).Any(a => a.Axis == TensorAxis.Pixels && a.Stride < 0))
                return null;
            int rowAtoms = pixels.TakeWhile(Row).Count();
            Atom[] rows = pixels[..rowAtoms],
                columns = pixels[rowAtoms..];
            Atom[] taps = [.. batch.Concat(channels).Where(a => a.Axis == TensorAxis.Pixels)];
            Atom[] tapRows = [.. taps.Where(Row)],
                tapColumns = [.. taps.Where(a => !Row(a))];
            if (rows.Length > 1 || columns.Length > 1 || columns.Any(Row))
                return null;
            int Reach(IEnumerable<Atom> atoms) => atoms.Sum(a => (a.Size - 1) * a.Stride);
            // A column index that runs into the next row is none.
            if (left + Reach(columns) + Reach(tapColumns) >= width)
                return null;
            (int gh, int sy) = rows is [var r] ? (r.Size, r.Stride / width) : (1, 0);
            (int gw, int sx) = columns is [var c] ? (c.Size, c.Stride) : (1, 0);
            (int kh, int dy) = tapRows is [var tr] ? (tr.Size, tr.Stride / width) : ((Reach(tapRows) / width) + 1, 1);
            (int kw, int dx) = tapColumns is [var tc] ? (tc.Size, tc.Stride) : (Reach(tapColumns) + 1, 1);
            if (gh == 1)
                sy = kh;
            if (gw == 1)
                sx = kw;
            string unique = Unique($"{name}/copy");
            return new MoveLayer(
                unique,
                Alias(view.Tensor, s with { Height = height, Width = width }),
                AddTensor(unique, new TensorShape(nb, gh, gw, nc)),
                [
                    .. sources.Select(o =>
                        (((o.Pixel / width / dy * kw) + (o.Pixel % width / dx)) * s.Batch * s.Channels) + view.Channel + o.Channel
                    ),
                ]
            )
            {
                Kernel = (kh, kw),
                Stride = (sy, sx),
                Dilation = (dy, dx),
                Padding = (
                    -top,
                    -left,
                    Last(((gh - 1) * sy) + ((kh - 1) * dy) + 1 - height + top, sy),
                    Last(((gw - 1) * sx) + ((kw - 1) * dx) + 1 - width + left, sx)
                ),
            };
        }
    }

    /// <summary>Index in the NHWC array of each element of a view, in order.</summary>
    public int[] Elements(View view)
    {
        TensorShape s = Shape(view.Tensor);
        return
        [
            .. Offsets([.. view.Dims.SelectMany(d => d)])
                .Select(o => (Channel: view.Channel + o.Channel, Pixel: view.Pixel + o.Pixel))
                .Select(o => (((o.Channel / s.Channels * s.Height * s.Width) + o.Pixel) * s.Channels) + (o.Channel % s.Channels)),
        ];
    }

    // Channel and pixel steps of each index of a list of atoms, in order.
    private static IEnumerable<(int Channel, int Pixel)> Offsets(Atom[] atoms)
    {
        int[] index = new int[atoms.Length];
        for (int left = View.Product(atoms); left > 0; left--)
        {
            int channel = 0,
                pixel = 0;
            for (int i = 0; i < atoms.Length; i++)
            {
                channel += atoms[i].Axis == TensorAxis.Channels ? index[i] * atoms[i].Stride : 0;
                pixel += atoms[i].Axis == TensorAxis.Pixels ? index[i] * atoms[i].Stride : 0;
            }

            yield return (channel, pixel);
            for (int i = atoms.Length - 1; i >= 0 && ++index[i] == atoms[i].Size; i--)
                index[i] = 0;
        }
    }

    /// <summary>Joins layers, drops what no output needs, and numbers the tensors in order of use.</summary>
    public FloatNetwork Finish(
        string name,
        IReadOnlyList<int> inputs,
        IReadOnlyList<int> results,
        out IReadOnlyDictionary<int, int> numbers
    )
    {
        outputs.UnionWith(results.Select(Home));
        DropUnused();
        Index();
        for (bool changed = true; changed; )
        {
            changed = false;
            for (int i = 0; i < layers.Count; i++)
            {
                while (layers[i] is not null && Join(i))
                    changed = true;
            }

            DropUnused();
            Index();
        }

        for (bool changed = true; changed; )
        {
            changed = false;
            for (int i = 0; i < layers.Count; i++)
                changed |= FixBackwards(i) || ReadRounded(i);
        }

        DropUnused();
        for (int i = 0; i < layers.Count; i++)
        {
            layers[i] = layers[i] switch
            {
                MoveLayer move => AsConvolution(move),
                ScaleLayer scale => AsConvolution(scale),
                FloatConv { Fixed: not null } conv when Selects(conv) => conv with { IsDataMovement = true },
                RoundLayer round => AsCopy(new FloatCopy(round.Name, round.Input, round.Output)),
                FloatCopy copy => AsCopy(copy),
                var other => other,
            };
        }

        var order = new List<int>();
        var number = new Dictionary<int, int>();
        void Use(int tensor)
        {
            if (tensors[tensor].SharesStorageWith is int home)
                Use(home);
            if (number.TryAdd(tensor, order.Count))
                order.Add(tensor);
        }

        FloatLayer[] kept = [.. Layers];
        var read = kept.SelectMany(l => l.Reads.Append(l.Output)).Select(Home).ToHashSet();
        foreach (int t in inputs.Where(t => read.Contains(Home(t))))
            Use(t);
        foreach (FloatLayer layer in kept)
        {
            foreach (int t in layer.Reads.Append(layer.Output))
                Use(t);
        }

        foreach (int t in results)
            Use(Home(t));
        // An output is looked up where its memory is; layers that read it under other rows and columns still do.
        var outputNumber = new Dictionary<int, int>(number);
        foreach (int t in results)
            outputNumber[t] = number[Home(t)];
        numbers = outputNumber;
        return new FloatNetwork(
            name,
            [
                .. order.Select(
                    (t, i) => tensors[t] with { Id = i, SharesStorageWith = tensors[t].SharesStorageWith is int h ? number[h] : null }
                ),
            ],
            [.. kept.Select(l => Renumber(l, t => number[t]))],
            [],
            [.. inputs.Where(number.ContainsKey).Select(t => number[t])],
            [.. results.Select(t => outputNumber[t]).Distinct()]
        );
    }

    /// <summary>What became of a layer: its own description, the layer it was joined with, or that nothing needs it.</summary>
    public string Outcome(string layer)
    {
        string at = layer;
        while (joined.TryGetValue(at, out string? into))
            at = into;
        named ??= Layers.GroupBy(l => l.Name).ToDictionary(g => g.Key, g => g.First());
        return named.GetValueOrDefault(at) is not { } found ? notes.GetValueOrDefault(at, "not needed")
            : at == layer ? $"{Kind(found)}, output {Shape(found.Output)}{(found.TransposeOutput ? ", transposed" : string.Empty)}"
            : $"fused into {at}";
    }

    private static string Kind(FloatLayer layer) =>
        layer switch
        {
            FloatConv { IsDataMovement: true } => "copy",
            FloatConv => "convolution",
            FloatAveragePool => "average pooling",
            FloatAdd => "addition",
            FloatCopy => "activation",
            FloatMultiply => "multiplication",
            FloatMatMul => "matrix product",
            FloatNormalizedMatMul => "quotient of two matrix products",
            FloatSoftmax => "softmax",
            FloatLayerNorm => "layer normalisation",
            FloatArgMax => "arg max",
            FloatMaxPool => "max pooling",
            FloatResize => "resize",
            RoundLayer => "rounding",
            _ => "concatenation",
        };

    private static FloatLayer Renumber(FloatLayer layer, Func<int, int> number) =>
        layer.Reading([.. layer.Reads.Select(number)]) with
        {
            Output = number(layer.Output),
        };

    private void DropUnused()
    {
        var needed = new HashSet<int>(outputs);
        for (int i = layers.Count - 1; i >= 0; i--)
        {
            if (layers[i] is not { } layer)
                continue;
            if (needed.Contains(Home(layer.Output)))
                needed.UnionWith(layer.Reads.Select(Home));
            else
                layers[i] = null;
        }
    }

    private void Index()
    {
        producers = [];
        readers = [];
        for (int i = 0; i < layers.Count; i++)
            Enter(i);
    }

    private void Enter(int i)
    {
        if (layers[i] is not { } layer)
            return;
        producers[Home(layer.Output)] = i;
        foreach (int t in layer.Reads)
        {
            if (!readers.TryGetValue(Home(t), out List<int>? list))
                readers[Home(t)] = list = [];
            list.Add(i);
        }
    }

    // Puts a layer, or none, in a place; the index follows, since a new one for each of many joins takes too long.
    private void Set(int i, FloatLayer? layer)
    {
        if (layers[i] is { } old)
        {
            if (producers.GetValueOrDefault(Home(old.Output), -1) == i)
                producers.Remove(Home(old.Output));
            foreach (int t in old.Reads)
                readers[Home(t)].Remove(i);
        }

        layers[i] = layer;
        Enter(i);
    }

    // A tensor takes the memory of one that nothing made or read so far.
    private void Yield(int tensor, int to)
    {
        Share(tensor, to);
        if (producers.Remove(tensor, out int producer))
            producers[to] = producer;
        if (readers.Remove(tensor, out List<int>? list))
            readers[to] = list;
    }

    private void Share(int tensor, int home)
    {
        tensors[tensor] = tensors[tensor] with { SharesStorageWith = home };
        var key = (home, Shape(tensor));
        aliases[key] = Math.Min(tensor, aliases.GetValueOrDefault(key, tensor));
    }

    // The layer that makes a tensor which nothing but one layer reads, or -1.
    private int Sole(int tensor) =>
        producers.TryGetValue(Home(tensor), out int at) && readers[Home(tensor)].Count == 1 && !outputs.Contains(Home(tensor)) ? at : -1;

    // What moves counts without a look at them may do so before they are rounded.
    private bool FixBackwards(int i)
    {
        if (
            layers[i] is not MoveLayer { Residual: null } move
            || !Plain(move)
            || Fixed(move.Output) is not { } quantization
            || Fixed(move.Input) is not null
            || Constant(move.Input) is not null
            || !readers[Home(move.Input)]
                .All(r => layers[r] is MoveLayer { Residual: null } m && Plain(m) && Fixed(m.Output) == quantization)
        )
            return false;
        Fix(move.Input, quantization);
        return true;
    }

    // An input of the network that is only read rounded holds counts itself.
    private bool ReadRounded(int i)
    {
        if (
            layers[i] is not RoundLayer round
            || producers.ContainsKey(Home(round.Input))
            || Constant(round.Input) is not null
            || readers[Home(round.Input)].Count > 1
            || Fixed(round.Input) is not null
            || Shape(round.Output) != Shape(round.Input)
        )
            return false;
        int home = Home(round.Input),
            gone = round.Output;
        Fix(home, Fixed(gone)!.Value);
        layers[i] = null;
        notes[round.Name] = "quantisation of the input";
        for (int t = 0; t < tensors.Count; t++)
        {
            if (tensors[t].SharesStorageWith == gone)
                Share(t, home);
        }

        for (int k = 0; k < layers.Count; k++)
            layers[k] = layers[k] is { } layer ? Renumber(layer, t => t == gone ? home : t) : null;
        // Whoever still knows the rounded tensor finds the input.
        Share(gone, home);
        Index();
        return true;
    }

    // What computes on counts, or writes them, does not merge with its neighbour.
    private static bool Plain(FloatLayer l) =>
        l.Range == OutputRange.Unbounded && l.Activation.Kind == ActivationKind.None && l.Table is null;

    private static bool KeepsZero(FloatLayer l) =>
        l.Range.Low <= 0 && l.Range.High >= 0 && l.Table is null && ActivationFunction.Evaluate(l.Activation, 0) == 0;

    // Layers whose arithmetic has room for a second operand; a convolution adds one channel for all to one head only.
    private bool TakesResidual(FloatLayer l, int operand, Broadcast broadcast) =>
        (l is FloatConv or MoveLayer or ScaleLayer or FloatMatMul or FloatAveragePool or FloatResize || (Quantized && l is FloatMaxPool))
        && Plain(l)
        && l.Residual is null
        && !l.TransposeOutput
        && (broadcast != Broadcast.Channels || Shape(operand).Batch == 1 || l is not (FloatConv or MoveLayer or ScaleLayer));

    // Layers that can write pixels and channels exchanged, of so many rows: those of 1x1 kernels, and any of one row.
    private static bool CanTranspose(FloatLayer layer, int rows) =>
        layer switch
        {
            FloatResize or FloatConcat or FloatCopy => false,
            MoveLayer m => rows == 1 || m.KeepsPixels,
            FloatConv c => rows == 1 || c.Window.KeepsPixels,
            FloatAveragePool or FloatMaxPool => rows == 1,
            _ => true,
        };

    private bool Join(int i) =>
        layers[i] switch
        {
            RoundLayer round => JoinRound(i, round),
            FloatCopy copy => JoinCopy(i, copy),
            ScaleLayer scale => JoinScale(i, scale),
            MoveLayer move => JoinMove(i, move),
            FloatAdd add => JoinAdd(i, add),
            FloatConv conv => JoinInput(i, conv),
            _ => false,
        };

    // Puts a layer that writes the tensor of another in its place; where the shapes differ, that tensor becomes an alias.
    private void Replace(int from, int at, FloatLayer layer, int target)
    {
        string kept = layer.Name;
        foreach (string gone in new[] { layers[from]!.Name, layers[at]!.Name }.Where(n => n != kept))
            joined[gone] = kept;
        Set(from, null);
        Set(at, Writing(layer, target));
    }

    private FloatLayer Writing(FloatLayer layer, int target)
    {
        TensorShape shape = Shape(layer.Output);
        int home = Home(target);
        if (Shape(home) == shape)
            return layer with { Output = home };
        int written = AddTensor(tensors[home].Name, shape);
        tensors[written] = tensors[written] with { Fixed = tensors[home].Fixed };
        // Whoever shared the old tensor's memory shares the new one's.
        Yield(home, written);
        if (outputs.Remove(home))
            outputs.Add(written);
        return layer with { Output = written };
    }

    private bool JoinCopy(int i, FloatCopy copy)
    {
        if (
            copy.Residual is not null
            || copy.TransposeOutput
            || copy.Factor != 1
            || Sole(copy.Input) is not (>= 0 and var at)
            || layers[at] is not { } p
            || p.Activation.Kind != ActivationKind.None
        )
            return false;
        if (Fixed(copy.Input) is { } quantization)
        {
            // A table of counts follows whatever makes the counts.
            if (copy.Table is not { } table || table.Argument != quantization || p is RoundLayer)
                return false;
            Replace(
                at,
                i,
                p with
                {
                    Table = p.Table is { } first
                        ? new FixedTable(first.Argument, [.. first.Counts.Select(c => table.Counts[c + 128])])
                        : table,
                },
                copy.Output
            );
            return true;
        }

        if (p is FloatArgMax || p.Table is not null || copy.Table is not null)
            return false;
        OutputRange a = p.Range,
            b = copy.Range;
        var range = new OutputRange(Math.Clamp(a.Low, b.Low, b.High), Math.Clamp(a.High, b.Low, b.High));
        Replace(at, i, p with { Range = range, Activation = copy.Activation }, copy.Output);
        return true;
    }

    // Whoever computes a value writes it rounded.
    private bool JoinRound(int i, RoundLayer round)
    {
        if (Fixed(round.Input) is not null || Sole(round.Input) is not (>= 0 and var at) || layers[at] is not { } p || p is RoundLayer)
            return false;
        Replace(at, i, p, round.Output);
        return true;
    }

    private bool JoinScale(int i, ScaleLayer scale)
    {
        if (Fixed(scale.Input) is not null)
            return false;
        if (
            Sole(scale.Input) is not (>= 0 and var at)
            || layers[at] is not { } p
            || !Plain(p)
            || p.TransposeOutput
            || p.Residual is not null
        )
            return false;
        float[] f = scale.Factors,
            b = scale.Addends;
        bool uniform = f.All(v => v == f[0]),
            shifted = b.Any(v => v != 0);
        FloatLayer? fused = p switch
        {
            FloatConv { IsDataMovement: false } c when Negatable(c, f) => c with
            {
                Weights = Scaled(c.Weights, f),
                Bias = [.. c.Bias.Select((v, k) => (float)(((double)v * f[k]) + b[k]))],
                // A factor of 0 leaves no weights: any scale says so.
                Fixed = c.Fixed is not { } w
                    ? null
                    : new FixedWeights(
                        Scaled(w.Weights, f),
                        [.. w.Scales.Zip(f, (u, v) => v == 0 ? u : u * Math.Abs(v))],
                        shifted || f.Any(v => v <= 0) ? null : w.Bias,
                        shifted || f.Any(v => v <= 0) ? null
                            : w.BiasScales is { } scales ? [.. scales.Zip(f, (u, v) => u * v)]
                            : null
                    ),
            },
            ScaleLayer s => s with
            {
                Factors = [.. s.Factors.Zip(f, (u, v) => u * v)],
                Addends = [.. s.Addends.Select((v, k) => (v * f[k]) + b[k])],
            },
            FloatMatMul when uniform && !shifted && f[0] >= 0 => p with { Factor = p.Factor * f[0] },
            FloatNormalizedMatMul
            or FloatSoftmax
            or FloatAveragePool
            or FloatMaxPool
            or FloatMultiply
            or FloatResize
            or FloatConcat
            or FloatCopy
            or FloatAdd { Residual: null } when Quantized && uniform && !shifted && f[0] > 0 => p with
            {
                Factor = p.Factor * f[0],
            },
            FloatLayerNorm n when Repeats(f, n.Gamma.Length) && Repeats(b, n.Gamma.Length) => n with
            {
                Gamma = [.. n.Gamma.Select((g, k) => g * f[k])],
                Beta = [.. n.Beta.Select((v, k) => (v * f[k]) + b[k])],
            },
            _ => null,
        };
        if (
            fused is null
            || (scale.Residual is int r && (!TakesResidual(p, r, scale.ResidualBroadcast) || Shape(p.Output) != Shape(scale.Output)))
        )
            return false;
        Replace(
            at,
            i,
            fused with
            {
                Range = scale.Range,
                Activation = scale.Activation,
                Residual = scale.Residual,
                ResidualBroadcast = scale.ResidualBroadcast,
                ResidualSubtract = scale.ResidualSubtract,
                ResidualFactor = scale.ResidualFactor,
                Table = scale.Table,
            },
            scale.Output
        );
        return true;

        static bool Repeats(float[] values, int period) => !values.Where((v, k) => v != values[k % period]).Any();
    }

    private static float[] Scaled(float[] weights, float[] factors)
    {
        int run = weights.Length / factors.Length;
        return factors.All(f => f == 1) ? weights : [.. weights.Select((w, k) => (float)((double)w * factors[k / run]))];
    }

    // An integer of -128 has no opposite.
    private static bool Negatable(FloatConv conv, float[] factors)
    {
        int run = conv.Weights.Length / factors.Length;
        return conv.Fixed is not { } w || factors.All(f => f >= 0) || !w.Weights.Where((v, k) => v == -128 && factors[k / run] < 0).Any();
    }

    // Integers whose scales take the magnitudes of the factors.
    private static sbyte[] Scaled(sbyte[] integers, float[] factors)
    {
        int run = integers.Length / factors.Length;
        return factors.All(f => f > 0) ? integers : [.. integers.Select((w, k) => (sbyte)(w * Math.Sign(factors[k / run])))];
    }

    private bool JoinAdd(int i, FloatAdd add)
    {
        if (add.TransposeOutput || add.Residual is not int second || Home(second) == Home(add.Input))
            return false;
        bool exchangeable = !add.ResidualSubtract && add.ResidualBroadcast == Broadcast.None && add is { ResidualFactor: 1, Factor: 1 };
        if (add.Factor != 1)
            return false;
        (int Own, int Other)[] sides = exchangeable ? [(add.Input, second), (second, add.Input)] : [(add.Input, second)];
        // A convolution that ends a branch before anything else: its post-processing has the operand for nothing.
        foreach (
            (int own, int other) in sides.OrderBy(s =>
                producers.TryGetValue(Home(s.Own), out int p)
                    ? layers[p] is FloatConv
                        ? 0
                        : layers[p] is MoveLayer
                            ? 2
                            : 1
                    : 3
            )
        )
        {
            if (Sole(own) is not (>= 0 and var at) || layers[at] is not { } p)
                continue;
            // Counts are rounded before they are added; a movement does not round.
            if (Fixed(own) is { } counts && (p is not MoveLayer || Fixed(p.Input) != counts))
                continue;
            if (
                exchangeable
                && Constant(other) is { } c2
                && p.Residual is int r
                && Constant(r) is { } c1
                && Plain(p)
                && !p.TransposeOutput
                && c1.Length == c2.Length
                && p is { ResidualBroadcast: Broadcast.None, ResidualSubtract: false, ResidualFactor: 1 }
                && Shape(p.Output) is var shape
                && shape == Shape(add.Output)
            )
            {
                int sum = AddTensor(tensors[Home(r)].Name, shape, [.. c1.Zip(c2, (u, v) => u + v)]);
                Replace(at, i, p with { Residual = sum, Range = add.Range, Activation = add.Activation, Table = add.Table }, add.Output);
                return true;
            }

            if (!TakesResidual(p, other, add.ResidualBroadcast))
                continue;
            int residual = add.ResidualBroadcast == Broadcast.None ? Alias(other, Shape(p.Output)) : other;
            Replace(
                at,
                i,
                p with
                {
                    Residual = residual,
                    ResidualBroadcast = add.ResidualBroadcast,
                    ResidualSubtract = add.ResidualSubtract,
                    ResidualFactor = add.ResidualFactor,
                    Range = add.Range,
                    Activation = add.Activation,
                    Table = add.Table,
                },
                add.Output
            );
            return true;
        }

        return false;
    }

    private bool JoinMove(int i, MoveLayer move)
    {
        TensorShape from = Shape(move.Input),
            to = Shape(move.Output);
        if (!producers.TryGetValue(Home(move.Input), out int at) || layers[at] is not { } p)
            return false;
        if (Plain(move) && p is MoveLayer { Residual: null, TransposeOutput: false } first && Compose(first, move) is { } both)
        {
            if (Sole(move.Input) >= 0)
                Replace(at, i, both, move.Output);
            else if (
                Plain(first)
                && first.Kernel.Rows * first.Kernel.Columns * Shape(first.Input).Batch * Shape(first.Input).Channels
                    <= 2 * first.Taps.Length
            )
                Set(i, Writing(both, move.Output));
            else
                return false;
            return true;
        }

        if (p is FloatConv { IsDataMovement: false, Residual: null, TransposeOutput: false } conv && FoldIntoProducer(i, move, at, conv))
            return true;
        // What remains is a transpose of a whole result: its maker writes it that way.
        if (
            move.TransposeOutput
            && move.KeepsPixels
            && move.KeepsChannels(from.Batch * from.Channels)
            && move.Residual is null
            && Sole(move.Input) >= 0
            && p is not (MoveLayer or FloatConv or RoundLayer)
            && p.Residual is null
            && !p.TransposeOutput
            && CanTranspose(p, Shape(p.Output).Height)
            && to.Batch == Shape(p.Output).Batch
            && (Plain(p) || Plain(move))
        )
        {
            FloatLayer turned = p is FloatMatMul m ? m with { Input = m.Right, Right = m.Input } : p with { TransposeOutput = true };
            if (Plain(p))
                turned = turned with { Range = move.Range, Activation = move.Activation, Table = move.Table };
            TensorShape own = Shape(p.Output);
            Replace(
                at,
                i,
                turned with
                {
                    Output = AddTensor(tensors[move.Output].Name, new TensorShape(own.Batch, 1, own.Channels, own.Height * own.Width)),
                },
                move.Output
            );
            return true;
        }

        return false;
    }

    // Two movements as one, written by the first with the place and shape of the second; or null.
    private MoveLayer? Compose(MoveLayer first, MoveLayer second)
    {
        if (!Plain(first) && second.HasZeros && !KeepsZero(first))
            return null;
        TensorShape middle = Shape(first.Output),
            to = Shape(second.Output);
        int channels = middle.Batch * middle.Channels,
            source = Shape(first.Input).Batch * Shape(first.Input).Channels;
        MoveLayer result;
        if (second.KeepsPixels)
        {
            result = first with { Taps = [.. second.Taps.Select(t => t < 0 ? -1 : first.Taps[t])] };
        }
        else if (first.KeepsPixels)
        {
            // The second's grid may read the same pixels under other rows and columns.
            TensorShape read = Shape(second.Input);
            result = second with
            {
                Input = Alias(first.Input, Shape(first.Input) with { Height = read.Height, Width = read.Width }),
                Taps =
                [
                    .. second.Taps.Select(t =>
                        t < 0 || first.Taps[t % channels] < 0 ? -1 : (t / channels * source) + first.Taps[t % channels]
                    ),
                ],
            };
        }
        else if (
            first.Kernel == (1, 1)
            && second.Kernel == (1, 1)
            && first.Stride == (1, 1)
            && second.Stride == (1, 1)
            && Shape(second.Input) == middle
            && Pads(first.Padding, second.Padding) is { } pads
        )
        {
            result = first with { Taps = [.. second.Taps.Select(t => t < 0 ? -1 : first.Taps[t])], Padding = pads };
        }
        else
        {
            return null;
        }

        if (second.TransposeOutput && !CanTranspose(result, second.KeepsPixels ? middle.Height : to.Height))
            return null;
        TensorShape computed = second.KeepsPixels ? to with { Height = middle.Height, Width = middle.Width } : to;
        if (second.TransposeOutput)
            computed = to;
        return result with
        {
            Name = first.Name,
            Output = AddTensor(tensors[second.Output].Name, computed),
            TransposeOutput = second.TransposeOutput,
            Residual = second.Residual is int r ? Alias(r, computed) : null,
            ResidualSubtract = second.ResidualSubtract,
            ResidualBroadcast = second.ResidualBroadcast,
            ResidualFactor = second.ResidualFactor,
            Range = first.Range,
            Activation = first.Activation,
            Table = first.Table,
        };
    }

    // Padding after padding or cropping after either; what was cropped cannot be padded again.
    private static Padding? Pads(Padding a, Padding b)
    {
        bool Lost(int first, int second) => first < 0 && second > 0;
        return Lost(a.Top, b.Top) || Lost(a.Left, b.Left) || Lost(a.Bottom, b.Bottom) || Lost(a.Right, b.Right)
            ? null
            : new Padding(a.Top + b.Top, a.Left + b.Left, a.Bottom + b.Bottom, a.Right + b.Right);
    }

    // A convolution whose every reader takes some of its channels computes them for each in place.
    private bool FoldIntoProducer(int i, MoveLayer move, int at, FloatConv conv)
    {
        int home = Home(conv.Output);
        if (outputs.Contains(home))
            return false;
        List<int> all = readers[home];
        bool Foldable(int reader) =>
            layers[reader] is MoveLayer { KeepsPixels: true } m
            && (Plain(m) || Plain(conv))
            && (!m.HasZeros || KeepsZero(conv))
            && (!m.TransposeOutput || CanTranspose(conv, Shape(conv.Output).Height))
            && Rows(conv, m) is not null;
        if (!all.All(Foldable) || (all.Count > 1 && all.Sum(r => ((MoveLayer)layers[r]!).Taps.Length) > conv.Bias.Length * 5 / 4))
            return false;
        FloatConv rows = Rows(conv, move)!;
        TensorShape own = Shape(conv.Output),
            to = Shape(move.Output);
        bool last = all.Count == 1;
        TensorShape computed = move.TransposeOutput ? to : to with { Height = own.Height, Width = own.Width };
        FloatConv fused = rows with
        {
            Name = last ? conv.Name : Unique(conv.Name),
            Output = AddTensor(tensors[move.Output].Name, computed),
            TransposeOutput = move.TransposeOutput,
            Residual = move.Residual is int r ? Alias(r, computed) : null,
            ResidualBroadcast = move.ResidualBroadcast,
            ResidualSubtract = move.ResidualSubtract,
            ResidualFactor = move.ResidualFactor,
            Range = Plain(move) ? conv.Range : move.Range,
            Activation = Plain(move) ? conv.Activation : move.Activation,
            Table = Plain(move) ? conv.Table : move.Table,
        };
        joined[move.Name] = fused.Name;
        if (last)
            Set(at, null);
        Set(i, Writing(fused, move.Output));
        return true;
    }

    // The convolution that computes the channels a movement selects, or null where groups are torn apart at a high price.
    private FloatConv? Rows(FloatConv conv, MoveLayer move)
    {
        int outputs = conv.Bias.Length,
            run = conv.Weights.Length / outputs,
            inputs = Shape(conv.Input).Batch * Shape(conv.Input).Channels,
            perGroup = outputs / conv.Groups;
        int[] taps = move.Taps;
        float[] bias = [.. taps.Select(t => t < 0 ? 0 : conv.Bias[t])];
        if (conv.Fixed is { } w)
        {
            conv = conv with
            {
                Fixed = w with
                {
                    Scales = [.. taps.Select(t => w.Scales[Math.Max(t, 0)])],
                    Bias = w.Bias is { } b ? [.. taps.Select(t => t < 0 ? 0 : b[t])] : null,
                    BiasScales = w.BiasScales is { } s ? [.. taps.Select(t => s[Math.Max(t, 0)])] : null,
                },
            };
        }

        bool grouped =
            conv.Groups > 1
            && taps.Length % conv.Groups == 0
            && taps.Length / conv.Groups is var each
            && !taps.Where((t, k) => t >= 0 && t / perGroup != k / each).Any();
        if (conv.Groups == 1 || grouped)
            return Reweighted(conv, w => Select(taps, w, run), w => Select(taps, w, run)) with { Bias = bias };
        // Over all input channels instead.
        int kernel = conv.Kernel.Rows * conv.Kernel.Columns,
            inGroup = inputs / conv.Groups;
        if ((long)taps.Length * kernel * inputs > 4L * conv.Weights.Length)
            return null;
        return Reweighted(conv, Dense, Dense) with { Bias = bias, Groups = 1 };

        T[] Dense<T>(T[] weights)
        {
            var dense = new T[(long)taps.Length * kernel * inputs];
            for (int k = 0; k < taps.Length; k++)
            {
                for (int t = 0; t < kernel && taps[k] >= 0; t++)
                    weights
                        .AsSpan((taps[k] * run) + (t * inGroup), inGroup)
                        .CopyTo(dense.AsSpan((((k * kernel) + t) * inputs) + (taps[k] / perGroup * inGroup)));
            }

            return dense;
        }
    }

    // Other weights, and where the file prescribes integers, those in the same order.
    private static FloatConv Reweighted(FloatConv conv, Func<float[], float[]> weights, Func<sbyte[], sbyte[]> integers) =>
        conv with
        {
            Weights = weights(conv.Weights),
            Fixed = conv.Fixed is { } w ? w with { Weights = integers(w.Weights) } : null,
        };

    private static T[] Select<T>(int[] rows, T[] weights, int run)
    {
        var selected = new T[(long)rows.Length * run];
        for (int k = 0; k < rows.Length; k++)
        {
            if (rows[k] >= 0)
                weights.AsSpan(rows[k] * run, run).CopyTo(selected.AsSpan(k * run));
        }

        return selected;
    }

    // A convolution over a movement or a scaling reads what those read.
    private bool JoinInput(int i, FloatConv conv)
    {
        if (conv.IsDataMovement || !producers.TryGetValue(Home(conv.Input), out int at) || outputs.Contains(Home(conv.Input)))
            return false;
        int outputsCount = conv.Bias.Length,
            kernel = conv.Kernel.Rows * conv.Kernel.Columns;
        if (
            conv.Fixed is null
            && Fixed(conv.Input) is null
            && layers[at] is ScaleLayer { Residual: null, TransposeOutput: false } scale
            && Plain(scale)
            && Sole(conv.Input) >= 0
            && (conv.Padding == default || scale.Addends.All(b => b == 0))
        )
        {
            int inputs = scale.Factors.Length,
                inGroup = inputs / conv.Groups,
                perGroup = outputsCount / conv.Groups;
            float[] weights = [.. conv.Weights],
                bias = [.. conv.Bias];
            for (int w = 0; w < weights.Length; w++)
            {
                int k = w / (kernel * inGroup),
                    channel = (k / perGroup * inGroup) + (w % inGroup);
                bias[k] += weights[w] * scale.Addends[channel];
                weights[w] *= scale.Factors[channel];
            }

            TensorShape read = Shape(conv.Input);
            Replace(
                at,
                i,
                conv with
                {
                    Weights = weights,
                    Bias = bias,
                    Input = Alias(scale.Input, Shape(scale.Input) with { Height = read.Height, Width = read.Width }),
                },
                conv.Output
            );
            return true;
        }

        if (
            layers[at] is not MoveLayer { Residual: null, TransposeOutput: false } move
            || !Plain(move)
            || Fixed(move.Input) != Fixed(move.Output)
            || !SumsFit(conv, move.Taps)
        )
            return false;
        TensorShape source = Shape(move.Input),
            middle = Shape(move.Output),
            taken = Shape(conv.Input);
        int channels = source.Batch * source.Channels;
        FloatConv? fused = null;
        bool keepsChannels = move.KeepsChannels(channels),
            free = conv.Padding == default;
        if (
            conv.Kernel == (1, 1)
            && conv.Groups == 1
            && free
            && conv.Stride == (1, 1)
            && (long)move.Kernel.Rows * move.Kernel.Columns * channels <= 2L * move.Taps.Length
        )
        {
            int run = move.Kernel.Rows * move.Kernel.Columns * channels;
            fused = Reweighted(conv, w => Spread(w, move.Taps, run), w => Spread(w, move.Taps, run)) with
            {
                Input = move.Input,
                Kernel = move.Kernel,
                Stride = move.Stride,
                Dilation = move.Dilation,
                Padding = move.Padding,
            };
            if (conv.TransposeOutput is false)
                fused = fused with
                {
                    Output = AddTensor(tensors[conv.Output].Name, Shape(conv.Output) with { Height = middle.Height, Width = middle.Width }),
                };
            if (fused.Residual is int r)
                fused = fused with { Residual = conv.ResidualBroadcast == Broadcast.None ? Alias(r, Shape(fused.Output)) : r };
        }
        else if (move.KeepsPixels && conv.Groups == 1 && channels <= 2L * move.Taps.Length)
        {
            fused = Reweighted(conv, w => Spread(w, move.Taps, channels), w => Spread(w, move.Taps, channels)) with
            {
                Input = Alias(move.Input, source with { Height = taken.Height, Width = taken.Width }),
            };
        }
        else if (
            keepsChannels
            && move.Stride == (1, 1)
            && (taken.Height, taken.Width) == (middle.Height, middle.Width)
            && Adds(move.Padding.Top, conv.Padding.Top)
            && Adds(move.Padding.Left, conv.Padding.Left)
            && Adds(move.Padding.Bottom, conv.Padding.Bottom)
            && Adds(move.Padding.Right, conv.Padding.Right)
        )
        {
            fused = conv with
            {
                Input = move.Input,
                Padding = (
                    move.Padding.Top + conv.Padding.Top,
                    move.Padding.Left + conv.Padding.Left,
                    move.Padding.Bottom + conv.Padding.Bottom,
                    move.Padding.Right + conv.Padding.Right
                ),
            };
        }

        if (fused is null)
            return false;
        if (Sole(conv.Input) >= 0)
            Replace(at, i, fused, conv.Output);
        else
            Set(i, Writing(fused, conv.Output));
        return true;

        // Cropped pixels are not zeros: only what is padded can be padded further.
        static bool Adds(int moved, int padded) => moved >= 0 || padded == 0;
    }

    // Integers of channels that are selected more than once add up, and must stay within int8.
    private static bool SumsFit(FloatConv conv, int[] taps) =>
        conv.Fixed is not { } w
        || w.Weights.Length % taps.Length != 0
        || taps.Where(t => t >= 0).Distinct().Count() == taps.Count(t => t >= 0)
        || Array.TrueForAll(Spread(Array.ConvertAll(w.Weights, v => (int)v), taps, taps.Max() + 1), v => v is >= -128 and <= 127);

    // Weights [output][tap][selected channel] over all the inputs that the channels were selected from.
    private static T[] Spread<T>(T[] weights, int[] taps, int run)
        where T : INumber<T>
    {
        int rows = weights.Length / taps.Length;
        var spread = new T[(long)rows * run];
        for (int r = 0; r < rows; r++)
        {
            for (int j = 0; j < taps.Length; j++)
            {
                if (taps[j] >= 0)
                    spread[((long)r * run) + taps[j]] += weights[((long)r * taps.Length) + j];
            }
        }

        return spread;
    }

    // Every output is an input as it is, or 0.
    private static bool Selects(FloatConv conv)
    {
        int run = conv.Weights.Length / conv.Bias.Length;
        return conv.Factor == 1
            && conv.Bias.All(b => b == 0)
            && conv.Weights.All(w => w is 0 or 1)
            && !Enumerable.Range(0, conv.Bias.Length).Any(k => conv.Weights.AsSpan(k * run, run).Count(1f) > 1);
    }

    // A copy of heads, or one that is transposed, is a convolution: it counts heads as channels.
    private FloatLayer AsCopy(FloatCopy copy)
    {
        TensorShape from = Shape(copy.Input);
        if (from.Batch == 1 && !copy.TransposeOutput && copy.Residual is null)
            return copy;
        return AsConvolution(
            new MoveLayer(copy.Name, copy.Input, copy.Output, [.. Enumerable.Range(0, from.Batch * from.Channels)])
            {
                Range = copy.Range,
                Activation = copy.Activation,
                Table = copy.Table,
                TransposeOutput = copy.TransposeOutput,
                Residual = copy.Residual,
                ResidualBroadcast = copy.ResidualBroadcast,
                ResidualSubtract = copy.ResidualSubtract,
                ResidualFactor = copy.ResidualFactor,
            }
        ) with
        {
            Factor = copy.Factor,
        };
    }

    private FloatConv AsConvolution(ScaleLayer scale) =>
        new(scale.Name, scale.Input, scale.Output)
        {
            Weights = scale.Factors,
            Bias = scale.Addends,
            Kernel = (1, 1),
            Groups = scale.Factors.Length,
            Range = scale.Range,
            Activation = scale.Activation,
            Residual = scale.Residual,
            ResidualBroadcast = scale.ResidualBroadcast,
            ResidualSubtract = scale.ResidualSubtract,
            ResidualFactor = scale.ResidualFactor,
            Factor = scale.Factor,
            Table = scale.Table,
            TransposeOutput = scale.TransposeOutput,
        };

    private FloatConv AsConvolution(MoveLayer move)
    {
        int inputs = Shape(move.Input).Batch * Shape(move.Input).Channels,
            outputs = move.Taps.Length;
        // As many groups as keep every output's source within its own.
        int groups = Enumerable
            .Range(1, Math.Min(inputs, outputs))
            .Where(g => inputs % g == 0 && outputs % g == 0)
            .Last(g => !move.Taps.Where((t, k) => t >= 0 && t % inputs / (inputs / g) != k / (outputs / g)).Any());
        int inGroup = inputs / groups,
            kernel = move.Kernel.Rows * move.Kernel.Columns;
        long count = (long)outputs * kernel * inGroup;
        if (count > MostMovedWeights)
            throw new InputException(
                FaultCodes.TooLarge,
                $"layer {move.Name}",
                $"moves elements by a convolution of {outputs} out of {kernel} x {inGroup} channels, {count} weights of 0 and 1",
                $"at most {MostMovedWeights} are supported"
            );
        var weights = new float[count];
        for (int k = 0; k < outputs; k++)
        {
            if (move.Taps[k] >= 0)
                weights[((((long)k * kernel) + (move.Taps[k] / inputs)) * inGroup) + (move.Taps[k] % inGroup)] = 1;
        }

        return new FloatConv(move.Name, move.Input, move.Output)
        {
            Weights = weights,
            Bias = new float[outputs],
            Kernel = move.Kernel,
            Stride = move.Stride,
            Dilation = move.Dilation,
            Padding = move.Padding,
            Groups = groups,
            IsDataMovement = true,
            Range = move.Range,
            Activation = move.Activation,
            Residual = move.Residual,
            ResidualBroadcast = move.ResidualBroadcast,
            ResidualSubtract = move.ResidualSubtract,
            ResidualFactor = move.ResidualFactor,
            Table = move.Table,
            TransposeOutput = move.TransposeOutput,
        };
    }
}
