using AccelGen.Network.Float;

namespace AccelGen.Network.Quantized;

/// <summary>Activation functions in double precision, and the tables made from them.</summary>
public static class ActivationFunctions
{
    /// <summary>Value of an activation function. Outside its domain: the square root of a negative number is 0.</summary>
    public static double Evaluate(Activation activation, double x) => activation.Kind switch
    {
        ActivationKind.None => x,
        ActivationKind.Gelu => x / 2 * (1 + Erf(x / Math.Sqrt(2))),
        ActivationKind.GeluTanh => x / 2 * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x)))),
        ActivationKind.Sigmoid => Sigmoid(x),
        ActivationKind.Silu => x * Sigmoid(x),
        ActivationKind.HardSigmoid => Math.Clamp((activation.Alpha * x) + activation.Beta, 0, 1),
        ActivationKind.HardSwish => x * Math.Clamp((x / 6) + 0.5, 0, 1),
        ActivationKind.Tanh => Math.Tanh(x),
        ActivationKind.LeakyRelu => x < 0 ? activation.Alpha * x : x,
        ActivationKind.Elu => x < 0 ? activation.Alpha * (Math.Exp(x) - 1) : x,
        ActivationKind.Erf => Erf(x),
        ActivationKind.Exp => Math.Exp(x),
        ActivationKind.Sqrt => Math.Sqrt(Math.Max(0, x)),
        ActivationKind.Reciprocal => 1 / x,
        ActivationKind.Abs => Math.Abs(x),
        ActivationKind.Softplus => Math.Max(x, 0) + Math.Log(1 + Math.Exp(-Math.Abs(x))),
        _ => throw new ArgumentOutOfRangeException(nameof(activation), activation.Kind, "unknown activation function"),
    };

    /// <summary>The table of an activation: the count of the function's value for each count of its argument.</summary>
    /// <param name="activation">Function.</param>
    /// <param name="scale">Scale of the argument.</param>
    /// <param name="zeroPoint">Zero point of the argument.</param>
    /// <param name="output">Tensor of the result.</param>
    /// <returns>256 counts; the first is that of argument -128.</returns>
    public static sbyte[] Table(Activation activation, double scale, int zeroPoint, QuantizedTensor output)
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
        int low = 0, high = Steps;
        while (low < Steps && Count(activation, At(low + 1), output) == Count(activation, range.Low, output))
            low++;
        while (high > low && Count(activation, At(high - 1), output) == Count(activation, range.High, output))
            high--;
        return low == Steps ? range : new ValueRange(Math.Min(0, (float)At(low)), Math.Max(0, (float)At(high)));
    }

    private static sbyte Count(Activation activation, double x, QuantizedTensor output) =>
        (sbyte)Math.Clamp(Math.Round(Evaluate(activation, x) / output.Scale, MidpointRounding.ToEven) + output.ZeroPoint, -128, 127);

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    /// <summary>Gauss error function, to about 15 digits.</summary>
    public static double Erf(double x)
    {
        double a = Math.Abs(x), square = x * x;
        if (a > 6)
            return Math.Sign(x);
        if (a < 2.5)
        {
            // 2 / sqrt(pi) * exp(-x^2) * sum of x (2 x^2)^n / (1 * 3 * ... (2 n + 1)): every term is positive.
            double term = x, sum = x;
            for (int n = 1; Math.Abs(term) > 1e-17 * Math.Abs(sum); n++)
                sum += term *= 2 * square / ((2 * n) + 1);
            return 2 / Math.Sqrt(Math.PI) * Math.Exp(-square) * sum;
        }

        // erfc(x) = exp(-x^2) / sqrt(pi) / (x + (1/2) / (x + 1 / (x + (3/2) / ...)))
        double fraction = a;
        for (int n = 60; n > 0; n--)
            fraction = a + (n / 2.0 / fraction);
        return Math.Sign(x) * (1 - (Math.Exp(-square) / Math.Sqrt(Math.PI) / fraction));
    }
}
