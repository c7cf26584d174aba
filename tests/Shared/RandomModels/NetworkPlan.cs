using System.Globalization;

namespace AccelGen.Tests.Shared;

/// <summary>One operator or pattern, and the numbers that its sizes, attributes and operands are drawn from.</summary>
/// <param name="Operator">Name in <see cref="OperatorDraws"/>.</param>
/// <param name="Seed">Seed of its constants.</param>
/// <param name="Numbers">Numbers of a <see cref="Draw"/>.</param>
internal sealed record PlanStep(string Operator, int Seed, IReadOnlyList<int> Numbers)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Operator} {Seed} [{string.Join(' ', Numbers)}]");
}

/// <summary>
/// A random network as a list of steps. Every list is a network: a step that finds nothing to work on adds nothing, so that any
/// part of a plan is a plan and a failing one can be shrunk.
/// </summary>
/// <param name="Input">Shape of the input, operator set, names, and what the outputs are.</param>
/// <param name="Steps">Operators in order.</param>
internal sealed record NetworkPlan(PlanStep Input, IReadOnlyList<PlanStep> Steps)
{
    private const int NumbersPerStep = 48,
        MostSteps = 14,
        Attempts = 6;

    /// <summary>Draws a plan.</summary>
    /// <param name="seed">Seed; the same one gives the same plan.</param>
    public static NetworkPlan Create(int seed)
    {
        var random = new Random(seed);
        PlanStep Step(string name) => new(name, random.Next(), [.. Enumerable.Range(0, NumbersPerStep).Select(_ => random.Next())]);
        PlanStep input = Step("Input");
        bool refused = random.Next(5) == 0;
        var model = new ModelDraft(input);
        var steps = new List<PlanStep>();
        for (int count = 1 + Math.Min(random.Next(MostSteps), random.Next(MostSteps)); count > 0; count--)
        {
            // A step that fits what is there already, where one is found soon.
            for (int attempt = 0; attempt < Attempts; attempt++)
            {
                if (model.Add(Step(OperatorDraws.Choose(random, refused).Name)) is not { } step)
                    continue;
                steps.Add(step);
                break;
            }
        }

        return new NetworkPlan(model.Input, steps);
    }

    /// <summary>The same network by the least numbers, without the steps that add nothing.</summary>
    public NetworkPlan Least()
    {
        var model = new ModelDraft(Input);
        PlanStep[] steps = [.. Steps.Select(model.Add).OfType<PlanStep>()];
        return new NetworkPlan(model.Input, steps);
    }

    /// <summary>The network as a model.</summary>
    public RandomModel Build()
    {
        var model = new ModelDraft(Input);
        foreach (PlanStep step in Steps)
            model.Add(step);
        return model.Finish();
    }

    /// <summary>Smaller plans, the boldest first: without steps, then with fewer and smaller numbers.</summary>
    public IEnumerable<NetworkPlan> Smaller()
    {
        for (int size = Steps.Count; size > 0; size /= 2)
        {
            for (int at = Steps.Count - size; at >= 0; at -= size)
                yield return this with
                {
                    Steps = [.. Steps.Take(at), .. Steps.Skip(at + size)],
                };
        }

        foreach (PlanStep input in Smaller(Input))
            yield return this with
            {
                Input = input,
            };
        for (int i = Steps.Count - 1; i >= 0; i--)
        {
            foreach (PlanStep step in Smaller(Steps[i]))
                yield return this with
                {
                    Steps = [.. Steps.Take(i), step, .. Steps.Skip(i + 1)],
                };
        }
    }

    // Without the last numbers, then with one of them the simplest, half, less by one.
    private static IEnumerable<PlanStep> Smaller(PlanStep step)
    {
        for (int keep = 0; keep < step.Numbers.Count; keep = keep == 0 ? 1 : keep * 2)
            yield return step with
            {
                Numbers = [.. step.Numbers.Take(keep)],
            };
        for (int n = 0; n < step.Numbers.Count; n++)
        {
            int value = step.Numbers[n],
                index = n;
            foreach (int smaller in new[] { 0, value / 2, value - 1 }.Where(v => v >= 0 && v < value).Distinct().Order())
                yield return step with
                {
                    Numbers = [.. step.Numbers.Take(index), smaller, .. step.Numbers.Skip(index + 1)],
                };
        }
    }

    /// <inheritdoc/>
    public override string ToString() => string.Join(Environment.NewLine, Steps.Prepend(Input));
}

/// <summary>A random network as a file.</summary>
/// <param name="File">ONNX model.</param>
/// <param name="Input">Sizes of the input, [1, C, H, W] or of another rank.</param>
/// <param name="OpenSize">The file leaves rows and columns of the input open.</param>
/// <param name="Discrete">Outputs whose values are chosen among others: rounding may choose differently.</param>
/// <param name="Broken">The file lacks something that it names: it is to be refused.</param>
/// <param name="Nodes">Nodes with their operands' sizes, for reports.</param>
internal sealed record RandomModel(
    byte[] File,
    long[] Input,
    bool OpenSize,
    IReadOnlySet<string> Discrete,
    bool Broken,
    IReadOnlyList<string> Nodes
);
