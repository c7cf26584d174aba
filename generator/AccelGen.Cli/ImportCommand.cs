using System.CommandLine;
using AccelGen.Network.Onnx;
using AccelGen.Network.Quantized;
using Spectre.Console;

namespace AccelGen.Cli;

/// <summary><c>accelgen import</c>: what becomes of each node of an ONNX file.</summary>
internal static class ImportCommand
{
    public static Command Create()
    {
        var model = new Argument<string>("model") { Description = "ONNX file, opset 9 to 21, float or quantised (QDQ or QLinear operators)." };
        Option<string?> size = new("--input-size") { Description = "Rows x columns of the input where the file leaves them open, e.g. 224x224." };
        Option<string?> json = Cli.JsonOption();
        var command = new Command("import", "Reads an ONNX network and shows what becomes of every node.") { model, size, json };
        command.SetAction((result, _) => Cli.GuardAsync(() =>
        {
            string path = result.GetValue(model)!;
            ImportResult import;
            try
            {
                import = OnnxImporter.Import(path, ModelOptions.Size(result.GetValue(size)));
            }
            catch (ImportException e) when (e.Nodes.Count > 0)
            {
                // What could be read, beside the reasons why the whole could not.
                Show(e.Nodes);
                Cli.WriteJson(result.GetValue(json), new { model = path, e.Problems, e.Nodes });
                throw;
            }

            Show(import.Nodes);
            Console.WriteLine($"{import.Network.Name}: {(import.Quantized is null ? "float" : "quantised")}, opset {import.Opset}, {import.Network.Layers.Count} layers, {import.Network.Parameters:N0} parameters, {import.Network.Macs:N0} MACs, {import.Network.Blocks.Count} skippable blocks");
            foreach (SkippableBlock block in import.Network.Blocks)
                Console.WriteLine($"  block {block.Index}: {block.Name}");
            Cli.WriteJson(result.GetValue(json), new
            {
                model = path,
                import.Opset,
                import.Producer,
                quantized = import.Quantized is not null,
                import.Nodes,
                layers = import.Network.Layers.Select(l => new
                {
                    l.Name,
                    op = l.GetType().Name["Float".Length..].ToLowerInvariant(),
                    input = import.Network.Tensors[l.Input].Shape.ToString(),
                    output = import.Network.Tensors[l.Output].Shape.ToString(),
                    block = l.Block is int b ? import.Network.Blocks[b].Name : null,
                }),
                blocks = import.Network.Blocks,
                import.Network.Parameters,
                import.Network.Macs,
            });
            return Task.FromResult(ExitCode.Success);
        }));
        return command;
    }

    private static void Show(IReadOnlyList<ImportedNode> nodes)
    {
        var table = new Table().AddColumns("node", "operator", "becomes");
        foreach (ImportedNode node in nodes)
            table.AddRow(Markup.Escape(node.Node), Markup.Escape(node.Operator), Markup.Escape(node.Outcome));
        Cli.Output().Write(table);
    }
}
