namespace AccelGen.Isa;

/// <summary>A value does not fit the field of a command: what is to be computed is too large for the instruction set.</summary>
/// <param name="command">Name of the command.</param>
/// <param name="limit">The limit.</param>
/// <param name="value">The value that it should hold.</param>
public sealed class FieldRangeException(string command, Field limit, long value)
    : ArgumentOutOfRangeException(limit.Name, value, $"{command}.{limit.Name} holds {limit.Min} to {limit.Max}")
{
    /// <summary>Field, value and legal range in words.</summary>
    public string Reason =>
        $"it needs {value:N0} in the command field {command}.{limit.Name}, which holds {limit.Min:N0} to {limit.Max:N0}";
}
