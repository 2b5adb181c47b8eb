using System.Net.Sockets;
using System.Text.Json;
using CertAuthority.Protocol;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>The daemon with its user CA key in certauthority-signer, with sshd as the judge.</summary>
public sealed class SignerTests
{
    private const string Everywhere = "{kind: role, version: v7, metadata: {name: everywhere}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}";

    [PeopleFact]
    public async Task Daemon_signs_through_a_signer_of_another_account()
    {
        using var scratch = new Scratch();
        await using var signer = await TestSigner.Start(scratch);
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"{TestDaemon.ManyLogins}{signer.Configuration}");
        var alice = await Alice(daemon);

        (await alice.Types("tsh", "login")).Done();

        var db1 = await TestHost.Create(daemon, "db1");
        Assert.True(await db1.LetsIn(alice, "postgres"), db1.Log);
        Assert.Contains($"user CA key: in an agent, {signer.Socket}\n", (await daemon.Administrator.Types("tctl", "status")).Done(), StringComparison.Ordinal);
        // The log and the audit have the same certificates.
        var logged = Logged(signer);
        Assert.Equal((await daemon.Administrator.Types("bash", "-c", "tctl audit ls --order=oldest --format=jsonl | jq -r 'select(.event == \"certificate.issued\").digest'")).Done().Split('\n')[..^1], logged.Select(line => line.GetProperty("digest").GetString()!));
        Assert.Equal("alice", logged[0].GetProperty("key_id").GetString());
        Assert.Equal($"{TestSigner.Uid} 640\n", (await signer.Types(null, "stat", "-c", "%u %a", signer.Signatures)).Done());

        // The kernel says who connects, whatever the mode of the socket.
        Assert.Contains(signer.Fingerprint, (await signer.Types(null, "ssh-add", "-l")).Done(), StringComparison.Ordinal);
        File.SetUnixFileMode(signer.Socket, (UnixFileMode)0b110_110_110);
        Assert.Contains("error fetching identities", (await signer.Types(Person.Bob, "ssh-add", "-l")).Error, StringComparison.Ordinal);
        await signer.Says($"certauthority-signer: refused: a connection of uid {Person.Bob}, and only uid 0 may connect");
        // Neither a long message nor many connections keep the daemon from signing.
        using (var long4GiB = Connected(signer))
        {
            long4GiB.Send([0xFF, 0xFF, 0xFF, 0xFF]);
            Assert.Equal(0, long4GiB.Receive(new byte[1]));
        }
        await signer.Says("refused: a message of 4294967295 bytes, and 1 to 16384 are read");
        var many = Enumerable.Range(0, 40).Select(_ => Connected(signer)).ToList();
        await signer.Says("refused: a connection beyond 32");
        (await alice.Types("tsh", "login")).Done();
        many.ForEach(one => one.Dispose());
        // It takes no key, and gives none away.
        (await signer.Types(null, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", scratch["other"])).Done();
        Assert.NotEqual(0, (await signer.Types(null, "ssh-add", "-q", scratch["other"])).ExitCode);
        Assert.NotEqual(0, (await signer.Types(null, "ssh-add", "-D")).ExitCode);
        await signer.Says("refused: a message of the type 17 is not answered");
    }

    [PeopleFact]
    public async Task Certificate_beyond_the_limits_is_refused_with_words()
    {
        using var scratch = new Scratch();
        await using var signer = await TestSigner.Start(scratch, "lifetime 1h\nnever_principals root\n");
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"{TestDaemon.ManyLogins}{signer.Configuration}");
        var alice = await Alice(daemon);

        var refused = await alice.Types("tsh", "login", "--ttl=2h");

        Assert.Equal(1, refused.ExitCode);
        Assert.Matches("^tsh: error: the agent with the user CA key refuses to sign certificate \\d+, which is beyond its limits\ntsh: hint: try again in a minute; if it refuses again, an administrator finds the reason in its log\n$", refused.Error);
        await signer.Says("and may be valid for at most 1h from now");
        Assert.Matches("certauthority-signer: refused: certificate \\d+ of alice: it ends at [^ ]+Z, and may be valid for at most 1h from now", signer.Log);
        // Nobody else is kept from logging in, and nothing is wrong with the key.
        (await alice.Types("tsh", "login", "--ttl=30m")).Done();
        (await daemon.Administrator.Types("tctl", "status")).Done();
        Assert.Single(Logged(signer));
    }

    [PeopleFact]
    public async Task Killed_signer_forgets_no_signature_and_heals()
    {
        using var scratch = new Scratch();
        await using var signer = await TestSigner.Start(scratch, "lifetime 30h\nper_minute 100000\n");
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"{TestDaemon.ManyLogins}{signer.Configuration}");
        await Alice(daemon);
        using var end = new CancellationTokenSource();
        var certificates = new System.Collections.Concurrent.ConcurrentBag<string>();
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
                    await Task.Delay(50);
                }
        })).ToArray();

        for (var round = 0; round < 3; round++)
        {
            var before = certificates.Count;
            await Eventually.Holds(() => certificates.Count >= before + 20);
            await signer.Kill();
            await signer.Begin();
        }
        var last = certificates.Count;
        await Eventually.Holds(() => certificates.Count >= last + 20);
        end.Cancel();
        await Task.WhenAll(callers);

        var serials = Logged(signer).Select(line => line.GetProperty("serial").GetUInt64()).ToHashSet();
        Assert.All(certificates, certificate => Assert.Contains(OpenSsh.Certificate.ParseLine(certificate).Serial, serials));
        (await daemon.Administrator.Types("tctl", "status")).Done();
    }

    [PeopleFact]
    public async Task Signature_that_the_audit_does_not_know_shows()
    {
        using var scratch = new Scratch();
        await using var signer = await TestSigner.Start(scratch, "lifetime 30h\nnever_principals root\n");
        await using var daemon = await TestDaemon.Start(scratch, configuration: signer.Configuration);
        var alice = await Alice(daemon);
        (await alice.Types("tsh", "login")).Done();

        // Whoever has the daemon's account, here root, asks the signer without the daemon.
        (await signer.Types(null, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", scratch["thief"])).Done();
        Assert.NotEqual(0, (await Forge("root")).ExitCode);
        Assert.NotEqual(0, (await Forge("postgres", "-V", "-1m:+10d")).ExitCode);
        Assert.NotEqual(0, (await Forge("postgres", "-O", "permit-user-rc")).ExitCode);
        await signer.Says("refused: certificate 99 of thief: it has the principal root, and may never have root");
        // So is everything that is no certificate: a login as somebody who trusts the key, or a signed file.
        Assert.NotEqual(0, (await signer.Types(null, "ssh-keygen", "-Y", "sign", "-n", "file", "-f", daemon.File("user_ca.pub"), signer.Settings)).ExitCode);
        (await Forge("postgres")).Done();

        var compared = await Eventually99();
        Assert.Matches("certauthority-signer: error: the audit does not know 1 of [0-9]+\n$", compared.Error);
        Assert.Equal("99 thief", (await daemon.Administrator.Types(["jq", "-r", "\"\\(.serial) \\(.key_id)\""], compared.Output)).Done().Trim());
        Assert.Equal(
            "certauthority-signer: 0 compared, and the audit knows all of them\n", (await Compare("--since=2099-01-01T00:00:00Z")).Error);
        Assert.Equal(2, (await Compare("--since=yesterday")).ExitCode);
        Assert.Equal(3, (await Compare("--since=30d")).ExitCode);
        // An audit from before says nothing of what was signed since, and none at all says nothing.
        var signedBefore = Logged(signer)[0].GetProperty("digest").GetString();
        (await daemon.Administrator.Types("bash", "-c", $"tctl audit ls --format=jsonl | jq -c 'select(.digest != \"{signedBefore}\")' | tail -n 1 > {scratch["early"]}")).Done();
        var early = await daemon.Administrator.Types("bash", "-c", $"certauthority-signer compare --config={signer.Settings} < {scratch["early"]}");
        Assert.Equal(0, early.ExitCode);
        Assert.Matches("^certauthority-signer: 0 compared, and the audit knows all of them\ncertauthority-signer: [0-9]+ not compared: they are not earlier than the last entry of the audit, [0-9TZ:-]+\n$", early.Error);
        var none = await daemon.Administrator.Types("certauthority-signer", "compare", $"--config={signer.Settings}");
        Assert.Equal((1, "certauthority-signer: error: the audit on standard input is empty, so nothing was compared; see whether tctl audit ls failed\n"), (none.ExitCode, none.Error));
        Assert.Equal("certauthority-signer: error: /none/log: there is no such file\n", (await daemon.Administrator.Types("bash", "-c", $"certauthority-signer compare /none/log < {scratch["early"]}")).Error);

        Task<Outcome> Forge(string principal, params string[] more) => signer.Types(
            null, ["ssh-keygen", "-q", "-U", "-s", daemon.File("user_ca.pub"), "-I", "thief", "-z", "99", "-n", principal, "-O", "clear", "-V", "-1m:+1h", .. more, scratch["thief.pub"]]);

        Task<Outcome> Compare(params string[] more) => daemon.Administrator.Types(
            "bash", "-c", $"tctl audit ls --format=jsonl | certauthority-signer compare --config={signer.Settings} {string.Join(' ', more)}");

        async Task<Outcome> Eventually99()
        {
            var outcome = await Compare();
            await Eventually.Holds(
                async () =>
                {
                    // Each login is an entry of the audit, and what was signed before it is compared.
                    (await alice.Types("tsh", "login")).Done();
                    return (outcome = await Compare()).ExitCode == 3;
                },
                "the forged certificate shows");
            return outcome;
        }
    }

    [PeopleFact]
    public async Task Key_of_a_signer_is_replaced_and_nobody_is_locked_out()
    {
        using var scratch = new Scratch();
        await using var signer = await TestSigner.Start(scratch);
        await using var daemon = await TestDaemon.Start(scratch, configuration: signer.Configuration);
        var alice = await Alice(daemon);
        (await alice.Types("tsh", "login")).Done();
        await daemon.Stop();
        // As docs/keys.md says: the next key is trusted first, and then signs.
        var next = Path.Combine(signer.Keys, "user_ca_next");
        (await signer.Types(null, "bash", "-c", $"ssh-keygen -q -t ed25519 -N '' -C 'user CA' -f {next} && chown {TestSigner.Uid}:{TestSigner.Uid} {next} {next}.pub")).Done();
        File.Copy($"{next}.pub", daemon.File("user_ca_trusted.pub"));
        await daemon.Restart();
        var db1 = await TestHost.Create(daemon, "db1");
        Assert.True(await db1.LetsIn(alice, "postgres"), db1.Log);

        await daemon.Stop();
        await signer.Kill();
        signer.Set("lifetime 30h\n", "user_ca_next");
        var old = signer.Fingerprint;
        await signer.Begin();
        Assert.NotEqual(old, signer.Fingerprint);
        File.Move(daemon.File("user_ca.pub"), daemon.File("user_ca_trusted.pub"), overwrite: true);
        scratch.Write("certauthority.yaml", signer.Configuration);
        await daemon.Restart();

        Assert.True(await db1.LetsIn(alice, "postgres"), db1.Log);
        (await alice.Types("tsh", "login")).Done();
        Assert.True(await db1.LetsIn(alice, "postgres"), db1.Log);
        Assert.Contains($"user CA: {signer.Fingerprint}\nuser CA, also trusted: {old}\n", (await daemon.Administrator.Types("tctl", "status")).Done(), StringComparison.Ordinal);

        // The bad day: the signer makes a new key, and the old ones are on the list with all that they signed.
        await daemon.Stop();
        await signer.Kill();
        File.Move(next, scratch["stolen"]);
        File.Delete($"{next}.pub");
        File.Delete(daemon.File("user_ca.pub"));
        File.Delete(daemon.File("user_ca_trusted.pub"));
        var stolen = signer.Fingerprint;
        await signer.Begin();
        Assert.NotEqual(stolen, signer.Fingerprint);
        scratch.Write("certauthority.yaml", signer.Configuration);
        await daemon.Restart("--new-ca");
        Assert.False(await db1.LetsIn(alice, "postgres"));
        var db2 = await TestHost.Create(daemon, "db2");
        (await alice.Types("tsh", "login")).Done();
        Assert.True(await db2.LetsIn(alice, "postgres"), db2.Log);
    }

    [Fact]
    public async Task Settings_and_faults_of_the_start_are_one_line_each()
    {
        using var scratch = new Scratch();
        var me = new Person(null, scratch["me"], "");
        var settings = scratch.Write("s.conf", $"key {scratch["keys/user_ca"]}\nlog {scratch["log"]}\nclient nobody-here\ncertificates user\nlifetime 1h\n");

        Assert.Equal("certauthority-signer: error: client: there is no account nobody-here\n", (await me.Types("certauthority-signer", "--check", "--config", settings)).Error);
        Assert.Equal(1, (await me.Types("certauthority-signer", "--check", "--config", settings)).ExitCode);
        scratch.Write("s.conf", File.ReadAllText(settings).Replace("nobody-here", "0", StringComparison.Ordinal));
        Assert.Equal("the settings are good\n", (await me.Types("certauthority-signer", "--check", "--config", settings)).Done());
        Assert.Equal(
            "certauthority-signer: error: systemd passed no socket; start the socket of this key, such as certauthority-signer@user.socket, which starts this program\n",
            (await me.Types("certauthority-signer", "--config", settings)).Error);
        Assert.False(File.Exists(scratch["log"]));
        File.SetUnixFileMode(settings, (UnixFileMode)0b110_110_110);
        Assert.Equal(
            $"certauthority-signer: error: {settings}: {settings} has mode 0666, so that others can write there; run: chmod go-w {settings}\n",
            (await me.Types("certauthority-signer", "--check", "--config", settings)).Error);
        scratch.Write("s.conf", "keys /a\nlifetime\n");
        File.SetUnixFileMode(settings, (UnixFileMode)0b110_100_100);
        Assert.Equal(
            string.Concat(((string[])[$"{settings}:1: there is no setting keys", $"{settings}:2: lifetime has no value", $"{settings}: key is missing", $"{settings}: log is missing", $"{settings}: client is missing", $"{settings}: certificates is missing"])
                .Select(line => $"certauthority-signer: error: {line}\n")),
            (await me.Types("certauthority-signer", "--check", "--config", settings)).Error);
        Assert.Equal(2, (await me.Types("certauthority-signer", "--chek")).ExitCode);
        Assert.Equal(
            "certauthority-signer: error: \"comprae\" is not understood; the one command is compare, and --help shows the options\n",
            (await me.Types("certauthority-signer", "comprae")).Error);
        Assert.Equal(
            "certauthority-signer: error: /none/s.conf: there is no such file; name the settings by --config\n",
            (await me.Types("certauthority-signer", "--check", "--config=/none/s.conf")).Error);
        Assert.Contains("certauthority-signer compare", (await me.Types("certauthority-signer", "--help")).Done(), StringComparison.Ordinal);
    }

    private static async Task<Person> Alice(TestDaemon daemon)
    {
        (await daemon.Administrator.Types(["tctl", "create"], Everywhere)).Done();
        (await daemon.Administrator.Types("tctl", "users", "add", "alice", "--roles=everywhere", "--unix-user=alice", $"--unix-user={Environment.UserName}")).Done();
        return daemon.Person(Person.Alice);
    }

    private static Socket Connected(TestSigner signer)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(signer.Socket));
        return socket;
    }

    private static List<JsonElement> Logged(TestSigner signer) => [.. File.ReadLines(signer.Signatures).Select(line => JsonDocument.Parse(line).RootElement)];
}
