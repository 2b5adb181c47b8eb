namespace CertAuthority.Tests.EndToEnd;

/// <summary>A directory that is away, in each of the ways in which the C library shows that, or does not: a name service module of our own is that directory.</summary>
public sealed class DirectoryOutageTests
{
    private const string Configuration = "users_from_groups: {dir-staff: [staff, reviewer], dir-denied: [no-root]}\n" + TestDaemon.ManyLogins;

    private const string Policy = """
        {kind: role, version: v8, metadata: {name: staff}, spec: {allow: {logins: [deploy, root], node_labels: {'*': '*'}}}}
        ---
        {kind: role, version: v8, metadata: {name: no-root}, spec: {deny: {logins: [root]}}}
        ---
        {kind: role, version: v8, metadata: {name: reviewer}, spec: {allow: {review_requests: {roles: [dba]}}}}
        ---
        {kind: role, version: v8, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}
        ---
        {kind: role, version: v8, metadata: {name: asks}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}, request: {roles: [dba], thresholds: [{approve: 2, deny: 1}]}}}}
        ---
        {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [asks]}}
        ---
        {kind: user, version: v2, metadata: {name: carol}, spec: {roles: [reviewer]}}
        """;

    [PeopleFact]
    public async Task Unreachable_directory_grants_nothing_and_revokes_nothing()
    {
        using var directory = new Directory();
        await using var daemon = await directory.Start();
        var (alice, bob) = (daemon.Person(Person.Alice), daemon.Person(Person.Bob));
        directory.Is("up", staff: "bob,dora", denied: "bob");
        Assert.Contains("logins: deploy (all hosts)\n", (await bob.Types("tsh", "login")).Done());
        await Calls(daemon, 7011);
        Assert.Matches("\ndora +reviewer,staff ", await Users(daemon));

        foreach (var (state, why) in ((string, string)[])[("down", "the group dir-denied of users_from_groups is not there now"), ("masked", "the group dir-denied of users_from_groups is not there now"), ("slow", "the system did not answer within 3 s")])
        {
            directory.Is(state, staff: "bob,dora", denied: "bob");
            var before = daemon.Log.Length;
            // What was asked before is good for five seconds; nothing of it gives root either.
            await Eventually.Holds(async () =>
            {
                var login = await bob.Types("tsh", "login");
                Assert.DoesNotMatch("logins: .*root", login.Output);
                return login.Error.StartsWith("tsh: error: the system does not say which groups bob is in, so nothing is granted by them now\n", StringComparison.Ordinal);
            }, state);
            await daemon.Signal("HUP");
            await Eventually.Holds(() => daemon.Log[before..].Contains($"the groups of 2 users are not known, and what they hold stays as it is; of bob: {why}"));
            Assert.Empty(daemon.RevocationList().Revoked);
            Assert.Matches("\nbob +no-root,reviewer,staff [^\n]*\n[^\0]*\ndora +reviewer,staff ", await Users(daemon));
            // Whoever needs nothing of it is served meanwhile.
            (await alice.Types("tsh", "login").WaitAsync(TimeSpan.FromSeconds(20))).Done();
        }

        directory.Is("up", staff: "bob,dora", denied: "bob");
        await Eventually.Holds(() => bob.Types("tsh", "login").Result.ExitCode == 0);
        Assert.DoesNotMatch("logins: .*root", (await bob.Types("tsh", "login")).Done());
        Assert.Empty(daemon.RevocationList().Revoked);

        // An account that its group still lists is out of sight; one that is off the list was removed.
        directory.Is("up", staff: "bob,dora", denied: "bob", gone: "dora");
        await daemon.Signal("HUP");
        await Eventually.Holds(() => daemon.Log.Contains("of dora: there is no account dora now, but the group dir-staff lists it"));
        Assert.Contains("dora", await Users(daemon));
        directory.Is("up", staff: "bob", denied: "bob", gone: "dora");
        await daemon.Signal("HUP");
        await Eventually.Holds(async () => !(await Users(daemon)).Contains("dora"), "dora is removed");
    }

    [PeopleFact]
    public async Task Deciding_vote_checks_the_current_groups_of_every_voter()
    {
        using var directory = new Directory();
        await using var daemon = await directory.Start();
        var (alice, bob, carol) = (daemon.Person(Person.Alice), daemon.Person(Person.Bob), daemon.Person(Person.Carol));
        directory.Is("up", staff: "bob");

        // Nobody waits here: within the five seconds for which an answer is good otherwise.
        var left = await Filed();
        (await Says(bob, left, "--approve")).Done();
        directory.Is("up", staff: "");
        Assert.Contains("vote counted: 1 of 2 approvals", (await Says(carol, left, "--approve")).Done());
        Assert.DoesNotContain("bob", await Users(daemon));

        directory.Is("up", staff: "bob");
        var away = await Filed();
        await Eventually.Holds(() => Says(bob, away, "--approve").Result.ExitCode == 0);
        directory.Is("down", staff: "bob");
        var refused = await Says(carol, away, "--approve");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains($"tsh: error: request {away} cannot be approved now, for it is not certain whose votes count: the groups of bob are not known: the group dir-denied of users_from_groups is not there now\ntsh: hint: try again in a moment, or deny it; ", refused.Error);
        (await Says(carol, away, "--deny")).Done();
        Assert.Contains("state: DENIED", (await daemon.Administrator.Types("tctl", "requests", "get", away)).Done());

        // A group member who was a reviewer when the directory was last there can deny too, and not approve.
        var denied = await Filed();
        await Eventually.Holds(() => Says(bob, denied, "--approve").Result.Error.Contains("the system does not say which groups bob is in"));
        (await Says(bob, denied, "--deny")).Done();
        Assert.Contains("state: DENIED", (await daemon.Administrator.Types("tctl", "requests", "get", denied)).Done());

        var check = (await daemon.Administrator.Types("certauthority", "--check-config", "--config", daemon.Scratch["certauthority.yaml"], "--data-dir", daemon.DataDirectory));
        Assert.Equal("the configuration is good\n", check.Done());
        const string warning = "users_from_groups gives the role no-root to the group dir-denied, and it denies something: whoever can take an account out of the group takes the denial away; "
            + "to deny for certain, let a role that everybody in question holds deny, or lock the user\n";
        // Outside of the daemon's machine there are no such groups.
        Assert.Equal($"certauthority: warning: users_from_groups would give nothing to anybody now: the group dir-denied of users_from_groups is not there now\ncertauthority: warning: {warning}", check.Error);
        Assert.Contains(warning, daemon.Log + "\n");

        async Task<string> Filed() => (await alice.Types("tsh", "request", "create", "--roles=dba", "--nowait", "--force")).Done().Split(' ')[1];

        static Task<Outcome> Says(Person who, string request, string decision) => who.Types("tsh", "request", "review", request, decision);
    }

    [PeopleFact]
    public async Task Unreachable_directory_admits_no_auditor_by_group()
    {
        using var directory = new Directory();
        await using var daemon = await directory.Start("auditors: {users: [carol], groups: [dir-staff]}\n");
        Assert.Equal(0, (await Reads()).ExitCode);
        foreach (var (state, fault) in ((string, string)[])[("down", "the system does not say who is in the group dir-staff: "), ("masked", "bob is not an administrator"), ("slow", "the system does not say which gid and members the group dir-staff has: no answer within 3 s")])
        {
            directory.Is(state);
            await Eventually.Holds(async () => await Reads() is { ExitCode: 1, Output: "" } refused && refused.Error.Contains(fault), state);
            // The configuration names this one, so no directory is asked.
            (await daemon.Person(Person.Carol).Types("tctl", "users", "ls")).Done();
        }
        directory.Is("up");
        await Eventually.Holds(async () => (await Reads()).ExitCode == 0, "the directory answers again");

        Task<Outcome> Reads() => daemon.Administrator.Types("setpriv", "--reuid=5002", "--regid=5002", "--groups=7101", "tctl", "users", "ls");
    }

    private static async Task Calls(TestDaemon daemon, uint uid) =>
        (await daemon.Person(uid).Types("curl", "-sf", "--unix-socket", daemon.Socket, "http://ca/v1/my/requests")).Done();

    private static async Task<string> Users(TestDaemon daemon) => (await daemon.Administrator.Types("tctl", "users", "ls")).Done();

    /// <summary>The directory, and a machine of the daemon's own that asks it after its files.</summary>
    private sealed class Directory : IDisposable
    {
        private readonly Scratch scratch = new();

        public void Is(string state, string staff = "", string denied = "", string gone = "")
        {
            // In one step: the module reads while we write.
            var next = scratch.Write("state.next", $"is {state}\ndir-staff {staff}\ndir-denied {denied}\ngone {gone}\n");
            File.Move(next, scratch["state"], overwrite: true);
        }

        public async Task<TestDaemon> Start(string more = "")
        {
            Is("up");
            var admin = new Person(null, scratch["admin"], "");
            (await admin.Types("gcc", "-shared", "-fPIC", $"-DSTATE=\"{scratch["state"]}\"", "-o", scratch["directory.so"], Path.Combine(World.Repository, "tests/EndToEnd/nss_away.c"))).Done();
            scratch.Write("nsswitch.conf", "passwd: files hesiod\ngroup: files hesiod\nshadow: files\n");
            var place = (await admin.Types("sh", "-c", "ldconfig -p | sed -n 's/.*libnss_hesiod[.]so[.]2 .*=> //p' | head -1")).Done().Trim();
            var daemon = await TestDaemon.Start(scratch, configuration: Configuration + more, around:
            [
                "unshare", "--mount", "--propagation", "private", "sh", "-c",
                $"mount --bind {scratch["nsswitch.conf"]} /etc/nsswitch.conf && mount --bind {scratch["directory.so"]} {place} && exec \"$@\"", "sh",
            ]);
            (await daemon.Administrator.Types(["tctl", "create"], Policy)).Done();
            // What the configuration says of roles is checked when it is read.
            await daemon.Signal("HUP");
            return daemon;
        }

        public void Dispose() => scratch.Dispose();
    }
}
