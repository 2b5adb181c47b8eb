namespace CertAuthority.Tests.EndToEnd;

/// <summary>What <c>tsh config</c> makes of plain ssh and all that runs it.</summary>
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
    public async Task Tsh_ssh_replaces_ssh_everywhere()
    {
        await using var daemon = await Laptop.Daemon();
        var db1 = await Laptop.Db1(daemon);
        (await daemon.Administrator.Types(["tctl", "create", "-f"], """
            {kind: role, version: v8, metadata: {name: access}, spec: {allow: {logins: [deploy], node_labels: {env: staging}, request: {roles: [dba, prod-root]}}}}
            ---
            {kind: role, version: v8, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {type: db}}, options: {max_session_ttl: 1h, port_forwarding: true}}}
            ---
            {kind: role, version: v8, metadata: {name: prod-root}, spec: {allow: {logins: [root], node_labels: {type: db}}}}
            """)).Done();
        await using var laptop = await Laptop.Create(daemon);
        var alice = laptop.Alice;
        await laptop.Elevate();
        var there = Directory.CreateDirectory(daemon.Scratch["there"]).FullName;
        File.SetUnixFileMode(there, (UnixFileMode)0b111_111_111);
        // scp and sftp take a program without arguments.
        (await alice.Types("bash", "-c", "echo hello > ~/file; printf '#!/bin/sh\\nexec tsh ssh \"$@\"\\n' > ~/tsh-ssh; chmod +x ~/tsh-ssh")).Done();
        foreach (var (name, command) in new[]
        {
            ("scp", $"scp -q -B -S ~/tsh-ssh ~/file db1:{there}/scp"),
            ("scp-O", $"scp -q -B -O -S ~/tsh-ssh ~/file postgres@db1:{there}/scp-O"),
            ("sftp", $"echo put $HOME/file {there}/sftp | sftp -q -b - -S ~/tsh-ssh db1"),
            ("rsync", $"rsync -e 'tsh ssh' ~/file db1:{there}/rsync"),
        })
        {
            (await alice.Types("bash", "-c", command)).Done();
            Assert.Equal("hello\n", await File.ReadAllTextAsync(Path.Combine(there, name)));
        }
        (await alice.Types("bash", "-c", $"""
            set -e
            export GIT_SSH_COMMAND='tsh ssh' GIT_SSH_VARIANT=ssh GIT_AUTHOR_NAME=alice GIT_AUTHOR_EMAIL=alice@example.com GIT_COMMITTER_NAME=alice GIT_COMMITTER_EMAIL=alice@example.com
            tsh ssh -o BatchMode=yes db1 git init -q --bare {there}/git
            git init -q ~/work && cd ~/work && cp ~/file . && git add file && git commit -qm first
            git push -q db1:{there}/git HEAD:main && git clone -q -b main db1:{there}/git ~/clone
            """)).Done();
        Assert.Equal("hello\n", await File.ReadAllTextAsync(Path.Combine(laptop.Home, "clone/file")));

        Assert.Contains("debug1: ", (await alice.Types("tsh", "ssh", "-v", "db1", "true")).Error);
        Assert.Equal("not a tty\n", (await alice.Types("tsh", "ssh", "-Tlpostgres", "db1", "tty")).Output);
        Assert.StartsWith("/dev/", (await alice.Types("tsh", "ssh", "db1", "-tt", "tty")).Done());
        var (port, own) = (db1.Port, 20000 + (db1.Port % 10000));
        Assert.StartsWith("SSH-2.0-", (await alice.Types("bash", "-c", $"timeout 20 tsh ssh -W 127.0.0.1:{port} db1 < /dev/null")).Output);
        Assert.StartsWith("SSH-2.0-", (await alice.Types("tsh", "ssh", "-o", "ExitOnForwardFailure=yes", $"-L{own}:127.0.0.1:{port}", "db1", $"bash -c 'exec 3<>/dev/tcp/127.0.0.1/{own}; head -1 <&3'")).Output);
        Assert.StartsWith("SSH-2.0-", (await alice.Types("tsh", "ssh", "-o", "ExitOnForwardFailure=yes", "-R", $"{own}:127.0.0.1:{port}", "db1", $"bash -c 'exec 3<>/dev/tcp/127.0.0.1/{own}; head -1 <&3'")).Output);
        // What is given wins over the node's own port.
        Assert.Contains("port 9: Connection refused", (await alice.Types("tsh", "ssh", "-p", "9", "db1", "true")).Error);
        var unknown = await alice.Types("tsh", "ssh", "-Z", "db1");
        Assert.Equal((2, "tsh: error: unknown command or argument '-Z'\ntsh: hint: tsh ssh --help\n"), (unknown.ExitCode, unknown.Error));

        // A node is meant by its address too, and in any case.
        Assert.Equal("postgres\n", (await alice.Types("tsh", "ssh", "postgres@127.0.0.1", "id", "-un")).Done());
        Assert.Equal("postgres\n", (await alice.Types("tsh", "ssh", "DB1", "id", "-un")).Done());
        var root = await alice.Types("tsh", "ssh", "root@db1");
        Assert.Equal(
            (1, "tsh: error: you hold postgres on db1, and not root\ntsh: hint: root there can be requested: tsh login --request-roles=prod-root\n"), (root.ExitCode, root.Error));
        Assert.Equal("tsh: error: you hold postgres on db1, and not deploy\ntsh: hint: no role that you can request opens deploy there; tsh ls shows the nodes and logins in your reach\n", (await alice.Types("tsh", "ssh", "deploy@db1")).Error);
        (await daemon.Administrator.Types(["tctl", "create"], "{kind: node, version: v2, metadata: {name: db2, labels: {type: db}}, spec: {addr: '127.0.0.1:9'}}")).Done();
        var both = await alice.Types("tsh", "ssh", "127.0.0.1");
        Assert.Equal((1, "tsh: error: 127.0.0.1 is the address of several of your nodes: db1, db2\ntsh: hint: name one of them: tsh ssh LOGIN@db1\n"), (both.ExitCode, both.Error));
        await db1.Stop();
    }

    [PeopleFact]
    public async Task Tsh_ssh_connects_where_plain_ssh_would()
    {
        await using var daemon = await Laptop.Daemon();
        var db1 = await Laptop.Db1(daemon);
        (await daemon.Administrator.Types("tctl", "users", "update", "--set-roles=access,dba", "alice")).Done();
        await using var laptop = await Laptop.Create(daemon);
        var alice = laptop.Alice;
        (await alice.Types("tsh", "login", "--server", Laptop.Server, "--ttl=5s")).Done();
        await Eventually.Holds(async () => (await alice.Types("tsh", "status")).ExitCode == 1, "the certificate ends");

        // It has ended: the next one is fetched.
        var renewed = await alice.Types("tsh", "ssh", "db1", "id", "-un");
        Assert.Equal((0, "postgres\n"), (renewed.ExitCode, renewed.Output));
        Assert.Matches("^tsh: your certificate had expired; a new one of your regular roles is valid until [^\n]*\n$", renewed.Error);
        (await alice.Types("tsh", "config")).Done();
        (await alice.Types("tsh", "login", "--ttl=5s")).Done();
        await Eventually.Holds(async () => (await alice.Types("tsh", "status")).ExitCode == 1, "the certificate ends");
        renewed = await alice.Types("ssh", "-o", "BatchMode=yes", "db1", "id", "-un");
        Assert.Equal((0, "postgres\n"), (renewed.ExitCode, renewed.Output));
        Assert.StartsWith("tsh: your certificate had expired; ", renewed.Error);

        // The daemon is away: what it said last time counts.
        await laptop.StopSshd();
        var alone = await alice.Types("tsh", "ssh", "db1", "id", "-un");
        Assert.Equal((0, "postgres\n"), (alone.ExitCode, alone.Output));
        Assert.Contains($"; going to 127.0.0.1:{db1.Port}, where db1 was last time\n", alone.Error);
        Assert.Equal(3, (await alice.Types("tsh", "ssh", "nowhere")).ExitCode);
        await laptop.StartSshd();

        // It was revoked: that is said, and nothing connects.
        var serial = (await alice.Types("bash", "-c", "tsh certs ls --state=live --format=json | jq -r '.[0].serial'")).Done().Trim();
        Assert.Equal($"1 certificate revoked: {serial}\n", (await alice.Types("tsh", "certs", "revoke", serial)).Done());
        Assert.Equal("0 certificates revoked\n", (await alice.Types("tsh", "certs", "revoke", serial)).Done());
        var entered = db1.Log;
        var revoked = await alice.Types("tsh", "ssh", "db1", "true");
        Assert.Equal((1, $"tsh: error: certificate {serial} has been revoked\ntsh: hint: tsh login\n"), (revoked.ExitCode, revoked.Error));
        Assert.Equal(entered, db1.Log);

        // A login's own certificates go with it; those of other machines go with --all, and nobody else's.
        (await daemon.Administrator.Types("tctl", "users", "add", "oncall", "--roles=access", "--unix-user=bob")).Done();
        (await alice.Types("tsh", "login")).Done();
        (await alice.Types("bash", "-c", "tsh login --out ~/elsewhere")).Done();
        Assert.Contains("\n1 certificate revoked: ", (await alice.Types("tsh", "logout", "--revoke")).Done());
        (await alice.Types("tsh", "login")).Done();
        Assert.StartsWith("3 certificates revoked: ", (await alice.Types("tsh", "certs", "revoke", "--all", "--wait")).Done());
        var other = await alice.Types("tsh", "certs", "revoke", "1");
        Assert.Equal((1, "tsh: error: you have no certificate with the serial \"1\"\ntsh: hint: tsh certs ls lists them\n"), (other.ExitCode, other.Error));
        Assert.Equal("5001\n", (await daemon.Administrator.Types("bash", "-c", "tctl audit ls --format=json | jq -r '[.[] | select(.event == \"certificate.revoked\") | .uid] | unique[]'")).Done());

        // An administrator confirms that all of them go.
        (await alice.Types("tsh", "login")).Done();
        var asked = await daemon.Administrator.Types("tctl", "certs", "revoke", "--all");
        Assert.Equal((2, "tctl: hint: tctl certs revoke --all --yes\n"), (asked.ExitCode, asked.Error[asked.Error.IndexOf("tctl: hint")..]));
        using (var no = Pty.Start(daemon.Administrator, "tctl certs revoke --all"))
        {
            await no.Shows("revoke 1 live certificate of 1 user? [y/N] ");
            await no.Press("\n");
            Assert.Equal(1, await no.Ended());
        }
        using (var yes = Pty.Start(daemon.Administrator, "tctl certs revoke --all"))
        {
            await yes.Shows("[y/N] ");
            await yes.Press("y\n");
            Assert.Equal(0, await yes.Ended());
            Assert.Contains("1 certificate revoked: ", yes.Shown);
        }
        Assert.Equal("0 certificates revoked\n", (await daemon.Administrator.Types("tctl", "certs", "revoke", "--all", "--yes")).Done());
        await db1.Stop();
    }

    [PeopleFact]
    public async Task A_second_factor_follows_the_certificate()
    {
        await using var daemon = await Laptop.Daemon();
        await using var laptop = await Laptop.Create(daemon);
        await using var db1 = await FleetHost.Start(
            daemon, "", include: "UsePAM yes\nKbdInteractiveAuthentication yes\nAuthenticationMethods publickey,keyboard-interactive\nTrustedUserCAKeys /etc/ssh/user_ca.pub\nAuthorizedPrincipalsFile /etc/ssh/principals");
        File.WriteAllText(db1["user_ca.pub"], (await daemon.Administrator.Types("tctl", "auth", "export", "--type=user")).Done());
        File.WriteAllText(db1["principals"], "postgres@db1\n");
        Directory.CreateDirectory(db1["../pam.d"]);
        File.WriteAllText(db1["../pam.d/sshd"], "auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n");
        (await daemon.Administrator.Types(["tctl", "create", "-f"], $"{{kind: node, version: v2, metadata: {{name: db1, labels: {{type: db}}}}, spec: {{addr: '127.0.0.1:{db1.Port}'}}}}")).Done();
        await laptop.Elevate();

        var entered = await laptop.Alice.Types("tsh", "ssh", "-o", "StrictHostKeyChecking=no", "db1", "id", "-un");

        Assert.True(entered.Output == "postgres\n", $"{entered}\n{db1.Log}");
        Assert.Contains("Accepted keyboard-interactive/pam for postgres", db1.Log);
        // Who wants never to be asked says so, as to ssh.
        Assert.Contains("Permission denied", (await laptop.Alice.Types("tsh", "ssh", "-o", "PreferredAuthentications=publickey", "db1", "true")).Error);
    }

    [PeopleFact]
    public async Task Host_with_another_key_is_not_trusted()
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
    public async Task Missing_access_prints_the_command_that_requests_it()
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
        await Eventually.Holds(async () => (await alice.Types("tsh", "status")).ExitCode == 1, "the certificate ends");
        var entered = db1.Log;
        var ended = await alice.Types("ssh", "-o", "BatchMode=yes", "db1", "true");
        Assert.Equal(255, ended.ExitCode);
        Assert.StartsWith("tsh: your certificate had expired; a new one of your regular roles is valid until ", ended.Error);
        Assert.Contains("\ntsh: error: there is no node \"db1\" within reach of your certificates\ntsh: hint: tsh login --request-roles=dba\n", ended.Error);
        // ssh did not connect, so the host counted nothing.
        Assert.Equal(entered, db1.Log);

        // With the regular roles again, db1 is a request away, as it was.
        (await alice.Types("tsh", "login")).Done();
        Assert.StartsWith(ask, (await alice.Types("ssh", "-o", "BatchMode=yes", "db1", "true")).Error);
        (await alice.Types("tsh", "logout")).Done();
        Assert.StartsWith("tsh: error: not logged in\ntsh: hint: tsh login\n", (await alice.Types("ssh", "-o", "BatchMode=yes", "web1", "true")).Error);
        // Other hosts are no concern of it, nor is the way to the daemon.
        Assert.Equal("ssh: Could not resolve hostname other.invalid: Name or service not known\r\n", (await alice.Types("ssh", "other.invalid", "true")).Error);
        (await alice.Types("ssh", "auth1", "true")).Done();
        await db1.Stop();

        static (int, string) Shown(Outcome outcome) => (outcome.ExitCode, outcome.Error);
    }

    [PeopleFact]
    public async Task Per_host_certificate_is_fetched_when_connecting()
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
        Assert.Equal(["postgres@db1-cert.pub"], Directory.GetFiles(Path.Combine(laptop.TshHome, "nodes")).Select(Path.GetFileName));
        // Had once, it is used as long as it lives; tsh ssh uses it too.
        Assert.Equal((0, "postgres\n", ""), Shown(await alice.Types("ssh", "-o", "BatchMode=yes", "db1", "id -un")));
        Assert.Equal((0, "postgres\n", ""), Shown(await alice.Types("tsh", "ssh", "db1", "id", "-un")));
        Assert.Equal("1\n", (await daemon.Administrator.Types("bash", "-c", "tctl certs ls --format=json | jq length")).Done());

        // Nodes whose certificates are missing, expired or of another key are seen to; what the roles do not reach is said.
        (await daemon.Administrator.Types("tctl", "users", "update", "--set-roles=access", "alice")).Done();
        File.Delete(Path.Combine(laptop.TshHome, "nodes/postgres@db1-cert.pub"));
        var refused = await alice.Types("ssh", "-o", "BatchMode=yes", "db1", "true");
        Assert.StartsWith("tsh: error: there is no node \"db1\" within reach of the roles in use: access\n", refused.Error);
        Assert.Equal("tsh: error: there is no node \"db1\" within reach of your certificates\ntsh: hint: tsh login --request-roles=dba\n", (await alice.Types("tsh", "ssh", "db1")).Error);
        await db1.Stop();

        static (int, string, string) Shown(Outcome outcome) => (outcome.ExitCode, outcome.Output, outcome.Error);
    }

    [PeopleFact]
    public async Task Config_block_is_added_and_removed_and_all_else_is_kept()
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
    public async Task Malicious_server_replies_are_rejected()
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
        var node = $$"""{"name":"web1","address":"-oProxyCommand=touch {{marker}}","logins":["deploy"]}""";
        laptop.Authorize($"command=\"cat {daemon.Scratch.Write("laptop/answer", $"HTTP/1.1 200 OK\r\nContent-Length: {node.Length}\r\nContent-Type: application/json\r\n\r\n{node}")}; sleep 2\"");
        var hostile = await alice.Types("tsh", "ssh", "deploy@web1");
        Assert.True(hostile.ExitCode == 1 && hostile.Error.Contains("is not the address of a node"), $"{hostile}");
        Assert.False(File.Exists(marker));
    }
}
