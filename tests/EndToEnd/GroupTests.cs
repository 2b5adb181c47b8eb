using System.Text.Json;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Certificates that name a group of hosts instead of the hosts, with sshd as the judge.</summary>
public sealed class GroupTests : IAsyncLifetime
{
    private EnrolledFleet fleet = null!;

    public async Task InitializeAsync() => fleet = await EnrolledFleet.Start();

    public async Task DisposeAsync() => await fleet.DisposeAsync();

    [PeopleFact]
    public async Task Group_opens_its_hosts_and_leaving_it_ends_that()
    {
        await using var db1 = await fleet.EnrolledHost("db1");
        await using var db2 = await fleet.EnrolledHost("db2");
        await Declare();
        await Confirmed("db1");
        await Confirmed("db2");
        Assert.Matches("db1 .* type=db +dbs ", (await fleet.Tctl("nodes", "ls", "--search=db1")).Done());
        Assert.Matches("x1 .* dbs \\(not confirmed: no report\\) ", (await fleet.Tctl("nodes", "ls", "--search=x1")).Done());

        var token = (await db1.Run("head -n 1 /etc/ssh/certauthority/groups")).Done().Trim();
        Assert.Matches("^dbs\\.[0-9a-f]{16}$", token);
        Assert.Equal($"{token}\n.\n", (await db2.Run("cat /etc/ssh/certauthority/groups")).Done());
        (await fleet.Daemon.Myself.Types("tsh", "login")).Done();
        Assert.Equal([$"postgres@={token}", $"root@={token}"], Principals());
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
        Assert.Equal("entered\n", (await fleet.ByCertificate(db2)).Done());

        // It is said who gets in by it.
        Assert.Contains("me can log in as root on db1: yes, as root@db1\n", (await fleet.Tctl("access", "explain", "me", "--login=root", "--node=db1")).Done(), StringComparison.Ordinal);
        Assert.Contains($"root@={token}", (await fleet.Tctl("certs", "ls", "--node=db1", "--state=live", "--format=json")).Done(), StringComparison.Ordinal);
        Assert.DoesNotContain(token, (await fleet.Tctl("certs", "ls", "--node=elsewhere", "--state=live", "--format=json")).Done(), StringComparison.Ordinal);

        // The host keeps its file, whatever the daemon writes; the list reaches it.
        (await db2.Run("mkdir /etc/ssh/certauthority/groups.new")).Done();
        var relabelled = await fleet.Daemon.Administrator.Types(["tctl", "create", "-f"], $"{{kind: node, version: v2, metadata: {{name: db2, labels: {{type: web}}}}, spec: {{addr: '127.0.0.1:{db2.Port}', push: true}}}}");
        relabelled.Done();
        await Eventually.Holds(() => fleet.HasTheList(db1) && fleet.HasTheList(db2));
        Assert.Equal($"{token}\n.\n", (await db2.Run("cat /etc/ssh/certauthority/groups")).Done());
        Assert.Equal(255, (await fleet.ByCertificate(db1)).ExitCode);
        Assert.Equal(255, (await fleet.ByCertificate(db2)).ExitCode);

        // The group has another token, which the host that left does not know.
        await Confirmed("db1");
        (await fleet.Daemon.Myself.Types("tsh", "login")).Done();
        var next = (await db1.Run("head -n 1 /etc/ssh/certauthority/groups")).Done().Trim();
        Assert.NotEqual(token, next);
        Assert.Equal([$"postgres@={next}", $"root@={next}"], Principals());
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
        Assert.Equal(255, (await fleet.ByCertificate(db2)).ExitCode);

        // A host that joins and is denied takes the group from everybody who is denied there, before it learns of the group.
        (await fleet.Daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v8, metadata: {name: not-new}, spec: {deny: {node_labels: {age: new}}}}
            """)).Done();
        (await fleet.Tctl("users", "update", "--set-roles=dba,not-new", "me")).Done();
        (await fleet.Daemon.Myself.Types("tsh", "login")).Done();
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
        (await fleet.Daemon.Administrator.Types(["tctl", "create"], "{kind: node, version: v2, metadata: {name: fresh, labels: {type: db, age: new}}, spec: {addr: fresh.example.com}}")).Done();
        await Eventually.Holds(() => fleet.HasTheList(db1));
        Assert.Equal(255, (await fleet.ByCertificate(db1)).ExitCode);
        // Too many hosts for one certificate, and no group that opens only these: each host has a certificate of its own.
        (await fleet.Daemon.Myself.Types("tsh", "login")).Done();
        Assert.False(File.Exists(Path.Combine(fleet.Daemon.Myself.Home, "id-cert.pub")));
    }

    [PeopleFact]
    public async Task Broken_file_of_groups_means_no_group_and_nothing_worse()
    {
        await using var db1 = await fleet.EnrolledHost("db1");
        await Declare();
        await Confirmed("db1");
        (await fleet.Daemon.Myself.Types("tsh", "login")).Done();
        var token = (await db1.Run("head -n 1 /etc/ssh/certauthority/groups")).Done().Trim();
        (await db1.Run("cp -a /etc/ssh/certauthority/groups /etc/ssh/good")).Done();
        string[] broken =
        [
            "true", ": > groups", $"echo {token} > groups", $"printf '{token}\\n.' > groups", "echo . > groups", $"printf '{token}\\n\\n.\\n' > groups",
            $"printf '{token} x\\n.\\n' > groups", $"printf '../x\\n{token}\\n.\\n' > groups", $"(for n in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do echo $n.0; done; echo {token}; echo .) > groups",
            $"(head -c 1600 /dev/zero | tr '\\0' x; echo; echo {token}; echo .) > groups", $"printf 'root@db1\\n{token}\\n.\\n' > groups", "mkdir groups",
        ];
        foreach (var how in broken)
        {
            (await db1.Run($"cd /etc/ssh/certauthority; rm -rf groups; {how}")).Done();
            Assert.True((await fleet.ByCertificate(db1)).ExitCode == 255, how);
        }
        (await fleet.Daemon.Myself.Types("tsh", "login", "--node=db1")).Done();
        Assert.Equal(["postgres@db1", "root@db1"], Principals());
        foreach (var how in broken)
        {
            (await db1.Run($"cd /etc/ssh/certauthority; rm -rf groups; {how}")).Done();
            Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
        }
        // The right one opens it again, and so does what the daemon writes.
        (await fleet.Daemon.Myself.Types("tsh", "login")).Done();
        Assert.Equal(255, (await fleet.ByCertificate(db1)).ExitCode);
        (await db1.Run("rm -rf /etc/ssh/certauthority/groups; cp -a /etc/ssh/good /etc/ssh/certauthority/groups")).Done();
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());
        (await db1.Run("rm /etc/ssh/certauthority/groups")).Done();
        (await fleet.Tctl("nodes", "sync", "db1")).Done();
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());

        // sshd gives the command the login as it is; nothing interprets it.
        foreach (var odd in (string[])["$(id)", "`id`", "%u", "-n", "root;id"])
            Assert.Equal(255, (await fleet.Daemon.Myself.Types(
                "ssh", "-F", "none", "-T", "-i", Path.Combine(fleet.Daemon.Myself.Home, "id"), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
                "-o", "UserKnownHostsFile=/dev/null", "-o", $"User={odd}", "-p", $"{db1.Port}", "127.0.0.1", "true")).ExitCode);
        Assert.Equal("entered\n", (await fleet.ByCertificate(db1)).Done());

        // A host that was enrolled before there were groups is not taken for one that reads them.
        (await db1.Run("sed -i 's|^AuthorizedPrincipalsCommand /bin/sh.*|AuthorizedPrincipalsCommand /usr/bin/printf %%s\\\\n%%s@db1\\\\n %u %u|' /etc/ssh/sshd_config.d/00-certauthority.conf")).Done();
        (await fleet.Tctl("nodes", "sync", "db1")).Done();
        Assert.False(await IsConfirmed("db1"));
    }

    /// <summary>A group of so many hosts that no certificate holds them.</summary>
    private async Task Declare()
    {
        var nodes = Enumerable.Range(1, 300).Select(n => $"{{kind: node, version: v2, metadata: {{name: x{n}, labels: {{type: db}}}}, spec: {{addr: x{n}.example.com}}}}\n---\n");
        (await fleet.Daemon.Administrator.Types(["tctl", "create"], string.Concat(nodes) + "{kind: node_group, version: v1, metadata: {name: dbs}, spec: {node_labels: {type: db}}}")).Done();
    }

    private async Task<bool> IsConfirmed(string node) =>
        JsonDocument.Parse((await fleet.Tctl("nodes", "ls", $"--search={node}", "--format=json")).Done()).RootElement.EnumerateArray().Single(one => one.GetProperty("name").GetString() == node)
            .GetProperty("groups")[0].GetProperty("confirmed").GetBoolean();

    private Task Confirmed(string node) => Eventually.Holds(() => IsConfirmed(node), $"{node} accepts the group");

    private string[] Principals() =>
        [.. OpenSsh.Certificate.ParseLine(File.ReadAllText(Path.Combine(fleet.Daemon.Myself.Home, "id-cert.pub")).Trim()).Principals.Order(StringComparer.Ordinal)];
}
