using AccelGen.Isa;

namespace AccelGen.Sim.Traces;

/// <summary>What a way of choosing paths made of a trace.</summary>
/// <param name="Name">Name for reports.</param>
/// <param name="Frames">How each frame went.</param>
/// <param name="Delivered">Mean worth of what was there in time: a frame that was late counts as nothing.</param>
/// <param name="DeliveredLate">The same where a frame that was late counts as well.</param>
public sealed record PolicyOutcome(string Name, IReadOnlyList<FrameOutcome> Frames, double Delivered, double DeliveredLate)
{
    /// <summary>Frames that were late.</summary>
    public int Misses => Frames.Count(f => !f.Met);

    /// <summary>Cycles of a frame on average.</summary>
    public double MeanCycles => Frames.Average(f => (double)f.Cycles);
}

/// <summary>A trace under several ways of choosing paths.</summary>
/// <param name="Dynamic">By the CHECKPOINT commands.</param>
/// <param name="Host">By the table of a host, before the frame.</param>
/// <param name="Hindsight">The best path of each frame, known afterwards, on the program without checkpoints: the bound of a host that
/// chooses before the frame.</param>
/// <param name="Statics">One path for all frames, in the order of the model's networks.</param>
/// <param name="BestStatic">Of those with no more misses than <see cref="Dynamic"/> the one that delivers most, by its index, or null: all
/// miss more.</param>
public sealed record TraceReport(
    PolicyOutcome Dynamic,
    PolicyOutcome Host,
    PolicyOutcome Hindsight,
    IReadOnlyList<PolicyOutcome> Statics,
    int? BestStatic
)
{
    /// <summary>Runs a trace.</summary>
    /// <param name="frames">Frames, on memories that the model has predicted.</param>
    /// <param name="model">Cycles.</param>
    /// <param name="worth">What each path is worth, more is better.</param>
    /// <param name="table">Table of the host; its candidates are the first networks of the model, in order.</param>
    /// <param name="slack">Share by which the host takes the cycles of its table to be more.</param>
    public static TraceReport Create(
        IReadOnlyList<FrameDemand> frames,
        TraceModel model,
        IReadOnlyList<double> worth,
        HostTable table,
        double slack
    )
    {
        PolicyOutcome Run(string name, Func<FrameDemand, FrameOutcome> frame)
        {
            FrameOutcome[] outcomes = [.. frames.Select(frame)];
            return new PolicyOutcome(
                name,
                outcomes,
                outcomes.Average(o => o.Met ? worth[o.Path] : 0),
                outcomes.Average(o => worth[o.Path])
            );
        }

        // Where nothing fits a host takes what costs least.
        FrameOutcome Table(FrameDemand frame) => model.Static((table.Best(frame.Budget, slack) ?? table.Entries[0]).Candidate, frame);
        FrameOutcome Afterwards(FrameDemand frame)
        {
            FrameOutcome[] all = [.. Enumerable.Range(0, model.Networks.Count).Select(n => model.Static(n, frame))];
            return all.Where(o => o.Met).OrderByDescending(o => worth[o.Path]).ThenBy(o => o.Cycles).FirstOrDefault()
                ?? all.MinBy(o => o.Cycles)!;
        }

        PolicyOutcome dynamic = Run("checkpoints", model.Dynamic);
        PolicyOutcome[] statics = [.. model.Networks.Select((network, n) => Run(network.Name, frame => model.Static(n, frame)))];
        int? best = statics
            .Select((s, n) => (s, n))
            .Where(s => s.s.Misses <= dynamic.Misses)
            .OrderByDescending(s => s.s.Delivered)
            .ThenBy(s => s.s.MeanCycles)
            .Select(s => (int?)s.n)
            .FirstOrDefault();
        return new TraceReport(dynamic, Run("host table", Table), Run("hindsight", Afterwards), statics, best);
    }
}
