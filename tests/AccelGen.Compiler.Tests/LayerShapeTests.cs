using AccelGen.Config;
using AccelGen.Isa;
using AccelGen.Network.Quantized;
using NUnit.Framework;

namespace AccelGen.Compiler.Tests;

/// <summary>The shape of a layer is the key of its tiling: nothing of a job's place is in it, everything else is.</summary>
public sealed class LayerShapeTests
{
    [Test]
    public void Places_zero_points_and_factors_are_no_part_of_a_shape()
    {
        LayerJob job = Job();
        LayerJob other = job with
        {
            Name = "other",
            LayerIndex = 7,
            InputZeroPoint = 3,
            OutputZeroPoint = 4,
            ClampLow = -5,
            ClampHigh = 6,
            Batch = 1,
            WeightAddress = 4096,
            ParameterAddress = 8192,
            TableAddress = 12288,
            Block = 1,
            WhereSkipped = true,
            Input = job.Input with { Address = 65536 },
            Output = job.Output with { Address = 131072 },
            Row = new RowJob(RowFunction.LayerNorm, 8) { ParameterAddress = 4096, Epsilon = 9 },
            Consumer = job.Consumer! with { ParameterAddress = 4096, Name = "next" },
        };
        Assert.That(other.Shape(), Is.EqualTo(job.Shape()));
        Assert.That(other.Shape().GetHashCode(), Is.EqualTo(job.Shape().GetHashCode()));
        Assert.That(job.Shape(), Is.TypeOf<LayerShape>());
    }

    [Test]
    public void What_changes_the_work_changes_the_shape()
    {
        LayerJob job = Job();
        LayerJob[] others =
        [
            job with
            {
                Kernel = (3, 3),
            },
            job with
            {
                TableAddress = null,
            },
            job with
            {
                RightZeroPointAddress = 0,
            },
            job with
            {
                Row = new RowJob(RowFunction.LayerNorm, 8),
            },
            job with
            {
                Row = null,
            },
            job with
            {
                Consumer = job.Consumer! with { Kernel = (3, 1) },
            },
            job with
            {
                Consumer = null,
            },
            job with
            {
                InputExtent = 1,
            },
            job with
            {
                Input = job.Input with { RowPitchWords = 9 },
            },
        ];
        Assert.That(others.Select(o => o.Shape()).Append(job.Shape()), Is.Unique);
    }

    private static LayerJob Job()
    {
        TensorLayout tensor = TensorLayout.Create(ConfigLoader.Load("tiny"), new TensorShape(1, 4, 4, 8), 0);
        var job = new LayerJob
        {
            Name = "layer",
            LayerIndex = 0,
            Input = tensor,
            InputZeroPoint = 0,
            Output = tensor,
            OutputZeroPoint = 0,
            ClampLow = -128,
            ClampHigh = 127,
            ParameterAddress = 0,
            TableAddress = 0,
            Row = new RowJob(RowFunction.LayerNorm, 8) { ParameterAddress = 0 },
        };
        return job with { Consumer = job with { Row = null } };
    }
}
