using System.CommandLine;
using System.Globalization;
using AccelGen.Compiler;
using AccelGen.Cycles;
using AccelGen.Files;
using AccelGen.Network.Quantized;

namespace AccelGen.Cli;

/// <summary>Options by which the program itself chooses its path while a frame runs.</summary>
internal sealed class BudgetOptions
{
    private readonly Option<string[]> budget = new("--budget")
    {
        Description =
            "Cycles that a frame may take; may be repeated. The program then chooses its path at checkpoints, among "
            + "those of --paths or --skip.",
        DefaultValueFactory = _ => [],
    };
    private readonly Option<double> slack = new("--budget-slack")
    {
        Description = "Percent that are added to the cycles that a path needs by the model, for a memory that is slower at times.",
        DefaultValueFactory = _ => 0,
    };

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">Command.</param>
    /// <param name="budgets">It takes budgets themselves, not only how they are kept.</param>
    public BudgetOptions(System.CommandLine.Command command, bool budgets = true)
    {
        if (budgets)
            command.Add(budget);
        command.Add(slack);
    }

    /// <summary>Budgets, in cycles; empty without the option.</summary>
    /// <exception cref="InputException">A value is not one.</exception>
    public uint[] Budgets(ParseResult result)
    {
        _ = Slack(result);
        string[] wrong =
        [
            .. result
                .GetValue(budget)!
                .Where(v => !uint.TryParse(v, NumberStyles.None, CultureInfo.InvariantCulture, out uint cycles) || cycles == 0),
        ];
        if (wrong.Length > 0)
            throw new InputException(
                FaultCodes.IllegalOption,
                $"--budget {string.Join(", ", wrong)}",
                $"a budget is a whole number of cycles from 1 to {uint.MaxValue}"
            );
        return [.. result.GetValue(budget)!.Select(v => uint.Parse(v, CultureInfo.InvariantCulture))];
    }

    /// <summary>Share by which the cycles that a path needs are taken to be more.</summary>
    /// <exception cref="InputException">The value is none.</exception>
    public double Slack(ParseResult result) =>
        result.GetValue(slack) is >= 0 and <= 1000 and var percent
            ? percent / 100
            : throw new InputException(
                FaultCodes.IllegalOption,
                string.Create(CultureInfo.InvariantCulture, $"--budget-slack is {result.GetValue(slack)}; legal is 0 to 1000")
            );

    /// <summary>Puts checkpoints into a program.</summary>
    /// <param name="result">Command line.</param>
    /// <param name="program">Program without checkpoints.</param>
    /// <param name="paths">Paths to choose among.</param>
    /// <param name="timing">Memory for which the remaining cycles are worked out.</param>
    /// <param name="quality">What each path is worth, or null: the one with more cycles is worth more.</param>
    /// <param name="cycles">Cycles of a frame on each path without checkpoints, where they are known already.</param>
    /// <exception cref="InputException">There is nothing to choose among.</exception>
    /// <exception cref="CompileException">The paths are more than the path table has rows.</exception>
    public CompiledProgram Insert(
        ParseResult result,
        CompiledProgram program,
        IReadOnlyList<ExecutionPath> paths,
        MemoryTiming timing,
        IReadOnlyList<double>? quality = null,
        IReadOnlyList<long>? cycles = null
    )
    {
        if (paths.Count < 2)
            throw new InputException(
                FaultCodes.NothingToChoose,
                string.Empty,
                "a budget chooses among paths, and there is one",
                "name more with --paths FILE, or with --skip more than once"
            );
        return Checkpoints.Insert(program, paths, timing, quality, Slack(result), cycles);
    }

    /// <summary>The options as the user gave them, with one budget.</summary>
    public string Arguments(ParseResult result, uint cycles) =>
        $" --budget {cycles}"
        + (result.GetResult(slack) is { Implicit: false } ? $" --budget-slack {result.GetValue(slack)}" : string.Empty);
}
