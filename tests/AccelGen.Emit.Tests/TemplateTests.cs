using System.Reflection;
using System.Text.RegularExpressions;
using AccelGen.Config;
using AccelGen.Emit.Modules;
using NUnit.Framework;
using Scriban;
using Scriban.Syntax;

namespace AccelGen.Emit.Tests;

/// <summary>Templates lay out, loop and branch; what is worked out is worked out in their models.</summary>
public sealed class TemplateTests
{
    // Arithmetic on keys that a template still has; none where it is not named. A number may only fall.
    private static readonly Dictionary<string, int> Allowed = [];

    private static IEnumerable<string> Names =>
        typeof(RtlEmitter).Assembly.GetManifestResourceNames().Where(n => n.EndsWith(".sbn", StringComparison.Ordinal)).Order();

    [TestCaseSource(nameof(Names))]
    public void A_template_does_no_arithmetic_on_what_it_is_given(string name)
    {
        IReadOnlyList<string> found = Arithmetic(name, Text(name));
        Assert.That(
            found,
            Has.Count.EqualTo(Allowed.GetValueOrDefault(name)),
            $"{name}: work it out in the model; where there is less than allowed, lower the number:{Environment.NewLine}"
                + string.Join(Environment.NewLine, found)
        );
    }

    [TestCase("{{ m.Width - 1 }}", 1)]
    [TestCase("{{ for k in m.Lanes }}{{ k.Index * 8 + 7 }}{{ end }}", 2)]
    [TestCase("{{ for i in 0..(m.Width - 1) }}{{ i }}{{ end }}", 1)]
    [TestCase("{{ if m.Width % 8 == 0 }}x{{ end }}", 1)]
    [TestCase("{{ for n in 1..6 }}{{ n - 1 }}{{ end }}{{ m.Width }}{{ if m.Width > 8 }}x{{ end }}", 0)]
    public void Arithmetic_is_counted_by_operator_and_a_loop_over_constants_may_reckon_with_its_own_index(string text, int count) =>
        Assert.That(Arithmetic("text", text), Has.Count.EqualTo(count));

    [TestCase("m.Load.NoSuchField.Range", "LOAD has no NoSuchField")]
    [TestCase("m.Header.BlockWords.Lsb", "the header of a command has no BlockWords")]
    [TestCase("m.Load.Address.Nothing", "Nothing")]
    [TestCase("m.Nothing", "Nothing")]
    [TestCase("m.Nothing.Width", "Nothing")]
    [TestCase("nothing", "nothing")]
    public void What_a_model_does_not_have_is_an_error_at_emission(string expression, string message)
    {
        const string Name = "templates/rtl/acc_load.sv.sbn";
        Assert.That(
            () => RtlEmitter.RenderText(Name, $"{{{{ {expression} }}}}", RtlEmitter.Globals(ConfigLoader.Load("tiny"), Name)),
            Throws.TypeOf<TemplateException>().With.Message.Contains(message).And.Message.Contains($"{Name}(1,")
        );
    }

    [Test]
    public void A_register_that_does_not_exist_is_an_error_at_emission()
    {
        const string Name = "templates/rtl/acc_csr.sv.sbn";
        Assert.That(
            () => RtlEmitter.RenderText(Name, "{{ m.Registers.Nothing }}", RtlEmitter.Globals(ConfigLoader.Load("tiny"), Name)),
            Throws.TypeOf<TemplateException>().With.Message.Contains("the register map has no Nothing")
        );
    }

    [Test]
    public void Every_module_has_a_model_and_a_model_has_nothing_that_its_template_does_not_name()
    {
        Assert.That(ModuleModels.Names, Is.EquivalentTo(RtlEmitter.Modules.Append(ModuleModels.Package)));
        Assert.That(() => ModuleModels.Of("acc_none", ConfigLoader.Load("tiny")), Throws.TypeOf<TemplateException>());
        foreach (string module in ModuleModels.Names)
        {
            string text = Text($"templates/{(module == ModuleModels.Package ? "pkg" : "rtl")}/{module}.sv.sbn");
            IEnumerable<string> named = Regex.Matches(text, @"\bm\.(\w+)").Select(m => m.Groups[1].Value).Distinct();
            Type model = ModuleModels.Of(module, ConfigLoader.Load("tiny")).GetType();
            Assert.That(
                named,
                Is.EquivalentTo(model.GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(p => p.Name)),
                module
            );
        }
    }

    private static string Text(string name)
    {
        using Stream stream = typeof(RtlEmitter).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static List<string> Arithmetic(string name, string text)
    {
        Template template = Template.Parse(text, name);
        Assert.That(template.HasErrors, Is.False, name);
        var counter = new Counter();
        counter.Visit(template.Page);
        return counter.Found;
    }

    // Operators with a key on either side; variables of loops over constants are no keys.
    private sealed class Counter : ScriptVisitor
    {
        private readonly HashSet<string> indices = [];

        public List<string> Found { get; } = [];

        public override void Visit(ScriptForStatement node)
        {
            bool constant = node.Variable is ScriptVariable && !new Keys(indices).Any(node.Iterator);
            string loop = node.Variable?.ToString() ?? string.Empty;
            bool added = constant && indices.Add(loop);
            base.Visit(node);
            if (added)
                indices.Remove(loop);
        }

        public override void Visit(ScriptBinaryExpression node)
        {
            bool arithmetic =
                node.Operator
                is ScriptBinaryOperator.Add
                    or ScriptBinaryOperator.Subtract
                    or ScriptBinaryOperator.Multiply
                    or ScriptBinaryOperator.Divide
                    or ScriptBinaryOperator.DivideRound
                    or ScriptBinaryOperator.Modulus
                    or ScriptBinaryOperator.ShiftLeft
                    or ScriptBinaryOperator.ShiftRight;
            if (arithmetic && new Keys(indices).Any(node))
                Found.Add($"{node.Span.ToStringSimple()}: {node}");
            base.Visit(node);
        }
    }

    private sealed class Keys(HashSet<string> indices) : ScriptVisitor
    {
        private bool found;

        public bool Any(ScriptNode? node)
        {
            Visit(node);
            return found;
        }

        public override void Visit(ScriptVariableGlobal node) => found |= !indices.Contains(node.Name);
    }
}
