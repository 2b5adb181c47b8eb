namespace CertAuthority.Tests.EndToEnd;

/// <summary>A policy from files, where a story cannot show it: at a terminal, and what a removal leaves alone.</summary>
public sealed class ApplyTests
{
    private const string Policy = """
        {kind: role, version: v8, metadata: {name: web}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}}}}
        ---
        {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [web]}}
        ---
        {kind: node, version: v2, metadata: {name: web1}, spec: {addr: web1.example.com}}
        """;

    [Fact]
    public async Task Removal_at_a_terminal_needs_a_yes()
    {
        await using var daemon = await TestDaemon.Start();
        var policy = daemon.Scratch.Write("policy.yaml", Policy);
        (await daemon.Administrator.Types("tctl", "apply", policy)).Done();
        (await daemon.Administrator.Types("tctl", "users", "add", "bob", "--roles=web")).Done();
        foreach (var answer in (string[])["n", ""])
        {
            using var no = Pty.Start(daemon.Administrator, $"tctl apply {policy} --prune");
            await no.Shows("user 'bob' would be removed");
            await no.Shows("apply it? [y/N] ");
            await no.Press($"{answer}\n");
            Assert.Equal(1, await no.Ended());
            Assert.Contains("nothing was changed", no.Shown, StringComparison.Ordinal);
        }
        Assert.Contains("bob", (await daemon.Administrator.Types("tctl", "users", "ls")).Done(), StringComparison.Ordinal);
        using (var yes = Pty.Start(daemon.Administrator, $"tctl apply {policy} --prune"))
        {
            await yes.Shows("[y/N] ");
            await yes.Press("y\n");
            Assert.Equal(0, await yes.Ended());
            Assert.Contains("user 'bob' has been removed", yes.Shown, StringComparison.Ordinal);
        }
        // Nothing is taken away any more, so nothing is asked.
        Assert.Equal(0, (await Pty.Run(daemon.Administrator, $"tctl apply {policy} --prune")).ExitCode);
    }

    /// <summary>A dry run reads the database without the change, and says what the real run says after it.</summary>
    [Fact]
    public async Task Dry_run_warns_as_the_real_run_does()
    {
        await using var daemon = await TestDaemon.Start();
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v8, metadata: {name: old}, spec: {allow: {logins: ['{{internal.team}}'], node_labels: {'*': '*'}}}}
            ---
            {kind: role, version: v8, metadata: {name: own}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}}}}
            ---
            {kind: user, version: v2, metadata: {name: stays}, spec: {roles: [own]}}
            ---
            {kind: user, version: v2, metadata: {name: changes}, spec: {roles: [own]}}
            ---
            {kind: user, version: v2, metadata: {name: leaves}, spec: {roles: [own]}}
            """)).Done();
        // A role gets templates; a holder who stays, one who gets the value, a new one, and one who is pruned.
        var policy = daemon.Scratch.Write("policy.yaml", """
            {kind: role, version: v8, metadata: {name: old}, spec: {allow: {logins: ['{{internal.team}}'], node_labels: {'*': '*'}}}}
            ---
            {kind: role, version: v8, metadata: {name: own}, spec: {allow: {logins: ['{{internal.logins}}'], node_labels: {'*': '*'}}}}
            ---
            {kind: user, version: v2, metadata: {name: stays}, spec: {roles: [own]}}
            ---
            {kind: user, version: v2, metadata: {name: changes}, spec: {roles: [own], traits: {logins: [deploy]}}}
            ---
            {kind: user, version: v2, metadata: {name: comes}, spec: {roles: [old]}}
            ---
            {kind: lock, version: v2, metadata: {name: freeze}, spec: {target: {user: stayz}}}
            """);
        string[] apply = ["tctl", "apply", policy, "--prune", "--yes"];
        var before = await daemon.Administrator.Types([.. apply, "--dry-run"]);
        var told = Warnings(before);
        var applied = await daemon.Administrator.Types(apply);
        Assert.Equal(Warnings(applied), told);
        Assert.Equal(before.Done().Split('\n').Where(line => line.Contains(" would be ", StringComparison.Ordinal)).Select(line => line.Replace("would be", "has been", StringComparison.Ordinal)), applied.Done().Trim().Split('\n'));
        Assert.Contains(told, line => line.Contains("own", StringComparison.Ordinal) && line.Contains("stays", StringComparison.Ordinal));
        Assert.Contains(told, line => line.Contains("old", StringComparison.Ordinal) && line.Contains("comes", StringComparison.Ordinal));
        Assert.Contains(told, line => line.Contains("there is no user stayz (did you mean 'stays'?)", StringComparison.Ordinal));
        Assert.DoesNotContain(told, line => line.Contains("changes", StringComparison.Ordinal) || line.Contains("leaves", StringComparison.Ordinal));

        static string[] Warnings(Outcome said) => [.. said.Error.Split('\n').Where(line => line.StartsWith("tctl: warning: ", StringComparison.Ordinal))];
    }

    [Fact]
    public async Task Dry_run_says_in_JSON_too_what_would_be()
    {
        await using var daemon = await TestDaemon.Start();
        var policy = daemon.Scratch.Write("policy.yaml", Policy);
        async Task<string> Done(params string[] more) =>
            (await daemon.Administrator.Types("bash", "-c", $"tctl apply {policy} --format=json {string.Join(' ', more)} | jq -r '.done[]'")).Done();

        Assert.Equal("role 'web' would be created\nuser 'alice' would be created\nnode 'web1' would be created\n", await Done("--dry-run"));
        Assert.Equal("role 'web' has been created\nuser 'alice' has been created\nnode 'web1' has been created\n", await Done());
        Assert.Equal("", await Done("--diff"));
    }

    [Fact]
    public async Task Pruning_keeps_locks_and_hosts_that_the_daemon_writes_to()
    {
        await using var daemon = await TestDaemon.Start();
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: node, version: v2, metadata: {name: plain1}, spec: {addr: plain1.example.com}}
            ---
            {kind: node, version: v2, metadata: {name: pushed1}, spec: {addr: pushed1.example.com, push: true}}
            """)).Done();
        (await daemon.Administrator.Types("tctl", "lock", "--login=postgres", "--message=investigating")).Done();
        var policy = daemon.Scratch.Write("policy.yaml", Policy + """

            ---
            {kind: lock, version: v2, metadata: {name: 11111111-0000-4000-8000-000000000001}, spec: {target: {login: oracle}}}
            """);
        var applied = await daemon.Administrator.Types("tctl", "apply", policy, "--prune", "--yes");
        Assert.Contains("node 'plain1' has been removed\n", applied.Done(), StringComparison.Ordinal);
        Assert.Contains("node 'pushed1' is in no file and stays, because the daemon writes to it\n", applied.Error, StringComparison.Ordinal);
        Assert.Equal("pushed1 web1", (await daemon.Administrator.Types("bash", "-c", "tctl get nodes --format=json | jq -r '[.[].metadata.name] | sort | join(\" \")'")).Done().Trim());
        Assert.Equal("oracle postgres", (await daemon.Administrator.Types("bash", "-c", "tctl get locks --format=json | jq -r '[.[].spec.target.login] | sort | join(\" \")'")).Done().Trim());
    }
}
