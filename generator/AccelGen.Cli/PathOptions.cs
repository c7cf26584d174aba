using System.CommandLine;
using AccelGen.Config;
using AccelGen.Files;
using AccelGen.Golden;
using AccelGen.Network.Dynamic;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Quantization;
using Microsoft.Extensions.Logging;

namespace AccelGen.Cli;

/// <summary>Options that say which paths of a network are meant, and how channels are chosen.</summary>
internal sealed class PathOptions
{
    private const string ByImportance = "importance",
        OfFile = "file",
        WhereBest = "best",
        Always = "true",
        Never = "false";

    // Images on which paths are tried with and without means: one of a segmentation has thousands of classes.
    private const int DenseTrials = 4,
        SingleTrials = 64;

    private readonly Option<string[]> skip = new("--skip")
    {
        Description =
            "Blocks to skip, by index, range or name: \"3\", \"0,4-6\", \"layer1.2\"; \"none\" is the whole network. "
            + "Each --skip is a path; all paths run on one program.",
        DefaultValueFactory = _ => [],
    };
    private readonly Option<string[]> subnets = new("--subnet")
    {
        Description =
            "ONNX file of a subnet, a smaller network whose weights are slices of this one's (or an architecture); "
            + "each is a path of its own, beside the whole network.",
        DefaultValueFactory = _ => [],
    };
    private readonly Option<string?> paths = new("--paths")
    {
        Description = "JSON file of paths: blocks skipped and channels kept, by name (docs/paths.md).",
    };
    private readonly Option<string[]> only = new("--path")
    {
        Description = "Name of a path of the file, or of a subnet, to run; may be repeated. All of them without it.",
        DefaultValueFactory = _ => [],
    };
    private readonly Option<string> order = new("--order")
    {
        Description =
            "Which channels a path keeps: those of most importance on the calibration images (importance), or the first ones (file).",
        DefaultValueFactory = _ => ByImportance,
    };
    private readonly Option<string> means = new("--means")
    {
        Description =
            "Whether biases take in the mean of what a path drops, on the calibration images: on the paths whose "
            + "classes on some of them come nearer to those of the whole network (best), on all (true) or none (false).",
        DefaultValueFactory = _ => WhereBest,
    };

    // Statistics of channels on the calibration images, by the layer that reads them.
    private (QuantizedNetwork? Network, Dictionary<int, ChannelStatistics> ByReader) collected = (null, []);

    /// <summary>Adds the options to a command.</summary>
    public PathOptions(Command command)
    {
        foreach (Option option in All)
            command.Add(option);
    }

    private IEnumerable<Option> All => [skip, subnets, paths, only, order, means];

    /// <summary>Subnets that the user named.</summary>
    /// <exception cref="InputException">Other paths are named as well.</exception>
    public IReadOnlyList<string> Subnets(ParseResult result)
    {
        string[] named = result.GetValue(subnets)!;
        string? other =
            result.GetValue(skip)!.Length > 0 ? skip.Name
            : result.GetValue(paths) is not null ? paths.Name
            : null;
        return named.Length == 0 || other is null
            ? named
            : throw new InputException(
                FaultCodes.OptionsExclude,
                string.Empty,
                $"{subnets.Name} makes a path of each file",
                $"leave out {other}"
            );
    }

    /// <summary>The options that prepare the same program, as the user gave them.</summary>
    public string Arguments(ParseResult result) =>
        string.Concat(Subnets(result).Select(s => $" {subnets.Name} {s}"))
        + string.Concat(
            new Option[] { paths, order, means }
                .Where(o => result.GetResult(o) is { Implicit: false })
                .Select(o => $" {o.Name} {string.Join(' ', result.GetResult(o)!.Tokens.Select(t => t.Value))}")
        );

    /// <summary>Paths are named, by a file or one by one.</summary>
    public bool Given(ParseResult result) => result.GetValue(paths) is not null || result.GetValue(skip)!.Length > 0;

    /// <summary>All paths that the user named one by one, as options.</summary>
    public string Named(ParseResult result) =>
        string.Concat(
            result.GetValue(skip)!.Select(t => $" {skip.Name} {t}").Concat(result.GetValue(only)!.Select(t => $" {only.Name} {t}"))
        );

    /// <summary>A path as an option.</summary>
    public string Argument(ParseResult result, ExecutionPath path) =>
        result.GetValue(paths) is not null || Subnets(result).Count > 0
            ? $"--path {path.Name}"
            : $"--skip {(path.SkippedBlocks.Count == 0 ? "none" : string.Join(',', path.SkippedBlocks.Order()))}";

    /// <summary>Prepares a network for its paths.</summary>
    /// <param name="result">Command line.</param>
    /// <param name="model">Network.</param>
    /// <param name="config">Configuration.</param>
    /// <param name="log">Progress.</param>
    /// <param name="cancellation">Stops the calibration runs.</param>
    /// <param name="ladder">Paths where no option names any, or null: the whole network.</param>
    /// <exception cref="InputException">Options or paths are wrong.</exception>
    public DynamicNetwork Prepare(
        ParseResult result,
        LoadedModel model,
        AcceleratorConfig config,
        ILogger log,
        CancellationToken cancellation,
        IReadOnlyList<PathPlan>? ladder = null
    )
    {
        string[] skipped = result.GetValue(skip)!;
        QuantizedNetwork network = model.Quantized;
        if (result.GetValue(order) is not (ByImportance or OfFile))
            throw new InputException(
                FaultCodes.IllegalOption,
                string.Empty,
                $"--order is '{result.GetValue(order)}'",
                $"legal are {ByImportance} and {OfFile}"
            );
        if (result.GetValue(means) is not (WhereBest or Always or Never))
            throw new InputException(
                FaultCodes.IllegalOption,
                string.Empty,
                $"--means is '{result.GetValue(means)}'",
                $"legal are {WhereBest}, {Always} and {Never}"
            );
        string? file = result.GetValue(paths);
        if (model.Family is { } family)
            return Chosen(result, Explained(subnets.Name, () => family.Join(config.Control.DynamicRegisters)), subnets.Name);

        if (file is null && (ladder is null || skipped.Length > 0))
            return OfBlocks(result, network);
        if (skipped.Length > 0)
            throw new InputException(
                FaultCodes.OptionsExclude,
                string.Empty,
                "--skip is the short form of a path",
                "with --paths, write it into the file"
            );
        int width = config.Array.VectorWidth;
        IReadOnlyList<ChannelCut> cuts = ChannelCuts.Find(network);
        IReadOnlyList<PathPlan> plans = file is null ? ladder! : PathFile.Load(file, network, cuts, width);
        file ??= Ladder;
        OrderedCut[] ordered = Ordered(
            result,
            model,
            [.. cuts.Where(c => plans.Any(p => p.KeptOf(c) < c.Channels))],
            file,
            width,
            log,
            cancellation
        );
        DynamicNetwork prepared = Explained(
            file,
            () => DynamicNetwork.Prepare(network, ordered, plans, width, config.Control.DynamicRegisters)
        );
        if (result.GetValue(means) == WhereBest && model.Quantization is { Synthetic: false })
            prepared = DynamicNetwork.Prepare(
                network,
                ordered,
                BestMeans(model, ordered, plans, width, log, cancellation),
                width,
                config.Control.DynamicRegisters
            );
        return Chosen(result, prepared, file);
    }

    // Paths that skip blocks alone, or the whole network.
    private DynamicNetwork OfBlocks(ParseResult result, QuantizedNetwork network)
    {
        if (result.GetValue(only)!.Length > 0)
            throw new InputException(FaultCodes.MissingOption, string.Empty, "--path chooses from the file that --paths names", "name one");
        string[] skipped = result.GetValue(skip)!;
        return new DynamicNetwork(
            network,
            skipped.Length == 0
                ? [ExecutionPath.Whole]
                : [.. skipped.Select(t => BlockList.Parse(ResidualBlocks.Expand(t, network.Blocks), network.Blocks))]
        );
    }

    private static IReadOnlyList<PathPlan> BestMeans(
        LoadedModel model,
        OrderedCut[] cuts,
        IReadOnlyList<PathPlan> plans,
        int width,
        ILogger log,
        CancellationToken cancellation
    )
    {
        QuantizedNetwork network = model.Quantized;
        TensorShape shape = network.Tensors[network.Outputs[0]].Shape;
        sbyte[][] samples = Counts(model, shape.Height * shape.Width == 1 ? SingleTrials : DenseTrials);
        Progress? progress = null;
        IReadOnlyList<PathPlan> best = PathChanges.WithBestMeans(
            network,
            cuts,
            plans,
            width,
            samples,
            (_, all) => (progress ??= new Progress(log, "means", "runs", all)).Add(1),
            cancellation
        );
        PathPlan[] dropping = [.. best.Where(p => p.TakesMeansOf(cuts) is not null)];
        if (dropping.Length > 0)
            log.LogInformation(
                "means of what is dropped are taken in on {Taken} of {Paths} paths",
                dropping.Count(p => p.TakesMeans),
                dropping.Length
            );
        return best;
    }

    private static sbyte[][] Counts(LoadedModel model, int images) =>
        [.. model.Calibration.Take(images).Select(i => Quantizer.QuantizeValues(model.Quantized.Tensors[model.Quantized.Inputs[0]], i))];

    // The paths that the user chose of those there are.
    private DynamicNetwork Chosen(ParseResult result, DynamicNetwork prepared, string source)
    {
        string[] wanted = result.GetValue(only)!;
        string[] unknown = [.. wanted.Where(w => prepared.Paths.All(p => p.Name != w))];
        if (unknown.Length > 0)
            throw new InputException(
                FaultCodes.PathName,
                $"--path {string.Join(", ", unknown)}",
                $"{source} has no such path",
                $"it has {string.Join(", ", prepared.Paths.Select(p => p.Name))}"
            );
        if (wanted.Length == 0)
            return prepared;
        int[] chosen = [.. Enumerable.Range(0, prepared.Paths.Count).Where(i => wanted.Contains(prepared.Paths[i].Name))];
        T[] Of<T>(IReadOnlyList<T> all) => all.Count == 0 ? [] : [.. chosen.Select(i => all[i])];
        return prepared with { Paths = Of(prepared.Paths), Plans = Of(prepared.Plans), Floats = Of(prepared.Floats) };
    }

    /// <summary>Searches for paths on the calibration images.</summary>
    /// <param name="result">Command line.</param>
    /// <param name="model">Network.</param>
    /// <param name="config">Configuration.</param>
    /// <param name="count">Most paths.</param>
    /// <param name="images">Calibration images used.</param>
    /// <param name="log">Progress.</param>
    /// <param name="cancellation">Stops the search.</param>
    /// <exception cref="InputException">There are no calibration images.</exception>
    public IReadOnlyList<PathPlan> Search(
        ParseResult result,
        LoadedModel model,
        AcceleratorConfig config,
        int count,
        int images,
        ILogger log,
        CancellationToken cancellation
    )
    {
        if (model.Calibration.Length == 0)
            throw new InputException(
                FaultCodes.MissingOption,
                string.Empty,
                "--search measures on calibration images",
                "give --calibrate with the network itself"
            );
        int width = config.Array.VectorWidth;
        QuantizedNetwork network = model.Quantized;
        ChannelCut[] cuts = [.. ChannelCuts.Find(network).Where(c => c.Channels > width && c.InWholeVectors(width))];
        var search = new PathSearch(
            network,
            Ordered(result, model, cuts, Ladder, width, log, cancellation),
            width,
            (n, p) => n.Macs(p).Executed
        );
        sbyte[][] samples = Counts(model, images);
        Progress? progress = null;
        return search.Run(samples, count, (_, all) => (progress ??= new Progress(log, "search", "runs", all)).Add(1), cancellation);
    }

    private const string Ladder = "the default ladder";

    // Cuts with the order of their channels and the means that stay.
    private OrderedCut[] Ordered(
        ParseResult result,
        LoadedModel model,
        ChannelCut[] used,
        string file,
        int width,
        ILogger log,
        CancellationToken cancellation
    )
    {
        QuantizedNetwork network = model.Quantized;
        bool importance = result.GetValue(order) == ByImportance,
            withMeans = result.GetValue(means) != Never;
        IReadOnlyList<ChannelStatistics>? statistics = null;
        if (used.Length > 0 && (importance || withMeans))
        {
            if (model.Calibration.Length == 0)
                throw new InputException(
                    FaultCodes.MissingOption,
                    file,
                    "which channels are of importance, and their means, are found on calibration images",
                    $"give --calibrate with the network itself, or --order {OfFile} --means false"
                );
            sbyte[][] images = Counts(model, QuantizationOptions.FewInputs);
            statistics = Statistics(network, used, images, log, cancellation);
        }

        return
        [
            .. used.Select(
                (c, i) =>
                    new OrderedCut(
                        c,
                        importance
                            ? ChannelOrder.ByImportance(
                                c,
                                ChannelOrder.Importance((ConvLayer)network.Layers[c.Reader], statistics![i]),
                                width
                            )
                            : ChannelOrder.OfFile(c),
                        withMeans ? statistics![i].Mean : null
                    )
            ),
        ];
    }

    // Statistics by cut; those that a search has collected are not collected again.
    private ChannelStatistics[] Statistics(
        QuantizedNetwork network,
        ChannelCut[] used,
        sbyte[][] images,
        ILogger log,
        CancellationToken cancellation
    )
    {
        if (!ReferenceEquals(collected.Network, network))
            collected = (network, []);
        ChannelCut[] missing = [.. used.Where(c => !collected.ByReader.ContainsKey(c.Reader))];
        if (missing.Length > 0)
        {
            log.LogInformation("statistics of {Cuts} cuts on {Images} calibration images", missing.Length, images.Length);
            IReadOnlyList<ChannelStatistics> found = PathStatistics.Collect(network, missing, images, cancellation);
            for (int i = 0; i < missing.Length; i++)
                collected.ByReader[missing[i].Reader] = found[i];
        }

        return [.. used.Select(c => collected.ByReader[c.Reader])];
    }

    private static T Explained<T>(string file, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (InputException e)
        {
            throw e.At(file);
        }
    }
}
