using System.Text.Json;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>What somebody changes on a host that the daemon writes to, and what such a host witnesses of the audit.</summary>
public sealed class HostAlterationTests : IAsyncLifetime
{
    private EnrolledFleet fleet = null!;

    public async Task InitializeAsync() => fleet = await EnrolledFleet.Start();

    public async Task DisposeAsync() => await fleet.DisposeAsync();

    [PeopleFact]
    public async Task Altered_host_is_named_and_gets_the_right_files()
    {
        await using var db1 = await fleet.EnrolledHost();
        (await fleet.Tctl("nodes", "sync", "db1")).Done();
        (await db1.Run("cp -a /etc/ssh/certauthority /etc/ssh/old")).Done();
        (await fleet.Daemon.Myself.Types("tsh", "login")).Done();
        (await fleet.Tctl("certs", "revoke", "--wait", "--user=me")).Done();
        (await fleet.Tctl("nodes", "sync", "db1")).Done();
        Assert.False((await fleet.Status("db1")).TryGetProperty("altered", out _));
        // The size of the tree is that of the last checkpoint, which the host has.
        Assert.Equal((await db1.Run("sed -n 2p /etc/ssh/certauthority/audit.checkpoint")).Done().Trim(), (await fleet.Status("db1")).GetProperty("witnessed").GetString());
        Assert.Contains(" Witnessed ", (await fleet.Tctl("nodes", "ls")).Done(), StringComparison.Ordinal);

        foreach (var (change, told) in ((string, string)[])
        [
            ("cp -a old/revoked.krl old/manifest certauthority/", "it had revocation list [0-9]+ again, although it had [0-9]+ before"),
            ("cp -a old/revoked.krl certauthority/", "it had revocation list [0-9]+ again, although it had [0-9]+ before"),
            ("rm certauthority/revoked.krl", "its revocation list was gone, or was none"),
            (": > certauthority/revoked.krl", "its revocation list was gone, or was none"),
            ("rm certauthority/manifest", "its manifest was gone"),
            ("sed -i 's/^fresh-until 2/fresh-until 3/' certauthority/manifest", "this daemon did not sign its manifest"),
            ("truncate -s 4M certauthority/manifest", "this daemon did not sign its manifest"),
            ("rm certauthority/audit.checkpoint", "its checkpoint of the audit was gone"),
        ])
        {
            (await db1.Run($"cd /etc/ssh; {change}")).Done();

            Assert.Matches("^db1 has revocation list [0-9]+\n$", (await fleet.Tctl("nodes", "sync", "db1")).Done());

            Assert.True(fleet.HasTheList(db1), change);
            Assert.Matches($"^{told}$", (await fleet.Status("db1")).GetProperty("altered").GetString());
            Assert.Matches($"Z: {told} *\n", (await fleet.Tctl("nodes", "ls")).Done());
            var entry = JsonDocument.Parse((await fleet.Tctl("audit", "ls", "--event=node.altered", "--limit=1", "--format=json")).Done()).RootElement[0];
            Assert.Equal("node/db1", entry.GetProperty("resource").GetString());
            Assert.Matches($"^{told}$", entry.GetProperty("reason").GetString());
            var status = await fleet.Tctl("status");
            Assert.Equal(1, status.ExitCode);
            Assert.Contains("tctl: error: somebody changed the files of this daemon on 1 host: db1\n", status.Error, StringComparison.Ordinal);
            // Somebody has looked, and nothing was wrong any more.
            (await fleet.Tctl("nodes", "sync", "db1")).Done();
            Assert.False((await fleet.Status("db1")).TryGetProperty("altered", out _), change);
        }
        // What is no checkpoint of this daemon proves nothing, and goes.
        (await db1.Run("echo garbage > /etc/ssh/certauthority/audit.checkpoint")).Done();
        (await fleet.Tctl("nodes", "sync", "db1")).Done();
        Assert.Contains("db1 had a checkpoint of the audit that this daemon did not sign", fleet.Daemon.Log, StringComparison.Ordinal);
        Assert.StartsWith("certauthority/", (await db1.Run("cat /etc/ssh/certauthority/audit.checkpoint")).Done(), StringComparison.Ordinal);
        (await fleet.Tctl("status")).Done();
        // The host verifies the manifest with the key that the daemon shows.
        (await db1.Run($"""
            cd /etc/ssh; echo "audit $(cat {fleet.Daemon.File("audit_key.pub")})" > signers
            sed '/^-----BEGIN/,$d' certauthority/manifest > text; sed -n '/^-----BEGIN/,$p' certauthority/manifest > text.sig
            ssh-keygen -Y verify -f signers -I audit -n certauthority-manifest -s text.sig < text && grep -q " $(sha256sum < certauthority/revoked.krl | cut -c1-64)" text
            """)).Done();
    }

    // Every file of the data directory is put back, so that nothing in it contradicts the rest.
    [PeopleFact]
    public async Task Data_directory_put_back_is_contradicted_by_a_host()
    {
        await using var db1 = await fleet.EnrolledHost();
        var daemon = fleet.Daemon;
        await daemon.Stop();
        (await daemon.Administrator.Types("cp", "-a", daemon.DataDirectory, $"{daemon.DataDirectory}.old")).Done();
        await daemon.Restart();
        (await daemon.Myself.Types("tsh", "login")).Done();
        (await fleet.Tctl("certs", "revoke", "--wait", "--user=me")).Done();
        await Eventually.Holds(async () =>
        {
            (await fleet.Tctl("nodes", "sync", "db1")).Done();
            return (await fleet.Status("db1")).GetProperty("witnessed").GetString() is { } seen && int.Parse(seen, System.Globalization.CultureInfo.InvariantCulture) > 10;
        }, "the host witnesses what happened");
        var kept = (await db1.Run("cat /etc/ssh/certauthority/audit.checkpoint")).Done();
        await daemon.Stop();
        (await daemon.Administrator.Types("bash", "-c", $"rm -r {daemon.DataDirectory}; mv {daemon.DataDirectory}.old {daemon.DataDirectory}")).Done();
        await daemon.Restart();

        await Eventually.Holds(async () => (await fleet.Tctl("status")).ExitCode == 1 && (await daemon.Myself.Types("tsh", "login")).ExitCode == 1, "nothing is issued");
        Assert.Contains("db1 witnessed", (await fleet.Tctl("status")).Error, StringComparison.Ordinal);
        Assert.Contains("audit.proof_failed", (await fleet.Tctl("audit", "ls", "--limit=50")).Done(), StringComparison.Ordinal);
        Assert.Equal(kept, (await db1.Run("cat /etc/ssh/certauthority/audit.checkpoint")).Done());

        // Somebody has looked, and decides for what is there.
        (await fleet.Tctl("nodes", "sync", "db1", "--take-over")).Done();
        Assert.Equal(kept, (await db1.Run("cat /etc/ssh/certauthority/audit.checkpoint")).Done());
        (await fleet.Tctl("audit", "accept")).Done();
        (await daemon.Myself.Types("tsh", "login")).Done();
        await Eventually.Holds(async () =>
        {
            (await fleet.Tctl("nodes", "sync", "db1")).Done();
            return (await db1.Run("cat /etc/ssh/certauthority/audit.checkpoint")).Done() != kept;
        }, "the host witnesses the new log");
        (await fleet.Tctl("status")).Done();
    }
}
