namespace AccelGen.Emit.Modules;

/// <summary>Model of acc_inverse: the steps of its functions.</summary>
internal sealed class InverseModel
{
    // Fractional bits of an entry.
    private const int EntryFraction = 17;

    /// <summary>1 / x from 1 to 2.</summary>
    public IReadOnlyList<long> Reciprocal { get; } = FunctionSteps.Of(64, x => Math.ScaleB(1 / (1 + x), EntryFraction));

    /// <summary>1 / sqrt(x) from 1 to 4.</summary>
    public IReadOnlyList<long> RootReciprocal { get; } = FunctionSteps.Of(192, x => Math.ScaleB(1 / Math.Sqrt(1 + x), EntryFraction));
}
