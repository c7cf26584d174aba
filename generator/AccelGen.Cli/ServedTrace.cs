using System.Diagnostics;
using AccelGen.Cli.Results;
using AccelGen.Compiler;
using AccelGen.Cycles;
using AccelGen.Sim.Traces;

namespace AccelGen.Cli;

/// <summary>What <c>serve-trace</c> is asked for besides the network.</summary>
/// <param name="File">File of the trace, or null.</param>
/// <param name="Kind">Kind of a trace to draw, or null.</param>
/// <param name="Frames">Frames drawn.</param>
/// <param name="Rtl">Frames that run through the RTL as well.</param>
/// <param name="Jobs">Copies of the design that run at a time.</param>
/// <param name="Seed">Seed of what is drawn.</param>
/// <param name="Timing">Memory of a frame that names none.</param>
/// <param name="Slack">Share by which the cycles that a path needs are taken to be more.</param>
internal sealed record TracePlan(string? File, string? Kind, int Frames, int Rtl, int Jobs, int Seed, MemoryTiming Timing, double Slack);

/// <summary>A trace that was served by the model.</summary>
/// <param name="Plan">What was asked for.</param>
/// <param name="Study">Paths, on the program without checkpoints.</param>
/// <param name="Program">The program with them.</param>
/// <param name="Frames">Frames.</param>
/// <param name="Rows">Path of each row of the path table, by its place among all.</param>
/// <param name="Model">Cycles of frames.</param>
/// <param name="Report">What each way of choosing made of the frames.</param>
internal sealed record ServedTrace(
    TracePlan Plan,
    PathStudy Study,
    CompiledProgram Program,
    IReadOnlyList<FrameDemand> Frames,
    IReadOnlyList<int> Rows,
    TraceModel Model,
    TraceReport Report
)
{
    /// <summary>All of it for programs and people.</summary>
    /// <param name="rtl">Frames that ran through the RTL.</param>
    /// <param name="sample">Their images, or null where none ran.</param>
    /// <param name="wall">Time of the command.</param>
    public ServeTraceResult Result(IReadOnlyList<RtlFrame> rtl, Sample? sample, Stopwatch wall) =>
        new(
            Study.Metric,
            Program.Config.Name,
            Program.Config.Hash.Hex,
            Study.Costs[0].Images,
            Plan.Slack,
            new TraceOrigin(Plan.File, Plan.Kind, Plan.Seed, Frames.Count),
            Policy(Report.Dynamic),
            Policy(Report.Host),
            Policy(Report.Hindsight),
            Report.BestStatic is int best ? Static(best) : null,
            [.. Enumerable.Range(0, Report.Statics.Count).Select(Static)],
            [.. Study.Costs.Select((c, i) => new TracePath(c.Path.Name, c.Macs, c.Accuracy, RowOf(i)))],
            BudgetResult.Of(Program),
            [.. Frames.Select(Frame)],
            [
                .. rtl.Select(f => new RtlFrameResult(
                    f.Frame,
                    sample!.Name(sample.Images[f.Input]),
                    f.CyclesRtl,
                    Report.Dynamic.Frames[f.Frame].Cycles,
                    f.Mismatches,
                    f.Decisions,
                    f.Differences
                )),
            ],
            rtl.Count == 0 ? null : rtl.Sum(f => f.Mismatches),
            rtl.Count == 0 ? null : rtl.Sum(f => f.Differences.Count),
            wall.Elapsed.TotalSeconds
        );

    private int? RowOf(int path)
    {
        for (int row = 0; row < Rows.Count; row++)
        {
            if (Rows[row] == path)
                return row;
        }

        return null;
    }

    private PolicyResult Policy(PolicyOutcome outcome)
    {
        bool measured = Study.Metric is not null;
        return new PolicyResult(
            outcome.Misses,
            measured ? outcome.Delivered : null,
            measured ? outcome.DeliveredLate : null,
            outcome.MeanCycles,
            outcome.Frames.Average(f => (double)Study.Costs[f.Path].Macs)
        )
        {
            PathsUsed = outcome.Frames.Select(f => f.Path).Distinct().Count(),
            Worth = outcome.Delivered,
            WorthLate = outcome.DeliveredLate,
        };
    }

    private StaticResult Static(int index)
    {
        StaticNetwork network = Model.Networks[index];
        PathCost cost = Study.Costs[network.Path];
        int Ended(PolicyOutcome outcome) => outcome.Frames.Count(f => f.Path == network.Path);
        return new StaticResult(
            network.Name,
            cost.Path.Name,
            Model.Static(index, new FrameDemand(uint.MaxValue, Plan.Timing)).Cycles,
            cost.Accuracy,
            Policy(Report.Statics[index])
        )
        {
            Ended = index < Study.Costs.Length ? (Ended(Report.Dynamic), Ended(Report.Host)) : null,
        };
    }

    private TraceFrame Frame(FrameDemand demand, int index)
    {
        (FrameOutcome dynamic, FrameOutcome host) = (Report.Dynamic.Frames[index], Report.Host.Frames[index]);
        return new TraceFrame(
            demand.Budget,
            demand.Timing.ReadInterval,
            demand.Timing.ReadLatency,
            Study.Costs[dynamic.Path].Path.Name,
            dynamic.Cycles,
            dynamic.Met,
            dynamic.Decisions,
            Study.Costs[host.Path].Path.Name,
            host.Cycles,
            host.Met
        );
    }
}
