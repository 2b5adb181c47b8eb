using System.Text.Json.Nodes;
using CertAuthority.Protocol;
using CertAuthority.Tests.Unit.Store;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Two daemons on one database, each with the revocation list on its own disk and in its own directory for hosts.</summary>
public sealed class FollowedListTests(PostgresServer one) : IClassFixture<PostgresServer>, IAsyncLifetime, IDisposable
{
    private readonly Scratch scratch = new();
    private readonly Scratch second = new();
    private TestDaemon leader = null!;
    private TestDaemon follower = null!;

    private string Published => second["published"];

    public async Task InitializeAsync()
    {
        one.Server.Create(scratch.Path);
        leader = await TestDaemon.Start(scratch, configuration: $"{Configuration}publish_dir: {scratch["published"]}\n");
        await DaemonTests.Setup(leader);
        PostgresTests.CopyKeys(leader, second);
        follower = TestDaemon.Follows(second, $"{Configuration}publish_dir: {Published}\n");
        await follower.Served;
    }

    public async Task DisposeAsync()
    {
        await follower.DisposeAsync();
        await leader.DisposeAsync();
    }

    public void Dispose()
    {
        second.Dispose();
        scratch.Dispose();
    }

    /// <summary>Each sshd reads the file of its own daemon.</summary>
    [PeopleTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Revocation_is_in_the_file_of_its_daemon_when_it_returns(bool onFollower)
    {
        var asked = onFollower ? follower : leader;
        await Eventually.Holds(() => Same("revoked.krl"), "the follower has a list");
        (await asked.Myself.Types("tsh", "login")).Done();
        var host = await TestHost.Create(asked, "db1");
        Assert.True(await host.LetsIn(asked.Myself, "deploy"), host.Log);
        (await asked.Administrator.Types("tctl", "certs", "revoke", "--user=me")).Done();
        Assert.False(await host.LetsIn(asked.Myself, "deploy"));
        if (onFollower)
            Assert.Equal(follower.RevocationList().Version, leader.RevocationList().Version);
        await Eventually.Holds(() => Same("revoked.krl") && Same("published/revoked.krl") && Same("published/manifest"), "both have the same bytes");
        // Each of them answers with its own.
        var text = (await follower.Administrator.Types("tctl", "status")).Done();
        Assert.Contains($"revocation list: version {follower.RevocationList().Version}, written ", text, StringComparison.Ordinal);
        Assert.Equal(2, text.Split($", revocation list {leader.RevocationList().Version}").Length - 1);
    }

    [PeopleFact]
    public async Task Host_fetches_from_a_follower_alone()
    {
        (await follower.Myself.Types("tsh", "login")).Done();
        (await follower.Administrator.Types("tctl", "certs", "revoke", "--user=me")).Done();
        var trusted = Directory.CreateDirectory(second["trusted"]).FullName;
        var settings = second.Write("pull.conf", $"SOURCE={Published}\nDIR={trusted}\n");
        (await follower.Administrator.Types(PulledHost.Puller, "--config", settings, "--new-ca")).Done();
        var host = await TestHost.Create(follower, "pulled", trusts: trusted);
        Assert.False(await host.LetsIn(follower.Myself, "deploy"));
        (await follower.Myself.Types("tsh", "login")).Done();
        Assert.True(await host.LetsIn(follower.Myself, "deploy"), host.Log);

        (await leader.Administrator.Types("tctl", "certs", "revoke", "--user=me")).Done();
        await Eventually.Holds(() => Same("published/manifest"), "the follower has published");
        (await follower.Administrator.Types(PulledHost.Puller, "--config", settings)).Done();
        Assert.False(await host.LetsIn(follower.Myself, "deploy"));
    }

    /// <summary>The leader's callers wait for nobody else, and every status says who could not write.</summary>
    [Fact]
    public async Task Follower_that_cannot_write_says_so_everywhere()
    {
        await Eventually.Holds(() => Same("revoked.krl"), "the follower has a list");
        (await leader.Myself.Types("tsh", "login")).Done();
        File.Delete(follower.File("revoked.krl"));
        Directory.CreateDirectory(follower.File("revoked.krl"));
        (await leader.Administrator.Types("tctl", "certs", "revoke", "--user=me")).Done();
        (await leader.Myself.Types("tsh", "login")).Done();
        var refused = await follower.Administrator.Types("tctl", "certs", "revoke", "--user=me");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("the decision stands, but the revocation list could not be written on the machine of this daemon", refused.Error, StringComparison.Ordinal);
        Assert.Contains("could not be written to ", follower.Log, StringComparison.Ordinal);
        foreach (var asked in (TestDaemon[])[leader, follower])
        {
            await Eventually.Holds(async () => (await asked.Administrator.Types("tctl", "status")).ExitCode == 1, "the status is bad");
            var status = await asked.Administrator.Types("tctl", "status");
            Assert.Matches($"(?m)^tctl: error: the daemon on {Environment.MachineName} \\({follower.DataDirectory}\\) has had no new revocation list since .*Z: .*revoked.krl", status.Error);
            Assert.Equal("1", await Metric(asked));
            var daemons = JsonNode.Parse((await asked.Administrator.Types("tctl", "status", "--format=json")).Output)!["daemons"]!.AsArray();
            Assert.Null(daemons[0]!["list_failure"]);
            Assert.Equal(leader.RevocationList().Version.ToString(), (string)daemons[0]!["list"]!);
            Assert.NotNull(daemons[1]!["list_failure"]);
            Assert.NotNull(daemons[1]!["list_failing_since"]);
        }
        Directory.Delete(follower.File("revoked.krl"));
        await Eventually.Holds(() => Same("revoked.krl"), "the follower has written it");
        await Eventually.Holds(async () => (await leader.Administrator.Types("tctl", "status")).ExitCode == 0, "the status is good");
        Assert.Equal("0", await Metric(leader));
    }

    /// <summary>Whoever can write to the database alone cannot make a daemon accept what was revoked.</summary>
    [Theory]
    [InlineData("list = set_byte(list, length(list) - 1, 255 - get_byte(list, length(list) - 1))", "it is not what its manifest names")]
    [InlineData("user_ca = host_ca", "it is not what its manifest names")]
    [InlineData("manifest = ''", "it has no manifest that the audit key of this daemon signed")]
    [InlineData("list = list", "it is not what its manifest names")]
    public async Task List_that_was_changed_in_the_database_is_not_written(string change, string why)
    {
        await Eventually.Holds(() => Same("published/manifest"), "the follower has a list");
        var before = File.ReadAllBytes(follower.File("revoked.krl"));
        one.Server.Run($"UPDATE {TestPostgres.Schema(scratch.Path)}.published_list SET version = version + 1, {change}; SELECT 1");
        await Eventually.Holds(() => follower.Log.Contains(why, StringComparison.Ordinal), "it is refused");
        Assert.Equal(before, File.ReadAllBytes(follower.File("revoked.krl")));
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(Published, "revoked.krl")));
        Assert.Contains(why, (await leader.Administrator.Types("tctl", "status")).Error, StringComparison.Ordinal);
    }

    /// <summary>A mount, for example. The daemon that leads writes first, and the other one leaves that as it is.</summary>
    [Fact]
    public async Task Directory_that_two_daemons_share_keeps_the_newest_list()
    {
        await follower.Stop();
        File.WriteAllText(second["certauthority.yaml"], $"{Configuration}publish_dir: {scratch["published"]}\n");
        await follower.Restart();
        for (var round = 0; round < 5; round++)
        {
            (await leader.Myself.Types("tsh", "login")).Done();
            (await (round % 2 == 0 ? follower : leader).Administrator.Types("tctl", "certs", "revoke", "--user=me")).Done();
            Assert.Equal(leader.RevocationList().Version, OpenSsh.Krl.Parse(File.ReadAllBytes(scratch["published/revoked.krl"])).Version);
        }
        foreach (var asked in (TestDaemon[])[leader, follower])
            (await asked.Administrator.Types("tctl", "status")).Done();
        Assert.DoesNotContain("could not be written", leader.Log + follower.Log, StringComparison.Ordinal);
    }

    /// <summary>It writes the list moments later, as the daemon that leads.</summary>
    [Fact]
    public async Task Revocation_waits_for_the_daemon_that_takes_over()
    {
        (await follower.Myself.Types("tsh", "login")).Done();
        var id = await DaemonTests.FileRequest(follower);
        (await follower.Administrator.Types("tctl", "requests", "approve", id)).Done();
        (await follower.Myself.Types("tsh", "login", $"--request-id={id}")).Done();
        // Nobody writes lists until the others find out.
        await leader.Signal("STOP");
        var waits = ((string[][])[["tctl", "certs", "revoke", "--user=me"], ["tctl", "requests", "deny", id], ["tctl", "lock", "--user=me"]])
            .Select(follower.Administrator.Types).ToList();
        await follower.Leads();
        foreach (var one in await Task.WhenAll(waits))
            one.Done();
        Assert.True(follower.RevocationList().IsRevoked(follower.PublicKey("user_ca"), ulong.Parse((await Serials()).Max()!)));
        await leader.Signal("CONT");
        await leader.Ended();

        async Task<IEnumerable<string>> Serials()
        {
            using var ca = follower.Connect();
            return (await ca.Send(Routes.ListCertificates, new ListCertificates(User: "me"))).Certificates.Select(one => one.Serial);
        }
    }

    private bool Same(string name)
    {
        var (first, other) = name.StartsWith("published", StringComparison.Ordinal) ? (scratch[name], second[name]) : (leader.File(name), follower.File(name));
        return File.Exists(first) && File.Exists(other) && File.ReadAllBytes(first).AsSpan().SequenceEqual(File.ReadAllBytes(other));
    }

    private static async Task<string> Metric(TestDaemon asked) =>
        (await asked.Administrator.Types("tctl", "status", "--format=prometheus")).Done().Split('\n')
            .Single(line => line.StartsWith("certauthority_daemons_without_list ", StringComparison.Ordinal)).Split(' ')[1];

    private string Configuration =>
        $"database: \"postgres:{string.Join(';', one.Server.Options(TestPostgres.Schema(scratch.Path)).Select(option => $"{option.Key}={option.Value}"))}\"\n{TestDaemon.ManyLogins}";
}
