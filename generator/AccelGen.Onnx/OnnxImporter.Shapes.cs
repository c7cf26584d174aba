using AccelGen.Files;
using AccelGen.Network;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Onnx;

/// <content>Operators that move or select elements, pooling and resampling.</content>
public sealed partial class OnnxImporter
{
    private string Reshape(OnnxNode node, Value?[] inputs)
    {
        // An open function of each element passes through; the steps of a normalisation do not.
        Activation x = Operand(node, inputs, 0);
        long[] sizes = x.View.Sizes;
        long[]? axes =
            node.Integers("axes")
            ?? (
                node.Operator is "Squeeze" or "Unsqueeze" && inputs.Length > 1 && inputs[1] is not null
                    ? ConstantFolder.Whole(Parameter(inputs, 1, "axes"))
                    : null
            );
        long[] dims = node.Operator switch
        {
            "Flatten" => ConstantFolder.Flattened(sizes, node.Integer("axis", 1)),
            "Reshape" => ConstantFolder.ReshapeDims(
                sizes,
                ConstantFolder.Whole(Parameter(inputs, 1, "shape")),
                node.Integer("allowzero", 0) == 1
            ),
            _ => ConstantFolder.Reshaped(node.Operator, sizes, axes),
        };
        values[node.Outputs[0]] = x with { View = x.View.Reshape(dims) };
        return "changes the shape only";
    }

    private string Transpose(OnnxNode node, Value?[] inputs)
    {
        Activation x = Operand(node, inputs, 0);
        values[node.Outputs[0]] = x with { View = x.View.Permute(ConstantFolder.Order(node, x.View.Rank)) };
        return "changes the order only";
    }

    private string Slice(OnnxNode node, Value?[] inputs)
    {
        Activation x = Operand(node, inputs, 0);
        SliceRange[] ranges = SliceRange.Of(
            node,
            x.View.Sizes,
            [
                .. inputs.Select(
                    (v, i) =>
                        i == 0 || v is null
                            ? null
                            : (v as Constant)?.Tensor
                                ?? throw new InputException(FaultCodes.WrongOperand, "starts, ends, axes and steps must be constants")
                ),
            ]
        );
        View view = x.View;
        for (int d = 0; d < ranges.Length; d++)
            view = Take(view, d, ranges[d]);
        values[node.Outputs[0]] = x with { View = view };
        return "selects elements";
    }

    private static View Take(View view, int dim, SliceRange range) =>
        range.Count >= 1
            ? view.Slice(dim, (int)range.Start, (int)range.Step, (int)range.Count)
            : throw new InputException(
                FaultCodes.ShapesDoNotFit,
                string.Empty,
                $"takes nothing of axis {dim} of {Text(view.Sizes)}",
                "a size must be positive"
            );

    private string Split(OnnxNode node, Value?[] inputs)
    {
        Activation x = Operand(node, inputs, 0);
        int axis = ConstantFolder.Axis(node.Integer("axis", 0), x.View.Rank),
            start = 0;
        int[] sizes = SplitSizes(node, x.View.Sizes, inputs);
        for (int i = 0; i < node.Outputs.Count; i++)
        {
            if (node.Outputs[i].Length > 0)
                values[node.Outputs[i]] = x with { View = Take(x.View, axis, new SliceRange(start, 1, sizes[i])) };
            start += sizes[i];
        }

        return "selects elements";
    }

    private static int[] SplitSizes(OnnxNode node, long[] dims, Value?[] inputs)
    {
        int axis = ConstantFolder.Axis(node.Integer("axis", 0), dims.Length),
            parts = node.Outputs.Count;
        long[]? given =
            node.Integers("split")
            ?? (inputs.Length > 1 && inputs[1] is not null ? ConstantFolder.Whole(Parameter(inputs, 1, "split")) : null);
        long each = (dims[axis] + parts - 1) / parts;
        long[] sizes = given ?? [.. Enumerable.Range(0, parts).Select(i => Math.Min(each, dims[axis] - (i * each)))];
        return sizes.Length == parts && sizes.All(s => s > 0) && sizes.Sum() == dims[axis]
            ? [.. sizes.Select(s => (int)s)]
            : throw new InputException(
                FaultCodes.ShapesDoNotFit,
                $"splits axis {axis} of {Text(dims)} into {Text(sizes)} for {parts} outputs"
            );
    }

    private string? Gather(OnnxNode node, Value?[] inputs)
    {
        Activation x = Operand(node, inputs, 0);
        int axis = ConstantFolder.Axis(node.Integer("axis", 0), x.View.Rank);
        OnnxTensor indices = Parameter(inputs, 1, "index");
        long size = x.View.Sizes[axis];
        int[] at =
        [
            .. ConstantFolder
                .Whole(indices)
                .Select(i =>
                    i >= -size && i < size
                        ? (int)(i < 0 ? i + size : i)
                        : throw new InputException(FaultCodes.IllegalAttribute, $"index {i} is outside axis {axis} of {Text(x.View.Sizes)}")
                ),
        ];
        if (indices.Dims.Length > 1 || at.Length == 0)
            throw new InputException(
                FaultCodes.ShapesDoNotFit,
                string.Empty,
                $"the index has shape {Text(indices.Dims)}",
                "one number or one list is supported"
            );
        if (BeginsResize(node, x.View, axis))
        {
            values[node.Outputs[0]] = new Gathered(Plain(node, x), at);
            return "part of a resize";
        }

        int step = at.Length > 1 ? at[1] - at[0] : 1;
        if (at.Select((v, i) => at[0] + (i * step) == v).All(v => v) && step != 0)
        {
            View view = x.View.Slice(axis, at[0], step, at.Length);
            values[node.Outputs[0]] = x with
            {
                View = indices.Dims.Length == 0 ? view with { Dims = [.. view.Dims.Where((_, d) => d != axis)] } : view,
            };
            return "selects elements";
        }

        // Any other list is a choice of channels.
        View v = Compute(node, x);
        Arrangement arranged = Arrange(v, [axis]);
        if (arranged.Layout.Channels.Any(d => arranged.Singles.Dims[d][0].Axis != TensorAxis.Channels))
            throw new InputException(
                FaultCodes.Arrangement,
                string.Empty,
                $"takes pixels {Text([.. at.Select(i => (long)i)])}",
                "evenly spaced pixels are supported, and any list of channels"
            );
        int tensor = network.Arrange(arranged.Singles, arranged.Layout, false, node.Name);
        TensorShape shape = network.Shape(tensor);
        int[] taps = [.. Enumerable.Range(0, shape.Batch).SelectMany(h => at.Select(i => (h * shape.Channels) + i))];
        return Bind(
            node,
            new Activation(
                Result(
                    arranged,
                    Emit(node, shape with { Channels = at.Length }, (name, to) => new MoveLayer(name, tensor, to, taps)),
                    [axis],
                    at.Length
                )
            )
        );
    }

    private string? Pad(OnnxNode node, Value?[] inputs)
    {
        View x = Input(node, inputs, 0);
        long[] sizes = x.Sizes,
            pads = node.Integers("pads") ?? ConstantFolder.Whole(Parameter(inputs, 1, "pads"));
        if (node.Text("mode", "constant") != "constant")
            throw new InputException(
                FaultCodes.UnsupportedForm,
                string.Empty,
                $"mode {node.Text("mode", "constant")} is not supported",
                "constant is"
            );
        // Padding with less than any number: only a maximum over windows reads that.
        float fill =
            inputs.Length > 2 && inputs[2] is not null
                ? Floats(Parameter(inputs, 2, "value"), "value") is [var f]
                    ? f
                    : throw new InputException(FaultCodes.WrongOperand, "the value must be one number")
                : node.Real("value", 0);
        if (inputs.Length > 3 && inputs[3] is not null)
        {
            long[] axes = ConstantFolder.Whole(Parameter(inputs, 3, "axes")),
                all = new long[2 * x.Rank];
            if (pads.Length != 2 * axes.Length)
                throw new InputException(FaultCodes.IllegalAttribute, $"pads {Text(pads)} do not fit axes {Text(axes)}");
            for (int i = 0; i < axes.Length; i++)
            {
                int axis = ConstantFolder.Axis(axes[i], x.Rank);
                (all[axis], all[axis + x.Rank]) = (pads[i], pads[i + axes.Length]);
            }

            pads = all;
        }

        if (pads.Length != 2 * x.Rank || pads.Any(p => p is < 0 or > 65535))
            throw new InputException(
                FaultCodes.UnsupportedForm,
                string.Empty,
                $"pads {Text(pads)} of {Text(sizes)}",
                "non-negative pads of every axis are supported"
            );
        if (float.IsNaN(fill) || fill == float.PositiveInfinity)
            throw new InputException(
                FaultCodes.WrongOperand,
                string.Empty,
                $"pads with {fill}",
                "a finite number is supported, and -infinity before a maximum"
            );
        if (fill <= float.MinValue && pads.Any(p => p > 0))
        {
            if (x.Rank != 4 || pads.Where((p, i) => p > 0 && i % 4 < 2).Any())
                throw new InputException(
                    FaultCodes.UnsupportedForm,
                    string.Empty,
                    $"pads {Text(sizes)} by {Text(pads)} with {fill}",
                    "that is supported for the rows and columns of an image, before a maximum over windows"
                );
            values[node.Outputs[0]] = new LowestPadded(new Activation(x), (int)pads[2], (int)pads[3], (int)pads[6], (int)pads[7]);
            return "padding of a maximum";
        }

        int[] padded = [.. Enumerable.Range(0, x.Rank).Where(d => pads[d] + pads[d + x.Rank] > 0)];
        View original = x;
        foreach (int d in padded)
            x = Place(node, x, d, (int)pads[d], (int)pads[d + x.Rank], RunsOverPixels(x, d));
        if (fill == 0 || padded.Length == 0)
            return Bind(node, new Activation(x), "changes nothing");
        // What is padded holds zeros so far: the value is added there.
        long[] grown = x.Sizes,
            maskDims = [.. grown.Select((n, d) => padded.Contains(d) ? n : 1)];
        var mask = new float[OnnxTensor.CountOf(maskDims)];
        for (int i = 0; i < mask.Length; i++)
        {
            bool inside = true;
            for (int d = grown.Length - 1, rest = i; d >= 0; rest /= (int)maskDims[d], d--)
                inside &= !padded.Contains(d) || (rest % maskDims[d] >= pads[d] && rest % maskDims[d] < pads[d] + sizes[d]);
            mask[i] = inside ? 0 : fill;
        }

        View filled = WithConstant(node, '+', x, OnnxTensor.Of(maskDims, mask), false, grown);
        if (fill == 1 && padded is [var last] && last == sizes.Length - 1 && pads[last] == 0 && pads[^1] == 1)
            paddedWithOnes[filled.Tensor] = (filled, original);
        return Bind(node, new Activation(filled));
    }

    // A view with zeros before and after along a dimension.
    private View Place(OnnxNode node, View x, int dim, int before, int after, bool pixels)
    {
        int size = (int)x.Sizes[dim],
            total = before + size + after;
        long[] grown = [.. x.Sizes.Select((n, d) => d == dim ? total : n)];
        Layout layout = PlaneLayout(x, dim, pixels);
        int tensor = network.Arrange(x, layout, false, node.Name);
        TensorShape shape = network.Shape(tensor);
        if (pixels)
        {
            bool row = layout.Rows.Contains(dim);
            int output = Emit(
                node,
                row ? shape with { Height = total } : shape with { Width = total },
                (name, to) =>
                    new MoveLayer(name, tensor, to, [.. Enumerable.Range(0, shape.Batch * shape.Channels)])
                    {
                        Padding = row ? (before, 0, after, 0) : (0, before, 0, after),
                    }
            );
            return network.Whole(output, grown, layout);
        }

        int inner = shape.Channels / size;
        // Checked before it is laid out: a file can ask for any pads.
        if ((long)shape.Batch * total * inner is > LayerGraph.MostMovedWeights and var channels)
            throw new InputException(
                FaultCodes.TooLarge,
                string.Empty,
                $"pads to {channels} channels",
                $"at most {LayerGraph.MostMovedWeights} are supported"
            );
        int[] taps =
        [
            .. Enumerable
                .Range(0, shape.Batch)
                .SelectMany(h =>
                    Enumerable
                        .Range(-before * inner, total * inner)
                        .Select(c => c >= 0 && c < shape.Channels ? (h * shape.Channels) + c : -1)
                ),
        ];
        return network.Whole(
            Emit(node, shape with { Channels = total * inner }, (name, to) => new MoveLayer(name, tensor, to, taps)),
            grown,
            layout
        );
    }

    // A dimension of one element runs over what it would in an image, or in a list of tokens.
    private static bool RunsOverPixels(View x, int dim) =>
        x.Dims[dim].Length > 0 ? x.Dims[dim].All(a => a.Axis == TensorAxis.Pixels)
        : x.Rank == 4 ? dim > 1
        : dim < x.Rank - 1;

    // A layout in which a dimension can grow: rows or columns of the plane, or the outermost of the channels.
    private static Layout PlaneLayout(View x, int dim, bool pixels)
    {
        int[] dims = [.. Enumerable.Range(0, x.Rank)];
        bool OnPixels(int d) =>
            d == dim ? pixels
            : x.Dims[d].Length > 0 ? x.Dims[d].Any(a => a.Axis == TensorAxis.Pixels)
            : x.Rank == 4 && d > 1;
        int[] plane = [.. dims.Where(OnPixels)],
            channels = [.. dims.Where(d => !OnPixels(d))];
        if (!pixels)
            return new Layout(
                [.. channels.Where(d => d < dim)],
                plane.Length > 1 ? [plane[0]] : [],
                plane.Length > 1 ? plane[1..] : plane,
                [.. channels.Where(d => d >= dim)]
            );
        int[] before = [.. plane.Where(d => d < dim)],
            after = [.. plane.Where(d => d > dim)];
        if (before.Length > 0 && after.Length > 0)
            throw new InputException(
                FaultCodes.Arrangement,
                string.Empty,
                $"grows the middle of three pixel axes of {Text(x.Sizes)}",
                "rows or columns are supported"
            );
        return after.Length > 0 ? new Layout([], [dim], after, channels) : new Layout([], before, [dim], channels);
    }

    private string? Concatenate(OnnxNode node, Value?[] inputs)
    {
        Value[] parts = [.. inputs.Select((_, i) => Source(inputs, i))];
        long[][] sizes = [.. parts.Select(Dims)];
        int rank = sizes[0].Length,
            axis = ConstantFolder.Axis(
                node.Has("axis") ? node.Integer("axis", 0) : throw new InputException(FaultCodes.MissingOperand, "axis is missing"),
                rank
            );
        if (sizes.Any(s => s.Length != rank || s.Where((n, d) => d != axis && n != sizes[0][d]).Any()))
            throw new InputException(
                FaultCodes.ShapesDoNotFit,
                string.Empty,
                $"joins {string.Join(" and ", sizes.Select(Text))} along axis {axis}",
                "the other sizes must be equal"
            );
        View?[] views = [.. parts.Select(p => p is Constant ? null : Plain(node, p))];
        if (parts.Length == 1)
        {
            values[node.Outputs[0]] = parts[0];
            return "passes through";
        }

        long[] grown = [.. sizes[0].Select((n, d) => d == axis ? sizes.Sum(s => s[axis]) : n)];
        // The widest part says whether the axis runs over pixels.
        View model = views.OfType<View>().MaxBy(v => v.Sizes[axis])!;
        bool pixels =
            model.Dims[axis].Length > 0 ? model.Dims[axis].All(a => a.Axis == TensorAxis.Pixels)
            : rank == 4 ? axis > 1
            : rank == 3 && axis == 1;
        Layout layout = PlaneLayout(model, axis, pixels);
        if (!pixels && layout.Batch.All(d => grown[d] == 1))
        {
            int[] tensors =
            [
                .. parts.Select(
                    (p, i) =>
                        network.Arrange(
                            views[i]
                                ?? ConstantView(node, ((Constant)p).Tensor, Floats(((Constant)p).Tensor, "constant"), sizes[i], layout),
                            layout,
                            false,
                            node.Name
                        )
                ),
            ];
            TensorShape first = network.Shape(tensors[0]);
            int output = Emit(
                node,
                first with
                {
                    Channels = tensors.Sum(t => network.Shape(t).Channels),
                },
                (name, to) => new FloatConcat(name, tensors, to)
            );
            return Bind(node, new Activation(network.Whole(output, grown, layout)));
        }

        // Along pixels, or head by head: every part in its place with zeros around, and the sum of all. Counts are brought to one scale
        // first.
        QuantizationParameters? common = quantized
            ? Next(node.Outputs[0])
                ?? (views.OfType<View>().Select(v => network.Fixed(v.Tensor)).Distinct().ToArray() is [{ } one] ? one : null)
            : null;
        View? sum = null;
        var fixedPart = new float[OnnxTensor.CountOf(grown)];
        bool any = false;
        long at = 0;
        int before = (int)grown[..axis].Aggregate(1L, (p, n) => p * n),
            after = (int)grown[(axis + 1)..].Aggregate(1L, (p, n) => p * n);
        for (int i = 0; i < parts.Length; i++)
        {
            long size = sizes[i][axis];
            if (views[i] is { } view)
            {
                if (common is { } q)
                    view = Rounded(new Activation(view), q, node);
                View arranged = network.Whole(network.Arrange(view, layout, false, node.Name), view.Sizes, layout);
                View placed = Place(node, arranged, axis, (int)at, (int)(grown[axis] - at - size), pixels);
                sum = sum is null ? placed : Two(node, '+', sum, placed, grown);
                if (common is { } same)
                    sum = Rounded(new Activation(sum), same, node);
            }
            else
            {
                float[] constant = Floats(((Constant)parts[i]).Tensor, "constant");
                any = true;
                for (int o = 0; o < before; o++)
                    constant
                        .AsSpan((int)(o * size * after), (int)(size * after))
                        .CopyTo(fixedPart.AsSpan((int)(((o * grown[axis]) + at) * after)));
            }

            at += size;
        }

        return Bind(
            node,
            new Activation(any ? WithConstant(node, '+', sum!, OnnxTensor.WithGrid(grown, fixedPart, common), false, grown) : sum!)
        );
    }

    private string? Pool(OnnxNode node, Value?[] inputs)
    {
        var around = Source(inputs, 0) as LowestPadded;
        View x = around is null ? Image(node, inputs, 0) : Image(node, [around.X], 0);
        int tensor = network.Arrange(x, Layout.Image, true, node.Name);
        TensorShape shape = network.Shape(tensor);
        if (node.Operator == "GlobalMaxPool")
        {
            (int, int) whole = (shape.Height, shape.Width);
            return Bind(
                node,
                ImageValue(
                    Emit(
                        node,
                        shape with
                        {
                            Height = 1,
                            Width = 1,
                        },
                        (name, to) => new FloatMaxPool(name, tensor, to) { Kernel = whole, Stride = whole }
                    )
                )
            );
        }

        if (node.Integers("dilations") is { } d && d.Any(v => v != 1))
            throw new InputException(FaultCodes.UnsupportedForm, string.Empty, $"dilations {Text(d)} are not supported", "1 is");
        if (node.Outputs.Count > 1 && node.Outputs[1].Length > 0)
            throw new InputException(
                FaultCodes.UnsupportedForm,
                string.Empty,
                "the indices of the largest values are not supported",
                "the first output is"
            );
        Size kernel = node.Has("kernel_shape")
                ? Pair(node, "kernel_shape")
                : throw new InputException(FaultCodes.MissingOperand, "kernel_shape is missing"),
            stride = Pair(node, "strides");
        TensorShape seen = around is null
            ? shape
            : shape with
            {
                Height = checked(around.Top + shape.Height + around.Bottom),
                Width = checked(around.Left + shape.Width + around.Right),
            };
        Padding padding = Padding(node, seen, kernel, stride, (1, 1));
        if (
            padding.Top >= kernel.Rows
            || padding.Bottom >= kernel.Rows
            || padding.Left >= kernel.Columns
            || padding.Right >= kernel.Columns
        )
            throw new InputException(FaultCodes.IllegalAttribute, $"pads {padding} must be smaller than the kernel {kernel}");
        if (node.Integer("ceil_mode", 0) != 0)
        {
            // One more window where one starts inside the image: padded below and to the right as far as it reaches.
            Padding further = new Window(kernel, stride, padding).Ceiling((seen.Height, seen.Width)).Padding;
            if (node.Operator == "AveragePool" && further != padding)
                throw new InputException(
                    FaultCodes.UnsupportedForm,
                    string.Empty,
                    "ceil_mode = 1 where a window leaves the image is not supported",
                    "pad the image first"
                );
            padding = further;
        }

        Size windows = Windows(new Window(kernel, stride, padding), seen);
        TensorShape to = shape with { Height = windows.Rows, Width = windows.Columns };
        if (node.Operator == "MaxPool")
        {
            if (around is not null)
                padding = (
                    padding.Top + around.Top,
                    padding.Left + around.Left,
                    padding.Bottom + around.Bottom,
                    padding.Right + around.Right
                );
            return Bind(node, ImageValue(MaxPool(node, tensor, to, kernel, stride, padding)));
        }

        Activation y = ImageValue(
            Emit(
                node,
                to,
                (name, result) =>
                    new FloatAveragePool(name, tensor, result)
                    {
                        Kernel = kernel,
                        Stride = stride,
                        Padding = padding,
                    }
            )
        );
        if (padding == default || node.Integer("count_include_pad", 0) != 0)
            return Bind(node, y);
        if (quantized)
            throw new InputException(
                FaultCodes.UnsupportedForm,
                string.Empty,
                "pads that do not count in the divisor (count_include_pad = 0) are not supported in quantised networks",
                "pool without pads, or count them"
            );
        // Windows at the border hold fewer pixels than the divisor counts.
        var factors = new float[to.Height * to.Width];
        for (int row = 0; row < to.Height; row++)
        {
            for (int column = 0; column < to.Width; column++)
                factors[(row * to.Width) + column] =
                    (float)kernel.Rows
                    * kernel.Columns
                    / (
                        Inside(row, stride.Rows, padding.Top, kernel.Rows, shape.Height)
                        * Inside(column, stride.Columns, padding.Left, kernel.Columns, shape.Width)
                    );
        }

        View map = ConstantView(
            node,
            OnnxTensor.Of([1, 1, to.Height, to.Width], factors),
            factors,
            [1, 1, to.Height, to.Width],
            Layout.Image
        );
        return Bind(node, new Activation(Two(node, '*', y.View, map, y.View.Sizes)));

        static int Inside(int at, int stride, int before, int kernel, int size) =>
            Math.Min((at * stride) - before + kernel, size) - Math.Max((at * stride) - before, 0);
    }

    private int MaxPool(OnnxNode node, int tensor, TensorShape to, Size kernel, Size stride, Padding padding)
    {
        TensorShape shape = network.Shape(tensor);
        // What the last window does not reach needs no padding.
        padding = new Window(kernel, stride, padding).Trimmed((shape.Height, shape.Width), (to.Height, to.Width)).Padding;
        return padding.Top < kernel.Rows && padding.Bottom < kernel.Rows && padding.Left < kernel.Columns && padding.Right < kernel.Columns
            ? Emit(
                node,
                to,
                (name, result) =>
                    new FloatMaxPool(name, tensor, result)
                    {
                        Kernel = kernel,
                        Stride = stride,
                        Padding = padding,
                    }
            )
            : throw new InputException(
                FaultCodes.ShapesDoNotFit,
                $"a window of {kernel} lies in the padding {padding} only, which has no maximum"
            );
    }

    private string? Resize(OnnxNode node, Value?[] inputs)
    {
        View x = Image(node, inputs, 0);
        if (
            node.Integer("antialias", 0) != 0
            || node.Integer("exclude_outside", 0) != 0
            || node.Text("keep_aspect_ratio_policy", "stretch") != "stretch"
        )
            throw new InputException(
                FaultCodes.IllegalAttribute,
                string.Empty,
                "antialias, exclude_outside and keep_aspect_ratio_policy are not supported",
                "export without them"
            );
        bool old = node.Operator == "Upsample" || graph.Opset < 11;
        string mode = node.Text("mode", "nearest"),
            coordinates = node.Text("coordinate_transformation_mode", old ? "asymmetric" : "half_pixel"),
            nearest = old ? "floor" : node.Text("nearest_mode", "round_prefer_floor");
        OnnxTensor? scaleInput = Optional(old ? 1 : 2),
            sizeInput = old ? null : Optional(3);
        float[]? scales = node.Reals("scales") ?? (scaleInput is { Count: > 0 } ? Floats(scaleInput, "scales") : null);
        long[]? sizes = sizeInput is { Count: > 0 } ? ConstantFolder.Whole(sizeInput) : null;
        int[] axes = [.. node.Integers("axes")?.Select(a => ConstantFolder.Axis(a, 4)) ?? Enumerable.Range(0, 4)];
        if ((scales is null) == (sizes is null) || (scales?.Length ?? sizes!.Length) != axes.Length)
            throw new InputException(FaultCodes.MissingOperand, "needs either scales or sizes, one for each axis");
        int tensor = network.Arrange(x, Layout.Image, true, node.Name);
        TensorShape shape = network.Shape(tensor);
        Resampling[] taps =
        [
            .. new[] { 0, 1, 2, 3 }.Select(axis =>
            {
                int at = Array.IndexOf(axes, axis);
                return Resampling.Of(
                    (int)x.Sizes[axis],
                    at < 0 ? 1 : scales?[at],
                    at < 0 ? null : sizes?[at],
                    mode,
                    coordinates,
                    nearest,
                    node.Real("cubic_coeff_a", -0.75f)
                );
            }),
        ];
        if (taps[0].Output != 1 || taps[1].Output != x.Sizes[1])
            throw new InputException(
                FaultCodes.UnsupportedForm,
                string.Empty,
                "resizes the batch or the channels",
                "rows and columns are supported"
            );
        if (taps[2].Output == shape.Height && taps[3].Output == shape.Width && taps[2].IsIdentity && taps[3].IsIdentity)
        {
            values[node.Outputs[0]] = new Activation(x);
            return "passes through";
        }

        Resampling r = taps[2],
            c = taps[3];
        if ((long)r.Up * c.Up > ResizeLayer.MostPhases)
            throw new InputException(
                FaultCodes.UnsupportedForm,
                string.Empty,
                $"repeats after {r.Up} rows and {c.Up} columns only, each pixel of which has weights of its own",
                $"at most {ResizeLayer.MostPhases} pixels are supported: choose sizes in a simpler ratio"
            );
        var resize = new FloatResize(string.Empty, tensor, -1)
        {
            Up = (r.Up, c.Up),
            Down = (r.Down, c.Down),
            Taps = (r.Taps, c.Taps),
            FirstRow = r.First,
            FirstColumn = c.First,
            RowWeights = r.Weights,
            ColumnWeights = c.Weights,
        };
        if (mode == "cubic" && (r.Taps > 1 || c.Taps > 1))
        {
            int rows = Emit(
                node,
                shape with
                {
                    Height = FloatResize.CubicCopies * shape.Height,
                },
                (name, to) => resize.Finer(FloatResize.CubicCopies, name, to).Repeat
            );
            if (network.Fixed(tensor) is { } counts)
                network.Fix(rows, counts);
            resize = resize.Finer(FloatResize.CubicCopies, string.Empty, rows).Fine;
        }

        return Bind(
            node,
            ImageValue(
                Emit(node, shape with { Height = r.Output, Width = c.Output }, (name, to) => resize with { Name = name, Output = to })
            )
        );

        OnnxTensor? Optional(int i) => i < inputs.Length && inputs[i] is not null ? Parameter(inputs, i, "scales or sizes") : null;
    }
}
