namespace CertAuthority.Tests.EndToEnd;

/// <summary>What <c>tsh config</c> makes of plain ssh and all that runs it.</summary>
[Collection("laptop")]
public sealed class PlainSshTests
{
    [PeopleFact]
    public async Task Ssh_scp_sftp_rsync_and_git_just_work()
    {
        await using var daemon = await Laptop.Daemon();
        var db1 = await Laptop.Db1(daemon);
        await using var laptop = await Laptop.Create(daemon);
        var alice = laptop.Alice;
        await laptop.Elevate();
        (await alice.Types("tsh", "config")).Done();
        var there = Directory.CreateDirectory(daemon.Scratch["there"]).FullName;
        File.SetUnixFileMode(there, (UnixFileMode)0b111_111_111);
        (await alice.Types("bash", "-c", "echo hello > ~/file")).Done();

        // No question is asked: db1 has a certificate of the authority for its key.
        Assert.Equal("postgres\n", (await alice.Types("ssh", "-o", "BatchMode=yes", "db1", "id -un")).Done());
        foreach (var (program, command) in new[]
        {
            ("scp", $"scp -q -B ~/file db1:{there}/scp"),
            ("sftp", $"echo put $HOME/file {there}/sftp | sftp -q -b - db1"),
            ("rsync", $"rsync -e 'ssh -o BatchMode=yes' ~/file db1:{there}/rsync"),
        })
        {
            (await alice.Types("bash", "-c", command)).Done();
            Assert.Equal("hello\n", await File.ReadAllTextAsync(Path.Combine(there, program)));
        }
        (await alice.Types("bash", "-c", $"""
            set -e
            export GIT_SSH_COMMAND='ssh -o BatchMode=yes' GIT_AUTHOR_NAME=alice GIT_AUTHOR_EMAIL=alice@example.com GIT_COMMITTER_NAME=alice GIT_COMMITTER_EMAIL=alice@example.com
            ssh -o BatchMode=yes db1 git init -q --bare {there}/git
            git init -q ~/work && cd ~/work && cp ~/file . && git add file && git commit -qm first
            git push -q db1:{there}/git HEAD:main && git clone -q -b main db1:{there}/git ~/clone
            """)).Done();
        Assert.Equal("hello\n", await File.ReadAllTextAsync(Path.Combine(laptop.Home, "clone/file")));
        Assert.Contains("ID alice:", db1.Log);
        await db1.Stop();
    }

    [PeopleFact]
    public async Task A_host_with_another_key_is_not_believed()
    {
        await using var daemon = await Laptop.Daemon();
        // Not certified.
        var db1 = await TestHost.Create(daemon, "db1");
        await db1.Listen();
        (await daemon.Administrator.Types(["tctl", "create", "-f"], $"{{kind: node, version: v2, metadata: {{name: db1, labels: {{type: db}}}}, spec: {{addr: '127.0.0.1:{db1.Port}'}}}}")).Done();
        await using var laptop = await Laptop.Create(daemon);
        await laptop.Elevate();
        (await laptop.Alice.Types("tsh", "config")).Done();
        Assert.Contains("Host key verification failed", (await laptop.Alice.Types("ssh", "-o", "BatchMode=yes", "db1", "true")).Error);
        Assert.Contains("Host key verification failed", (await laptop.Alice.Types("tsh", "ssh", "db1", "true")).Error);
        await db1.Stop();
    }

    [PeopleFact]
    public async Task Where_access_is_missing_one_line_says_what_asks_for_it()
    {
        await using var daemon = await Laptop.Daemon();
        var db1 = await Laptop.Db1(daemon);
        await using var laptop = await Laptop.Create(daemon);
        var alice = laptop.Alice;
        (await alice.Types("tsh", "login", "--server", Laptop.Server)).Done();
        (await alice.Types("tsh", "config")).Done();

        const string ask = "tsh: no access to db1 now, this asks for it: tsh login --request-roles=dba\n";
        Assert.StartsWith(ask, (await alice.Types("ssh", "-o", "BatchMode=yes", "db1", "true")).Error);

        // A login is enough: ssh is told of it.
        await laptop.Elevate("--ttl=8s");
        Assert.Equal((0, ""), Shown(await alice.Types("ssh", "-o", "BatchMode=yes", "db1", "true")));
        const string over = "tsh: you have no certificate that is valid now: tsh login\n";
        var ended = await alice.Types("ssh", "-o", "BatchMode=yes", "db1", "true");
        for (var clock = System.Diagnostics.Stopwatch.StartNew(); ended.ExitCode == 0; ended = await alice.Types("ssh", "-o", "BatchMode=yes", "db1", "true"))
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20));
        // The last try may have begun before the end.
        ended = await alice.Types("ssh", "-o", "BatchMode=yes", "db1", "true");
        Assert.StartsWith(over, ended.Error);
        Assert.Equal(1, ended.Error.Split("tsh: ").Length - 1);

        // With the regular roles again, db1 is a request away, as it was.
        (await alice.Types("tsh", "login")).Done();
        Assert.StartsWith(ask, (await alice.Types("ssh", "-o", "BatchMode=yes", "db1", "true")).Error);
        (await alice.Types("tsh", "logout")).Done();
        Assert.StartsWith(over, (await alice.Types("ssh", "-o", "BatchMode=yes", "web1", "true")).Error);
        // Other hosts are no concern of it, nor is the way to the daemon.
        Assert.Equal("ssh: Could not resolve hostname other.invalid: Name or service not known\r\n", (await alice.Types("ssh", "other.invalid", "true")).Error);
        (await alice.Types("ssh", "auth1", "true")).Done();
        await db1.Stop();

        static (int, string) Shown(Outcome outcome) => (outcome.ExitCode, outcome.Error);
    }

    [PeopleFact]
    public async Task A_host_that_needs_a_certificate_of_its_own_has_it_at_the_moment_of_connecting()
    {
        await using var daemon = await Laptop.Daemon();
        var db1 = await Laptop.Db1(daemon);
        // 300 hosts more than one certificate holds.
        (await daemon.Administrator.Types(["tctl", "create", "-f"], string.Concat(Enumerable.Range(2, 300).Select(n => $"{{kind: node, version: v2, metadata: {{name: db{n}, labels: {{type: db}}}}, spec: {{addr: db{n}.example.com}}}}\n---\n"))
            + "{kind: user, version: v2, metadata: {name: alice}, spec: {roles: [access, dba]}}")).Done();
        await using var laptop = await Laptop.Create(daemon);
        var alice = laptop.Alice;
        var login = await alice.Types("tsh", "login", "--server", Laptop.Server);
        Assert.Equal((0, ""), (login.ExitCode, login.Output));
        (await alice.Types("tsh", "config")).Done();

        Assert.Equal((0, "postgres\n", ""), Shown(await alice.Types("ssh", "-o", "BatchMode=yes", "db1", "id -un")));
        Assert.Equal(["db1-cert.pub"], Directory.GetFiles(Path.Combine(laptop.TshHome, "nodes")).Select(Path.GetFileName));
        // Had once, it is used as long as it lives; tsh ssh uses it too.
        Assert.Equal((0, "postgres\n", ""), Shown(await alice.Types("ssh", "-o", "BatchMode=yes", "db1", "id -un")));
        Assert.Equal((0, "postgres\n", ""), Shown(await alice.Types("tsh", "ssh", "db1", "id", "-un")));
        Assert.Equal("1\n", (await daemon.Administrator.Types("bash", "-c", "tctl certs ls --format=json | jq length")).Done());

        // Nodes whose certificates are missing, expired or of another key are seen to; what the roles do not reach is said.
        (await daemon.Administrator.Types("tctl", "users", "update", "--set-roles=access", "alice")).Done();
        File.Delete(Path.Combine(laptop.TshHome, "nodes/db1-cert.pub"));
        var refused = await alice.Types("ssh", "-o", "BatchMode=yes", "db1", "true");
        Assert.StartsWith("tsh: error: there is no node \"db1\" within reach of the roles in use: access\n", refused.Error);
        Assert.Equal("tsh: error: there is no node \"db1\" within reach of your certificates\ntsh: hint: tsh login --request-roles=dba\n", (await alice.Types("tsh", "ssh", "db1")).Error);
        await db1.Stop();

        static (int, string, string) Shown(Outcome outcome) => (outcome.ExitCode, outcome.Output, outcome.Error);
    }

    [PeopleFact]
    public async Task The_block_comes_and_goes_and_nothing_else_is_touched()
    {
        await using var daemon = await Laptop.Daemon();
        await using var laptop = await Laptop.Create(daemon);
        var alice = laptop.Alice;
        (await alice.Types("tsh", "login", "--server", Laptop.Server)).Done();
        (await alice.Types("tsh", "login", "--server", Laptop.Server, "--profile=night")).Done();
        var file = Path.Combine(laptop.Home, ".ssh/config");
        // Without any ~/.ssh.
        Assert.Equal($"{file} has no block of tsh config, nothing to remove\n", (await alice.Types("tsh", "config", "--remove")).Done());
        Assert.False(Directory.Exists(Path.GetDirectoryName(file)));
        (await alice.Types("tsh", "config", "--profile=night")).Done();
        Assert.Contains("profiles/night/ssh_config", await File.ReadAllTextAsync(file));
        (await alice.Types("tsh", "config", "--remove", "--profile=night")).Done();

        // A link to nothing, as for those who have yet to fetch their files.
        var real = Path.Combine(laptop.Home, "dotfiles-config");
        (await alice.Types("bash", "-c", "ln -sf ~/dotfiles-config ~/.ssh/config")).Done();
        Assert.Equal($"{file} has no block of tsh config, nothing to remove\n", (await alice.Types("tsh", "config", "--remove")).Done());
        Assert.False(File.Exists(real));
        (await alice.Types("tsh", "config")).Done();
        Assert.Contains("/ssh_config", await File.ReadAllTextAsync(real));

        // A line without an end, bytes that are no UTF-8, behind a link as those have who keep such files together.
        var before = (byte[])[.. "Host other\n    User x\n# caf"u8, 0xE9, .. "\r\n# last"u8];
        await File.WriteAllBytesAsync(real, before);

        (await alice.Types("tsh", "config")).Done();
        (await alice.Types("tsh", "config", "--profile=night")).Done();
        (await alice.Types("tsh", "config")).Done();
        var both = await File.ReadAllTextAsync(real);
        Assert.Equal(2, both.Split("\nInclude \"").Length - 1);
        Assert.NotNull(new FileInfo(file).LinkTarget);
        Assert.Equal((UnixFileMode)0b110_000_000, File.GetUnixFileMode(real));
        (await alice.Types("ssh", "auth1", "true")).Done();

        (await alice.Types("tsh", "config", "--remove")).Done();
        Assert.Contains("profiles/night/ssh_config", await File.ReadAllTextAsync(real));
        (await alice.Types("tsh", "config", "--remove", "--profile=night")).Done();
        Assert.Equal(before, await File.ReadAllBytesAsync(real));
        Assert.Equal($"{file} has no block of tsh config, nothing to remove\n", (await alice.Types("tsh", "config", "--remove")).Done());

        // Where there was no file, there is none again.
        (await alice.Types("bash", "-c", "rm -r ~/.ssh/config && tsh config --server ssh://nowhere.invalid")).ExitCode.ToString();
        Assert.False(File.Exists(file));
    }

    [PeopleFact]
    public async Task What_a_lying_server_says_gets_nowhere()
    {
        await using var daemon = await Laptop.Daemon();
        await using var laptop = await Laptop.Create(daemon);
        var alice = laptop.Alice;
        (await alice.Types("tsh", "login", "--server", Laptop.Server)).Done();
        var marker = Path.Combine(laptop.Home, "marker");
        foreach (var (list, error) in new[]
        {
            ("""{"nodes":[{"name":"a\nProxyCommand touch MARKER","address":"db1","labels":{},"logins":["root"]}],"everywhere":[],"per_host":false,"requestable":[]}""", "is not the name of a node"),
            ("""{"nodes":[{"name":"-oProxyCommand=touch MARKER","address":"db1","labels":{},"logins":["root"]}],"everywhere":[],"per_host":false,"requestable":[]}""", "is not the name of a node"),
            ("""{"nodes":[{"name":"db1","address":"-oProxyCommand=touch MARKER","labels":{},"logins":["root"]}],"everywhere":[],"per_host":false,"requestable":[]}""", "is not the address of a node"),
            ("""{"nodes":[{"name":"db1","address":"db1\n  ProxyCommand touch MARKER","labels":{},"logins":["root"]}],"everywhere":[],"per_host":false,"requestable":[]}""", "is not the address of a node"),
            ("""{"nodes":[{"name":"db1","address":"db1","labels":{},"logins":["root\n  ProxyCommand touch MARKER"]}],"everywhere":[],"per_host":false,"requestable":[]}""", "is not a login"),
            ("""{"nodes":[],"everywhere":[],"per_host":false,"requestable":[{"name":"$(touch MARKER)","roles":["dba"]}]}""", "is not the name of a node"),
            ("""{"nodes":[],"everywhere":[],"per_host":false,"requestable":[{"name":"db1","roles":["x'; touch MARKER; '"]}]}""", "is not the name of a role"),
        })
        {
            var body = list.Replace("MARKER", marker);
            var answer = daemon.Scratch.Write("laptop/answer", $"HTTP/1.1 200 OK\r\nContent-Length: {System.Text.Encoding.UTF8.GetByteCount(body)}\r\nContent-Type: application/json\r\n\r\n{body}");
            laptop.Authorize($"command=\"cat {answer}; sleep 2\"");
            var refused = await alice.Types("tsh", "config");
            Assert.Equal(1, refused.ExitCode);
            Assert.Contains(error, refused.Error);
            Assert.Equal(1, refused.Error.Count(c => c == '\n'));
            Assert.False(Directory.Exists(Path.Combine(laptop.Home, ".ssh")));
        }
        // And a single node's, on the way of tsh ssh.
        var node = $$"""{"name":"db1","address":"-oProxyCommand=touch {{marker}}","logins":["root"]}""";
        laptop.Authorize($"command=\"cat {daemon.Scratch.Write("laptop/answer", $"HTTP/1.1 200 OK\r\nContent-Length: {node.Length}\r\n\r\n{node}")}; sleep 2\"");
        Assert.Equal(1, (await alice.Types("tsh", "ssh", "root@db1")).ExitCode);
        Assert.False(File.Exists(marker));
    }
}
