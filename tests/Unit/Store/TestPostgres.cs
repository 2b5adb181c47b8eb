using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>
/// A PostgreSQL server of its own, on a socket in a temporary folder in memory. It ends with the process that started it.
/// </summary>
internal sealed class TestPostgres : IDisposable
{
    private static readonly string Programs =
        Directory.GetDirectories("/usr/lib/postgresql").Select(version => $"{version}/bin").Order(StringComparer.Ordinal).Last();

    private readonly Process process;

    private TestPostgres(string folder, Process process) => (Folder, this.process) = (folder, process);

    /// <summary>The folder with its socket.</summary>
    public string Folder { get; }

    // A server does not run as root.
    private static readonly string[] Account =
        Environment.IsPrivilegedProcess ? ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"] : [];

    /// <param name="disk">The size of the disk that it has to itself, such as <c>500m</c>; null for no such disk.</param>
    public static TestPostgres Start(string? disk = null)
    {
        var folder = NewFolder(disk);
        Run([.. Account, $"{Programs}/initdb", "-D", $"{folder}/data", "-A", "trust", "-U", "certauthority", "-E", "UTF8", "--locale=C", "--no-sync"]);
        return Launch(folder);
    }

    /// <summary>Starts a standby of this server.</summary>
    /// <param name="name">Its name for synchronous_standby_names.</param>
    /// <param name="disk">The size of the disk that it has to itself; null for no such disk.</param>
    public TestPostgres StartStandby(string name, string? disk = null)
    {
        var folder = NewFolder(disk);
        Run([.. Account, $"{Programs}/pg_basebackup", "-D", $"{folder}/data", "-R", "-X", "stream", "-c", "fast", "--no-sync", "-d", $"host={Folder} user=certauthority application_name={name}"]);
        var standby = Launch(folder);
        Until(() => Run($"SELECT count(*) FROM pg_stat_replication WHERE application_name = '{name}' AND state = 'streaming'") is 1L);
        return standby;
    }

    /// <summary>Keeps the log of this server in its folder, and takes a base backup.</summary>
    /// <returns>The folder of a server that restores the backup when it starts.</returns>
    public string Archive()
    {
        var folder = NewFolder(disk: null);
        Run("ALTER SYSTEM SET archive_mode = on");
        Run($"ALTER SYSTEM SET archive_command = 'cp %p {folder}/%f'");
        Crash();
        Resume();
        Run([.. Account, $"{Programs}/pg_basebackup", "-D", $"{folder}/data", "-X", "none", "-c", "fast", "--no-sync", "-d", $"host={Folder} user=certauthority"]);
        return folder;
    }

    /// <summary>Starts a server from a base backup, and plays the archived log until a restore point.</summary>
    public static TestPostgres Restore(string folder, string point)
    {
        File.WriteAllText($"{folder}/data/recovery.signal", "");
        File.AppendAllText($"{folder}/data/postgresql.auto.conf", $"archive_mode = off\nrestore_command = 'cp {folder}/%f %p'\nrecovery_target_name = '{point}'\nrecovery_target_action = promote\n");
        var server = Launch(folder);
        Until(() => server.Run("SELECT pg_is_in_recovery()") is false);
        return server;
    }

    /// <summary>Copies the schema of a path to a new database of this server, as a dump of now does.</summary>
    public Action Dump(string path, string database)
    {
        var file = $"{Folder}/dump";
        Run([.. Account, $"{Programs}/pg_dump", "-Fc", "-n", Schema(path), "-f", file, "-d", $"host={Folder} user=certauthority dbname=postgres"]);
        return () =>
        {
            Run([.. Account, $"{Programs}/createdb", "-h", Folder, "-U", "certauthority", "-T", "template0", "-E", "UTF8", "-l", "C", database]);
            Run([.. Account, $"{Programs}/pg_restore", "-d", $"host={Folder} user=certauthority dbname={database}", file]);
        };
    }

    private static string NewFolder(string? disk)
    {
        var parent = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
        var folder = Path.Combine(parent, $"certauthority-postgres-{Path.GetRandomFileName()}");
        Directory.CreateDirectory(folder);
        if (disk is not null)
            Run(["mount", "-t", "tmpfs", "-o", $"size={disk}", "tmpfs", folder]);
        if (Account.Length > 0)
            Run(["chown", "nobody:nogroup", folder]);
        return folder;
    }

    private static TestPostgres Launch(string folder)
    {
        // The server stops when this process ends, in whatever way, because its standard input ends too.
        var start = new ProcessStartInfo("sh")
        {
            ArgumentList =
            {
                "-c",
                """
                folder=$1; shift; id=
                start() { "$@" </dev/null >>"$folder/log" 2>&1 & id=$!; }
                stop() { kill -QUIT $id; wait $id; }
                start "$@"
                while read -r word; do case $word in stop) stop;; start) start "$@";; esac; done
                stop; umount "$folder" 2>/dev/null; rm -rf "$folder"
                """,
                "sh", folder,
            },
            RedirectStandardInput = true,
            UseShellExecute = false,
            WorkingDirectory = "/",
        };
        foreach (var word in (string[])[
            .. Account, $"{Programs}/postgres", "-D", $"{folder}/data", "-k", folder, "-c", "listen_addresses=", "-c", "max_connections=500",
            "-c", "log_min_messages=fatal", "-c", "max_locks_per_transaction=256",
            // A standby looks for its server again at once, and the write-ahead log takes little of a small disk.
            "-c", "wal_retrieve_retry_interval=100ms", "-c", "min_wal_size=32MB", "-c", "max_wal_size=128MB"])
            start.ArgumentList.Add(word);
        var server = new TestPostgres(folder, Process.Start(start)!);
        Until(server.IsReady);
        return server;
    }

    /// <summary>The options to reach it, with a schema of one's own.</summary>
    public Dictionary<string, string> Options(string schema) => new(StringComparer.Ordinal)
    {
        ["Host"] = Folder,
        ["Database"] = "postgres",
        ["Username"] = "certauthority",
        ["Search Path"] = schema,
    };

    /// <summary>Makes the schema that belongs to a path, if it does not exist.</summary>
    public void Create(string path)
    {
        using var connection = Connection(path);
        connection.Open();
        using var command = new NpgsqlCommand($"CREATE SCHEMA IF NOT EXISTS {Schema(path)}", connection);
        command.ExecuteNonQuery();
    }

    /// <summary>A connection to the database that belongs to a path; it is not open.</summary>
    public NpgsqlConnection Connection(string path)
    {
        var settings = new NpgsqlConnectionStringBuilder { Pooling = false };
        foreach (var (option, value) in Options(Schema(path)))
            settings[option] = value;
        return new NpgsqlConnection(settings.ToString());
    }

    /// <summary>Runs a statement, and returns what it answers first.</summary>
    public object Run(string sql)
    {
        using var connection = Connection("");
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar()!;
    }

    /// <summary>Stops the server as a crash does, until <see cref="Resume"/>.</summary>
    public void Crash()
    {
        process.StandardInput.WriteLine("stop");
        Until(() => !IsReady());
    }

    /// <summary>Kills all processes of the server by SIGKILL, which it does not notice, until <see cref="Resume"/>.</summary>
    public void Kill()
    {
        // Stopped first, so that it starts no further ones.
        Signal("STOP");
        Signal("KILL");
        process.StandardInput.WriteLine("stop");
        Until(() => !IsReady());
    }

    /// <summary>Sends a signal to all processes of the server, the one that starts the others first.</summary>
    public void Signal(string signal)
    {
        var first = File.ReadLines($"{Folder}/data/postmaster.pid").First();
        var others = File.ReadAllText($"/proc/{first}/task/{first}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        // One may have ended by itself.
        using var kill = Process.Start("/bin/sh", ["-c", $"kill -s {signal} {first} {string.Join(' ', others)} 2>/dev/null"]);
        kill.WaitForExit();
    }

    /// <summary>Starts the server again.</summary>
    public void Resume()
    {
        process.StandardInput.WriteLine("start");
        Until(IsReady);
    }

    public void Dispose()
    {
        process.StandardInput.Close();
        process.WaitForExit();
        process.Dispose();
    }

    public static string Schema(string path) =>
        $"t{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(path)).AsSpan(0, 10))}";

    /// <summary>Whether it takes connections.</summary>
    public bool IsReady()
    {
        try
        {
            using var connection = Connection("");
            connection.Open();
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private static void Until(Func<bool> what)
    {
        for (var begun = Stopwatch.GetTimestamp(); !what(); Thread.Sleep(20))
            if (Stopwatch.GetElapsedTime(begun) > TimeSpan.FromSeconds(30))
                throw new TimeoutException("the server neither started nor stopped");
    }

    private static void Run(string[] words)
    {
        using var process = Process.Start(new ProcessStartInfo(words[0], words[1..]) { WorkingDirectory = "/", UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{string.Join(' ', words)}: {error}{output.Result}");
    }
}
