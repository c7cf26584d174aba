using NUnit.Framework;

namespace AccelGen.Isa.Tests;

/// <summary>Entries of parameters have their fields where the table says.</summary>
public sealed class ParameterEntryTests
{
    [TestCase(0, 0, 1, 0x0100_0000_0000_0000UL)]
    [TestCase(-1, 0xFFFFFF, 63, 0x3FFF_FFFF_FFFF_FFFFUL)]
    [TestCase(int.MinValue, 1, 2, 0x0200_0001_8000_0000UL)]
    public void An_entry_of_post_processing_holds_bias_multiplier_and_shift(int bias, int multiplier, int shift, ulong entry) =>
        Assert.That(ParameterEntry.Encode(bias, multiplier, shift), Is.EqualTo(entry));

    [TestCase(-1, -1, 1, 0x01FF_FFFF_FFFF_FFFFUL)]
    [TestCase(5, -(1 << 23), 3, 0x0380_0000_0000_0005UL)]
    public void An_entry_of_a_layer_normalisation_holds_a_signed_gamma(int beta, int gamma, int shift, ulong entry) =>
        Assert.That(ParameterEntry.EncodeAffine(beta, gamma, shift), Is.EqualTo(entry));

    [Test]
    public void What_does_not_fit_is_refused_by_name()
    {
        Assert.That(
            Reason(() => ParameterEntry.Encode(0, 1 << 24, 1)),
            Does.Contain("Requantisation.Multiplier, which holds 0 to 16,777,215")
        );
        Assert.That(Reason(() => ParameterEntry.EncodeAffine(0, 1 << 23, 1)), Does.Contain("Affine.Gamma"));
        Assert.That(Reason(() => ParameterEntry.Encode(0, 1, 64)), Does.Contain("Requantisation.Shift"));
    }

    private static string Reason(Func<ulong> encode) => Assert.Throws<FieldRangeException>(() => encode())!.Reason;
}
