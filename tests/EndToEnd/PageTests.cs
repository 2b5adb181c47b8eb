using System.Text.RegularExpressions;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>What pages tell people to do, done: the commands are read from the page.</summary>
public sealed class PageTests
{
    [Fact]
    public async Task Commands_of_the_page_certify_without_tsh()
    {
        await using var daemon = await TestDaemon.Start();
        await DaemonTests.Setup(daemon);
        var folder = Directory.CreateDirectory(daemon.Scratch["by-hand"]).FullName;
        string[] blocks = [.. Blocks("without-tsh.md").Select(block => $"cd {folder}\n{block.Replace("/run/certauthority/ca.sock", daemon.Socket)}")];

        (await daemon.Myself.Types("bash", "-euo", "pipefail", "-c", blocks[0])).Done();
        Assert.Matches(@"Key ID: ""me""\n(.*\n)* +deploy\n", (await daemon.Myself.Types("ssh-keygen", "-Lf", $"{folder}/id-cert.pub")).Done());
        Assert.StartsWith("@cert-authority * ssh-ed25519 ", File.ReadAllText($"{folder}/known_hosts"), StringComparison.Ordinal);

        var asking = daemon.Myself.Types("bash", "-euo", "pipefail", "-c", blocks[1]);
        var id = "";
        await Eventually.Holds(async () => (id = (await daemon.Administrator.Types("bash", "-c", "tctl requests ls --state=pending --format=json | jq -r '.[].metadata.name'")).Done().Trim()).Length > 0, "a request");
        (await daemon.Administrator.Types("tctl", "requests", "approve", id)).Done();
        (await asking).Done();
        Assert.Matches($@"Key ID: ""me:{id}""\n(.*\n)* +postgres\n", (await daemon.Myself.Types("ssh-keygen", "-Lf", $"{folder}/id-cert.pub")).Done());

        // The host CA key changes, and ssh-keygen verifies what the old one says of the next.
        Assert.NotEqual(0, (await daemon.Myself.Types("bash", "-euo", "pipefail", "-c", blocks[2])).ExitCode);
        (await daemon.Administrator.Types("tctl", "auth", "rotate", "host")).Done();
        (await daemon.Myself.Types("bash", "-euo", "pipefail", "-c", blocks[2])).Done();
        Assert.Equal([daemon.PublicKey("host_ca"), daemon.PublicKey("host_ca_next")], OpenSsh.KnownHosts.ReadAuthorities(File.ReadAllText($"{folder}/known_hosts")).Keys);
        Assert.Equal(3, blocks.Length);

        // What is refused is a problem, and ends the script.
        var refused = await daemon.Myself.Types("bash", "-euo", "pipefail", "-c", blocks[1].Replace("\"dba\"", "\"root\"", StringComparison.Ordinal));
        Assert.Equal(22, refused.ExitCode);
    }

    [Fact]
    public async Task Audit_names_the_program_that_approved()
    {
        using var scratch = new Scratch();
        var script = scratch.Write("approve", Blocks("approving-by-script.md")[0]
            .Replace("#!/bin/sh\n", $"#!/bin/sh\nexport PATH={World.Programs}:$PATH CERTAUTHORITY_SERVER=unix:{scratch["run/ca.sock"]}\n", StringComparison.Ordinal)
            .Replace("/etc/certauthority/on-call", scratch.Write("on-call", "me\n"), StringComparison.Ordinal));
        File.SetUnixFileMode(script, (UnixFileMode)0b111_101_101);
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"notify: {{command: [{script}]}}\n");
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v8, metadata: {name: staff}, spec: {allow: {request: {roles: [db-read, dba]}}}}
            ---
            {kind: role, version: v8, metadata: {name: db-read}, spec: {allow: {logins: [reader], node_labels: {'*': '*'}}}}
            ---
            {kind: role, version: v8, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}
            """)).Done();
        (await daemon.Administrator.Types("tctl", "users", "add", "me", "--roles=staff", $"--unix-user={Environment.UserName}")).Done();

        var dba = await DaemonTests.FileRequest(daemon);
        Assert.Contains("logins: reader (all hosts)\n", (await daemon.Myself.Types("tsh", "login", "--request-roles=db-read")).Done(), StringComparison.Ordinal);

        var approved = (await daemon.Administrator.Types("bash", "-c", "tctl audit ls --format=json | jq -r '.[] | select(.event == \"request.approved\") | \"\\(.program) \\(.account) \\(.reason)\"'")).Done();
        Assert.Equal($"{script} {Environment.UserName} me is on call\n", approved);
        Assert.Contains($" {script} (as {Environment.UserName}) ", (await daemon.Administrator.Types("tctl", "audit", "ls")).Done(), StringComparison.Ordinal);
        Assert.Equal(
            $"PENDING null\nAPPROVED {script}\n",
            (await daemon.Administrator.Types("bash", "-c", $"tctl requests ls --format=json | jq -r 'sort_by(.metadata.name != \"{dba}\") | .[] | \"\\(.spec.state) \\(.spec.resolved_by)\"'")).Done());
        // Somebody else of the same account is not the script.
        (await daemon.Administrator.Types("tctl", "requests", "approve", dba)).Done();
        Assert.Equal("null\n", (await daemon.Administrator.Types("bash", "-c", "tctl audit ls --limit=1 --format=json | jq -r '.[0].program'")).Done());
    }

    [Fact]
    public async Task Moved_daemon_continues_where_it_stopped()
    {
        using var there = new Scratch();
        string request, before;
        await using (var old = await TestDaemon.Start())
        {
            await DaemonTests.Setup(old);
            request = await DaemonTests.FileRequest(old);
            (await old.Administrator.Types("tctl", "requests", "approve", request)).Done();
            (await old.Myself.Types("tsh", "login", $"--request-id={request}")).Done();
            before = await Live(old);
            await old.Stop();
            (await old.Administrator.Types("bash", "-euo", "pipefail", "-c", $"tar -C {old.Scratch.Path} -cpf - data | tar -C {there.Path} -xpf -")).Done();
        }

        await using var moved = await TestDaemon.Start(there);
        Assert.Equal(before, await Live(moved));
        Assert.DoesNotContain("daemon.restored", (await moved.Administrator.Types("tctl", "audit", "ls")).Done(), StringComparison.Ordinal);
        (await moved.Myself.Types("tsh", "login", $"--request-id={request}")).Done();
        // Two logins, each with the everyday certificate beside the elevated one.
        Assert.Equal(4, (await Live(moved)).Trim().Split('\n').Length);
        Assert.EndsWith(", 2 certificates revoked\n", (await moved.Administrator.Types("tctl", "requests", "deny", request)).Done(), StringComparison.Ordinal);
        Assert.Equal(2, (await Live(moved)).Trim().Split('\n').Length);

        static async Task<string> Live(TestDaemon daemon) => (await daemon.Administrator.Types("bash", "-c", "tctl certs ls --state=live --format=json | jq -r '.[].serial'")).Done();
    }

    private static string[] Blocks(string page) =>
        [.. Regex.Matches(File.ReadAllText(Path.Combine(World.Repository, "docs", page)), "^```sh\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture).Select(block => block.Groups["text"].Value)];
}
