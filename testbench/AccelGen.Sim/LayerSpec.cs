using System.Globalization;
using System.Text.RegularExpressions;
using AccelGen.Files;
using AccelGen.Isa;
using AccelGen.Network.Quantized;

namespace AccelGen.Sim;

/// <summary>
/// A layer workload in text: <c>conv HxWxC kK[xK] [sS] [pP] [dD] [gG] -> C2 [, keep N] [, keepout N]</c>,
/// <c>linear NxC -> C2 [, keep N]</c> or <c>matmul BxMxKxN</c>.
/// </summary>
public sealed partial record LayerSpec
{
    /// <summary>Name for reports.</summary>
    public required string Name { get; init; }

    /// <summary>The text it was read from.</summary>
    public required string Text { get; init; }

    /// <summary>conv, linear or matmul.</summary>
    public required string Kind { get; init; }

    /// <summary>Shape of the input.</summary>
    public required TensorShape Input { get; init; }

    /// <summary>Output channels.</summary>
    public required int OutputChannels { get; init; }

    /// <summary>Kernel rows and columns.</summary>
    public (int Rows, int Columns) Kernel { get; init; } = (1, 1);

    /// <summary>Stride in both directions.</summary>
    public int Stride { get; init; } = 1;

    /// <summary>Padding at all sides.</summary>
    public (int Rows, int Columns) Padding { get; init; }

    /// <summary>Dilation in both directions.</summary>
    public int Dilation { get; init; } = 1;

    /// <summary>Channel groups.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>Input channels kept by the path, or null.</summary>
    public int? Keep { get; init; }

    /// <summary>Output channels kept by the path, or null.</summary>
    public int? KeepOut { get; init; }

    /// <summary>Reads a layer.</summary>
    /// <exception cref="InputException">The text is wrong; the message names the part, the value, the legal range and an
    /// example.</exception>
    public static LayerSpec Parse(string text, string? name = null)
    {
        const string Grammar =
            "write 'conv HxWxC kK[xK] [sS] [pP] [dD] [gG] -> C2 [, keep N] [, keepout N]', 'linear NxC -> C2 [, keep "
            + "N]' or 'matmul BxMxKxN'";
        string trimmed = text.Trim();
        Match head = HeadPattern().Match(trimmed);
        if (!head.Success)
            throw new InputException(FaultCodes.MalformedLayer, $"layer '{text}'", Grammar);
        string kind = head.Groups["kind"].Value;
        int[] sizes = [.. head.Groups["size"].Value.Split('x').Select(s => Number(text, "size", s, 1, 65535))];
        string rest = trimmed[head.Length..];
        int expected = kind switch
        {
            "conv" => 3,
            "linear" => 2,
            _ => 4,
        };
        if (sizes.Length != expected)
            throw new InputException(
                FaultCodes.MalformedLayer,
                $"layer '{text}'",
                $"{kind} takes {expected} sizes, {sizes.Length} given",
                Grammar
            );
        if (kind == "matmul")
        {
            if (rest.Trim().Length > 0)
                throw new InputException(
                    FaultCodes.MalformedLayer,
                    $"layer '{text}'",
                    $"nothing may follow the sizes of matmul, found '{rest.Trim()}'"
                );
            var product = new LayerSpec
            {
                Name = name ?? trimmed,
                Text = trimmed,
                Kind = kind,
                Input = new TensorShape(sizes[0], 1, sizes[1], sizes[2]),
                OutputChannels = sizes[3],
            };
            product.CheckSizes(new TensorShape(sizes[0], 1, sizes[3], sizes[2]));
            return product;
        }

        Match tail = TailPattern().Match(rest);
        if (!tail.Success)
            throw new InputException(
                FaultCodes.MalformedLayer,
                $"layer '{text}'",
                $"after the sizes, '{rest.Trim()}' is not understood",
                Grammar
            );
        var spec = new LayerSpec
        {
            Name = name ?? trimmed,
            Text = trimmed,
            Kind = kind,
            Input = kind == "conv" ? new TensorShape(1, sizes[0], sizes[1], sizes[2]) : new TensorShape(1, 1, sizes[0], sizes[1]),
            OutputChannels = Number(text, "output channels", tail.Groups["out"].Value, 1, 65535),
        };
        int? padding = null;
        var given = new HashSet<char>();
        foreach (string option in tail.Groups["options"].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (kind == "linear")
                throw new InputException(FaultCodes.MalformedLayer, $"layer '{text}'", $"linear takes no '{option}'");
            if (!given.Add(option[0]))
                throw new InputException(
                    FaultCodes.MalformedLayer,
                    $"layer '{text}'",
                    $"'{option}' is the second {Term(option[0])}",
                    "each term is written once"
                );
            string value = option[1..];
            switch (option[0])
            {
                case 'k':
                    string[] parts = value.Split('x');
                    int rows = Number(text, "kernel", parts[0], 1, (int)ComputeCommand.KernelRows.Max);
                    spec = spec with
                    {
                        Kernel = (
                            rows,
                            parts.Length > 1 ? Number(text, "kernel", parts[1], 1, (int)ComputeCommand.KernelColumns.Max) : rows
                        ),
                    };
                    break;
                case 's':
                    spec = spec with { Stride = Number(text, "stride", value, 1, (int)ComputeCommand.StrideRows.Max) };
                    break;
                case 'p':
                    padding = Number(text, "padding", value, 0, MaxPadding);
                    break;
                case 'd':
                    spec = spec with { Dilation = Number(text, "dilation", value, 1, (int)ComputeCommand.DilationRows.Max) };
                    break;
                default:
                    spec = spec with { Groups = Number(text, "groups", value, 1, 65535) };
                    break;
            }
        }

        if (kind == "conv" && !given.Contains('k'))
            throw new InputException(
                FaultCodes.MalformedLayer,
                $"layer '{text}'",
                "the kernel is missing",
                $"add kK or kKxK, legal are 1 to {(int)ComputeCommand.KernelRows.Max}, such as k1"
            );
        // Odd kernels are padded so that stride 1 keeps the size.
        int Same(int kernel) => kernel % 2 == 1 ? (kernel - 1) * spec.Dilation / 2 : 0;
        spec = spec with { Padding = padding is int p ? (p, p) : (Same(spec.Kernel.Rows), Same(spec.Kernel.Columns)) };
        if (tail.Groups["keep"].Success)
            spec = spec with { Keep = Number(text, "keep", tail.Groups["keep"].Value, 1, spec.Input.Channels) };
        if (tail.Groups["keepout"].Success)
            spec = spec with { KeepOut = Number(text, "keepout", tail.Groups["keepout"].Value, 1, spec.OutputChannels) };
        if (spec.Input.Channels % spec.Groups != 0 || spec.OutputChannels % spec.Groups != 0)
            throw new InputException(
                FaultCodes.IllegalLayer,
                $"layer '{text}'",
                $"groups {spec.Groups} does not divide {spec.Input.Channels} input and {spec.OutputChannels} output channels"
            );
        if (spec.Groups > 1 && (spec.Keep is not null || spec.KeepOut is not null))
            throw new InputException(FaultCodes.IllegalLayer, $"layer '{text}'", "keep and keepout need groups 1");
        TensorShape o = spec.Output;
        int Reach(int kernel) => ((kernel - 1) * spec.Dilation) + 1;
        if (o.Height < 1 || o.Width < 1)
            throw new InputException(
                FaultCodes.IllegalLayer,
                $"layer '{text}'",
                $"a kernel of {Reach(spec.Kernel.Rows)}x{Reach(spec.Kernel.Columns)} with its dilation is larger than "
                    + $"the padded input, {spec.Input.Height + (2 * spec.Padding.Rows)}x"
                    + $"{spec.Input.Width + (2 * spec.Padding.Columns)}",
                "take a smaller kernel or dilation, or more padding"
            );
        spec.CheckSizes(new TensorShape(spec.OutputChannels, spec.Kernel.Rows, spec.Kernel.Columns, spec.Input.Channels / spec.Groups));
        return spec;
    }

    /// <summary>Most elements of an input, an output or a layer's weights: they are arrays in memory.</summary>
    public const long MaxElements = int.MaxValue / 2;

    // Each size by itself is legal; their product may be more than anything here can hold.
    private void CheckSizes(TensorShape weights)
    {
        string[] large =
        [
            .. new[] { ("input", Input), ("output", Output), (Kind == "matmul" ? "right operand" : "weights", weights) }
                .Where(t => t.Item2.Elements > MaxElements)
                .Select(t =>
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"the {t.Item1} of {t.Item2} {(t.Item1 == "weights" ? "have" : "has")} {t.Item2.Elements:N0} elements"
                    )
                ),
        ];
        if (large.Length > 0)
            throw new InputException(
                FaultCodes.IllegalLayer,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"layer '{Text}': {string.Join(", ", large)}; legal are up to {MaxElements:N0}: make a size smaller"
                )
            );
    }

    // Largest padding: coordinates of taps outside the image have 16 bits with their sign.
    private const int MaxPadding = 4095;

    // Largest value of a field of the COMPUTE command.

    private static string Term(char letter) =>
        letter switch
        {
            'k' => "kernel",
            's' => "stride",
            'p' => "padding",
            'd' => "dilation",
            _ => "number of groups",
        };

    /// <summary>Shape of the output.</summary>
    public TensorShape Output =>
        Kind == "matmul"
            ? Input with
            {
                Channels = OutputChannels,
            }
            : new TensorShape(
                1,
                Size(Input.Height, Kernel.Rows, Padding.Rows),
                Size(Input.Width, Kernel.Columns, Padding.Columns),
                OutputChannels
            );

    /// <summary>A network of this one layer with seeded random weights, scales, zero points and input.</summary>
    public (QuantizedNetwork Network, Dictionary<int, sbyte[]> Inputs, ExecutionPath Path) Build(int seed)
    {
        var random = new Random(seed);
        sbyte[] Values(long count, int low)
        {
            var values = new sbyte[count];
            for (long i = 0; i < count; i++)
                values[i] = (sbyte)random.Next(low, 128);
            return values;
        }

        int zeroIn = random.Next(-128, 128),
            zeroOut = random.Next(-128, 128);
        var tensors = new List<QuantizedTensor> { new(0, "input", Input, 0.05, zeroIn), new(1, "output", Output, 0.1, zeroOut) };
        var inputs = new Dictionary<int, sbyte[]> { [0] = Values(Input.Elements, -128) };
        int depth = Kind == "matmul" ? Input.Channels : Input.Channels / Groups * Kernel.Rows * Kernel.Columns;
        // Sums of that many random products spread over most of the int8 range.
        double factor = 50 / (Math.Sqrt(depth) * 74 * 105);
        var extents = new Dictionary<int, int>();
        QuantizedLayer layer;
        if (Kind == "matmul")
        {
            tensors.Add(new QuantizedTensor(2, "right", new TensorShape(Input.Batch, 1, OutputChannels, Input.Channels), 0.05, 0));
            inputs[2] = Values(tensors[2].Shape.Elements, -128);
            layer = new MatMulLayer(Name, 0, 2, 1, -128, 127, FixedPointScale.FromReal(factor));
            return (new QuantizedNetwork(Name, tensors, [layer], [], [0, 2], [1]), inputs, ExecutionPath.Whole);
        }

        if (Keep is int keep)
            extents[0] = keep;
        if (KeepOut is int keepOut)
            extents[1] = keepOut;
        layer = new ConvLayer(Name, 0, 1, random.Next(2) == 0 ? -128 : zeroOut, 127)
        {
            Weights = Values((long)OutputChannels * depth, -127),
            Bias = [.. Enumerable.Range(0, OutputChannels).Select(_ => random.Next(-20000, 20001))],
            Scales = [.. Enumerable.Range(0, OutputChannels).Select(_ => FixedPointScale.FromReal(factor * (0.5 + random.NextDouble())))],
            Kernel = Kernel,
            Stride = (Stride, Stride),
            Dilation = (Dilation, Dilation),
            Padding = (Padding.Rows, Padding.Columns, Padding.Rows, Padding.Columns),
            Groups = Groups,
            InputExtent = Keep is null ? null : 0,
            OutputExtent = KeepOut is null ? null : 1,
        };
        return (
            new QuantizedNetwork(Name, tensors, [layer], [], [0], [1]),
            inputs,
            new ExecutionPath("layer", new HashSet<int>(), extents)
        );
    }

    private int Size(int extent, int kernel, int padding)
    {
        int reach = ((kernel - 1) * Dilation) + 1;
        return extent + (2 * padding) < reach ? 0 : ((extent + (2 * padding) - reach) / Stride) + 1;
    }

    private static int Number(string text, string what, string value, int low, int high) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int n) && n >= low && n <= high
            ? n
            : throw new InputException(FaultCodes.IllegalLayer, $"layer '{text}'", $"{what} is '{value}'", $"legal are {low} to {high}");

    [GeneratedRegex(@"^(?<kind>conv|linear|matmul)\s+(?<size>\d+(x\d+)*)")]
    private static partial Regex HeadPattern();

    [GeneratedRegex(
        @"^(?<options>(\s+[kspdg]\d+(x\d+)?)*)\s*->\s*(?<out>\d+)\s*(,\s*keep\s+(?<keep>\d+))?\s*(,\s*keepout\s+(?<keepout>\d+))?\s*$"
    )]
    private static partial Regex TailPattern();
}
