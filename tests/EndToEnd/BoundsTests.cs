namespace CertAuthority.Tests.EndToEnd;

/// <summary>What one caller can take: it is bounded, he is told, and nobody else notices.</summary>
public sealed class BoundsTests
{
    [PeopleFact]
    public async Task Logins_a_minute_and_live_certificates_are_bounded_and_what_to_do_is_told()
    {
        using var scratch = new Scratch();
        var config = scratch.Write("certauthority.yaml", "limits: {certificate: 2h, live_certificates: 2, logins_per_minute: 4}\n");
        await using var daemon = await TestDaemon.Start(scratch, arguments: ["--config", config]);
        await Alice(daemon);
        var alice = daemon.Person(Person.Alice);

        Assert.Contains("limited by the site's maximum", (await alice.Types("tsh", "login")).Done());
        Assert.Equal("tsh: error: --ttl 3h is more than the site's maximum of 2h\n", (await alice.Types("tsh", "login", "--ttl=3h")).Error);
        (await alice.Types("tsh", "login")).Done();
        var many = await alice.Types("tsh", "login");
        Assert.Equal(
            (1, "tsh: error: user \"alice\" has 2 live certificates already; the limit is 2\n"
                + "tsh: hint: wait until some have ended; an administrator ends them sooner with tctl certs revoke --user=alice\n"),
            (many.ExitCode, many.Error));
        var often = await alice.Types("tsh", "login");
        Assert.Equal(1, often.ExitCode);
        Assert.Matches("^tsh: error: alice has tried to log in 4 times within a minute; that is the limit\ntsh: hint: try again in [1-5]?[0-9]s\n$", often.Error);

        // Nobody else is kept from it; root is not counted.
        (await daemon.Administrator.Types("tctl", "certs", "revoke", "--user=alice")).Done();
        for (var i = 0; i < 5; i++)
            Assert.Equal("", (await daemon.Administrator.Types("tsh", "login", "--user=alice", "--ttl=0s")).Output);
        Assert.Contains("--ttl must be longer than nothing", (await daemon.Administrator.Types("tsh", "login", "--user=alice", "--ttl=0s")).Error);
    }

    // Root owns her too, to see that he is not counted.
    static async Task Alice(TestDaemon daemon)
    {
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v7, metadata: {name: staff}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}, request: {roles: [dba]}}}}
            ---
            {kind: role, version: v7, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}
            """)).Done();
        (await daemon.Administrator.Types("tctl", "users", "add", "alice", "--roles=staff", "--unix-user=alice", "--unix-user=root")).Done();
    }
}
