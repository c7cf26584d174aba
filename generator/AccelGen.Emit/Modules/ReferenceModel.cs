using AccelGen.Config;
using AccelGen.Isa;

namespace AccelGen.Emit.Modules;

/// <summary>Model of what is read rather than built: the manual and the C header.</summary>
/// <param name="config">Configuration.</param>
internal sealed class ReferenceModel(AcceleratorConfig config)
{
    /// <summary>Name of the configuration.</summary>
    public string Name => config.Name;

    /// <summary>Identity of the configuration, hexadecimal.</summary>
    public string Hash => config.Hash.Hex;

    /// <summary>Commands of a program block.</summary>
    public int CommandBlock => config.Control.CommandBlock;

    /// <summary>Bytes of a program block.</summary>
    public int ProgramBlockBytes => CommandBlock * IsaDefinition.CommandBytes;

    /// <summary>Rows of the path table.</summary>
    public int Paths => config.Control.Paths;

    /// <summary>Dynamic registers that commands can read.</summary>
    public int DynamicRegisters => config.Control.DynamicRegisters;
}
