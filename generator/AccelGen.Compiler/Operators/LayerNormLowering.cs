using AccelGen.Isa;
using AccelGen.Network.Quantized;
using static AccelGen.Compiler.NetworkCompiler;

namespace AccelGen.Compiler.Operators;

/// <summary>Layer normalisation, in the row unit.</summary>
internal sealed class LayerNormLowering : OperatorLowering<LayerNormLayer>
{
    /// <inheritdoc/>
    protected override OperatorUnits Needs(LayerNormLayer layer) => OperatorUnits.LaneWise | OperatorUnits.Row;

    /// <inheritdoc/>
    protected override List<LayerJob> Lower(LayerNormLayer layer, LoweringCall call) =>
        call.Heads(
            call.Identity(true) with
            {
                Row = call.Row(RowFunction.LayerNorm) with
                {
                    ParameterAddress = call.AddEntries(
                        call.Input.Shape.Channels,
                        k => ParameterEntry.EncodeAffine(layer.Beta[k], layer.Gamma[k], layer.Shift[k])
                    ),
                    Epsilon = layer.Epsilon,
                },
            }
        );
}
