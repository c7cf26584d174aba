using System.Text.RegularExpressions;
using AccelGen.Config;
using AccelGen.Emit;
using NUnit.Framework;
using NUnit.Framework.Internal;

namespace AccelGen.Sim.Tests;

/// <summary>Registers as the manual has them, and faults that a block once had on its bus, put back: the suite finds each.</summary>
public sealed class BusFaultTests
{
    private const int Seed = 3100,
        Programs = 150;

    [TestCase("tiny")]
    [TestCase("small")]
    [CancelAfter(120_000)]
    public async Task Registers_are_as_the_manual_has_them(string preset)
    {
        AcceleratorConfig config = ConfigLoader.Load(preset);
        Assert.That(RegisterProbe.Problems(config, (await new ModelBuild().BuildAsync(config)).Library), Is.Empty);
    }

    private static IEnumerable<TestCaseData> Faults()
    {
        yield return Fault(
            "Nothing is emptied before the program is done",
            "acc_cmd",
            "assign flush_o = state_q == StFlush;",
            "assign flush_o = 1'b0;"
        );
        yield return Fault("Done while a burst is not answered", "acc_cmd", "StHalt: if (!bus_busy_i) begin", "StHalt: begin");
        yield return Fault(
            "A halt ends with the program's commands",
            "acc_cmd",
            "assign halt_o = stopping_o || (engine_error_i && active);",
            "assign halt_o = engine_error_i && active;"
        );
        yield return Fault(
            "Data wait until their address is accepted",
            "acc_store",
            "(ahead_q > 9'sd0 || (ahead_q == 9'sd0 && awvalid_o))",
            "(ahead_q > 9'sd0)"
        );
        yield return Fault(
            "Strobes stay high while a burst is completed",
            "acc_store",
            ".data_i({valid1_q, valid1_q ?",
            ".data_i({1'b1, valid1_q ?"
        );
        yield return Fault(
            "Beats that complete a burst take no credit",
            "acc_store",
            "else if ((issue || flush) && !w_pop) credit_q",
            "else if (issue && !w_pop) credit_q"
        );
        yield return Fault(
            "The next program begins in the middle of a command",
            "acc_cmd",
            "fill_beat_q <= '0; done_q <= 1'b0;",
            "done_q <= 1'b0;",
            "axi.maxBurstBeats=3"
        );
        yield return Fault(
            "A path row is not written while a program runs",
            "acc_csr",
            "assign table_write = do_write && in_table && !refused;",
            "assign table_write = do_write && in_table && !refused && !running_i;"
        );
        yield return Fault("Addresses wrap in loads", "acc_load", "out_of_range = cur_q[40:32] != '0 ||", "out_of_range =");
        yield return Fault(
            "A misaligned program is started",
            "acc_cmd",
            "program_i[5:0] != 6'd0 ? {28'd0, acc_pkg::ErrorCodeMisaligned}",
            "1'b0 ? {28'd0, acc_pkg::ErrorCodeMisaligned}"
        );
        yield return Fault("A count of zero is taken", "acc_cmd", "nothing_q <= nothing && !skip;", "nothing_q <= 1'b0;");
        yield return Fault(
            "A write error names the command that runs",
            "acc_store",
            "error_info_q <= {comp_out[22:7], 10'd0, 2'd3, bresp_i",
            "error_info_q <= {cmd_q[63:48], 10'd0, 2'd3, bresp_i"
        );
        yield return Fault(
            "SLVERR and DECERR are one",
            "acc_store",
            "bresp_i[0] ? acc_pkg::ErrorCodeWriteDecode : acc_pkg::ErrorCodeWriteSlave",
            "acc_pkg::ErrorCodeWriteSlave"
        );
        yield return Fault(
            "What is not there is written, answered OKAY",
            "acc_csr",
            "bresp_q <= refused ? SlaveError : Okay;",
            "bresp_q <= Okay;"
        );
        yield return Fault(
            "What is not there is read, answered OKAY",
            "acc_csr",
            "rresp_q <= absent ? SlaveError : Okay;",
            "rresp_q <= Okay;"
        );
        yield return Fault("Part of a word is written", "acc_csr", "if (wstrb_q != 4'hF) refused = 1'b1;", "");
        yield return Fault("An abort does nothing", "acc_cmd", "else if (abort_i) stop_info", "else if (1'b0) stop_info");
        yield return Fault(
            "A program waits for ever",
            "acc_cmd",
            "assign timed_out = active && timeout_i != 32'd0 && quiet_q >= timeout_i;",
            "assign timed_out = 1'b0;"
        );

        yield return Fault(
            "Dispatched commands are counted by 16 bits",
            "acc_cmd",
            "assign dispatched_o = dispatched_q;",
            "assign dispatched_o = 32'(dispatched_q[15:0]);"
        );
        yield return Fault(
            "A program that does nothing for a while is ended",
            "acc_cmd",
            "progress_i || boot_push || dispatch ||",
            "progress_i || push_o != 4'd0 ||"
        );
        yield return Fault(
            "The limit of the next program is the running one's",
            "acc_csr",
            "assign memory_limit_o = limit_q;",
            "assign memory_limit_o = {limit_high_q[7:0], limit_low_q};"
        );
        yield return Fault(
            "A load to nowhere is taken",
            "acc_cmd",
            "known_op = entry_q[130:128] <= acc_pkg::LoadDestinationTable;",
            "known_op = 1'b1;"
        );
        yield return Fault(
            "A program starts on a row that was never written",
            "acc_csr",
            "32'(written_q & ~withdrawn_q)",
            "32'(~withdrawn_q)"
        );
        yield return Fault("A program starts on a withdrawn row", "acc_csr", "32'(written_q & ~withdrawn_q)", "32'(written_q)");
        yield return Fault(
            "Rows of a program with a budget are written",
            "acc_csr",
            "refused = !in_table || guarded ||",
            "refused = !in_table ||"
        );
        yield return Fault(
            "The budget of the next program is the running one's",
            "acc_csr",
            "assign guarded = running_i && budget_active_q != 32'd0",
            "assign guarded = running_i && budget_q != 32'd0"
        );

        static TestCaseData Fault(string name, string module, string good, string bad, params string[] overrides) =>
            new TestCaseData(module, good, bad, overrides).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Faults))]
    [Category("Deep")]
    [CancelAfter(600_000)]
    public async Task A_fault_put_back_is_found(string module, string good, string bad, string[] overrides)
    {
        AcceleratorConfig config = ConfigLoader.Load("tiny", overrides);
        List<EmittedFile> files = [.. RtlEmitter.EmitRtl(config)];
        int index = files.FindIndex(f => f.Path == $"rtl/{module}.sv");
        var there = new Regex(string.Join(@"\s+", good.Split(' ').Select(Regex.Escape)));
        Assert.That(there.Count(files[index].Text), Is.EqualTo(1), "the place of the fault");
        files[index] = files[index] with { Text = there.Replace(files[index].Text, bad.Replace("$", "$$", StringComparison.Ordinal)) };
        BuiltModel built = await new ModelBuild().BuildAsync(config, false, files);
        string? found = RegisterProbe.Problems(config, built.Library).FirstOrDefault() ?? OnTheBus(config, built.Library);
        TestContext.Out.WriteLine(found);
        Assert.That(found, Is.Not.Null);
    }

    // What the random bus finds within a number of programs, or null.
    private static string? OnTheBus(AcceleratorConfig config, string library)
    {
        using var rig = new BusRig(config, library);
        for (int i = 0; i < Programs; i++)
        {
            // What is asserted there is the finding here.
            using (new TestExecutionContext.IsolatedContext())
            {
                try
                {
                    rig.Next((Seed * 100_003) + i);
                }
                catch (Exception e) when (e is AssertionException or SimulationException)
                {
                    return $"program {i}: {e.Message}";
                }
            }
        }

        return null;
    }
}
