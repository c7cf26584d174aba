using System.Collections.Immutable;

namespace AccelGen.Files;

/// <summary>A kind of mistake, for its page of the documentation.</summary>
/// <param name="Says">What is wrong, as words that follow the name of what is meant.</param>
/// <param name="Cure">What helps in general; a message may say it better.</param>
public sealed record FaultKind(string Says, string Cure);

/// <summary>
/// The codes of mistakes, one per kind: <c>AG2</c> files and options, <c>AG3</c> networks and their import, <c>AG4</c> quantisation,
/// <c>AG5</c> what does not fit a configuration, <c>AG6</c> images, paths and budgets. <c>AG1</c> are those of configurations.
/// </summary>
public static class FaultCodes
{
    /// <summary>A file or folder that is not there.</summary>
    public const string NoSuchFile = "AG2001";

    /// <summary>A folder, a pipe or a device where a file is needed.</summary>
    public const string NotAFile = "AG2002";

    /// <summary>A file that is longer than what can be read.</summary>
    public const string FileTooLong = "AG2003";

    /// <summary>A name of a file, folder or model that is empty.</summary>
    public const string EmptyName = "AG2004";

    /// <summary>An output that the command reads.</summary>
    public const string OutputIsInput = "AG2005";

    /// <summary>An output that another option names too.</summary>
    public const string OutputTwice = "AG2006";

    /// <summary>A folder to be replaced that holds what the command does not write.</summary>
    public const string ForeignFolder = "AG2007";

    /// <summary>A command line that is not understood.</summary>
    public const string Usage = "AG2101";

    /// <summary>An option whose value is not legal.</summary>
    public const string IllegalOption = "AG2102";

    /// <summary>An option that others need and that is left out.</summary>
    public const string MissingOption = "AG2103";

    /// <summary>Options that exclude each other.</summary>
    public const string OptionsExclude = "AG2104";

    /// <summary>A pattern or set that names no layer.</summary>
    public const string NoSuchLayer = "AG2105";

    /// <summary>A layer's text that is not of the grammar.</summary>
    public const string MalformedLayer = "AG2106";

    /// <summary>A layer whose sizes do not go together.</summary>
    public const string IllegalLayer = "AG2107";

    /// <summary>A quantised network where the float one is needed.</summary>
    public const string QuantisedAlready = "AG2108";

    /// <summary>A file that is no ONNX model.</summary>
    public const string NotOnnx = "AG3001";

    /// <summary>A model with parts that are not supported.</summary>
    public const string UnsupportedModel = "AG3002";

    /// <summary>A graph whose values do not fit together.</summary>
    public const string BrokenGraph = "AG3003";

    /// <summary>An input that is not one image, or leaves sizes open.</summary>
    public const string NetworkInput = "AG3004";

    /// <summary>An output that cannot be given.</summary>
    public const string NetworkOutput = "AG3005";

    /// <summary>A constant that is damaged, too large, or of a type that is not supported.</summary>
    public const string Tensor = "AG3006";

    /// <summary>A result with more elements than can be counted.</summary>
    public const string TooLarge = "AG3007";

    /// <summary>An operator that is not supported.</summary>
    public const string UnsupportedOperator = "AG3101";

    /// <summary>An operator in a form that is not supported.</summary>
    public const string UnsupportedForm = "AG3102";

    /// <summary>An operand or attribute that is missing.</summary>
    public const string MissingOperand = "AG3103";

    /// <summary>An attribute or index that is not legal.</summary>
    public const string IllegalAttribute = "AG3104";

    /// <summary>An operand of the wrong kind: constant, activation, float or whole numbers.</summary>
    public const string WrongOperand = "AG3105";

    /// <summary>Operands whose shapes do not go together.</summary>
    public const string ShapesDoNotFit = "AG3106";

    /// <summary>Elements in an arrangement that no movement gives.</summary>
    public const string Arrangement = "AG3107";

    /// <summary>A constant that is not finite, or divides by zero.</summary>
    public const string NotFinite = "AG3108";

    /// <summary>A scale or zero point that is not legal.</summary>
    public const string IllegalQuantisation = "AG3201";

    /// <summary>A quantisation that is not of 8 bits, or not with one scale per tensor or channel.</summary>
    public const string UnsupportedQuantisation = "AG3202";

    /// <summary>A part of a quantised network that would have to be computed in float.</summary>
    public const string NotQuantised = "AG3203";

    /// <summary>An operator that reads counts, which have no meaning for it.</summary>
    public const string ReadsCounts = "AG3204";

    /// <summary>A layer or path that has no ONNX form.</summary>
    public const string NotExportable = "AG3301";

    /// <summary>An architecture that is not known.</summary>
    public const string NoSuchArchitecture = "AG3302";

    /// <summary>Sizes of an architecture that are not legal.</summary>
    public const string IllegalArchitecture = "AG3303";

    /// <summary>A file that holds no quantised network.</summary>
    public const string NotQuantizedNetwork = "AG3401";

    /// <summary>A tensor of a quantised network that is not legal.</summary>
    public const string IllegalTensor = "AG3402";

    /// <summary>Numbers of a quantised layer that are out of range.</summary>
    public const string IllegalAttributes = "AG3403";

    /// <summary>A quantised layer whose tensors and constants do not fit together.</summary>
    public const string LayerDoesNotFit = "AG3404";

    /// <summary>A tensor that is read or given before it is written.</summary>
    public const string IllegalOrder = "AG3405";

    /// <summary>A sum that can leave its 32 bits.</summary>
    public const string SumOverflow = "AG3406";

    /// <summary>A combination of steps that no layer can do at once.</summary>
    public const string Combination = "AG3407";

    /// <summary>No input to calibrate with.</summary>
    public const string NoSamples = "AG4001";

    /// <summary>A value that is not finite on the calibration inputs.</summary>
    public const string NotFiniteOnSamples = "AG4002";

    /// <summary>A layer that has no quantised form.</summary>
    public const string NotQuantisable = "AG4003";

    /// <summary>A factor or constant beyond what integers hold at the scales found.</summary>
    public const string ScaleOutOfRange = "AG4004";

    /// <summary>A tensor for which a quantised file gives no scale.</summary>
    public const string NotPrescribed = "AG4005";

    /// <summary>A layer that no tile makes fit the buffers.</summary>
    public const string NoTiling = "AG5001";

    /// <summary>More memory than addresses reach.</summary>
    public const string Memory = "AG5002";

    /// <summary>A layer that needs a unit which the configuration leaves out.</summary>
    public const string UnitMissing = "AG5003";

    /// <summary>A sum that can leave the accumulator.</summary>
    public const string Accumulator = "AG5004";

    /// <summary>More paths than the path table has rows.</summary>
    public const string PathTable = "AG5005";

    /// <summary>More dynamic registers than there are.</summary>
    public const string Registers = "AG5006";

    /// <summary>More variants of parameters than there are.</summary>
    public const string Variants = "AG5007";

    /// <summary>A layer in a form that the compiler does not know.</summary>
    public const string Unsupported = "AG5008";

    /// <summary>A file that is not readable as an image or mask.</summary>
    public const string Unreadable = "AG6001";

    /// <summary>A folder without images or masks that can be used.</summary>
    public const string NoImages = "AG6002";

    /// <summary>A name of no image.</summary>
    public const string NoSuchImage = "AG6003";

    /// <summary>Labels that are not of the form, or do not go with the images or the network.</summary>
    public const string Labels = "AG6004";

    /// <summary>A mask with pixels that are no class.</summary>
    public const string Mask = "AG6005";

    /// <summary>A network whose input is no image of 1 or 3 channels.</summary>
    public const string ImageChannels = "AG6006";

    /// <summary>A network whose output is no class, where classes are needed.</summary>
    public const string NotClasses = "AG6007";

    /// <summary>A path file with a field that is missing, unknown or out of range.</summary>
    public const string PathFile = "AG6101";

    /// <summary>A name of two paths, or of none.</summary>
    public const string PathName = "AG6102";

    /// <summary>A block that the network has not.</summary>
    public const string NoSuchBlock = "AG6103";

    /// <summary>A number of channels that a layer cannot keep.</summary>
    public const string Kept = "AG6104";

    /// <summary>A network that is no slice of the whole one.</summary>
    public const string NoSubnet = "AG6105";

    /// <summary>Paths among which a budget has nothing to choose.</summary>
    public const string NothingToChoose = "AG6106";

    /// <summary>A trace of budgets that is not of the form.</summary>
    public const string Trace = "AG6201";

    /// <summary>A window of a waveform outside the run.</summary>
    public const string Waveform = "AG6202";

    /// <summary>A cell library that cannot be read as such.</summary>
    public const string NotALibrary = "AG7001";

    /// <summary>A cell library without what mapping needs.</summary>
    public const string PoorLibrary = "AG7002";

    /// <summary>A module that the design does not have.</summary>
    public const string NoSuchModule = "AG7003";

    /// <summary>Each code with what it says and what helps.</summary>
    public static ImmutableSortedDictionary<string, FaultKind> All { get; } =
        new Dictionary<string, FaultKind>
        {
            [NoSuchFile] = new("there is no such file or folder", "check the path"),
            [NotAFile] = new("is a folder, a pipe or a device", "name a file"),
            [FileTooLong] = new("is too long to be read", "name a file of text, or a model without external data"),
            [EmptyName] = new("is an empty name", "name a file, a folder or a model"),
            [OutputIsInput] = new("is written and read by the same command", "name another file"),
            [OutputTwice] = new("is named by two options", "name another file"),
            [ForeignFolder] = new("holds files that replacing it would delete", "move them away or choose another folder"),
            [Usage] = new("is no option, command or argument of this program", "see what the command's --help lists"),
            [IllegalOption] = new("is not a legal value of the option", "give one of the values that the message names"),
            [MissingOption] = new("needs another option", "give the option that the message names"),
            [OptionsExclude] = new("does not go with another option", "leave out one of the two"),
            [NoSuchLayer] = new("names no layer", "give a name or pattern of layers that there are"),
            [MalformedLayer] = new("is not of the grammar of layers", "write it as in the message"),
            [IllegalLayer] = new("is a layer that cannot be", "change the size that the message names"),
            [QuantisedAlready] = new("is quantised already", "give the float ONNX file"),
            [NotOnnx] = new("is not readable as ONNX", "export it anew, uncompressed and whole"),
            [UnsupportedModel] = new("uses a feature of ONNX files that is not supported", "export as the message says"),
            [BrokenGraph] = new("is a graph with values that are missing, made twice or in a cycle", "export the model anew"),
            [NetworkInput] = new("has inputs other than one image of known size", "export with one image input, or give --input-size"),
            [NetworkOutput] = new("has an output that cannot be given", "leave the output out of the export"),
            [Tensor] = new("holds a tensor that cannot be read", "convert the model to float32, with its data inside the file"),
            [TooLarge] = new("makes a tensor that is too large", "make the input smaller"),
            [UnsupportedOperator] = new("uses an operator that is not supported", "write it with operators that are"),
            [UnsupportedForm] = new(
                "uses an operator with attributes or operands that are not supported",
                "use the form that the message names"
            ),
            [MissingOperand] = new("lacks an operand or an attribute", "export the model anew"),
            [IllegalAttribute] = new("has an attribute, an axis or an index out of range", "correct the model"),
            [WrongOperand] = new("has an operand of the wrong kind", "make it constant, or an activation, as the message says"),
            [ShapesDoNotFit] = new("has operands whose shapes do not fit", "correct the model"),
            [Arrangement] = new("arranges elements in a way that is not supported", "split and join whole axes only"),
            [NotFinite] = new("computes with numbers that are not finite", "correct the weights"),
            [IllegalQuantisation] = new("has an illegal scale or zero point", "quantise the model anew"),
            [UnsupportedQuantisation] = new(
                "is quantised in a way that is not supported",
                "quantise activations per tensor and weights per channel, to 8 bits"
            ),
            [NotQuantised] = new("leaves a part of a quantised network in float", "put QuantizeLinear and DequantizeLinear around it"),
            [ReadsCounts] = new("computes with counts", "put DequantizeLinear before and QuantizeLinear behind it"),
            [NotExportable] = new("has no ONNX form", "export the whole network"),
            [NoSuchArchitecture] = new("is no known architecture", "name one of those listed"),
            [IllegalArchitecture] = new("is an architecture with sizes that are not legal", "give a size that the message names"),
            [NotQuantizedNetwork] = new("is no file of a quantised network", "write it with quantize"),
            [IllegalTensor] = new("holds a tensor that is not legal", "write the file with quantize"),
            [IllegalAttributes] = new("holds a layer with numbers out of range", "write the file with quantize"),
            [LayerDoesNotFit] = new("holds a layer that does not fit its tensors", "write the file with quantize"),
            [IllegalOrder] = new("reads what nothing wrote", "write the file with quantize"),
            [SumOverflow] = new("can leave the 32 bits of a sum", "divide the layer, or scale its operands"),
            [Combination] = new("joins steps that one layer cannot do", "insert a copy, or make one of them a layer of its own"),
            [NoSamples] = new("needs inputs to calibrate with", "give --calibrate a folder of images"),
            [NotFiniteOnSamples] = new("is not finite on the calibration inputs", "look for a root of negative values or a division by 0"),
            [NotQuantisable] = new("has no quantised form", "write it with other operators"),
            [ScaleOutOfRange] = new("needs a factor or a constant that integers cannot hold", "change the scale that the message names"),
            [NotPrescribed] = new("has no scale and zero point", "put QuantizeLinear and DequantizeLinear behind it"),
            [NoTiling] = new("fits no buffers of the configuration", "raise the field that the message names"),
            [Memory] = new("needs more memory than there is", "make the input or the channels smaller"),
            [UnitMissing] = new("needs a unit that the configuration leaves out", "set units.NAME to true"),
            [Accumulator] = new("can leave the accumulator", "raise array.accumulatorBits"),
            [PathTable] = new("are more paths than the path table has rows", "name fewer paths, or raise control.paths"),
            [Registers] = new(
                "needs more dynamic registers than there are",
                "keep the same fraction in more layers, or raise control.dynamicRegisters"
            ),
            [Variants] = new("needs more variants of parameters than there are", "name fewer paths"),
            [Unsupported] = new("is a form of layer that the compiler does not support", "change the layer as the message says"),
            [Unreadable] = new("is not a readable image", "name a PNG, JPEG or BMP file that is whole"),
            [NoImages] = new("holds no images for this", "name another folder"),
            [NoSuchImage] = new("is no image of the folder", "name one of its files"),
            [Labels] = new("labels images in a way that cannot be used", "write lines of file and class index"),
            [Mask] = new("is no mask of the network's classes", "give grey values that are classes"),
            [ImageChannels] = new("takes something other than images of 1 or 3 channels", "give a network that takes images"),
            [NotClasses] = new("gives something other than classes", "give a network whose output is classes"),
            [PathFile] = new("is not what a path file says", "write the field as the message says"),
            [PathName] = new("names two paths, or none", "give each path a name of its own"),
            [NoSuchBlock] = new("is no block of the network", "name a block or a range of those listed"),
            [Kept] = new("keeps channels that the layer cannot", "keep whole vectors or heads"),
            [NoSubnet] = new("is no subnet of the whole network", "export both from one supernetwork"),
            [NothingToChoose] = new("leaves a budget nothing to choose", "name more paths"),
            [Trace] = new("is no trace of budgets", "write a line per frame"),
            [Waveform] = new("lies outside the run", "choose cycles of the run"),
            [NotALibrary] = new("is no cell library in the Liberty format", "name a file that synthesis tools read"),
            [PoorLibrary] = new("lacks cells that the design needs", "name a library with gates, flip-flops and their areas"),
            [NoSuchModule] = new("is no module of the design", "take one that the message names"),
        }.ToImmutableSortedDictionary(StringComparer.Ordinal);
}
