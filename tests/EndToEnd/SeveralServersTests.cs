using System.Diagnostics;
using CertAuthority.Tests.Unit.Store;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>tsh with the addresses of two daemons on one database, one of which follows.</summary>
public sealed class SeveralServersTests(PostgresServer one) : IClassFixture<PostgresServer>, IAsyncLifetime, IDisposable
{
    private const string Servers = "ssh://alice@auth1,ssh://alice@auth2";

    private readonly Scratch scratch = new();
    private readonly Scratch second = new();
    private TestDaemon works = null!;
    private TestDaemon follows = null!;

    private string Both => $"{works.Server},{follows.Server}";

    public async Task InitializeAsync()
    {
        one.Server.Create(scratch.Path);
        works = await TestDaemon.Start(scratch, configuration: Configuration);
        await Laptop.Fill(works);
        PostgresTests.CopyKeys(works, second);
        follows = TestDaemon.Follows(second, Configuration);
        await follows.Served;
    }

    public async Task DisposeAsync()
    {
        await follows.DisposeAsync();
        await works.DisposeAsync();
    }

    public void Dispose()
    {
        second.Dispose();
        scratch.Dispose();
    }

    [PeopleTheory]
    [InlineData("tsh request create --roles=dba", "KILL")]
    [InlineData("tsh login --request-roles=dba", "KILL")]
    [InlineData("tsh request create --roles=dba", "TERM")]
    public async Task Wait_goes_on_at_the_daemon_that_takes_over(string command, string signal)
    {
        using var wait = Wait.Start(works.Person(Person.Alice) with { Server = Both }, command);
        var id = await wait.Filed();
        await works.Stop(signal);
        await follows.Leads();
        (await follows.Administrator.Types("tctl", "requests", "approve", id)).Done();

        var ended = await wait.Ended();

        Assert.Equal(0, ended.ExitCode);
        Assert.Contains(command.Contains("login", StringComparison.Ordinal) ? "roles: access, dba" : $"request {id} is APPROVED", ended.Output, StringComparison.Ordinal);
        Assert.Single(ended.Error.Split('\n'), line => line.EndsWith($"; using {follows.Server}", StringComparison.Ordinal));
        Assert.Single((await follows.Administrator.Types("tctl", "requests", "ls", "--format=json")).Done().Split("\"access_request\"")[1..]);
    }

    [PeopleFact]
    public async Task Wait_on_a_paused_daemon_goes_on_elsewhere()
    {
        var alice = works.Person(Person.Alice) with { Server = Both };
        (await alice.Types("tsh", "login")).Done();
        await works.Signal("STOP");
        await follows.Leads();
        var clock = Stopwatch.StartNew();
        var listed = await alice.Types("tsh", "request", "ls");
        Assert.Equal(0, listed.ExitCode);
        Assert.Contains($"tsh: warning: {works.Server}: the daemon does not answer; using {follows.Server}\n", listed.Error, StringComparison.Ordinal);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"{clock.Elapsed}");
        await works.Signal("CONT");
        Assert.Equal(1, await works.Ended());
    }

    [PeopleFact]
    public async Task Server_that_is_gone_is_passed_over()
    {
        var alice = works.Person(Person.Alice) with { Server = $"{follows.Server},{works.Server}" };
        var login = await alice.Types("tsh", "login");
        Assert.Contains("logins: deploy@web1\n", login.Done(), StringComparison.Ordinal);
        Assert.DoesNotContain("warning", login.Error, StringComparison.Ordinal);
        await follows.Stop();
        login = await alice.Types("tsh", "login");
        Assert.Contains("logins: deploy@web1\n", login.Done(), StringComparison.Ordinal);
        Assert.StartsWith($"tsh: warning: {follows.Server}: no daemon answers at {follows.Server}; using {works.Server}\n", login.Error, StringComparison.Ordinal);
        await works.Stop();
        var nobody = await alice.Types("tsh", "request", "ls");
        Assert.Equal(
            (3, "", $"tsh: error: no server answers: {follows.Server}: no daemon answers at {follows.Server}; {works.Server}: no daemon answers at {works.Server}\ntsh: hint: start certauthority on one of them, or name others with --server or CERTAUTHORITY_SERVER\n"),
            (nobody.ExitCode, nobody.Output, nobody.Error));
    }

    /// <summary>Nothing was done where it was refused, so it is done at the next one, also if it could not be repeated.</summary>
    [PeopleFact]
    public async Task Daemon_that_leads_is_asked_for_what_it_does_alone()
    {
        var added = await (works.Administrator with { Server = $"{follows.Server},{works.Server}" }).Types("tctl", "users", "add", "late", "--roles=access");
        added.Done();
        Assert.Matches($"tctl: warning: {follows.Server}: another daemon leads, on .*, and does this alone; using {works.Server}\n", added.Error);
        Assert.Contains("late", (await works.Administrator.Types("tctl", "get", "users")).Done(), StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Login_and_wait_go_on_over_ssh_to_the_second_host()
    {
        await using var laptop = await Laptop.Create(works);
        await using var other = await Laptop.Create(follows);
        laptop.Knows(other);
        var alice = laptop.Alice;
        (await alice.Types("tsh", "login", "--server", Servers)).Done();
        Assert.StartsWith($"server: {Servers}\n", await File.ReadAllTextAsync(Path.Combine(laptop.TshHome, "profile")), StringComparison.Ordinal);
        using var wait = Wait.Start(alice, "tsh login --request-roles=dba");
        var id = await wait.Filed();
        await works.Stop("KILL");
        await follows.Leads();
        (await follows.Administrator.Types("tctl", "requests", "approve", id)).Done();
        var ended = await wait.Ended();
        Assert.Contains("logins: deploy@web1, postgres@db1\n", ended.Done(), StringComparison.Ordinal);
        Assert.Contains("; using ssh://alice@auth2\n", ended.Error, StringComparison.Ordinal);

        // The servers are remembered; the host of the first one is gone now too.
        await laptop.StopSshd();
        var again = await alice.Types("tsh", "login");
        Assert.Contains("logins: deploy@web1\n", again.Done(), StringComparison.Ordinal);
        Assert.StartsWith("tsh: warning: ssh://alice@auth1: auth1 cannot be reached: ", again.Error, StringComparison.Ordinal);
        // The host key of each is checked for itself.
        File.WriteAllText(other.KnownHosts, "");
        var unknown = await alice.Types("tsh", "request", "ls");
        Assert.Equal(3, unknown.ExitCode);
        Assert.Contains("ssh://alice@auth2: the host key of auth2 is not known", unknown.Error, StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Daemon_of_another_installation_is_not_used_instead()
    {
        await using var foreign = await Laptop.Daemon();
        var alice = works.Person(Person.Alice) with { Server = $"{works.Server},{foreign.Server}" };
        (await alice.Types("tsh", "login")).Done();
        var before = foreign.StoredAudit().Count;
        await works.Stop("KILL");
        foreach (var words in (string[][])[["tsh", "login"], ["tsh", "request", "ls"], ["tsh", "request", "create", "--roles=dba", "--nowait"]])
        {
            var refused = await alice.Types(words);
            Assert.Equal(3, refused.ExitCode);
            Assert.Contains($"{foreign.Server}: it belongs to another installation", refused.Error, StringComparison.Ordinal);
        }
        Assert.Equal(before, foreign.StoredAudit().Count);
        // Whoever names only other servers means another installation, as with one server.
        (await (alice with { Server = foreign.Server }).Types("tsh", "login", "--server", foreign.Server)).Done();
    }

    private string Configuration =>
        $"database: \"postgres:{string.Join(';', one.Server.Options(TestPostgres.Schema(scratch.Path)).Select(option => $"{option.Key}={option.Value}"))}\"\n{TestDaemon.ManyLogins}";
}
