using AccelGen.Network.Quantized;
using AccelGen.Onnx.Proto;

namespace AccelGen.Onnx.Qdq;

/// <summary>Writes the layers of a quantised network as an ONNX model.</summary>
/// <param name="network">Network.</param>
/// <param name="type">Type of the counts.</param>
internal sealed class QdqWriter(QuantizedNetwork network, QdqType type)
{
    /// <summary>Version of the file format that goes with the operator set.</summary>
    private const int IrVersion = 8;

    private readonly QdqGraph graph = new(network, type);

    /// <summary>The model.</summary>
    /// <param name="skipped">Blocks whose layers are left out.</param>
    public ModelProto Write(IReadOnlySet<int> skipped)
    {
        foreach (int input in network.Inputs)
        {
            QuantizedTensor t = network.Tensors[input];
            string name = graph.Unique(t.Name);
            graph.Graph.Input.Add(QdqGraph.Value(name, t.Shape));
            graph.Hold(input, new Held(graph.Dequantize(graph.Quantize(name, t), t, graph.Unique($"{t.Name}_real")), t.Shape, true));
        }

        foreach (QuantizedTensor t in network.Tensors.Where(t => t.Constant is not null))
            graph.Hold(
                t.Id,
                new Held(
                    graph.Dequantize(
                        graph.Counts($"{t.Name}_quantized", t.Constant!, QdqGraph.Dims(t.Shape, false)),
                        t,
                        graph.Unique(t.Name)
                    ),
                    t.Shape,
                    false
                )
            );
        foreach (QuantizedLayer layer in network.Layers)
        {
            if (layer.Block is not int block || !skipped.Contains(block))
                Layer(layer);
        }

        foreach (int output in network.Outputs)
        {
            string name = graph.Unique($"{network.Tensors[output].Name}_output");
            graph.Node("Identity", [graph.Read(output, true)], name);
            graph.Graph.Output.Add(QdqGraph.Value(name, network.Tensors[output].Shape));
        }

        var model = new ModelProto
        {
            IrVersion = IrVersion,
            ProducerName = "AccelGen",
            Graph = graph.Graph,
        };
        model.OpsetImport.Add(new OperatorSetIdProto { Version = QdqExporter.OpsetVersion });
        return model;
    }

    private void Layer(QuantizedLayer layer)
    {
        OperatorExporter op = OperatorExporterRegistry.Of(layer);
        QuantizedTensor x = network.Tensors[layer.Input],
            y = network.Tensors[layer.Output];
        // What the layer computes: before a table, counts of another scale.
        QuantizedTensor made = layer.Table is null
            ? y
            : y with
            {
                Scale = (float)(layer.TableScale > 0 ? layer.TableScale : TableScale(op, layer, x)),
                ZeroPoint = layer.TableZeroPoint,
            };
        TensorShape computed = layer.Computed(x.Shape, y.Shape);
        Held sum = op.Sum(new QdqCall(graph, layer, x, made, computed));
        string value = sum.Shape == computed ? sum.Value : graph.Reshape(sum.Value, QdqGraph.Dims(computed, sum.ChannelsFirst));
        if (layer.Residual is { } residual)
        {
            double step = QdqGraph.Scale(network.Tensors[residual.Tensor]);
            string operand = graph.Times(
                graph.Read(residual.Tensor, sum.ChannelsFirst),
                QdqGraph.Exact(residual.Scale, f => f * step / QdqGraph.Scale(made))
            );
            // The network rounds the operand by itself, which may move the sum by one step; a table would magnify that.
            if (layer.Table is not null)
                operand = graph.Add("Mul", graph.Add("Round", graph.Add("Div", operand, graph.Real(made.Scale))), graph.Real(made.Scale));
            value = graph.Add(residual.Subtract ? "Sub" : "Add", value, operand);
        }

        if (layer.ClampLow == made.ZeroPoint && layer.ClampHigh == 127)
            value = graph.Add("Relu", value);
        else if (layer.ClampLow > -128 || layer.ClampHigh < 127)
            value = graph.Add(
                "Clip",
                value,
                graph.Real((layer.ClampLow - made.ZeroPoint) * made.Scale),
                graph.Real((layer.ClampHigh - made.ZeroPoint) * made.Scale)
            );
        string counts = layer.Table is null ? graph.Quantize(value, y) : graph.LookUp(value, made, layer.Table);
        Held result = new(graph.Dequantize(counts, y, graph.Unique(y.Name)), computed, sum.ChannelsFirst);
        if (layer.TransposeOutput)
            result = new Held(graph.Reshape(graph.InOrder(result, true), QdqGraph.Dims(y.Shape, false)), y.Shape, false);
        graph.Hold(layer.Output, result);
    }

    // Any scale will do for counts that only a table reads; one that leaves the factors of the operands at 1 is best.
    private double TableScale(OperatorExporter op, QuantizedLayer layer, QuantizedTensor x)
    {
        double scale = layer.Residual is { Scale.Multiplier: > 0 } r
            ? QdqGraph.Scale(network.Tensors[r.Tensor]) / r.Scale.ToReal()
            : op.TableScale(layer, QdqGraph.Scale(x));
        return double.IsFinite((float)scale) && (float)scale > 0 ? scale : 1;
    }
}
