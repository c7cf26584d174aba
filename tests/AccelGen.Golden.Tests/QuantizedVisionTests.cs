using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Quantization;
using AccelGen.Tests.Shared;
using NUnit.Framework;
using static AccelGen.Golden.Tests.Oracle;

namespace AccelGen.Golden.Tests;

/// <summary>Whole networks with every kind of layer: quantised and run by the golden model, against double precision.</summary>
public sealed class QuantizedVisionTests
{
    [Test]
    public void Every_layer_and_the_whole_network_are_near_the_float_network()
    {
        var own = new Dictionary<string, (double Signal, double Noise)>();
        double worst = double.PositiveInfinity;
        for (int seed = Seed; seed < Seed + 12; seed++)
        {
            FloatNetwork network = FloatSamples.Vision(seed);
            float[][] inputs = Inputs(network, seed, 4);
            QuantizedNetwork quantized = Quantizer.Quantize(network, Ranges(network, inputs));
            double signal = 0,
                noise = 0;
            foreach (float[] input in inputs)
            {
                var real = new Dictionary<int, double[]> { [network.Inputs[0]] = [.. input.Select(v => (double)v)] };
                foreach (FloatTensor t in network.Tensors.Where(t => t.Constant is not null))
                    real[t.Id] = [.. t.Constant!.Select(v => (double)v)];
                int index = 0;
                var x = new Dictionary<int, float[]> { [network.Inputs[0]] = input };
                double[] wanted = FloatReference.Run(
                    network,
                    x,
                    (layer, _, y) =>
                    {
                        // The layer alone: its float operands, rounded to counts.
                        QuantizedLayer q = quantized.Layers[index++];
                        Operand[] operands =
                        [
                            .. q.Reads.Select(t => new Operand(
                                quantized.Tensors[t].Shape,
                                quantized.Tensors[t].ZeroPoint,
                                Quantizer.QuantizeValues(quantized.Tensors[t], [.. real[network.Home(t)].Select(v => (float)v)])
                            )),
                        ];
                        QuantizedTensor output = quantized.Tensors[q.Output];
                        (double s, double n) = Compare(y, GoldenOperators.Execute(q, operands, output.Shape, output.ZeroPoint), output);
                        string kind =
                            layer.GetType().Name
                            + (layer.Activation.Kind == ActivationKind.None ? string.Empty : " " + layer.Activation.Kind);
                        (double ks, double kn) = own.GetValueOrDefault(kind);
                        // Every layer counts the same, whatever its size and scale.
                        own[kind] = (ks + 1, kn + (n / s));
                        real[network.Home(layer.Output)] = y;
                    }
                )[network.Outputs[0]];
                QuantizedTensor last = quantized.Tensors[quantized.Outputs[0]];
                sbyte[] counts = GoldenExecutor.Run(
                    quantized,
                    ExecutionPath.Whole,
                    new Dictionary<int, sbyte[]>
                    {
                        [network.Inputs[0]] = Quantizer.QuantizeValues(quantized.Tensors[network.Inputs[0]], input),
                    }
                )[last.Id];
                (double ws, double wn) = Compare(wanted, counts, last);
                signal += ws;
                noise += wn;
            }

            double ratio = 10 * Math.Log10(signal / noise);
            worst = Math.Min(worst, ratio);
            Assert.That(ratio, Is.GreaterThan(16), $"seed {seed}: signal to noise of the output in dB");
        }

        foreach ((string kind, (double count, double noise)) in own.OrderBy(p => p.Key))
        {
            double ratio = 10 * Math.Log10(count / noise);
            TestContext.Out.WriteLine($"{kind}: {ratio:F1} dB");
            // A quotient is as good as its divisor, which is a few counts where the row is nearly zero.
            Assert.That(ratio, Is.GreaterThan(kind == nameof(FloatNormalizedMatMul) ? 16 : 30), kind);
        }

        TestContext.Out.WriteLine($"whole network, seed {Seed}: at least {worst:F1} dB");
    }

    [Test]
    public void A_class_map_agrees_with_the_float_network_on_nearly_all_pixels()
    {
        long same = 0,
            all = 0;
        for (int seed = Seed; seed < Seed + 6; seed++)
        {
            FloatNetwork network = FloatSamples.Vision(seed, classMap: true);
            float[][] inputs = Inputs(network, seed, 3);
            QuantizedNetwork quantized = Quantizer.Quantize(network, Ranges(network, inputs));
            foreach (float[] input in inputs)
            {
                double[] wanted = FloatReference.Run(network, new Dictionary<int, float[]> { [network.Inputs[0]] = input })[
                    network.Outputs[0]
                ];
                sbyte[] counts = GoldenExecutor.Run(
                    quantized,
                    ExecutionPath.Whole,
                    new Dictionary<int, sbyte[]>
                    {
                        [network.Inputs[0]] = Quantizer.QuantizeValues(quantized.Tensors[network.Inputs[0]], input),
                    }
                )[network.Outputs[0]];
                same += counts.Zip(wanted).Count(p => p.First + 128 == p.Second);
                all += counts.Length;
            }
        }

        TestContext.Out.WriteLine($"{same} of {all} pixels have the same class ({(double)same / all:P2})");
        Assert.That((double)same / all, Is.GreaterThan(0.9));
    }

    [Test]
    public void Float_execution_equals_double_precision([Seeds(4711, 6)] int seed)
    {
        FloatNetwork network = FloatSamples.Vision(seed);
        float[] input = Inputs(network, seed, 1)[0];
        var x = new Dictionary<int, float[]> { [network.Inputs[0]] = input };
        var wanted = new List<double[]>();
        FloatReference.Run(network, x, (_, _, y) => wanted.Add(y));
        int index = 0;
        FloatExecutor.Run(
            network,
            x,
            null,
            (layer, y) =>
            {
                double largest = wanted[index].Max(Math.Abs),
                    error = y.Zip(wanted[index++]).Max(p => Math.Abs(p.First - p.Second));
                Assert.That(
                    error,
                    Is.LessThan(1e-4 * largest),
                    $"seed {seed}, {layer.Name}: {layer.GetType().Name} into {network.Tensors[layer.Output].Shape}"
                );
            }
        );
    }

    [Test]
    public void Calibration_finds_the_ranges_of_double_precision_before_and_after_activations([Seeds(4711, 6)] int seed)
    {
        FloatNetwork network = FloatSamples.Vision(seed);
        float[][] inputs = Inputs(network, seed, 4);
        ValueRange[] wanted = Ranges(network, inputs),
            ranges = Quantizer.Calibrate(network, inputs, CalibrationMethod.MinMax);
        Assert.That(ranges, Has.Length.EqualTo(wanted.Length));
        for (int t = 0; t < ranges.Length; t++)
        {
            Assert.That(
                ranges[t].Low,
                Is.EqualTo(wanted[t].Low).Within(1e-3 * (wanted[t].High - wanted[t].Low)),
                $"seed {seed}, tensor {t}"
            );
            Assert.That(
                ranges[t].High,
                Is.EqualTo(wanted[t].High).Within(1e-3 * (wanted[t].High - wanted[t].Low)),
                $"seed {seed}, tensor {t}"
            );
        }
    }

    [Test]
    public void Every_calibration_method_and_option_gives_a_network_near_the_float_network(
        [Values] CalibrationMethod method,
        [Values] bool equalize,
        [Values] bool correct
    )
    {
        double worst = double.PositiveInfinity;
        for (int seed = Seed; seed < Seed + 4; seed++)
        {
            FloatNetwork network = FloatSamples.Vision(seed);
            float[][] inputs = Inputs(network, seed, 6);
            QuantizedNetwork quantized = Quantizer.Quantize(
                network,
                Quantizer.Calibrate(network, inputs, method, 99.99),
                new QuantizerOptions
                {
                    EqualizeAdds = equalize,
                    EqualizeConcats = equalize,
                    CalibratedSoftmax = equalize,
                }
            );
            if (correct)
                quantized = BiasCorrection.Apply(network, quantized, inputs);
            IReadOnlyList<LayerError> report = QuantizationReport.Layers(network, quantized, inputs);
            worst = Math.Min(worst, report[^1].SignalToNoise);
            Assert.That(report[^1].SignalToNoise, Is.GreaterThan(14), $"seed {seed}");
        }

        TestContext.Out.WriteLine($"at least {worst:F1} dB");
    }

    private static float[][] Inputs(FloatNetwork network, int seed, int count) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(i => RandomNetworks.Values(new Random(seed + i), (int)network.Tensors[network.Inputs[0]].Shape.Elements, 1)),
        ];

    // Smallest and largest values, without the code under test.
    private static ValueRange[] Ranges(FloatNetwork network, float[][] inputs)
    {
        int active = network.Layers.Count(l => l.Activation.Kind != ActivationKind.None);
        var ranges = new ValueRange[network.Tensors.Count + active];
        void Observe(int at, IEnumerable<double> values) =>
            ranges[at] = new ValueRange(Math.Min(ranges[at].Low, (float)values.Min()), Math.Max(ranges[at].High, (float)values.Max()));
        foreach (FloatTensor t in network.Tensors.Where(t => t.Constant is not null))
            Observe(t.Id, t.Constant!.Select(v => (double)v));
        foreach (float[] input in inputs)
        {
            Observe(network.Inputs[0], input.Select(v => (double)v));
            int next = network.Tensors.Count;
            FloatReference.Run(
                network,
                new Dictionary<int, float[]> { [network.Inputs[0]] = input },
                (layer, before, y) =>
                {
                    Observe(layer.Output, y);
                    if (layer.Activation.Kind != ActivationKind.None)
                        Observe(next++, before);
                }
            );
        }

        return ranges;
    }

    private static (double Signal, double Noise) Compare(double[] wanted, sbyte[] counts, QuantizedTensor tensor)
    {
        double signal = 0,
            noise = 0;
        for (int i = 0; i < wanted.Length; i++)
        {
            signal += wanted[i] * wanted[i];
            noise += Math.Pow(wanted[i] - (tensor.Scale * (counts[i] - tensor.ZeroPoint)), 2);
        }

        return (signal, noise);
    }
}
