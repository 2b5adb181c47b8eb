using System.Text.Json.Nodes;
using CertAuthority.Protocol;
using CertAuthority.Tests.Unit.Store;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Two daemons on one database, each with the revocation list on its own disk and in its own directory for hosts.</summary>
public sealed class FollowedListTests(PostgresServer one) : IClassFixture<PostgresServer>, IAsyncLifetime
{
    private TwoDaemons both = null!;

    private TestDaemon Leader => both.Leader;

    private TestDaemon Follower => both.Follower;

    private string Published => both.Second["published"];

    public async Task InitializeAsync() => both = await TwoDaemons.Start(one.Server, DaemonTests.Setup, (_, folder) => $"publish_dir: {folder["published"]}\n");

    public async Task DisposeAsync() => await both.DisposeAsync();

    /// <summary>Each sshd reads the file of its own daemon.</summary>
    [PeopleTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Revocation_is_in_the_file_of_its_daemon_when_it_returns(bool onFollower)
    {
        var asked = onFollower ? Follower : Leader;
        await Eventually.Holds(() => Same("revoked.krl"), "the follower has a list");
        (await asked.Myself.Types("tsh", "login")).Done();
        var host = await TestHost.Create(asked, "db1");
        Assert.True(await host.LetsIn(asked.Myself, "deploy"), host.Log);
        (await asked.Administrator.Types("tctl", "certs", "revoke", "--user=me")).Done();
        Assert.False(await host.LetsIn(asked.Myself, "deploy"));
        if (onFollower)
            Assert.Equal(Follower.RevocationList().Version, Leader.RevocationList().Version);
        await Eventually.Holds(() => Same("revoked.krl") && Same("published/revoked.krl") && Same("published/manifest"), "both have the same bytes");
        // Each of them answers with its own.
        var text = (await Follower.Administrator.Types("tctl", "status")).Done();
        Assert.Contains($"revocation list: version {Follower.RevocationList().Version}, written ", text, StringComparison.Ordinal);
        Assert.Equal(2, text.Split($", revocation list {Leader.RevocationList().Version}").Length - 1);
    }

    [PeopleFact]
    public async Task Host_fetches_from_a_follower_alone()
    {
        (await Follower.Myself.Types("tsh", "login")).Done();
        (await Follower.Administrator.Types("tctl", "certs", "revoke", "--user=me")).Done();
        var trusted = Directory.CreateDirectory(both.Second["trusted"]).FullName;
        var settings = both.Second.Write("pull.conf", $"SOURCE={Published}\nDIR={trusted}\n");
        (await Follower.Administrator.Types(PulledHost.Puller, "--config", settings, "--new-ca")).Done();
        var host = await TestHost.Create(Follower, "pulled", trusts: trusted);
        Assert.False(await host.LetsIn(Follower.Myself, "deploy"));
        (await Follower.Myself.Types("tsh", "login")).Done();
        Assert.True(await host.LetsIn(Follower.Myself, "deploy"), host.Log);

        (await Leader.Administrator.Types("tctl", "certs", "revoke", "--user=me")).Done();
        await Eventually.Holds(() => Same("published/manifest"), "the follower has published");
        (await Follower.Administrator.Types(PulledHost.Puller, "--config", settings)).Done();
        Assert.False(await host.LetsIn(Follower.Myself, "deploy"));
    }

    /// <summary>The daemon that leads signs them, and each publishes them where its hosts fetch.</summary>
    [Fact]
    public async Task Follower_publishes_the_certificate_of_a_host()
    {
        (await Leader.Administrator.Types(["tctl", "create"], "{kind: node, version: v2, metadata: {name: db1}, spec: {addr: db1.example.com}}")).Done();
        var key = both.Second["host_key"];
        (await Leader.Administrator.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)).Done();
        foreach (var ttl in (string[])["90d", "80d"])
        {
            (await Leader.Administrator.Types("tctl", "auth", "sign", "--host=db1", $"--ttl={ttl}", $"{key}.pub")).Done();
            await Eventually.Holds(() => Same("published/db1-cert.pub") && File.ReadAllText(Path.Combine(Published, "db1-cert.pub")) == File.ReadAllText($"{key}-cert.pub"), "the follower has published it");
        }
        Assert.Contains("host certificate", (await Leader.Administrator.Types("ssh-keygen", "-L", "-f", Path.Combine(Published, "db1-cert.pub"))).Done(), StringComparison.Ordinal);
    }

    /// <summary>On the daemon that leads, nobody waits for another one, and the status of each says which one could not write.</summary>
    [Fact]
    public async Task Follower_that_cannot_write_says_so_everywhere()
    {
        await Eventually.Holds(() => Same("revoked.krl"), "the follower has a list");
        (await Leader.Myself.Types("tsh", "login")).Done();
        File.Delete(Follower.File("revoked.krl"));
        Directory.CreateDirectory(Follower.File("revoked.krl"));
        (await Leader.Administrator.Types("tctl", "certs", "revoke", "--user=me")).Done();
        (await Leader.Myself.Types("tsh", "login")).Done();
        var refused = await Follower.Administrator.Types("tctl", "certs", "revoke", "--user=me");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("the decision stands, but the revocation list could not be written on the machine of this daemon", refused.Error, StringComparison.Ordinal);
        Assert.Contains("could not be written to ", Follower.Log, StringComparison.Ordinal);
        foreach (var asked in (TestDaemon[])[Leader, Follower])
        {
            await Eventually.Holds(async () => (await asked.Administrator.Types("tctl", "status")).ExitCode == 1, "the status is bad");
            var status = await asked.Administrator.Types("tctl", "status");
            Assert.Matches($"(?m)^tctl: error: the daemon on {Environment.MachineName} \\({Follower.DataDirectory}\\) has had no new revocation list since .*Z: .*revoked.krl", status.Error);
            Assert.Equal("1", await Metric(asked));
            var daemons = JsonNode.Parse((await asked.Administrator.Types("tctl", "status", "--format=json")).Output)!["daemons"]!.AsArray();
            Assert.Null(daemons[0]!["list_failure"]);
            Assert.Equal(Leader.RevocationList().Version.ToString(), (string)daemons[0]!["list"]!);
            Assert.NotNull(daemons[1]!["list_failure"]);
            Assert.NotNull(daemons[1]!["list_failing_since"]);
        }
        Directory.Delete(Follower.File("revoked.krl"));
        await Eventually.Holds(() => Same("revoked.krl"), "the follower has written it");
        await Eventually.Holds(async () => (await Leader.Administrator.Types("tctl", "status")).ExitCode == 0, "the status is good");
        Assert.Equal("0", await Metric(Leader));
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
        var before = File.ReadAllBytes(Follower.File("revoked.krl"));
        one.Server.Run($"UPDATE {TestPostgres.Schema(both.First.Path)}.published_list SET version = version + 1, {change}; SELECT 1");
        await Eventually.Holds(() => Follower.Log.Contains(why, StringComparison.Ordinal), "it is refused");
        Assert.Equal(before, File.ReadAllBytes(Follower.File("revoked.krl")));
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(Published, "revoked.krl")));
        Assert.Contains(why, (await Leader.Administrator.Types("tctl", "status")).Error, StringComparison.Ordinal);
    }

    /// <summary>A mount, for example. The daemon that leads writes first, and the other one leaves that as it is.</summary>
    [Fact]
    public async Task Directory_that_two_daemons_share_keeps_the_newest_list()
    {
        await Follower.Stop();
        File.WriteAllText(both.Second["certauthority.yaml"], both.Configuration($"publish_dir: {both.First["published"]}\n"));
        await Follower.Restart();
        for (var round = 0; round < 5; round++)
        {
            (await Leader.Myself.Types("tsh", "login")).Done();
            (await (round % 2 == 0 ? Follower : Leader).Administrator.Types("tctl", "certs", "revoke", "--user=me")).Done();
            Assert.Equal(Leader.RevocationList().Version, OpenSsh.Krl.Parse(File.ReadAllBytes(both.First["published/revoked.krl"])).Version);
        }
        foreach (var asked in (TestDaemon[])[Leader, Follower])
            (await asked.Administrator.Types("tctl", "status")).Done();
        Assert.DoesNotContain("could not be written", Leader.Log + Follower.Log, StringComparison.Ordinal);
    }

    /// <summary>It writes the list moments later, as the daemon that leads.</summary>
    [Fact]
    public async Task Revocation_waits_for_the_daemon_that_takes_over()
    {
        (await Follower.Myself.Types("tsh", "login")).Done();
        var id = await DaemonTests.FileRequest(Follower);
        (await Follower.Administrator.Types("tctl", "requests", "approve", id)).Done();
        (await Follower.Myself.Types("tsh", "login", $"--request-id={id}")).Done();
        // Nobody writes lists until the others find out.
        await Leader.Signal("STOP");
        var waits = ((string[][])[["tctl", "certs", "revoke", "--user=me"], ["tctl", "requests", "deny", id], ["tctl", "lock", "--user=me"]])
            .Select(Follower.Administrator.Types).ToList();
        await Follower.Leads();
        foreach (var one in await Task.WhenAll(waits))
            one.Done();
        Assert.True(Follower.RevocationList().IsRevoked(Follower.PublicKey("user_ca"), ulong.Parse((await Serials()).Max()!)));
        await Leader.Signal("CONT");
        await Leader.Ended();

        async Task<IEnumerable<string>> Serials()
        {
            using var ca = Follower.Connect();
            return (await ca.Send(Routes.ListCertificates, new ListCertificates(User: "me"))).Certificates.Select(one => one.Serial);
        }
    }

    private bool Same(string name)
    {
        var (first, other) = name.StartsWith("published", StringComparison.Ordinal) ? (both.First[name], both.Second[name]) : (Leader.File(name), Follower.File(name));
        return File.Exists(first) && File.Exists(other) && File.ReadAllBytes(first).AsSpan().SequenceEqual(File.ReadAllBytes(other));
    }

    private static async Task<string> Metric(TestDaemon asked) =>
        (await asked.Administrator.Types("tctl", "status", "--format=prometheus")).Done().Split('\n')
            .Single(line => line.StartsWith("certauthority_daemons_without_list ", StringComparison.Ordinal)).Split(' ')[1];
}
