namespace AccelGen.Files;

/// <summary>One mistake of the user.</summary>
/// <param name="Code">What kind of mistake: a code from <see cref="FaultCodes"/> or of the configuration.</param>
/// <param name="Place">File, node, layer or option, as far as it is known, from the outside in; empty where there is none.</param>
/// <param name="Text">What is wrong there, with its value.</param>
/// <param name="Cure">What is legal instead, or what to do; null where the text says it.</param>
public sealed record Fault(string Code, string Place, string Text, string? Cure = null)
{
    /// <summary>A mistake whose place those know who catch it.</summary>
    /// <param name="code">Code.</param>
    /// <param name="text">What is wrong.</param>
    public Fault(string code, string text)
        : this(code, string.Empty, text) { }

    /// <summary>The same within a place.</summary>
    /// <param name="place">What the place so far is in, such as the file of a node.</param>
    public Fault At(string place) => this with { Place = Place.Length == 0 ? place : $"{place}: {Place}" };

    /// <summary>Its line, without the code.</summary>
    public override string ToString() => $"{(Place.Length == 0 ? Place : $"{Place}: ")}{Text}{(Cure is null ? Cure : $"; {Cure}")}";
}
