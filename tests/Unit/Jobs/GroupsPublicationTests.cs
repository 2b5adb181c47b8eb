using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Jobs;
using CertAuthority.Operations;
using CertAuthority.Revocation;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Access;
using Microsoft.Extensions.Logging.Abstractions;
using World = CertAuthority.Tests.Unit.Store.World;

namespace CertAuthority.Tests.Unit.Jobs;

/// <summary>The files with the groups of hosts that fetch: which are written, when, and what they say.</summary>
public sealed class GroupsPublicationTests : IAsyncLifetime
{
    private HostWorld world = null!;
    private GroupsPublication publication = null!;

    private Database Database => world.Store.Database;

    [Fact]
    public async Task File_has_the_tokens_and_the_list_of_their_moment()
    {
        await Change(transaction =>
        {
            Put(transaction, "db1", "type=db");
            Put(transaction, "db2", "type=db", push: true);
            Put(transaction, "web1", "type=web");
            Group(transaction, "dbs", "type=db");
        });
        // Only a host that fetches and is in a group has one.
        Assert.Equal(["db1"], Files());
        var file = Read("db1");
        Assert.Equal((HostWorld.Origin.Installation, HostWorld.Origin.Run, "db1", world.Krl.Latest!.Version), (file.Installation, file.Run, file.Node, file.Version));
        Assert.Equal<string>([Token("dbs")], [.. file.Tokens]);
        Assert.Equal(CertAuthority.Linux.AtomicFile.ReadableByAll, File.GetUnixFileMode(At("db1")));
    }

    [Fact]
    public async Task Only_files_whose_groups_change_are_written()
    {
        await Change(transaction =>
        {
            for (var n = 0; n < 30; n++)
                Put(transaction, $"db{n}", "type=db");
            for (var n = 0; n < 30; n++)
                Put(transaction, $"web{n}", "type=web");
            Group(transaction, "dbs", "type=db");
            Group(transaction, "webs", "type=web");
        }, written: 60);
        // A list alone changes nothing, nor does one that joins, except for itself; one that leaves costs the others of its group.
        await Change(_ => { }, written: 0);
        await Change(transaction => Put(transaction, "db30", "type=db"), written: 1);
        var web = Read("web1").ToString();
        await Change(transaction => Put(transaction, "db0", "type=none"), written: 31);
        Assert.Equal(web, Read("web1").ToString());
        // So does the next process.
        publication = Publication();
        await Change(_ => { }, written: 0);
        File.WriteAllBytes(At("db1"), File.ReadAllBytes(At("db1"))[..^40]);
        File.Copy(At("db2"), At("db3"), overwrite: true);
        publication = Publication();
        await Change(_ => { }, written: 2);
        Assert.Equal<string>([Token("dbs")], [.. Read("db1").Tokens]);
        Assert.Equal("db3", Read("db3").Node);
    }

    [Fact]
    public async Task Host_that_leaves_gets_a_file_without_groups()
    {
        await Change(transaction =>
        {
            foreach (var name in (string[])["db1", "db2", "db3", "db4"])
                Put(transaction, name, "type=db");
            Group(transaction, "dbs", "type=db");
        });
        var before = Read("db1");
        await Change(transaction =>
        {
            Put(transaction, "db1", "type=none");
            NodeRow.Table.Remove(transaction, transaction.Policy().Nodes["db2"]);
            Put(transaction, "db3", "type=db", push: true);
        });
        // Nobody fetches for a node that is gone, or that the daemon writes to.
        Assert.Equal(["db1", "db4"], Files());
        Assert.Empty(Read("db1").Tokens);
        Assert.True(Read("db1").Version > before.Version);
        Assert.NotEqual(before.Tokens[0], Read("db4").Tokens[0]);
        await Change(transaction => NodeGroupRow.Table.Remove(transaction, transaction.Policy().Groups.Single().Group));
        Assert.Empty(Read("db4").Tokens);
    }

    [Fact]
    public async Task Tokens_wait_while_a_withdrawal_is_owed()
    {
        await Change(transaction =>
        {
            Put(transaction, "db1", "type=db");
            Group(transaction, "dbs", "type=db");
        });
        await Database.Commit(transaction =>
        {
            Put(transaction, "db2", "type=db");
            Withdrawals.Review(world.Authority with { ReviewedAtOnce = 0 }, transaction, Caller.Daemon, World.Now);
            transaction.OweWithdrawal(Guid.NewGuid(), World.Now);
            return true;
        });
        await world.Krl.Publish();
        publication.Once(CancellationToken.None);
        Assert.Equal(["db1"], Files());
    }

    /// <summary>Another one may lead by then, and have published newer ones.</summary>
    [Store.PostgresFact]
    public async Task Daemon_that_was_silent_publishes_no_groups()
    {
        await Database.Commit(transaction =>
        {
            Put(transaction, "db1", "type=db");
            Group(transaction, "dbs", "type=db");
            return Withdrawals.Review(world.Authority, transaction, Caller.Daemon, World.Now);
        });
        await world.Krl.Publish();
        Assert.True(SpinWait.SpinUntil(() => !Database.IsSureToLead, TimeSpan.FromSeconds(20)));
        Assert.Equal(0, publication.Once(CancellationToken.None));
        await Database.Commit(_ => true);
        Assert.Equal(1, publication.Once(CancellationToken.None));
    }

    /// <summary>A host that is looked at in one way is not confirmed in the other.</summary>
    [Fact]
    public async Task Confirmation_ends_when_files_come_in_another_way()
    {
        foreach (var push in (bool[])[false, true])
        {
            await Change(transaction =>
            {
                Put(transaction, "db1", "type=db", push);
                Group(transaction, "dbs", "type=db");
            });
            var then = Database.Read(snapshot => snapshot.Policy().Nodes["db1"]);
            Assert.True(await Confirm(then));
            // Another change leaves it.
            await Change(transaction => Put(transaction, "db1", "type=db,env=prod", push));
            Assert.True(IsConfirmed());
            await Change(transaction => Put(transaction, "db1", "type=db", !push));
            Assert.False(IsConfirmed());
            // What was seen before that comes too late, as does what was seen of a node that is gone.
            Assert.False(await Confirm(then));
            await Change(transaction => NodeRow.Table.Remove(transaction, transaction.Policy().Nodes["db1"]));
            await Change(transaction => Put(transaction, "db1", "type=db", push));
            Assert.False(await Confirm(then));
        }

        Task<bool> Confirm(Node node) => Database.Commit(transaction =>
        {
            transaction.SetConfirmed(node, [Token("dbs")]);
            return IsConfirmedIn(transaction);
        });

        bool IsConfirmed() => Database.Read(IsConfirmedIn);

        static bool IsConfirmedIn(Snapshot snapshot) => snapshot.GroupsOf(snapshot.Policy().Nodes["db1"]).Single().IsConfirmed;
    }

    public async Task InitializeAsync()
    {
        world = await HostWorld.Start();
        await world.Krl.StartAsync(CancellationToken.None);
        world.Krl.PublishIn(new PublishDirectory(world.File("hosts"), (_, _) => null, ("audit_key.pub", [])));
        publication = Publication();
    }

    public async Task DisposeAsync()
    {
        await world.Krl.StopAsync(CancellationToken.None);
        publication.Dispose();
        await world.DisposeAsync();
    }

    private GroupsPublication Publication() => new(Database, world.Krl, world.AuditKey, HostWorld.Origin, NullLogger.Instance);

    private async Task Change(Action<Transaction> change, int? written = null)
    {
        await Database.Commit(transaction =>
        {
            change(transaction);
            return Withdrawals.Review(world.Authority, transaction, Caller.Daemon, World.Now);
        });
        await world.Krl.Publish();
        var count = publication.Once(CancellationToken.None);
        if (written is { } expected)
            Assert.Equal(expected, count);
    }

    private static void Put(Transaction transaction, string name, string labels, bool push = false)
    {
        var before = transaction.Policy().Nodes.GetValueOrDefault(name);
        NodeRow.Table.Put(transaction, Sample.Node(name, labels.Split(',')) with { Id = before?.Id ?? Guid.NewGuid(), Revision = (before?.Revision ?? 0) + 1, Push = push });
    }

    private static void Group(Transaction transaction, string name, string selector)
    {
        if (!transaction.Policy().Groups.Any(one => one.Group.Name == name))
            NodeGroupRow.Table.Put(transaction, new NodeGroup(Guid.NewGuid(), name, 1, Sample.Where(selector)) { Token = NodeGroupRow.NewToken(name) });
    }

    private string Token(string group) => Database.Read(snapshot => snapshot.Policy().Groups.Single(one => one.Group.Name == group).Group.Token);

    private string[] Files() => [.. Directory.GetFiles(world.File("hosts/groups")).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    private GroupsFile Read(string node) => GroupsFile.Parse(world.AuditKey.TextOf(GroupsFile.Purpose, File.ReadAllBytes(At(node)))!)!;

    private string At(string node) => world.File($"hosts/groups/{node}");
}
