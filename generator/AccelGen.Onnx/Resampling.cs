using AccelGen.Files;

namespace AccelGen.Onnx;

/// <summary>ONNX Resize along one axis, as taps per output phase.</summary>
/// <param name="Output">Output size.</param>
/// <param name="Up">Output elements per period: the number of phases.</param>
/// <param name="Down">Input elements per period.</param>
/// <param name="Taps">Taps.</param>
/// <param name="First">First input of each phase in the first period.</param>
/// <param name="Weights">Weights [phase][tap].</param>
internal sealed record Resampling(int Output, int Up, int Down, int Taps, int[] First, float[] Weights)
{
    public bool IsIdentity => Up == 1 && Down == 1 && Taps == 1 && First[0] == 0 && Weights[0] == 1;

    /// <summary>Taps for an axis.</summary>
    /// <param name="size">Input size.</param>
    /// <param name="scale">Output per input elements, or null where the output size is given.</param>
    /// <param name="wanted">Output size, or null where the scale is given.</param>
    /// <param name="mode">nearest, linear or cubic.</param>
    /// <param name="coordinates">coordinate_transformation_mode.</param>
    /// <param name="nearest">nearest_mode.</param>
    /// <param name="a">cubic_coeff_a.</param>
    /// <exception cref="InputException">An attribute or a size is not supported.</exception>
    public static Resampling Of(int size, float? scale, long? wanted, string mode, string coordinates, string nearest, double a)
    {
        if (scale is { } s0 && !(s0 > 0 && float.IsFinite(s0)))
            throw new InputException(FaultCodes.IllegalAttribute, $"scale {s0} must be positive");
        long output = wanted ?? (long)Math.Floor(size * (double)scale!.Value);
        if (output is < 1 or > 1 << 20)
            throw new InputException(
                FaultCodes.IllegalAttribute,
                string.Empty,
                $"resizes {size} to {output}",
                $"a size from 1 to {1 << 20} is needed"
            );
        // One period: up outputs for down inputs.
        (int up, int down) =
            coordinates == "align_corners"
                ? output == 1
                    ? (1, 1)
                    : Reduced((int)output - 1, size - 1)
                : wanted is not null
                    ? Reduced((int)output, size)
                    : Fraction(scale!.Value);
        if (down == 0)
            (up, down) = (1, 1);
        double ratio = coordinates == "align_corners" && (output == 1 || size == 1) ? 0 : (double)down / up;
        if (ratio == 0 && output > 1)
            up = (int)output;
        double Source(int o) =>
            coordinates switch
            {
                "half_pixel" => ((o + 0.5) * ratio) - 0.5,
                "pytorch_half_pixel" => output > 1 ? ((o + 0.5) * ratio) - 0.5 : 0,
                "align_corners" => o * ratio,
                "asymmetric" => o * ratio,
                _ => throw new InputException(
                    FaultCodes.UnsupportedForm,
                    string.Empty,
                    $"coordinate_transformation_mode {coordinates} is not supported",
                    "half_pixel, pytorch_half_pixel, align_corners and asymmetric are"
                ),
            };
        // Positions repeat only over whole periods. Where the output ends within one, it is one period as a whole.
        if (output % up != 0)
            (up, down) = ((int)output, size);
        (int taps, int before) = mode switch
        {
            "nearest" => (1, 0),
            "linear" => (2, 0),
            "cubic" => (4, 1),
            _ => throw new InputException(
                FaultCodes.UnsupportedForm,
                string.Empty,
                $"mode {mode} is not supported",
                "nearest, linear and cubic are"
            ),
        };
        var first = new int[up];
        var weights = new float[up * taps];
        for (int p = 0; p < up; p++)
        {
            double x = Source(p);
            if (mode == "nearest")
            {
                // A position that is whole but for rounding errors is whole.
                double near = Math.Abs(x - Math.Round(x)) < 1e-6 ? Math.Round(x) : x;
                first[p] = (int)(
                    nearest switch
                    {
                        "floor" => Math.Floor(near),
                        "ceil" => Math.Ceiling(near),
                        "round_prefer_floor" => Math.Ceiling(near - 0.5),
                        "round_prefer_ceil" => Math.Floor(near + 0.5),
                        _ => throw new InputException(
                            FaultCodes.UnsupportedForm,
                            string.Empty,
                            $"nearest_mode {nearest} is not supported",
                            "floor, ceil, round_prefer_floor and round_prefer_ceil are"
                        ),
                    }
                );
                weights[p] = 1;
                continue;
            }

            int floor = (int)Math.Floor(x);
            first[p] = floor - before;
            for (int t = 0; t < taps; t++)
            {
                double d = Math.Abs(x - (first[p] + t));
                weights[(p * taps) + t] = (float)(
                    mode == "linear" ? Math.Max(0, 1 - d)
                    : d <= 1 ? ((((a + 2) * d) - (a + 3)) * d * d) + 1
                    : d < 2 ? (((((a * d) - (5 * a)) * d) + (8 * a)) * d) - (4 * a)
                    : 0
                );
            }
        }

        // Taps that are 0 in every phase are left out.
        if (up == 1 && mode != "nearest" && Array.FindAll(weights, w => w != 0) is [1f])
        {
            int at = Array.IndexOf(weights, 1f);
            return new Resampling((int)output, 1, down, 1, [first[0] + at], [1]);
        }

        return new Resampling((int)output, up, down, taps, first, weights);
    }

    private static (int, int) Reduced(int up, int down)
    {
        int a = up,
            b = down;
        while (b != 0)
            (a, b) = (b, a % b);
        return (up / a, down / a);
    }

    // The simplest fraction that is a float.
    private static (int Up, int Down) Fraction(float scale)
    {
        for (int down = 1; down <= 4096; down++)
        {
            double up = Math.Round((double)scale * down);
            if (up >= 1 && (float)(up / down) == scale)
                return Reduced((int)up, down);
        }

        throw new InputException(
            FaultCodes.IllegalAttribute,
            string.Empty,
            $"scale {scale} is no fraction with a denominator up to 4096",
            "give the sizes instead"
        );
    }
}
