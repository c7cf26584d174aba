using AccelGen.Config;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>The cache of models, with programs in the places of Verilator and the compiler that build nothing and look at where they
/// run.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class ModelBuildTests
{
    private const string Verilator = """
        #!/bin/sh
        if [ "$1" = --version ]; then echo "Verilator in name"; exit 0; fi
        if [ "$1" = --getenv ]; then echo "$PWD"; exit 0; fi
        case "$PWD" in *[!A-Za-z0-9/._+,@-]*) echo "make cannot work in $PWD" >&2; exit 1;; esac
        mkdir obj && touch obj/often.cpp obj/rarely.cpp
        printf 'VM_CLASSES_FAST += \\\n\toften \\\n\nVM_SUPPORT_SLOW += \\\n\trarely \\\n\nVM_GLOBAL_FAST += \\\n\truntime \\\n\n' >obj/Vacc_top_classes.mk
        """;

    // Any bytes, to where they are wanted; nothing from an object that is not there or empty.
    private const string Compiler = """
        #!/bin/sh
        out=
        while [ $# -gt 0 ]; do
          case "$1" in -o) out="$2"; shift;; *.o) [ -s "$1" ] || { echo "$1 is no object" >&2; exit 1; };; esac
          shift
        done
        head -c 5000 /dev/urandom >"$out"
        """;

    private static readonly AcceleratorConfig Config = ConfigLoader.Load("tiny");
    private string folder = string.Empty,
        cache = string.Empty;
    private string? path;

    [SetUp]
    public void Make()
    {
        folder = Directory.CreateTempSubdirectory("accelgen-models").FullName;
        cache = Path.Combine(folder, "cache");
        string tools = Directory.CreateDirectory(Path.Combine(folder, "bin")).FullName;
        foreach ((string name, string text) in new[] { ("verilator", Verilator), ("g++", Compiler) })
        {
            string tool = Path.Combine(tools, name);
            File.WriteAllText(tool, text.ReplaceLineEndings("\n") + "\n");
            File.SetUnixFileMode(tool, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        path = Environment.GetEnvironmentVariable("PATH");
        Environment.SetEnvironmentVariable("PATH", $"{tools}:{path}");
    }

    [TearDown]
    public void Remove()
    {
        Environment.SetEnvironmentVariable("PATH", path);
        Directory.Delete(folder, recursive: true);
    }

    [TestCase("a cache")]
    [TestCase("cache$(x)#:%")]
    [TestCase("cäche")]
    [CancelAfter(30_000)]
    public async Task A_cache_may_lie_at_any_path(string name)
    {
        cache = Path.Combine(folder, name);
        BuiltModel built = await BuildAsync();
        Assert.That(built.Library, Does.StartWith(cache + "/"));
        Assert.That((await BuildAsync()).FromCache);
        Assert.That(Names(), Has.Length.EqualTo(1));
    }

    [TestCase("empty")]
    [TestCase("short")]
    [TestCase("changed")]
    [TestCase("without its hash")]
    [TestCase("without its library")]
    [TestCase("a file")]
    [CancelAfter(30_000)]
    public async Task A_damaged_or_half_made_entry_is_built_again(string damage)
    {
        string library = (await BuildAsync()).Library,
            entry = Path.GetDirectoryName(library)!;
        byte[] bytes = await File.ReadAllBytesAsync(library);
        switch (damage)
        {
            case "empty":
                await File.WriteAllBytesAsync(library, []);
                break;
            case "short":
                await File.WriteAllBytesAsync(library, bytes[..^1]);
                break;
            case "changed":
                bytes[bytes.Length / 2] ^= 1;
                await File.WriteAllBytesAsync(library, bytes);
                File.SetLastWriteTimeUtc(library, DateTime.UtcNow.AddSeconds(5));
                break;
            case "without its hash":
                File.Delete(library + ".sha256");
                File.SetLastWriteTimeUtc(library, DateTime.UtcNow.AddSeconds(5));
                break;
            case "without its library":
                File.Delete(library);
                break;
            default:
                Directory.Delete(entry, recursive: true);
                await File.WriteAllTextAsync(entry, "x");
                break;
        }

        BuiltModel again = await BuildAsync();
        Assert.That((again.FromCache, again.Library), Is.EqualTo((false, library)));
        Assert.That((await BuildAsync()).FromCache);
        Assert.That(Names(), Is.EqualTo(new[] { Path.GetFileName(entry) }));
    }

    [Test]
    [CancelAfter(30_000)]
    public async Task Folders_of_builds_that_were_killed_are_removed_by_the_next_and_those_at_work_stay()
    {
        string Folder(string name, TimeSpan age, bool locked)
        {
            string made = Directory.CreateDirectory(Path.Combine(cache, name)).FullName;
            File.WriteAllText(Path.Combine(made, "shim.cpp"), "x");
            if (locked)
                File.WriteAllText(made + ".lock", string.Empty);
            Directory.SetLastWriteTimeUtc(made, DateTime.UtcNow - age);
            return name;
        }

        Folder(".accelgen-build-killed", TimeSpan.Zero, locked: true);
        Folder(".0123456789abcdef.77.older", TimeSpan.FromHours(2), locked: false);
        string[] stay =
        [
            Folder(".accelgen-build-just.done", TimeSpan.Zero, locked: false),
            Folder(".accelgen-build-lives", TimeSpan.FromHours(2), locked: true),
            ".accelgen-build-lives.lock",
        ];
        string entry;
        using (new FileStream(Path.Combine(cache, stay[2]), FileMode.Open, FileAccess.Write, FileShare.None))
            entry = Path.GetFileName(Path.GetDirectoryName((await BuildAsync()).Library)!);
        Assert.That(Names(), Is.EquivalentTo(stay.Append(entry)));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Many_builds_at_once_over_a_damaged_entry_give_one_whole_model()
    {
        string library = (await BuildAsync()).Library;
        await File.WriteAllBytesAsync(library, []);
        await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(BuildAsync)));
        Assert.That((await BuildAsync()).FromCache);
        Assert.That(Names(), Has.Length.EqualTo(1));
    }

    [TestCase("empty")]
    [TestCase("changed")]
    [TestCase("gone")]
    [CancelAfter(30_000)]
    public async Task A_damaged_runtime_is_compiled_again(string damage)
    {
        string library = (await BuildAsync()).Library,
            runtime = Directory.GetFiles(cache, "runtime.o", SearchOption.AllDirectories).Single();
        byte[] whole = await File.ReadAllBytesAsync(runtime);
        File.Delete(library);
        if (damage == "gone")
            File.Delete(runtime);
        else
            await File.WriteAllBytesAsync(runtime, damage == "empty" ? [] : [.. whole.Reverse(), 1]);
        Assert.That((await BuildAsync()).FromCache, Is.False);
        Assert.That(await File.ReadAllBytesAsync(runtime), Has.Length.EqualTo(whole.Length).And.Not.EqualTo(whole));
    }

    private Task<BuiltModel> BuildAsync() => new ModelBuild(cache).BuildAsync(Config);

    // Of models: the runtime that they share is another entry.
    private string[] Names() =>
        [
            .. Directory
                .EnumerateFileSystemEntries(cache)
                .Where(f => !File.Exists(Path.Combine(f, "runtime.o")))
                .Select(f => Path.GetFileName(f)),
        ];
}
