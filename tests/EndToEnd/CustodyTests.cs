using System.Diagnostics;
using CertAuthority.Protocol;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>CA keys that are not in a plain file, with sshd as the judge.</summary>
public sealed class CustodyTests
{
    private const string Everywhere = "{kind: role, version: v7, metadata: {name: everywhere}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}";
    private const string SoftHsm = "/usr/lib/softhsm/libsofthsm2.so";

    [PeopleTheory]
    [InlineData("ed25519", 256)]
    [InlineData("ecdsa", 256)]
    [InlineData("rsa", 3072)]
    public async Task Keys_in_an_agent_sign_what_hosts_accept(string type, int bits)
    {
        using var scratch = new Scratch();
        await using var agent = await CaAgent.Start(scratch);
        var user = await agent.NewKey("user_ca", type, bits);
        var host = await agent.NewKey("host_ca", type, bits);
        await using var daemon = await TestDaemon.Start(scratch, configuration:
            $"{TestDaemon.ManyLogins}user_ca: {{agent: {agent.Socket}, fingerprint: '{user}'}}\nhost_ca: {{agent: {agent.Socket}, fingerprint: '{host}'}}\n");
        var alice = await Alice(daemon);

        (await alice.Types("tsh", "login")).Done();

        var db1 = await TestHost.Create(daemon, "db1");
        Assert.True(await db1.LetsIn(alice, "postgres"), db1.Log);
        (await daemon.Administrator.Types(["tctl", "create"], "{kind: node, version: v2, metadata: {name: db1}, spec: {addr: db1.example.com}}")).Done();
        (await daemon.Administrator.Types("tctl", "auth", "sign", "--host=db1", daemon.Scratch["host-db1-Command/host_key.pub"])).Done();
        Assert.Equal([user, host], await Signers(daemon));
        Assert.False(File.Exists(daemon.File("user_ca")));
        Assert.False(File.Exists(daemon.File("host_ca")));
        var status = (await daemon.Administrator.Types("tctl", "status")).Done();
        Assert.Contains($"user CA: {user}\n", status, StringComparison.Ordinal);
        Assert.Contains($"user CA key: in an agent, {agent.Socket}\nhost CA key: in an agent, {agent.Socket}\nsync CA key: in a file, {daemon.File("sync_ca")}\n", status, StringComparison.Ordinal);
        Assert.Equal("user agent\nhost agent\nsync file\n", (await daemon.Administrator.Types("bash", "-c", "tctl status --format=json | jq -r '.ca_keys[] | \"\\(.ca) \\(.kept)\"'")).Done());
        // A revoked certificate is on the list under the key in the agent.
        (await daemon.Administrator.Types("tctl", "certs", "revoke", "--user=alice")).Done();
        Assert.False(await db1.LetsIn(alice, "postgres"));
        Assert.Contains("revoked", db1.Log, StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Daemon_enters_hosts_by_a_sync_key_in_an_agent()
    {
        using var scratch = new Scratch();
        await using var agent = await CaAgent.Start(scratch);
        var fingerprint = await agent.NewKey("sync_ca");
        await using var fleet = await EnrolledFleet.Start($"sync_ca: {{agent: {agent.Socket}, fingerprint: '{fingerprint}'}}\n");

        await using var db1 = await fleet.EnrolledHost();

        Assert.False(File.Exists(fleet.Daemon.File("sync_ca")));
        (await fleet.Tctl("nodes", "sync", "db1")).Done();
        await Eventually.Holds(() => fleet.HasTheList(db1));
        Assert.Contains(
            $"Signing CA: ED25519 {fingerprint} ", (await fleet.Daemon.Administrator.Types("ssh-keygen", "-L", "-f", fleet.Daemon.File("push/id-cert.pub"))).Done(), StringComparison.Ordinal);
        Assert.Contains($"sync CA key: in an agent, {agent.Socket}\n", (await fleet.Tctl("status")).Done(), StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Dead_agent_issues_nothing_spends_nothing_and_heals()
    {
        using var scratch = new Scratch();
        await using var agent = await CaAgent.Start(scratch);
        var fingerprint = await agent.NewKey("user_ca");
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"{TestDaemon.ManyLogins}user_ca: {{agent: {agent.Socket}, fingerprint: '{fingerprint}'}}\n");
        var alice = await Alice(daemon);
        (await alice.Types("tsh", "login")).Done();

        await agent.Kill();
        // The first caller finds it out; the second may have been recorded meanwhile.
        var refused = await alice.Types("tsh", "login");
        Assert.Equal(1, refused.ExitCode);
        Assert.Equal("tsh: error: the user CA key cannot sign now, so no certificate is issued\ntsh: hint: every call tries it again; an administrator sees where: tctl status\n", refused.Error);
        var issued = Issued(daemon);
        for (var i = 0; i < 20; i++)
            Assert.Equal(1, (await alice.Types("tsh", "login")).ExitCode);
        Assert.Equal(issued, Issued(daemon));

        var status = await daemon.Administrator.Types("tctl", "status");
        Assert.Equal(1, status.ExitCode);
        Assert.Matches($"^tctl: error: the user CA key cannot sign, so it signs nothing: the agent at {agent.Socket} cannot be reached: .*\ntctl: hint: the daemon signs again by itself once this is put right; docs/keys.md\n$", status.Error);
        Assert.Contains("tctl: error: the user CA key cannot sign\n", (await daemon.Administrator.Types("tctl", "status", "--check")).Error, StringComparison.Ordinal);
        Assert.Contains("certauthority_ca_key_usable{ca=\"user\"} 0\ncertauthority_ca_key_usable{ca=\"host\"} 1\n", (await daemon.Administrator.Types("tctl", "status", "--format=prometheus")).Done(), StringComparison.Ordinal);
        await Eventually.Holds(async () => (await daemon.Administrator.Types("tctl", "audit", "ls")).Done().Contains("ca.unusable", StringComparison.Ordinal), "the audit says so");
        Assert.Contains("the user CA key signs nothing until this is put right: the agent at", daemon.Log, StringComparison.Ordinal);
        // What takes access away needs no CA key.
        (await daemon.Administrator.Types("tctl", "certs", "revoke", "--user=alice")).Done();

        // An agent without its key is no better, and is described.
        await agent.Begin();
        await Eventually.Holds(async () =>
            (await daemon.Administrator.Types("tctl", "status")).Error.Contains($"the agent at {agent.Socket} does not have the key {fingerprint}; it has none; load it with SSH_AUTH_SOCK={agent.Socket} ssh-add KEY", StringComparison.Ordinal), "the status says that the key is not there");
        await agent.Load("user_ca");
        await Eventually.Holds(async () => (await alice.Types("tsh", "login")).ExitCode == 0, "the login works again");

        var db1 = await TestHost.Create(daemon, "db1");
        Assert.True(await db1.LetsIn(alice, "postgres"), db1.Log);
        (await daemon.Administrator.Types("tctl", "status")).Done();
        await Eventually.Holds(async () => (await daemon.Administrator.Types("tctl", "audit", "ls")).Done().Contains("ca.usable", StringComparison.Ordinal), "the audit says so");
        Assert.Equal("ready\n", (await daemon.Administrator.Types("tctl", "status", "--check")).Done());
    }

    [PeopleFact]
    public async Task Agent_that_hangs_keeps_nobody_waiting_for_long()
    {
        using var scratch = new Scratch();
        await using var agent = await CaAgent.Start(scratch);
        var fingerprint = await agent.NewKey("user_ca");
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"{TestDaemon.ManyLogins}user_ca: {{agent: {agent.Socket}, fingerprint: '{fingerprint}'}}\n");
        await Alice(daemon);
        using var ca = daemon.Connect();
        await ca.Send(Routes.Login, new Login(TestDaemon.AnyKey, "alice"));
        await agent.Signal("STOP");

        for (var round = 0; round < 2; round++)
        {
            var time = Stopwatch.StartNew();
            await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
            {
                using var caller = daemon.Connect();
                var problem = (await Assert.ThrowsAsync<ProblemException>(() => caller.Send(Routes.Login, new Login(TestDaemon.AnyKey, "alice")))).Problem;
                Assert.Equal(ProblemCode.Unavailable, problem.Code);
            }));
            Assert.InRange(time.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5));
            // Callers who need no signature do not notice.
            time.Restart();
            (await daemon.Administrator.Types("tctl", "users", "ls")).Done();
            Assert.InRange(time.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(3));
        }

        await agent.Signal("CONT");
        await Eventually.Holds(
            async () =>
            {
                try
                {
                    return (await ca.Send(Routes.Login, new Login(TestDaemon.AnyKey, "alice"))).Certificate is not null;
                }
                catch (ProblemException)
                {
                    return false;
                }
            },
            "the login works again");
    }

    [PeopleFact]
    public async Task Logins_while_the_agent_restarts_verify_or_are_refused()
    {
        using var scratch = new Scratch();
        await using var agent = await CaAgent.Start(scratch);
        var fingerprint = await agent.NewKey("user_ca");
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"{TestDaemon.ManyLogins}user_ca: {{agent: {agent.Socket}, fingerprint: '{fingerprint}'}}\n");
        await Alice(daemon);
        using var end = new CancellationTokenSource();
        var (certificates, refused) = (new System.Collections.Concurrent.ConcurrentBag<string>(), 0);
        var callers = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            using var ca = daemon.Connect();
            while (!end.IsCancellationRequested)
                try
                {
                    certificates.Add((await ca.Send(Routes.Login, new Login(TestDaemon.AnyKey, "alice"))).Certificate!);
                }
                catch (ProblemException problem)
                {
                    Assert.Equal(ProblemCode.Unavailable, problem.Problem.Code);
                    Interlocked.Increment(ref refused);
                    await Task.Delay(50);
                }
        })).ToArray();

        for (var round = 0; round < 4; round++)
        {
            var before = certificates.Count;
            await Eventually.Holds(() => certificates.Count >= before + 20);
            var refusals = Volatile.Read(ref refused);
            await agent.Kill();
            await Eventually.Holds(() => Volatile.Read(ref refused) > refusals + 8);
            await agent.Begin();
            await agent.Load("user_ca");
        }
        var last = certificates.Count;
        await Eventually.Holds(() => certificates.Count >= last + 20);
        end.Cancel();
        await Task.WhenAll(callers);

        // ssh-keygen reads no certificate whose signature it could not verify.
        File.WriteAllLines(scratch["all.pub"], certificates);
        var read = (await daemon.Administrator.Types("ssh-keygen", "-L", "-f", scratch["all.pub"])).Done();
        Assert.Equal(certificates.Count, read.Split($"Signing CA: ED25519 {fingerprint} ").Length - 1);
        Assert.Equal(certificates.Count, certificates.Distinct().Count());
    }

    [PeopleFact]
    public async Task Start_without_the_pinned_key_is_one_line_with_the_remedy()
    {
        using var scratch = new Scratch();
        await using var agent = await CaAgent.Start(scratch);
        var fingerprint = await agent.NewKey("user_ca");
        var other = "SHA256:" + new string('x', 43);

        Assert.Equal(
            $"certauthority: error: user_ca: the agent at {agent.Socket} does not have the key {other}; it has {fingerprint}; load it with SSH_AUTH_SOCK={agent.Socket} ssh-add KEY, or correct user_ca.fingerprint\n",
            await Refusal(agent.Socket, other));
        Assert.Matches(
            $"^certauthority: error: host_ca: the agent at {scratch["none.sock"]} cannot be reached: [^\n]*; start it, and load the key with SSH_AUTH_SOCK={scratch["none.sock"]} ssh-add KEY\n$",
            await Refusal(scratch["none.sock"], other, "host"));
        File.SetUnixFileMode(Path.GetDirectoryName(agent.Socket)!, (UnixFileMode)0b111_111_111);
        Assert.EndsWith(
            $":1:18: user_ca.agent: {Path.GetDirectoryName(agent.Socket)} has mode 0777, so that others can write there; run: chmod go-w {Path.GetDirectoryName(agent.Socket)}\n",
            await Refusal(agent.Socket, fingerprint), StringComparison.Ordinal);
        File.SetUnixFileMode(Path.GetDirectoryName(agent.Socket)!, (UnixFileMode)0b111_000_000);
        File.Move(Path.Combine(agent.Keys, "user_ca"), scratch["data/user_ca"], overwrite: true);
        File.Delete(scratch["data/user_ca.pub"]);
        Assert.Equal(
            $"certauthority: error: {scratch["data/user_ca"]} is still there, although the key is in an agent: whoever reads it needs no agent; move it to a safe place\n",
            await Refusal(agent.Socket, fingerprint));
        File.Delete(scratch["data/user_ca"]);

        // The key that was in a file stays trusted when it moves into an agent: the public half is the same.
        await using var daemon = await TestDaemon.Start(scratch, configuration: Configuration(agent.Socket, fingerprint, "user"));
        Assert.Equal(File.ReadAllText(Path.Combine(agent.Keys, "user_ca.pub")).Split(' ')[1], File.ReadAllText(daemon.File("user_ca.pub")).Split(' ')[1]);

        async Task<string> Refusal(string socket, string key, string purpose = "user")
        {
            var refused = await TestDaemon.Refuses(scratch, "--config", scratch.Write("c.yaml", Configuration(socket, key, purpose)));
            Assert.True(refused.ExitCode != 0, refused.Output);
            return refused.Error;
        }

        static string Configuration(string socket, string key, string purpose) => $"{purpose}_ca: {{agent: {socket}, fingerprint: '{key}'}}\n";
    }

    [ProgramFact("softhsm2-util")]
    public async Task Key_on_a_token_signs_through_an_agent()
    {
        using var scratch = new Scratch();
        Directory.CreateDirectory(scratch["tokens"]);
        var configuration = ("SOFTHSM2_CONF", scratch.Write("softhsm2.conf", $"directories.tokendir = {scratch["tokens"]}\nlog.level = ERROR\n"));
        // ssh-agent compares the library with what it may load after it resolved the links in it.
        var library = File.ResolveLinkTarget(SoftHsm, returnFinalTarget: true)?.FullName ?? SoftHsm;
        await using var agent = await CaAgent.Start(scratch, [library], configuration);
        (await agent.Types("bash", "-c", $"softhsm2-util --init-token --free --label ca --so-pin 1234 --pin 5678 && openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {scratch["k.pem"]} && softhsm2-util --import {scratch["k.pem"]} --token ca --label ca --id 01 --pin 5678 && rm {scratch["k.pem"]}")).Done();
        var pin = scratch.Write("pin", "#!/bin/sh\necho 5678\n");
        File.SetUnixFileMode(pin, (UnixFileMode)0b111_000_000);
        (await agent.Types("env", $"SSH_ASKPASS={pin}", "SSH_ASKPASS_REQUIRE=force", "ssh-add", "-q", "-s", library)).Done();
        var fingerprint = (await agent.Types("ssh-add", "-l")).Done().Split(' ')[1];
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"user_ca: {{agent: {agent.Socket}, fingerprint: '{fingerprint}'}}\n");
        (await daemon.Administrator.Types(["tctl", "create"], Everywhere)).Done();
        (await daemon.Administrator.Types("tctl", "users", "add", "me", $"--unix-user={Environment.UserName}", "--roles=everywhere")).Done();

        (await daemon.Myself.Types("tsh", "login", "--user=me")).Done();

        var signed = (await daemon.Administrator.Types("ssh-keygen", "-L", "-f", Path.Combine(daemon.Myself.Home, "id-cert.pub"))).Done();
        Assert.Contains($"Signing CA: ECDSA {fingerprint} (using ecdsa-sha2-nistp256)", signed, StringComparison.Ordinal);
        if (World.HasPeople)
        {
            var db1 = await TestHost.Create(daemon, "db1");
            Assert.True(await db1.LetsIn(daemon.Myself, "postgres"), db1.Log);
        }
        // The token is taken out of the agent.
        (await agent.Types("ssh-add", "-q", "-e", library)).Done();
        Assert.Equal("tsh: error: the user CA key cannot sign now, so no certificate is issued", (await daemon.Myself.Types("tsh", "login", "--user=me")).Error.Split('\n')[0]);
    }

    [PeopleFact]
    public async Task Key_file_that_others_can_read_signs_nothing_until_mended()
    {
        await using var daemon = await TestDaemon.Start();
        var alice = await Alice(daemon);
        (await alice.Types("tsh", "login")).Done();
        Assert.Contains($"user CA key: in a file, {daemon.File("user_ca")}\n", (await daemon.Administrator.Types("tctl", "status")).Done(), StringComparison.Ordinal);

        File.SetUnixFileMode(daemon.File("user_ca"), (UnixFileMode)0b110_100_000);
        await Eventually.Holds(() => daemon.Log.Contains("the user CA key signs nothing until this is put right", StringComparison.Ordinal));
        var issued = Issued(daemon);

        Assert.Equal("tsh: error: the user CA key cannot sign now, so no certificate is issued", (await alice.Types("tsh", "login")).Error.Split('\n')[0]);
        Assert.Equal(issued, Issued(daemon));
        Assert.Contains(
            $"tctl: error: the user CA key cannot sign, so it signs nothing: {daemon.File("user_ca")} has mode 0640, so that others can use it; run: chmod 600 {daemon.File("user_ca")}\n",
            (await daemon.Administrator.Types("tctl", "status")).Error, StringComparison.Ordinal);

        File.SetUnixFileMode(daemon.File("user_ca"), (UnixFileMode)0b110_000_000);
        (await alice.Types("tsh", "login")).Done();
        await Eventually.Holds(async () => (await daemon.Administrator.Types("tctl", "audit", "ls")).Done().Contains("ca.usable", StringComparison.Ordinal), "the audit says so");
        Assert.Contains("ca.unusable", (await daemon.Administrator.Types("tctl", "audit", "ls")).Done(), StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Encrypted_key_opens_with_the_passphrase_of_its_credential()
    {
        const string Passphrase = "correct horse battery";
        using var scratch = new Scratch();
        Directory.CreateDirectory(scratch["data"], (UnixFileMode)0b111_000_000);
        Directory.CreateDirectory(scratch["credentials"], (UnixFileMode)0b111_000_000);
        var key = scratch["data/user_ca"];
        var daemonless = new Person(null, scratch["admin"], "");
        string[] around = ["env", $"CREDENTIALS_DIRECTORY={scratch["credentials"]}"];
        (await daemonless.Types("ssh-keygen", "-q", "-t", "ed25519", "-C", "user CA", "-N", Passphrase, "-f", key)).Done();
        var config = scratch.Write("c.yaml", "user_ca: {credential: user_ca-passphrase}\n");

        Assert.Equal(
            "certauthority: error: user_ca: there is no credential user_ca-passphrase, because systemd passes none; name it in the unit: LoadCredentialEncrypted=user_ca-passphrase:FILE\n",
            (await TestDaemon.Refuses(scratch, "--config", config)).Error);
        Assert.Equal(
            $"certauthority: error: user_ca: there is no credential user_ca-passphrase in {scratch["credentials"]}; name it in the unit: LoadCredentialEncrypted=user_ca-passphrase:FILE\n",
            await Refusal());
        Credential("wrong");
        Assert.Equal($"certauthority: error: {key}: the passphrase in the credential is not the one of this key\n", await Refusal());
        Credential(Passphrase);
        File.SetUnixFileMode(scratch["credentials/user_ca-passphrase"], (UnixFileMode)0b110_000_100);
        Assert.Equal($"certauthority: error: user_ca: {scratch["credentials/user_ca-passphrase"]} has mode 0604, so that others can read it\n", await Refusal());
        File.SetUnixFileMode(scratch["credentials/user_ca-passphrase"], (UnixFileMode)0b100_000_000);

        await using var daemon = await TestDaemon.Start(scratch, around: around, configuration: "user_ca: {credential: user_ca-passphrase}\n");
        var alice = await Alice(daemon);
        (await alice.Types("tsh", "login")).Done();
        var db1 = await TestHost.Create(daemon, "db1");
        Assert.True(await db1.LetsIn(alice, "postgres"), db1.Log);
        Assert.Contains($"user CA key: in an encrypted file, {key}\n", (await daemon.Administrator.Types("tctl", "status")).Done(), StringComparison.Ordinal);
        // The passphrase is in no log, no argument and no environment.
        Assert.DoesNotContain("horse", daemon.Log, StringComparison.Ordinal);
        foreach (var what in (string[])["cmdline", "environ"])
            Assert.DoesNotContain("horse", File.ReadAllText($"/proc/{daemon.ProcessId}/{what}"), StringComparison.Ordinal);
        await daemon.Stop();

        (await daemon.Administrator.Types("ssh-keygen", "-q", "-p", "-P", Passphrase, "-N", "", "-f", key)).Done();
        Assert.Equal($"certauthority: error: {key}: the key is not encrypted, although the passphrase is in a credential; run: ssh-keygen -p -f {key}\n", await Refusal());

        void Credential(string passphrase)
        {
            File.Delete(scratch["credentials/user_ca-passphrase"]);
            File.SetUnixFileMode(scratch.Write("credentials/user_ca-passphrase", passphrase + "\n"), (UnixFileMode)0b110_000_000);
        }

        async Task<string> Refusal() => (await daemonless.Types([.. around, Path.Combine(World.Programs, "certauthority"), "--config", config, "--data-dir", scratch["data"], "--socket", scratch["run/ca.sock"]])).Error;
    }

    private static async Task<Person> Alice(TestDaemon daemon)
    {
        (await daemon.Administrator.Types(["tctl", "create"], Everywhere)).Done();
        (await daemon.Administrator.Types("tctl", "users", "add", "alice", "--roles=everywhere", "--unix-user=alice", $"--unix-user={Environment.UserName}")).Done();
        return daemon.Person(Person.Alice);
    }

    private static int Issued(TestDaemon daemon) =>
        daemon.StoredAudit().Count(entry => System.Text.Encoding.UTF8.GetString(entry.Json).Contains("\"certificate.issued\"", StringComparison.Ordinal));

    private static async Task<string[]> Signers(TestDaemon daemon) =>
    [
        .. (await daemon.Administrator.Types("bash", "-c", $"ssh-keygen -L -f {daemon.Scratch["home-5001/.certauthority/id-cert.pub"]}; ssh-keygen -L -f {daemon.Scratch["host-db1-Command/host_key-cert.pub"]}")).Done()
            .Split('\n').Where(line => line.Contains("Signing CA", StringComparison.Ordinal)).Select(line => line.Trim().Split(' ')[3]),
    ];
}
