namespace AccelGen.Emit.Modules;

/// <summary>Steps of the interpolated functions: docs/operators.md.</summary>
internal static class FunctionSteps
{
    private const double PerUnit = 64;

    /// <summary>Values of a function at 0, 1/64, 2/64, ..., rounded.</summary>
    /// <param name="steps">Steps, one fewer than values.</param>
    /// <param name="function">Function, scaled to integers.</param>
    public static IReadOnlyList<long> Of(int steps, Func<double, double> function) =>
        [.. Enumerable.Range(0, steps + 1).Select(i => (long)Math.Round(function(i / PerUnit)))];
}
