namespace AccelGen.Emit.Modules;

/// <summary>Model of a module whose text is the same for every configuration; its sizes are parameters of the RTL.</summary>
internal sealed class FixedModel;
