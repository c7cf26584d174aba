using AccelGen.Network.Float;

namespace AccelGen.Onnx;

/// <summary>
/// A function of one variable, built from the elementwise nodes between two layers. Chains such as GELU are recognised by
/// their values, in whatever order an exporter writes them.
/// </summary>
internal abstract record Pointwise
{
    /// <summary>The variable itself.</summary>
    public static Pointwise X { get; } = new Variable();

    // Where functions are compared: dense near zero, and far out, where a clamp would show.
    private static readonly double[] Samples =
    [
        .. Enumerable.Range(-160, 321).Select(i => (i / 16.0) + 0.0137),
        -1000.7,
        -300.3,
        -100.1,
        -40.9,
        -20.3,
        20.3,
        40.9,
        100.1,
        300.3,
        1000.7,
    ];

    /// <summary>Steps of a longer function; one that grows beyond bounds is refused.</summary>
    public const int MaxSize = 512;

    /// <summary>Steps, each use of a shared part counted.</summary>
    public virtual long Size => 1;

    public abstract double Evaluate(double x);

    /// <summary>Factor and addend of a function a * x + b, else null.</summary>
    public virtual (double Factor, double Addend)? Affine => null;

    /// <summary>The activation that this function is, or null. A clamp or a linear function is none.</summary>
    public Activation? Recognise()
    {
        if (Affine is not null)
            return null;
        double[] values = [.. Samples.Select(Evaluate)];
        double zero = Evaluate(0),
            slope = (Evaluate(1e-3) - Evaluate(-1e-3)) / 2e-3,
            left = -Evaluate(-1);
        foreach (
            Activation candidate in (Activation[])
                [
                    new(ActivationKind.Gelu),
                    new(ActivationKind.GeluTanh),
                    new(ActivationKind.Silu),
                    new(ActivationKind.HardSwish),
                    new(ActivationKind.Sigmoid),
                    new(ActivationKind.Tanh),
                    new(ActivationKind.Softplus),
                    new(ActivationKind.Erf),
                    new(ActivationKind.Abs),
                    new(ActivationKind.HardSigmoid, (float)slope, (float)zero),
                    new(ActivationKind.LeakyRelu, (float)left),
                ]
        )
        {
            if (
                !float.IsFinite(candidate.Alpha)
                || !float.IsFinite(candidate.Beta)
                || candidate is { Kind: ActivationKind.LeakyRelu, Alpha: 0 or 1 }
            )
                continue;
            bool equal = true;
            for (int i = 0; i < values.Length && equal; i++)
            {
                double wanted = ActivationFunction.Evaluate(candidate, Samples[i]);
                equal = Math.Abs(values[i] - wanted) <= 1e-5 * Math.Max(1, Math.Abs(wanted));
            }

            if (equal)
                return candidate;
        }

        return null;
    }

    private sealed record Variable : Pointwise
    {
        public override (double Factor, double Addend)? Affine => (1, 0);

        public override double Evaluate(double x) => x;
    }
}

/// <summary>A number.</summary>
internal sealed record Number(double Value) : Pointwise
{
    public override double Evaluate(double x) => Value;

    public override (double Factor, double Addend)? Affine => (0, Value);
}

/// <summary>An activation of an inner function.</summary>
internal sealed record Applied(Activation Activation, Pointwise Inner) : Pointwise
{
    public override long Size { get; } = Inner.Size + 1;

    public override double Evaluate(double x) => ActivationFunction.Evaluate(Activation, Inner.Evaluate(x));
}

/// <summary>A clamp of an inner function.</summary>
internal sealed record Clamped(OutputRange Range, Pointwise Inner) : Pointwise
{
    public override long Size { get; } = Inner.Size + 1;

    public override double Evaluate(double x) => Math.Min(Math.Max(Inner.Evaluate(x), Range.Low), Range.High);
}

/// <summary>The whole number nearest to an inner function, halves to the even one.</summary>
internal sealed record Rounding(Pointwise Inner) : Pointwise
{
    public override long Size { get; } = Inner.Size + 1;

    public override double Evaluate(double x) => Math.Round(Inner.Evaluate(x), MidpointRounding.ToEven);
}

/// <summary>Sum, difference, product or quotient (+, -, *, /) of two functions.</summary>
internal sealed record Combined(char Operator, Pointwise Left, Pointwise Right) : Pointwise
{
    public override long Size { get; } = Left.Size + Right.Size + 1;

    public override double Evaluate(double x)
    {
        double l = Left.Evaluate(x),
            r = Right.Evaluate(x);
        return Operator switch
        {
            '+' => l + r,
            '-' => l - r,
            '*' => l * r,
            _ => l / r,
        };
    }

    public override (double Factor, double Addend)? Affine =>
        (Left.Affine, Right.Affine) is ({ } l, { } r)
            ? Operator switch
            {
                '+' => (l.Factor + r.Factor, l.Addend + r.Addend),
                '-' => (l.Factor - r.Factor, l.Addend - r.Addend),
                '*' when r.Factor == 0 => (l.Factor * r.Addend, l.Addend * r.Addend),
                '*' when l.Factor == 0 => (r.Factor * l.Addend, r.Addend * l.Addend),
                '/' when r.Factor == 0 && r.Addend != 0 => (l.Factor / r.Addend, l.Addend / r.Addend),
                _ => null,
            }
            : null;
}
