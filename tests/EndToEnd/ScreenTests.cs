namespace CertAuthority.Tests.EndToEnd;

/// <summary>What is on the screen, as a terminal shows it and not as it was written.</summary>
public sealed class ScreenTests : IAsyncLifetime
{
    private TestDaemon daemon = null!;
    private int screens;

    private Person Me => daemon.Myself;

    public async Task InitializeAsync()
    {
        daemon = await TestDaemon.Start(configuration: TestDaemon.ManyLogins);
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v7, metadata: {name: plain}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}, request: {roles: [dba, dba-read]}}}}
            ---
            {kind: role, version: v7, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}, options: {max_session_ttl: 1h}}}
            ---
            {kind: role, version: v7, metadata: {name: dba-read}, spec: {allow: {logins: [reader], node_labels: {'*': '*'}}}}
            ---
            {kind: user, version: v2, metadata: {name: me}, spec: {roles: [plain], unix_users: ['ACCOUNT']}}
            """.Replace("ACCOUNT", World.Account))).Done();
    }

    public async Task DisposeAsync() => await daemon.DisposeAsync();

    [ProgramTheory("tmux")]
    [InlineData(160)]
    [InlineData(20)]
    public async Task Spinner_uses_one_line_and_leaves_none(int columns)
    {
        await using var screen = await Screen.Start(Me, daemon.Scratch["tmux"], columns);
        await screen.Types("tsh login --request-roles=dba 2>&1 >/dev/null");
        var turning = (string line) => line is ['|' or '/' or '-' or '\\', ' ', ..];
        await screen.Shows(line => turning(line), "the wait");
        // It goes on turning where it is, however narrow the screen.
        var (before, first) = ((await screen.Lines()).Length, (await screen.Lines()).Single(line => turning(line)));
        await screen.Shows(line => turning(line) && line[0] != first[0], "another turn");
        await screen.Shows(line => turning(line) && line[0] == first[0], "the turns after it");
        Assert.Single(await screen.Lines(), line => turning(line));
        Assert.Equal(before, (await screen.Lines()).Length);

        (await daemon.Administrator.Types("tctl", "requests", "approve", (await daemon.Administrator.Types("tctl", "requests", "ls", "--format=json")).Done().Split("\"name\": \"")[1][..36])).Done();
        await screen.IsBack();
        Assert.DoesNotContain(await screen.Lines(), line => turning(line));

        // What is written afterwards wraps again.
        await screen.Types($"clear; printf '%0{columns + 5}d\\n' 0");
        await screen.Shows("00000");
        await screen.IsBack();
        Assert.Contains("00000", await screen.Lines());
    }

    [ProgramFact("tmux")]
    public async Task An_interrupted_wait_leaves_the_screen_as_it_was()
    {
        await using var screen = await Screen.Start(Me, daemon.Scratch["tmux"], 160);
        await screen.Types("tsh request create --roles=dba");
        await screen.Shows(line => line is ['|' or '/' or '-' or '\\', ' ', ..], "the wait");
        await screen.Press("C-c");
        await screen.IsBack();
        var lines = await screen.Lines();
        var id = lines[1].Split(' ')[1];
        Assert.Equal(
            [
                "$ tsh request create --roles=dba",
                $"request {id} is PENDING",
                Assert.Single(lines, line => line.StartsWith("tsh: needs 0 of 1 approval; nobody can review it, only an administrator can answer, until ", StringComparison.Ordinal)),
                $"tsh: error: interrupted while waiting for request {id}",
                $"tsh: hint: the request stays; to wait on: tsh request show {id} --wait",
                "$",
            ],
            lines);
        await screen.Types("echo \"$(stty -a | grep -o ' echo ')\"");
        await screen.Shows(" echo");
    }

    [ProgramFact("tmux")]
    public async Task Tab_completes_names_from_the_daemon()
    {
        await using var screen = await Screen.Start(Me, daemon.Scratch["tmux"], 160);
        await screen.Types("eval \"$(tsh completion bash)\"; clear");
        await screen.IsBack();
        await screen.Press("tsh request create --roles=d", "Tab");
        await screen.Shows("$ tsh request create --roles=dba");
        await screen.Press("Tab", "Tab");
        await screen.Shows(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is ["dba", "dba-read"], "both roles");
    }

    /// <summary>A list fits the screen, with IDs that can be typed; --wide and a pipe show everything.</summary>
    [ProgramTheory("tmux")]
    [InlineData(60)]
    [InlineData(80)]
    [InlineData(200)]
    public async Task List_fits_the_screen(int columns)
    {
        (await Me.Types("tsh", "request", "create", "--roles=dba", "--nowait", $"--reason={new string('数', 50)}")).Done();
        await using var screen = await Screen.Start(Me, daemon.Scratch["tmux"], columns);
        await screen.Types("clear; tsh request ls");
        await screen.Shows("Token");
        await screen.IsBack();
        var lines = await screen.Lines();
        var row = lines.Single(line => line.Contains("PENDING", StringComparison.Ordinal));
        var id = row.Split(' ')[0];

        Assert.Equal(8, id.Length);
        Assert.Contains(" ago", row);
        // A row that wrapped would leave another line.
        Assert.Equal(["Token", new string('-', 8), id, "$"], lines.Where(line => !line.StartsWith("tsh:", StringComparison.Ordinal)).Select(line => line.Split(' ')[0]));
        Assert.Contains(id, (await Me.Types("tsh", "request", "show", id)).Done());
        Assert.Contains(" UTC", (await Me.Types("tsh", "request", "ls")).Done());
        Assert.Matches($"{id}-", (await Me.Types("tsh", "request", "ls", "--wide")).Done());
    }

    /// <summary>The tables of resources and of the logins of this machine.</summary>
    [ProgramTheory("tmux")]
    [InlineData(60)]
    [InlineData(80)]
    [InlineData(200)]
    public async Task Table_of_any_kind_fits_the_screen(int columns)
    {
        var (root, many) = (daemon.Administrator, string.Join(',', Enumerable.Range(1, 30).Select(one => $"group-{one}")));
        (await Me.Types("tsh", "login")).Done();
        (await Me.Types("tsh", "login", "--profile=a-second-login-on-this-machine")).Done();
        (await root.Types("tctl", "lock", "--node=db1", "--ttl=8h", $"--message={new string('数', 50)}")).Done();
        (await root.Types(["tctl", "create"], """{kind: lock, version: v2, metadata: {name: freeze-of-the-year}, spec: {target: {login: oracle}}}""")).Done();
        (await root.Types("tctl", "users", "add", "many", "--roles=plain,dba,dba-read", $"--logins={many}")).Done();

        var locks = await Shown(root, "tctl get locks --format=text", columns);
        var id = Assert.Single(locks, line => line.Contains("in 7h", StringComparison.Ordinal)).Split(' ')[0];
        Assert.Matches("^[0-9a-f]{8}$", id);
        Assert.Single(locks, line => line.StartsWith("freeze-of-the-year ", StringComparison.Ordinal) || line.StartsWith("freeze-of-t", StringComparison.Ordinal));
        await Shown(root, "tctl get roles,users --format=text", columns);
        Assert.Contains(await Shown(Me, "tsh status --all", columns), line => line.Contains(" in ", StringComparison.Ordinal));

        Assert.Contains(many, (await root.Types("tctl", "get", "users", "--format=text")).Done());
        Assert.Contains($"/{id}-", (await root.Types("tctl", "get", $"lock/{id}", "--format=json")).Done().Replace("\"name\": \"", "/", StringComparison.Ordinal));
        Assert.Contains($"lock '{id}-", (await root.Types("tctl", "rm", $"lock/{id}")).Done());
        Assert.Equal(1, (await root.Types("tctl", "rm", "lock/freeze-o")).ExitCode);
    }

    private async Task<string[]> Shown(Person person, string command, int columns)
    {
        // The server of the screen before may still be ending on its socket.
        await using var screen = await Screen.Start(person, daemon.Scratch[$"tmux{++screens}"], columns);
        await screen.Types($"clear; {command}");
        await screen.Shows(line => line.StartsWith("---", StringComparison.Ordinal), "the rule under the headers");
        await screen.IsBack();
        var lines = await screen.Lines();
        // What wrapped would be on a line of its own, under no header, so that the lines are more than what a pipe gets.
        var whole = (await person.Types(command.Split(' '))).Done().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(whole.Length, lines.Length - 1);
        return lines;
    }
}
