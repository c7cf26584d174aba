using AccelGen.Isa;

namespace AccelGen.Cycles;

/// <summary>Units whose work is told apart, in the order in which <see cref="CycleAttribution"/> looks at them.</summary>
public enum Work
{
    /// <summary>Dot products.</summary>
    Array,

    /// <summary>Bias, scale, residual, activation.</summary>
    PostProcessing,

    /// <summary>Softmax, layer normalisation, arg max.</summary>
    RowOperator,

    /// <summary>Beats on the way from memory, from the first to the last of a burst.</summary>
    Load,

    /// <summary>From the first word read from the output buffer to the last beat written.</summary>
    Store,

    /// <summary>None works: latency of the memory, fetch, dispatch and start of commands, tokens on their way.</summary>
    Overhead,
}

/// <summary>Cycles [From, To) of a command.</summary>
/// <param name="From">First cycle.</param>
/// <param name="To">Cycle behind the last.</param>
/// <param name="Command">Command; -1 is the load of the first block of the program.</param>
/// <param name="Giver">Of a wait: the command that gives the token; the command itself while it starts.</param>
internal readonly record struct Activity(long From, long To, int Command, int Giver = -1);

/// <summary>
/// In which cycles each unit works, and which queue waits for which command: taken down by the cycle model, read by
/// <see cref="CycleAttribution"/>. Each list is in order, and its entries do not overlap.
/// </summary>
public sealed class ActivityLog
{
    private readonly List<Activity>[] working =
    [
        [],
        [],
        [],
        [],
        [],
    ];
    private readonly List<Activity>[] waiting =
    [
        [],
        [],
        [],
        [],
    ];

    internal IReadOnlyList<Activity> Working(Work work) => working[(int)work];

    internal IReadOnlyList<Activity> Waiting(Queue queue) => waiting[(int)queue];

    internal void Works(Work work, int command, long from, long to)
    {
        List<Activity> list = working[(int)work];
        if (list.Count > 0)
        {
            // A store begins to read while the last beats of the one before are written.
            from = Math.Max(from, list[^1].To);
            if (list[^1].Command == command && list[^1].To == from && to > from)
            {
                list[^1] = list[^1] with { To = to };
                return;
            }
        }

        if (to > from)
            list.Add(new Activity(from, to, command));
    }

    internal void Waits(Queue queue, int command, long from, long to, int giver) =>
        waiting[(int)queue].Add(new Activity(from, to, command, giver));

    internal void Starts(Queue queue, int command, long cycle) => Waits(queue, command, cycle, cycle + 1, command);
}
