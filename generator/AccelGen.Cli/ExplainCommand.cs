using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Network.Quantized;
using AccelGen.Sim;
using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace AccelGen.Cli;

/// <summary><c>accelgen explain</c>: how each layer of a network runs, and what limits it.</summary>
internal static class ExplainCommand
{
    public static Command Create()
    {
        Option<string> config = Cli.ConfigOption();
        Option<string[]> set = Cli.SetOption();
        OutputOption json = Cli.JsonOption();
        Option<int> latency = Cli.MemoryLatencyOption(),
            interval = Cli.MemoryIntervalOption();
        Argument<string[]> layers = new("layers")
        {
            Description = "Names of layers, * for any characters; all layers without one.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var command = new Command("explain", "Shows how layers run: loop nest, tiles, buffers, bytes moved, cycles, and what limits them.");
        var options = new ModelOptions(command, ModelOptions.Takes(", a file that 'quantize' wrote"));
        command.Add(layers);
        foreach (Option option in new Option[] { config, set, latency, interval, json })
            command.Add(option);
        command.SetAction(
            (result, cancellation) =>
            {
                using ILoggerFactory logging = Cli.Logging();
                AcceleratorConfig loaded = Cli.Load(result.GetValue(config)!, result.GetValue(set)!);
                MemoryTiming timing = Cli.Timing(result.GetValue(latency), result.GetValue(interval));
                QuantizedNetwork network = options.LoadForSchedule(result, logging.CreateLogger("accelgen"), cancellation);
                Regex[] wanted = [.. result.GetValue(layers)!.Select(Cli.Pattern)];
                if (wanted.Length > 0 && !network.Layers.Any(l => wanted.Any(w => w.IsMatch(l.Name))))
                    throw new FormatException(
                        $"no layer of {network.Name} is named {string.Join(" or ", result.GetValue(layers)!)}; the "
                            + $"first are {string.Join(", ", network.Layers.Take(5).Select(l => l.Name))}"
                    );
                CompiledProgram program = new NetworkCompiler(loaded, timing).Compile(network);
                LayerExplanation[] all = [.. LayerExplanation.Explain(program, timing)];
                LayerExplanation[] shown = [.. all.Where(e => wanted.Length == 0 || wanted.Any(w => w.IsMatch(e.Name)))];
                foreach (LayerExplanation e in shown)
                    Console.WriteLine(Text(e));
                Cli.Output().Write(Summary(shown));
                CycleBreakdown? breakdown = wanted.Length == 0 ? CycleBreakdown.Of(program, timing, ExecutionPath.Whole) : null;
                if (breakdown is not null)
                    Cli.Output().Write(BreakdownTable.Of(breakdown));
                Console.WriteLine(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{loaded.Name} ({loaded.Hash.Hex}): {shown.Length} of {all.Length} layers, "
                            + $"{shown.Sum(e => e.Cycles):N0} of {all.Sum(e => e.Cycles):N0} cycles by the model"
                    )
                );
                Cli.WriteJson(
                    result.GetValue(json),
                    new
                    {
                        network = network.Name,
                        config = loaded.Name,
                        configHash = loaded.Hash.Hex,
                        layers = shown.Select(e => new
                        {
                            e.Name,
                            e.Op,
                            e.Joined,
                            e.ComputedBy,
                            e.AlternatesWith,
                            e.CountedWith,
                            e.Shapes,
                            e.Commands,
                            e.Cycles,
                            firstCycle = e.Span.First,
                            lastCycle = e.Span.Last,
                            loopNests = e.Nests,
                            e.RowOperator,
                            e.Buffers,
                            e.Bytes,
                            e.Bounds,
                            limit = e.Limit.Resource,
                            limitCycles = e.Limit.Cycles,
                            e.LimitTogether,
                            e.ArrayUse,
                        }),
                        cycles = breakdown,
                    }
                );
                return Task.FromResult(ExitCode.Success);
            }
        );
        return command;
    }

    private static string Text(LayerExplanation e)
    {
        var text = new StringBuilder();
        void Line(string line) => text.AppendLine(line);
        Line($"{e.Name}: {e.Op}, {e.Shapes}");
        if (e.Joined.Count > 0)
            Line($"  computes as well {string.Join(", ", e.Joined)}");
        if (e.ComputedBy is not null)
        {
            string own =
                e.Commands == 0
                    ? string.Empty
                    : $"; has {e.Commands} commands for paths that skip those, passed by in {e.Cycles:N0} cycles";
            Line($"  computed by the commands of {e.ComputedBy}{own}");
            return text.ToString();
        }

        if (e.Nests.Count == 0)
        {
            Line($"  no commands: what it joins is written in place");
            return text.ToString();
        }

        if (e.AlternatesWith.Count > 0)
            Line(
                $"  alternates with the commands of {string.Join(", ", e.AlternatesWith)}, strip by "
                    + $"strip{(e.CountedWith is null ? string.Empty : ", which reads what this one stores")}"
            );
        foreach (LoopNest nest in e.Nests)
        {
            int depth = 1;
            if (nest.Does is not null)
                Line($"  {nest.Does}:");
            // Loops of one pass say nothing, but for those that every layer has.
            foreach (LoopLevel level in nest.Levels.Where(l => l.Count > 1 || l.Name is "tile" or "pixel"))
            {
                string indent = new(' ', 2 * (level.Spatial ? depth : depth++));
                Line($"{indent}{(level.Spatial ? "at once" : "for")} {level.Count} x {level.Name}: {level.Detail}");
            }
        }

        if (e.RowOperator is not null)
            Line($"  then {e.RowOperator}");
        foreach (BufferUse b in e.Buffers)
        {
            string read = b.Loads switch
            {
                <= 0 => string.Empty,
                < 0.995 => $", {b.Loads:P0} of the operand read",
                < 1.005 => ", each byte read once",
                _ => $", each byte read {b.Loads:0.##} times",
            };
            Line($"  holds {b.Buffer}: {b.Bytes:N0} of {b.SlotBytes:N0} bytes{read}; stays for {b.Stays}");
        }

        Line(
            $"  moves input {e.Bytes.Input:N0}, weights {e.Bytes.Weights:N0}, parameters {e.Bytes.Parameters:N0}, "
                + $"residual {e.Bytes.Residual:N0}, output {e.Bytes.Output:N0}, program {e.Bytes.Program:N0} bytes, "
                + $"by {e.Commands:N0} commands"
        );
        Line($"  bounds {string.Join(", ", e.Bounds.Select(b => $"{b.Resource} {b.Cycles:N0}"))}");
        string useful =
            e.ArrayUse > 0
                ? string.Create(CultureInfo.InvariantCulture, $"; {e.ArrayUse:P1} of the array's products are useful")
                : string.Empty;
        if (e.CountedWith is not null)
            Line($"  its cycles count with those of {e.CountedWith}; longest of its own bounds {Longest(e.Limit)}{useful}");
        else if (e.LimitTogether is { } together)
        {
            string reads = e.Bounds.Skip(1).Take(3).Any(b => b.Resource == together.Resource) ? "all reads " : string.Empty;
            Line(
                $"  takes {e.Cycles:N0} cycles with those that it alternates with, limited by {together.Resource} of all together: "
                    + $"{reads}{together.Cycles:N0} ({Part(together.Cycles, e.Cycles)}); "
                    + $"longest of its own bounds {Longest(e.Limit)}{useful}"
            );
        }
        else
            Line($"  takes {e.Cycles:N0} cycles, limited by {Longest(e.Limit)} ({Part(e.Limit.Cycles, e.Cycles)}){useful}");
        string Longest(Bound b) =>
            string.Create(
                CultureInfo.InvariantCulture,
                $"{b.Resource}: {(e.Bounds.Any(o => o == b) ? string.Empty : "all reads ")}{b.Cycles:N0}"
            );
        return text.ToString();
    }

    private static Table Summary(LayerExplanation[] layers)
    {
        var table = new Table().AddColumns("limited by", "layers", "cycles", "of them the bound");
        foreach (int column in Enumerable.Range(1, 3))
            table.Columns[column].RightAligned();
        foreach (
            IGrouping<string, LayerExplanation> group in layers
                .Where(l => l.Nests.Count > 0 && l.CountedWith is null)
                .GroupBy(l => (l.LimitTogether ?? l.Limit).Resource)
                .OrderByDescending(g => g.Sum(l => l.Cycles))
        )
            table.AddRow(
                group.Key,
                $"{group.Count()}",
                $"{group.Sum(l => l.Cycles):N0}",
                Part(group.Sum(l => (l.LimitTogether ?? l.Limit).Cycles), group.Sum(l => l.Cycles))
            );
        return table;
    }

    private static string Part(long part, long whole) =>
        whole == 0 ? string.Empty : string.Create(CultureInfo.InvariantCulture, $"{(double)part / whole:P1}");
}
