using System.Diagnostics;

namespace AccelGen.Tests.Shared;

/// <summary>Makes a failing plan smaller while it fails in the same way.</summary>
internal static class PlanShrinker
{
    /// <summary>Shrinks a plan: takes the first smaller one that still fails, until none does or the time is over.</summary>
    /// <param name="plan">A plan that fails.</param>
    /// <param name="fails">Whether a plan fails in the same way.</param>
    /// <param name="limit">Time.</param>
    public static NetworkPlan Shrink(NetworkPlan plan, Func<NetworkPlan, bool> fails, TimeSpan limit)
    {
        var clock = Stopwatch.StartNew();
        plan = plan.Least();
        for (bool smaller = true; smaller && clock.Elapsed < limit; )
        {
            smaller = false;
            foreach (NetworkPlan candidate in plan.Smaller().TakeWhile(_ => clock.Elapsed < limit))
            {
                if (!fails(candidate))
                    continue;
                plan = candidate.Least();
                smaller = true;
                break;
            }
        }

        return plan;
    }
}
