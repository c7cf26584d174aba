using Scriban;
using Scriban.Parsing;
using Scriban.Runtime;

namespace AccelGen.Emit.Modules;

/// <summary>Values by the names of the ISA table; to ask for a name that it does not have is an error of the template.</summary>
/// <typeparam name="T">Type of a value.</typeparam>
internal sealed class Named<T> : ScriptObject
    where T : notnull
{
    private readonly string owner;

    /// <summary>A table of values.</summary>
    /// <param name="owner">What has them, for the error.</param>
    /// <param name="values">Names and values.</param>
    public Named(string owner, IEnumerable<(string Name, T Value)> values)
    {
        this.owner = owner;
        foreach ((string name, T value) in values)
            SetValue(name, value, readOnly: true);
    }

    /// <inheritdoc/>
    /// <exception cref="TemplateException">There is no such name.</exception>
    public override bool TryGetValue(TemplateContext? context, SourceSpan span, string member, out object? value) =>
        base.TryGetValue(context, span, member, out value)
            ? true
            : throw new TemplateException($"{span.ToStringSimple()}: {owner} has no {member}");
}
