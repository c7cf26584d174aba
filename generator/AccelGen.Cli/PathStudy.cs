using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Files;
using AccelGen.Network.Dynamic;
using AccelGen.Network.Quantized;
using Microsoft.Extensions.Logging;

namespace AccelGen.Cli;

/// <summary>The paths of a network on one program, with what each costs and what it is worth.</summary>
/// <param name="Model">Network.</param>
/// <param name="Prepared">It, made ready for its paths.</param>
/// <param name="Program">Its program, without checkpoints.</param>
/// <param name="Timing">Timing of the memory.</param>
/// <param name="Costs">Paths, in order.</param>
/// <param name="Evaluation">Accuracies, or null where no images were given.</param>
internal sealed record PathStudy(
    LoadedModel Model,
    DynamicNetwork Prepared,
    CompiledProgram Program,
    MemoryTiming Timing,
    PathCost[] Costs,
    Evaluation? Evaluation
)
{
    /// <summary>Name of the accuracy, or null.</summary>
    public string? Metric => Evaluation?.Metric;

    /// <summary>Compiles a network for its paths, predicts their cycles and, with images, finds their accuracy.</summary>
    /// <param name="model">Network.</param>
    /// <param name="prepared">It, made ready for its paths.</param>
    /// <param name="config">Configuration.</param>
    /// <param name="timing">Timing of the memory.</param>
    /// <param name="labelled">Images of which something is known, or null.</param>
    /// <param name="masks">Folder of masks that the user named, or null.</param>
    /// <param name="first">Grey value of class 0 that the user named, or null.</param>
    /// <param name="seed">Seed of what is drawn.</param>
    /// <param name="log">Progress.</param>
    /// <param name="cancellation">Stops the evaluation.</param>
    /// <exception cref="InputException">Labels or masks do not go with the network.</exception>
    /// <exception cref="CompileException">The network does not fit the configuration.</exception>
    public static PathStudy Of(
        LoadedModel model,
        DynamicNetwork prepared,
        AcceleratorConfig config,
        MemoryTiming timing,
        Sample? labelled,
        string? masks,
        int? first,
        int seed,
        ILogger log,
        CancellationToken cancellation
    )
    {
        // Labels and masks that do not go with the network are found before the work.
        if (labelled is not null)
            _ = Truth.Of(model.Quantized, labelled.Images, masks, first);
        CompiledProgram program = new NetworkCompiler(config, timing).Compile(prepared.Network);
        PathCost[] costs = PathCost.Of(program, timing, prepared.Paths);
        Evaluation? evaluation = labelled is null ? null : new Evaluation(model, prepared, floats: false, first);
        if (evaluation?.Run(labelled!, seed, log, cancellation) is { } scores)
            costs = [.. costs.Select((c, i) => c with { Accuracy = evaluation.Accuracy(scores[i].Whole), Images = scores[i].Images })];
        return new PathStudy(model, prepared, program, timing, PathCost.WithPareto(costs), evaluation);
    }

    /// <summary>The ladder of paths that a network has where the user names none.</summary>
    public static IReadOnlyList<PathPlan> Ladder(QuantizedNetwork network, AcceleratorConfig config) =>
        DefaultLadder.Create(network, ChannelCuts.Find(network), config.Array.VectorWidth, config.Control.DynamicRegisters);
}
