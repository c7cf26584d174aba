using AccelGen.Bench;

// accelgen-bench all OUT.md OUT.json : everything, as scripts/bench.sh calls it
// accelgen-bench drive PRESET ROUNDS : one throughput run in this process, for a pinned child
// accelgen-bench dump PRESET FILE    : the same run as a file for bench_main
// accelgen-bench golden SET ROUNDS   : the golden model beside ONNX Runtime, layer by layer, for a pinned child
return args switch
{
    ["all", var markdown, var json] => await Suite.RunAsync(markdown, json).ConfigureAwait(false),
    ["drive", var preset, var rounds] => await Throughput
        .DriveAsync(preset, int.Parse(rounds, System.Globalization.CultureInfo.InvariantCulture))
        .ConfigureAwait(false),
    ["golden", var set, var rounds] => GoldenSpeed.Measure(set, int.Parse(rounds, System.Globalization.CultureInfo.InvariantCulture)),
    ["dump", var preset, var file] => Throughput.Dump(preset, file),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: accelgen-bench all OUT.md OUT.json | drive PRESET ROUNDS | dump PRESET FILE | golden SET ROUNDS");
    return 2;
}
