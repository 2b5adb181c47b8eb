using System.Diagnostics;
using System.Net.Sockets;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>TAB: what the programs offer, and what real shells make of it.</summary>
public sealed class CompletionTests(CompletionTests.Site site) : IClassFixture<CompletionTests.Site>
{
    /// <summary>Somebody who can request two of four roles, and has a pending and an approved request.</summary>
    public sealed class Site : IAsyncLifetime
    {
        internal TestDaemon Daemon { get; private set; } = null!;

        internal string Pending { get; private set; } = "";

        internal string Approved { get; private set; } = "";

        public async Task InitializeAsync()
        {
            Daemon = await TestDaemon.Start();
            (await Daemon.Administrator.Types(["tctl", "create"], """
                {kind: role, version: v7, metadata: {name: plain}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}, request: {roles: ['db*']}}}}
                ---
                {kind: role, version: v7, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}
                ---
                {kind: role, version: v7, metadata: {name: db-support}, spec: {allow: {logins: [support], node_labels: {'*': '*'}}}}
                ---
                {kind: role, version: v7, metadata: {name: ops}, spec: {allow: {logins: [ops], node_labels: {'*': '*'}}}}
                ---
                {kind: user, version: v2, metadata: {name: me}, spec: {roles: [plain], unix_users: ['ACCOUNT']}}
                ---
                {kind: user, version: v2, metadata: {name: robot}, spec: {roles: [], unix_users: ['ACCOUNT']}}
                ---
                {kind: node, version: v2, metadata: {name: db1}, spec: {addr: 'db1:22'}}
                ---
                {kind: node, version: v2, metadata: {name: web1}, spec: {addr: 'web1:22'}}
                """.Replace("ACCOUNT", World.Account))).Done();
            (await Daemon.Myself.Types("tsh", "login", "--user=me")).Done();
            Pending = (await Daemon.Myself.Types("tsh", "request", "create", "--roles=dba", "--nowait")).Done().Split(' ')[1];
            Approved = (await Daemon.Myself.Types("tsh", "request", "create", "--roles=db-support", "--nowait")).Done().Split(' ')[1];
            (await Daemon.Administrator.Types("tctl", "requests", "approve", Approved)).Done();
        }

        public async Task DisposeAsync() => await Daemon.DisposeAsync();
    }

    // P and A stand for the pending and the approved request.
    [Theory]
    [InlineData("tsh req", "request")]
    [InlineData("tsh request ", "cancel create drop ls review roles search show")]
    [InlineData("tsh request create --rol", "--roles=")]
    [InlineData("tsh request create --now", "--nowait")]
    [InlineData("tsh request create --roles=", "--roles=db-support --roles=dba")]
    [InlineData("tsh request create --roles ", "db-support dba")]
    [InlineData("tsh request create --roles=dba,", "--roles=dba,db-support")]
    [InlineData("tsh request create --roles=ops", "")]
    [InlineData("tsh login --request-roles=dba", "--request-roles=dba")]
    [InlineData("tsh login --request-id=", "--request-id=A")]
    [InlineData("tsh login --node=d", "--node=db1")]
    [InlineData("tsh login --user=", "--user=me --user=robot")]
    [InlineData("tsh --user ", "me robot")]
    [InlineData("tsh login --key=", ":files")]
    [InlineData("tsh request create --user=robot --roles=", "")]
    [InlineData("tsh request show ", "A P")]
    [InlineData("tsh request show --wait ", "A P")]
    [InlineData("tsh request cancel ", "P")]
    [InlineData("tsh request drop ", "A")]
    [InlineData("tsh ssh ", "db1 web1")]
    [InlineData("tsh ssh deploy@", "deploy@db1 deploy@web1")]
    [InlineData("tsh ssh postgres@", "")]
    [InlineData("tsh ssh db1 ", "")]
    [InlineData("tsh ssh db1 -", "")]
    [InlineData("tsh request ls --format=", "--format=json --format=text")]
    [InlineData("tsh completion ", "bash fish zsh")]
    [InlineData("tctl get role/", "role/db-support role/dba role/ops role/plain")]
    [InlineData("tctl get ", "all lock/ locks node/ node_group/ node_groups nodes role/ roles user/ users")]
    [InlineData("tctl get role/dba,user/m", "role/dba,user/me")]
    [InlineData("tctl rm node/db1 node/", "node/db1 node/web1")]
    [InlineData("tctl edit user/", "user/me user/robot")]
    [InlineData("tctl requests approve ", "P")]
    [InlineData("tctl requests approve --roles=", "--roles=db-support --roles=dba --roles=ops --roles=plain")]
    [InlineData("tctl requests deny ", "A P")]
    [InlineData("tctl requests rm ", "A P")]
    [InlineData("tctl users update --set-roles=plain,d", "--set-roles=plain,db-support --set-roles=plain,dba")]
    [InlineData("tctl users rm ", "me robot")]
    [InlineData("tctl certs ls --state=r", "--state=revoked")]
    [InlineData("tctl certs ls --node=w", "--node=web1")]
    [InlineData("tctl auth export --type=", "--type=host --type=krl --type=statements --type=user")]
    [InlineData("tctl create ", ":files")]
    public async Task Completion_offers_what_fits_at_the_cursor(string line, string offered)
    {
        var expected = offered.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(word => word.EndsWith('P') ? word[..^1] + site.Pending : word.EndsWith('A') ? word[..^1] + site.Approved : word).Order(StringComparer.Ordinal).ToList();
        var person = line.StartsWith("tctl", StringComparison.Ordinal) ? site.Daemon.Administrator : site.Daemon.Myself;
        var said = await Patiently(person).Types([.. Complete(line)]);
        Assert.Equal(
            (string.Join('\n', expected), ""),
            (string.Join('\n', said.Done().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(word => word.Split('\t')[0]).Order(StringComparer.Ordinal)), said.Error));
    }

    [Fact]
    public async Task Completion_describes_each_serial()
    {
        var serial = (await site.Daemon.Administrator.Types("bash", "-c", "tctl certs ls --format=json | jq -r '.[0].serial'")).Done().Trim();
        var said = (await Patiently(site.Daemon.Administrator).Types([.. Complete("tctl certs revoke ")])).Done();
        Assert.StartsWith($"{serial}\tme, until 20", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tsh req", "request\tAsks for roles and hosts beyond your own, and reviews what others ask for\n")]
    [InlineData("tsh request create --roles=", "")]
    [InlineData("tsh ssh ", "")]
    [InlineData("tctl get role/", "")]
    public async Task Completion_without_a_daemon_is_silent_and_offers_the_rest(string line, string offered)
    {
        var said = await (site.Daemon.Myself with { Server = "unix:/nowhere/ca.sock" }).Types([.. Complete(line)]);
        Assert.Equal((offered, ""), (said.Done(), said.Error));
        // Nor with a server that is none, nor half a line in front of it.
        said = await (site.Daemon.Myself with { Server = "nonsense" }).Types([.. Complete(line)]);
        Assert.Equal((offered, ""), (said.Done(), said.Error));
    }

    [Fact]
    public async Task Completion_does_not_wait_for_a_hung_daemon()
    {
        using var scratch = new Scratch();
        using var hanging = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        hanging.Bind(new UnixDomainSocketEndPoint(scratch["ca.sock"]));
        hanging.Listen();
        var clock = Stopwatch.StartNew();
        var said = await (site.Daemon.Myself with { Server = $"unix:{scratch["ca.sock"]}" }).Types([.. Complete("tsh request create --roles=")]);
        Assert.Equal(("", ""), (said.Done(), said.Error));
        Assert.InRange(clock.Elapsed, TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(30));
    }

    public static TheoryData<string, string> Lines => new()
    {
        { "tsh request create --roles=db-\t\n", "<request><create><--roles=db-support>" },
        { "tsh request create --roles=dba,\t\n", "<request><create><--roles=dba,db-support>" },
        { "tsh request create --roles=\t-\t\n", "<request><create><--roles=db-support>" },
        { "tsh req\tcr\t--ro\tdba --nowa\t\n", "<request><create><--roles=dba><--nowait>" },
        { "tsh ssh deploy@w\t\n", "<ssh><deploy@web1>" },
        { "tsh login --node w\t\n", "<login><--node><web1>" },
        { "tsh login --us\tro\t\n", "<login><--user=robot>" },
        { "tsh login --key=/etc/ssh/moduli\t\n", "<login><--key=/etc/ssh/moduli>" },
    };

    [ProgramFact("bash")]
    public Task Completion_works_in_bash() => InShell("bash --rcfile rc -i", "PS1='ready> '; source <(tsh completion bash); tsh() { printf '<%s>' \"$@\"; echo; }\n");

    [ProgramFact("zsh")]
    public Task Completion_works_in_zsh() => InShell("ZDOTDIR=. zsh -i", "PS1='ready> '; autoload -Uz compinit; compinit -u -D; source <(command tsh completion zsh); tsh() { printf '<%s>' \"$@\"; echo }\n", ".zshrc");

    [ProgramFact("fish")]
    public Task Completion_works_in_fish() => InShell(
        "HOME=$PWD XDG_CONFIG_HOME=$PWD XDG_DATA_HOME=$PWD fish -i -C 'source rc'",
        "set fish_greeting; command tsh completion fish | source; function fish_prompt; echo -n 'ready> '; end; function tsh; printf '<%s>' $argv; echo; end\n");

    [Fact]
    public async Task Unknown_shell_is_a_usage_error()
    {
        var refused = await site.Daemon.Myself.Types("tsh", "completion", "tcsh");
        Assert.Equal((2, "tsh: error: completion takes bash, zsh or fish, not 'tcsh'\ntsh: hint: tsh completion --help\n"), (refused.ExitCode, refused.Error));
    }

    // The keys are pressed at a prompt, and a function in the place of tsh shows what it is given.
    private async Task InShell(string shell, string startup, string rc = "rc")
    {
        using var scratch = new Scratch();
        scratch.Write(rc, startup);
        using var pty = Pty.Start(Patiently(site.Daemon.Myself), $"cd {scratch.Path} && {shell}");
        await pty.Shows("ready> ");
        foreach (var (keys, typed) in Lines.Select(row => ((string)row[0], (string)row[1])))
        {
            var before = pty.Shown.Length;
            await pty.Press(keys);
            await Eventually.Holds(() => pty.Shown[before..].Contains(typed), $"{shell}: {typed} after {keys}");
            await Eventually.Holds(() => pty.Shown[before..].Split(typed)[^1].Contains("ready> "), $"{shell}: a prompt after {typed}");
        }
    }

    // A busy machine may need more than the second that people wait for.
    private static Person Patiently(Person person) => person with { Environment = [("CERTAUTHORITY_COMPLETION_SECONDS", "60")] };

    private static IEnumerable<string> Complete(string line) => line.Split(' ') is [var program, .. var words] ? [program, "__complete", "--", .. words] : [];
}
