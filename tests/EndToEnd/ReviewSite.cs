namespace CertAuthority.Tests.EndToEnd;

/// <summary>A site where alice asks, and bob and carol review: an approval needs both, a denial one of them.</summary>
public abstract class ReviewSite : IAsyncLifetime
{
    private const string Resources = """
        {kind: role, version: v7, metadata: {name: staff}, spec: {allow: {logins: [deploy], node_labels: {env: prod}, request: {roles: [dba, dull, prod-root, web], thresholds: [{approve: 2, deny: 1}]}}}}
        ---
        {kind: role, version: v7, metadata: {name: reviewer}, spec: {allow: {logins: [deploy], node_labels: {env: prod}, review_requests: {roles: ['*']}}}}
        ---
        {kind: role, version: v7, metadata: {name: dba, description: all databases}, spec: {allow: {logins: [postgres], node_labels: {env: prod}}, options: {max_session_ttl: 1h}}}
        ---
        {kind: role, version: v7, metadata: {name: dull}, spec: {allow: {logins: [deploy], node_labels: {env: prod}}, options: {max_session_ttl: 1h}}}
        ---
        {kind: role, version: v7, metadata: {name: prod-root}, spec: {allow: {logins: [root], node_labels: {'*': '*'}}, options: {max_session_ttl: 1h}}}
        ---
        {kind: role, version: v7, metadata: {name: web}, spec: {allow: {logins: [web], node_labels: {env: prod}}, options: {max_session_ttl: 1h}}}
        ---
        {kind: node, version: v2, metadata: {name: db1, labels: {env: prod}}, spec: {addr: db1.example.com}}
        ---
        {kind: node, version: v2, metadata: {name: db2, labels: {env: prod, type: db}}, spec: {addr: db2.example.com}}
        ---
        {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [staff]}}
        ---
        {kind: user, version: v2, metadata: {name: bob}, spec: {roles: [reviewer]}}
        ---
        {kind: user, version: v2, metadata: {name: carol}, spec: {roles: [reviewer]}}
        """;

    private TestDaemon? daemon;

    private protected TestDaemon Daemon => daemon!;

    private protected Person Alice => Daemon.Person(Person.Alice);

    private protected Person Bob => Daemon.Person(Person.Bob);

    private protected Person Carol => Daemon.Person(Person.Carol);

    public async Task InitializeAsync()
    {
        daemon = await TestDaemon.Start();
        (await daemon.Administrator.Types(["tctl", "create"], Resources)).Done();
    }

    /// <summary>Files a request of alice. Requests are listed by the second in which they were filed, so the next one has another.</summary>
    private protected async Task<string> Request(string roles, string reason = "")
    {
        var id = (await Alice.Types("tsh", "request", "create", $"--roles={roles}", $"--reason={reason}", "--nowait")).Done().Split(' ')[1];
        var filed = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        await Eventually.Holds(() => TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() > filed);
        return id;
    }

    /// <summary>Where the tmux of a person makes its socket.</summary>
    private protected string Socket(string whose)
    {
        var folder = Directory.CreateDirectory(Daemon.Scratch["sockets"]).FullName;
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_111_111);
        return Path.Combine(folder, whose);
    }

    public async Task DisposeAsync()
    {
        if (daemon is not null)
            await daemon.DisposeAsync();
    }
}
