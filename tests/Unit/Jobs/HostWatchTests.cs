using CertAuthority.Access.Nodes;
using CertAuthority.Access.Notices;
using CertAuthority.Jobs;
using CertAuthority.Store;
using Microsoft.Extensions.Logging.Abstractions;
using World = CertAuthority.Tests.Unit.Store.World;

namespace CertAuthority.Tests.Unit.Jobs;

/// <summary>Who is told of hosts that nothing can be written to, over hours, on a real database.</summary>
public sealed class HostWatchTests : IAsyncLifetime
{
    private static readonly Node Db1 = HostWorld.Node("db1") with { Push = true };
    private static readonly Node Db2 = HostWorld.Node("db2") with { Push = true };
    private static readonly Node Pulls = HostWorld.Node("pulls");

    private HostWorld hosts = null!;

    public async Task InitializeAsync()
    {
        hosts = await HostWorld.Start(Db1, Db2, Pulls);
        await Commit(transaction => transaction.SetReceivers([new Receiver("webhook/chat", NoticeFilter.Everything)]));
    }

    public async Task DisposeAsync() => await hosts.DisposeAsync();

    [Fact]
    public async Task Stale_host_is_reported_once_and_again_when_fresh()
    {
        await Commit(transaction =>
        {
            foreach (var node in (Node[])[Db1, Db2, Pulls])
                transaction.SetSynced(node, 7, World.Now);
        });
        Assert.Equal("", await After(30));
        await Commit(transaction => transaction.SetSynced(Db2, 8, hosts.Clock.Now));
        Assert.Equal("hosts.stale db1", await After(31));
        Assert.Equal("", await After(32));
        Assert.Equal("hosts.stale db2", await After(61));
        // A failure alone makes it no fresher.
        await Commit(transaction => transaction.SetSyncFailed(Db1, "gone", hosts.Clock.Now));
        Assert.Equal("", await After(62));
        await Commit(transaction =>
        {
            transaction.SetSynced(Db1, 9, hosts.Clock.Now);
            transaction.SetSynced(Db2, 9, hosts.Clock.Now);
        });
        Assert.Equal("hosts.fresh db1,db2", await After(63));
        Assert.Equal("", await After(64));
        Assert.Equal("hosts.stale db1,db2", await After(200));
    }

    [Fact]
    public async Task Host_never_written_to_is_stale_only_after_an_attempt()
    {
        Assert.Equal("", await After(300));
        await Commit(transaction => transaction.SetSyncFailed(Db1, "gone", hosts.Clock.Now));
        Assert.Equal("hosts.stale db1", await After(301));
        // One that is removed is no news, and leaves nothing behind.
        await Commit(transaction => NodeRow.Table.Remove(transaction, Db1));
        Assert.Equal("", await After(302));
        Assert.Empty(hosts.Store.Database.Read(snapshot => snapshot.NodeSyncs()));
        // Nor does one of which the end comes only now.
        await Commit(transaction => transaction.SetSynced(Db1, 7, hosts.Clock.Now));
        Assert.Empty(hosts.Store.Database.Read(snapshot => snapshot.NodeSyncs()));
    }

    [Fact]
    public async Task Host_with_the_list_of_another_daemon_is_reported_each_time()
    {
        await Commit(transaction => transaction.SetSynced(Db1, 7, World.Now));
        await Commit(transaction => transaction.SetSyncFailed(Db1, "another", World.Now, SyncTrouble.Contested));
        Assert.Equal("hosts.contested db1", await After(1));
        Assert.Equal("", await After(2));
        await Commit(transaction => transaction.SetSynced(Db1, 8, hosts.Clock.Now));
        Assert.Equal("", await After(3));
        await Commit(transaction => transaction.SetSyncFailed(Db1, "another", hosts.Clock.Now, SyncTrouble.Contested));
        Assert.Equal("hosts.contested db1", await After(4));
    }

    private Task<bool> Commit(Action<Transaction> change) => hosts.Store.Database.Commit(transaction =>
    {
        change(transaction);
        return true;
    });

    /// <summary>What is told so many minutes after the beginning.</summary>
    private async Task<string> After(int minutes)
    {
        hosts.Clock.Now = World.Now.AddMinutes(minutes);
        await HostWatch.Look(hosts.Authority, NullLogger.Instance);
        var told = new List<string>();
        while (await hosts.Store.Database.Commit(transaction =>
               transaction.NextDue("webhook/chat", hosts.Clock.Now) is { } due ? transaction.BeginAttempt(due, hosts.Clock.Now.AddHours(1)) : null) is { } outgoing)
        {
            told.Add($"{outgoing.Notification.Event} {string.Join(',', outgoing.Notification.Hosts!)}");
            await Commit(transaction => transaction.Delivered(outgoing));
        }
        return string.Join("; ", told);
    }
}
