using System.CommandLine;
using System.Globalization;
using System.Text.RegularExpressions;
using AccelGen.Cli.Results;
using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Files;
using AccelGen.Network.Quantized;
using AccelGen.Sim;
using Microsoft.Extensions.Logging;

namespace AccelGen.Cli;

/// <summary><c>accelgen explain</c>: how each layer of a network runs, and what limits it.</summary>
internal sealed class ExplainCommand
{
    private readonly Argument<string[]> layers = new("layers")
    {
        Description = "Names of layers, * for any characters; all layers without one.",
        Arity = ArgumentArity.ZeroOrMore,
    };
    private readonly OutputOption json = Cli.JsonOption();
    private readonly ModelOptions options;
    private readonly AcceleratorOptions accelerator;

    private ExplainCommand(Command command)
    {
        options = new ModelOptions(command, ModelOptions.Takes(", a file that 'quantize' wrote"));
        command.Add(layers);
        accelerator = new AcceleratorOptions(command);
        command.Add(json);
        command.SetAction((result, cancellation) => Task.FromResult(Run(result, cancellation)));
    }

    public static Command Create()
    {
        var command = new Command("explain", "Shows how layers run: loop nest, tiles, buffers, bytes moved, cycles, and what limits them.");
        _ = new ExplainCommand(command);
        return command;
    }

    private int Run(ParseResult result, CancellationToken cancellation)
    {
        using ILoggerFactory logging = Cli.Logging();
        AcceleratorConfig config = accelerator.Config(result);
        MemoryTiming timing = accelerator.Timing(result);
        QuantizedNetwork network = options.LoadForSchedule(result, logging.CreateLogger("accelgen"), cancellation);
        Regex[] wanted = [.. result.GetValue(layers)!.Select(Cli.Pattern)];
        if (wanted.Length > 0 && !network.Layers.Any(l => wanted.Any(w => w.IsMatch(l.Name))))
            throw new InputException(
                FaultCodes.NoSuchLayer,
                string.Empty,
                $"no layer of {network.Name} is named {string.Join(" or ", result.GetValue(layers)!)}",
                $"the first are {string.Join(", ", network.Layers.Take(5).Select(l => l.Name))}"
            );
        CompiledProgram program = new NetworkCompiler(config, timing).Compile(network);
        IReadOnlyList<LayerExplanation> all = LayerExplanation.Explain(program, timing);
        var found = new ExplainResult(
            network.Name,
            config.Name,
            config.Hash.Hex,
            [.. all.Where(e => wanted.Length == 0 || wanted.Any(w => w.IsMatch(e.Name))).Select(ExplainedLayer.Of)],
            wanted.Length == 0 ? CycleBreakdown.Of(program, timing, ExecutionPath.Whole) : null
        );
        LayerText.Print(found);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{config.Name} ({config.Hash.Hex}): {found.Layers.Count} of {all.Count} layers, "
                    + $"{found.Layers.Sum(e => e.Cycles):N0} of {all.Sum(e => e.Cycles):N0} cycles by the model"
            )
        );
        Cli.WriteJson(result.GetValue(json), found);
        return ExitCode.Success;
    }
}
