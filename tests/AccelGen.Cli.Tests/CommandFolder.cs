using System.Text.Json;
using AccelGen.Tests.Shared;
using NUnit.Framework;
using SkiaSharp;

namespace AccelGen.Cli.Tests;

/// <summary>A folder of a test's files, and commands that run on them in this process.</summary>
internal sealed class CommandFolder : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("accelgen-command").FullName;

    /// <summary>Path of the folder.</summary>
    public string Root => folder;

    /// <summary>Path of a file in the folder.</summary>
    public string At(string name) => Path.Combine(folder, name);

    /// <summary>Draws a square image.</summary>
    /// <param name="name">File in the folder; its own folder is made.</param>
    /// <param name="size">Rows and columns.</param>
    /// <param name="colour">Colour by column and row.</param>
    public void Picture(string name, int size, Func<int, int, SKColor> colour)
    {
        using var bitmap = new SKBitmap(size, size);
        for (int i = 0; i < size * size; i++)
            bitmap.SetPixel(i % size, i / size, colour(i % size, i / size));
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.WriteAllBytes(At(name), data.ToArray());
    }

    /// <summary>Writes a small residual network (net.onnx), two images for it, their labels and a trace of budgets.</summary>
    /// <param name="labels">File of the labels.</param>
    public void Residual(string labels)
    {
        RandomNetwork network = RandomNetworks.Residual(5);
        File.WriteAllBytes(At("net.onnx"), network.Model);
        for (int i = 0; i < 2; i++)
        {
            var colour = new SKColor((byte)(i * 90), 40, 200);
            Picture($"images/{i}.png", network.Size, (x, y) => x + y == 0 ? SKColors.White : colour);
        }

        File.WriteAllText(At(labels), "0.png,1\n1.png,2\n");
        File.WriteAllText(At("budgets.csv"), "budget,interval\n1000\n100000,2\n");
    }

    /// <summary>Draws three images and their masks of four classes.</summary>
    public void MaskedPictures(int size, Random random)
    {
        for (int i = 0; i < 3; i++)
        {
            Picture($"images/{i}.png", size, (x, y) => new SKColor((byte)random.Next(256), (byte)(x * 30), (byte)(y * 30)));
            Picture($"images/{i}_mask.png", size, (_, _) => (byte)random.Next(4) is var k ? new SKColor(k, k, k) : default);
        }
    }

    /// <summary>What a command that succeeds writes as JSON.</summary>
    public async Task<JsonElement> JsonAsync(params string[] arguments)
    {
        string json = At("out.json");
        InProcess.Result result = await InProcess.RunAsync([.. arguments, "--json", json]);
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        using JsonDocument document = JsonDocument.Parse(await File.ReadAllTextAsync(json));
        return document.RootElement.Clone();
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(folder, recursive: true);
}
