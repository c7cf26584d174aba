using System.CommandLine;
using AccelGen.Cli.Results;
using AccelGen.Data;
using AccelGen.Emit;

namespace AccelGen.Cli;

/// <summary><c>accelgen scenes</c>: images with masks, drawn from a seed, to train and judge a segmentation network on.</summary>
internal static class ScenesCommand
{
    public static Command Create()
    {
        Option<int> count = new("--count")
        {
            Description = $"Number of scenes, 1 to {SceneFiles.MaxCount:N0}.",
            DefaultValueFactory = _ => 100,
        };
        Option<int> seed = new("--seed")
        {
            Description = "Seed of the set: the same seed gives the same scenes, another one others.",
            DefaultValueFactory = _ => 1,
        };
        OutputOption output = new("--out")
        {
            Description = "Folder to create, or to replace where it holds scenes alone.",
            Required = true,
            IsFolder = true,
        };
        OutputOption json = Cli.JsonOption();
        var command = new Command(
            "scenes",
            $"Draws landscapes of {Scene.Size}x{Scene.Size} pixels with masks of {Scene.Classes.Count} classes, as "
                + $"'evaluate' and 'run' read them."
        )
        {
            count,
            seed,
            output,
            json,
        };
        command.SetAction(
            (result, cancellation) =>
            {
                int scenes = Cli.Range("--count", result.GetValue(count), 1, SceneFiles.MaxCount);
                int from = Cli.Range("--seed", result.GetValue(seed), 0, int.MaxValue);
                string folder = result.GetValue(output)!;
                Cli.RequireOwn("scenes", folder, OutputFolder.Foreign(folder, SceneFiles.Writes));
                OutputFolder.WriteBytes(
                    folder,
                    SceneFiles
                        .Create(from, scenes)
                        .Select(f =>
                        {
                            cancellation.ThrowIfCancellationRequested();
                            return f;
                        })
                );
                Console.WriteLine(
                    $"{scenes} scenes of seed {from} with masks in {folder}; classes "
                        + $"{string.Join(", ", Scene.Classes.Select((c, i) => $"{i} {c}"))}"
                );
                Cli.WriteJson(result.GetValue(json), new ScenesResult(folder, from, scenes, Scene.Size, Scene.Classes));
                return Task.FromResult(ExitCode.Success);
            }
        );
        return command;
    }
}
