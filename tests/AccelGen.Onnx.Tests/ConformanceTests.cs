using System.Globalization;
using System.Text;
using AccelGen.Onnx.Proto;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Onnx.Tests;

/// <summary>docs/conformance.md is what the tests show: every operator and attribute value that they import or see refused.</summary>
public sealed class ConformanceTests
{
    private const string Page = "docs/conformance.md";
    private const int Seed = 7500,
        MaxValues = 8;
    private static readonly string[] Forms = ["float", nameof(QuantizedForm.Qdq), nameof(QuantizedForm.QLinear)];

    /// <summary>An operator, or one value of an attribute of it, and the cases that show it.</summary>
    private sealed class Seen
    {
        public Dictionary<string, string> Forms { get; } = [];
    }

    [Test]
    public void The_conformance_table_says_what_the_tests_show() => Repository.Compare(Page, Text(), "AccelGen.Onnx.Tests");

    private static string Text()
    {
        var operators = new SortedDictionary<string, Seen>(StringComparer.Ordinal);
        var attributes = new SortedDictionary<(string Operator, string Attribute), SortedDictionary<string, Seen>>();
        var refused = new SortedDictionary<(string Operator, string Reason), string>();
        foreach (OperatorCase test in OperatorCases.All())
        {
            foreach (string form in Forms.Where(f => f == "float" || test.Opset >= 10))
            {
                byte[] file = QuantizedModels.Build(test, form, Seed);
                try
                {
                    Oracle.Import(file);
                }
                catch (ImportException e)
                {
                    Refuse(e, $"QuantizedOperatorTests: {test.Name}, {form}");
                    continue;
                }

                foreach (NodeProto node in ModelProto.Parser.ParseFrom(file).Graph.Node)
                {
                    string op = new OnnxNode(node, 0).Operator,
                        show = $"{(form == "float" ? nameof(OperatorTests) : nameof(QuantizedOperatorTests))}: {test.Name}";
                    if (!operators.TryGetValue(op, out Seen? seen))
                        operators[op] = seen = new Seen();
                    seen.Forms.TryAdd(form, show);
                    foreach (AttributeProto a in node.Attribute)
                    {
                        if (!attributes.TryGetValue((op, a.Name), out SortedDictionary<string, Seen>? values))
                            attributes[(op, a.Name)] = values = new SortedDictionary<string, Seen>(StringComparer.Ordinal);
                        if (!values.TryGetValue(Value(a), out Seen? value))
                            values[Value(a)] = value = new Seen();
                        value.Forms.TryAdd(form, show);
                    }
                }
            }
        }

        foreach (TestCaseData test in RefusalTests.Cases())
            Refuse(
                RefusalTests.Refusal((Func<ModelSketch, string>)test.Arguments[1]!),
                $"RefusalTests: {test.Arguments[0]}, {test.Arguments[2]}"
            );
        foreach (TestCaseData test in BadInputTests.Files())
            Refuse(Oracle.Refused((byte[])test.Arguments[1]!), $"BadInputTests: {test.Arguments[0]}");

        var text = new StringBuilder();
        text.Append(
            "# ONNX conformance\n\nWhat the importer takes and what it refuses, each with the test that shows it "
                + "(tests/AccelGen.Onnx.Tests).\n"
        );
        text.Append(
            CultureInfo.InvariantCulture,
            $"A test writes this page: `{Repository.Update}=1 dotnet test tests/AccelGen.Onnx.Tests --filter "
                + $"{nameof(The_conformance_table_says_what_the_tests_show)}`.\n"
        );
        text.Append(
            "Operator sets 9 to 21. Float networks are compared with ONNX Runtime in single precision, quantised ones "
                + "count by count: within\none step in single operators. An operator that has a QLinear counterpart "
                + "stands under that name in the QLinear form.\n\n"
        );
        text.Append(
            "Files with int8 weights are imported as they are written. ONNX Runtime itself computes them wrongly on "
                + "some processors, as QLinear\noperators and as QDQ that it optimises: on x64 without VNNI, sums of "
                + "unsigned activations (it makes int8 ones unsigned) by int8 weights\n"
        );
        text.Append(
            "saturate; on Arm without dot products, two products of -128 by -128 wrap. So the tests give it the same "
                + "counts as unsigned bytes, zero points\n128 higher, whose sums are exact everywhere "
                + "([decisions/0012](decisions/0012-exported-bytes-are-unsigned.md)).\n"
        );
        text.Append("\n## Operators\n\n| operator | float | QDQ | QLinear form | shown by |\n|---|---|---|---|---|\n");
        foreach ((string op, Seen seen) in operators)
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {op} | {Mark(seen, 0)} | {Mark(seen, 1)} | {Mark(seen, 2)} | {Cell(First(seen))} |\n"
            );
        text.Append(
            "\n## Attribute values\n\n| operator | attribute | values | float | QDQ | QLinear form | shown by "
                + "|\n|---|---|---|---|---|---|---|\n"
        );
        foreach (((string op, string attribute), SortedDictionary<string, Seen> values) in attributes)
        {
            // Numbers and sizes in a row; modes and switches each in a row of their own.
            bool open =
                values.Keys.Count > MaxValues || values.Keys.All(v => v.StartsWith('[') || v.Contains('.', StringComparison.Ordinal));
            foreach (
                IGrouping<string, KeyValuePair<string, Seen>> row in values.GroupBy(v =>
                    open ? string.Join(", ", values.Keys.Take(3)) + (values.Count > 3 ? ", ..." : string.Empty) : v.Key
                )
            )
            {
                var all = new Seen();
                foreach ((string form, string show) in row.SelectMany(v => v.Value.Forms))
                    all.Forms.TryAdd(form, show);
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"| {op} | {attribute} | {Cell(row.Key)} | {Mark(all, 0)} | {Mark(all, 1)} | {Mark(all, 2)} | {Cell(First(all))} |\n"
                );
            }
        }

        text.Append("\n## Refused\n\n| operator | reason and cure | shown by |\n|---|---|---|\n");
        foreach (((string op, string reason), string show) in refused)
            text.Append(CultureInfo.InvariantCulture, $"| {op} | {Cell(reason)} | {Cell(show)} |\n");
        return text.ToString();

        void Refuse(ImportException e, string show)
        {
            foreach (string problem in e.Problems)
            {
                string reason = problem[(problem.IndexOf(".onnx: ", StringComparison.Ordinal) + 7)..],
                    op = "(file)";
                // node NAME (OPERATOR): reason
                int open = reason.IndexOf(" (", StringComparison.Ordinal),
                    close = reason.IndexOf("): ", StringComparison.Ordinal);
                if (reason.StartsWith("node ", StringComparison.Ordinal) && open > 0 && close > open)
                    (op, reason) = (reason[(open + 2)..close], reason[(close + 3)..]);
                refused.TryAdd((op, reason), show);
            }
        }
    }

    private static string Mark(Seen seen, int form) => seen.Forms.ContainsKey(Forms[form]) ? "yes" : string.Empty;

    private static string First(Seen seen) => seen.Forms[Forms.First(seen.Forms.ContainsKey)];

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);

    private static string Value(AttributeProto a) =>
        a.Type switch
        {
            1 => a.F.ToString("0.0#####", CultureInfo.InvariantCulture),
            2 => a.I.ToString(CultureInfo.InvariantCulture),
            3 => a.S.ToStringUtf8(),
            7 => $"[{string.Join(", ", a.Ints)}]",
            _ => $"[{string.Join(", ", a.Floats.Select(f => f.ToString(CultureInfo.InvariantCulture)))}]",
        };
}
