namespace CertAuthority.Tests.EndToEnd;

/// <summary>Lists without a row: no headers on stdout, and a line on stderr that says so.</summary>
public sealed class EmptyListTests : IClassFixture<EmptyListTests.Empty>
{
    private readonly TestDaemon daemon;

    public EmptyListTests(Empty empty) => daemon = empty.Daemon;

    [Theory]
    [InlineData("tctl requests ls", "no requests")]
    [InlineData("tctl nodes ls", "no nodes")]
    [InlineData("tctl nodes ls --search=nothing", "no nodes")]
    [InlineData("tctl nodes ls --failing", "no nodes")]
    [InlineData("tctl certs ls", "no certificates")]
    [InlineData("tctl audit ls --user=me --until=2020-01-01", "no entries")]
    [InlineData("tctl get nodes --format=text", "no nodes")]
    [InlineData("tctl get locks --format=text", "no locks")]
    [InlineData("tsh request ls", "no requests")]
    [InlineData("tsh certs ls", "no certificates")]
    [InlineData("tsh ls env=nothing", "no nodes")]
    [InlineData("tsh status --all", "no logins")]
    [InlineData("tsh request search", "there is no host like that which you can ask for by name")]
    public async Task Empty_list_says_so_on_stderr(string command, string said)
    {
        var list = await (command.StartsWith("tsh", StringComparison.Ordinal) ? daemon.Myself : daemon.Administrator).Types(command.Split(' '));
        Assert.Equal((0, ""), (list.ExitCode, list.Output));
        Assert.Equal($"{command.Split(' ')[0]}: {said}", list.Error.Split('\n')[0]);
    }

    public sealed class Empty : IAsyncLifetime
    {
        internal TestDaemon Daemon { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Daemon = await TestDaemon.Start(configuration: TestDaemon.ManyLogins);
            (await Daemon.Administrator.Types(["tctl", "create"], """
                {kind: role, version: v8, metadata: {name: plain}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}, request: {search_as_roles: [plain]}}}}
                ---
                {kind: user, version: v2, metadata: {name: me}, spec: {roles: [plain], unix_users: ['ACCOUNT']}}
                """.Replace("ACCOUNT", World.Account))).Done();
        }

        public async Task DisposeAsync() => await Daemon.DisposeAsync();
    }
}
