using System.Diagnostics;
using System.Text.RegularExpressions;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Tests that share the browsers.</summary>
[CollectionDefinition(nameof(Browsers))]
public sealed class InBrowsers : ICollectionFixture<Browsers>;

/// <summary>A site whose people open the page of <c>tsh ui</c> or <c>tctl ui</c>, each in a browser of their own account.</summary>
public abstract class UiSite(Browsers browsers) : IAsyncLifetime
{
    private const string Usual = """
        {kind: role, version: v8, metadata: {name: access}, spec: {allow: {logins: [deploy], node_labels: {env: staging}}}}
        ---
        {kind: role, version: v8, metadata: {name: contractor}, spec: {allow: {request: {roles: [dba, ops, prod-root], search_as_roles: [dba]}}}}
        ---
        {kind: role, version: v8, metadata: {name: reviewer}, spec: {allow: {review_requests: {roles: [dba, ops, prod-root]}}}}
        ---
        {kind: role, version: v8, metadata: {name: dba, description: "Administers the databases as postgres"}, spec: {allow: {logins: [postgres], node_labels: {type: db}}, options: {max_session_ttl: 2h}}}
        ---
        {kind: role, version: v8, metadata: {name: ops, description: "Restarts services on the web hosts"}, spec: {allow: {logins: [deploy], node_labels: {type: web}}, options: {max_session_ttl: 8h}}}
        ---
        {kind: role, version: v8, metadata: {name: prod-root, description: "root on every production host"}, spec: {allow: {logins: [root], node_labels: {env: prod}}, options: {max_session_ttl: 1h}}}
        ---
        {kind: node, version: v2, metadata: {name: db1, labels: {env: prod, type: db}}, spec: {addr: "db1.example.com:22"}}
        ---
        {kind: node, version: v2, metadata: {name: db2, labels: {env: prod, type: db}}, spec: {addr: "db2.example.com:22"}}
        ---
        {kind: node, version: v2, metadata: {name: web1, labels: {env: staging, type: web}}, spec: {addr: "web1.example.com:22"}}
        ---
        {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [access, contractor]}}
        ---
        {kind: user, version: v2, metadata: {name: bob}, spec: {roles: [access, reviewer]}}
        ---
        {kind: user, version: v2, metadata: {name: carol}, spec: {roles: [access, contractor]}}
        """;

    private readonly List<Process> pages = [];
    private readonly Dictionary<Tab, string> origins = [];
    private TestDaemon? daemon;

    private protected Browsers Browsers => browsers;

    private protected TestDaemon Daemon => daemon!;

    private protected Person Alice => Daemon.Person(Person.Alice);

    private protected Person Bob => Daemon.Person(Person.Bob);

    private protected Person Carol => Daemon.Person(Person.Carol);

    /// <summary>The roles, users and nodes of the site.</summary>
    private protected virtual string Resources => Usual;

    /// <summary>Starts what the daemon notifies, and returns its configuration.</summary>
    private protected virtual string Configure() => TestDaemon.ManyLogins;

    public async Task InitializeAsync()
    {
        if (!World.HasPeople)
            return;
        daemon = await TestDaemon.Start(configuration: Configure());
        (await daemon.Administrator.Types(["tctl", "create"], Resources)).Done();
    }

    public async Task DisposeAsync()
    {
        foreach (var page in pages)
        {
            if (!page.HasExited)
                page.Kill(entireProcessTree: true);
            page.Dispose();
        }
        if (daemon is not null)
            await daemon.DisposeAsync();
    }

    /// <summary>Starts the page of a person, and enters it.</summary>
    private protected async Task<Tab> Enter(Person person, string program = "tsh") => (await EnterPage(person, program)).Tab;

    private protected async Task<(ServedPage Page, Tab Tab)> EnterPage(Person person, string program = "tsh")
    {
        var page = await Serve(person, program);
        return (page, await EnterPage(page, person.Uid ?? 0));
    }

    /// <summary>Enters a page with a browser of an account.</summary>
    private protected async Task<Tab> EnterPage(ServedPage page, uint uid)
    {
        var tab = await browsers.Open(uid);
        await tab.Goto(page.Url);
        await tab.Has("nav");
        Assert.DoesNotContain(page.Token, await tab.Js("location.href"));
        origins[tab] = page.Origin;
        return tab;
    }

    /// <summary>The address of the page that a tab entered, without a path.</summary>
    private protected string Origin(Tab tab) => origins[tab];

    /// <summary>Starts a page, which nobody has entered yet.</summary>
    private protected Task<ServedPage> Serve(Person person, string program) => Serve(person, [program, "ui", "--no-open"]);

    /// <inheritdoc cref="Serve(Person, string)"/>
    private protected async Task<ServedPage> Serve(Person person, string[] command)
    {
        var process = person.Start(command);
        pages.Add(process);
        var url = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30)) ?? $"nothing: {await process.StandardError.ReadToEndAsync()}";
        Assert.Matches(new Regex("^http://127\\.0\\.0\\.1:[0-9]+/#[A-Za-z0-9_-]{43}$"), url);
        return new ServedPage(process, url);
    }

    private protected static async Task<string> File(Person person, string what, string reason) =>
        (await person.Types("tsh", "request", "create", what, $"--reason={reason}", "--nowait")).Done().Split(' ')[1];

    private protected async Task<string> State(string id) =>
        Regex.Match((await Daemon.Administrator.Types("tctl", "requests", "get", id)).Done(), "(?m)^state: (?<state>[A-Z]+)$").Groups["state"].Value;
}

/// <summary>A page that is served.</summary>
/// <param name="Process">The program.</param>
/// <param name="Url">The address that it printed.</param>
internal sealed record ServedPage(Process Process, string Url)
{
    public string Origin => Url[..Url.IndexOf("/#", StringComparison.Ordinal)];

    public string Token => Url[(Url.IndexOf('#') + 1)..];

    public string? Cookie { get; set; }

    /// <summary>Waits for its end, and returns what it wrote since the address.</summary>
    public async Task<Outcome> Ended()
    {
        var (output, error) = (Process.StandardOutput.ReadToEndAsync(), Process.StandardError.ReadToEndAsync());
        await Process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        return new Outcome(Process.ExitCode, await output, await error);
    }

    public async Task Signal(string signal)
    {
        using var kill = Process.Start("kill", ["-s", signal, Process.Id.ToString()]);
        await kill.WaitForExitAsync();
    }
}
