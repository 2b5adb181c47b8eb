using System.Diagnostics;
using System.Text.Json.Nodes;
using CertAuthority.Protocol;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>People without a resource: what their groups make of them, and what is left of it when they leave. Each daemon sees passwd and group files of its own.</summary>
public sealed class GroupUserTests
{
    private const string Groups = "users_from_groups: {dba-team: [staff], web-team: [web]}\n" + TestDaemon.ManyLogins;

    [PeopleFact]
    public async Task Group_member_logs_in_and_sshd_refuses_them_after_leaving()
    {
        using var site = new Site("bob");
        await using var daemon = await site.Start(Groups);
        var bob = daemon.Person(Person.Bob);
        var db1 = await TestHost.Create(daemon, "db1");

        Assert.Contains("user: bob\nroles: staff\nlogins: bob (all hosts)\n", (await bob.Types("tsh", "login")).Done());
        Assert.True(await db1.LetsIn(bob, "bob"), db1.Log);
        var old = daemon.Scratch["old-cert.pub"];
        File.Copy(Path.Combine(bob.Home, "id-cert.pub"), old);
        var request = (await bob.Types("tsh", "request", "create", "--roles=dba", "--nowait")).Done().Split(' ')[1];
        Assert.Contains("the account postgres belongs to no user", (await daemon.Person(Uid("postgres")).Types("tsh", "login")).Error);

        // He left, and does not call again.
        site.Members("");
        await daemon.Signal("HUP");
        await Eventually.Holds(() => daemon.RevocationList().Revoked.Any());
        Assert.False(await db1.LetsIn(bob, "bob"));
        Assert.Contains("revoked", db1.Log);
        Assert.Contains("state: DENIED", (await daemon.Administrator.Types("tctl", "requests", "get", request)).Done());
        Assert.Contains("you cannot act as user \"bob\"", (await bob.Types("tsh", "login")).Error);
        Assert.DoesNotContain("bob", (await daemon.Administrator.Types("tctl", "users", "ls")).Done());

        // By the groups, and not by somebody: what it was, in full.
        var removed = (await AuditTests.About(daemon, "user.*"))[0];
        Assert.Equal(("user.removed", "user/bob", null, "groups: dba-team"), (removed.Event, removed.Resource, removed.Uid, removed.Reason));
        Assert.Contains(new AuditChange("spec.roles", "staff"), removed.Changes!);
        Assert.Contains(new AuditChange("metadata.from_groups", "dba-team"), removed.Changes!);

        var left = JsonNode.Parse((await daemon.Administrator.Types("tctl", "access", "report", "--since=1h", "--format=json")).Done())!["left"]!.AsArray();
        Assert.Equal(
            "bob removed [\"dba-team\"] [\"staff\"]",
            $"{Assert.Single(left)!["user"]} {left[0]!["what"]} {left[0]!["groups"]!.ToJsonString()} {left[0]!["roles"]!.ToJsonString()}");

        // Who comes back is somebody new.
        site.Members("bob");
        await Eventually.Holds(() => bob.Types("tsh", "login").Result.ExitCode == 0);
        Assert.DoesNotContain(request, (await bob.Types("tsh", "request", "ls")).Done());
        Assert.False(await db1.LetsIn(bob, "bob", old));
        Assert.True(await db1.LetsIn(bob, "bob"), db1.Log);
    }

    [PeopleFact]
    public async Task Member_who_left_a_group_loses_access_at_their_next_call()
    {
        using var site = new Site("bob");
        await using var daemon = await site.Start(Groups);
        var bob = daemon.Person(Person.Bob);
        (await bob.Types("tsh", "login")).Done();

        site.Members("");
        await Eventually.Holds(() => bob.Types("tsh", "request", "ls").Result.ExitCode == 1);
        Assert.NotEmpty(daemon.RevocationList().Revoked);
    }

    [PeopleFact]
    public async Task Account_missing_from_system_and_group_is_revoked()
    {
        using var site = new Site("bob");
        await using var daemon = await site.Start(Groups);
        (await daemon.Person(Person.Bob).Types("tsh", "login")).Done();

        // A directory that does not show it would look the same, so the group's list decides.
        site.WithoutAccount("bob");
        await daemon.Signal("HUP");
        await Eventually.Holds(() => daemon.Log.Contains("of bob: there is no account bob now, but the group dba-team lists it"));
        Assert.Empty(daemon.RevocationList().Revoked);
        site.Members("");
        await daemon.Signal("HUP");
        await Eventually.Holds(() => daemon.RevocationList().Revoked.Any());
    }

    [PeopleFact]
    public async Task Group_users_are_listed_but_not_exported_or_changed()
    {
        using var site = new Site("bob");
        await using var daemon = await site.Start(Groups);
        var root = daemon.Administrator;
        (await daemon.Person(Person.Bob).Types("tsh", "request", "ls")).Done();

        Assert.Matches("User +Roles +Logins +Unix Users +From Groups *\n.*\nalice +web *\nbob +staff +bob +dba-team", (await root.Types("tctl", "users", "ls")).Done());
        Assert.Contains("\"from_groups\": [", (await root.Types("tctl", "users", "ls", "--format=json")).Done());
        foreach (var export in (string[])["users", "all"])
            Assert.DoesNotContain("bob", (await root.Types("tctl", "get", export, "--format=json")).Done());
        Assert.Contains("there is no user \"bob\"", (await root.Types("tctl", "get", "user/bob")).Error);
        Assert.Contains("bob can log in: yes", (await root.Types("tctl", "access", "explain", "bob")).Done());
        (await root.Types("tctl", "requests", "create", "--roles=dba", "bob")).Done();

        const string refusal = "tctl: error: user \"bob\" comes from the group dba-team and has no resource\n";
        foreach (var command in (string[][])[["users", "update", "--set-roles=web", "bob"], ["users", "rm", "bob"], ["rm", "user/bob"]])
        {
            var refused = await root.Types(["tctl", .. command]);
            Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
            Assert.StartsWith(refusal, refused.Error);
        }
        // A role that groups give goes by force only, and then nobody who has it from them can log in.
        Assert.Contains("role 'staff' is held by bob", (await root.Types("tctl", "rm", "role/staff")).Error);
        Assert.Contains("users_from_groups still gives role 'staff'", (await root.Types("tctl", "rm", "-f", "role/staff")).Error);
        Assert.Contains("the role staff, assigned to user \"bob\", does not exist", (await daemon.Person(Person.Bob).Types("tsh", "login")).Error);
    }

    [PeopleFact]
    public async Task User_resource_replaces_the_group_user_until_it_is_removed()
    {
        using var site = new Site("bob");
        await using var daemon = await site.Start(Groups);
        var (root, bob) = (daemon.Administrator, daemon.Person(Person.Bob));
        (await bob.Types("tsh", "login")).Done();
        var request = (await bob.Types("tsh", "request", "create", "--roles=dba", "--nowait")).Done().Split(' ')[1];

        var added = await root.Types("tctl", "users", "add", "bob", "--roles=web");
        Assert.Equal("user 'bob' has been created\n", added.Done());
        Assert.Contains("1 request ended", added.Error);
        Assert.Contains("1 certificate revoked", added.Error);
        Assert.Contains("roles: web\n", (await bob.Types("tsh", "login")).Done());
        Assert.DoesNotContain(request, (await bob.Types("tsh", "request", "ls")).Done());
        Assert.Contains("exists already", (await root.Types("tctl", "users", "add", "bob", "--roles=web")).Error);

        Assert.Contains("1 certificate revoked", (await root.Types("tctl", "users", "rm", "bob")).Error);
        Assert.Contains("roles: staff\n", (await bob.Types("tsh", "login")).Done());
        Assert.DoesNotContain(request, (await bob.Types("tsh", "request", "ls")).Done());
    }

    [PeopleFact]
    public async Task Changed_configuration_revokes_what_it_no_longer_grants()
    {
        using var site = new Site("bob");
        await using var daemon = await site.Start("users_from_groups: {dba-team: [staff, web]}\n" + TestDaemon.ManyLogins);
        var bob = daemon.Person(Person.Bob);
        (await bob.Types("tsh", "login")).Done();
        Assert.Empty(daemon.RevocationList().Revoked);

        // Nobody is asked for that.
        site.Hangs = true;
        site.Configure("users_from_groups: {dba-team: [web]}\n" + TestDaemon.ManyLogins);
        await daemon.Signal("HUP");
        await Eventually.Holds(() => daemon.RevocationList().Revoked.Any());
        site.Hangs = false;
        await Eventually.Holds(() => bob.Types("tsh", "login").Result is { ExitCode: 0 } login && login.Output.Contains("roles: web\n"));

        // A start does the same, before it serves.
        await daemon.Stop();
        await using var another = await TestDaemon.Start(daemon.Scratch);
        Assert.Equal(2, another.RevocationList().Revoked.Sum(range => (int)(range.Last - range.First + 1)));
        Assert.Contains("you cannot act as user \"bob\"", (await another.Person(Person.Bob).Types("tsh", "login")).Error);
    }

    [PeopleFact]
    public async Task Hung_directory_grants_and_revokes_nothing_and_delays_nobody()
    {
        using var site = new Site("bob");
        await using var daemon = await site.Start(Groups);
        var (alice, bob, deploy) = (daemon.Person(Person.Alice), daemon.Person(Person.Bob), daemon.Person(Uid("deploy")));
        (await daemon.Administrator.Types("tctl", "users", "add", "shared", "--roles=web", "--unix-user=bob")).Done();
        Assert.Contains("user: bob\n", (await bob.Types("tsh", "login")).Done());

        site.Hangs = true;
        await Eventually.Holds(() => bob.Types("tsh", "login").Result is { ExitCode: 1 } refused
            && refused.Error.StartsWith("tsh: error: the system does not say which groups bob is in, so nothing is granted by them now\n", StringComparison.Ordinal));
        Assert.Contains("user: shared\n", (await bob.Types("tsh", "login", "--user=shared")).Done());

        // Of many calls of a stranger few make the daemon ask, and a user with a resource waits for none of them.
        var before = site.Asked;
        var calls = Stopwatch.StartNew();
        var strangers = Enumerable.Range(0, 10).Select(_ => deploy.Types("tsh", "request", "ls")).ToList();
        var aliceWaited = Stopwatch.StartNew();
        (await alice.Types("tsh", "login")).Done();
        Assert.InRange(aliceWaited.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(20));
        Assert.All(await Task.WhenAll(strangers), call => Assert.Equal(1, call.ExitCode));
        Assert.InRange(site.Asked - before, 1, 1 + (int)(calls.Elapsed / TimeSpan.FromSeconds(5)));

        // The background looks, and leaves everybody what he has.
        await daemon.Signal("HUP");
        await Eventually.Holds(() => daemon.Log.Contains("the groups of 1 users are not known, and what they hold stays as it is; of bob: the system did not answer within 3 s"));
        Assert.Empty(daemon.RevocationList().Revoked);
        await Eventually.Holds(() => Processes.Running(site.Sleeping) == 0);

        site.Hangs = false;
        await Eventually.Holds(() => bob.Types("tsh", "login").Result.ExitCode == 0);
    }

    [PeopleFact]
    public async Task Failed_lookup_does_not_count_as_leaving_the_group()
    {
        using var site = new Site("bob");
        await using var daemon = await site.Start(Groups);
        var bob = daemon.Person(Person.Bob);
        (await bob.Types("tsh", "login")).Done();

        site.Says = "id: 'bob': no such user: Connection refused";
        await daemon.Signal("HUP");
        await Eventually.Holds(() => daemon.Log.Contains("of bob: id: 'bob': no such user: Connection refused"));
        Assert.Empty(daemon.RevocationList().Revoked);
        Assert.Contains("the system does not say which groups bob is in", (await bob.Types("tsh", "login")).Error);
    }

    [PeopleFact]
    public async Task Account_with_an_unusable_name_is_refused_without_a_lookup()
    {
        using var site = new Site("bob,Robert");
        site.WithAccount("Robert", 6002);
        await using var daemon = await site.Start(Groups);
        var refused = await daemon.Person(6002).Types("tsh", "request", "ls");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("the account Robert belongs to no user, and its groups cannot make it one, for its name cannot be a user's", refused.Error);
        Assert.Equal(0, site.Asked);
    }

    [PeopleFact]
    public async Task Without_the_setting_no_group_is_looked_up()
    {
        using var site = new Site("bob");
        await using var daemon = await site.Start("");
        Assert.Contains("belongs to no user", (await daemon.Person(Person.Bob).Types("tsh", "login")).Error);
        Assert.Equal(0, site.Asked);
    }

    private static uint Uid(string account) => uint.Parse(Process("id", "-u", account));

    private static string Process(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, UseShellExecute = false })!;
        return process.StandardOutput.ReadToEnd().Trim();
    }

    /// <summary>A machine of the daemon's own (what tests/world mounts has lost its name, and nothing can be mounted over it): its passwd and group files, and an id that a slow directory stands behind.</summary>
    private sealed class Site : IDisposable
    {
        private readonly Scratch scratch = new();

        public Site(string members)
        {
            File.Copy("/etc/passwd", scratch["passwd"]);
            File.Copy("/etc/group", scratch["group"]);
            Members(members);
            Directory.CreateDirectory(scratch["bin"]);
            scratch.Write("asked", "");
            File.Copy("/usr/bin/sleep", Sleeping);
            scratch.Write("bin/id", $"""
                #!/bin/sh
                echo "$@" >>{scratch["asked"]}
                if [ -e {scratch["hangs"]} ]; then exec {Sleeping} 1000; fi
                if [ -e {scratch["says"]} ]; then cat {scratch["says"]} >&2; exit 1; fi
                exec /usr/bin/id "$@"

                """);
            File.SetUnixFileMode(scratch["bin/id"], (UnixFileMode)0b111_101_101);
        }

        public string Sleeping => scratch["sleeping"];

        public int Asked => File.ReadAllLines(scratch["asked"]).Length;

        public bool Hangs
        {
            set
            {
                if (value)
                    scratch.Write("hangs", "");
                else
                    File.Delete(scratch["hangs"]);
            }
        }

        public string Says
        {
            set => scratch.Write("says", value + "\n");
        }

        // In place: what is mounted is the file, not its name.
        public void Members(string members) =>
            scratch.Write("group", string.Join('\n', File.ReadAllLines("/etc/group").Append($"dba-team:x:7001:{members}").Append("web-team:x:7002:")) + "\n");

        public void WithAccount(string name, uint uid) => File.AppendAllText(scratch["passwd"], $"{name}:x:{uid}:{uid}::/:/bin/sh\n");

        public void WithoutAccount(string name) =>
            scratch.Write("passwd", string.Join('\n', File.ReadAllLines("/etc/passwd").Where(line => !line.StartsWith($"{name}:", StringComparison.Ordinal))) + "\n");

        public void Configure(string configuration) => scratch.Write("certauthority.yaml", configuration);

        public async Task<TestDaemon> Start(string configuration)
        {
            var daemon = await TestDaemon.Start(scratch, configuration: configuration, around:
            [
                "unshare", "--mount", "--propagation", "private", "sh", "-c",
                $"umount /etc/passwd /etc/group; mount --bind {scratch["passwd"]} /etc/passwd && mount --bind {scratch["group"]} /etc/group && export PATH={scratch["bin"]}:$PATH && exec \"$@\"", "sh",
            ]);
            (await daemon.Administrator.Types(["tctl", "create"], """
                {kind: role, version: v7, metadata: {name: staff}, spec: {allow: {logins: ['{{internal.logins}}'], node_labels: {'*': '*'}, request: {roles: [dba]}}}}
                ---
                {kind: role, version: v7, metadata: {name: web}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}}}}
                ---
                {kind: role, version: v7, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}
                ---
                {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [web]}}
                """)).Done();
            return daemon;
        }

        public void Dispose() => scratch.Dispose();
    }
}
