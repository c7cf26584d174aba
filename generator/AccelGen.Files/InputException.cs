namespace AccelGen.Files;

/// <summary>
/// A mistake of the user: a file, field or option that cannot be used. Says every one that was found, with its place, its value, what
/// is legal and what to do. A fault of the program is another exception, also where it comes from parsing.
/// </summary>
public class InputException : Exception
{
    /// <summary>One mistake whose place those know who catch it.</summary>
    /// <param name="code">Code from <see cref="FaultCodes"/>.</param>
    /// <param name="text">What is wrong.</param>
    public InputException(string code, string text)
        : this([new Fault(code, text)]) { }

    /// <summary>One mistake.</summary>
    /// <param name="code">Code from <see cref="FaultCodes"/>.</param>
    /// <param name="place">File, layer or option; may be empty.</param>
    /// <param name="text">What is wrong there.</param>
    /// <param name="cure">What is legal instead, or what to do.</param>
    public InputException(string code, string place, string text, string? cure = null)
        : this([new Fault(code, place, text, cure)]) { }

    /// <summary>Several mistakes.</summary>
    /// <param name="faults">At least one.</param>
    /// <param name="inner">What they were found by.</param>
    public InputException(IEnumerable<Fault> faults, Exception? inner = null)
        : this([.. faults], inner) { }

    private InputException(Fault[] faults, Exception? inner)
        : base(string.Join(Environment.NewLine, faults.AsEnumerable()), inner) => Faults = faults;

    /// <summary>Every mistake.</summary>
    public IReadOnlyList<Fault> Faults { get; }

    /// <summary>A line for each, as in the message.</summary>
    public IReadOnlyList<string> Problems => [.. Faults.Select(f => f.ToString())];

    /// <summary>The same mistakes at a place, such as a file.</summary>
    /// <param name="place">What they are in.</param>
    public InputException At(string place) => new([.. Faults.Select(f => f.At(place))], this);
}
