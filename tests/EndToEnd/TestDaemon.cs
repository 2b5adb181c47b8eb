using System.Diagnostics;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using Microsoft.Data.Sqlite;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>The real daemon as a process, on a folder of its own.</summary>
internal sealed class TestDaemon : IAsyncDisposable
{
    private readonly Scratch scratch;
    private readonly bool ownsScratch;
    private Process process;
    private readonly List<string> log = [];

    private readonly string? configuration;

    private string? socket;

    private TestDaemon(Scratch scratch, bool ownsScratch, Process process, string? configuration) =>
        (this.scratch, this.ownsScratch, this.process, this.configuration) = (scratch, ownsScratch, process, configuration);

    public string DataDirectory => scratch["data"];

    public string Socket => socket ?? scratch["run/ca.sock"];

    public string Server => $"unix:{Socket}";

    /// <summary>The daemon's own, also when it runs under another command.</summary>
    public int ProcessId => int.Parse(System.IO.File.ReadAllText(File("certauthority.pid")));

    public string File(string name) => Path.Combine(DataDirectory, name);

    /// <summary>What it wrote to stderr so far.</summary>
    public string Log
    {
        get
        {
            lock (log)
                return string.Join('\n', log);
        }
    }

    /// <summary>The administrator: whoever runs the tests, and so the daemon.</summary>
    public Person Administrator => new(null, scratch["admin"], Server);

    public Person Person(uint uid) => new(uid, HomeOf(uid), Server);

    /// <summary>A user who is whoever runs the tests.</summary>
    public Person Myself => new(null, scratch["me"], Server);

    public Scratch Scratch => scratch;

    /// <summary>The protocol without a command line around it, for tests that call often.</summary>
    public CaClient Connect() => new(ServerAddress.TryParse(Server)!, _ => true);

    /// <summary>The revocation list in place.</summary>
    public Krl RevocationList() => Krl.Parse(System.IO.File.ReadAllBytes(File("revoked.krl")));

    /// <summary>A key to certify, whose private half nobody needs. The daemon certifies none of its own.</summary>
    public static readonly string AnyKey = new Ed25519PublicKey(Enumerable.Repeat((byte)7, 32).ToArray()).ToLine("any key");

    /// <summary>The public half of a key in the data directory.</summary>
    public PublicKey PublicKey(string name) => OpenSsh.PublicKey.ParseLine(System.IO.File.ReadAllText(File($"{name}.pub")));

    /// <param name="scratch">An old folder, to start again on it.</param>
    /// <param name="around">A command to run it under, such as strace.</param>
    /// <param name="arguments">More of the daemon's own.</param>
    /// <param name="configuration">What is in its configuration file; null for none.</param>
    /// <param name="flags">Whether flags say where it keeps its things and serves; else a configuration in the arguments does.</param>
    /// <param name="socket">Where the arguments have it serve, if elsewhere than usual.</param>
    public static async Task<TestDaemon> Start(Scratch? scratch = null, string[]? around = null, string[]? arguments = null, string? configuration = null, bool flags = true, string? socket = null)
    {
        var folder = scratch ?? new Scratch();
        var file = configuration is null ? null : folder.Write("certauthority.yaml", configuration);
        arguments = [.. Configured(file), .. arguments ?? []];
        var daemon = new TestDaemon(folder, scratch is null, Launch(folder, around, arguments, flags), file) { socket = socket };
        await daemon.WaitUntilReady();
        return daemon;
    }

    /// <summary>Starts one beside another that leads; <see cref="Served"/> completes when it serves.</summary>
    public static TestDaemon Follows(Scratch scratch, string configuration, string[]? around = null)
    {
        var file = scratch.Write("certauthority.yaml", configuration);
        var daemon = new TestDaemon(scratch, false, Launch(scratch, around, Configured(file)), file);
        daemon.Served = daemon.WaitUntilReady();
        return daemon;
    }

    /// <summary>Completes when a daemon that follows serves.</summary>
    public Task Served { get; private set; } = Task.CompletedTask;

    /// <summary>Returns when a daemon that followed serves again, as the one that leads.</summary>
    public async Task Leads() =>
        Assert.Equal($"ready: {Server}", await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60)));

    /// <summary>A configuration for tests in which one person logs in more often than anybody would.</summary>
    public const string ManyLogins = "limits: {logins_per_minute: 1000, live_certificates: 10000, requests_per_minute: 1000, requests_per_day: 10000}\n";

    /// <summary>Runs the daemon where it is expected to refuse.</summary>
    public static async Task<Outcome> Refuses(Scratch scratch, params string[] arguments)
    {
        using var process = Launch(scratch, null, arguments);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(20));
        return new Outcome(process.ExitCode, await output, await error);
    }

    /// <summary>Asks it to stop.</summary>
    public async Task<int> Stop(string signal = "TERM")
    {
        await Signal(signal);
        return await Ended();
    }

    /// <summary>Kills its process, whatever it has written down.</summary>
    public async Task Kill()
    {
        process.Kill();
        await process.WaitForExitAsync();
    }

    /// <param name="signal">The name of a signal.</param>
    public async Task Signal(string signal)
    {
        using var kill = Process.Start("kill", ["-s", signal, ProcessId.ToString()]);
        await kill.WaitForExitAsync();
    }

    /// <summary>Whether its process has ended, in whatever way.</summary>
    public bool HasEnded => process.HasExited;

    public async Task<int> Ended()
    {
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(15));
        return process.ExitCode;
    }

    /// <summary>Starts it again on the same folder and configuration.</summary>
    /// <param name="arguments">More of the daemon's own.</param>
    public Task Restart(params string[] arguments) => Restart(around: null, arguments);

    /// <summary>The same, under another command.</summary>
    public async Task Restart(string[]? around, params string[] arguments)
    {
        process.Dispose();
        process = Launch(scratch, around, [.. Configured(configuration), .. arguments]);
        await WaitUntilReady();
    }

    /// <summary>Starts it again, to die soon, whether it is ready by then or not.</summary>
    public async Task RestartToDie(string[] around)
    {
        process.Dispose();
        process = Launch(scratch, around, Configured(configuration));
        var said = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await Ended();
        await said;
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
        }
        process.Dispose();
        var fault = FaultOfAudit();
        if (ownsScratch)
            scratch.Dispose();
        Assert.True(fault is null, fault);
    }

    /// <summary>The entries of the audit as they are stored.</summary>
    public List<(long Seq, byte[] Json)> StoredAudit()
    {
        // A database that is one file stays one: looking at it in the usual way would make further files.
        var isOneFile = !System.IO.File.Exists(File("certauthority.db-wal"));
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = isOneFile ? $"file:{File("certauthority.db")}?immutable=1" : File("certauthority.db"),
            Mode = SqliteOpenMode.ReadOnly,
            Pooling = false,
        }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT id, entry FROM audit ORDER BY id";
        using var rows = command.ExecuteReader();
        var entries = new List<(long, byte[])>();
        while (rows.Read())
            entries.Add((rows.GetInt64(0), rows.GetFieldValue<byte[]>(1)));
        return entries;
    }

    /// <summary>Whatever a test did, each entry has the members that the table of events says. A database that a test spoilt is not read.</summary>
    private string? FaultOfAudit()
    {
        try
        {
            return System.IO.File.Exists(File("certauthority.db")) ? StoredAudit().Select(entry => AuditFields.Fault(entry.Json)).FirstOrDefault(fault => fault is not null) : null;
        }
        catch (Exception e) when (e is SqliteException or System.Text.Json.JsonException)
        {
            return null;
        }
    }

    // tsh makes its home itself, but cannot write into a folder of root's.
    private string HomeOf(uint uid)
    {
        var home = scratch[$"home-{uid}"];
        if (!Directory.Exists(home))
        {
            Directory.CreateDirectory(home);
            Process.Start("chown", [$"{uid}:{uid}", home]).WaitForExit();
        }
        return Path.Combine(home, ".certauthority");
    }

    private static string[] Configured(string? file) => file is null ? [] : ["--config", file];

    private static Process Launch(Scratch scratch, string[]? around, string[]? arguments, bool flags = true)
    {
        string[] words =
        [
            .. around ?? [], Path.Combine(World.Programs, "certauthority"), .. arguments ?? [],
            // Without flags the default configuration is what a test is about.
            .. !flags || arguments?.Any(word => word.StartsWith("--config", StringComparison.Ordinal)) == true ? (string[])[] : ["--config=none"],
            .. !flags || arguments?.Contains("--data-dir") == true ? (string[])[] : ["--data-dir", scratch["data"]],
            .. !flags || arguments?.Contains("--socket") == true ? (string[])[] : ["--socket", scratch["run/ca.sock"]],
        ];
        return Process.Start(new ProcessStartInfo(words[0], words[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
    }

    private async Task WaitUntilReady()
    {
        process.ErrorDataReceived += (_, line) =>
        {
            lock (log)
                log.Add(line.Data ?? "");
        };
        process.BeginErrorReadLine();
        var ready = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.True(ready == $"ready: {Server}", $"the daemon said \"{ready}\" and logged:\n{Log}");
    }
}
