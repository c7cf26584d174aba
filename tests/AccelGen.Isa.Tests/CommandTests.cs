using NUnit.Framework;

namespace AccelGen.Isa.Tests;

public sealed class CommandTests
{
    [TestCaseSource(nameof(Names))]
    public void Every_field_survives_encoding_at_random_values(string name)
    {
        var random = new Random(7);
        CommandDefinition definition = IsaDefinition.Commands.Single(c => c.Name == name);
        for (int round = 0; round < 50; round++)
        {
            var command = new Command(definition);
            var expected = new Dictionary<Field, long>(ReferenceEqualityComparer.Instance);
            foreach (Field field in Header.Fields.Concat(definition.Fields).Where(f => f != Header.Opcode))
                command[field] = expected[field] = random.NextInt64(field.Min, field.Max == long.MaxValue ? field.Max : field.Max + 1);
            byte[] bytes = new byte[IsaDefinition.CommandBytes];
            command.Encode(bytes);
            Command back = Command.Decode(bytes);
            foreach ((Field field, long value) in expected)
                Assert.That(back[field], Is.EqualTo(value), field.Name);
        }
    }

    [Test]
    public void A_value_that_does_not_fit_is_refused_with_its_range() =>
        Assert.That(
            () => new Command(LoadCommand.Definition)[LoadCommand.Rows] = 65536,
            Throws.TypeOf<FieldRangeException>().With.Message.Contains("0 to 65535")
        );

    [Test]
    public void A_field_of_another_command_is_refused() =>
        Assert.That(
            () => new Command(LoadCommand.Definition)[StoreCommand.Address],
            Throws.ArgumentException.With.Message.Contains("LOAD").And.Message.Contains("Address")
        );

    [Test]
    public void A_semaphore_that_does_not_exist_is_refused() =>
        Assert.That(() => new Command(LoadCommand.Definition)[Header.Wait0] = 16, Throws.TypeOf<FieldRangeException>());

    // Each enumeration of the code is one of the table.
    [TestCase(typeof(LoadDestination))]
    [TestCase(typeof(RowFunction))]
    public void Named_values_are_those_of_the_table(Type type)
    {
        EnumDefinition table = IsaDefinition.Enums.Single(e => e.Name == type.Name);
        Assert.That(
            Enum.GetValues(type)
                .Cast<Enum>()
                .Select(v => (v.ToString(), Convert.ToInt32(v, System.Globalization.CultureInfo.InvariantCulture))),
            Is.EquivalentTo(table.Values.Select(v => (v.Name, v.Value)))
        );
    }

    [Test]
    public void An_unknown_opcode_is_refused() =>
        Assert.That(
            () => Command.Decode(Enumerable.Repeat((byte)0xEE, 64).ToArray()),
            Throws.ArgumentException.With.Message.Contains("238")
        );

    [TestCase(1, 1u, 1u, 1u)]
    [TestCase(32, 1u, 0u, 2u)]
    [TestCase(33, 2u, 1u, 3u)]
    public void An_extent_is_coded_in_vectors_tail_and_lane_tiles(int channels, uint vectors, uint tail, uint tiles) =>
        Assert.That(PathRow.EncodeExtent(channels, 32, 16), Is.EqualTo(vectors | (tail << 12) | (tiles << 19)));

    private static IEnumerable<string> Names() => IsaDefinition.Commands.Select(c => c.Name);
}
