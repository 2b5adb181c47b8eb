using CertAuthority.Tests.Unit.Store;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Two daemons on one database: one that leads, and one that follows it with a copy of its keys.</summary>
internal sealed class TwoDaemons : IAsyncDisposable
{
    private readonly TestPostgres server;

    private TwoDaemons(TestPostgres server) => this.server = server;

    /// <summary>The folder of the daemon that leads.</summary>
    public Scratch First { get; } = new();

    /// <summary>The folder of the daemon that follows.</summary>
    public Scratch Second { get; } = new();

    public TestDaemon Leader { get; private set; } = null!;

    public TestDaemon Follower { get; private set; } = null!;

    /// <summary>Starts both.</summary>
    /// <param name="server">The server; the database is new.</param>
    /// <param name="fill">Creates what the daemons know, on the one that leads.</param>
    /// <param name="more">Returns more of the configuration of the daemon in a folder.</param>
    /// <param name="around">Returns a command under which the daemon that follows runs.</param>
    public static async Task<TwoDaemons> Start(
        TestPostgres server, Func<TestDaemon, Task> fill, Func<TwoDaemons, Scratch, string>? more = null, Func<Scratch, string[]>? around = null)
    {
        var both = new TwoDaemons(server);
        try
        {
            server.Create(both.First.Path);
            both.Leader = await TestDaemon.Start(both.First, configuration: both.Configuration(more?.Invoke(both, both.First)));
            await fill(both.Leader);
            PostgresTests.CopyKeys(both.Leader, both.Second);
            both.Follower = TestDaemon.Follows(both.Second, both.Configuration(more?.Invoke(both, both.Second)), around?.Invoke(both.Second));
            await both.Follower.Served;
            return both;
        }
        catch
        {
            await both.DisposeAsync();
            throw;
        }
    }

    /// <summary>Returns the configuration of one of them.</summary>
    public string Configuration(string? more) =>
        $"database: \"postgres:{string.Join(';', server.Options(TestPostgres.Schema(First.Path)).Select(option => $"{option.Key}={option.Value}"))}\"\n{TestDaemon.ManyLogins}{more}";

    public async ValueTask DisposeAsync()
    {
        // One that never started is null.
        foreach (var daemon in (TestDaemon?[])[Follower, Leader])
            if (daemon is not null)
                await daemon.DisposeAsync();
        Second.Dispose();
        First.Dispose();
    }
}
