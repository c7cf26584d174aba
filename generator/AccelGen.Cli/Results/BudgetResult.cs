using System.Text.Json.Serialization;
using AccelGen.Compiler;

namespace AccelGen.Cli.Results;

/// <summary>How a program chooses its path by a budget.</summary>
/// <param name="Slack">Share by which the remaining cycles exceed those of the model.</param>
/// <param name="Checkpoints">Places of choice, in program order.</param>
internal sealed record BudgetResult(double Slack, IReadOnlyList<CheckpointResult> Checkpoints)
{
    /// <summary>Paths in the order of the rows of the path table.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Rows { get; init; } = [];

    /// <summary>Of a program, or null: it has no checkpoints.</summary>
    public static BudgetResult? Of(CompiledProgram program)
    {
        if (program.Budget is not { } choices)
            return null;
        string[] rows = [.. choices.Paths.Select(p => p.Path.Name)];
        return new BudgetResult(
            choices.Slack,
            [
                .. choices.Checkpoints.Select(c => new CheckpointResult(
                    c.Number,
                    program.Network.Layers[c.Layer].Name,
                    [
                        .. c.Classes.Select(k => new CheckpointPaths(
                            [.. k.Rows.Select(r => rows[r])],
                            k.Elapsed,
                            [.. k.Candidates.Select(o => new CheckpointCandidate(rows[o.Row], o.Remaining))]
                        )),
                    ]
                )),
            ]
        )
        {
            Rows = rows,
        };
    }
}

/// <summary>A place of choice.</summary>
/// <param name="Number">Number, as the record of choices names it.</param>
/// <param name="Layer">Layer before whose commands it lies.</param>
/// <param name="Classes">Sets of paths between which it chooses.</param>
internal sealed record CheckpointResult(int Number, string Layer, IReadOnlyList<CheckpointPaths> Classes);

/// <summary>Paths that agree up to a checkpoint.</summary>
/// <param name="Paths">Their names.</param>
/// <param name="Elapsed">Cycles since the start when the checkpoint is reached on them.</param>
/// <param name="Candidates">Paths that it chooses among, the best first.</param>
internal sealed record CheckpointPaths(IReadOnlyList<string> Paths, long Elapsed, IReadOnlyList<CheckpointCandidate> Candidates);

/// <summary>A path that a checkpoint may choose.</summary>
/// <param name="Path">Its name.</param>
/// <param name="Remaining">Cycles that it needs from there, with the slack.</param>
internal sealed record CheckpointCandidate(string Path, long Remaining);
