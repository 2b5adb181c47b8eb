using CertAuthority.Protocol;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>The audit says what happened: what a resource became, who administers since when, what an approval overrode, and what a vote was.</summary>
public sealed class AuditTests
{
    [PeopleFact]
    public async Task Every_resource_change_records_old_and_new_values()
    {
        await using var daemon = await TestDaemon.Start();
        var root = daemon.Administrator;
        using var ca = daemon.Connect();

        await Changed(["tctl", "create"], "role.created role/dba", "spec.allow.logins +postgres | spec.allow.node_labels[\"*\"] +* | version +v8 | metadata.description +databases",
            "{kind: role, version: v8, metadata: {name: dba, description: databases}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}");
        await Changed(["tctl", "create", "-f"], "role.updated role/dba", "spec.allow.logins -postgres | spec.allow.logins +root | spec.deny.logins +backup | metadata.description databases=>everything",
            "{kind: role, version: v8, metadata: {name: dba, description: everything}, spec: {allow: {logins: [root], node_labels: {'*': '*'}}, deny: {logins: [backup]}}}");
        // For people: short, and with the word for more.
        var line = (await root.Types("tctl", "audit", "ls", "--limit=1")).Done().Split('\n')[2];
        Assert.EndsWith(" resource=role/dba; changed=allow.logins -postgres, allow.logins +root, deny.logins +backup, 1 more", line);
        Assert.Contains("resource=role/dba; changed=allow.logins -postgres", daemon.Log);

        var editor = daemon.Scratch.Write("editor", "#!/bin/sh\nsed -i s/everything/nothing/ $1\n");
        File.SetUnixFileMode(editor, (UnixFileMode)0b111_101_101);
        await Changed(["env", $"EDITOR={editor}", "tctl", "edit", "role/dba"], "role.updated role/dba", "metadata.description everything=>nothing");
        await Changed(["tctl", "create", "-f"], "role.updated role/dba", "", "{kind: role, version: v8, metadata: {name: dba, description: nothing}, spec: {allow: {logins: [root], node_labels: {'*': '*'}}, deny: {logins: [backup]}}}");

        await Changed(["tctl", "users", "add", "alice", "--roles=dba", "--logins=al"], "user.created user/alice", "spec.roles +dba | spec.unix_users +alice | spec.traits.logins +al | version +v2");
        await Changed(["tctl", "users", "update", "alice", "--set-logins=al,root", "--set-unix-users=alice,7001"], "user.updated user/alice", "spec.unix_users +7001 | spec.traits.logins +root");
        await Changed(["tctl", "create"], "node.created node/db1", "spec.addr +db1 | spec.push +true | version +v2 | metadata.labels.env +prod",
            "{kind: node, version: v2, metadata: {name: db1, labels: {env: prod}}, spec: {addr: db1, push: true}}");
        await Changed(["tctl", "create", "-f"], "node.updated node/db1", "spec.push -true | metadata.labels.env prod=>dev",
            "{kind: node, version: v2, metadata: {name: db1, labels: {env: dev}}, spec: {addr: db1}}");

        await Changed(["tctl", "lock", "--user=alice", "--message=stolen", "--expires=2199-01-01T00:00:00Z"], "lock.created lock/*", "spec.target.user +alice | spec.message +stolen | spec.expires +2199-01-01T00:00:00Z | version +v2");
        await Changed(["tctl", "create"], "lock.created lock/later", "spec.target.login +root | version +v2", "{kind: lock, version: v2, metadata: {name: later}, spec: {target: {login: root}}}");
        await Changed(["tctl", "create", "-f"], "lock.updated lock/later", "spec.target.login root=>backup | spec.message +oops", "{kind: lock, version: v2, metadata: {name: later}, spec: {target: {login: backup}, message: oops}}");

        // What is gone is told in full, also where nobody can read it any more.
        await Changed(["tctl", "rm", "lock/later"], "lock.removed lock/later", "spec.target.login -backup | spec.message -oops | version -v2");
        await Changed(["tctl", "rm", "node/db1"], "node.removed node/db1", "spec.addr -db1 | version -v2 | metadata.labels.env -dev");
        (await root.Types("tctl", "rm", "-f", "role/dba")).Done();
        Assert.Equal("role.removed role/dba: spec.allow.logins -root | spec.allow.node_labels[\"*\"] -* | spec.deny.logins -backup | version -v8 | metadata.description -nothing", await Entry(0));
        Assert.Equal("user.updated user/alice: spec.roles -dba", await Entry(1));
        await Changed(["tctl", "rm", "user/alice"], "user.removed user/alice", "spec.roles -[] | spec.unix_users -alice | spec.unix_users -7001 | spec.traits.logins -al | spec.traits.logins -root | version -v2");
        (await root.Types(["tctl", "create"], "{kind: node, version: v2, metadata: {name: odd}, spec: {addr: odd}}")).Done();
        using (var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={daemon.File("certauthority.db")};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "UPDATE nodes SET resource = 'odd { text'; UPDATE policy SET generation = 'edited'";
            command.ExecuteNonQuery();
        }
        await Changed(["tctl", "rm", "node/odd"], "node.removed node/odd", "text -odd { text");

        // However much it is, an entry stays small.
        var labels = string.Join(", ", Enumerable.Range(0, 400).Select(n => $"label{n}: {new string('x', 60)}"));
        (await root.Types(["tctl", "create"], $"{{kind: node, version: v2, metadata: {{name: big, labels: {{{labels}}}}}, spec: {{addr: big}}}}")).Done();
        var big = (await ca.Send(Routes.ListAudit, new ListAudit(1))).Entries[0];
        Assert.Equal(402, big.Changes!.Length + big.ChangesLeftOut);
        Assert.InRange((await root.Types("tctl", "audit", "ls", "--limit=1", "--format=json")).Done().Length, 4000, 12_000);

        async Task Changed(string[] command, string what, string changes, string? input = null)
        {
            (await root.Types(command, input)).Done();
            var entry = await Entry(0);
            if (what.EndsWith('*'))
                Assert.Matches($"^{System.Text.RegularExpressions.Regex.Escape(what[..^1])}[0-9a-f-]{{36}}: {System.Text.RegularExpressions.Regex.Escape(changes)}$", entry);
            else
                Assert.Equal($"{what}: {changes}".TrimEnd(), entry);
        }

        async Task<string> Entry(int back)
        {
            var entry = (await ca.Send(Routes.ListAudit, new ListAudit(back + 1))).Entries[back];
            var changes = (entry.Changes ?? []).Select(change => $"{change.Path} " + (change.Old is null ? $"+{change.New}" : change.New is null ? $"-{change.Old}" : $"{change.Old}=>{change.New}"));
            return $"{entry.Event} {entry.Resource}: {string.Join(" | ", changes)}".TrimEnd();
        }
    }

    [PeopleFact]
    public async Task Start_reload_and_stop_record_administrators_and_settings()
    {
        await using var daemon = await TestDaemon.Start(configuration: "admins: {users: [bob], groups: [web-team]}\n");
        var root = daemon.Administrator;
        var first = Assert.Single(await About(daemon, "daemon.*"));
        Assert.Equal(("daemon.started", "bob,root", "web-team", null, null), (first.Event, string.Join(',', first.Admins!.Users), string.Join(',', first.Admins.Groups), first.Reason, first.Uid));
        Assert.Equal((await root.Types("bash", "-c", "tctl status --format=json | jq -r .version")).Done().Trim(), first.Version);
        // The first start names every setting, never a secret.
        Assert.Contains(new AuditChange("limits.certificate", null, "30h"), first.Changes!);

        daemon.Scratch.Write("certauthority.yaml", "admins: {users: [bob, carol]}\nlimits: {certificate: 2h}\nusers_from_groups: {dba-team: [staff]}\n");
        await daemon.Signal("HUP");
        await Eventually.Holds(() => daemon.Log.Contains("the configuration was read again"));
        var reloaded = (await About(daemon, "daemon.*"))[0];
        Assert.Equal(("daemon.reloaded", "bob,carol,root", 0), (reloaded.Event, string.Join(',', reloaded.Admins!.Users), reloaded.Admins.Groups.Length));
        Assert.Equal(
            [new("admins.users", null, "carol"), new("admins.groups", "web-team"), new("users_from_groups.dba-team", null, "staff"), new("limits.certificate", "30h", "2h")],
            reloaded.Changes!.OrderBy(change => change.Path.Split('.')[0] switch { "admins" => 0, "users_from_groups" => 1, _ => 2 }).ToArray());
        Assert.Matches("daemon.reloaded +certauthority +version=[0-9.]+; admins=bob,carol,root; changed=admins.users \\+carol", (await root.Types("tctl", "audit", "ls")).Done());
        // One that is refused changes nothing.
        daemon.Scratch.Write("certauthority.yaml", "admins: {users: [1]}\nfoo: bar\n");
        await daemon.Signal("HUP");
        await Eventually.Holds(() => daemon.Log.Contains("the configuration was not read again"));
        Assert.Equal("daemon.reloaded", (await About(daemon, "daemon.*"))[0].Event);

        // Changed while nobody ran.
        Assert.Equal(0, await daemon.Stop());
        daemon.Scratch.Write("certauthority.yaml", "admins: {users: [bob]}\nlimits: {certificate: 2h}\nusers_from_groups: {dba-team: [staff]}\n");
        await daemon.Restart();
        var entries = await About(daemon, "daemon.*");
        Assert.Equal(["daemon.started", "daemon.stopped", "daemon.reloaded", "daemon.started"], entries.Select(entry => entry.Event));
        Assert.Equal(new AuditChange("admins.users", "carol"), Assert.Single(entries[0].Changes!));
        Assert.Equal((null, null), (entries[0].Reason, entries[1].Reason));

        // Killed: nothing says so but the next start.
        await daemon.Stop("KILL");
        await daemon.Restart();
        entries = await About(daemon, "daemon.*");
        Assert.Equal(["daemon.started", "daemon.started", "daemon.stopped"], entries.Take(3).Select(entry => entry.Event));
        Assert.Matches("^the run before, started [^,]*, left no record of its stop: it was killed, the machine went down, or nothing could be written$", entries[0].Reason);
        Assert.Null(entries[0].Changes);
        await daemon.Stop();
        await daemon.Restart();
        Assert.Null((await About(daemon, "daemon.*"))[0].Reason);
    }

    [PeopleFact]
    public async Task Audit_records_votes_and_the_approvals_an_override_lacked()
    {
        await using var daemon = await TestDaemon.Start();
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v8, metadata: {name: staff}, spec: {allow: {request: {roles: [dba], thresholds: [{name: the team, approve: 2, deny: 2}]}}}}
            ---
            {kind: role, version: v8, metadata: {name: asks}, spec: {allow: {request: {roles: [dba]}}}}
            ---
            {kind: role, version: v8, metadata: {name: reviewer}, spec: {allow: {review_requests: {roles: [dba]}}}}
            ---
            {kind: role, version: v8, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}
            ---
            {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [staff]}}
            ---
            {kind: user, version: v2, metadata: {name: bob}, spec: {roles: [reviewer]}}
            ---
            {kind: user, version: v2, metadata: {name: carol}, spec: {roles: [reviewer]}}
            """)).Done();
        var (root, alice, bob, carol) = (daemon.Administrator, daemon.Person(Person.Alice), daemon.Person(Person.Bob), daemon.Person(Person.Carol));

        // The first of two decides nothing, and is not called approved.
        var both = await Filed();
        (await bob.Types("tsh", "request", "review", both, "--approve")).Done();
        Assert.Equal("request.reviewed bob approve PENDING [1 of 2 approvals from the team] []", await Last(both));
        Assert.DoesNotContain("APPROVED", (await root.Types("tctl", "audit", "ls", $"--request={both}")).Done());
        (await carol.Types("tsh", "request", "review", both, "--approve")).Done();
        Assert.Equal("request.approved carol  APPROVED [2 of 2 approvals from the team] []", await Last(both));
        Assert.Equal("request.reviewed carol approve APPROVED [2 of 2 approvals from the team] []", await Last(both, back: 1));

        // An administrator approves over their heads.
        var overridden = await Filed();
        (await bob.Types("tsh", "request", "review", overridden, "--deny")).Done();
        Assert.Equal("request.reviewed bob deny PENDING [1 of 2 denials from the team] []", await Last(overridden));
        (await carol.Types("tsh", "request", "review", overridden, "--approve")).Done();
        (await root.Types("tctl", "requests", "approve", overridden)).Done();
        Assert.Equal("request.approved   APPROVED [1 of 2 approvals from the team] [1 of 2 approvals from the team]", await Last(overridden));
        Assert.Contains("; overridden=1 of 2 approvals from the team; ", (await root.Types("tctl", "audit", "ls", $"--request={overridden}", "--limit=1")).Done());
        Assert.Contains("\noverridden: 1 of 2 approvals from the team\n", (await root.Types("tctl", "requests", "get", overridden)).Done());
        // It stays so whatever comes after.
        (await root.Types("tctl", "requests", "deny", overridden)).Done();
        Assert.Equal("[\"1 of 2 approvals from the team\"]\n", (await root.Types("bash", "-c", $"tctl requests get {overridden} --format=json | jq -c .spec.overridden")).Done());

        // A role that changed since is overridden too; one that asks for one approval of anybody has it.
        (await root.Types("tctl", "users", "update", "--set-roles=asks", "alice")).Done();
        var plain = await Filed();
        (await root.Types("tctl", "requests", "approve", plain)).Done();
        Assert.Equal("request.approved   APPROVED [0 of 1 approval] []", await Last(plain));
        Assert.DoesNotContain("overridden", (await root.Types("tctl", "requests", "get", plain)).Done());
        var forced = await Filed();
        (await root.Types(["tctl", "create", "-f"], "{kind: role, version: v8, metadata: {name: dba}, spec: {allow: {logins: [root], node_labels: {'*': '*'}}}}")).Done();
        (await root.Types("tctl", "requests", "approve", "--force", forced)).Done();
        Assert.Equal("request.approved   APPROVED [0 of 1 approval] [role dba changed after the request was made]", await Last(forced));

        async Task<string> Filed() => (await alice.Types("tsh", "request", "create", "--roles=dba", "--nowait", "--force")).Done().Split(' ')[1];

        async Task<string> Last(string request, int back = 0)
        {
            using var ca = daemon.Connect();
            var entry = (await ca.Send(Routes.ListAudit, new ListAudit(back + 1, Request: request))).Entries[back];
            return $"{entry.Event} {entry.Reviewer} {entry.Vote} {entry.State} [{string.Join(", ", entry.Tally ?? [])}] [{string.Join(", ", entry.Overridden ?? [])}]";
        }
    }

    /// <summary>The entries of some events, newest first.</summary>
    internal static async Task<List<AuditEntry>> About(TestDaemon daemon, string events)
    {
        using var ca = daemon.Connect();
        return [.. (await ca.Send(Routes.ListAudit, new ListAudit())).Entries.Where(entry => events.EndsWith('*') ? entry.Event.StartsWith(events[..^1], StringComparison.Ordinal) : entry.Event == events)];
    }
}
