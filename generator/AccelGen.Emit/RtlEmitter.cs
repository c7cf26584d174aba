using System.Globalization;
using System.Reflection;
using AccelGen.Config;
using AccelGen.Emit.Modules;
using Scriban;
using Scriban.Runtime;

namespace AccelGen.Emit;

/// <summary>A file of the output, with a path relative to the output folder and forward slashes.</summary>
public sealed record EmittedFile(string Path, string Text);

/// <summary>Renders the templates for one configuration. The result depends on nothing else, byte for byte.</summary>
public static class RtlEmitter
{
    /// <summary>Name of the top module.</summary>
    public const string TopModule = "acc_top";

    private const string ModuleSuffix = ".sv.sbn";

    private static readonly Assembly Source = typeof(RtlEmitter).Assembly;

    /// <summary>Names of the module templates, without folder and extension, in ordinal order.</summary>
    public static IReadOnlyList<string> Modules { get; } = TemplateNames("templates/rtl/", ModuleSuffix);

    /// <summary>Renders the package and every module, in compilation order.</summary>
    /// <exception cref="TemplateException">A template is wrong; the message names template, line and column.</exception>
    public static IReadOnlyList<EmittedFile> EmitRtl(AcceleratorConfig config)
    {
        var files = new List<EmittedFile> { Render(config, "templates/pkg/acc_pkg.sv.sbn", "pkg/acc_pkg.sv") };
        files.AddRange(Modules.Select(module => Render(config, $"templates/rtl/{module}.sv.sbn", $"rtl/{module}.sv")));
        return files;
    }

    /// <summary>Renders everything: RTL, file list, lint waivers, C header, ISA manual.</summary>
    /// <exception cref="TemplateException">A template is wrong; the message names template, line and column.</exception>
    public static IReadOnlyList<EmittedFile> EmitAll(AcceleratorConfig config)
    {
        var files = new List<EmittedFile>(EmitRtl(config));
        // Paths from the list's own folder, as -F takes them; -f takes them from where the tool runs, and from the folder above
        // Verilator then finds them by the search path in the first line.
        string list = "+incdir+flow\n" + string.Concat(files.Select(f => $"../{f.Path}\n"));
        files.Add(Render(config, "templates/flow/lint.vlt.sbn", "flow/lint.vlt"));
        files.Add(Render(config, "templates/sw/acc_isa.h.sbn", "sw/acc_isa.h"));
        files.Add(Render(config, "templates/doc/isa.md.sbn", "doc/isa.md"));
        files.Add(new EmittedFile("flow/files.f", list));
        return files;
    }

    private static EmittedFile Render(AcceleratorConfig config, string templateName, string path) =>
        new(path, Render(templateName, Globals(config, templateName)));

    /// <summary>What a template may name: its model, the ISA table and the banner.</summary>
    internal static ScriptObject Globals(AcceleratorConfig config, string templateName)
    {
        string module = templateName[(templateName.LastIndexOf('/') + 1)..templateName.IndexOf('.')];
        ScriptObject globals = IsaTables.ToScript();
        globals["m"] = templateName.EndsWith(ModuleSuffix, StringComparison.Ordinal)
            ? ModuleModels.Of(module, config)
            : new ReferenceModel(config);
        globals.Import("banner", (string name, string doc) => Banner.Render(config, templateName, name, doc));
        return globals;
    }

    /// <summary>Renders a template with what it names.</summary>
    /// <exception cref="TemplateException">The template is wrong; the message names template, line and column.</exception>
    internal static string Render(string templateName, ScriptObject globals) =>
        RenderText(templateName, ReadTemplate(templateName), globals);

    /// <summary>Renders the text of a template with what it names.</summary>
    /// <exception cref="TemplateException">The template is wrong; the message names template, line and column.</exception>
    internal static string RenderText(string templateName, string text, ScriptObject globals)
    {
        Template template = Template.Parse(text, templateName);
        if (template.HasErrors)
            throw new TemplateException(string.Join(Environment.NewLine, template.Messages.Select(m => m.ToString())));
        var context = new TemplateContext
        {
            StrictVariables = true,
            EnableRelaxedMemberAccess = false,
            EnableRelaxedIndexerAccess = false,
            LoopLimit = 0,
            MemberRenamer = m => m.Name,
            NewLine = "\n",
        };
        context.PushCulture(CultureInfo.InvariantCulture);
        context.PushGlobal(globals);
        try
        {
            return template.Render(context).TrimStart('\n');
        }
        catch (Scriban.Syntax.ScriptRuntimeException e)
        {
            throw new TemplateException(e.Message, e);
        }
    }

    private static string ReadTemplate(string name)
    {
        using Stream stream =
            Source.GetManifestResourceStream(name) ?? throw new TemplateException($"{name}: the template is not part of this build");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Replace("\r\n", "\n", StringComparison.Ordinal);
    }

    private static List<string> TemplateNames(string prefix, string suffix) =>
        [
            .. Source
                .GetManifestResourceNames()
                .Where(n => n.StartsWith(prefix, StringComparison.Ordinal) && n.EndsWith(suffix, StringComparison.Ordinal))
                .Select(n => n[prefix.Length..^suffix.Length])
                .Order(StringComparer.Ordinal),
        ];
}

/// <summary>A template cannot be rendered: a defect of the project, not of the user's input.</summary>
public sealed class TemplateException : Exception
{
    /// <summary>An error with its message.</summary>
    public TemplateException(string message)
        : base(message) { }

    /// <summary>An error with its message and cause.</summary>
    public TemplateException(string message, Exception inner)
        : base(message, inner) { }
}
