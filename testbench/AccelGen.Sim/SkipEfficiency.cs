using AccelGen.Compiler;
using AccelGen.Cycles;
using AccelGen.Isa;
using AccelGen.Network.Quantized;

namespace AccelGen.Sim;

/// <summary>What a path changes of a network's work, and what that brings.</summary>
/// <param name="CyclesSaved">Cycles of a frame that the path saves.</param>
/// <param name="MacsSkipped">Multiply-accumulates that the path skips.</param>
/// <param name="Layers">What each layer costs that the path changes; layers that run as one are one.</param>
public sealed record SkipEfficiency(long CyclesSaved, long MacsSkipped, IReadOnlyList<LayerSkip> Layers)
{
    /// <summary>
    /// Cycles saved over those that the skipped multiply-accumulates take in the whole network, each at the rate of its layer: 1
    /// where cycles fall as the work does. Null where nothing is skipped.
    /// </summary>
    public double? Value =>
        Layers.Sum(l => l.Macs == 0 ? 0 : (double)l.CyclesWhole * l.MacsSkipped / l.Macs) is > 0 and var expected
            ? CyclesSaved / expected
            : null;

    /// <summary>Compares a path with the whole network.</summary>
    /// <param name="program">Program.</param>
    /// <param name="path">The path.</param>
    /// <param name="whole">Prediction of the whole network.</param>
    /// <param name="part">Prediction of the path.</param>
    public static SkipEfficiency Of(CompiledProgram program, ExecutionPath path, CyclePrediction whole, CyclePrediction part)
    {
        PathRow all = program.Row(ExecutionPath.Whole),
            some = program.Row(path);
        var layers = new List<LayerSkip>();
        long[] cyclesWhole = LayerCycles.Of(program, whole.Commands),
            cyclesPart = LayerCycles.Of(program, part.Commands);
        for (int i = 0; i < program.Layers.Count; i++)
        {
            CompiledLayer layer = program.Layers[i];
            bool changed = false;
            for (int c = layer.FirstCommand; c < layer.EndCommand; c++)
            {
                Command command = program.Commands[c];
                changed |=
                    command.Definition.Queue is not null
                    && all.Resolved(command) is var a
                    && some.Resolved(command) is var b
                    && (a with { Address = 0 }) != (b with { Address = 0 });
            }

            if (changed)
            {
                (long Whole, long Executed)[] macs =
                [
                    .. Enumerable
                        .Range(0, program.Layers.Count)
                        .Where(l => l == i || program.Layers[l].FusedInto == i)
                        .Select(l => program.Network.LayerMacs(program.Layers[l].Layer, path)),
                ];
                layers.Add(
                    new LayerSkip(
                        layer.Layer.Name,
                        cyclesWhole[i],
                        cyclesPart[i],
                        macs.Sum(m => m.Whole),
                        macs.Sum(m => m.Whole - m.Executed)
                    )
                );
            }
        }

        return new SkipEfficiency(whole.TotalCycles - part.TotalCycles, layers.Sum(l => l.MacsSkipped), layers);
    }
}

/// <summary>A layer that a path changes.</summary>
/// <param name="Name">Name.</param>
/// <param name="CyclesWhole">Cycles in the whole network, from the end of the layer before.</param>
/// <param name="CyclesPart">Cycles on the path.</param>
/// <param name="Macs">Multiply-accumulates, whole.</param>
/// <param name="MacsSkipped">Those that the path skips.</param>
public sealed record LayerSkip(string Name, long CyclesWhole, long CyclesPart, long Macs, long MacsSkipped);
