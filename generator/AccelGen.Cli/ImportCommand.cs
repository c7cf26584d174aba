using System.CommandLine;
using AccelGen.Cli.Results;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Onnx;
using Spectre.Console;

namespace AccelGen.Cli;

/// <summary><c>accelgen import</c>: what becomes of each node of an ONNX file.</summary>
internal static class ImportCommand
{
    public static Command Create()
    {
        var model = new Argument<string>("model") { Description = ModelOptions.Takes() };
        Option<string?> size = ModelOptions.SizeOption();
        Option<int> seed = ModelOptions.SeedOption();
        OutputOption json = Cli.JsonOption();
        var command = new Command("import", "Reads a network and shows what becomes of every node.") { model, size, seed, json };
        command.SetAction(
            (result, _) =>
            {
                string path = result.GetValue(model)!;
                (int Height, int Width)? inputSize = ModelOptions.Size(result.GetValue(size));
                ImportResult import;
                if (ModelOptions.IsArchitecture(path))
                {
                    import = Architecture(ModelOptions.Build(path, inputSize, result.GetValue(seed)), result.GetValue(seed));
                }
                else
                {
                    ModelOptions.RequireFile(path);
                    try
                    {
                        import = OnnxImporter.Import(path, inputSize);
                    }
                    catch (ImportException e)
                    {
                        // What could be read, beside the reasons why the whole could not.
                        if (e.Nodes.Count > 0)
                            Show(e.Nodes);
                        Cli.WriteJson(result.GetValue(json), new RefusedModel(path, e.Problems, e.Nodes));
                        throw;
                    }
                }

                Show(import.Nodes);
                Console.WriteLine(
                    $"{import.Network.Name}: {(import.Quantized is null ? "float" : "quantised")}, "
                        + $"{(import.Opset == 0 ? import.Producer : $"opset {import.Opset}")}, "
                        + $"{import.Network.Layers.Count} layers, {import.Network.Parameters:N0} parameters, "
                        + $"{import.Network.Macs:N0} MACs, {import.Network.Blocks.Count} skippable blocks"
                );
                foreach (SkippableBlock block in import.Network.Blocks)
                    Console.WriteLine($"  block {block.Index}: {block.Name}");
                Cli.WriteJson(result.GetValue(json), Result(path, import));
                return Task.FromResult(ExitCode.Success);
            }
        );
        return command;
    }

    private static ImportedModel Result(string model, ImportResult import)
    {
        FloatNetwork network = import.Network;
        return new ImportedModel(
            model,
            import.Opset,
            import.Producer,
            import.Quantized is not null,
            import.Nodes,
            [
                .. network.Layers.Select(l => new ImportedLayer(
                    l.Name,
                    Operator(l),
                    network.Tensors[l.Input].Shape.ToString(),
                    network.Tensors[l.Output].Shape.ToString(),
                    l.Block is int b ? network.Blocks[b].Name : null
                )),
            ],
            network.Blocks,
            network.Parameters,
            network.Macs
        );
    }

    // An architecture has no nodes: its layers are what it consists of.
    private static ImportResult Architecture(FloatNetwork network, int seed) =>
        new(
            network,
            [
                .. network.Layers.Select(l => new ImportedNode(
                    l.Name,
                    Operator(l),
                    $"{network.Tensors[l.Input].Shape} to "
                        + $"{network.Tensors[l.Output].Shape}{(l.Block is int b ? $", block {network.Blocks[b].Name}" : string.Empty)}"
                )),
            ],
            [],
            0,
            $"architecture with weights of seed {seed}"
        );

    private static void Show(IReadOnlyList<ImportedNode> nodes)
    {
        var table = new Table().AddColumns("node", "operator", "becomes");
        foreach (ImportedNode node in nodes)
            table.AddRow(Printable.Cell(node.Node), Printable.Cell(node.Operator), Printable.Cell(node.Outcome));
        Cli.Output().Write(table);
    }

    private static string Operator(FloatLayer layer) => layer.GetType().Name["Float".Length..].ToLowerInvariant();
}
