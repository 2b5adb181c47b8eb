using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Users;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Access;
using CertAuthority.Tests.Unit.Jobs;
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
