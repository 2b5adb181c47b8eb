using CertAuthority.Protocol;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Lists of what has happened: a page at a time, each with the command for the next one.</summary>
public sealed class PagingTests : IClassFixture<PagingTests.History>
{
    private readonly TestDaemon daemon;

    public PagingTests(History history) => daemon = history.Daemon;

    [Theory]
    [InlineData("tsh request ls")]
    [InlineData("tsh certs ls")]
    [InlineData("tctl requests ls")]
    [InlineData("tctl requests ls --sort=user")]
    [InlineData("tctl certs ls --user=me")]
    [InlineData("tctl audit ls --user=me")]
    public async Task Hints_lead_through_all_pages(string list)
    {
        var whole = Rows(await Types(list));
        var pages = await Pages(Who(list), $"{list} --limit=3");

        Assert.True(whole.Length > 6);
        Assert.All(pages[..^1], page => Assert.Equal(3, page.Length));
        Assert.Equal(whole, pages.SelectMany(page => page));
    }

    [ProgramTheory("script")]
    [InlineData("tsh request ls")]
    [InlineData("tsh certs ls")]
    [InlineData("tctl requests ls")]
    [InlineData("tctl certs ls")]
    [InlineData("tctl audit ls")]
    [InlineData("tctl nodes ls")]
    public async Task Hint_stands_under_the_table(string list)
    {
        var lines = (await Pty.Run(Who(list), $"{list} --limit=1")).Shown.Trim().Split("\r\n");
        Assert.Equal(3, Array.FindIndex(lines, line => line.Contains("there are more: ", StringComparison.Ordinal)));
    }

    [PeopleFact]
    public async Task Requests_to_review_are_paged_too()
    {
        await using var own = await TestDaemon.Start(configuration: TestDaemon.ManyLogins);
        (await own.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v7, metadata: {name: staff}, spec: {allow: {request: {roles: [dba]}}}}
            ---
            {kind: role, version: v7, metadata: {name: reviewer}, spec: {allow: {review_requests: {roles: [dba]}}}}
            ---
            {kind: role, version: v7, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}
            ---
            {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [staff]}}
            ---
            {kind: user, version: v2, metadata: {name: bob}, spec: {roles: [reviewer]}}
            """)).Done();
        for (var i = 0; i < 5; i++)
            (await own.Person(Person.Alice).Types("tsh", "request", "create", "--roles=dba", "--reviewers=bob", "--nowait", "--force")).Done();

        foreach (var which in (string[])["--reviewable", "--suggested"])
        {
            var whole = Rows(await own.Person(Person.Bob).Types("tsh", "request", "ls", which));
            var pages = await Pages(own.Person(Person.Bob), $"tsh request ls {which} --limit=2");
            Assert.Equal([2, 2, 1], pages.Select(page => page.Length));
            Assert.Equal(whole, pages.SelectMany(page => page));
        }
    }

    [Fact]
    public async Task Page_is_bounded_and_only_the_last_names_no_next()
    {
        using var ca = daemon.Connect();
        var all = new List<AuditEntry>();
        string? next = null;
        do
        {
            var page = await ca.Send(Routes.ListAudit, new ListAudit(Limit: 1_000_000, After: next));
            Assert.Equal(page.Next is null, page.Entries.Length < 1000);
            Assert.InRange(page.Entries.Length, 1, 1000);
            all.AddRange(page.Entries);
            next = page.Next;
        }
        while (next is not null);

        Assert.Equal(History.Users, all.Count(entry => entry.Event == "user.created") - 1);
        Assert.Equal(1000, (await ca.Send(Routes.ListAudit, new ListAudit())).Entries.Length);
        // Programs get all of it, people the first hundred.
        Assert.Equal($"{all.Count}\n", (await daemon.Administrator.Types("bash", "-c", "tctl audit ls --format=json | jq length")).Done());
        Assert.Equal(100, Rows(await Types("tctl audit ls")).Length);
    }

    [Fact]
    public async Task Invalid_page_position_is_rejected_with_a_hint()
    {
        var refused = await daemon.Administrator.Types("tctl", "audit", "ls", "--after=yesterday");

        Assert.Equal((2, "", "tctl: error: --after takes the place where a page ended, not \"yesterday\"\n"), (refused.ExitCode, refused.Output, refused.Error));
    }

    /// <summary>The rows of each page, from the first on; the next command is what the page says.</summary>
    private static async Task<List<string[]>> Pages(Person who, string? command)
    {
        var pages = new List<string[]>();
        while (command is not null && pages.Count < 20)
        {
            var page = await who.Types(command.Split(' '));
            pages.Add(Rows(page));
            command = page.Error.Split("there are more: ") is [_, var next] ? next.Trim() : null;
        }
        return pages;
    }

    private Person Who(string command) => command.StartsWith("tsh", StringComparison.Ordinal) ? daemon.Myself : daemon.Administrator;

    private Task<Outcome> Types(string command) => Who(command).Types(command.Split(' '));

    private static string[] Rows(Outcome list) => list.Done().Split('\n', StringSplitOptions.RemoveEmptyEntries)[2..];

    public sealed class History : IAsyncLifetime
    {
        public const int Users = 1100;

        internal TestDaemon Daemon { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Daemon = await TestDaemon.Start(configuration: TestDaemon.ManyLogins);
            await DaemonTests.Setup(Daemon);
            for (var i = 0; i < 7; i++)
            {
                await DaemonTests.FileRequest(Daemon);
                (await Daemon.Myself.Types("tsh", "login")).Done();
            }
            using var ca = Daemon.Connect();
            await ca.Send(Routes.ApplyResources, new ApplyResources(
                System.Text.Encoding.UTF8.GetBytes(string.Join("---\n", Enumerable.Range(0, Users).Select(i => $"{{kind: user, version: v2, metadata: {{name: user{i}}}, spec: {{roles: [staff]}}}}\n"))), "users.yaml"));
            (await Daemon.Administrator.Types(["tctl", "create"], """
                {kind: node, version: v2, metadata: {name: db1}, spec: {addr: db1.example.com}}
                ---
                {kind: node, version: v2, metadata: {name: db2}, spec: {addr: db2.example.com}}
                """)).Done();
        }

        public async Task DisposeAsync() => await Daemon.DisposeAsync();
    }
}
