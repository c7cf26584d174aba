using System.Numerics.Tensors;

namespace AccelGen.Network.Float;

/// <summary>Values of the activation functions.</summary>
public static class ActivationFunction
{
    // erf at multiples of 1/Steps up to Limit, where it is 1 in double precision; cubic interpolation errs by less than 1e-9.
    private const int Steps = 64,
        Limit = 6;
    private static readonly double[] ErfTable = [.. Enumerable.Range(0, (Steps * Limit) + 2).Select(i => Series((double)i / Steps))];

    /// <summary>One value.</summary>
    /// <param name="activation">Function.</param>
    /// <param name="x">Argument.</param>
    public static double Evaluate(Activation activation, double x) =>
        activation.Kind switch
        {
            ActivationKind.None => x,
            ActivationKind.Gelu => x / 2 * (1 + Erf(x / Math.Sqrt(2))),
            ActivationKind.GeluTanh => x / 2 * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x)))),
            ActivationKind.Sigmoid => 1 / (1 + Math.Exp(-x)),
            ActivationKind.Silu => x / (1 + Math.Exp(-x)),
            ActivationKind.HardSigmoid => Math.Clamp((activation.Alpha * x) + activation.Beta, 0, 1),
            ActivationKind.HardSwish => x * Math.Clamp((x / 6) + 0.5, 0, 1),
            ActivationKind.Tanh => Math.Tanh(x),
            ActivationKind.LeakyRelu => x < 0 ? activation.Alpha * x : x,
            ActivationKind.Elu => x < 0 ? activation.Alpha * (Math.Exp(x) - 1) : x,
            ActivationKind.Erf => Erf(x),
            ActivationKind.Exp => Math.Exp(x),
            ActivationKind.Sqrt => Math.Sqrt(x),
            ActivationKind.Reciprocal => 1 / x,
            ActivationKind.Abs => Math.Abs(x),
            ActivationKind.Softplus => x > 0 ? x + Math.Log(1 + Math.Exp(-x)) : Math.Log(1 + Math.Exp(x)),
            ActivationKind.Round => Math.Round(x, MidpointRounding.ToEven),
            _ => throw new ArgumentOutOfRangeException(nameof(activation), activation.Kind, "an activation of ActivationKind is needed"),
        };

    /// <summary>Replaces values by the function's.</summary>
    /// <param name="activation">Function.</param>
    /// <param name="values">Values.</param>
    public static void Apply(Activation activation, Span<float> values)
    {
        switch (activation.Kind)
        {
            case ActivationKind.None:
                break;
            case ActivationKind.Sigmoid:
                TensorPrimitives.Sigmoid<float>(values, values);
                break;
            case ActivationKind.Tanh:
                TensorPrimitives.Tanh<float>(values, values);
                break;
            case ActivationKind.Abs:
                TensorPrimitives.Abs<float>(values, values);
                break;
            case ActivationKind.HardSwish:
                foreach (ref float v in values)
                    v *= Math.Clamp((v / 6) + 0.5f, 0, 1);
                break;
            case ActivationKind.HardSigmoid:
                foreach (ref float v in values)
                    v = Math.Clamp((activation.Alpha * v) + activation.Beta, 0, 1);
                break;
            case ActivationKind.Silu:
                foreach (ref float v in values)
                    v /= 1 + MathF.Exp(-v);
                break;
            default:
                foreach (ref float v in values)
                    v = (float)Evaluate(activation, v);
                break;
        }
    }

    /// <summary>Gauss error function.</summary>
    /// <param name="x">Argument.</param>
    public static double Erf(double x)
    {
        double a = Math.Abs(x);
        if (!(a < Limit))
            return double.IsNaN(x) ? x : Math.Sign(x);
        // Cubic Hermite interpolation: the derivative 2 / sqrt(pi) * e^(-x^2) is known at the nodes.
        int i = (int)(a * Steps);
        double f = (a * Steps) - i,
            left = (double)i / Steps,
            right = (double)(i + 1) / Steps;
        double d0 = Slope(left) / Steps,
            d1 = Slope(right) / Steps,
            y0 = ErfTable[i],
            y1 = ErfTable[i + 1];
        double y = y0 + (f * (d0 + (f * ((3 * (y1 - y0)) - (2 * d0) - d1 + (f * ((2 * (y0 - y1)) + d0 + d1))))));
        return x < 0 ? -y : y;
    }

    private static double Slope(double x) => 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x);

    // erf(x) = 2 / sqrt(pi) * e^(-x^2) * sum of 2^n x^(2n+1) / (2n+1)!!, all terms positive.
    private static double Series(double x)
    {
        double term = x,
            sum = x;
        for (int n = 1; term > 1e-18 * sum; n++)
        {
            term *= 2 * x * x / ((2 * n) + 1);
            sum += term;
        }

        return Slope(x) * sum;
    }
}
