using Microsoft.Data.Sqlite;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>What an auditor does who does not trust the daemon, and what the daemon does with an audit that does not match.</summary>
public sealed class AuditProofTests
{
    private static readonly string Script = Path.Combine(World.Repository, "scripts", "audit-verify.py");

    [PeopleFact]
    public async Task Auditor_proves_a_login_and_checks_an_export()
    {
        await using var daemon = await Site();
        var (alice, carol) = (daemon.Person(Person.Alice), daemon.Person(Person.Carol));
        (await alice.Types("tsh", "login")).Done();
        var serial = (await At(carol, "tctl certs ls --format=json | jq -r '.[0].serial'")).Done().Trim();

        // The proof is there as soon as the certificate is, and says what was signed.
        Assert.Equal(
            $"certificate.issued {serial}\n",
            (await At(carol, $"tctl audit prove {serial} --format=json > proof.json; jq -r .entry proof.json | jq -r '.event + \" \" + .serial'")).Done());
        Assert.StartsWith("entry: {", (await carol.Types("tctl", "audit", "prove", serial)).Done(), StringComparison.Ordinal);
        Assert.Matches("^entry [0-9]+ of [0-9]+ in certauthority/[0-9a-f]{16} is checked: ", (await At(carol, $"python3 {Script} --proof proof.json")).Done());
        var forged = await At(carol, $"sed 's/certificate.issued/certificate.revoked/' proof.json > forged.json; python3 {Script} --proof forged.json");
        Assert.Equal((1, "audit-verify: error: the entry is not in the log with that checkpoint\n"), (forged.ExitCode, forged.Error));

        // A checkpoint that somebody keeps, more history, and everything is still its continuation.
        (await At(carol, "tctl audit checkpoint > kept")).Done();
        (await At(carol, "tctl audit export export")).Done();
        for (var i = 0; i < 3; i++)
            (await daemon.Administrator.Types("tctl", "users", "update", "alice", $"--set-logins=login{i}")).Done();
        await Eventually.Holds(async () => (await At(carol, "diff <(tctl audit checkpoint) kept")).ExitCode == 1, "the next checkpoint");
        var verified = (await At(carol, "tctl audit verify --since kept")).Done().Split('\n');
        Assert.Matches("^[0-9]+ entries of certauthority/.*, all as they were signed$", verified[0]);
        Assert.Matches("^the checkpoint with [0-9]+ entries is its beginning$", verified[1]);
        (await At(carol, "tctl audit export export")).Done();
        (await At(carol, "tctl audit verify export --since kept")).Done();
        Assert.EndsWith(" are checked\n", (await At(carol, $"python3 {Script} export --since kept")).Done(), StringComparison.Ordinal);
        Assert.StartsWith("Good \"certauthority-audit-checkpoint\" signature for audit", (await At(carol,
            "echo \"audit $(cat export/audit_key.pub)\" > signers; ssh-keygen -Y verify -f signers -I audit -n certauthority-audit-checkpoint -s export/checkpoint.sig < export/checkpoint")).Done(), StringComparison.Ordinal);

        // The digest of a resource is that of what an auditor gets to see.
        Assert.Equal(
            (await At(carol, "tctl audit ls --event=user.updated --limit=1 --format=json | jq -r '.[0].digest'")).Done().Trim(),
            (await At(carol, "tctl get user/alice --format=json | jq -cj '.[0] | del(.metadata.revision)' | sha256sum")).Done().Split(' ')[0]);

        // Alice takes the proof of her login along, and proves her own certificates, and nobody else's.
        (await At(alice, "tsh login --proof=login.json")).Done();
        Assert.Contains("is checked: {\"time\":", (await At(alice, $"python3 {Script} --proof login.json")).Done(), StringComparison.Ordinal);
        Assert.Equal("200", await Code(daemon, Person.Alice, $"/v1/my/certificates/{serial}/proof"));
        Assert.Equal("404", await Code(daemon, Person.Bob, $"/v1/my/certificates/{serial}/proof"));
        Assert.Equal("403", await Code(daemon, Person.Alice, $"/v1/audit/proof?serial={serial}"));
        Assert.Equal((1, "tctl: error: there is no certificate with the serial 1\n"), await Fails(carol, "tctl audit prove 1"));
        Assert.StartsWith("tctl: error: name a SERIAL, or an entry with --seq\n", (await carol.Types("tctl", "audit", "prove")).Error, StringComparison.Ordinal);
        Assert.Equal((1, "tctl: error: the audit matches its last checkpoint\n"), await Fails(daemon.Administrator, "tctl audit accept"));
    }

    [PeopleFact]
    public async Task Entry_that_was_changed_is_named()
    {
        await using var daemon = await Site();
        (await daemon.Person(Person.Alice).Types("tsh", "login")).Done();
        (await daemon.Person(Person.Carol).Types("tctl", "audit", "prove", "--seq=3")).Done();
        await Change(daemon, "UPDATE audit SET entry = CAST(replace(CAST(entry AS TEXT), 'staff', 'stuff') AS BLOB) WHERE id = 2");
        var verified = await daemon.Person(Person.Carol).Types("tctl", "audit", "verify");
        Assert.Equal(1, verified.ExitCode);
        Assert.Contains("tctl: error: entry 2 is not the one that was logged\n", verified.Error, StringComparison.Ordinal);
        Assert.Contains("tctl: error: the first ", verified.Error, StringComparison.Ordinal);
        Assert.Equal((1, "tctl: error: entry 2 of the audit is not the one that was logged\ntctl: hint: see what does not match: tctl audit verify\n"), await Fails(daemon.Person(Person.Carol), "tctl audit prove --seq=2"));
    }

    [PeopleFact]
    public async Task Lost_entries_stop_issuing_until_root_accepts_them()
    {
        await using var daemon = await Site();
        var (alice, carol, root) = (daemon.Person(Person.Alice), daemon.Person(Person.Carol), daemon.Administrator);
        (await alice.Types("tsh", "login")).Done();
        (await At(carol, "tctl audit prove --seq=3 > /dev/null; tctl audit checkpoint > kept")).Done();
        await Change(daemon, "DROP TRIGGER audit_kept; DELETE FROM audit WHERE id > 3; CREATE TRIGGER audit_kept BEFORE DELETE ON audit WHEN NOT EXISTS (SELECT 1 FROM audit_archive WHERE OLD.id <= through)\nBEGIN SELECT RAISE(ABORT, 'an entry of the audit cannot be removed before it is archived'); END");

        var (exitCode, error) = await Fails(alice, "tsh login");
        Assert.Equal(1, exitCode);
        Assert.Matches("^tsh: error: no certificate is issued, because the audit does not match its last checkpoint: entries of the audit are missing: there were [0-9]+\ntsh: hint: an administrator sees what does not match: tctl audit verify\n$", error);
        Assert.Contains("audit.proof_failed", (await carol.Types("tctl", "audit", "ls")).Done(), StringComparison.Ordinal);
        Assert.Contains("tctl: error: no certificate is issued, because the audit does not match its last checkpoint: entries", (await root.Types("tctl", "status")).Error, StringComparison.Ordinal);
        Assert.Equal((1, "tctl: error: the audit does not match its last checkpoint\n"), await Fails(root, "tctl status --check"));
        Assert.Contains("entries of the audit are missing", (await carol.Types("tctl", "audit", "verify")).Error, StringComparison.Ordinal);
        // What takes access away still works.
        (await root.Types("tctl", "lock", "--user=alice", "--ttl=1s")).Done();
        // An administrator who is not root cannot make it forgotten.
        Assert.Equal(1, (await carol.Types("tctl", "audit", "accept")).ExitCode);

        Assert.Contains("entries of the audit are missing", (await root.Types("tctl", "audit", "accept")).Done(), StringComparison.Ordinal);
        await Eventually.Holds(async () => (await alice.Types("tsh", "login")).ExitCode == 0, "the login");
        (await carol.Types("tctl", "audit", "verify")).Done();
        var since = await At(carol, "tctl audit verify --since kept");
        Assert.Equal(1, since.ExitCode);
        Assert.Contains("the log is certauthority/", since.Error, StringComparison.Ordinal);
        Assert.Contains("audit.accepted", (await carol.Types("tctl", "audit", "ls")).Done(), StringComparison.Ordinal);
    }

    /// <summary>A start after a restore can fail later on, and the next one must know of it.</summary>
    [PeopleFact]
    public async Task Restore_whose_first_start_fails_begins_another_log()
    {
        using var scratch = new Scratch();
        await using var daemon = await TestDaemon.Start(scratch);
        await DaemonTests.Setup(daemon);
        (await daemon.Administrator.Types("tctl", "backup", scratch["backup.db"])).Done();
        (await daemon.Administrator.Types("tctl", "users", "add", "alice", "--roles=staff")).Done();
        (await daemon.Administrator.Types("tctl", "audit", "prove", "--seq=6")).Done();
        var origin = (await daemon.Administrator.Types("bash", "-c", "tctl audit checkpoint | head -1")).Done();
        await daemon.Stop();
        File.Copy(scratch["backup.db"], daemon.File("certauthority.db"), overwrite: true);
        await File.WriteAllTextAsync(daemon.Socket, "no socket");
        Assert.Contains("is not a socket", (await TestDaemon.Refuses(scratch)).Error, StringComparison.Ordinal);
        File.Delete(daemon.Socket);

        await daemon.Restart();
        (await daemon.Administrator.Types("tctl", "users", "add", "alice", "--roles=staff")).Done();
        (await daemon.Administrator.Types("tctl", "audit", "prove", "--seq=6")).Done();
        (await daemon.Administrator.Types("tctl", "audit", "verify")).Done();
        Assert.NotEqual(origin, (await daemon.Administrator.Types("bash", "-c", "tctl audit checkpoint | head -1")).Done());
        var replaced = (await daemon.Administrator.Types("bash", "-c", "tctl audit ls --event=audit.log_replaced --format=json | jq -r '.[].changes[0].old'")).Done();
        Assert.StartsWith($"{origin.Trim()} ", replaced, StringComparison.Ordinal);
        Assert.Equal("ready\n", (await daemon.Administrator.Types("tctl", "status", "--check")).Done());
    }

    private static async Task<TestDaemon> Site()
    {
        var daemon = await TestDaemon.Start(configuration: "auditors: {users: [carol]}\n");
        await DaemonTests.Setup(daemon);
        (await daemon.Administrator.Types("tctl", "users", "add", "alice", "--roles=staff")).Done();
        (await daemon.Administrator.Types("tctl", "users", "add", "bob", "--roles=staff")).Done();
        return daemon;
    }

    private static async Task Change(TestDaemon daemon, string sql)
    {
        await daemon.Stop();
        using (var connection = new SqliteConnection($"Data Source={daemon.File("certauthority.db")};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            command.ExecuteNonQuery();
        }
        await daemon.Restart();
    }

    /// <summary>Runs a line of shell where the person can write.</summary>
    private static Task<Outcome> At(Person person, string line) => person.Types("bash", "-c", $"cd {Path.GetDirectoryName(person.Home)}; {line}");

    private static async Task<string> Code(TestDaemon daemon, uint who, string target) => (await daemon.Person(who).Types(
        "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", daemon.Socket, $"http://ca{target}")).Done();

    private static async Task<(int ExitCode, string Error)> Fails(Person person, string command) =>
        await person.Types(command.Split(' ')) is var outcome ? (outcome.ExitCode, outcome.Error) : default;
}
