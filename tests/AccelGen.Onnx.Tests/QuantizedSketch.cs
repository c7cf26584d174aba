using System.Runtime.InteropServices;
using AccelGen.Tests.Shared;

namespace AccelGen.Onnx.Tests;

/// <summary>How a quantised model is written.</summary>
public enum QuantizedForm
{
    /// <summary>Float operators between DequantizeLinear and QuantizeLinear.</summary>
    Qdq,

    /// <summary>QLinear operators where there are any, movements on counts, the rest as in QDQ.</summary>
    QLinear,
}

/// <summary>
/// The same model as a <see cref="ModelSketch"/>, quantised as quantisers do it: every value of a node is rounded, weights
/// are int8 or uint8 per tensor or per channel, biases int32. Choices that a file leaves open are drawn.
/// </summary>
/// <param name="random">Source of constants, as for the float model.</param>
/// <param name="form">How it is written.</param>
/// <param name="ranges">Smallest and largest value of the input x and of every float value that depends on it.</param>
/// <param name="seed">Seed of the choices.</param>
/// <param name="unsigned">Every byte is uint8, whatever is drawn: the same counts and steps, zero points 128 higher.</param>
internal sealed class QuantizedSketch(
    Random random,
    QuantizedForm form,
    IReadOnlyDictionary<string, (float Low, float High)> ranges,
    int seed,
    bool unsigned = false
) : ModelSketch(random)
{
    private static readonly HashSet<string> Keeps =
    [
        "Reshape",
        "Transpose",
        "Flatten",
        "Squeeze",
        "Unsqueeze",
        "Slice",
        "Split",
        "Gather",
        "Expand",
        "Identity",
        "MaxPool",
        "GlobalMaxPool",
    ];

    private readonly Random choices = new(seed);
    private readonly bool drawnUnsigned = new Random(seed + 1).Next(2) == 0;
    private readonly Dictionary<string, (float[] Values, long[] Dims)> constants = [];
    private readonly HashSet<string> written = [];
    private readonly Dictionary<string, Counts> held = [];
    private readonly Dictionary<string, string> real = [];
    private int count;

    private sealed record Counts(string Value, string Scale, string Zero, float Step);

    /// <summary>Step of the output.</summary>
    public float OutputStep { get; private set; }

    private bool Unsigned => unsigned || drawnUnsigned;

    private int Type => Unsigned ? OnnxModelWriter.UInt8 : OnnxModelWriter.Int8;

    private bool PerChannel => OpsetVersion >= 13 && choices.Next(2) == 0;

    private protected override void Write(
        string op,
        string[] inputs,
        string output,
        string domain,
        string name,
        (string Name, object Value)[] attributes
    )
    {
        if (!inputs.Any(Depends) || op is "Shape" || !ranges.ContainsKey(output))
        {
            foreach (string input in inputs)
                Plain(input);
            base.Write(op, [.. inputs.Select(i => Depends(i) && ranges.ContainsKey(i) ? Real(i) : i)], output, domain, name, attributes);
            return;
        }

        if (form == QuantizedForm.QLinear && OpsetVersion >= 13 && domain.Length == 0 && Integer(op, inputs, output, name, attributes))
            return;
        string[] operands =
        [
            .. inputs.Select(
                (input, i) =>
                    Depends(input) ? (ranges.ContainsKey(input) ? Real(input) : input)
                    : constants.ContainsKey(input) ? Parameter(op, input, i, inputs, attributes)
                    : input
            ),
        ];
        // What only moves keeps the scale.
        if (Keeps.Contains(op) && ranges.ContainsKey(inputs[0]))
            held[output] = Count(inputs[0]) with { Value = string.Empty };
        base.Write(op, operands, output, domain, name, attributes);
    }

    public override string Constant(float[] values, params long[] dims)
    {
        string name = $"w{constants.Count}";
        constants[name] = (values, dims);
        return name;
    }

    public override byte[] Finish(string output, int type)
    {
        if (!ranges.ContainsKey(output))
            return base.Finish(output, type);
        OutputStep = Count(output).Step;
        return base.Finish(Real(output), type);
    }

    // A float constant of the file.
    private void Plain(string name)
    {
        if (constants.TryGetValue(name, out var c) && written.Add(name))
            writer.Initializer(name, c.Values, c.Dims);
    }

    // The counts of a value; the first who asks has them written.
    private Counts Count(string name)
    {
        if (held.TryGetValue(name, out Counts? known) && known.Value.Length > 0)
            return known;
        if (known is null)
        {
            (float step, int zero) = Range(ranges[name]);
            known = new Counts(string.Empty, Number($"{name}.scale", step), Zero($"{name}.zero", zero), step);
        }

        known = known with { Value = $"{name}.counts" };
        writer.Node("QuantizeLinear", [name, known.Scale, known.Zero], known.Value, name: $"/{name}/QuantizeLinear");
        return held[name] = known;
    }

    private (float Step, int Zero) Range((float Low, float High) range)
    {
        // Some ranges are too small, and some values saturate.
        double part = choices.Next(3) == 0 ? 0.8 : 1,
            low = Math.Min(0, range.Low) * part,
            high = Math.Max(0, range.High) * part;
        float step = (float)Math.Max((high - low) / 255, 1e-3);
        return (step, (int)Math.Clamp(Math.Round(-low / step) - (Unsigned ? 0 : 128), Unsigned ? 0 : -128, Unsigned ? 255 : 127));
    }

    // The value dequantised: one node for all its readers, or one for each.
    private string Real(string name)
    {
        if (real.TryGetValue(name, out string? known) && choices.Next(2) == 0)
            return known;
        Counts counts = Count(name);
        string result = $"{name}.real{count++}";
        writer.Node("DequantizeLinear", [counts.Value, counts.Scale, counts.Zero], result, name: $"/{result}/DequantizeLinear");
        return real[name] = result;
    }

    private string Number(string name, params float[] values)
    {
        writer.Initializer(name, values, values.Length == 1 ? [] : [values.Length]);
        return name;
    }

    private string Zero(string name, int zero)
    {
        // Left out, it is 0 of uint8.
        if (zero == 0 && drawnUnsigned && form == QuantizedForm.Qdq && choices.Next(2) == 0)
            return string.Empty;
        writer.Initializer(name, Type, [(byte)zero]);
        return name;
    }

    // A constant operand as the quantiser leaves it.
    private string Parameter(string op, string name, int at, string[] inputs, (string Name, object Value)[] attributes)
    {
        (float[] values, long[] dims) = constants[name];
        int Attribute(string key) => attributes.FirstOrDefault(a => a.Name == key).Value as int? ?? 0;
        switch (op)
        {
            case "Conv" when at == 1:
                return Dequantized(Weights(name, 0, PerChannel), 0);
            case "Conv" when at == 2:
                return Dequantized(Bias(name, Count(inputs[0]).Step, inputs[1]), 0);
            case "MatMul":
                int axis = at == 0 ? dims.Length - 2 : dims.Length - 1;
                return Dequantized(Weights(name, axis, dims.Length == 2 && PerChannel), Math.Max(0, axis));
            case "Gemm" when at == 1:
                axis = Attribute("transB") == 1 ? 0 : 1;
                return Dequantized(Weights(name, axis, dims.Length == 2 && PerChannel), Math.Max(0, axis));
            case "Add" or "Sub" or "Mul" or "Div" or "Concat" when op == "Concat" || values.Length == 1 || choices.Next(2) == 0:
                return Dequantized(Weights(name, 0, false, asymmetric: true), 0);
            default:
                Plain(name);
                return name;
        }

        string Dequantized((string Value, string Scale, string Zero) w, int axis)
        {
            string result = $"{name}.real{count++}";
            writer.Node(
                "DequantizeLinear",
                w.Zero.Length > 0 ? [w.Value, w.Scale, w.Zero] : [w.Value, w.Scale],
                result,
                name: $"/{result}/DequantizeLinear"
            );
            if (OpsetVersion >= 13)
                writer.Int("axis", axis);
            return result;
        }
    }

    private readonly Dictionary<string, (string Value, string Scale, string Zero, float[] Steps)> weights = [];

    // Integers of weights, per tensor or along an axis.
    private (string Value, string Scale, string Zero) Weights(string name, int axis, bool perChannel, bool asymmetric = false)
    {
        if (weights.TryGetValue(name, out var known))
            return (known.Value, known.Scale, known.Zero);
        (float[] values, long[] dims) = constants[name];
        // ONNX Runtime has no QLinearConv of int8 with uint8 weights.
        bool bytes = asymmetric ? Unsigned : (choices.Next(3) == 0 && (Unsigned || form == QuantizedForm.Qdq)) || unsigned;
        int channels = perChannel ? (int)dims[axis] : 1,
            inner = perChannel ? (int)dims[(axis + 1)..].Aggregate(1L, (p, d) => p * d) : values.Length;
        int Channel(int i) => perChannel ? i / inner % channels : 0;
        var steps = new float[channels];
        int zero = bytes ? 128 : 0;
        if (asymmetric)
        {
            float low = Math.Min(0, values.Min()),
                high = Math.Max(0, values.Max());
            steps[0] = Math.Max((high - low) / 255, 1e-6f);
            zero = (int)Math.Round(-low / steps[0]) - (bytes ? 0 : 128);
        }
        else
        {
            for (int i = 0; i < values.Length; i++)
                steps[Channel(i)] = Math.Max(steps[Channel(i)], Math.Max(Math.Abs(values[i]) / 127, 1e-6f));
        }

        int least = bytes ? 0 : -128;
        byte[] integers = [.. values.Select((v, i) => (byte)Math.Clamp(Math.Round(v / steps[Channel(i)]) + zero, least, least + 255))];
        int type = bytes ? OnnxModelWriter.UInt8 : OnnxModelWriter.Int8;
        writer.Initializer($"{name}.counts", type, integers, dims);
        writer.Initializer($"{name}.zero", type, [.. Enumerable.Repeat((byte)zero, channels)], perChannel ? [channels] : []);
        writer.Initializer($"{name}.scale", steps, perChannel ? [channels] : []);
        weights[name] = ($"{name}.counts", $"{name}.scale", $"{name}.zero", steps);
        return ($"{name}.counts", $"{name}.scale", $"{name}.zero");
    }

    private (string Value, string Scale, string Zero) Bias(string name, float step, string of)
    {
        (float[] values, long[] dims) = constants[name];
        float[] steps = weights[of].Steps;
        float[] scales = [.. steps.Select(s => s * step)];
        int[] integers = [.. values.Select((v, i) => (int)Math.Round(v / scales[scales.Length == 1 ? 0 : i]))];
        string key = $"{name}.bias{count++}";
        writer.Initializer($"{key}.counts", OnnxModelWriter.Int32, MemoryMarshal.AsBytes<int>(integers).ToArray(), dims);
        writer.Initializer($"{key}.scale", scales, scales.Length == 1 ? [] : [scales.Length]);
        return ($"{key}.counts", $"{key}.scale", string.Empty);
    }

    // A node as an operator on counts; false where there is none.
    private bool Integer(string op, string[] inputs, string output, string name, (string Name, object Value)[] attributes)
    {
        string[] Operand(int i)
        {
            if (Depends(inputs[i]))
                return [Count(inputs[i]).Value, Count(inputs[i]).Scale, Count(inputs[i]).Zero];
            (string value, string scale, string zero) = Weights(inputs[i], 0, false, asymmetric: true);
            return [value, scale, zero];
        }

        string[] Weighted(int i, int axis)
        {
            (string value, string scale, string zero) = Weights(inputs[i], axis, PerChannel);
            return [value, scale, zero];
        }

        switch (op)
        {
            case "Conv":
                string[] weight = Weighted(1, 0);
                return Emit(
                    "QLinearConv",
                    string.Empty,
                    [.. Operand(0), .. weight],
                    inputs.Length > 2 ? [Bias(inputs[2], Count(inputs[0]).Step, inputs[1]).Value] : [],
                    attributes
                );
            case "MatMul" when Depends(inputs[0]) && Depends(inputs[1]):
                return Emit("QLinearMatMul", string.Empty, [.. Operand(0), .. Operand(1)], [], attributes);
            case "MatMul" when Depends(inputs[0]) && !Depends(inputs[1]) && constants[inputs[1]].Dims.Length == 2:
                return Emit("QLinearMatMul", string.Empty, [.. Operand(0), .. Weighted(1, 1)], [], attributes);
            case "Gemm" when Depends(inputs[0]) && !Depends(inputs[1]) && attributes.All(a => a.Name is "transB" or "transA"):
                weight = Weighted(1, attributes.Any(a => a is { Name: "transB", Value: 1 }) ? 0 : 1);
                return Emit(
                    "QGemm",
                    "com.microsoft",
                    [.. Operand(0), .. weight, inputs.Length > 2 ? Bias(inputs[2], Count(inputs[0]).Step, inputs[1]).Value : string.Empty],
                    [],
                    attributes
                );
            case "Add" or "Mul" when inputs.All(i => Depends(i) || constants.ContainsKey(i)):
                return Emit($"QLinear{op}", "com.microsoft", [.. Operand(0), .. Operand(1)], [], attributes);
            case "AveragePool":
                return Emit("QLinearAveragePool", "com.microsoft", Operand(0), [], attributes);
            case "GlobalAveragePool":
                return Emit("QLinearGlobalAveragePool", "com.microsoft", Operand(0), [], attributes);
            case "Sigmoid":
                return Emit("QLinearSigmoid", "com.microsoft", Operand(0), [], attributes);
            case "LeakyRelu":
                return Emit("QLinearLeakyRelu", "com.microsoft", Operand(0), [], attributes);
            case "Softmax":
                return Emit("QLinearSoftmax", "com.microsoft", Operand(0), [], [.. attributes, ("opset", 13)]);
            case "Concat" when inputs.All(i => Depends(i) || constants.ContainsKey(i)):
                Counts to = Result();
                base.Write(
                    "QLinearConcat",
                    [to.Scale, to.Zero, .. Enumerable.Range(0, inputs.Length).SelectMany(Operand)],
                    $"{output}.counts",
                    "com.microsoft",
                    name,
                    attributes
                );
                held[output] = to with { Value = $"{output}.counts" };
                return true;
            case "Reshape"
            or "Transpose"
            or "Flatten"
            or "Squeeze"
            or "Unsqueeze"
            or "Slice"
            or "Gather"
            or "Expand"
            or "Identity"
            or "MaxPool":
                Counts same = Count(inputs[0]);
                foreach (string input in inputs[1..])
                    Plain(input);
                base.Write(op, [same.Value, .. inputs[1..]], $"{output}.counts", string.Empty, name, attributes);
                held[output] = same with { Value = $"{output}.counts" };
                return true;
            default:
                return false;
        }

        Counts Result()
        {
            // ONNX Runtime's QLinearSoftmax counts on the scale that quantisers give it.
            (float step, int zero) = op == "Softmax" ? (1 / 256f, Unsigned ? 0 : -128) : Range(ranges[output]);
            string zeroPoint = $"{output}.zero";
            writer.Initializer(zeroPoint, Type, [(byte)zero]);
            return new Counts(string.Empty, Number($"{output}.scale", step), zeroPoint, step);
        }

        bool Emit(string integer, string domain, string[] before, string[] after, (string Name, object Value)[] with)
        {
            Counts y = Result();
            base.Write(integer, [.. before, y.Scale, y.Zero, .. after], $"{output}.counts", domain, name, with);
            held[output] = y with { Value = $"{output}.counts" };
            return true;
        }
    }
}
