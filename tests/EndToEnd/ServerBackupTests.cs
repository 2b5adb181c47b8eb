using CertAuthority.Protocol;
using CertAuthority.Tests.Unit.Store;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>A database server that was restored by its own tools, and so has lost what came after the backup.</summary>
public sealed class ServerBackupTests : IDisposable
{
    private readonly Scratch scratch = new();
    private readonly TestPostgres server = TestPostgres.Start();

    public void Dispose()
    {
        server.Dispose();
        scratch.Dispose();
    }

    [Fact]
    public async Task Restored_dump_revokes_what_came_after_it()
    {
        await using var daemon = await Start();
        var before = await LogIn(daemon);
        var restore = server.Dump(scratch.Path, "restored");
        var after = await LogIn(daemon);
        await daemon.Stop();
        restore();
        await Restored(daemon, Configuration(server, "restored"), before, after);
    }

    [Fact]
    public async Task Recovery_to_a_moment_revokes_what_came_after_it()
    {
        server.Create(scratch.Path);
        var folder = server.Archive();
        await using var daemon = await Start();
        var before = await LogIn(daemon);
        server.Run("SELECT pg_create_restore_point('before')");
        var after = await LogIn(daemon);
        server.Run("SELECT pg_walfile_name(pg_switch_wal())");
        await Eventually.Holds(() => server.Run("SELECT last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 1) FROM pg_stat_archiver") is true);
        await daemon.Stop();
        using var restored = TestPostgres.Restore(folder, "before");
        await Restored(daemon, Configuration(restored, "postgres"), before, after);
    }

    /// <summary>Checks that no serial is used again, that both certificates are on the list, and that the operator can read why.</summary>
    private async Task Restored(TestDaemon daemon, string configuration, ulong before, ulong after)
    {
        scratch.Write("certauthority.yaml", configuration);
        await daemon.Restart();
        Assert.Contains("restored from ", daemon.Log, StringComparison.Ordinal);
        Assert.Contains("it counts as a backup from now", daemon.Log, StringComparison.Ordinal);
        Assert.Contains("daemon.restored", (await daemon.Administrator.Types("tctl", "audit", "ls")).Done(), StringComparison.Ordinal);
        var again = await LogIn(daemon);
        Assert.True(again > after, $"{again} comes after {after}");
        var list = daemon.RevocationList();
        var key = daemon.PublicKey("user_ca");
        Assert.True(list.IsRevoked(key, before));
        Assert.True(list.IsRevoked(key, after));
        Assert.False(list.IsRevoked(key, again));
        (await daemon.Administrator.Types("tctl", "audit", "verify")).Done();
    }

    private async Task<TestDaemon> Start()
    {
        server.Create(scratch.Path);
        var daemon = await TestDaemon.Start(scratch, configuration: Configuration(server, "postgres"));
        await DaemonTests.Setup(daemon);
        return daemon;
    }

    private string Configuration(TestPostgres on, string database)
    {
        var options = on.Options(TestPostgres.Schema(scratch.Path));
        options["Database"] = database;
        return $"database: \"postgres:{string.Join(';', options.Select(option => $"{option.Key}={option.Value}"))}\"\n";
    }

    private static async Task<ulong> LogIn(TestDaemon daemon)
    {
        using var ca = daemon.Connect();
        return ulong.Parse((await ca.Send(Routes.Login, new Login(TestDaemon.AnyKey, "me"))).Info!.Serial);
    }
}
