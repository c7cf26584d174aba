using System.Text.RegularExpressions;
using AccelGen.Config;
using AccelGen.Emit;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>The one list of the ports of the top module.</summary>
public sealed partial class PortTests
{
    [TestCase("tiny")]
    [TestCase("base", "axi.addressBits=32", "axi.idBits=7")]
    [TestCase("small", "array.vectorWidth=20", "array.lanes=20", "array.pes=5", "axi.dataBits=256", "axi.addressBits=40")]
    public void The_table_is_the_ports_of_the_generated_top_module(string preset, params string[] overrides)
    {
        AcceleratorConfig config = ConfigLoader.Load(preset, overrides);
        string top = RtlEmitter.EmitRtl(config).Single(f => f.Path == $"rtl/{RtlEmitter.TopModule}.sv").Text;
        string header = top[(top.IndexOf($"module {RtlEmitter.TopModule} (", StringComparison.Ordinal))..];
        header = header[..header.IndexOf(");", StringComparison.Ordinal)];
        IEnumerable<string> ports = Declaration()
            .Matches(header)
            .Select(m => (Match: m, Width: m.Groups["msb"].Success ? int.Parse(m.Groups["msb"].Value) + 1 : 1))
            .Select(p => $"{p.Match.Groups["direction"].Value} {p.Width} {p.Match.Groups["name"].Value}");
        Assert.That(
            Port.All.Select(p => $"{(p.Direction == PortDirection.Input ? "input" : "output")} {p.Width(config)} {p.Name}"),
            Is.EqualTo(ports)
        );
    }

    [Test]
    public void The_native_sources_are_given_every_port_in_the_order_of_the_table_and_list_none_themselves()
    {
        foreach (IReadOnlyList<EmittedFile> sources in new[] { NativeSource.Shim, NativeSource.Bench })
        {
            EmittedFile ports = sources[0];
            Assert.That(
                Regex.Matches(ports.Text, @"X\((\w+), (\w+)\)").Select(m => (m.Groups[1].Value, m.Groups[2].Value)),
                Is.EqualTo(Port.All.Select(p => (p.Identifier, p.Name)))
            );
            Assert.That(sources[1].Text, Does.Contain($"#include \"{ports.Path}\"").And.Not.Contain("m_awvalid_o"));
        }

        Assert.That(Port.All.Select(p => p.Index), Is.EqualTo(Enumerable.Range(0, Port.All.Count)));
        Assert.That((Port.Clock.Identifier, Port.Trace.Identifier), Is.EqualTo(("Clock", "Trace")));
    }

    [GeneratedRegex(@"^\s*(?<direction>input|output)\s+logic\s+(\[(?<msb>\d+):0\]\s+)?(?<name>\w+)", RegexOptions.Multiline)]
    private static partial Regex Declaration();
}
