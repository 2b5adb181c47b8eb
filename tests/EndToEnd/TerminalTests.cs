namespace CertAuthority.Tests.EndToEnd;

/// <summary>What the command lines write to a terminal, to a pipe, and where nothing can be written.</summary>
public sealed class TerminalTests : IAsyncLifetime
{
    private const string Pending = "\e[33mPENDING\e[0m";

    private TestDaemon daemon = null!;

    private Person Me => daemon.Myself;

    public async Task InitializeAsync()
    {
        daemon = await TestDaemon.Start(configuration: TestDaemon.ManyLogins);
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v7, metadata: {name: plain}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}, request: {roles: [dba, ops]}}}}
            ---
            {kind: role, version: v7, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}
            ---
            {kind: role, version: v7, metadata: {name: ops}, spec: {allow: {logins: [ops], node_labels: {'*': '*'}}}}
            ---
            {kind: user, version: v2, metadata: {name: me}, spec: {roles: [plain], unix_users: ['ACCOUNT']}}
            """.Replace("ACCOUNT", World.Account))).Done();
    }

    public async Task DisposeAsync() => await daemon.DisposeAsync();

    [ProgramFact("script")]
    public async Task Terminal_receives_only_the_text()
    {
        // Nothing switches its keys, moves its cursor or asks for its size.
        var (exitCode, shown) = await Pty.Run(Me, "tsh version");
        Assert.Equal(0, exitCode);
        Assert.Matches(@"^tsh \d+\.\d+\.\d+\r\n$", shown);
        Assert.Equal((2, "\e[31merror:\e[0m"), await Pty.Run(Me, "tsh frobnicate") is var (code, text) ? (code, text.Split(' ')[1]) : default);
        Assert.DoesNotContain('\e', (await Pty.Run(Me, "tsh login --help")).Shown);
        Assert.DoesNotContain('\e', (await Pty.Run(Me, "tsh login")).Shown);
    }

    [ProgramFact("script")]
    public async Task Only_terminals_get_colours_decided_per_stream()
    {
        await Ask("dba");
        var file = daemon.Scratch["file"];
        Assert.Contains(Pending, (await Pty.Run(Me, "tsh request ls")).Shown);
        Assert.Contains(Pending, (await Pty.Run(Me, $"tsh request ls 2>{file}")).Shown);
        Assert.DoesNotContain('\e', (await Me.Types("tsh", "request", "ls")).Done());
        foreach (var command in (string[])["tsh request ls | cat", $"tsh request ls >{file}; cat {file}", "NO_COLOR=1 tsh request ls", "TERM=dumb tsh request ls", "TERM= tsh request ls"])
            Assert.True((await Pty.Run(Me, command)).Shown is var shown && shown.Contains("PENDING") && !shown.Contains('\e'), $"{command}: {shown}");

        Assert.Contains("\e[31merror:\e[0m", (await Pty.Run(Me, $"tsh frobnicate >{file}")).Shown);
        foreach (var command in (string[])["tsh frobnicate 2>&1 | cat", "NO_COLOR=1 tsh frobnicate", $"tsh frobnicate 2>{file}; cat {file}"])
            Assert.True((await Pty.Run(Me, command)).Shown is var shown && shown.Contains("tsh: error: ") && !shown.Contains('\e'), $"{command}: {shown}");
        Assert.Contains(Pending, (await Pty.Run(Me, "NO_COLOR= tsh request ls")).Shown);
    }

    [Theory]
    [InlineData("tsh request ls --format=json >/dev/full")]
    [InlineData("tsh version >/dev/full")]
    [InlineData("tsh login --help >/dev/full")]
    [InlineData("tsh completion bash >/dev/full")]
    [InlineData("tctl auth export --type=krl >/dev/full")]
    public async Task Unwritable_output_is_an_error(string command)
    {
        var refused = await (command.StartsWith("tctl", StringComparison.Ordinal) ? daemon.Administrator : Me).Types("bash", "-c", command);
        Assert.Equal((1, $"{command.Split(' ')[0]}: error: standard output cannot be written: no space left on device\n"), (refused.ExitCode, refused.Error));
    }

    [Fact]
    public async Task Unwritable_error_stream_fails_no_command()
    {
        Assert.Equal(2, (await Me.Types("bash", "-c", "tsh frobnicate 2>/dev/full")).ExitCode);
        (await Me.Types("bash", "-c", "tsh login 2>/dev/full")).Done();
    }

    [Theory]
    [InlineData("tctl audit ls")]
    [InlineData("tctl get all")]
    [InlineData("tctl get --help")]
    [InlineData("tctl auth export --type=user")]
    public async Task Closed_pipe_is_not_a_failure(string command)
    {
        // The reader is gone before the first byte: the subshell ends at once.
        var read = await daemon.Administrator.Types("bash", "-c", $"{command} | (exec 0<&-); echo ${{PIPESTATUS[0]}}");
        Assert.Equal(("0\n", ""), (read.Done(), read.Error));
        Assert.Equal("", (await daemon.Administrator.Types("bash", "-c", "set -o pipefail; tctl audit ls | head -1")).Error);
    }

    [Fact]
    public async Task Two_streams_into_one_file_do_not_overwrite_each_other()
    {
        var file = daemon.Scratch["both"];
        (await Me.Types("bash", "-c", $"{{ echo first; tsh version; echo then; tsh frobnicate; tsh version; }} >{file} 2>&1")).Done();
        var lines = File.ReadAllLines(file);
        Assert.Equal(["first", "tsh", "then", "tsh:", "tsh:", "tsh"], lines.Select(line => line.Split(' ')[0]));
    }

    [ProgramFact("script")]
    public async Task Login_offers_approved_requests()
    {
        var dba = await Approved("dba");
        var question = $"tsh: use approved request {dba[..8]} (dba, until ";

        using (var yes = Pty.Start(Me, "tsh login"))
        {
            await yes.Shows("[y/N] ");
            Assert.Contains(question, yes.Shown);
            await yes.Press("y\n");
            Assert.Equal(0, await yes.Ended());
            Assert.Contains("roles: plain, dba", yes.Shown);
        }
        using (var no = Pty.Start(Me, "tsh login"))
        {
            await no.Shows("[y/N] ");
            await no.Press("perhaps\n");
            await Eventually.Holds(() => no.Shown.Split("[y/N] ").Length == 3);
            await no.Press("\n");
            Assert.Equal(0, await no.Ended());
            Assert.Contains("roles: plain\r\n", no.Shown);
            Assert.Contains($"request {dba} (dba) is approved and ready: tsh login --request-id={dba}", no.Shown);
        }
    }

    [ProgramFact("script")]
    public async Task Login_asks_about_each_approved_request()
    {
        await Approved("dba");
        await Approved("ops");
        using var login = Pty.Start(Me, "tsh login");
        await login.Shows("[y/N] ");
        // Both answers at once: the second waits for its question. Of two that are as old as each other either is asked about first.
        await login.Press(login.Shown.Contains("(dba", StringComparison.Ordinal) ? "y\nn\n" : "n\ny\n");
        Assert.Equal(0, await login.Ended());
        Assert.Contains("roles: plain, dba\r\n", login.Shown);
    }

    [ProgramFact("script")]
    public async Task End_of_input_logs_in_regularly_and_an_interrupt_aborts()
    {
        await Approved("dba");
        using (var interrupted = Pty.Start(Me, "tsh login"))
        {
            await interrupted.Shows("[y/N] ");
            await interrupted.Press("\u0003");
            Assert.Equal(130, await interrupted.Ended());
            Assert.EndsWith("error:\e[0m interrupted\r\n", interrupted.Shown);
            Assert.False(File.Exists(Path.Combine(Me.Home, "id-cert.pub")));
        }
        using var left = Pty.Start(Me, "tsh login");
        await left.Shows("[y/N] ");
        left.Leave();
        Assert.Equal(0, await left.Ended());
        Assert.Contains("roles: plain\r\n", left.Shown);
    }

    [ProgramFact("script")]
    public async Task Login_asks_only_at_a_terminal_and_without_request_options()
    {
        var dba = await Approved("dba");
        var piped = await Me.Types("tsh", "login");
        Assert.Equal($"tsh: hint: request {dba} (dba) is approved and ready: tsh login --request-id={dba}\n", (piped.Done(), piped.Error).Error);
        foreach (var command in (string[])["tsh login </dev/null", $"tsh login 2>{daemon.Scratch["err"]}", $"tsh login --request-id={dba}", "tsh login --request-roles=ops --request-nowait"])
            Assert.DoesNotContain("[y/N]", (await Pty.Run(Me, command)) is (0, var shown) ? shown : throw new InvalidOperationException(command));
    }

    [Fact]
    public async Task Expiring_certificate_gives_a_warning_and_how_to_renew_it()
    {
        (await Me.Types("tsh", "login")).Done();
        var fresh = await Me.Types("tsh", "status");
        Assert.Equal("", (fresh.Done(), fresh.Error).Error);

        // The same key, certified by somebody else two hours ago: what a certificate says of its end, it says itself.
        var ca = daemon.Scratch["other-ca"];
        (await Me.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", ca)).Done();
        (await Me.Types("ssh-keygen", "-q", "-s", ca, "-I", "me", "-n", "deploy", "-V", "-2h:+5m", Path.Combine(Me.Home, "id.pub"))).Done();
        var old = await Me.Types("tsh", "status", $"--server=unix:{daemon.Scratch["nobody"]}");
        old.Done();
        Assert.Matches(@"^tsh: warning: your certificate ends in [45]m\ntsh: hint: tsh login$", string.Join('\n', old.Error.Split('\n').Where(line => line.Contains("ends in") || line.Contains("hint: tsh login"))));
    }

    private async Task<string> Ask(string role) => (await Me.Types("tsh", "request", "create", $"--roles={role}", "--nowait", "--force")).Done().Split(' ')[1];

    private async Task<string> Approved(string role)
    {
        var id = await Ask(role);
        (await daemon.Administrator.Types("tctl", "requests", "approve", id)).Done();
        return id;
    }
}
