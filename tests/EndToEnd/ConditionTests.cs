using CertAuthority.Protocol;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>One login, several certificates: conditions belong to the logins of their role, and the everyday certificate stays beside an elevated one. sshd is the judge.</summary>
public sealed class ConditionTests
{
    [PeopleFact]
    public async Task Conditions_bind_only_the_logins_of_their_role()
    {
        await using var site = await Site.Create();
        var everyday = await site.Login();
        Assert.Equal(["everyday", "everyday-restore"], everyday.Keys.Order(StringComparer.Ordinal));
        Assert.Contains("force-command echo restored", await site.Reads(everyday["everyday-restore"]));
        Assert.DoesNotContain("force-command", await site.Reads(everyday["everyday"]));

        // What is typed runs as deploy, and only the forced command as postgres. Neither certificate opens the other's login.
        Assert.True(await site.Db1.LetsIn(site.Alice, "deploy", everyday["everyday"]), site.Db1.Log);
        Assert.Equal("restored\n", (await site.Ssh(everyday["everyday-restore"], "postgres", "id -un")).Output);
        Assert.False(await site.Db1.LetsIn(site.Alice, "deploy", everyday["everyday-restore"]));
        Assert.False(await site.Db1.LetsIn(site.Alice, "postgres", everyday["everyday"]));
        Assert.Equal(
            "alice can log in: yes, as deploy (all hosts), postgres (all hosts), runs only echo restored\n",
            (await site.Root("tctl access explain alice | head -n 1")).Done());
        Assert.Equal(
            "everyday-restore echo restored\neveryday \n",
            (await site.Root("""tctl certs ls --format=json | jq -r '.[] | "\(.name) \(.force_command // "")"'""")).Done());
        Assert.Equal("VALID everyday-restore runs only echo restored\nVALID everyday\n", (await site.Root("tctl certs ls | sed -n '3,$s/.*:[0-9][0-9]Z //p' | tr -s ' '")).Done());

        // Another command is forced: the certificate that forces the old one is on the list, and nothing else is.
        (await site.Root("tctl create -f <<< '{kind: role, version: v8, metadata: {name: restore}, spec: {allow: {logins: [postgres], node_labels: {\"*\": \"*\"}}, options: {force_command: echo other}}}'")).Done();
        Assert.False(await site.Db1.LetsIn(site.Alice, "postgres", everyday["everyday-restore"]));
        Assert.Contains("revoked", site.Db1.Log);
        Assert.True(await site.Db1.LetsIn(site.Alice, "deploy", everyday["everyday"]), site.Db1.Log);
        Assert.Equal("other\n", (await site.Ssh((await site.Login())["everyday-restore"], "postgres", "id -un")).Output);

        // A deny takes the certificate that opens the login, and a lock of the user takes all.
        var latest = await site.Login();
        (await site.Root("tctl create <<< '{kind: role, version: v8, metadata: {name: never}, spec: {deny: {logins: [postgres]}}}' && tctl users update --set-roles=access,restore,never alice")).Done();
        Assert.Equal("everyday everyday everyday", string.Join(' ', await site.Live()));
        (await site.Root("tctl lock --user=alice")).Done();
        Assert.Empty(await site.Live());
        Assert.False(await site.Db1.LetsIn(site.Alice, "deploy", latest["everyday"]));
    }

    [PeopleFact]
    public async Task Elevated_login_can_still_jump_through_a_bastion()
    {
        await using var site = await Site.Create();
        Assert.Equal(
            "[\"shell: runs only echo shell\"]\n",
            (await site.Root("tsh request create --user=alice --roles=dba,shell --dry-run --format=json | jq -c .spec.conditions")).Done());
        var request = (await site.Root("tsh request create --user=alice --roles=dba,shell --nowait | cut -d ' ' -f 2")).Done().Trim();
        Assert.Equal($"request {request} has been approved (shell: runs only echo shell)\n", (await site.Root($"tctl requests approve {request}")).Done());
        Assert.Equal("[\"shell: runs only echo shell\"]\n", (await site.Root($"tctl requests get {request} --format=json | jq -c .spec.conditions")).Done());

        var held = await site.Login(request);
        Assert.Equal(["elevated", "elevated-shell", "everyday", "everyday-restore"], held.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("root\n", (await site.Jump(hop: held["everyday"], held["elevated"])).Done());
        var refused = await site.Jump(hop: held["elevated"], held["elevated"]);
        Assert.Equal(255, refused.ExitCode);
        Assert.Contains("stdio forwarding failed", refused.Error);

        // The request's certificates are its own; the user's are all of them.
        (await site.Root($"tctl certs revoke --request={request}")).Done();
        Assert.Equal("everyday-restore everyday", string.Join(' ', await site.Live()));
        Assert.True(await site.Db1.LetsIn(site.Alice, "deploy", held["everyday"]), site.Db1.Log);
        Assert.False(await site.Db1.LetsIn(site.Alice, "deploy", held["elevated"]));
        (await site.Root("tctl certs revoke --user=alice")).Done();
        Assert.Empty(await site.Live());
        Assert.False(await site.Db1.LetsIn(site.Alice, "deploy", held["everyday"]));
        Assert.Equal("4", (await site.Root("tctl audit ls --format=json | jq '[.[] | select(.event == \"certificate.issued\")] | length'")).Done().Trim());
    }

    /// <summary>A daemon, two hosts that listen, and alice, as whom root logs in.</summary>
    private sealed class Site : IAsyncDisposable
    {
        private readonly TestDaemon daemon;
        private readonly TestHost db2;

        private Site(TestDaemon daemon, TestHost db1, TestHost db2) => (this.daemon, Db1, this.db2) = (daemon, db1, db2);

        public TestHost Db1 { get; }

        public Person Alice => daemon.Person(Person.Alice);

        public static async Task<Site> Create()
        {
            var daemon = await TestDaemon.Start();
            (await daemon.Administrator.Types(["tctl", "create"], """
                {kind: role, version: v8, metadata: {name: access}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}, request: {roles: [dba, shell]}}, options: {port_forwarding: true}}}
                ---
                {kind: role, version: v8, metadata: {name: restore}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}, options: {force_command: echo restored}}}
                ---
                {kind: role, version: v8, metadata: {name: dba}, spec: {allow: {logins: [root], node_labels: {'*': '*'}}}}
                ---
                {kind: role, version: v8, metadata: {name: shell}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}, options: {force_command: echo shell}}}
                ---
                {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [access, restore], unix_users: [alice, '0']}}
                """)).Done();
            var site = new Site(daemon, await TestHost.Create(daemon, "db1"), await TestHost.Create(daemon, "db2"));
            Directory.CreateDirectory(site.Alice.Home);
            (await daemon.Administrator.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", site.Key)).Done();
            await site.Db1.Listen();
            await site.db2.Listen();
            return site;
        }

        private string Key => Path.Combine(Alice.Home, "id");

        /// <summary>Logs in as alice, and writes each certificate to a file.</summary>
        /// <returns>The files, by the names of the certificates.</returns>
        public async Task<Dictionary<string, string>> Login(params string[] requests)
        {
            using var ca = daemon.Connect();
            var login = await ca.Send(Routes.Login, new Login(await File.ReadAllTextAsync($"{Key}.pub"), "alice", requests is [] ? null : requests), CancellationToken.None);
            Assert.Null(login.Missing);
            return login.Certificates.ToDictionary(one => one.Info.Name!, one =>
            {
                var file = Path.Combine(Alice.Home, $"{one.Info.Name}-cert.pub");
                File.WriteAllText(file, $"{one.Certificate}\n");
                return file;
            });
        }

        public async Task<string> Reads(string certificate) => (await daemon.Administrator.Types("ssh-keygen", "-Lf", certificate)).Done();

        public Task<Outcome> Root(string command) => daemon.Administrator.Types("bash", "-c", $"set -o pipefail; {command}");

        /// <summary>The names of the live certificates, newest first.</summary>
        public async Task<string[]> Live() =>
            (await Root("tctl certs ls --state=live --format=json | jq -r '.[].name'")).Done().Split('\n', StringSplitOptions.RemoveEmptyEntries);

        public Task<Outcome> Ssh(string certificate, string login, string command) => Db1.Ssh(Alice, login, command, ["-o", $"CertificateFile={certificate}"]);

        /// <summary>Runs <c>id -un</c> as root on db2, through deploy on db1.</summary>
        public Task<Outcome> Jump(string hop, string certificate)
        {
            var config = daemon.Scratch.Write($"jump-{Path.GetFileName(hop)}", $"""
                Host db1
                  User deploy
                  Port {Db1.Port}
                  CertificateFile {hop}
                Host db2
                  User root
                  Port {db2.Port}
                  CertificateFile {certificate}
                Host *
                  HostName 127.0.0.1
                  IdentityFile {Key}
                  IdentitiesOnly yes
                  IdentityAgent none
                  BatchMode yes
                  StrictHostKeyChecking no
                  UserKnownHostsFile /dev/null
                  LogLevel ERROR

                """);
            return daemon.Administrator.Types("ssh", "-F", config, "-J", "db1", "db2", "id -un");
        }

        public async ValueTask DisposeAsync()
        {
            await Db1.Stop();
            await db2.Stop();
            await daemon.DisposeAsync();
        }
    }
}
