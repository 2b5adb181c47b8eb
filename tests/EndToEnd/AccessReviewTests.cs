using System.Text.Json.Nodes;
using CertAuthority.Protocol;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>An auditor answers the quarterly question: takes a report, goes through it, and signs it off. Others judge: sshd, ssh-keygen and a foreign reader of CSV.</summary>
public sealed class AccessReviewTests
{
    private const string Hostile = "=HYPERLINK(\"http://evil.example.com\",\"click\") <script>alert(1)</script>";
    private const string Namespace = "access-review@certauthority";

    private const string Resources = """
        {kind: role, version: v8, metadata: {name: staff}, spec: {allow: {logins: [deploy], node_labels: {env: prod}, request: {roles: [dba], thresholds: [{name: a reviewer, approve: 1, deny: 1, filter: 'contains(reviewer.roles, "reviewer")'}]}}}}
        ---
        {kind: role, version: v8, metadata: {name: root-anywhere}, spec: {allow: {logins: [root], node_labels: {'*': '*'}}}}
        ---
        {kind: role, version: v8, metadata: {name: reviewer}, spec: {allow: {review_requests: {roles: [dba]}}}}
        ---
        {kind: role, version: v8, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {type: db}}}}
        ---
        {kind: node, version: v2, metadata: {name: db1, labels: {env: prod, type: db, rack: r1}}, spec: {addr: db1.example.com}}
        ---
        {kind: node, version: v2, metadata: {name: web1, labels: {env: prod, type: web, rack: r2}}, spec: {addr: web1.example.com}}
        ---
        {kind: node, version: v2, metadata: {name: web2, labels: {env: prod, type: web, rack: r3}}, spec: {addr: web2.example.com}}
        ---
        {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [staff]}}
        ---
        {kind: user, version: v2, metadata: {name: bob}, spec: {roles: [reviewer, root-anywhere]}}
        """;

    [PeopleFact]
    public async Task Auditor_reports_what_was_granted_and_used()
    {
        await using var daemon = await Site();
        var (alice, bob, carol, root) = (daemon.Person(Person.Alice), daemon.Person(Person.Bob), daemon.Person(Person.Carol), daemon.Administrator);
        var db1 = await TestHost.Create(daemon, "db1");
        var used = (await alice.Types("tsh", "request", "create", "--roles=dba", "--reason=nightly migration", "--nowait")).Done().Split(' ')[1];
        (await bob.Types("tsh", "request", "review", used, "--approve", "--reason=go ahead")).Done();
        (await alice.Types("tsh", "login", $"--request-id={used}")).Done();
        Assert.True(await db1.LetsIn(alice, "postgres"), db1.Log);
        var overridden = (await alice.Types("tsh", "request", "create", "--roles=dba", $"--reason={Hostile}", "--nowait")).Done().Split(' ')[1];
        (await root.Types("tctl", "requests", "approve", overridden, "--yes", "--reason=no time")).Done();
        (await root.Types(["tctl", "create", "-f"], "{kind: role, version: v8, metadata: {name: reviewer}, spec: {allow: {logins: [audit], node_labels: {type: web}, review_requests: {roles: [dba]}}}}")).Done();

        var report = JsonNode.Parse((await carol.Types("tctl", "access", "report", "--since=1h", "--format=json")).Done())!;
        Assert.Equal((2, 4, 3), (report["users"]!.GetValue<int>(), report["roles"]!.GetValue<int>(), report["hosts"]!.GetValue<int>()));
        Assert.Equal(
            [
                "standing reviewer: audit 1 [bob] 2 [web1 web2] [env=prod,type=web]",
                "standing root-anywhere: root 1 [bob] every [] []",
                "standing root-anywhere: root 1 [bob] 3 [db1 web1 web2] [env=prod,type=db env=prod,type=web]",
                "standing staff: deploy 1 [alice] 3 [db1 web1 web2] [env=prod,type=db env=prod,type=web]",
            ],
            report["access"]!.AsArray().Select(row => $"{row!["how"]} {Words(row["roles"])}: {Words(row["logins"])} {row["users"]} [{Words(row["user_names"])}] {row["hosts"]?.ToString() ?? "every"} [{Words(row["host_names"])}] [{Words(row["labels"])}]"));
        Assert.Equal(
            [
                $"{used} nightly migration bob approve go ahead votes=true passed= certificates=True",
                $"{overridden} {Hostile} votes=false passed=0 of 1 approval from a reviewer certificates=False",
            ],
            report["grants"]!.AsArray().Select(
                row => $"{row!["request"]} {row["reason"]} {string.Concat(row["votes"]!.AsArray().Select(vote => $"{vote!["reviewer"]} {vote["vote"]} {vote["reason"]} "))}votes={row["by_votes"]!.GetValue<bool>().ToString().ToLowerInvariant()} passed={Words(row["overridden"])} certificates={row["certificates"]!.GetValue<int>() > 0}")
                .OrderBy(row => row.Contains(Hostile, StringComparison.Ordinal)));
        // Alice logged in; bob never did, and his role that opened nothing until now counts from now on.
        Assert.Equal(["bob reviewer no certificate", "bob root-anywhere no certificate"], report["unused"]!.AsArray().Select(row => $"{row!["user"]} {row["role"]} {row["why"]}"));
        var changed = report["changes"]!.AsArray().Single(row => row!["event"]!.GetValue<string>() == "role.updated")!;
        Assert.Equal(("role/reviewer", "root"), (changed["subject"]!.GetValue<string>(), changed["by"]!.GetValue<string>().Split(' ')[0]));
        Assert.Contains("audit", changed["changes"]!.ToJsonString());
        Assert.Empty(report["left"]!.AsArray());

        // The same, as a foreign reader of CSV reads it: no cell is a formula.
        var saved = daemon.Scratch.Write("report.json", (await carol.Types("tctl", "access", "report", "--since=1h", "--format=json")).Done());
        foreach (var section in (string[])["access", "grants", "unused", "left", "changes"])
        {
            var csv = daemon.Scratch.Write("section.csv", (await carol.Types("tctl", "access", "report", $"--from={saved}", "--format=csv", $"--section={section}")).Done());
            var rows = JsonNode.Parse((await root.Types("python3", "-c", "import csv, json, sys\nprint(json.dumps(list(csv.reader(open(sys.argv[1], newline='', encoding='utf-8'), strict=True))))", csv)).Done())!.AsArray();
            Assert.All(rows, row => Assert.Equal(rows[0]!.AsArray().Count, row!.AsArray().Count));
            Assert.Equal(JsonNode.Parse(File.ReadAllText(saved))![section]!.AsArray().Count, rows.Count - 1);
            Assert.All(rows.SelectMany(row => row!.AsArray()), cell => Assert.DoesNotMatch("^\\s*[=+@-]", cell!.GetValue<string>()));
            Assert.True(section != "grants" || rows.Any(row => row!.AsArray().Any(cell => cell!.GetValue<string>() == $"'{Hostile}")));
        }
        Assert.Contains("Who can do what on which host: 4\n", (await carol.Types("tctl", "access", "report", "--since=1h")).Done());
        Assert.Equal(2, (await carol.Types("tctl", "access", "report", "--format=csv")).ExitCode);
        Assert.StartsWith("tctl: error: bob is not an administrator\n", (await bob.Types("tctl", "access", "report")).Error);
    }

    [PeopleFact]
    public async Task Requestable_access_and_old_periods_are_reported()
    {
        await using var daemon = await Site();
        var carol = daemon.Person(Person.Carol);
        var report = JsonNode.Parse((await carol.Types("tctl", "access", "report", "--full", "--since=2020-01-01", "--until=2020-04-01", "--format=json")).Done())!;
        Assert.Contains("by request dba: postgres 1 [alice] 1 [db1]", report["access"]!.AsArray().Select(row => $"{row!["how"]} {Words(row["roles"])}: {Words(row["logins"])} {row["users"]} [{Words(row["user_names"])}] {row["hosts"]} [{Words(row["host_names"])}]"));
        Assert.Empty(report["changes"]!.AsArray());
        Assert.Equal(("2020-01-01T00:00:00Z", "2020-04-01T00:00:00Z"), (report["since"]!.GetValue<string>(), report["until"]!.GetValue<string>()));
        foreach (var wrong in (string[])["--since=soon", "--since=2030-01-01", "--section=grants", "--unused=0s", "--from=/nowhere --full"])
            Assert.Equal(2, (await carol.Types(["tctl", "access", "report", .. wrong.Split(' ')])).ExitCode);
        var none = await carol.Types("tctl", "access", "report", $"--from={daemon.Scratch.Write("other.json", "{}")}");
        Assert.Equal((1, $"tctl: error: {daemon.Scratch["other.json"]} is not a report that tctl access report --format=json wrote\n"), (none.ExitCode, none.Error));
    }

    [PeopleFact]
    public async Task Review_is_signed_and_ssh_keygen_verifies_it()
    {
        await using var daemon = await Site();
        var (carol, root) = (daemon.Person(Person.Carol), daemon.Administrator);
        var before = await State(root);
        var report = daemon.Scratch.Write("report.json", (await carol.Types("tctl", "access", "report", "--format=json")).Done());
        var folder = Path.GetDirectoryName(carol.Home)!;
        foreach (var (type, number) in (string[])["ed25519", "ecdsa", "rsa"] is var types ? types.Select((type, at) => (type, at + 1)) : [])
        {
            (await carol.Types("ssh-keygen", "-q", "-t", type, "-N", "", "-f", $"{folder}/{type}")).Done();
            Assert.Equal($"access review {number} has been started\n", (await carol.Types("tctl", "access", "review", "start", $"--report={report}")).Done());
            var done = (await carol.Types("tctl", "access", "review", "done", $"{number}", $"--report={report}", $"--key={folder}/{type}")).Done();
            var fingerprint = (await carol.Types("ssh-keygen", "-l", "-f", $"{folder}/{type}.pub")).Done().Split(' ')[1];
            Assert.Equal($"access review {number} has been signed off with the key {fingerprint}\n", done);
        }
        var listed = JsonNode.Parse((await carol.Types("tctl", "access", "review", "ls", "--format=json")).Done())!.AsArray();
        Assert.Equal([3, 2, 1], listed.Select(one => one!["number"]!.GetValue<int>()));
        var sum = (await root.Types("sha256sum", report)).Done().Split(' ')[0];
        foreach (var one in listed)
        {
            Assert.Equal(sum, one!["sha256"]!.GetValue<string>());
            var signature = daemon.Scratch.Write("document.sig", one["signature"]!["armored"]!.GetValue<string>());
            var signers = daemon.Scratch.Write("allowed_signers", $"carol@example.com {one["signature"]!["public_key"]!.GetValue<string>()}\n");
            var document = one["document"]!.GetValue<string>();
            Assert.Contains(sum, document);
            string[] verify = ["ssh-keygen", "-Y", "verify", "-f", signers, "-I", "carol@example.com", "-n", Namespace, "-s", signature];
            Assert.StartsWith($"Good \"{Namespace}\" signature for carol@example.com", (await root.Types(verify, document)).Done());
            Assert.NotEqual(0, (await root.Types(verify, document.Replace("\"position\":", "\"position\":1", StringComparison.Ordinal))).ExitCode);
        }
        using var ca = daemon.Connect();
        var entries = (await ca.Send(Routes.ListAudit, new ListAudit(Event: "access_review.*", Order: AuditOrders.Oldest))).Entries;
        Assert.Equal(
            ["access_review.started 1", "access_review.done 1", "access_review.started 2", "access_review.done 2", "access_review.started 3", "access_review.done 3"],
            entries.Select(entry => $"{entry.Event} {entry.AccessReview!.Number}"));
        Assert.All(entries, entry => Assert.Equal(("carol", sum), (entry.Account, entry.AccessReview!.Sha256)));
        Assert.Equal(listed[2]!["signature"]!["fingerprint"]!.GetValue<string>(), entries[1].AccessReview!.Key);
        // Nothing but the record changed.
        Assert.Equal(before, await State(root));
        Assert.Equal(1, (await carol.Types("tctl", "lock", "--user=alice")).ExitCode);
        Assert.Equal(1, (await daemon.Person(Person.Bob).Types("tctl", "access", "review", "start", $"--report={report}")).ExitCode);
    }

    [PeopleFact]
    public async Task Other_signature_than_of_this_review_is_refused()
    {
        await using var daemon = await Site();
        var (carol, root) = (daemon.Person(Person.Carol), daemon.Administrator);
        var folder = Path.GetDirectoryName(carol.Home)!;
        var text = (await carol.Types("tctl", "access", "report", "--format=json")).Done();
        var (report, other) = (daemon.Scratch.Write("report.json", text), daemon.Scratch.Write("other.json", text + "\n"));
        (await carol.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", $"{folder}/key")).Done();
        var review = JsonNode.Parse((await carol.Types("tctl", "access", "review", "start", $"--report={report}", "--format=json")).Done())!;
        var document = review["document"]!.GetValue<string>();
        (await carol.Types("tctl", "access", "review", "start", $"--report={report}")).Done();

        await Refused(await Sign("file", document), "--signature was made for the namespace \"file\", not \"access-review@certauthority\"");
        await Refused(await Sign(Namespace, document.Replace("\"access_review\":1", "\"access_review\":2", StringComparison.Ordinal)), "--signature does not fit the document of this review and the key that it names");
        await Refused(await Sign(Namespace, document.TrimEnd()), "--signature does not fit the document of this review and the key that it names");
        var good = await Sign(Namespace, document);
        var bytes = Convert.FromBase64String(string.Concat(good.Split('\n')[1..^2]));
        bytes[^1] ^= 1;
        await Refused($"-----BEGIN SSH SIGNATURE-----\n{Convert.ToBase64String(bytes)}\n-----END SSH SIGNATURE-----\n", "--signature does not fit the document of this review and the key that it names");
        await Refused("nothing", "--signature takes what ssh-keygen -Y sign writes: it is not between the lines -----BEGIN SSH SIGNATURE----- and -----END SSH SIGNATURE-----");
        // The report of another file is not signed at all.
        var wrong = await carol.Types("tctl", "access", "review", "done", "1", $"--report={other}", $"--key={folder}/key");
        Assert.True(wrong.ExitCode == 1 && wrong.Error.StartsWith("tctl: error: access review 1 is of another report: ", StringComparison.Ordinal), wrong.Error);
        Assert.Equal(1, (await carol.Types("tctl", "access", "review", "done", "7", $"--report={report}", $"--key={folder}/key")).ExitCode);
        Assert.Equal(2, (await carol.Types("tctl", "access", "review", "done", "1", $"--report={report}")).ExitCode);

        var file = daemon.Scratch.Write("document.sig", good);
        (await carol.Types("tctl", "access", "review", "done", "1", $"--report={report}", $"--signature={file}")).Done();
        Assert.Equal(
            "tctl: error: access review 1 has been signed already, by carol\n",
            (await root.Types("tctl", "access", "review", "done", "1", $"--report={report}", $"--signature={file}")).Error);
        using var ca = daemon.Connect();
        Assert.Equal([false, true], (await ca.Send(Routes.ListAccessReviews, new ListAccessReviews())).Reviews.Select(one => one.Signature is not null));
        var beyond = await Assert.ThrowsAsync<ProblemException>(() => ca.Send(Routes.StartAccessReview, new StartAccessReview(new string('a', 64), 1_000_000)));
        Assert.Equal(ProblemCode.Conflict, beyond.Problem.Code);

        async Task Refused(string armored, string error)
        {
            var outcome = await carol.Types("tctl", "access", "review", "done", "1", $"--report={report}", $"--signature={daemon.Scratch.Write("wrong.sig", armored)}");
            Assert.Equal($"tctl: error: {error}", outcome.Error.Split('\n')[0]);
            Assert.NotEqual(0, outcome.ExitCode);
        }

        async Task<string> Sign(string purpose, string what) => (await carol.Types(["ssh-keygen", "-Y", "sign", "-n", purpose, "-f", $"{folder}/key"], what)).Done();
    }

    [PeopleFact]
    public async Task Hundred_and_first_review_of_a_day_is_refused()
    {
        await using var daemon = await Site();
        using var ca = daemon.Connect();
        for (var i = 0; i < 100; i++)
            await ca.Send(Routes.StartAccessReview, new StartAccessReview(new string('a', 64), 1));
        var refused = await Assert.ThrowsAsync<ProblemException>(() => ca.Send(Routes.StartAccessReview, new StartAccessReview(new string('a', 64), 1)));
        Assert.Equal((ProblemCode.Limited, "100 reviews were started within a day"), (refused.Problem.Code, refused.Problem.Detail));
    }

    private static async Task<TestDaemon> Site()
    {
        var daemon = await TestDaemon.Start(configuration: "auditors: {users: [carol]}\n" + TestDaemon.ManyLogins);
        (await daemon.Administrator.Types(["tctl", "create"], Resources)).Done();
        return daemon;
    }

    private static async Task<string> State(Person root) =>
        (await root.Types("bash", "-c", "tctl get all --format=json; tctl requests ls --format=json; tctl certs ls --format=json; tctl nodes ls --format=json")).Done();

    private static string Words(JsonNode? list) => string.Join(' ', list?.AsArray().Select(one => one!.GetValue<string>()) ?? []);
}
