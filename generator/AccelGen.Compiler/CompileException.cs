using AccelGen.Files;

namespace AccelGen.Compiler;

/// <summary>
/// A network cannot run on a configuration, though it could on another: a mistake that names the layer, the limit and the cure.
/// </summary>
/// <param name="faults">Every one that was found.</param>
public sealed class CompileException(IEnumerable<Fault> faults) : InputException(faults);
