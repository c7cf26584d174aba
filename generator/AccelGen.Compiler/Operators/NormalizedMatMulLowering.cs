using AccelGen.Files;
using AccelGen.Network.Quantized;
using static AccelGen.Compiler.NetworkCompiler;

namespace AccelGen.Compiler.Operators;

/// <summary>Quotient of two products with one left operand.</summary>
internal sealed class NormalizedMatMulLowering : OperatorLowering<NormalizedMatMulLayer>
{
    /// <inheritdoc/>
    protected override OperatorUnits Needs(NormalizedMatMulLayer layer) => OperatorUnits.Quotient;

    /// <inheritdoc/>
    protected override List<LayerJob> Lower(NormalizedMatMulLayer layer, LoweringCall call)
    {
        CheckZeroPoint(layer.Right);
        CheckZeroPoint(layer.Denominator);
        return call.Heads(
            call.Job with
            {
                ParameterShared = true,
                ParameterAddress = call.AddFactors(layer.Scale),
                RightOperand = call.ReadRow(layer.Right),
                Denominator = call.ReadRow(layer.Denominator),
            }
        );

        void CheckZeroPoint(int right)
        {
            if (call.Network.Tensors[right] is { ZeroPoint: not 0 } t) // the quotient's denominator would need one as well
                call.Refuse(
                    new Fault(
                        FaultCodes.Unsupported,
                        string.Empty,
                        $"the right operand {t.Name} has zero point {t.ZeroPoint}",
                        "only 0 is supported: quantise it symmetrically"
                    )
                );
        }
    }
}
