using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Users;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Access;
using CertAuthority.Tests.Unit.Jobs;
using CertAuthority.Tests.Unit.Store;
using World = CertAuthority.Tests.Unit.Store.World;

namespace CertAuthority.Tests.Unit.Operations;

/// <summary>A host that joins is a change of the policy like any other new node.</summary>
public sealed class JoinsTests : IAsyncLifetime
{
    private const string Key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

    private static readonly Administrator Root = new(new Caller(new UnixIdentity(0, "root"), IsRoot: true));
    private static readonly NodeGroup Prod = new(Guid.NewGuid(), "prod", 1, Sample.Where("env=prod")) { Token = "prod.0123456789abcdef" };

    private HostWorld world = null!;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Joined_host_is_in_its_groups_and_has_confirmed_nothing(bool byItself)
    {
        var token = (await Joins.CreateToken(world.Authority, Root, new CreateJoinToken("web1", Labels: new() { ["env"] = "prod" }, Admit: byItself))).Token.Split('.');
        var request = new JoinRequest("web1", "web1", World.Now, token[0], Key, Joins.HashOf(Joins.HashOf(token[1]) + Joins.HashOf("lines")), Joins.HashOf("lines"), "hash");
        Assert.Null(await Joins.Take(world.Authority, request, "SHA256:own"));
        if (!byItself)
            await Joins.Admit(world.Authority, Root, new AdmitJoin("web1"));
        var (node, members, unconfirmed) = world.Store.Database.Read(snapshot => (snapshot.Policy().Nodes["web1"], snapshot.MembersOf(Prod), snapshot.Unconfirmed([Prod])));
        Assert.Equal([node.Id], members);
        Assert.Equal([(Prod.Id, node.Id)], unconfirmed);
    }

    [Fact]
    public async Task Joins_that_are_over_are_removed_after_a_month()
    {
        // Admitted and refused; seen since, and not.
        foreach (var name in (string[])["web1", "web2", "web3"])
            Assert.Null(await Ask(name));
        await Joins.Admit(world.Authority, Root, new AdmitJoin("web1"));
        await Joins.Admit(world.Authority, Root, new AdmitJoin("web2"));
        await Joins.Refuse(world.Authority, Root, new RefuseJoin("web3"));
        Assert.Null(await Ask("web4"));
        var (web1, web2) = world.Store.Database.Read(snapshot => (snapshot.Policy().Nodes["web1"], snapshot.Policy().Nodes["web2"]));
        Assert.Equal(["web1", "web2"], world.Store.Database.Read(snapshot => snapshot.AdmittedJoins()).Select(join => join.Name));
        await Joins.GoOn(world.Authority, []);
        // The round reads only those that may have something left to do.
        Assert.Empty(world.Store.Database.Read(snapshot => snapshot.AdmittedJoins()));
        await world.Store.Database.Commit(transaction =>
        {
            transaction.SetReport(web1.Id, new NodeReport(World.Now, 1, null) { Received = World.Now });
            return true;
        });

        world.Clock.Now = World.Now.AddDays(31);
        await Joins.GoOn(world.Authority, []);
        Assert.Equal("web1 web2 web3 web4", All());
        world.Clock.Now = World.Now.AddDays(31).AddSeconds(1);
        await Joins.GoOn(world.Authority, []);
        // One host waits, and of one the join is all that was ever seen.
        Assert.Equal("web2 web4", All());
        Assert.Equal(World.Now, world.Store.Database.Read(snapshot => snapshot.NodeSeen(web2)));

        string All() => world.Store.Database.Read(snapshot => string.Join(' ', snapshot.Joins().Select(join => join.Name)));

        async Task<string?> Ask(string name)
        {
            var token = (await Joins.CreateToken(world.Authority, Root, new CreateJoinToken(name))).Token.Split('.');
            return await Joins.Take(world.Authority, new JoinRequest(name, name, World.Now, token[0], Key, Joins.HashOf(Joins.HashOf(token[1]) + Joins.HashOf("lines")), Joins.HashOf("lines"), "hash"), "SHA256:own");
        }
    }

    [Fact]
    public async Task Host_whose_certificate_cannot_be_made_stops_no_round()
    {
        foreach (var name in (string[])["web1", "web2"])
            await Admitted(name);
        await world.Store.Database.Commit(transaction => transaction.Execute("UPDATE joins SET key = 'no key' WHERE name = 'web1'"));

        Assert.Empty(await Joins.GoOn(world.Authority, []));

        Assert.StartsWith("the certificate of a host that was admitted is not signed: web1: ", Assert.Single(world.Authority.Stuck.All), StringComparison.Ordinal);
        Assert.NotNull(world.Store.Database.Read(snapshot => snapshot.HostCertificate(snapshot.Policy().Nodes["web2"])));

        // As a daemon that was killed before it signed.
        Task Admitted(string name) => world.Store.Database.Commit(transaction =>
        {
            NodeRow.Table.Put(transaction, HostWorld.Node(name));
            transaction.SetJoin(new Join(name, Key, name, Sample.Node(name).Labels, "0123456789abcdef", World.Now, "hash", JoinState.Admitted, Decided: World.Now, Node: transaction.Policy().Nodes[name].Id));
            return true;
        });
    }

    [Fact]
    public async Task Token_that_cannot_work_is_made_with_a_warning()
    {
        var made = await Joins.CreateToken(world.Authority, Root, new CreateJoinToken("web*", Uses: 2, Addresses: ["^.*$", "*.prod"], Admit: true));
        Assert.Equal(["the daemon has no publish_dir, so no host finds an answer", "the daemon has no reports_dir, so it sees no request of a host"], made.Warnings!);
        Assert.Equal("for web*, 2 uses, admits by itself, also at ^.*$ or *.prod", world.Store.Database.Read(snapshot => snapshot.AuditEntries(new ListAudit())).First(entry => entry.Event == AuditEvents.JoinTokenCreated.Name).Reason);

        await world.Store.Database.Commit(transaction =>
        {
            NodeRow.Table.Put(transaction, HostWorld.Node("db1"));
            return true;
        });
        await Nodes.Certify(world.Authority, Root, new CertifyHost("db1", Key));
        var ca = world.Authority with { ReportsDirectory = "/reports" };
        const string other = "there is a node db1 already, and a host joins under its name only with the host key that the node has";
        Assert.Equal(other, (await Joins.CreateToken(ca, Root, new CreateJoinToken("db1"))).Warnings![^1]);
        Assert.Equal(other, (await Joins.CreateToken(ca, Root, new CreateJoinToken("db1", HostKey: "SHA256:Yq8oJrDYLG6q6nPzNqmnbMFyMpXlxCyZ2J3PYiMNVAs"))).Warnings![^1]);
        Assert.DoesNotContain(other, (await Joins.CreateToken(ca, Root, new CreateJoinToken("db1", HostKey: CertAuthority.Keys.Fingerprint.Compute(CertAuthority.OpenSsh.PublicKey.ParseLine(Key))))).Warnings!);
    }

    public async Task InitializeAsync()
    {
        world = await HostWorld.Start();
        await world.Krl.StartAsync(CancellationToken.None);
        await world.Store.Database.Commit(transaction =>
        {
            NodeGroupRow.Table.Put(transaction, Prod);
            return Withdrawals.Review(world.Authority, transaction, Root.Caller, World.Now);
        });
        await world.Krl.Publish();
    }

    public async Task DisposeAsync()
    {
        await world.Krl.StopAsync(CancellationToken.None);
        await world.DisposeAsync();
    }
}
