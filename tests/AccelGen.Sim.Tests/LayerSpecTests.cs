using System.Text;
using AccelGen.Files;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>The text of a layer: what is wrong is refused by name, whatever it is.</summary>
public sealed class LayerSpecTests
{
    [TestCase("conv 4x4x4 k3 k5 -> 4", "'k5' is the second kernel")]
    [TestCase("conv 4x4x4 k3 s1 s1 -> 4", "'s1' is the second stride")]
    [TestCase("conv 4x4x4 k3 p1 d1 p1 -> 4", "'p1' is the second padding")]
    [TestCase("conv 4x4x4 k3 d1 d2 -> 4", "'d2' is the second dilation")]
    [TestCase("conv 4x4x4 k3 g1 g2 -> 4", "'g2' is the second number of groups")]
    [TestCase("conv 4x4x4 -> 4", "the kernel is missing; add kK or kKxK")]
    [TestCase("conv 4x4x4 k5 p0 d2 -> 4", "a kernel of 9x9 with its dilation is larger than the padded input, 4x4")]
    [TestCase("conv 4x4x4 k3 -> 4, keep 2, keep 3", "is not understood")]
    [TestCase("conv 4x4x4 k3 -> 4, keepout 2, keepout 3", "is not understood")]
    public void A_term_given_twice_is_refused(string text, string says) =>
        Assert.That(() => LayerSpec.Parse(text), Throws.TypeOf<InputException>().With.Message.Contains(says));

    [TestCase("conv 65535x65535x65535 k1 -> 65535", "the input of 1x65535x65535x65535 has 281,462,092,005,375 elements")]
    [TestCase("conv 65535x65535x1 k1 -> 1", "the output of 1x65535x65535x1 has")]
    [TestCase("conv 31x31x65535 k31 -> 65535", "the weights of 65535x31x31x65535 have")]
    [TestCase("linear 65535x65535 -> 8", "the input of 1x1x65535x65535 has")]
    [TestCase("linear 8x65535 -> 65535", "the weights of 65535x1x1x65535 have")]
    [TestCase("matmul 65535x65535x1x1", "the input of 65535x1x65535x1 has")]
    [TestCase("matmul 2000x1x1000x1000", "the right operand of 2000x1x1000x1000 has")]
    public void Sizes_whose_product_is_too_large_are_refused_with_the_product_and_the_limit(string text, string says) =>
        Assert.That(
            () => LayerSpec.Parse(text),
            Throws.TypeOf<InputException>().With.Message.Contains(says).And.Message.Contains("legal are up to 1,073,741,823")
        );

    [TestCase(150)]
    [TestCase(3_000, Category = "Deep")]
    public void A_damaged_layer_is_a_layer_or_refused(int count)
    {
        string[] texts =
        [
            "conv 128x128x3072 k1 -> 768, keep 1536",
            "conv 9x7x16 k3x5 s2 p1 d2 g4 -> 8",
            "conv 8x8x8 k3 -> 8, keep 4, keepout 2",
            "linear 64x32 -> 48, keep 16",
            "matmul 2x64x32x64",
        ];
        Assert.That(
            Mutations.Run(
                Mutations.Texts(texts),
                count,
                damaged =>
                {
                    string text = Encoding.UTF8.GetString(damaged);
                    try
                    {
                        return LayerSpec.Parse(text).Output.Elements is > 0 and <= LayerSpec.MaxElements
                            ? null
                            : $"accepted, but not possible: {text}";
                    }
                    catch (InputException e)
                    {
                        return e.Message.Contains("layer '", StringComparison.Ordinal) ? null : $"refused without its text: {e.Message}";
                    }
                }
            ),
            Is.Empty
        );
    }
}
