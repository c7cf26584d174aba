using AccelGen.Files;
using AccelGen.Network.Architectures;
using AccelGen.Network.Dynamic;
using AccelGen.Network.Float;
using AccelGen.Onnx;
using AccelGen.Onnx.Tests;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Network.Tests.Architectures;

/// <summary>The Once-For-All space of ResNet-50: its sizes, its genomes, and that all of it are slices of the largest.</summary>
public sealed class OfaResNet50Tests
{
    private const int Small = 64,
        Seed = 2,
        Classes = 10;

    [TestCase("", 48_072_424, 7_491_643_904, 15)]
    [TestCase("d=0:e=0.2:w=0", 6_527_872, 962_192_128, 6)]
    [TestCase("4.1G", 30_876_288, 4_100_392_320, 11)]
    [TestCase("1.8G", 20_649_912, 1_804_373_056, 7)]
    public void Parameters_work_and_blocks_are_those_of_the_space(string genome, long parameters, long macs, int blocks)
    {
        FloatNetwork network = OfaResNet50.Build(OfaGenome.Parse(genome, "test"));
        Assert.That((network.Parameters, network.Macs, network.Blocks.Count), Is.EqualTo((parameters, macs, blocks)));
        Assert.That(network.Blocks.Select(b => b.Name), Is.Unique.And.Some.EqualTo("stage3.block2"));
    }

    [Test]
    public void Points_have_the_work_of_their_names()
    {
        foreach ((string name, string genome) in OfaGenome.Points.Where(p => p.Key != "smallest"))
        {
            double macs = OfaResNet50.Build(OfaGenome.Parse(genome, name)).Macs;
            Assert.That(
                macs / 1e9,
                Is.EqualTo(double.Parse(name.TrimEnd('G'), System.Globalization.CultureInfo.InvariantCulture)).Within(0.005),
                name
            );
        }
    }

    [Test]
    public void A_genome_is_written_as_it_is_read()
    {
        OfaGenome genome = OfaGenome.Parse("d=0,2,1,0,1:w=2,1,0,1,2,0", "test");
        Assert.That(OfaGenome.Parse(genome.ToString(), "test").ToString(), Is.EqualTo(genome.ToString()));
        Assert.That(genome.Expand, Is.EqualTo(OfaGenome.Largest.Expand));
    }

    [Test]
    public void Whatever_is_wrong_with_a_genome_is_said_at_once()
    {
        string message = Assert.Throws<InputException>(() => OfaGenome.Parse("d=1,2,3,4,5:e=0.3:w=0,1:k=7:w=0:w=1", "net"))!.Message;
        Assert.That(
            message.Split(Environment.NewLine),
            Is.EqualTo(
                new[]
                {
                    "net: d: '3'; legal are 0, 1, 2",
                    "net: e: '0.3'; legal are 0.2, 0.25, 0.35",
                    "net: w has 2 numbers; legal are 6, or one for all",
                    $"net: 'k=7' is none of d=DEPTHS, e=EXPANSIONS, w=WIDTHS, and none of {string.Join(", ", OfaGenome.Points.Keys)}",
                    "net: w is given twice",
                }
            )
        );
        Assert.That(
            Assert.Throws<InputException>(() => OfaGenome.Parse("d=1,2,2,2,2", "net"))!.Message,
            Does.Contain("the first number is 1; legal are 0 and 2")
        );
        Assert.That(
            Assert.Throws<InputException>(() => OfaResNet50.Build(OfaGenome.Largest, 100, 96))!.Message,
            Does.Contain("100x96").And.Contains("multiples of 32")
        );
    }

    [Test]
    public void An_exported_network_with_unfolded_normalisations_comes_back_as_a_subnet_and_computes_what_the_file_does()
    {
        OfaGenome genome = OfaGenome.Parse("d=0,0,1,0,0:e=0.2:w=0", "test");
        byte[] file = OfaOnnxModel.Build(genome, Small, Seed, Classes);
        ImportResult import = Oracle.Import(file);
        FloatNetwork built = OfaResNet50.Build(genome, Small, Small, Seed, Classes),
            whole = OfaResNet50.Build(OfaGenome.Largest, Small, Small, Seed, Classes);
        float[] image = RandomNetworks.Values(new Random(Seed), Small * Small * 3, 1),
            wanted = Oracle.Reference(file, image, built.Tensors[built.Inputs[0]].Shape);
        float largest = wanted.Max(Math.Abs);
        Assert.That(Oracle.Run(import, image), Is.EqualTo(wanted).Within(1e-4 * largest));
        Assert.That(
            FloatExecutor.Run(built, new Dictionary<int, float[]> { [0] = image })[built.Outputs[0]],
            Is.EqualTo(wanted).Within(1e-4 * largest)
        );
        foreach (FloatNetwork subnet in new[] { import.Network, built })
        {
            SubnetMatch match = SubnetMatch.Find(whole, subnet, "sub");
            Assert.That(
                match.SkippedBlocks.Select(b => whole.Blocks[b].Name),
                Is.EquivalentTo(
                    new[]
                    {
                        "stem.residual",
                        "stage1.block2",
                        "stage1.block3",
                        "stage2.block3",
                        "stage3.block4",
                        "stage3.block5",
                        "stage4.block2",
                        "stage4.block3",
                    }
                )
            );
            Assert.That(match.Factors.Values.SelectMany(f => f), Has.Some.Not.EqualTo(1));
        }
    }
}
