using CertAuthority.Access.Nodes;
using CertAuthority.Configuration;
using CertAuthority.Jobs;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Store;
using Microsoft.Extensions.Logging.Abstractions;
using World = CertAuthority.Tests.Unit.Store.World;

namespace CertAuthority.Tests.Unit.Jobs;

/// <summary>Nodes of hosts that nobody has seen for a month, on a real database.</summary>
public sealed class NodeForgettingTests : IAsyncLifetime
{
    private static readonly Node Pushed = HostWorld.Node("pushed") with { Push = true };
    private static readonly Node Reports = HostWorld.Node("reports");
    private static readonly Node Inventory = HostWorld.Node("inventory");
    private static readonly Node Over = HostWorld.Node("over") with { Expires = World.Now.AddDays(1) };

    // Others are gone only while these are there.
    private static readonly Node[] There = [HostWorld.Node("there-pushed") with { Push = true }, HostWorld.Node("there-reports")];

    private HostWorld hosts = null!;

    public async Task InitializeAsync()
    {
        hosts = await HostWorld.Start([Pushed, Reports, Inventory, Over, .. There]);
        await hosts.Krl.StartAsync(CancellationToken.None);
        await hosts.Store.Database.Commit(transaction =>
        {
            transaction.SetSynced(Pushed, 7, World.Now);
            transaction.SetReport(Reports.Id, new NodeReport(World.Now.AddYears(-6), 7, null) { Received = World.Now.AddDays(2) });
            return true;
        });
    }

    public async Task DisposeAsync()
    {
        await hosts.Krl.StopAsync(CancellationToken.None);
        await hosts.DisposeAsync();
    }

    [Fact]
    public async Task Nothing_is_removed_unless_the_configuration_says_so() =>
        Assert.Equal("inventory over pushed reports", await After(days: 400, null));

    [Fact]
    public async Task Unseen_and_ended_hosts_are_removed_with_their_reason()
    {
        var month = TimeSpan.FromDays(30);
        Assert.Equal("inventory over pushed reports", await After(days: 29, month));
        Assert.Equal("inventory over reports", await After(days: 30, month));
        Assert.Equal("inventory reports", await After(days: 31, month));
        Assert.Equal("inventory", await After(days: 32, month));
        Assert.Equal("inventory", await After(days: 3000, month));
        var removed = hosts.Store.Database.Read(snapshot => snapshot.AuditEntries(new ListAudit())).Where(entry => entry.Event == AuditEvents.NodeRemoved.Name).Select(entry => $"{entry.Resource}: {entry.Reason}").Reverse();
        Assert.Equal(
            ["node/pushed: it was last seen at 2026-03-01T12:00:00Z", "node/over: it ended at 2026-03-02T12:00:00Z", "node/reports: it was last seen at 2026-03-03T12:00:00Z"],
            removed);
    }

    [Fact]
    public async Task Jump_host_stays_while_hosts_are_behind_it()
    {
        var behind = HostWorld.Node("behind") with { Via = "way" };
        await Put(HostWorld.Node("way") with { Jump = true, Expires = World.Now.AddDays(1) }, behind);
        Assert.Contains("way", await After(days: 3000, TimeSpan.FromDays(30)), StringComparison.Ordinal);
        await Put(behind with { Via = null, Revision = 2 });
        Assert.DoesNotContain("way", await After(days: 3001, TimeSpan.FromDays(30)), StringComparison.Ordinal);

        Task Put(params Node[] nodes) => hosts.Store.Database.Commit(transaction => nodes.Count(node =>
        {
            NodeRow.Table.Put(transaction, node);
            return true;
        }));
    }

    private async Task<string> After(int days, TimeSpan? after)
    {
        var settings = new CurrentSettings(new SettingsInForce(World.DefaultSettings.Now.Settings with { ForgetNodesAfter = after }, []));
        // It looks for an hour before it believes that a host is gone.
        hosts.Clock.Now = World.Now.AddDays(days).AddHours(-1);
        using var job = new NodeForgetting(new CurrentAuthority(hosts.Authority, settings), NullLogger.Instance);
        for (; hosts.Clock.Now <= World.Now.AddDays(days); hosts.Clock.Now += TimeSpan.FromMinutes(5))
        {
            await hosts.Store.Database.Commit(transaction =>
            {
                transaction.SetSynced(There[0], 7, hosts.Clock.Now);
                transaction.SetReport(There[1].Id, new NodeReport(hosts.Clock.Now, 7, null) { Received = hosts.Clock.Now });
                return true;
            });
            await job.Once(CancellationToken.None);
        }
        return hosts.Store.Database.Read(snapshot => string.Join(' ', snapshot.Policy().Nodes.Keys.Where(name => !name.StartsWith("there-", StringComparison.Ordinal))));
    }
}
