using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using CertAuthority.OpenSsh;
using CertAuthority.Tests.Unit.Store;
using Xunit.Sdk;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>A daemon whose database moves from its file to a server, with sshd as the judge.</summary>
public sealed class MoveToPostgresTests(PostgresServer one) : IClassFixture<PostgresServer>, IDisposable
{
    private readonly Scratch scratch = new();

    public void Dispose() => scratch.Dispose();

    [PeopleFact]
    public async Task Grants_denials_and_revocations_go_on_after_the_move()
    {
        await using var daemon = await TestDaemon.Start(scratch, configuration: TestDaemon.ManyLogins);
        await DaemonTests.Setup(daemon);
        foreach (var name in (string[])["alice", "bob"])
            (await daemon.Administrator.Types("tctl", "users", "add", name, "--roles=staff", $"--unix-user={name}")).Done();
        (await daemon.Administrator.Types(["tctl", "create"], "{kind: node, version: v2, metadata: {name: db1, labels: {env: prod}}, spec: {addr: 'db1.example.com:22'}}")).Done();
        var (alice, bob) = (daemon.Person(Person.Alice), daemon.Person(Person.Bob));
        var approved = await FileRequest(alice);
        (await daemon.Administrator.Types("tctl", "requests", "approve", approved)).Done();
        (await alice.Types("tsh", "login", $"--request-id={approved}")).Done();
        var denied = await FileRequest(alice);
        (await daemon.Administrator.Types("tctl", "requests", "deny", denied)).Done();
        (await bob.Types("tsh", "login")).Done();
        var revoked = Serial(bob);
        File.Copy(Path.Combine(bob.Home, "id-cert.pub"), scratch["revoked.pub"]);
        (await daemon.Administrator.Types("tctl", "certs", "revoke", $"{revoked}")).Done();
        var pending = await FileRequest(bob);
        var host = await TestHost.Create(daemon, "db1");
        Assert.True(await host.LetsIn(alice, "postgres"), host.Log);
        var before = daemon.RevocationList();
        await daemon.Stop();

        scratch.Write("certauthority.yaml", OnServer());
        var empty = await TestDaemon.Refuses(scratch, "--config", scratch["certauthority.yaml"]);
        Assert.Equal(1, empty.ExitCode);
        Assert.Matches($"(?m)^certauthority: error: postgres:.* is empty, and {daemon.File("certauthority.db")} has the records of a daemon; move them to the server, or take the file away to start anew$", empty.Error);

        var moved = (await Move(daemon)).Done();
        Assert.Matches($"^moved {daemon.File("certauthority.db")} to postgres:.*: [0-9]+ rows of [0-9]+ tables, each compared\nusers 3, roles 2, nodes 1, locks 0, requests 3, certificates [0-9]+, audit [0-9]+\nnext: start the daemon; .*\n$", moved);
        await daemon.Restart();

        Assert.DoesNotContain("restored", daemon.Log, StringComparison.Ordinal);
        Assert.True(await host.LetsIn(alice, "postgres"), host.Log);
        Assert.False(await host.LetsIn(bob, "deploy", scratch["revoked.pub"]));
        (await daemon.Administrator.Types("tctl", "requests", "approve", pending)).Done();
        (await bob.Types("tsh", "login", $"--request-id={pending}")).Done();
        Assert.True(await host.LetsIn(bob, "postgres"), host.Log);
        Assert.True(Serial(bob) > Math.Max(revoked, Serial(alice)));
        Assert.True(daemon.RevocationList().Version > before.Version);
        Assert.True(daemon.RevocationList().IsRevoked(daemon.PublicKey("user_ca"), revoked));
        Assert.False(daemon.RevocationList().IsRevoked(daemon.PublicKey("user_ca"), Serial(alice)));
        (await alice.Types("tsh", "status")).Done();
        Assert.Contains(denied, (await daemon.Administrator.Types("tctl", "requests", "ls", "--state=denied")).Done(), StringComparison.Ordinal);
        Assert.Contains("db1", (await daemon.Administrator.Types("tctl", "nodes", "ls")).Done(), StringComparison.Ordinal);
        var verified = await daemon.Administrator.Types("tctl", "audit", "verify");
        verified.Done();
        Assert.Empty(verified.Error);
        var audit = (await daemon.Administrator.Types("tctl", "audit", "ls", "--limit=1000")).Done();
        Assert.DoesNotContain("daemon.restored", audit, StringComparison.Ordinal);
        Assert.DoesNotContain("audit.proof_failed", audit, StringComparison.Ordinal);
        Assert.Contains("postgres:", audit, StringComparison.Ordinal);

        // The next start is an ordinary one, and the file is refused for good.
        await daemon.Stop();
        scratch.Write("certauthority.yaml", TestDaemon.ManyLogins);
        var left = await TestDaemon.Refuses(scratch, "--config", scratch["certauthority.yaml"]);
        Assert.Equal((1, ""), (left.ExitCode, left.Output));
        Assert.Matches($"^certauthority: error: {daemon.File("certauthority.db")} was moved to postgres:.* on .*, and its records go on there; let database name that server\n$", left.Error);
        scratch.Write("certauthority.yaml", OnServer());
        var again = await Move(daemon);
        Assert.Equal(1, again.ExitCode);
        Assert.Matches("(?m)^certauthority: error: .* was moved to postgres:.*, and its records go on there", again.Error);
        await daemon.Restart();
        Assert.True(await host.LetsIn(bob, "postgres"), host.Log);
        Assert.True(await host.LetsIn(alice, "postgres"), host.Log);
    }

    /// <summary>It dies before the server or the disk gets the next of what it writes; the last ones are those that decide.</summary>
    [Fact]
    public async Task Killed_move_leaves_exactly_one_database_in_use()
    {
        await using var daemon = await TestDaemon.Start(scratch, configuration: TestDaemon.ManyLogins);
        await DaemonTests.Setup(daemon);
        (await daemon.Myself.Types("tsh", "login")).Done();
        await daemon.Stop();
        await Run("cp", "-a", daemon.DataDirectory, scratch["before"]);
        var writes = await Writes(daemon);
        Assert.True(writes > 50, $"{writes} writes");
        var kept = new List<bool>();
        // The number differs by a few from one run to the next.
        foreach (var at in (int[])[writes / 10, writes / 2, .. Enumerable.Range(0, 10).Select(n => writes - 33 + (3 * n))])
        {
            await Run("rm", "-rf", daemon.DataDirectory);
            await Run("cp", "-a", scratch["before"], daemon.DataDirectory);
            scratch.Write("certauthority.yaml", OnServer($"{at}"));
            var killed = await Move(daemon, ["strace", "-f", "-qq", "-o", "/dev/null", "-e", $"trace={Counted}", "-e", $"inject={Counted}:signal=KILL:when={at}"]);
            Assert.True(killed.ExitCode != 0 || at > writes - 9, $"it was not killed at write {at} of {writes}");

            var onServer = await Serves(daemon);
            scratch.Write("certauthority.yaml", TestDaemon.ManyLogins);
            var onFile = await Serves(daemon);
            Assert.True(onServer != onFile, $"killed at write {at} of {writes}: the server serves {onServer}, the file {onFile}: {killed.Error}");
            kept.Add(onFile);
            scratch.Write("certauthority.yaml", OnServer($"{at}"));
            if (onFile)
                (await Move(daemon)).Done();
            await daemon.Restart();
            Assert.DoesNotContain("restored", daemon.Log, StringComparison.Ordinal);
            Assert.Contains("VALID", (await daemon.Administrator.Types("tctl", "certs", "ls")).Done(), StringComparison.Ordinal);
            await daemon.Stop();
        }
        // Once the copy counts, it goes on counting.
        Assert.True(kept[0]);
        Assert.False(kept[^1]);
        Assert.Equal(kept.OrderDescending(), kept);
    }

    [Fact]
    public async Task Running_daemon_is_named_and_nothing_is_moved()
    {
        await using var daemon = await TestDaemon.Start(scratch, configuration: TestDaemon.ManyLogins);
        await DaemonTests.Setup(daemon);
        scratch.Write("certauthority.yaml", OnServer());
        var refused = await Move(daemon);
        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.Matches($"^certauthority: error: {daemon.DataDirectory} is in use by the certauthority with process id {daemon.ProcessId}; stop it, .*\n$", refused.Error);
        (await daemon.Administrator.Types("tctl", "users", "add", "late", "--roles=staff")).Done();
    }

    [Fact]
    public async Task Faults_are_one_line_each_and_move_nothing()
    {
        await using var daemon = await TestDaemon.Start(scratch, configuration: TestDaemon.ManyLogins);
        await DaemonTests.Setup(daemon);
        await daemon.Stop();
        await Refused(daemon, "the configuration names no server to move .*certauthority.db to; .*");

        scratch.Write("certauthority.yaml", OnServer());
        await Refused(daemon, "there is no database /nowhere/certauthority.db; name the file of the daemon", "--from=/nowhere/certauthority.db");
        scratch.Write("certauthority.yaml", OnServer(folder: scratch["nobody"]));
        await Refused(daemon, ".*certauthority.db cannot be moved to postgres:.*/nobody/postgres: .*; nothing was moved, and the file is in use as before");

        // A copy of before: what was granted or revoked since is on the list beside it.
        File.Copy(daemon.File("certauthority.db"), scratch["older.db"]);
        scratch.Write("certauthority.yaml", TestDaemon.ManyLogins);
        await daemon.Restart();
        (await daemon.Myself.Types("tsh", "login")).Done();
        (await daemon.Administrator.Types("tctl", "certs", "revoke", "--user=me")).Done();
        await daemon.Stop();
        Directory.CreateDirectory(scratch["older"], (UnixFileMode)0b111_000_000);
        File.Move(scratch["older.db"], scratch["older/records.db"]);
        scratch.Write("certauthority.yaml", OnServer());
        await Refused(daemon, ".*records.db is a copy older than the revocation list beside it; start the daemon on it first, .*", $"--from={scratch["older/records.db"]}");

        // Somebody changed an entry: its tree says so.
        File.Copy(daemon.File("certauthority.db"), scratch["older/changed.db"]);
        Edit(scratch["older/changed.db"], "UPDATE audit SET entry = CAST(replace(CAST(entry AS TEXT), 'user.created', 'user.removed') AS BLOB)");
        await Refused(daemon, "the copy in postgres:.* is not what .*changed.db has, so nothing was moved: entry [0-9]+ of the audit is not the one in the tree", $"--from={scratch["older/changed.db"]}");

        Assert.Equal(2, (await daemon.Administrator.Types("certauthority", "--from=/nowhere")).ExitCode);
        Assert.Equal(2, (await daemon.Administrator.Types("certauthority", "--migrate-to-postgres", "--check-config")).ExitCode);
        var pointed = await daemon.Administrator.Types("tctl", "migrate", "sqlite-to-postgres");
        Assert.Equal(1, pointed.ExitCode);
        Assert.Contains("certauthority --migrate-to-postgres", pointed.Error, StringComparison.Ordinal);

        // After all of that, the file is still the database, and it can be moved.
        var summary = JsonDocument.Parse((await Move(daemon, more: "--format=json")).Done()).RootElement;
        Assert.Equal(1, summary.GetProperty("rows").GetProperty("users").GetInt64());
        Assert.Equal(daemon.File("certauthority.db"), summary.GetProperty("source").GetString());
        await Refused(daemon, ".*was moved to postgres:.*");
        await daemon.Restart();
        Assert.DoesNotContain("restored", daemon.Log, StringComparison.Ordinal);

        async Task Refused(TestDaemon stopped, string why, params string[] more)
        {
            var refused = await Move(stopped, more: more);
            Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
            Assert.Matches($"(?m)^certauthority: error: {why}$", refused.Error);
            Assert.Single(Regex.Matches(refused.Error, "(?m)^certauthority: error: "));
        }
    }

    // What makes a difference: to the server, and to the disk.
    private const string Counted = "sendto,sendmsg,fsync,fdatasync";

    private static Task<Outcome> Move(TestDaemon daemon, string[]? around = null, params string[] more) =>
        (daemon.Administrator with { Around = around ?? [] }).Types(
            ["certauthority", "--migrate-to-postgres", "--config", daemon.Scratch["certauthority.yaml"], "--data-dir", daemon.DataDirectory, "--socket", daemon.Socket, .. more]);

    /// <summary>Counts what the thread that moves writes.</summary>
    private async Task<int> Writes(TestDaemon daemon)
    {
        scratch.Write("certauthority.yaml", OnServer("counted"));
        (await Move(daemon, ["strace", "-f", "-qq", "-o", scratch["writes"], "-e", $"trace={Counted}"])).Done();
        return File.ReadLines(scratch["writes"]).Where(line => line.Contains('(', StringComparison.Ordinal)).GroupBy(line => line.Split(' ')[0]).Max(thread => thread.Count());
    }

    /// <summary>Whether a daemon serves with the configuration that is there.</summary>
    private static async Task<bool> Serves(TestDaemon daemon)
    {
        try
        {
            await daemon.Restart();
        }
        catch (TrueException)
        {
            Assert.Equal(1, await daemon.Ended());
            return false;
        }
        await daemon.Stop();
        return true;
    }

    private string OnServer(string name = "", string? folder = null)
    {
        var path = $"{scratch.Path}{name}";
        one.Server.Create(path);
        var options = one.Server.Options(TestPostgres.Schema(path));
        options["Host"] = folder ?? options["Host"];
        return $"database: \"postgres:{string.Join(';', options.Select(option => $"{option.Key}={option.Value}"))}\"\n{TestDaemon.ManyLogins}";
    }

    private static async Task<string> FileRequest(Person person) =>
        (await person.Types("tsh", "request", "create", "--roles=dba", "--nowait", "--force")).Done().Split(' ')[1];

    private static ulong Serial(Person person) => Certificate.ParseLine(File.ReadAllText(Path.Combine(person.Home, "id-cert.pub"))).Serial;

    private static void Edit(string path, string sql)
    {
        using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static async Task Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }
}
