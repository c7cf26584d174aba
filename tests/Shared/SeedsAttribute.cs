using System.Collections;
using NUnit.Framework.Interfaces;

namespace AccelGen.Tests.Shared;

/// <summary>
/// Seeds of a test's parameter, one case each: a case that fails hides no other, and its name says how to repeat it. ACCELGEN_SEED
/// sets the first seed, ACCELGEN_ITER how many there are.
/// </summary>
/// <param name="first">First seed without the variable.</param>
/// <param name="count">How many without the variable.</param>
[AttributeUsage(AttributeTargets.Parameter)]
internal sealed class SeedsAttribute(int first, int count) : Attribute, IParameterDataSource
{
    /// <inheritdoc/>
    public IEnumerable GetData(IParameterInfo parameter) => Enumerable.Range(Setting.Seed(first), Setting.Iterations(count));
}
