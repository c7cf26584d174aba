using AccelGen.Compiler;
using AccelGen.Cycles;
using AccelGen.Isa;

namespace AccelGen.Sim;

/// <summary>Holds the choices that the RTL recorded against the rule of the manual, and against the cycle model.</summary>
public static class BudgetCheck
{
    /// <summary>Follows the program's CHECKPOINT commands by the elapsed cycles that the RTL recorded, whatever the memory did.</summary>
    /// <param name="program">Program with checkpoints.</param>
    /// <param name="control">Path table and budget of the run.</param>
    /// <param name="rtl">The run.</param>
    /// <returns>What differs; empty when nothing does.</returns>
    public static IEnumerable<string> Differences(CompiledProgram program, FrameControl control, RunResult rtl)
    {
        // Where no choice was recorded at a command its elapsed cycles are not known: there nothing may have fitted. Each record
        // is matched with the first command that makes a choice of the recorded cycles.
        var rule = new CheckpointRule(control);
        int next = 0;
        long before = 0;
        foreach (Command command in program.Commands.Where(c => c.Is(CheckpointCommand.Definition)))
        {
            long elapsed =
                next < rtl.Decisions.Count && rtl.Decisions[next].Number == command[CheckpointCommand.Number]
                    ? rtl.Decisions[next].Elapsed
                    : before;
            rule.Execute(command, elapsed);
            if (rule.Decisions.Count <= next)
                continue;
            if (next >= rtl.Decisions.Count)
                yield return $"checkpoint {command[CheckpointCommand.Number]}: the RTL recorded no choice, by the "
                    + $"rule it is {rule.Decisions[next]}";
            else if (rtl.Decisions[next] != rule.Decisions[next])
                yield return $"checkpoint {command[CheckpointCommand.Number]}: RTL {rtl.Decisions[next]}, by the rule "
                    + $"{rule.Decisions[next]}";
            if (next < rtl.Decisions.Count && rtl.Decisions[next].Elapsed < before)
                yield return $"checkpoint {command[CheckpointCommand.Number]}: {rtl.Decisions[next].Elapsed} cycles "
                    + $"elapsed, {before} at the one before";
            before = elapsed;
            next++;
        }

        for (; next < rtl.Decisions.Count; next++)
            yield return $"the RTL recorded {rtl.Decisions[next]}, by the rule there is no such choice";
        if (rtl.Row != rule.Active)
            yield return $"the program ended on row {rtl.Row}, by the rule on row {rule.Active}";
        if (rtl.Decisions.Count > 0 && rtl.Decisions[^1].Elapsed > rtl.TotalCycles)
            yield return $"the last choice was made at cycle {rtl.Decisions[^1].Elapsed}, and the program ended at {rtl.TotalCycles}";
    }

    /// <summary>Compares the choices with those of the cycle model.</summary>
    /// <param name="model">Prediction with the same budget.</param>
    /// <param name="rtl">The run.</param>
    /// <returns>What differs; empty when nothing does.</returns>
    public static IEnumerable<string> Differences(CyclePrediction model, RunResult rtl)
    {
        Decision[] recorded = [.. model.Decisions.Take(IsaDefinition.DecisionEntries)];
        for (int i = 0; i < Math.Max(recorded.Length, rtl.Decisions.Count); i++)
        {
            Decision? want = i < recorded.Length ? recorded[i] : null,
                got = i < rtl.Decisions.Count ? rtl.Decisions[i] : null;
            if (want != got)
                yield return $"choice {i}: RTL {got?.ToString() ?? "none"}, model {want?.ToString() ?? "none"}";
        }

        if (rtl.Row != model.Row)
            yield return $"the program ended on row {rtl.Row}, by the model on row {model.Row}";
    }
}
