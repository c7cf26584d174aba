using AccelGen.Config;

namespace AccelGen.Emit.Modules;

/// <summary>What each module's template is given: a model of its own, in which every size is worked out.</summary>
internal static class ModuleModels
{
    /// <summary>Name of the package, which has a model like a module.</summary>
    public const string Package = "acc_pkg";

    private static readonly Dictionary<string, Func<AcceleratorConfig, object>> Makers = new()
    {
        ["acc_array"] = c => new ArrayModel(c),
        ["acc_budget"] = _ => new BudgetModel(),
        ["acc_cmd"] = c => new CmdModel(c),
        ["acc_compute"] = c => new ComputeModel(c),
        ["acc_counters"] = _ => new FixedModel(),
        ["acc_csr"] = c => new CsrModel(c),
        ["acc_fifo"] = _ => new FixedModel(),
        ["acc_inverse"] = _ => new InverseModel(),
        ["acc_load"] = c => new LoadModel(c),
        ["acc_pe"] = c => new PeModel(c),
        [Package] = c => new PackageModel(c),
        ["acc_row"] = c => new RowModel(c),
        ["acc_row_sequencer"] = c => new RowSequencerModel(c),
        ["acc_semaphores"] = _ => new FixedModel(),
        ["acc_sram"] = _ => new FixedModel(),
        ["acc_sram_masked"] = _ => new FixedModel(),
        ["acc_store"] = c => new StoreModel(c),
        [RtlEmitter.TopModule] = c => new TopModel(c),
        ["acc_vector"] = c => new VectorModel(c),
        ["acc_wait"] = _ => new FixedModel(),
        ["acc_weight"] = c => new WeightModel(c),
    };

    /// <summary>Names of the modules that have a model, and of the package.</summary>
    public static IReadOnlyCollection<string> Names => Makers.Keys;

    /// <summary>The model of a module.</summary>
    /// <param name="module">Name of the module, or <see cref="Package"/>.</param>
    /// <param name="config">Configuration.</param>
    /// <exception cref="TemplateException">There is none for it.</exception>
    public static object Of(string module, AcceleratorConfig config) =>
        Makers.TryGetValue(module, out Func<AcceleratorConfig, object>? make)
            ? make(config)
            : throw new TemplateException($"module {module} has no model");
}
