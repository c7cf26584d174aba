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
        var model = new Argument<string>("model") { Description = "ONNX file, opset 9 to 21, float." };
        Option<string?> size = new("--input-size") { Description = "Rows x columns of the input where the file leaves them open, e.g. 224x224." };
        Option<string?> json = Cli.JsonOption();
        var command = new Command("import", "Reads an ONNX network and shows what becomes of every node.") { model, size, json };
        command.SetAction((result, _) => Cli.GuardAsync(() =>
        {
            string path = result.GetValue(model)!;
            ImportResult import = OnnxImporter.Import(path, ModelOptions.Size(result.GetValue(size)));
            var table = new Table().AddColumns("node", "operator", "becomes");
            foreach (ImportedNode node in import.Nodes)
                table.AddRow(Markup.Escape(node.Node), node.Operator, Markup.Escape(node.Outcome));
            Cli.Output().Write(table);
            Console.WriteLine($"{import.Network.Name}: opset {import.Opset}, {import.Network.Layers.Count} layers, {import.Network.Parameters:N0} parameters, {import.Network.Macs:N0} MACs, {import.Network.Blocks.Count} skippable blocks");
            foreach (SkippableBlock block in import.Network.Blocks)
                Console.WriteLine($"  block {block.Index}: {block.Name}");
            Cli.WriteJson(result.GetValue(json), new
            {
                model = path,
                import.Opset,
                import.Producer,
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
}
