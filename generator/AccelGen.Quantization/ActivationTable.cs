using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Quantization;

/// <summary>Tables of activation functions.</summary>
public static class ActivationTable
{
    /// <summary>The table of an activation: the count of the function's value for each count of its argument.</summary>
    /// <param name="activation">Function.</param>
    /// <param name="scale">Scale of the argument.</param>
    /// <param name="zeroPoint">Zero point of the argument.</param>
    /// <param name="output">Tensor of the result.</param>
    /// <returns>256 counts; the first is that of argument -128.</returns>
    public static sbyte[] Build(Activation activation, double scale, int zeroPoint, QuantizedTensor output)
    {
        var table = new sbyte[256];
        for (int i = 0; i < 256; i++)
            table[i] = Count(activation, scale * (i - 128 - zeroPoint), output);
        return table;
    }

    /// <summary>
    /// The part of an argument's range that its table needs: both ends move inwards while the result stays the same count,
    /// as on the flat side of GELU. What is clamped off has the right result already.
    /// </summary>
    /// <param name="activation">Function.</param>
    /// <param name="range">Range of the argument.</param>
    /// <param name="output">Tensor of the result.</param>
    public static ValueRange Useful(Activation activation, ValueRange range, QuantizedTensor output)
    {
        const int Steps = 4096;
        double At(int i) => range.Low + (((double)range.High - range.Low) * i / Steps);
        int low = 0,
            high = Steps;
        while (low < Steps && Count(activation, At(low + 1), output) == Count(activation, range.Low, output))
            low++;
        while (high > low && Count(activation, At(high - 1), output) == Count(activation, range.High, output))
            high--;
        return low == Steps ? range : new ValueRange(Math.Min(0, (float)At(low)), Math.Max(0, (float)At(high)));
    }

    // Outside a function's domain nothing was seen in calibration; the entry is real zero.
    private static sbyte Count(Activation activation, double x, QuantizedTensor output) =>
        ActivationFunction.Evaluate(activation, x) is var y && double.IsNaN(y)
            ? (sbyte)output.ZeroPoint
            : (sbyte)Math.Clamp(Math.Round(y / output.Scale, MidpointRounding.ToEven) + output.ZeroPoint, -128, 127);
}
