using AccelGen.Cycles;
using AccelGen.Files;
using AccelGen.Isa;
using AccelGen.Network.Quantized;

namespace AccelGen.Compiler;

/// <summary>A path of a program that is chosen by a budget.</summary>
/// <param name="Path">The path.</param>
/// <param name="Cycles">Cycles of a frame on it.</param>
public sealed record BudgetPath(ExecutionPath Path, long Cycles);

/// <summary>Paths that agree up to a checkpoint, and what is left for each of them there.</summary>
/// <param name="Rows">Rows of the path table that agree on all before the checkpoint.</param>
/// <param name="Elapsed">Cycles since the start when the checkpoint is reached on them.</param>
/// <param name="Candidates">Rows that it chooses among, the best first, with the cycles that they need from there.</param>
public sealed record CheckpointClass(IReadOnlyList<int> Rows, long Elapsed, IReadOnlyList<(int Row, long Remaining)> Candidates);

/// <summary>A place in a program where the path may change.</summary>
/// <param name="Number">Number, as the record of choices names it.</param>
/// <param name="Layer">Layer before whose commands it lies.</param>
/// <param name="Classes">Sets of paths between which it chooses.</param>
public sealed record Checkpoint(int Number, int Layer, IReadOnlyList<CheckpointClass> Classes);

/// <summary>The table by which a program chooses paths.</summary>
/// <param name="Paths">Paths, in the order of the rows of the path table.</param>
/// <param name="Preference">Rows from the best to the least.</param>
/// <param name="Checkpoints">Places of choice, in program order.</param>
/// <param name="Slack">Share by which the remaining cycles of the table exceed those of the model.</param>
public sealed record BudgetTable(
    IReadOnlyList<BudgetPath> Paths,
    IReadOnlyList<int> Preference,
    IReadOnlyList<Checkpoint> Checkpoints,
    double Slack
)
{
    /// <summary>Rows of the path table of a program.</summary>
    public IReadOnlyList<PathRow> Rows(CompiledProgram program) => [.. Paths.Select(p => program.Row(p.Path))];
}

/// <summary>
/// Puts CHECKPOINT commands into a program. A path may be left for another one wherever all commands so far resolve alike under
/// both: then nothing that was computed contradicts the other path, and the frame ends with exactly its results and its cycles.
/// Each pair of paths has one last such place, in front of the layer where they part; that is where the choice between them lies.
/// </summary>
public static class Checkpoints
{
    /// <summary>Puts checkpoints into a program.</summary>
    /// <param name="program">Program without checkpoints.</param>
    /// <param name="paths">Paths, a row of the path table each.</param>
    /// <param name="timing">Memory for which the remaining cycles are worked out.</param>
    /// <param name="quality">What each path is worth, more is better, or null: the one with more cycles is.</param>
    /// <param name="slack">Share by which the remaining cycles are made larger, for a memory that is slower at times.</param>
    /// <param name="plain">Cycles of a frame on each path without checkpoints, or null: they are predicted.</param>
    /// <exception cref="CompileException">The paths are too many for the path table.</exception>
    public static CompiledProgram Insert(
        CompiledProgram program,
        IReadOnlyList<ExecutionPath> paths,
        MemoryTiming timing,
        IReadOnlyList<double>? quality = null,
        double slack = 0,
        IReadOnlyList<long>? plain = null
    )
    {
        if (paths.Count > program.Config.Control.Paths)
            throw new CompileException([
                new Fault(
                    FaultCodes.PathTable,
                    string.Empty,
                    $"a budget chooses among {paths.Count} paths",
                    $"the path table of {program.Config.Name} has {program.Config.Control.Paths} rows (control.paths, at most 32): "
                        + "take fewer paths, or more rows"
                ),
            ]);
        PathRow[] rows = [.. paths.Select(program.Row)];
        List<(int Layer, int Command, List<int[]> Classes)> places = Places(program, rows);

        // The program has its final size before the cycles are known: what a checkpoint holds does not change how long it takes.
        var raw = new List<Command>();
        int[] moved = new int[program.Commands.Count + 1]; // position of each command of the program without its fetches
        var inserted = new List<List<(int[] Class, List<Command> Chain)>>();
        int next = 0;
        long[] alone =
        [
            .. plain
                ?? rows.Select(r =>
                    new CycleModel(program.Config, timing).Predict(program.Commands, program.ProgramAddress, r).TotalCycles
                ),
        ];
        for (int c = 0; c < program.Commands.Count; c++)
        {
            if (next < places.Count && places[next].Command == c)
            {
                var chains = places[next].Classes.ConvertAll(rowsOfClass => (rowsOfClass, Chain(rowsOfClass, places[next].Layer, next)));
                inserted.Add(chains);
                raw.AddRange(chains.SelectMany(k => k.Item2));
                next++;
            }

            moved[c] = raw.Count;
            if (!program.Commands[c].Fetches && program.Commands[c].Definition.Name is not ("END" or "NOP"))
                raw.Add(program.Commands[c]);
        }

        (List<Command> commands, int[] positions) = new ProgramBuilder(program.Config).Build(raw, program.ProgramAddress);
        int At(int command) => positions[moved[command]];

        // Cycles with the checkpoints in place: the same whether or not a budget is set.
        CyclePrediction[] predictions =
        [
            .. rows.Select(r => new CycleModel(program.Config, timing).Predict(commands, program.ProgramAddress, r)),
        ];
        long[] cycles = [.. predictions.Select(p => p.TotalCycles)];
        int[] preference = [.. Enumerable.Range(0, rows.Length).OrderByDescending(r => quality?[r] ?? cycles[r]).ThenBy(r => cycles[r])];
        Dictionary<Command, int> index = commands
            .Select((c, i) => (c, i))
            .Where(c => c.c.Is(CheckpointCommand.Definition))
            .ToDictionary(c => c.c, c => c.i);
        var checkpoints = new List<Checkpoint>();
        for (int p = 0; p < places.Count; p++)
        {
            var classes = new List<CheckpointClass>();
            foreach ((int[] members, List<Command> chain) in inserted[p])
            {
                CheckpointClass choice = Choice(members, chain, predictions, index, preference, slack);
                classes.Add(choice);
                for (int c = 0; c < chain.Count; c++)
                    commands[index[chain[c]]] = Holding(
                        chain[c],
                        c,
                        choice.Candidates,
                        row => Remaining(predictions[row], index[chain[c]], slack)
                    );
            }

            checkpoints.Add(new Checkpoint(p, places[p].Layer, classes));
        }

        byte[] image = new byte[program.ProgramAddress + (commands.Count * (long)IsaDefinition.CommandBytes)];
        program.Image.AsSpan(0, (int)program.ProgramAddress).CopyTo(image);
        for (int i = 0; i < commands.Count; i++)
            commands[i].Encode(image.AsSpan((int)program.ProgramAddress + (i * IsaDefinition.CommandBytes)));
        return program with
        {
            Commands = commands,
            Image = image,
            MemoryBytes = NetworkCompiler.Align(image.Length),
            Layers =
            [
                .. program.Layers.Select(l =>
                    l.EndCommand == l.FirstCommand ? l : l with { FirstCommand = At(l.FirstCommand), EndCommand = At(l.EndCommand - 1) + 1 }
                ),
            ],
            Budget = new BudgetTable([.. paths.Select((path, r) => new BudgetPath(path, cycles[r]))], preference, checkpoints, slack),
        };

        // As many commands as the candidates need that are worth a choice.
        List<Command> Chain(int[] members, int layer, int number)
        {
            int candidates = Worth([.. members.OrderByDescending(r => quality?[r] ?? alone[r]).ThenBy(r => alone[r])], alone).Count;
            var chain = new List<Command>();
            for (int first = 0; first < candidates; first += IsaDefinition.CheckpointCandidates)
            {
                chain.Add(
                    new Command(CheckpointCommand.Definition)
                    {
                        [Header.A.Count] = 1,
                        [Header.B.Count] = 1,
                        [Header.Tag] = layer,
                        [CheckpointCommand.From] = members.Aggregate(0L, (mask, r) => mask | (1L << r)),
                        [CheckpointCommand.Number] = number,
                        [CheckpointCommand.Count] = Math.Min(IsaDefinition.CheckpointCandidates, candidates - first),
                        [CheckpointCommand.Continues] = first > 0,
                        [CheckpointCommand.Fallback] = first + IsaDefinition.CheckpointCandidates >= candidates,
                    }
                );
            }

            return chain;
        }
    }

    // Where classes of paths part: the layer, its first command, and the classes that part within it. What is in front of the
    // first layer chooses among all.
    private static List<(int Layer, int Command, List<int[]> Classes)> Places(CompiledProgram program, PathRow[] rows)
    {
        var starts = new SortedDictionary<int, int>();
        for (int l = 0; l < program.Layers.Count; l++)
        {
            if (program.Layers[l].EndCommand > program.Layers[l].FirstCommand)
                starts.TryAdd(program.Layers[l].FirstCommand, l);
        }

        List<int[]> classes =
        [
            [.. Enumerable.Range(0, rows.Length)],
        ];
        var places = new List<(int Layer, int Command, List<int[]> Classes)>();
        (int Command, int Layer)[] order = [.. starts.Select(s => (s.Key, s.Value))];
        for (int s = 0; s < order.Length && rows.Length > 1; s++)
        {
            // What fetches the program lies in front of a layer's first command at times.
            int from = s == 0 ? 0 : order[s].Command,
                to = s + 1 < order.Length ? order[s + 1].Command : program.Commands.Count;
            List<int[]> before = classes;
            for (int c = from; c < to; c++)
                classes = [.. classes.SelectMany(k => Split(k, program, rows, program.Commands[c]))];
            List<int[]> parting =
                s == 0 ? before : before.FindAll(k => !classes.Exists(after => after.Length == k.Length && after[0] == k[0]));
            if (parting.Count > 0 && parting.Exists(k => k.Length > 1))
                places.Add((order[s].Layer, order[s].Command, parting.FindAll(k => k.Length > 1)));
        }

        return Largest(places);
    }

    // The record holds so many choices; what is left out are the choices between the fewest paths.
    private static List<(int Layer, int Command, List<int[]> Classes)> Largest(List<(int Layer, int Command, List<int[]> Classes)> places)
    {
        if (places.Count <= IsaDefinition.DecisionEntries)
            return places;
        HashSet<int> kept =
        [
            .. places
                .Select((p, i) => (p, i))
                .OrderByDescending(p => p.i == 0)
                .ThenByDescending(p => p.p.Classes.Max(k => k.Length))
                .ThenBy(p => p.i)
                .Take(IsaDefinition.DecisionEntries)
                .Select(p => p.p.Command),
        ];
        return places.FindAll(p => kept.Contains(p.Command));
    }

    private static IEnumerable<int[]> Split(int[] members, CompiledProgram program, PathRow[] rows, Command command)
    {
        if (
            members.Length == 1
            || (
                !command[Header.PredicateEnable]
                && !command[Header.A.Dynamic]
                && !command[Header.B.Dynamic]
                && (!command.Is(LoadCommand.Definition) || command[LoadCommand.VariantShift] == 0)
            )
        )
            return [members];
        return members.GroupBy(r => program.Resolve(rows[r], command)).Select(g => g.ToArray());
    }

    // Candidates in order of preference that need less than all before them: the others are never chosen.
    private static List<int> Worth(IEnumerable<int> byPreference, long[] cycles)
    {
        var worth = new List<int>();
        foreach (int row in byPreference)
        {
            if (worth.Count == 0 || cycles[row] < cycles[worth[^1]])
                worth.Add(row);
        }

        return worth;
    }

    private static long Remaining(CyclePrediction prediction, int command, double slack) =>
        (long)Math.Ceiling((prediction.TotalCycles - prediction.Checkpoints[command]) * (1 + slack));

    // A command of a chain with its candidates; what is left over repeats the last.
    private static Command Holding(Command draft, int place, IReadOnlyList<(int Row, long Remaining)> candidates, Func<int, long> remaining)
    {
        Command command = draft.Copy();
        for (int i = 0; i < command[CheckpointCommand.Count]; i++)
        {
            int row = candidates[Math.Min((place * IsaDefinition.CheckpointCandidates) + i, candidates.Count - 1)].Row;
            command[CheckpointCommand.Rows[i]] = row;
            command[CheckpointCommand.Remaining[i]] = Math.Min(remaining(row), uint.MaxValue);
        }

        return command;
    }

    private static CheckpointClass Choice(
        int[] members,
        List<Command> chain,
        CyclePrediction[] predictions,
        Dictionary<Command, int> index,
        int[] preference,
        double slack
    )
    {
        // All of a class reach its first command in the same cycle; a later one of the chain is some cycles nearer to the end.
        long elapsed = predictions[members[0]].Checkpoints[index[chain[0]]];
        List<int> rows = Worth(preference.Where(members.Contains), [.. predictions.Select(p => p.TotalCycles)]);
        int capacity = chain.Sum(c => (int)c[CheckpointCommand.Count]);
        // The checkpoints themselves may change an order that was close: the slowest and the least costly are kept.
        if (rows.Count > capacity)
            rows = [.. rows.Take(capacity - 1), rows[^1]];
        return new CheckpointClass(
            members,
            elapsed,
            [.. rows.Select((row, i) => (row, Remaining(predictions[row], index[chain[i / IsaDefinition.CheckpointCandidates]], slack)))]
        );
    }
}
