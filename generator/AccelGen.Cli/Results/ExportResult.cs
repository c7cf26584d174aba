namespace AccelGen.Cli.Results;

/// <summary>Result of <c>export</c>.</summary>
/// <param name="File">File, as it was named.</param>
/// <param name="Type">Type of activations and weights.</param>
/// <param name="Opset">Version of ONNX's operators.</param>
/// <param name="Layers">Layers that it holds.</param>
/// <param name="Bytes">Bytes of the file.</param>
/// <param name="Skipped">Indices of the blocks that it leaves out, or null: no option names any.</param>
internal sealed record ExportResult(string File, string Type, int Opset, int Layers, long Bytes, IReadOnlyList<int>? Skipped) : IResult;
