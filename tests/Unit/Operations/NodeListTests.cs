using CertAuthority.Access.Nodes;
using CertAuthority.Access.Users;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Jobs;
using World = CertAuthority.Tests.Unit.Store.World;

namespace CertAuthority.Tests.Unit.Operations;

/// <summary>Lists of hosts: by words, by errors, and in pages.</summary>
public sealed class NodeListTests : IAsyncLifetime
{
    private static readonly Administrator Root = new(new Caller(new UnixIdentity(0, "root"), IsRoot: true));

    private HostWorld hosts = null!;

    public async Task InitializeAsync() => hosts = await HostWorld.Start(
        Node("db1", ("env", "prod")), Node("db10", ("env", "test")), Node("db2", ("env", "prod")), Node("web1", ("team", "DB")), Node("web2", ("env", "prod")));

    public async Task DisposeAsync() => await hosts.DisposeAsync();

    [Theory]
    [InlineData(null, "db1 db10 db2 web1 web2")]
    [InlineData("db", "db1 db10 db2 web1")]
    [InlineData("DB env=PROD", "db1 db2")]
    [InlineData("web2.example", "web2")]
    [InlineData("env=", "db1 db10 db2 web2")]
    [InlineData("nv=pr", "db1 db2 web2")]
    [InlineData("db web2", "")]
    public async Task Every_word_must_be_in_name_address_or_label(string? search, string names) =>
        Assert.Equal(names, string.Join(' ', (await Nodes.List(hosts.Authority, Root, new ListNodes(search))).Nodes.Select(node => node.Name)));

    [Fact]
    public async Task Pages_follow_each_other_to_the_end()
    {
        var pages = new List<string>();
        for (string? after = null; ;)
        {
            var page = await Nodes.List(hosts.Authority, Root, new ListNodes("db", Limit: 2, After: after));
            pages.Add(string.Join(' ', page.Nodes.Select(node => node.Name)));
            if ((after = page.Next) is null)
                break;
        }
        Assert.Equal(["db1 db10", "db2 web1"], pages);
        var whole = await Nodes.List(hosts.Authority, Root, new ListNodes());
        Assert.Equal((5, null), (whole.Nodes.Length, whole.Next));
        Assert.Equal("limit takes a number from 1 up", (await Assert.ThrowsAsync<ProblemException>(() => Nodes.List(hosts.Authority, Root, new ListNodes(Limit: 0)))).Problem.Detail);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(100)]
    public async Task Failing_hosts_are_those_whose_last_write_failed(int? limit)
    {
        await hosts.Store.Database.Commit(transaction =>
        {
            foreach (var name in (string[])["db1", "db2", "web1"])
                transaction.SetSyncFailed(transaction.Policy().Nodes[name], "no route", World.Now);
            transaction.SetSynced(transaction.Policy().Nodes["db2"], 7, World.Now);
            // The daemon no longer writes to this one.
            NodeRow.Table.Put(transaction, transaction.Policy().Nodes["web1"] with { Push = false });
            return true;
        });
        var listed = (await Nodes.List(hosts.Authority, Root, new ListNodes(Failing: true, Limit: limit))).Nodes;
        Assert.Equal("no route", Assert.Single(listed).Sync!.Failure);
        Assert.Equal("db1", listed[0].Name);
        var all = (await Nodes.List(hosts.Authority, Root, new ListNodes(Limit: limit))).Nodes;
        Assert.Equal(["db1: no route", "db10: ", "db2: ", "web1: ", "web2: "], all.Select(node => $"{node.Name}: {node.Sync?.Failure}"));
        Assert.Equal("7", all[2].Sync!.KrlVersion);
    }

    private static Node Node(string name, (string Key, string Value) label)
    {
        var node = HostWorld.Node(name) with { Push = true };
        return node with { Labels = node.Labels.Add(label.Key, label.Value) };
    }
}
