using AccelGen.Files;
using AccelGen.Isa;
using AccelGen.Network.Quantized;

namespace AccelGen.Compiler;

public sealed partial class NetworkCompiler
{
    /// <summary>A layer on its way to jobs: what every operator starts from, and what one adds to memory.</summary>
    /// <param name="compiler">Compiler.</param>
    /// <param name="network">Network.</param>
    /// <param name="layer">Layer.</param>
    /// <param name="job">What jobs of all operators have.</param>
    /// <param name="layouts">Layouts as the layer sees them.</param>
    /// <param name="folded">Network inputs with other channels.</param>
    /// <param name="rows">Views that must be copied.</param>
    internal sealed class LoweringCall(
        NetworkCompiler compiler,
        QuantizedNetwork network,
        QuantizedLayer layer,
        LayerJob job,
        TensorLayout[] layouts,
        Dictionary<int, InputFolding> folded,
        Rearrangement rows
    )
    {
        /// <summary>Network.</summary>
        public QuantizedNetwork Network => network;

        /// <summary>Layer.</summary>
        public QuantizedLayer Layer => layer;

        /// <summary>What jobs of all operators have.</summary>
        public LayerJob Job => job;

        /// <summary>Tensor of the input.</summary>
        public QuantizedTensor Input => network.Tensors[layer.Input];

        /// <summary>Layout of a tensor.</summary>
        public TensorLayout Layout(int tensor) => layouts[tensor];

        /// <summary>Layout of a tensor whose pixels are one row.</summary>
        public TensorLayout ReadRow(int tensor) => rows.ReadRow(layouts[tensor]);

        /// <summary>A job that passes the input on, or raw counts, which row operators read.</summary>
        public LayerJob Identity(bool raw) =>
            job with
            {
                Depthwise = true,
                WeightPerTap = false,
                ParameterShared = true,
                InputZeroPoint = raw ? 0 : job.InputZeroPoint,
                OutputZeroPoint = raw ? 0 : job.OutputZeroPoint,
                ClampLow = raw ? -128 : job.ClampLow,
                ClampHigh = raw ? 127 : job.ClampHigh,
                ComputedChannels = raw ? job.Input.Shape.Channels : null,
                ParameterAddress = AddFactors(One),
                WeightAddress = AddOnes(),
            };

        /// <summary>A row operator over the channels of the input.</summary>
        public RowJob Row(RowFunction function) =>
            new(function, Input.Shape.Channels)
            {
                LayerIndex = job.LayerIndex,
                ZeroPoint = job.OutputZeroPoint,
                ClampLow = layer.ClampLow,
                ClampHigh = layer.ClampHigh,
            };

        /// <summary>The job over a row of pixels where it can be one.</summary>
        public LayerJob Flat(LayerJob one) => compiler.Flatten(one, rows);

        /// <summary>The job for each head.</summary>
        public List<LayerJob> Heads(LayerJob one) => [.. Enumerable.Range(0, Input.Shape.Batch).Select(b => Flat(one with { Batch = b }))];

        /// <summary>The job of a convolution.</summary>
        public LayerJob Convolution(ConvLayer conv, LayerJob start) =>
            compiler.Convolution(
                conv,
                start,
                Input,
                network.Tensors[layer.Output],
                layer.Computed(Input.Shape, network.Tensors[layer.Output].Shape),
                folded
            );

        /// <summary>The job of a resampling.</summary>
        public LayerJob Resampling(ResizeLayer resize) => compiler.Resampling(resize, job);

        /// <summary>The jobs of a concatenation: none where its parts are written in place.</summary>
        public List<LayerJob> Concatenation(ConcatLayer concat) => compiler.Concatenation(concat, job, network, layouts, rows);

        /// <summary>Neighbouring taps of a kernel row as one step, where the configuration and the layer allow it.</summary>
        public LayerJob InRowTaps(LayerJob one) => compiler.InRowTaps(one);

        /// <summary>Weights that all lanes share, in the order of such steps.</summary>
        public long AddRowTaps(LayerJob one, int columns, Func<int, int, int, sbyte> weight) => compiler.AddRowTaps(one, columns, weight);

        /// <summary>Factors that all channels share.</summary>
        public long AddFactors(params ReadOnlySpan<FixedPointScale> scales) => compiler.AddSharedParameters(scales);

        /// <summary>A weight of 1 that all lanes share.</summary>
        public long AddOnes() => compiler.AddOnes();

        /// <summary>Entries of parameters, one for each channel.</summary>
        public long AddEntries(int channels, Func<int, ulong> entry) => compiler.AddRegion(compiler.Entries(channels, entry));

        /// <summary>Weights that take the zero point of a right operand out of a product.</summary>
        public long AddZeroPoint(int zeroPoint) => compiler.AddZeroPoint(zeroPoint, Input.Shape.Channels);

        /// <summary>Refuses a product of two tensors whose sums may leave the accumulator.</summary>
        public void CheckAccumulator(int rightZeroPoint) => compiler.CheckMatrixAccumulator(layer.Name, Input, rightZeroPoint);

        /// <summary>Refuses the layer.</summary>
        public void Refuse(Fault problem) => compiler.problems.Add(problem.At(rows.Place));
    }
}
