using System.Text.Json;
using AccelGen.Tests.Shared;
using CliWrap.Buffered;
using NUnit.Framework;
using SkiaSharp;

namespace AccelGen.Cli.Tests;

/// <summary>Pixel accuracy against masks, on a network whose class of a pixel is its strongest colour.</summary>
public sealed class SegmentationTests
{
    private const int Size = 8;
    private CommandFolder folder = null!;

    [OneTimeSetUp]
    public void Write()
    {
        folder = new CommandFolder();
        Network("scores.onnx", labels: false);
        Network("labels.onnx", labels: true);
        // Quarters red, green, blue, red; the mask calls the last one green and leaves the first out.
        SKColor[] colours = [SKColors.Red, new(0, 255, 0), SKColors.Blue, SKColors.Red];
        byte[] truth = [255, 1, 2, 1];
        Picture("images/a.png", Size, i => colours[i]);
        // Of another size: each pixel of the network has four of the mask.
        Picture("images/a_mask.png", 2 * Size, i => new SKColor(truth[i], truth[i], truth[i]));
        Picture("alone/a.png", Size, i => colours[i]);
        Picture(
            "masks/a.png",
            Size,
            i => i == 0 ? SKColors.White : new SKColor((byte)(truth[i] + 1), (byte)(truth[i] + 1), (byte)(truth[i] + 1))
        );
        Picture("high/a.png", Size, i => new SKColor(9, 9, 9));
        Picture("colour/a.png", Size, i => new SKColor(1, 2, 3));
        Directory.CreateDirectory(folder.At("none"));
    }

    [OneTimeTearDown]
    public void Remove() => folder.Dispose();

    [TestCase("scores.onnx")]
    [TestCase("labels.onnx")]
    [CancelAfter(240_000)]
    public async Task Pixels_of_the_RTL_and_of_the_float_network_are_compared_with_the_mask(string model)
    {
        JsonElement total = await TotalAsync(model, "--images", "images");
        Assert.That(total.GetProperty("metric").GetString(), Is.EqualTo("pixel accuracy"));
        // The mask is not run as an image; two of the three quarters that count are right.
        Assert.That(total.GetProperty("images").GetInt32(), Is.EqualTo(1));
        Assert.That(total.GetProperty("accuracy").GetDouble(), Is.EqualTo(2.0 / 3).Within(1e-9));
        Assert.That(total.GetProperty("floatAccuracy").GetDouble(), Is.EqualTo(2.0 / 3).Within(1e-9));
    }

    [Test]
    [CancelAfter(240_000)]
    public async Task Masks_come_from_a_folder_and_their_first_class_has_a_grey_value()
    {
        JsonElement total = await TotalAsync("scores.onnx", "--images", "alone", "--masks", "masks", "--mask-first", "1");
        Assert.That(total.GetProperty("accuracy").GetDouble(), Is.EqualTo(2.0 / 3).Within(1e-9));
        JsonElement without = await TotalAsync("scores.onnx", "--images", "alone");
        Assert.That(without.GetProperty("accuracy").ValueKind, Is.EqualTo(JsonValueKind.Null));
    }

    [TestCase(256, 0.943, 0.02)]
    [TestCase(512, 0.929, 0.02, Category = "Deep")]
    [CancelAfter(600_000)]
    public async Task EfficientViT_on_a_street_scene_equals_the_golden_model_and_is_near_the_float_network(
        int size,
        double floatAccuracy,
        double loss
    )
    {
        string model = ThirdPartyModels.Require($"efficientvit_seg_b0/efficientvit_seg_b0_cityscapes_{size}_folded.onnx"),
            images = ThirdPartyModels.Require("images/cityscapes"),
            json = folder.At("street.json");
        BufferedCommandResult result = await RunAsync(
            "run",
            model,
            "--calibrate",
            images,
            "--images",
            images,
            "--config",
            "base",
            "--json",
            json
        );
        Assert.That(result.ExitCode, Is.Zero, result.StandardError);
        JsonElement total = JsonDocument.Parse(await File.ReadAllTextAsync(json)).RootElement.GetProperty("total");
        Assert.That(total.GetProperty("images").GetInt32(), Is.EqualTo(1));
        Assert.That(total.GetProperty("floatAccuracy").GetDouble(), Is.EqualTo(floatAccuracy).Within(0.001));
        Assert.That(total.GetProperty("accuracy").GetDouble(), Is.EqualTo(total.GetProperty("floatAccuracy").GetDouble()).Within(loss));
        Assert.That(total.GetProperty("mismatches").GetInt64(), Is.Zero);
    }

    [TestCase("no such folder of masks", "--masks", "nowhere")]
    [TestCase("holds no mask of the 1 images, such as a.png", "--masks", "none")]
    [TestCase("grey value 9, class 9; the network has the classes 0 to 2", "--masks", "high")]
    [TestCase("colour 1,2,3", "--masks", "colour")]
    [TestCase("--mask-first is 255; legal are 0 to 254", "--mask-first", "255")]
    [CancelAfter(60_000)]
    public async Task A_wrong_mask_is_explained(string says, string option, string value)
    {
        BufferedCommandResult result = await RunAsync(
            "run",
            "scores.onnx",
            "--calibrate",
            "images",
            "--config",
            "tiny",
            "--images",
            "alone",
            option,
            value
        );
        Assert.That(result.ExitCode, Is.EqualTo(2), result.StandardError);
        Assert.That(result.StandardError, Does.Contain(says).And.Not.Contain("   at "));
    }

    // Class scores are the colours themselves.
    private void Network(string name, bool labels)
    {
        var model = new OnnxModelWriter();
        model
            .Input("image", OnnxModelWriter.Float, 1, 3, Size, Size)
            .Initializer("w", [1f, 0, 0, 0, 1, 0, 0, 0, 1], 3, 3, 1, 1)
            .Node("Conv", ["image", "w"], "scores");
        if (labels)
            model.Node("ArgMax", ["scores"], "labels").Int("axis", 1).Int("keepdims", 1);
        File.WriteAllBytes(
            folder.At(name),
            labels
                ? model.Build("labels", OnnxModelWriter.Int64, 1, 1, Size, Size)
                : model.Build("scores", OnnxModelWriter.Float, 1, 3, Size, Size)
        );
    }

    // A picture of four quarters.
    // A picture of four quarters.
    private void Picture(string name, int size, Func<int, SKColor> colour) =>
        folder.Picture(name, size, (x, y) => colour((y / (size / 2) * 2) + (x / (size / 2))));

    private async Task<JsonElement> TotalAsync(string model, params string[] arguments)
    {
        string json = folder.At("run.json");
        BufferedCommandResult result = await RunAsync([
            "run",
            model,
            "--calibrate",
            "images",
            "--config",
            "tiny",
            "--json",
            json,
            .. arguments,
        ]);
        Assert.That(result.ExitCode, Is.Zero, result.StandardError);
        return JsonDocument.Parse(await File.ReadAllTextAsync(json)).RootElement.GetProperty("total");
    }

    private Task<BufferedCommandResult> RunAsync(params string[] arguments) =>
        AccelGenProcess.RunAsync(
            null,
            [
                .. arguments.Select(a =>
                    a is "scores.onnx" or "labels.onnx" or "images" or "alone" or "masks" or "high" or "colour" or "none" or "nowhere"
                        ? folder.At(a)
                        : a
                ),
            ]
        );
}
