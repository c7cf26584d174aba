using AccelGen.Isa;

namespace AccelGen.Cycles;

/// <summary>Cycles of a group of commands. Indices are <see cref="Work"/>.</summary>
/// <param name="Worked">Cycles in which the unit works for the group.</param>
/// <param name="Hidden">Those of them in which the array works, for whichever group.</param>
/// <param name="Exposed">Cycles of the run in which the array does not work because of this work of the group; of the array itself
/// none.</param>
public sealed record CycleShares(long[] Worked, long[] Hidden, long[] Exposed)
{
    /// <summary>Cycles of the run that are the group's: its work in the array and all that it exposes.</summary>
    public long Cycles => Worked[(int)Work.Array] + Exposed.Sum();
}

/// <summary>
/// Says of each cycle of a run whose it is. While the array works it is that of the command in the array. Else it is that of
/// what the array waits for: from the token its command lacks to the command that gives it, and where that one waits itself on
/// to the next, until a command is found that works (exposed work of its unit) or only takes its time (overhead: latency of
/// the memory, a start, a token on its way). Where no queue tells, because commands are not yet dispatched, it is that of the
/// first unit that works: row operator, post-processing, store, load; and overhead of the array's next command when none does.
/// </summary>
public static class CycleAttribution
{
    private static readonly Work[] Order = [Work.RowOperator, Work.PostProcessing, Work.Store, Work.Load];

    /// <summary>Shares per group; over the groups their <see cref="CycleShares.Cycles"/> add up to the cycles of the run.</summary>
    /// <param name="program">Program that ran.</param>
    /// <param name="prediction">What the model predicts of it.</param>
    /// <param name="log">What the model took down meanwhile.</param>
    /// <param name="groups">Number of groups.</param>
    /// <param name="group">Group of a command of the program; of -1, the first load of commands.</param>
    public static IReadOnlyList<CycleShares> Attribute(
        IReadOnlyList<Command> program,
        CyclePrediction prediction,
        ActivityLog log,
        int groups,
        Func<int, int> group
    )
    {
        CycleShares[] shares = [.. Enumerable.Range(0, groups).Select(_ => new CycleShares(new long[6], new long[6], new long[6]))];
        Cursor[] working = [.. Enumerable.Range(0, 5).Select(w => new Cursor(log.Working((Work)w)))];
        Cursor[] waiting = [.. Enumerable.Range(0, 4).Select(q => new Cursor(log.Waiting((Queue)q)))];
        Cursor array = working[(int)Work.Array];
        for (long cycle = 0, end; cycle < prediction.TotalCycles; cycle = end)
        {
            end = prediction.TotalCycles;
            foreach (Cursor c in working)
                end = Math.Min(end, c.Advance(cycle));
            foreach (Cursor c in waiting)
                end = Math.Min(end, c.Advance(cycle));
            long count = end - cycle;
            for (int w = 0; w < working.Length; w++)
            {
                if (working[w].Current is not { } at)
                    continue;
                CycleShares mine = shares[group(at.Command)];
                mine.Worked[w] += count;
                if (w > 0 && array.Current is not null)
                    mine.Hidden[w] += count;
            }

            if (array.Current is null)
            {
                (Work work, int command) = waiting[(int)Queue.Compute].Current is { } wait ? Cause(wait, cycle) : Any();
                shares[group(command)].Exposed[(int)work] += count;
            }
        }

        return shares;

        // A giver is always earlier in the program than who waits for it, so that the chain ends.
        (Work Work, int Command) Cause(Activity wait, long cycle)
        {
            int giver = wait.Giver;
            if (giver == wait.Command)
                return (Work.Overhead, giver);
            Queue queue = program[giver].Definition.Queue!.Value;
            bool started = prediction.Commands[giver].Start <= cycle;
            if (!started && waiting[(int)queue].Current is { } further && further.Command <= giver)
                return Cause(further, cycle);
            Work[] units = queue switch
            {
                Queue.Load => [Work.Load],
                Queue.Vector => [Work.RowOperator, Work.PostProcessing],
                Queue.Store => [Work.Store],
                _ => [],
            };
            foreach (Work unit in units)
            {
                // What works is the giver, or what it comes behind.
                if (working[(int)unit].Current is { } at && at.Command <= giver)
                    return (unit, at.Command);
            }

            return started ? (Work.Overhead, giver) : Any();
        }

        (Work Work, int Command) Any()
        {
            foreach (Work unit in Order)
            {
                if (working[(int)unit].Current is { } at)
                    return (unit, at.Command);
            }

            return (Work.Overhead, array.Next?.Command ?? -1);
        }
    }

    private sealed class Cursor(IReadOnlyList<Activity> list)
    {
        private int index;

        /// <summary>What goes on in the cycle advanced to.</summary>
        public Activity? Current { get; private set; }

        /// <summary>What goes on next; at the end the last of all.</summary>
        public Activity? Next => list.Count == 0 ? null : list[Math.Min(index, list.Count - 1)];

        /// <summary>Goes to a cycle and returns the next one in which something begins or ends.</summary>
        public long Advance(long cycle)
        {
            while (index < list.Count && list[index].To <= cycle)
                index++;
            Current = index < list.Count && list[index].From <= cycle ? list[index] : null;
            return index == list.Count ? long.MaxValue
                : Current is null ? list[index].From
                : list[index].To;
        }
    }
}
