using AccelGen.Files;
using AccelGen.Network.Quantized;
using AccelGen.Onnx.Proto;
using AccelGen.Onnx.Qdq;
using Google.Protobuf;

namespace AccelGen.Onnx;

/// <summary>Type of the counts in a QDQ file: activations, weights, constants and tables.</summary>
public enum QdqType
{
    /// <summary>
    /// Unsigned: counts and zero points are 128 higher, so weights have zero point 128. ONNX Runtime multiplies such bytes
    /// exactly on every processor.
    /// </summary>
    UInt8,

    /// <summary>
    /// Signed: weights have zero point 0. On x64 processors without VNNI ONNX Runtime adds products of unsigned activations
    /// (it makes int8 ones unsigned) by signed weights in 16 bits that saturate: results up to 100 steps off. On Arm
    /// processors without dot products, two products of -128 by -128 wrap.
    /// </summary>
    Int8,
}

/// <summary>
/// Writes a quantised network as an ONNX model in QDQ form, for checks by any ONNX runtime: float operators between pairs of
/// QuantizeLinear and DequantizeLinear, weights of 8 bits with a scale per output channel, int32 biases.
/// </summary>
/// <remarks>
/// Inputs and outputs are real numbers [Batch, Channels, Height, Width]. A factor of the network becomes the scale of its
/// weights, or a multiplication where it is not the quotient of the tensors' scales. A table becomes a Gather over the counts.
/// A resize whose weights are those of an ONNX Resize becomes one; any other gathers the taps of each pixel side by side and
/// averages them with the network's own weights. Numbers in single precision are chosen such that an import gives the
/// network's fixed-point factors back wherever one does.
/// </remarks>
public static class QdqExporter
{
    /// <summary>Operator set of the models.</summary>
    public const int OpsetVersion = 17;

    /// <summary>Writes a model, as <see cref="OutputFile"/> does.</summary>
    /// <param name="path">File.</param>
    /// <param name="network">Network.</param>
    /// <param name="execution">Path whose skipped blocks are left out; all blocks when null.</param>
    /// <param name="type">Type of the counts.</param>
    /// <exception cref="InputException">The network has something that ONNX cannot express.</exception>
    /// <exception cref="IOException">The file cannot be written; it is as it was.</exception>
    public static void Save(string path, QuantizedNetwork network, ExecutionPath? execution = null, QdqType type = QdqType.UInt8)
    {
        ModelProto model = Model(network, execution, type);
        OutputFile.Write(path, stream => model.WriteTo(stream));
    }

    /// <summary>The bytes of a model.</summary>
    /// <param name="network">Network.</param>
    /// <param name="execution">Path whose skipped blocks are left out; all blocks when null.</param>
    /// <param name="type">Type of the counts.</param>
    /// <exception cref="InputException">The network has something that ONNX cannot express.</exception>
    public static byte[] Export(QuantizedNetwork network, ExecutionPath? execution = null, QdqType type = QdqType.UInt8) =>
        Model(network, execution, type).ToByteArray();

    /// <summary>A network of one layer of another: its inputs are the tensors that the layer reads, in the order of
    /// <see cref="QuantizedLayer.Reads"/>.</summary>
    public static QuantizedNetwork SingleLayer(QuantizedNetwork network, int layer)
    {
        QuantizedLayer l = network.Layers[layer];
        int[] reads = [.. l.Reads.Distinct()];
        int Place(int tensor) => Array.IndexOf(reads, tensor);
        QuantizedTensor[] tensors =
        [
            .. reads.Append(l.Output).Select((t, i) => network.Tensors[t] with { Id = i, SharesStorageWith = null }),
        ];
        // A layer that writes over its input under the same identity still has two values.
        l = l.Reading([.. l.Reads.Select(Place)]) with
        {
            Output = reads.Length,
            Block = null,
        };
        return new QuantizedNetwork(
            l.Name,
            tensors,
            [l],
            [],
            [.. Enumerable.Range(0, reads.Length).Where(i => tensors[i].Constant is null)],
            [reads.Length]
        );
    }

    private static ModelProto Model(QuantizedNetwork network, ExecutionPath? execution, QdqType type)
    {
        if (execution?.Extents.Count > 0)
            throw new InputException(
                FaultCodes.NotExportable,
                network.Name,
                $"path '{execution.Name}' keeps part of the channels",
                "only whole blocks can be left out of an ONNX file"
            );
        return new QdqWriter(network, type).Write(execution?.SkippedBlocks ?? new HashSet<int>());
    }
}
