using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Isa;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>Programs of ROW and VECTOR commands in every order: which of them run at the same time, and when they end.</summary>
public sealed class RowOverlapTests
{
    private const int RowToken = 10,
        VectorToken = 8;
    private static readonly AcceleratorConfig Config = ConfigLoader.Load("tiny");
    private static readonly MemoryTiming Timing = new();

    private static int Seed => Setting.Seed(4711);

    [Test]
    [CancelAfter(300_000)]
    public async Task Rows_and_vectors_start_and_end_as_the_model_says_and_no_token_is_lost()
    {
        using var simulator = new Simulator(Config, (await new ModelBuild().BuildAsync(Config)).Library);
        int before = 0,
            together = 0,
            after = 0,
            waited = 0;
        for (int i = 0; i < 400; i++)
        {
            List<Command> program = Program(new Random((Seed * 1000) + i));
            var path = new PathRow(ulong.MaxValue, new uint[PathRow.Registers]);
            CyclePrediction model = new CycleModel(Config, Timing).Predict(program, 0, path);
            byte[] image = new byte[program.Count * IsaDefinition.CommandBytes];
            for (int n = 0; n < program.Count; n++)
                program[n].Encode(image.AsSpan(n * IsaDefinition.CommandBytes));
            simulator.LoadMemory(image.Length, image);
            simulator.WritePath(0, path);
            RunResult result = simulator.Run(program, 0, Config.Hash.Value, Timing, limit: 5_000);
            string what = $"seed {(Seed * 1000) + i}:\n{string.Join('\n', program)}";
            Assert.That(result.ErrorCode, Is.Zero, what);
            Assert.That(result.Counters, Is.EqualTo(model.Counters), what);
            Assert.That(result.Commands, Is.EqualTo(model.Commands), what);
            for (int n = 0; n + 1 < program.Count; n++)
            {
                if (!program[n].Is(RowCommand.Definition) || !program[n + 1].Is(VectorCommand.Definition))
                    continue;
                (CommandTiming row, CommandTiming vector) = (model.Commands[n], model.Commands[n + 1]);
                bool beside = program[n][RowCommand.Overlap] && !program[n + 1][VectorCommand.Forward];
                Assert.That(vector.Start > row.Done, Is.EqualTo(!beside), what);
                waited += beside ? 0 : 1;
                before += vector.Done < row.Done ? 1 : 0;
                together += vector.Done == row.Done ? 1 : 0;
                after += beside && vector.Done > row.Done ? 1 : 0;
            }
        }

        TestContext.Out.WriteLine(
            $"seed {Seed}: VECTOR done {before} times before the ROW that it ran beside, {together} times with it, "
                + $"{after} times after it; waited {waited} times"
        );
        Assert.That(new[] { before, together, after, waited }, Has.All.Positive);
    }

    // Tiles of one row: softmax that overlaps, other row operators, results to either buffer; at the end all tokens are taken.
    private static List<Command> Program(Random random)
    {
        var program = new List<Command>();
        var tokens = new List<int>();
        int lanes = Config.Array.Lanes;
        for (int k = random.Next(2, 6); k > 0; k--)
        {
            int tiles = random.Next(1, 3),
                columns = random.Next(1, 9) * 2;
            if (random.Next(2) == 0)
            {
                int function = random.Next(2) == 0 ? 0 : random.Next(3);
                bool overlap = function == 0 && random.Next(4) != 0;
                program.Add(
                    new Command(RowCommand.Definition)
                    {
                        [Header.A.Count] = 1,
                        [Header.B.Count] = tiles,
                        [RowCommand.Rows] = 1,
                        [RowCommand.Columns] = columns,
                        [RowCommand.BlockWords] = 8,
                        [RowCommand.Channels] = tiles * lanes,
                        [RowCommand.Function] = function,
                        [RowCommand.Overlap] = overlap,
                        [RowCommand.MaximumKnown] = function == 0 && (overlap | random.Next(2) == 1),
                        [RowCommand.Forward] = overlap | random.Next(2) == 1,
                        [RowCommand.ForwardBase] = 16,
                        [RowCommand.TableEnable] = !overlap && random.Next(2) == 1,
                        [RowCommand.OutputShift] = 1,
                        [Header.Signal0] = RowToken,
                    }
                );
                tokens.Add(RowToken);
                continue;
            }

            program.Add(
                new Command(VectorCommand.Definition)
                {
                    [Header.A.Count] = 1,
                    [Header.B.Count] = tiles,
                    [VectorCommand.Rows] = 1,
                    [VectorCommand.Columns] = columns,
                    [VectorCommand.ColumnStep] = 1,
                    [VectorCommand.BlockWords] = 8,
                    [VectorCommand.Forward] = random.Next(4) == 0,
                    [VectorCommand.TrackMaximum] = random.Next(2) == 1,
                    [VectorCommand.TrackLanes] = lanes,
                    [VectorCommand.TableEnable] = random.Next(2) == 1,
                    [Header.Signal0] = VectorToken,
                }
            );
            program.Add(
                new Command(ComputeCommand.Definition)
                {
                    [Header.A.Count] = random.Next(1, 3),
                    [Header.B.Count] = tiles,
                    [ComputeCommand.Rows] = 1,
                    [ComputeCommand.Columns] = columns,
                    [ComputeCommand.FirstChunk] = true,
                    [ComputeCommand.LastChunk] = true,
                    [ComputeCommand.KernelRows] = 1,
                    [ComputeCommand.KernelColumns] = 1,
                    [ComputeCommand.StrideColumns] = 1,
                    [ComputeCommand.PesPerRow] = 1,
                    [ComputeCommand.BlockWords] = 8,
                }
            );
            tokens.Add(VectorToken);
        }

        program.AddRange(tokens.Select(token => new Command(LoadCommand.Definition) { [Header.B.Count] = 1, [Header.Wait0] = token }));
        program.Add(new Command(IsaDefinition.End));
        while (program.Count < Config.Control.CommandBlock)
            program.Add(new Command(IsaDefinition.Nop));
        return program;
    }
}
