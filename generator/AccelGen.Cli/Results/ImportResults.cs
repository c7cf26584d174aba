using AccelGen.Network.Quantized;
using AccelGen.Onnx;

namespace AccelGen.Cli.Results;

/// <summary>Result of <c>import</c>.</summary>
/// <param name="Model">File or architecture, as it was named.</param>
/// <param name="Opset">Version of ONNX's operators; 0 for an architecture.</param>
/// <param name="Producer">Program that wrote the file; of an architecture, what it is.</param>
/// <param name="Quantized">It is quantised already.</param>
/// <param name="Nodes">What becomes of each node.</param>
/// <param name="Layers">Layers of the network.</param>
/// <param name="Blocks">Blocks that can be skipped.</param>
/// <param name="Parameters">Weights and biases.</param>
/// <param name="Macs">Multiply-accumulates of a frame.</param>
internal sealed record ImportedModel(
    string Model,
    int Opset,
    string Producer,
    bool Quantized,
    IReadOnlyList<ImportedNode> Nodes,
    IReadOnlyList<ImportedLayer> Layers,
    IReadOnlyList<SkippableBlock> Blocks,
    long Parameters,
    long Macs
) : IResult;

/// <summary>A layer of an imported network.</summary>
/// <param name="Name">Name.</param>
/// <param name="Op">Operator.</param>
/// <param name="Input">Shape of its input, NxHxWxC.</param>
/// <param name="Output">Shape of its output, NxHxWxC.</param>
/// <param name="Block">Name of the skippable block that it is in, or null.</param>
internal sealed record ImportedLayer(string Name, string Op, string Input, string Output, string? Block);

/// <summary>Result of <c>import</c> for a file that cannot be taken.</summary>
/// <param name="Model">File, as it was named.</param>
/// <param name="Problems">Why it cannot.</param>
/// <param name="Nodes">What becomes of each node that could be read.</param>
internal sealed record RefusedModel(string Model, IReadOnlyList<string> Problems, IReadOnlyList<ImportedNode> Nodes) : IResult;
