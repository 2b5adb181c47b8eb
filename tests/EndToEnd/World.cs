using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>What this machine offers to the tests. What is missing skips at a desk and fails in CI.</summary>
internal static class World
{
    public static readonly string Repository = Path.GetFullPath(Path.Combine(ThisFile(), "..", "..", ".."));

    public static readonly string Programs = Path.Combine(Repository, "artifacts", "bin");

    public static readonly string Sshd = "/usr/sbin/sshd";

    public static bool IsRoot => Environment.IsPrivilegedProcess;

    /// <summary>Whether alice, bob, deploy and postgres have accounts here (tests/world makes them).</summary>
    public static bool HasPeople => IsRoot && Environment.GetEnvironmentVariable("CERTAUTHORITY_WORLD") == "inside";

    /// <summary>Whoever runs the tests, as <c>unix_users</c> names him.</summary>
    public static string Account => IsRoot ? "0" : Environment.UserName;

    public static bool HasSshd => File.Exists(Sshd);

    private static bool InCi => Environment.GetEnvironmentVariable("CI") == "true";

    /// <summary>The reason to skip, or null where the test runs: always in CI, which must have everything.</summary>
    public static string? Unless(bool present, string missing) => present || InCi ? null : missing;

    private static string ThisFile([CallerFilePath] string path = "") => path;
}

/// <summary>A test with several people in it, each an account of its own.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PeopleFactAttribute : FactAttribute
{
    public PeopleFactAttribute() => Skip = World.Unless(World.HasPeople, "needs root and the accounts of tests/world; run ./test as root");
}

/// <summary>Rows of a test with several people in it.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PeopleTheoryAttribute : TheoryAttribute
{
    public PeopleTheoryAttribute() => Skip = World.Unless(World.HasPeople, "needs root and the accounts of tests/world; run ./test as root");
}

/// <summary>A test that traces system calls of the daemon.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class StraceFactAttribute : FactAttribute
{
    public StraceFactAttribute() => Skip = World.Unless(File.Exists("/usr/bin/strace"), "needs strace");
}

/// <summary>A test that needs a program which is not everywhere.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ProgramFactAttribute : FactAttribute
{
    public ProgramFactAttribute(string program) => Skip = World.Unless(File.Exists($"/usr/bin/{program}") || File.Exists($"/bin/{program}"), $"needs {program}; ./test as root installs it");
}

/// <summary>Rows of a test that needs a program which is not everywhere.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ProgramTheoryAttribute : TheoryAttribute
{
    public ProgramTheoryAttribute(string program) => Skip = new ProgramFactAttribute(program).Skip;
}

/// <summary>A folder that other accounts can enter, gone at the end.</summary>
internal sealed class Scratch : IDisposable
{
    public Scratch()
    {
        Path = Directory.CreateTempSubdirectory("certauthority-").FullName;
        File.SetUnixFileMode(Path, (UnixFileMode)0b111_101_101);
    }

    public string Path { get; }

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public string Write(string name, string text)
    {
        File.WriteAllText(this[name], text);
        return this[name];
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>Waiting for what must come about, and for no longer.</summary>
internal static class Eventually
{
    public static Task Holds(Func<bool> what, [CallerArgumentExpression(nameof(what))] string said = "") => Holds(() => Task.FromResult(what()), said);

    public static async Task Holds(Func<Task<bool>> what, string said)
    {
        // Slower as time passes: what is looked at may be what a whole program says.
        for (var clock = Stopwatch.StartNew(); !await what(); await Task.Delay(5 + Math.Min(200, (int)clock.ElapsedMilliseconds / 20)))
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(120), $"it never came about: {said}");
    }
}

/// <summary>Processes of this machine, told apart by the file that they run, or by where.</summary>
internal static class Processes
{
    public static int Running(string program) => Count("exe", target => target == program);

    /// <summary>Those that work in a folder, also when it is gone.</summary>
    public static int Below(string folder) => Count("cwd", target => target?.StartsWith(folder, StringComparison.Ordinal) == true);

    private static int Count(string link, Func<string?, bool> which) => Directory.EnumerateDirectories("/proc").Count(process =>
    {
        try
        {
            return which(new FileInfo(Path.Combine(process, link)).LinkTarget);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    });
}

/// <summary>What a finished process left.</summary>
internal sealed record Outcome(int ExitCode, string Output, string Error)
{
    /// <summary>Its standard output, for when it must have gone well.</summary>
    public string Done()
    {
        Assert.True(ExitCode == 0, $"exit {ExitCode}\nstdout: {Output}\nstderr: {Error}");
        return Output;
    }
}

/// <summary>An account of this machine and what it types.</summary>
/// <param name="Uid">Its uid; null for the one that runs the tests.</param>
/// <param name="Home">TSH_HOME.</param>
/// <param name="Server">The value of CERTAUTHORITY_SERVER.</param>
internal sealed record Person(uint? Uid, string Home, string Server)
{
    /// <summary>More of its environment.</summary>
    public (string Name, string Value)[] Environment { get; init; } = [];

    /// <summary>A command under which everything runs.</summary>
    public string[] Around { get; init; } = [];

    /// <summary>How long a command may take.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(2);

    public const uint Alice = 5001;
    public const uint Bob = 5002;
    public const uint Carol = 5005;

    public Task<Outcome> Types(params string[] command) => Types(command, input: null);

    public async Task<Outcome> Types(string[] command, string? input, CancellationToken stop = default)
    {
        using var process = Start(command);
        if (input is not null)
            await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(stop);
        var error = process.StandardError.ReadToEndAsync(stop);
        await process.WaitForExitAsync(stop).WaitAsync(Patience, stop);
        return new Outcome(process.ExitCode, await output, await error);
    }

    /// <summary>Starts it without waiting; its standard streams are the caller's.</summary>
    public Process Start(params string[] command)
    {
        if (File.Exists(Path.Combine(World.Programs, command[0])))
            command = [Path.Combine(World.Programs, command[0]), .. command[1..]];
        string[] words = Uid is { } uid ? ["setpriv", $"--reuid={uid}", $"--regid={uid}", "--clear-groups", "--", .. command] : command;
        words = [.. Around, .. words];
        var start = new ProcessStartInfo(words[0], words[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = "/",
        };
        start.Environment["PATH"] = $"{World.Programs}:{System.Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["CERTAUTHORITY_SERVER"] = Server;
        start.Environment["TSH_HOME"] = Home;
        start.Environment.Remove("SSH_AUTH_SOCK");
        foreach (var (name, value) in Environment)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }
}
