namespace CertAuthority.Tests.EndToEnd;

/// <summary>Another user CA key in the place of the one before it, with an sshd that trusts both as the judge.</summary>
public sealed class ReplacedCaTests
{
    [PeopleFact]
    public async Task Replacing_a_CA_in_use_needs_new_ca_and_keeps_revocations()
    {
        await using var daemon = await TestDaemon.Start();
        var (alice, bob) = (daemon.Person(Person.Alice), daemon.Person(Person.Bob));
        (await daemon.Administrator.Types(["tctl", "create"], "{kind: role, version: v7, metadata: {name: everywhere}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}")).Done();
        foreach (var name in (string[])["alice", "bob"])
            (await daemon.Administrator.Types("tctl", "users", "add", name, "--roles=everywhere")).Done();
        (await alice.Types("tsh", "login")).Done();
        var host = await TestHost.Create(daemon, "db1");
        Assert.True(await host.LetsIn(alice, "postgres"), host.Log);
        (await daemon.Administrator.Types("tctl", "certs", "revoke", "--all", "--yes")).Done();
        Assert.False(await host.LetsIn(alice, "postgres"));

        // Nothing of the old key is alive, so the new one comes without a word. Hosts may trust both for long.
        var old = daemon.PublicKey("user_ca");
        await ReplaceKey(daemon);
        await daemon.Restart();
        var second = daemon.PublicKey("user_ca");
        Assert.NotEqual(old, second);
        host.TrustInstead($"{old.ToLine("old")}\n{second.ToLine("new")}");
        Assert.False(await host.LetsIn(alice, "postgres"));
        Assert.Contains("revoked", host.Log);
        (await bob.Types("tsh", "login")).Done();
        Assert.True(await host.LetsIn(bob, "postgres"), host.Log);
        // Each certificate names the key that signed it.
        string[] signers = [.. (await daemon.Administrator.Types("bash", "-c", "tctl certs ls --format=json | jq -r '.[].ca'")).Done().Split('\n', StringSplitOptions.RemoveEmptyEntries)];
        Assert.Equal([await Fingerprint(daemon, second), await Fingerprint(daemon, old)], signers);

        // Now something of it lives.
        await daemon.Stop();
        foreach (var file in (string[])["user_ca", "user_ca.pub"])
            File.Move(daemon.File(file), daemon.Scratch[file]);
        var refused = await TestDaemon.Refuses(daemon.Scratch);
        Assert.Equal(1, refused.ExitCode);
        Assert.Matches("^certauthority: error: user_ca is SHA256:[^ ]+, and a certificate that is still valid was signed by SHA256:[^ ]+; restore that key, or revoke it with all that it signed: certauthority --new-ca\n$", refused.Error);

        await daemon.Restart("--new-ca");

        var third = daemon.PublicKey("user_ca");
        Assert.Contains("hosts let nobody in before they have the new user_ca.pub", daemon.Log);
        host.TrustInstead($"{old.ToLine("old")}\n{second.ToLine("new")}\n{third.ToLine("newer")}");
        Assert.False(await host.LetsIn(bob, "postgres"));
        Assert.False(await host.LetsIn(alice, "postgres"));
        // The key itself is on the list: what it signs without a record, too.
        var forged = daemon.Scratch["forged"];
        (await daemon.Administrator.Types("bash", "-c", $"cp {bob.Home}/id.pub {forged}.pub && ssh-keygen -q -s {daemon.Scratch["user_ca"]} -I forged -n postgres -z 77 -V +1h {forged}.pub")).Done();
        Assert.False(await host.LetsIn(bob, "postgres", $"{forged}-cert.pub"));
        Assert.Contains("revoked", host.Log);
        Assert.DoesNotContain(" VALID", (await daemon.Administrator.Types("tctl", "certs", "ls")).Done());
        Assert.Equal(2, (await daemon.Administrator.Types("tctl", "audit", "ls", "--format=json")).Done().Split("\"ca.revoked\"").Length - 1);
        var status = await bob.Types("tsh", "status");
        Assert.Equal(1, status.ExitCode);
        Assert.Matches("^tsh: error: certificate [0-9]+ has been revoked\n", status.Error);
        (await bob.Types("tsh", "login")).Done();
        Assert.True(await host.LetsIn(bob, "postgres"), host.Log);

        // A key that is on the list signs nothing again.
        await daemon.Stop();
        foreach (var file in (string[])["user_ca", "user_ca.pub"])
            File.Move(daemon.Scratch[file], daemon.File(file), overwrite: true);
        Assert.Matches("^certauthority: error: user_ca, SHA256:[^ ]+, is on the revocation list since .*Z, so hosts refuse whatever it signs; remove user_ca and user_ca.pub", (await TestDaemon.Refuses(daemon.Scratch, "--new-ca")).Error);
    }

    [PeopleFact]
    public async Task Start_with_the_key_alone_revives_nothing_revoked()
    {
        await using var lost = await TestDaemon.Start();
        (await lost.Administrator.Types(["tctl", "create"], "{kind: role, version: v7, metadata: {name: everywhere}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}")).Done();
        (await lost.Administrator.Types("tctl", "users", "add", "alice", "--roles=everywhere")).Done();
        var alice = lost.Person(Person.Alice);
        (await alice.Types("tsh", "login")).Done();
        (await lost.Administrator.Types("tctl", "certs", "revoke", "--all", "--yes")).Done();
        await lost.Stop();
        using var elsewhere = new Scratch();
        Directory.CreateDirectory(elsewhere["data"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var name in (string[])["user_ca", "user_ca.pub", "host_ca", "host_ca.pub"])
            File.Copy(lost.File(name), elsewhere[$"data/{name}"]);

        await using var daemon = await TestDaemon.Start(elsewhere);

        Assert.Contains("restored from its keys, without a database", daemon.Log);
        var host = await TestHost.Create(daemon, "db1");
        Assert.False(await host.LetsIn(alice, "postgres"));
        Assert.Contains("revoked", host.Log);
        await daemon.Stop();
        await daemon.Restart();
        Assert.Equal(2, daemon.Log.Split("restored from").Length);
    }

    private static async Task ReplaceKey(TestDaemon daemon)
    {
        await daemon.Stop();
        foreach (var file in (string[])["user_ca", "user_ca.pub"])
            File.Delete(daemon.File(file));
    }

    private static async Task<string> Fingerprint(TestDaemon daemon, OpenSsh.PublicKey key) =>
        (await daemon.Administrator.Types(["bash", "-c", "ssh-keygen -lf - | cut -d' ' -f2"], key.ToLine("ca") + "\n")).Done().Trim();
}
