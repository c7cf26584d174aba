namespace AccelGen.Tests.Shared;

/// <summary>Operators on images: convolutions, pooling, resampling, normalisation of channels.</summary>
internal static partial class OperatorDraws
{
    private static OperatorDraw[] Windows =>
        [
            new("Conv", 14, Conv),
            new(
                "Conv pointwise",
                6,
                (m, d) =>
                    m.Image(d) is { } x
                    && m.Allows(x.Elements * 64, With(x.Dims, 1, 64))
                    && d.Channels(64) is var k
                    && m.Give(Pointwise(m, d, x, k), x.Size, With(x.Dims, 1, k))
            ),
            new("Conv of rank 3", 1, ConvOfLines, Refused: true),
            new("ConvTranspose", 1, ConvTransposed, Refused: true),
            new("BatchNormalization", 3, (m, d) => m.Image(d) is { } x && m.Give(BatchNorm(m, x.Name, x.Dims[1]), x.Size, x.Dims)),
            new("MaxPool", 3, (m, d) => Pool(m, d, "MaxPool")),
            new("AveragePool", 3, (m, d) => Pool(m, d, "AveragePool")),
            new(
                "Global pool",
                3,
                (m, d) =>
                    m.Image(d) is { } x && m.Give(m.Node(d.Of("GlobalAveragePool", "GlobalMaxPool"), [x.Name]), x.Size, 1, x.Dims[1], 1, 1)
            ),
            new("Resize", 4, Resize, Opset: 10),
            new(
                "Upsample",
                1,
                (m, d) =>
                    m.Opset == 9
                    && m.Image(d) is { } x
                    && d.Next(1, 4) is var f
                    && m.Allows(0, 1, x.Dims[1], x.Dims[2] * f, x.Dims[3] * f)
                    && m.Give(
                        m.Node("Upsample", [x.Name, m.Constant([1, 1, f, f], 4)], ("mode", d.Of("nearest", "linear"))),
                        x.Size,
                        1,
                        x.Dims[1],
                        x.Dims[2] * f,
                        x.Dims[3] * f
                    )
            ),
            new("Residual block", 5, ResidualBlock),
            new("Inverted bottleneck", 3, InvertedBottleneck),
            new("Squeeze and excitation", 2, SqueezeAndExcitation),
            new("Parts joined again", 4, Inception),
        ];

    private static string Pointwise(ModelDraft m, Draw d, DraftValue x, long outputs) =>
        m.Node("Conv", [x.Name, m.Weights(d, 1.7 / Math.Sqrt(x.Dims[1]), outputs, x.Dims[1], 1, 1), m.Random(0.3, 0, outputs)]);

    private static string Depthwise(ModelDraft m, string x, long channels, int kernel) =>
        m.Node(
            "Conv",
            [x, m.Random(1.7 / kernel, 0, channels, 1, kernel, kernel), m.Random(0.3, 0, channels)],
            ("group", (int)channels),
            ("pads", L(kernel / 2, kernel / 2, kernel / 2, kernel / 2))
        );

    private static string BatchNorm(ModelDraft m, string x, long channels) =>
        m.Node(
            "BatchNormalization",
            [x, m.Random(0.5, 1, channels), m.Random(0.3, 0, channels), m.Random(0.3, 0, channels), m.Random(0.5, 1, channels)],
            ("epsilon", 1e-4f)
        );

    // One axis of a window.
    private sealed record Axis(long Size, int Kernel, int Stride, int Dilation, int Before, int After)
    {
        public int Reach => ((Kernel - 1) * Dilation) + 1;

        public long Steps => ((Size + Before + After - Reach) / Stride) + 1;

        public bool Fits => Size + Before + After >= Reach;
    }

    // Kernel, stride, dilation and padding in any combination: padding may be as large as the kernel, and larger, or beyond 31.
    private static Axis DrawAxis(Draw d, long size, bool pooling)
    {
        int kernel = d.Rarely(10) ? d.Size(48) : d.Of(1, 3, 2, 5, 3, 7, 4),
            stride = d.Rarely(10) ? d.Size(40) : d.Of(1, 1, 2, 3, 1, 4),
            dilation = d.Rarely(4) ? d.Of(2, 3, d.Size(20)) : 1;
        if (pooling)
            dilation = 1;
        int reach = ((kernel - 1) * dilation) + 1;
        (int before, int after) = d.Next(0, 7) switch
        {
            0 => (0, 0),
            1 or 2 => ((reach - 1) / 2, reach / 2),
            3 => (d.Next(0, kernel), d.Next(0, kernel)),
            4 => (d.Next(0, reach + 1), d.Next(0, reach + 1)),
            5 => (d.Next(0, (2 * reach) + 2), d.Next(0, (2 * reach) + 2)),
            _ => d.Rarely(3) ? (d.Size(70), d.Size(70)) : (d.Next(0, 3), d.Next(0, 3)),
        };
        if (pooling)
            (before, after) = (Math.Min(before, kernel - 1), Math.Min(after, kernel - 1));
        var axis = new Axis(size, kernel, stride, dilation, before, after);
        return axis.Fits
            ? axis
            : axis with
            {
                Kernel = 1,
                Before = Math.Min(before, pooling ? 0 : before),
                After = Math.Min(after, pooling ? 0 : after),
            };
    }

    private static (Axis Rows, Axis Columns, (string, object)[] Attributes) DrawWindow(Draw d, DraftValue x, bool pooling)
    {
        Axis rows = DrawAxis(d, x.Dims[2], pooling);
        Axis columns =
            d.Coin() ? DrawAxis(d, x.Dims[3], pooling)
            : rows with { Size = x.Dims[3] } is { Fits: true } same ? same
            : DrawAxis(d, x.Dims[3], pooling);
        var attributes = new List<(string, object)> { ("strides", L(rows.Stride, columns.Stride)) };
        if (pooling || !d.Rarely(4))
            attributes.Add(("kernel_shape", L(rows.Kernel, columns.Kernel)));
        if (rows.Dilation != 1 || columns.Dilation != 1)
            attributes.Add(("dilations", L(rows.Dilation, columns.Dilation)));
        // A stride beyond the kernel would have it take pixels away.
        bool ordinary =
            rows.Dilation == 1
            && columns.Dilation == 1
            && rows.Kernel >= rows.Stride
            && columns.Kernel >= columns.Stride
            && rows.Kernel <= rows.Size
            && columns.Kernel <= columns.Size;
        string padding = ordinary && d.Rarely(10) ? d.Of("VALID", "SAME_UPPER", "SAME_LOWER") : "NOTSET";
        if (padding == "NOTSET")
        {
            attributes.Add(("pads", L(rows.Before, columns.Before, rows.After, columns.After)));
            return (rows, columns, [.. attributes]);
        }

        attributes.Add(("auto_pad", padding));
        return (Automatic(rows), Automatic(columns), [.. attributes]);

        Axis Automatic(Axis a)
        {
            long missing =
                padding == "VALID" ? 0 : Math.Max(0, ((((a.Size + a.Stride - 1) / a.Stride) - 1) * a.Stride) + a.Kernel - a.Size);
            return a with { Before = (int)missing, After = 0 };
        }
    }

    private static bool Conv(ModelDraft m, Draw d)
    {
        if (m.Image(d) is not { } x)
            return false;
        (Axis rows, Axis columns, (string, object)[] attributes) = DrawWindow(d, x, pooling: false);
        long channels = x.Dims[1],
            outputs = d.Channels(96),
            groups = 1;
        switch (d.Next(0, 4))
        {
            case 2:
                groups = channels;
                outputs = channels * d.Of(1, 1, 2);
                break;
            case 3:
                groups = Enumerable.Range(1, 8).Last(g => channels % g == 0);
                outputs = groups * d.Next(1, 9);
                break;
        }

        long[] dims = [1, outputs, rows.Steps, columns.Steps];
        if (
            !rows.Fits
            || !columns.Fits
            || rows.Steps < 1
            || columns.Steps < 1
            || !m.Allows(Product(dims) * channels / groups * rows.Kernel * columns.Kernel, dims)
        )
            return false;
        string weights = m.Weights(
            d,
            1.7 / Math.Sqrt(channels / groups * rows.Kernel * columns.Kernel),
            outputs,
            channels / groups,
            rows.Kernel,
            columns.Kernel
        );
        string[] bias = d.Next(0, 4) switch
        {
            0 => [],
            3 => [string.Empty],
            _ => [m.Random(0.3, 0, outputs)],
        };
        return m.Give(
            m.Node("Conv", [x.Name, weights, .. bias], groups == 1 && d.Coin() ? attributes : [.. attributes, ("group", (int)groups)]),
            x.Size,
            dims
        );
    }

    private static bool ConvOfLines(ModelDraft m, Draw d)
    {
        if (m.Pick(d, v => v.IsTokens) is not { } x)
            return false;
        Axis axis = DrawAxis(d, x.Dims[2], pooling: false);
        long outputs = d.Channels(32);
        if (!axis.Fits || !m.Allows(axis.Steps * outputs * x.Dims[1] * axis.Kernel, 1, outputs, axis.Steps))
            return false;
        string weights = m.Random(1.7 / Math.Sqrt(x.Dims[1] * axis.Kernel), 0, outputs, x.Dims[1], axis.Kernel);
        return m.Give(
            m.Node(
                "Conv",
                [x.Name, weights],
                ("strides", L(axis.Stride)),
                ("dilations", L(axis.Dilation)),
                ("pads", L(axis.Before, axis.After))
            ),
            x.Size,
            1,
            outputs,
            axis.Steps
        );
    }

    private static bool ConvTransposed(ModelDraft m, Draw d)
    {
        if (m.Image(d) is not { } x)
            return false;
        int kernel = d.Of(2, 3, 4, 1),
            stride = d.Of(2, 1, 3),
            pad = d.Next(0, (kernel / 2) + 1),
            more = d.Next(0, stride);
        long Steps(long size) => ((size - 1) * stride) - (2 * pad) + kernel + more;
        long groups = d.Rarely(3) ? Enumerable.Range(1, 4).Last(g => x.Dims[1] % g == 0) : 1,
            outputs = groups * d.Next(1, 9);
        long[] dims = [1, outputs, Steps(x.Dims[2]), Steps(x.Dims[3])];
        if (!m.Allows(Product(dims) * x.Dims[1] * kernel * kernel, dims))
            return false;
        string weights = m.Random(1.7 / Math.Sqrt(x.Dims[1] * kernel), 0, x.Dims[1], outputs / groups, kernel, kernel);
        return m.Give(
            m.Node(
                "ConvTranspose",
                [x.Name, weights],
                ("strides", L(stride, stride)),
                ("pads", L(pad, pad, pad, pad)),
                ("output_padding", L(more, more)),
                ("group", (int)groups)
            ),
            x.Size,
            dims
        );
    }

    private static bool Pool(ModelDraft m, Draw d, string op)
    {
        if (m.Image(d) is not { } x)
            return false;
        (Axis rows, Axis columns, (string, object)[] attributes) = DrawWindow(d, x, pooling: true);
        bool given = attributes.Any(a => a.Item1 == "pads"),
            up = given && m.Opset >= 19 - (op == "MaxPool" ? 9 : 0) && d.Rarely(6),
            counted = d.Coin();
        // A window that begins beyond the image and its first padding is none.
        long Steps(Axis a) =>
            !up ? a.Steps
            : ((a.Size + a.Before + a.After - a.Reach + a.Stride - 1) / a.Stride) + 1 is var s && (s - 1) * a.Stride >= a.Size + a.Before
                ? s - 1
            : s;
        long[] dims = [1, x.Dims[1], Steps(rows), Steps(columns)];
        if (!rows.Fits || !columns.Fits || !m.Allows(Product(dims) * rows.Kernel * columns.Kernel, dims))
            return false;
        if (up)
            attributes = [.. attributes, ("ceil_mode", 1)];
        if (op == "AveragePool")
            attributes = [.. attributes, ("count_include_pad", counted ? 1 : 0)];
        return m.Give(m.Node(op, [x.Name], attributes), x.Size, dims);
    }

    private static bool Resize(ModelDraft m, Draw d)
    {
        if (m.Image(d) is not { } x)
            return false;
        string mode = d.Of("nearest", "linear", "cubic");
        bool bySize = m.Opset >= 11 && d.Coin();
        long Target(long size) =>
            d.Next(0, 6) switch
            {
                0 => 2 * size,
                1 => size,
                2 => 4 * size,
                3 => Math.Max(1, size / 2),
                4 => size + d.Next(1, 8),
                _ => d.Size(60),
            };
        long rows = Target(x.Dims[2]),
            columns = Target(x.Dims[3]);
        if (!bySize)
            (rows, columns) = (x.Dims[2] * (rows = d.Next(1, 5)), x.Dims[3] * (columns = d.Next(1, 5)));
        if (!m.Allows(rows * columns * x.Dims[1] * 16, 1, x.Dims[1], rows, columns))
            return false;
        string scales = bySize ? string.Empty : m.Constant([1, 1, rows / x.Dims[2], columns / x.Dims[3]], 4);
        if (m.Opset == 10)
            return m.Give(
                m.Node("Resize", [x.Name, scales], ("mode", mode == "cubic" ? "linear" : mode)),
                x.Size,
                1,
                x.Dims[1],
                rows,
                columns
            );
        string coordinates = d.Of("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"),
            region = m.Opset < 13 ? m.Constant([], 0) : string.Empty;
        string[] inputs = bySize
            ? [x.Name, region, m.Opset < 13 ? m.Constant([], 0) : string.Empty, m.Integers(1, x.Dims[1], rows, columns)]
            : [x.Name, region, scales];
        (string, object)[] attributes = [("mode", mode), ("coordinate_transformation_mode", coordinates)];
        if (mode == "nearest")
            attributes = [.. attributes, ("nearest_mode", d.Of("round_prefer_floor", "floor", "ceil", "round_prefer_ceil"))];
        return m.Give(m.Node("Resize", inputs, attributes), x.Size, 1, x.Dims[1], rows, columns);
    }

    private static bool ResidualBlock(ModelDraft m, Draw d)
    {
        if (m.Image(d) is not { } x || !m.Allows(x.Elements * x.Dims[1] * 20, x.Dims))
            return false;
        long c = x.Dims[1];
        int kernel = d.Of(3, 1, 5);
        string Conv(string y) =>
            m.Node(
                "Conv",
                [y, m.Weights(d, 1.2 / Math.Sqrt(c * kernel * kernel), c, c, kernel, kernel), m.Random(0.2, 0, c)],
                ("pads", L(kernel / 2, kernel / 2, kernel / 2, kernel / 2))
            );
        string branch = m.Node(d.Of("Relu", "Sigmoid"), [Conv(x.Name)]);
        branch = d.Coin() ? BatchNorm(m, Conv(branch), c) : Conv(branch);
        string sum = m.Node(d.Of("Add", "Add", "Sub"), d.Coin() ? [branch, x.Name] : [x.Name, branch]);
        return m.Give(d.Coin() ? m.Node("Relu", [sum]) : sum, x.Size * 1.3, x.Dims);
    }

    private static bool InvertedBottleneck(ModelDraft m, Draw d)
    {
        if (m.Image(d) is not { } x)
            return false;
        long c = x.Dims[1],
            wide = c * d.Of(2, 4, 6),
            k = d.Coin() ? c : d.Channels(48);
        int kernel = d.Of(3, 5, 1);
        if (!m.Allows(x.Dims[2] * x.Dims[3] * wide * (c + (kernel * kernel) + k), With(x.Dims, 1, Math.Max(wide, k))))
            return false;
        string Active(string y) => d.Coin() ? m.Node("Clip", [y, m.Number(0), m.Number(6)]) : m.Node("Relu", [y]);
        if (m.Opset < 11)
            return false;
        string y = Active(Pointwise(m, d, x, wide));
        y = Active(Depthwise(m, y, wide, kernel));
        y = Pointwise(m, d, new DraftValue(y, With(x.Dims, 1, wide)), k);
        return m.Give(k == c && !d.Rarely(3) ? m.Node("Add", [x.Name, y]) : y, x.Size, With(x.Dims, 1, k));
    }

    private static bool SqueezeAndExcitation(ModelDraft m, Draw d)
    {
        if (m.Image(d) is not { } x)
            return false;
        long c = x.Dims[1],
            few = d.Next(1, 9);
        string pooled = d.Coin()
            ? m.NodeWithList("ReduceMean", x.Name, 18, "axes", L(2, 3), ("keepdims", 1))
            : m.Node("GlobalAveragePool", [x.Name]);
        string y = m.Node("Relu", [Pointwise(m, d, new DraftValue(pooled, [1, c, 1, 1]), few)]);
        y = m.Node(d.Of("Sigmoid", "HardSigmoid"), [Pointwise(m, d, new DraftValue(y, [1, few, 1, 1]), c)]);
        string gated = m.Node("Mul", d.Coin() ? [y, x.Name] : [x.Name, y]);
        return m.Give(d.Rarely(3) ? m.Node("Add", [gated, x.Name]) : gated, x.Size, x.Dims);
    }

    // Branches of one image joined at once, or some of them before the others: concatenations of concatenations.
    private static bool Inception(ModelDraft m, Draw d)
    {
        if (m.Image(d) is not { } x || m.Opset < 11)
            return false;
        int count = d.Next(2, 6);
        long each = d.Channels(32),
            work = x.Elements * each * count;
        if (!m.Allows(work, With(x.Dims, 1, each * count)))
            return false;
        var parts = new List<DraftValue>();
        for (int i = 0; i < count; i++)
        {
            long k = d.Coin() ? d.Channels(32) : each;
            string y = d.Rarely(6) ? x.Name : Pointwise(m, d, x, k);
            parts.Add(
                new DraftValue(d.Rarely(3) && y != x.Name ? m.Node("Relu", [y]) : y, With(x.Dims, 1, y == x.Name ? x.Dims[1] : k), x.Size)
            );
        }

        while (parts.Count > 1)
        {
            int take = Math.Min(parts.Count, d.Next(2, 5)),
                from = d.Next(0, parts.Count - take + 1);
            DraftValue[] some = [.. parts.Skip(from).Take(take)];
            DraftValue whole = new(
                m.Node("Concat", [.. some.Select(p => p.Name)], ("axis", d.Of(1, -3))),
                With(x.Dims, 1, some.Sum(p => p.Dims[1])),
                x.Size
            );
            parts.RemoveRange(from, take);
            parts.Insert(d.Next(0, parts.Count + 1), whole);
            if (d.Rarely(3))
                m.Give(whole);
        }

        return m.Allows(0, parts[0].Dims) && m.Give(parts[0]);
    }
}
