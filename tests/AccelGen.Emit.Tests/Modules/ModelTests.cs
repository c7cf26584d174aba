using AccelGen.Config;
using AccelGen.Emit.Modules;
using AccelGen.Isa;
using NUnit.Framework;

namespace AccelGen.Emit.Tests.Modules;

/// <summary>Widths and depths that the modules are built with, against numbers worked out by hand.</summary>
public sealed class ModelTests
{
    // Six lanes of twelve channels: neither is a power of two; a vector takes sixteen bytes.
    private static readonly AcceleratorConfig Odd = ConfigLoader.Load(
        "tiny",
        ["array.vectorWidth=12", "array.lanes=6", "array.pes=3", "axi.addressBits=40", "axi.dataBits=64"]
    );

    // 64 elements with wide beats: four vectors of sixteen channels in a word.
    private static readonly AcceleratorConfig Large = ConfigLoader.Load(
        "base",
        ["array.vectorWidth=16", "array.lanes=16", "array.pes=64", "axi.dataBits=512", "control.paths=1"]
    );

    [TestCase(1, 1)]
    [TestCase(2, 1)]
    [TestCase(3, 2)]
    [TestCase(4, 2)]
    [TestCase(5, 3)]
    [TestCase(64, 6)]
    [TestCase(65, 7)]
    [TestCase(1024, 10)]
    public void An_index_has_the_bits_that_its_largest_value_takes_and_one_at_least(int count, int width) =>
        Assert.That(BitRange.Index(count), Is.EqualTo(new BitRange(0, width)));

    [Test]
    public void Bits_are_written_as_the_two_kinds_of_selects()
    {
        var bits = BitRange.Element(3, 8);
        Assert.That((bits.Lsb, bits.Msb, bits.Range, bits.Part), Is.EqualTo((24, 31, "31:24", "24 +: 8")));
        Assert.That(BitRange.Of(1).Range, Is.EqualTo("0:0"));
    }

    [Test]
    public void A_field_of_one_bit_is_selected_by_its_place_and_others_by_their_range()
    {
        var flag = new FieldBits(LoadCommand.LengthMode);
        var field = new FieldBits(LoadCommand.Address);
        Assert.That((flag.Range, flag.Lsb, flag.Width), Is.EqualTo(("131", 131, 1)));
        Assert.That((field.Range, field.Part), Is.EqualTo(("199:160", "160 +: 40")));
        Assert.That(IsaNames.Header["ACount"], Is.EqualTo(new FieldBits(Header.A.Count)));
        Assert.That(IsaNames.Registers["Control"], Is.EqualTo("0010"));
    }

    [Test]
    public void The_memory_port_has_the_configured_widths_and_what_waits_has_a_valid_bit_on_top()
    {
        var bus = new BusSizes(Odd);
        Assert.That((bus.Address.Width, bus.Data.Width, bus.Strobes.Width, bus.Id.Width), Is.EqualTo((40, 64, 8, Odd.Axi.IdBits)));
        Assert.That((bus.BeatBytes, bus.BeatShift, bus.WithinBeat.Range), Is.EqualTo((8, 3, "2:0")));
        Assert.That((bus.Burst.Width, bus.ValidBurst.Msb), Is.EqualTo((48, 48)));
        Assert.That((bus.WriteBeat.Width, bus.ValidWriteBeat.Msb), Is.EqualTo((66, 66)));
        Assert.That((new BusSizes(Large).BeatShift, new BusSizes(Large).MaxBurst), Is.EqualTo((6, Large.Axi.MaxBurstBeats)));
    }

    [Test]
    public void Lanes_have_their_slices_and_arrays_are_padded_to_a_power_of_two()
    {
        var lanes = new LaneSizes(Odd);
        Assert.That((lanes.Count, lanes.LastPadded, lanes.Flags.Range), Is.EqualTo((6, 7, "5:0")));
        Assert.That(lanes.Padding, Is.EqualTo(new[] { 6, 7 }));
        Assert.That(new LaneSizes(Large).Padding, Is.Empty);
        Assert.That(
            (lanes.Bytes.Width, lanes.Parameters.Width, lanes.Multipliers.Width, lanes.Shifts.Width),
            Is.EqualTo((48, 384, 144, 36))
        );
        int sum = Odd.Array.AccumulatorBits;
        Assert.That(lanes.Sums.Width, Is.EqualTo(6 * sum));
        Lane lane = lanes.All[2];
        Assert.That((lane.Byte.Range, lane.Multiplier.Range, lane.Shift.Range), Is.EqualTo(("23:16", "71:48", "17:12")));
        Assert.That(
            (lane.Bias.Range, lane.ParameterMultiplier.Range, lane.ParameterShift.Part),
            Is.EqualTo(("159:128", "183:160", "184 +: 6"))
        );
        Assert.That(lane.Sum, Is.EqualTo(new BitRange(2 * sum, sum)));
    }

    [Test]
    public void Words_hold_vectors_at_the_pitch_of_memory_or_without_gaps()
    {
        WordSizes odd = new(Odd),
            large = new(Large);
        Assert.That((odd.Word.Width, odd.Packed.Width, odd.VectorsPerWord, odd.BeatsPerWord), Is.EqualTo((128, 96, 1, 2)));
        Assert.That((odd.PitchBits, odd.PitchBytesModulo, odd.Segments, odd.LastSegment), Is.EqualTo((128, 16, 2, 1)));
        Assert.That(odd.OtherVectors, Is.Empty);
        Assert.That((large.Word.Width, large.TwoWords.Width, large.VectorsPerWord, large.VectorShift), Is.EqualTo((512, 1024, 4, 2)));
        Assert.That((large.LastVector, large.LastBeat, large.LastWordOfSquare), Is.EqualTo((3, 0, 3)));
        Assert.That(large.OtherVectors.Select(v => v.Index), Is.EqualTo(new[] { 1, 2, 3 }));
        Assert.That((large.Vectors[3].Spread.Range, large.Channels[15].Byte.Range), Is.EqualTo(("511:384", "127:120")));
        Assert.That(VectorSlice.First(Odd, 2)[1], Is.EqualTo(new VectorSlice(1, 96, 128)));
        Assert.That(
            (VectorSlice.First(Odd, 2)[1].Packed.Range, VectorSlice.First(Odd, 2)[1].Spread.Range),
            Is.EqualTo(("191:96", "223:128"))
        );
    }

    [Test]
    public void The_array_selects_an_element_by_the_bits_that_its_number_takes()
    {
        ArrayModel odd = new(Odd),
            large = new(Large);
        Assert.That((odd.LastPe, odd.PeIndex.Range, odd.PeIndexPartial, odd.PeIndexBeyond.Range), Is.EqualTo((2, "1:0", true, "6:2")));
        Assert.That((large.PeIndex.Width, large.PeIndexBeyond.Range), Is.EqualTo((6, "6:6")));
        Assert.That((odd.Tile.Width, odd.Weights.Count, odd.Weights[71].Byte.Range), Is.EqualTo((576, 72, "575:568")));
    }

    [Test]
    public void Command_processor_and_load_queue_count_beats()
    {
        CmdModel odd = new(Odd),
            large = new(Large);
        Assert.That((odd.CommandInBeats, odd.LastCommandBeat, odd.BlockBeats), Is.EqualTo((true, 7, 8 * Odd.Control.CommandBlock)));
        Assert.That((large.CommandInBeats, large.LastCommandBeat, large.BlockBeats), Is.EqualTo((false, 0, Large.Control.CommandBlock)));
        // Six lanes of sixteen bytes, and of eight bytes, in beats of eight.
        Assert.That((new LoadModel(Odd).LastTileBeat, new LoadModel(Odd).LastParameterBeat), Is.EqualTo((11, 5)));
        // Sixteen lanes of sixteen bytes, and of eight bytes, in beats of 64.
        Assert.That((new LoadModel(Large).LastTileBeat, new LoadModel(Large).LastParameterBeat), Is.EqualTo((3, 1)));
    }

    [Test]
    public void One_path_is_selected_by_one_bit()
    {
        var model = new CsrModel(Large);
        Assert.That((model.PathFlags.Range, model.PathIndex.Range, model.LastPath), Is.EqualTo(("0:0", "0:0", 0)));
        Assert.That((model.CounterBase.Length, model.DecisionPage.Length), Is.EqualTo((4, 3)));
        Assert.That(Convert.ToInt32(model.DecisionPage, 16) << 7, Is.EqualTo(IsaDefinition.DecisionBase));
    }

    [Test]
    public void The_weight_buffer_holds_whole_tiles_and_knows_what_lies_between_their_rows()
    {
        WeightModel odd = new(Odd),
            large = new(Large);
        Assert.That((odd.Tile.Width, odd.StoredTile.Width, odd.Padded), Is.EqualTo((576, 768, true)));
        Assert.That((large.Tile.Width, large.StoredTile.Width, large.Padded), Is.EqualTo((2048, 2048, false)));
        Assert.That((large.RowTaps.Width, large.RowTapPitch, large.RowTapShift), Is.EqualTo((40, 64, 3)));
        Assert.That(odd.TileRows, Has.Count.EqualTo(6));
    }

    [Test]
    public void A_processing_element_pads_its_arrays_and_splits_its_buffers_in_halves()
    {
        PeModel odd = new(Odd),
            large = new(Large);
        Assert.That(odd.LastRowTapPadded, Is.EqualTo(15));
        Assert.That(odd.RowTapPadding, Is.EqualTo(new[] { 12, 13, 14, 15 }));
        Assert.That(large.LastRowTapPadded, Is.EqualTo(127));
        Assert.That((odd.InputHalfWords, odd.OutputHalfWords), Is.EqualTo((Odd.Derived.InputWords / 2, Odd.Derived.OutputWords / 2)));
        Assert.That(odd.InputBankWords * 2, Is.InRange(odd.InputHalfWords, odd.InputHalfWords + 1));
        Assert.That(odd.Entry.Width + odd.EntryBeyond.Width, Is.EqualTo(16));
        Assert.That((odd.LastEntry, odd.BeatBytes.Count), Is.EqualTo((Odd.Buffers.AccumulatorEntries - 1, 8)));
    }

    [Test]
    public void Entries_of_the_parameter_buffer_are_whole_beats()
    {
        AcceleratorConfig padded = ConfigLoader.Load("tiny", ["array.vectorWidth=12", "array.lanes=6", "axi.dataBits=128"]);
        VectorModel whole = new(padded),
            half = new(ConfigLoader.Load("tiny", ["array.vectorWidth=20", "array.lanes=5", "axi.dataBits=128", "units.rowTaps=false"]));
        Assert.That((whole.ParameterEntry.Width, whole.ParametersPadded), Is.EqualTo((384, false)));
        Assert.That((half.ParameterEntry.Width, half.ParametersPadded, half.ParameterPadding.Range), Is.EqualTo((384, true, "383:320")));
    }

    [Test]
    public void The_steps_of_the_functions_meet_their_ends()
    {
        var inverse = new InverseModel();
        Assert.That((inverse.Reciprocal[0], inverse.Reciprocal[^1], inverse.Reciprocal.Count), Is.EqualTo((1L << 17, 1L << 16, 65)));
        Assert.That((inverse.RootReciprocal[^1], inverse.RootReciprocal.Count), Is.EqualTo((1L << 16, 193)));
        var row = new RowModel(Large);
        Assert.That((row.Power[0], row.Power[^1], row.Power.Count), Is.EqualTo((1L << 23, 1L << 22, 65)));
        Assert.That(row.LastMaximum, Is.EqualTo((2 << row.Entry.Width) - 1));
    }
}
