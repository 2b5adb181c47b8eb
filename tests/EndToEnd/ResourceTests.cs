namespace CertAuthority.Tests.EndToEnd;

/// <summary>Resources as files: what tctl prints, it takes back.</summary>
public sealed class ResourceTests
{
    // Whatever a field can hold that some reader of YAML takes for something else.
    private const string Rich = """
        kind: role
        version: v3
        metadata: {name: guide}
        spec: {allow: {logins: [deploy]}}
        ---
        kind: role
        version: v8
        metadata:
          name: "0777"
          description: "no: 'yes' # \"quoted\" \\ 😀"
          labels: {"no": "on", "a b": "1e3", "*": "~"}
          expires: "2031-02-03T04:05:06Z"
        spec:
          allow:
            logins: ["{{internal.logins}}", "{{external[\"e mail\"]}}", "{{email.local(external.email)}}", "{{regexp.replace(external.email, \"^(.*)@a\\.b$\", \"${1}\")}}-dba", "No"]
            node_labels: {env: ["prod", "^(a|b)$", "te*st"], "on": "off"}
            request: {roles: ["*", "^x(.*)$", "null"]}
          deny:
            logins: ["*"]
            node_labels: {"*": "*"}
            request: {roles: [dba]}
          options:
            max_session_ttl: 90s
            forward_agent: yes
            port_forwarding: true
            permit_x11_forwarding: on
            verify_required: true
            force_command: "echo 'a: b' # c"
            source_address: [10.0.0.0/8, "2001:db8::/32", 192.0.2.1]
            cert_extensions: [{name: "login@github.com", mode: extension, type: ssh, value: "{{external.github}}"}, {name: "a@b", value: ""}]
        ---
        kind: node
        version: v2
        metadata: {name: "1e3", labels: {env: "012", "yes": "no"}}
        spec: {addr: "[2001:db8::1]:2222"}
        ---
        kind: node
        version: v2
        metadata: {name: db1}
        spec: {addr: db1.example.com}
        ---
        kind: user
        version: v2
        metadata: {name: "5001"}
        spec: {roles: ["0777", guide]}
        ---
        kind: user
        version: v2
        metadata: {name: alice}
        spec: {roles: [], unix_users: ["5001", "null", "a b c"], traits: {logins: [], email: ["a@a.b", ""], "e mail": ["~", "- x"]}}
        """;

    [Theory]
    [InlineData("yaml")]
    [InlineData("json")]
    public async Task Create_restores_exactly_what_get_all_prints(string format)
    {
        await using var first = await TestDaemon.Start();
        (await first.Administrator.Types(["tctl", "create"], Rich)).Done();
        var everything = (await first.Administrator.Types("tctl", "get", "all", $"--format={format}")).Done();

        // Onto itself: nothing is new, so no revision moves and nothing is revoked.
        Assert.All(
            (await first.Administrator.Types(["tctl", "create", "-f"], everything)).Error.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            line => Assert.Matches("^tctl: warning: role ('guide' grants no login|0777 (grants nothing|gives no extension [^ ]+) by \".+\" to [a-z0-9, ]+: .+)$", line));
        Assert.Equal(everything, (await first.Administrator.Types("tctl", "get", "all", $"--format={format}")).Done());

        // Onto an empty daemon.
        await using var second = await TestDaemon.Start();
        Assert.Equal(
            """
            role '0777' has been created
            role 'guide' has been created
            node '1e3' has been created
            node 'db1' has been created
            user '5001' has been created
            user 'alice' has been created

            """,
            (await second.Administrator.Types(["tctl", "create"], everything)).Done());
        Assert.Equal(everything, (await second.Administrator.Types("tctl", "get", "all", $"--format={format}")).Done());
    }

    [Fact]
    public async Task Files_and_folders_are_stored_together_or_not_at_all()
    {
        await using var daemon = await TestDaemon.Start();
        var roles = Directory.CreateDirectory(daemon.Scratch["roles"]).FullName;
        File.WriteAllText(Path.Combine(roles, "b.yml"), "{kind: role, version: v8, metadata: {name: b}, spec: {}}");
        File.WriteAllText(Path.Combine(roles, "a.yaml"), "{kind: role, version: v8, metadata: {name: a}, spec: {}}");
        File.WriteAllText(Path.Combine(roles, "README"), "no resource");
        var users = daemon.Scratch["users.json"];
        File.WriteAllText(users, """{"kind": "user", "version": "v2", "metadata": {"name": "alice"}, "spec": {"roles": ["b"], "colour": "red"}}""");

        var refused = await daemon.Administrator.Types("tctl", "create", roles, users);
        Assert.Equal((1, "", $"tctl: error: {users}:1:91: spec has no field \"colour\"\n"), (refused.ExitCode, refused.Output, refused.Error));
        File.WriteAllText(users, """{"kind": "user", "version": "v2", "metadata": {"name": "alice"}, "spec": {"roles": ["b"]}}""");
        var twice = await daemon.Administrator.Types("tctl", "create", roles, Path.Combine(roles, "a.yaml"));
        Assert.Equal((1, "", $"tctl: error: {roles}/a.yaml:1:37: role \"a\" is given twice\n"), (twice.ExitCode, twice.Output, twice.Error));
        Assert.Equal("[]\n", (await daemon.Administrator.Types("tctl", "get", "all", "--format=json")).Done());

        Assert.Equal(
            "user 'alice' has been created\nrole 'a' has been created\nrole 'b' has been created\n",
            (await daemon.Administrator.Types("tctl", "create", users, roles)).Done());
        var empty = await daemon.Administrator.Types("tctl", "create", Directory.CreateDirectory(daemon.Scratch["empty"]).FullName);
        Assert.Equal((1, $"tctl: error: {daemon.Scratch["empty"]} has no *.yaml or *.yml file\n"), (empty.ExitCode, empty.Error));
    }

    [Fact]
    public async Task Several_resources_are_removed_one_by_one()
    {
        await using var daemon = await TestDaemon.Start();
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v8, metadata: {name: a}, spec: {}}
            ---
            {kind: role, version: v8, metadata: {name: b}, spec: {}}
            ---
            {kind: role, version: v8, metadata: {name: c}, spec: {}}
            ---
            {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [b]}}
            """)).Done();

        var removed = await daemon.Administrator.Types("tctl", "rm", "role/a", "role/b,role/zzz", "roles/c");

        Assert.Equal((1, "role 'a' has been removed\nrole 'c' has been removed\n"), (removed.ExitCode, removed.Output));
        Assert.Equal(
            """
            tctl: error: role 'b' is held by alice
            tctl: hint: take it from them: tctl users update --set-roles=ROLE,ROLE alice; or remove it from them too: tctl rm -f role/b
            tctl: error: there is no role "zzz"
            tctl: hint: tctl get role lists them

            """,
            removed.Error);
        Assert.Equal(2, (await daemon.Administrator.Types("tctl", "rm", "role/b", "b")).ExitCode);
        Assert.Equal("user 'alice' has been removed\nrole 'b' has been removed\n", (await daemon.Administrator.Types("tctl", "rm", "user/alice", "role/b")).Done());
    }

    [Fact]
    public async Task Bad_JSON_document_rejects_the_whole_file_with_its_place()
    {
        await using var daemon = await TestDaemon.Start();
        var refused = await daemon.Administrator.Types(["tctl", "create"], """
            [
              {"kind": "role", "version": "v8", "metadata": {"name": "good"}, "spec": {}},
              {"kind": "role", "version": "v8", "metadata": {"name": "bad"},
               "spec": {"allow": {"logins": ["a b"], "login": "x"}}}
            ]
            """);
        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.Equal(
            """
            tctl: error: stdin:4:34: "a b" is not a login; logins have the form ^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}(@[A-Za-z0-9][A-Za-z0-9.-]{0,63})?$
            tctl: error: stdin:4:42: spec.allow has no field "login"

            """,
            refused.Error);
        Assert.Equal("[]\n", (await daemon.Administrator.Types("tctl", "get", "all", "--format=json")).Done());
    }
}
