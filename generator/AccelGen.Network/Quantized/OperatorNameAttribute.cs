using System.Reflection;

namespace AccelGen.Network.Quantized;

/// <summary>Name of a kind of layer: in files, and in reports unless <see cref="QuantizedLayer.Operator"/> says another.</summary>
/// <param name="name">Name, different from that of every other kind.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class OperatorNameAttribute(string name) : Attribute
{
    /// <summary>Name.</summary>
    public string Name => name;

    /// <summary>Kinds of layers with their names, in the order in which they are declared.</summary>
    public static IReadOnlyDictionary<Type, string> Kinds { get; } =
        typeof(QuantizedLayer)
            .Assembly.GetTypes()
            .Where(t => t.IsSubclassOf(typeof(QuantizedLayer)) && t.GetCustomAttribute<OperatorNameAttribute>() is not null)
            .ToDictionary(t => t, t => t.GetCustomAttribute<OperatorNameAttribute>()!.Name);
}
