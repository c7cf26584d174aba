using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using NUnit.Framework;

namespace AccelGen.Network.Tests;

/// <summary>Every kind of layer knows the tensors it reads, and reads others when told to.</summary>
public sealed class LayerOperandTests
{
    private static IEnumerable<Type> Kinds(Type layer) => layer.Assembly.GetTypes().Where(t => t.IsSubclassOf(layer) && !t.IsAbstract);

    [Test]
    public void Every_float_layer_reads_the_tensors_it_is_given()
    {
        foreach (Type kind in Kinds(typeof(FloatLayer)))
        {
            FloatLayer layer = Make<FloatLayer>(kind) with { Residual = 90 };
            int[] others = [.. layer.Reads.Select(t => t + 100)];
            Assert.That(layer.Reads[0], Is.EqualTo(layer.Input), kind.Name);
            Assert.That(layer.Reads, Has.Count.EqualTo(Operands(kind) + 1), kind.Name);
            Assert.That(layer.Reading(others).Reads, Is.EqualTo(others), kind.Name);
            Assert.That(layer.Reading(others).Input, Is.EqualTo(others[0]), kind.Name);
        }
    }

    [Test]
    public void Every_quantised_layer_reads_the_tensors_it_is_given()
    {
        foreach (Type kind in Kinds(typeof(QuantizedLayer)))
        {
            QuantizedLayer layer = Make<QuantizedLayer>(kind) with { Residual = new ResidualAdd(90, default) };
            int[] others = [.. layer.Reads.Select(t => t + 100)];
            Assert.That(layer.Reads[0], Is.EqualTo(layer.Input), kind.Name);
            Assert.That(layer.Reads, Has.Count.EqualTo(Operands(kind) + 1), kind.Name);
            Assert.That(layer.Reading(others).Reads, Is.EqualTo(others), kind.Name);
            Assert.That(layer.Reading(others).Input, Is.EqualTo(others[0]), kind.Name);
        }
    }

    [Test]
    public void Every_quantised_layer_has_a_name_of_its_own()
    {
        Assert.That(OperatorNameAttribute.Kinds.Keys, Is.EquivalentTo(Kinds(typeof(QuantizedLayer))));
        Assert.That(OperatorNameAttribute.Kinds.Values, Is.Unique);
    }

    // Numbers of tensors are whole numbers of these names; lists have two.
    private static int Operands(Type kind) =>
        kind.GetConstructors()
            .Single(c => c.GetParameters().Length > 1)
            .GetParameters()
            .Sum(p =>
                p.Name is "Input" or "Right" or "Denominator" ? 1
                : p.Name == "Inputs" ? 2
                : 0
            );

    private static T Make<T>(Type kind)
    {
        int next = 1;
        return (T)
            kind.GetConstructors()
                .Single(c => c.GetParameters().Length > 1)
                .Invoke([
                    .. kind.GetConstructors()
                        .Single(c => c.GetParameters().Length > 1)
                        .GetParameters()
                        .Select(p =>
                            p.Name == "Inputs" ? new[] { next++, next++ }
                            : p.ParameterType == typeof(int) ? next++
                            : p.ParameterType == typeof(string) ? "layer"
                            : p.ParameterType.IsValueType ? Activator.CreateInstance(p.ParameterType)
                            : null
                        ),
                ]);
    }
}
