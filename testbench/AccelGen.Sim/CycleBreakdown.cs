using AccelGen.Compiler;
using AccelGen.Cycles;
using AccelGen.Isa;
using AccelGen.Network.Quantized;

namespace AccelGen.Sim;

/// <summary>Cycles of a unit other than the array.</summary>
/// <param name="Worked">Cycles in which it works for the class.</param>
/// <param name="Hidden">Those in which the array works as well, for whichever class.</param>
/// <param name="Exposed">Cycles in which the array stands still because of this work.</param>
public sealed record UnitCycles(long Worked, long Hidden, long Exposed);

/// <summary>Cycles of a class of layers. The cycles of a frame are those of the array and all exposed ones, each counted once.</summary>
/// <param name="Name">Class, as <see cref="CycleBreakdown.ClassOf"/> names it.</param>
/// <param name="Layers">Layers that the path runs.</param>
/// <param name="Macs">Useful multiply-accumulates.</param>
/// <param name="Cycles">Cycles of the frame that are the class's.</param>
/// <param name="Array">Cycles in which the array works for it.</param>
/// <param name="PostProcessing">Bias, scale, residual, activation.</param>
/// <param name="RowOperator">Softmax, layer normalisation, arg max.</param>
/// <param name="Loads">Beats on their way from memory.</param>
/// <param name="Stores">Reading of the output buffer and writing to memory.</param>
/// <param name="Overhead">Exposed cycles in which no unit works: latency of the memory, fetch and start of commands.</param>
/// <param name="Utilization">Useful multiply-accumulates over what the array could do in the class's cycles; null for a class without
/// any.</param>
public sealed record ClassCycles(
    string Name,
    int Layers,
    long Macs,
    long Cycles,
    long Array,
    UnitCycles PostProcessing,
    UnitCycles RowOperator,
    UnitCycles Loads,
    UnitCycles Stores,
    long Overhead,
    double? Utilization
);

/// <summary>Whose the cycles of a frame are, by class of layer, and what of the other units' work is hidden behind the array; see
/// <see cref="CycleAttribution"/>.</summary>
/// <param name="Path">Execution path.</param>
/// <param name="Classes">Classes that occur, most cycles first.</param>
/// <param name="Total">Their sum: the frame.</param>
public sealed record CycleBreakdown(string Path, IReadOnlyList<ClassCycles> Classes, ClassCycles Total)
{
    private const string Program = "program fetch";

    /// <summary>Class of a layer.</summary>
    public static string ClassOf(QuantizedNetwork network, QuantizedLayer layer) => layer.Class(network.Tensors[layer.Input].Shape);

    /// <summary>Cycles of a path by the cycle model, which <see cref="Workload"/> compares with the RTL command by command.</summary>
    /// <param name="program">Program.</param>
    /// <param name="timing">Timing of the memory.</param>
    /// <param name="path">Execution path.</param>
    public static CycleBreakdown Of(CompiledProgram program, MemoryTiming timing, ExecutionPath path)
    {
        QuantizedNetwork network = program.Network;
        var log = new ActivityLog();
        CyclePrediction model = new CycleModel(program.Config, timing).Predict(
            program.Commands,
            program.ProgramAddress,
            program.Row(path),
            log
        );
        string[] classOf = [.. network.Layers.Select(l => ClassOf(network, l))];
        string[] names = [.. classOf.Distinct(), Program];
        int[] group = [.. program.Commands.Select(c => System.Array.IndexOf(names, c.Fetches ? Program : classOf[c[Header.Tag]]))];
        IReadOnlyList<CycleShares> shares = CycleAttribution.Attribute(
            program.Commands,
            model,
            log,
            names.Length,
            c => c < 0 ? names.Length - 1 : group[c]
        );
        long peak = program.Config.Derived.PeakMacsPerCycle;
        var classes = new List<ClassCycles>();
        for (int g = 0; g < names.Length; g++)
        {
            QuantizedLayer[] layers =
            [
                .. network.Layers.Where((l, i) => classOf[i] == names[g] && !(l.Block is int block && path.SkippedBlocks.Contains(block))),
            ];
            classes.Add(Class(names[g], layers.Length, layers.Sum(l => network.LayerMacs(l, path).Executed), shares[g], peak));
        }

        long[] Sum(Func<CycleShares, long[]> of) => [.. Enumerable.Range(0, 6).Select(w => shares.Sum(s => of(s)[w]))];
        ClassCycles total = Class(
            "total",
            classes.Sum(c => c.Layers),
            classes.Sum(c => c.Macs),
            new CycleShares(Sum(s => s.Worked), Sum(s => s.Hidden), Sum(s => s.Exposed)),
            peak
        );
        return new CycleBreakdown(
            path.Name,
            [.. classes.Where((_, g) => shares[g].Worked.Sum() + shares[g].Cycles > 0).OrderByDescending(c => c.Cycles)],
            total
        );
    }

    private static ClassCycles Class(string name, int layers, long macs, CycleShares s, long peak)
    {
        UnitCycles Unit(Work w) => new(s.Worked[(int)w], s.Hidden[(int)w], s.Exposed[(int)w]);
        return new ClassCycles(
            name,
            layers,
            macs,
            s.Cycles,
            s.Worked[(int)Work.Array],
            Unit(Work.PostProcessing),
            Unit(Work.RowOperator),
            Unit(Work.Load),
            Unit(Work.Store),
            s.Exposed[(int)Work.Overhead],
            macs == 0 || s.Cycles == 0 ? null : (double)macs / s.Cycles / peak
        );
    }
}
