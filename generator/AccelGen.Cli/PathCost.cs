using System.Globalization;
using AccelGen.Compiler;
using AccelGen.Cycles;
using AccelGen.Network.Dynamic;
using AccelGen.Network.Quantized;
using AccelGen.Sim;
using Spectre.Console;

namespace AccelGen.Cli;

/// <summary>What a path costs and is worth.</summary>
internal sealed record PathCost(ExecutionPath Path, long Macs, long Cycles, SkipEfficiency Skip)
{
    /// <summary>Accuracy on the images, or null where nothing is known of any.</summary>
    public double? Accuracy { get; init; }

    /// <summary>Cycles of the whole network on the same program, also where no path of the file is that.</summary>
    public long WholeCycles { get; init; }

    /// <summary>Images of the accuracy.</summary>
    public int Images { get; init; }

    /// <summary>What the RTL showed of it, or null where it was not run.</summary>
    public PathRun? Rtl { get; init; }

    /// <summary>No other path is better and as cheap; of networks without accuracy the work counts.</summary>
    public bool IsPareto { get; init; }

    /// <summary>Costs of all paths of a program by the exact model.</summary>
    public static PathCost[] Of(CompiledProgram program, MemoryTiming timing, IReadOnlyList<ExecutionPath> paths)
    {
        var model = new CycleModel(program.Config, timing);
        CyclePrediction Predict(ExecutionPath p) => model.Predict(program.Commands, program.ProgramAddress, program.Row(p));
        CyclePrediction whole = Predict(ExecutionPath.Whole);
        return
        [
            .. paths
                .Select(p => (Path: p, Part: Predict(p)))
                .Select(p => new PathCost(
                    p.Path,
                    Workload.Macs(program.Network, p.Path).Executed,
                    p.Part.TotalCycles,
                    SkipEfficiency.Of(program, p.Path, whole, p.Part)
                )
                {
                    WholeCycles = whole.TotalCycles,
                }),
        ];
    }

    /// <summary>The same paths with what is best marked.</summary>
    public static PathCost[] WithPareto(IReadOnlyList<PathCost> all)
    {
        double Worth(PathCost c) => c.Accuracy ?? c.Macs;
        return
        [
            .. all.Select(c =>
                c with
                {
                    IsPareto = !all.Any(o =>
                        o != c && o.Cycles <= c.Cycles && Worth(o) >= Worth(c) && (o.Cycles < c.Cycles || Worth(o) > Worth(c))
                    ),
                }
            ),
        ];
    }

    /// <summary>Indices of paths spread evenly over the cycles that they take, the dearest and the cheapest first among them.</summary>
    /// <param name="all">Paths.</param>
    /// <param name="count">How many.</param>
    public static int[] Spread(IReadOnlyList<PathCost> all, int count)
    {
        int[] byCycles = [.. Enumerable.Range(0, all.Count).OrderByDescending(i => all[i].Cycles)];
        int wanted = Math.Min(count, byCycles.Length);
        return
        [
            .. Enumerable.Range(0, wanted).Select(i => byCycles[wanted == 1 ? 0 : i * (byCycles.Length - 1) / (wanted - 1)]).Distinct(),
        ];
    }

    /// <summary>Prints the paths.</summary>
    /// <param name="prepared">Network.</param>
    /// <param name="costs">Paths.</param>
    /// <param name="metric">Name of the accuracy, or null.</param>
    public static void Print(DynamicNetwork prepared, IReadOnlyList<PathCost> costs, string? metric)
    {
        long wholeMacs = Workload.Macs(prepared.Network, ExecutionPath.Whole).Whole;
        bool rtl = costs.Any(c => c.Rtl is not null);
        string[] columns =
        [
            "path",
            "cycles",
            "saved",
            "MACs",
            "saved",
            "skip efficiency",
            metric ?? "accuracy",
            "Pareto",
            .. rtl ? new[] { "RTL cycles", "mismatches" } : [],
        ];
        var table = new Table().AddColumns(columns);
        foreach (int column in Enumerable.Range(1, columns.Length - 1).Where(c => columns[c] != "Pareto"))
            table.Columns[column].RightAligned();
        foreach (PathCost c in costs)
        {
            string[] cells =
            [
                Printable.Cell(c.Path.Name),
                $"{c.Cycles:N0}",
                $"{1 - ((double)c.Cycles / c.WholeCycles):P1}",
                $"{c.Macs:N0}",
                wholeMacs == 0 ? string.Empty : $"{1 - ((double)c.Macs / wholeMacs):P1}",
                $"{c.Skip.Value:F3}",
                $"{c.Accuracy:P2}",
                c.IsPareto ? "*" : string.Empty,
                .. rtl ? new[] { $"{c.Rtl?.CyclesRtl:N0}", $"{c.Rtl?.Mismatches}" } : [],
            ];
            table.AddRow(cells);
        }

        Cli.Output().Write(table);
        // What a path left out beyond its own channels.
        if (prepared.Cuts.Count > 0)
            Console.WriteLine($"not computed where channels are dropped: {string.Join("; ", prepared.Cuts.Select(Dropped))}");

        string Dropped(OrderedCut c)
        {
            IEnumerable<int> layers = c.Cut.Parts.SelectMany(p => p.Layers).Concat(c.Cut.HeadLayers).Order();
            return $"{PathFile.NameOf(prepared.Network, c.Cut)}: {string.Join(", ", layers.Select(l => prepared.Network.Layers[l].Name))}";
        }
    }

    /// <summary>The paths for programs.</summary>
    public static object Json(CompiledProgram program, DynamicNetwork prepared, IReadOnlyList<PathCost> costs, string? metric) =>
        new
        {
            metric,
            config = program.Config.Name,
            configHash = program.Config.Hash.Hex,
            paths = costs.Select(
                (c, i) =>
                    new
                    {
                        c.Path.Name,
                        c.Macs,
                        cyclesModel = c.Cycles,
                        cyclesRtl = c.Rtl?.CyclesRtl,
                        mismatches = c.Rtl?.Mismatches,
                        cycleDifferences = (long?)c.Rtl?.Differences.Count,
                        c.Accuracy,
                        c.Images,
                        means = prepared.Plans.Count == 0 ? null : prepared.Plans[i].TakesMeansOf(prepared.Cuts),
                        skipEfficiency = c.Skip.Value,
                        layers = c.Skip.Layers,
                    }
            ),
            pareto = costs.Where(c => c.IsPareto).Select(c => c.Path.Name),
            skipEfficiency = costs.Min(c => c.Skip.Value),
        };

    /// <summary>One line of what was done.</summary>
    public static string Summary(CompiledProgram program, IReadOnlyList<PathCost> costs, TimeSpan wall)
    {
        PathRun[] runs = [.. costs.Select(c => c.Rtl).OfType<PathRun>()];
        string proven =
            runs.Length == 0
                ? string.Empty
                : $", {runs.Length} of them through the RTL: {runs.Sum(r => r.Mismatches)} mismatches, "
                    + $"{runs.Sum(r => r.Differences.Count)} differences";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{program.Config.Name} ({program.Config.Hash.Hex}): {costs.Count} paths of one program{proven}, {wall.TotalSeconds:F1} s"
        );
    }
}
